"""Cursors: what comes back is exactly what was given out, or one sentence."""

import base64

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sim.policies.paging.cursor import LONGEST, Cursor, PlainCursors, SignedCursors

OURS = SignedCursors(secrets=(b"ours",), lifetime=60.0)
THEIRS = SignedCursors(secrets=(b"theirs",), lifetime=60.0)
EDGE = Cursor((1_700_000_000, 42))
SCOPE = "newest shoes"

scalars = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
)
cursors = st.builds(Cursor, st.lists(scalars, min_size=1, max_size=3).map(tuple), st.booleans())
instants = st.floats(-1e12, 1e12)


@settings(max_examples=150)
@given(cursors, st.text(max_size=30), instants)
def test_a_cursor_comes_back_as_it_was_given_out(cursor, scope, now):
    """Whatever the position, the list and the instant: what is read is what was written, in the alphabet of URLs."""
    text = OURS.write(cursor, scope, now)
    assert OURS.read(text, scope, now) == cursor
    assert len(text) <= LONGEST
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(
    ("text", "scope", "now", "sentence"),
    [
        pytest.param(OURS.write(EDGE, SCOPE, 0.0), "oldest shoes", 0.0, "belongs to another list", id="another list"),
        pytest.param(OURS.write(EDGE, SCOPE, 0.0), SCOPE, 60.0, "has expired", id="expired at its very end"),
        pytest.param(OURS.write(EDGE, SCOPE, 0.0), SCOPE, 1e300, "has expired", id="far in the future"),
        pytest.param(THEIRS.write(EDGE, SCOPE, 0.0), SCOPE, 0.0, "damaged, or was not given out here", id="foreign"),
        pytest.param(OURS.write(EDGE, SCOPE, 0.0)[:-4], SCOPE, 0.0, "damaged", id="truncated"),
        pytest.param(OURS.write(EDGE, SCOPE, 0.0)[:10], SCOPE, 0.0, "damaged", id="shorter than its seal"),
        pytest.param(OURS.write(EDGE, SCOPE, 0.0) + "=", SCOPE, 0.0, "damaged", id="padded"),
        pytest.param(PlainCursors().write(EDGE, SCOPE, 0.0), SCOPE, 0.0, "version", id="not sealed at all"),
        pytest.param("", SCOPE, 0.0, "damaged", id="empty"),
        pytest.param("ä", SCOPE, 0.0, "damaged", id="not ASCII"),
        pytest.param("A" * (LONGEST + 4), SCOPE, 0.0, "damaged", id="huge"),
    ],
)
def test_whatever_is_wrong_with_a_cursor_is_one_sentence(text, scope, now, sentence):
    """Another list, another signer, another version, too late, damaged: each is told, none is Base64's exception."""
    with pytest.raises(ValueError, match=sentence):
        OURS.read(text, scope, now)


def test_it_is_good_until_the_instant_before_it_expires():
    """A lifetime of 60 s from 0 s: at 59.999 s it is read, and without a lifetime at any time."""
    assert OURS.read(OURS.write(EDGE, SCOPE, 0.0), SCOPE, 59.999) == EDGE
    for_ever = SignedCursors(secrets=(b"ours",), lifetime=None)
    assert for_ever.read(for_ever.write(EDGE, SCOPE, 0.0), SCOPE, 1e15) == EDGE


def test_no_single_character_can_be_changed():
    """Every one of the text's characters, replaced by another one, makes it unreadable: no bit is left unsealed."""
    text = OURS.write(EDGE, SCOPE, 0.0)
    for place, old in enumerate(text):
        changed = text[:place] + ("A" if old != "A" else "B") + text[place + 1 :]
        with pytest.raises(ValueError):
            OURS.read(changed, SCOPE, 0.0)


@settings(max_examples=200)
@given(st.one_of(st.text(max_size=80), st.binary(max_size=80).map(lambda raw: base64.urlsafe_b64encode(raw).decode())))
def test_any_text_is_refused_with_a_sentence(text):
    """A fuzzed text is never a cursor of ours, and a plain one only when it is a JSON array with a direction."""
    with pytest.raises(ValueError, match="begin again with the first page"):
        OURS.read(text, SCOPE, 0.0)
    read = result_of(PlainCursors().read, text, SCOPE, 0.0)
    assert isinstance(read, Cursor) or "begin again" in read


def result_of(function, *arguments):
    """What the function returns, or the sentence of its `ValueError`."""
    try:
        return function(*arguments)
    except ValueError as error:
        return str(error)


@settings(max_examples=100)
@given(cursors, st.data())
def test_a_changed_byte_is_a_broken_seal(cursor, data):
    """One flipped bit anywhere behind the Base64 is noticed."""
    raw = bytearray(base64.urlsafe_b64decode(padded(OURS.write(cursor, SCOPE, 0.0))))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    assume(raw[0])
    with pytest.raises(ValueError, match="begin again"):
        OURS.read(base64.urlsafe_b64encode(raw).decode().rstrip("="), SCOPE, 0.0)


def padded(text):
    """The text with its padding."""
    return text + "=" * (-len(text) % 4)


def test_secrets_rotate_while_cursors_are_out():
    """The new secret signs, the old one still verifies; when it is dropped its cursors are strangers."""
    both = SignedCursors(secrets=(b"new", b"ours"))
    old = OURS.write(EDGE, SCOPE, 0.0)
    assert both.read(old, SCOPE, 0.0) == EDGE
    new = both.write(EDGE, SCOPE, 0.0)
    assert SignedCursors(secrets=(b"new",)).read(new, SCOPE, 0.0) == EDGE
    with pytest.raises(ValueError, match="not given out here"):
        SignedCursors(secrets=(b"new",)).read(old, SCOPE, 0.0)


def test_a_plain_cursor_can_be_written_by_anybody_for_any_list():
    """Base64 is not a seal: decode, change the id, encode, and the server takes it, for whichever list."""
    text = PlainCursors().write(EDGE, SCOPE, 0.0)
    assert base64.urlsafe_b64decode(text) == b"[false,1700000000,42]"
    forged = base64.urlsafe_b64encode(b"[false,0,0]").decode()
    assert PlainCursors().read(forged, "somebody else's orders", 1e12) == Cursor((0, 0))


@pytest.mark.parametrize(
    "position", [(), (1, 2, 3, 4), (None,), (True,), (2**63,), (float("nan"),), ("x" * 301,), [1], ((1,),)]
)
def test_a_position_that_no_row_can_have_is_refused(position):
    """Numbers a database cannot hold, no parts, too many, or something that is no value at all."""
    with pytest.raises(ValueError, match="position must hold"):
        Cursor(position)


@pytest.mark.parametrize(
    ("settings_", "sentence"),
    [
        ({"secrets": ()}, "secrets must be a tuple of at least one secret"),
        ({"secrets": (b"",)}, "secrets must be a tuple"),
        ({"secrets": b"ours"}, "secrets must be a tuple"),
        ({"secrets": (b"x",), "lifetime": 0.0}, "lifetime must be more than 0"),
    ],
)
def test_a_codec_checks_its_configuration(settings_, sentence):
    """The mistake is told at construction."""
    with pytest.raises(ValueError, match=sentence):
        SignedCursors(**settings_)


def test_secrets_are_not_shown():
    """A printed codec keeps its secrets."""
    assert "ours" not in repr(OURS)
