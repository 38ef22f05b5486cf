"""The Idempotency-Key header: the draft's form, the vendors' form, and everything else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.idempotency.key import STRICT, KeyFormat, quoted

UUID = "8e03978e-40d5-43e8-bc93-6894a57f9324"
LENIENT = KeyFormat()


@pytest.mark.parametrize(
    ("value", "strict", "lenient"),
    [
        (f'"{UUID}"', UUID, UUID),
        (f' \t"{UUID}"  ', UUID, UUID),
        ('"a key with spaces"', "a key with spaces", "a key with spaces"),
        (r'"say \"hi\" \\ bye"', 'say "hi" \\ bye', 'say "hi" \\ bye'),
        ('"k";v=1;urgent', "k", "k"),
        (UUID, None, UUID),
        ("abc-123", None, "abc-123"),
        ("a;v=1", None, "a;v=1"),
        ("?1", None, "?1"),
        (":YWJj:", None, ":YWJj:"),
        ("'k'", None, "'k'"),
        ("", None, None),
        ("   ", None, None),
        ('""', None, None),
        ('"open', None, None),
        ('close"', None, None),
        ('"a" "b"', None, None),
        ('"a", "b"', None, None),
        ("a, b", None, None),
        ("a,b", None, None),
        ("a b", None, None),
        ("a\nb", None, None),
        ('"a\tb"', None, None),
        ('"é"', None, None),
        ("é", None, None),
        ("\x00", None, None),
        (r'"bad \escape"', None, None),
        ('"k";X=1', None, None),
        ('"' + "k" * 255 + '"', "k" * 255, "k" * 255),
        ('"' + "k" * 256 + '"', None, None),
        ("k" * 256, None, None),
        ("k" * 1_000_000, None, None),
    ],
)
def test_the_two_readings(value, strict, lenient):
    """The draft takes one string in quotes, vendors one bare value; nothing else is a key."""
    for form, expected in ((STRICT, strict), (LENIENT, lenient)):
        if expected is None:
            with pytest.raises(ValueError, match=r"^Idempotency-Key must "):
                form.read(value)
        else:
            assert form.read(value) == expected


def test_a_bare_uuid_is_refused_by_the_draft():
    """Q-09.8: the guide's own `abc-123` and any bare UUID are refused by a server that follows the draft."""
    for value in ("abc-123", UUID):
        with pytest.raises(ValueError, match="must be one string in quotes"):
            STRICT.read(value)


def test_a_missing_key_is_named():
    """Without the header the sentence says which header is required."""
    with pytest.raises(ValueError, match=r"^Idempotency-Key is required for this request$"):
        LENIENT.read(None)


def test_both_spellings_are_one_key():
    """A client that quotes its key at the second attempt only still means the same key."""
    assert LENIENT.read(UUID) == LENIENT.read(quoted(UUID)) == LENIENT.read(f'"{UUID}";retry=1')


def test_limits_are_the_servers():
    """A server sets its own shortest and longest key, and says both."""
    form = KeyFormat(shortest=8, longest=36)
    assert form.read(UUID) == UUID
    for value in ("short", "x" * 37):
        with pytest.raises(ValueError, match=f"^Idempotency-Key must have 8 to 36 characters, got {len(value)}$"):
            form.read(value)


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"shortest": 0}, "shortest must be at least 1, got 0"),
        ({"longest": 0}, "longest must be at least 1, got 0"),
        ({"shortest": 9, "longest": 8}, "longest must be at least shortest = 9, got 8"),
        ({"longest": 1.5}, "longest must be a whole number, got 1.5"),
    ],
)
def test_limits_are_checked(settings_, message):
    """A format that no key can have is refused when it is made."""
    with pytest.raises(ValueError, match=message):
        KeyFormat(**settings_)


def test_a_sentence_does_not_repeat_a_megabyte():
    """A refused value is shown shortened."""
    with pytest.raises(ValueError) as caught:
        LENIENT.read('"' + "é" * 1_000_000)
    assert len(str(caught.value)) < 200


@settings(max_examples=300)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=255))
def test_what_is_quoted_is_read_back(key):
    """Every key of printable ASCII survives the way to the header and back, in both readings."""
    assert STRICT.read(quoted(key)) == LENIENT.read(quoted(key)) == key


@settings(max_examples=200)
@given(st.text(max_size=20).filter(lambda text: any(not " " <= sign <= "~" for sign in text)))
def test_what_cannot_be_quoted_is_refused(key):
    """A Structured Field String carries printable ASCII only."""
    with pytest.raises(ValueError, match="a key must be printable ASCII"):
        quoted(key)


@settings(max_examples=500)
@given(st.one_of(st.text(), st.text(alphabet='"\\;=,a1 \t?@:%*é', max_size=12)))
def test_any_header_is_a_key_or_a_sentence(value):
    """Whatever stands in the header, the answer is a printable key of allowed length, or one sentence."""
    for form in (LENIENT, STRICT):
        key, sentence = answer(form, value)
        if key is None:
            assert sentence.startswith("Idempotency-Key must ")
            assert "\n" not in sentence
        else:
            assert 1 <= len(key) <= 255
            assert key.isascii()
            assert key.isprintable()


def answer(form, value):
    """The key and None, or None and the sentence."""
    try:
        return form.read(value), None
    except ValueError as error:
        return None, str(error)
