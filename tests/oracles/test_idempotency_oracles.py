"""The Idempotency-Key header against http-sf and against the header that Stripe's client sends."""

import http_sf
import pytest
from deviations_idempotency import DEVIATIONS
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.idempotency.key import STRICT, KeyFormat, quoted

BARE_UUID = "8e03978e-40d5-43e8-bc93-6894a57f9324"


def ours(value, form=STRICT):
    """The key, or None when the value is refused."""
    try:
        return form.read(value)
    except ValueError:
        return None


def theirs(value):
    """The String that http-sf finds, or None when it finds something else, or nothing."""
    try:
        item, _ = http_sf.parse(value.encode("ascii"), tltype="item")
    except ValueError:
        return None
    return item if type(item) is str else None


# Half are strings with parameters that nearly parse, half are soup.
NEARLY = st.builds(
    "{}{}{}".format,
    st.text(alphabet='ab"\\ ', max_size=6).map(lambda text: f'"{text}"'),
    st.text(alphabet=';=a1B?:@" ', max_size=5),
    st.sampled_from(["", " ", ", x", ";q"]),
)
SOUP = st.text(alphabet=[chr(code) for code in range(32, 127)] + ["é", "\x7f", "\x00"], max_size=12)


@pytest.mark.slow
@settings(max_examples=1_000)
@given(NEARLY | SOUP)
def test_strict_reads_what_http_sf_reads(value):
    """On generated values STRICT accepts and decodes exactly the Strings of http-sf, but for the empty one."""
    expected = theirs(value)
    assert ours(value) == (expected or None)


@settings(max_examples=300)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_quoted_is_what_http_sf_writes(key):
    """Our header value and http-sf's serialisation are the same bytes."""
    assert quoted(key) == http_sf.ser(key)


def sent_by_stripe(monkeypatch):
    """The Idempotency-Key that Stripe's client puts on a POST of its own accord."""
    import stripe

    sent = {}

    class Recorder(stripe.HTTPClient):
        name = "recorder"

        def request(self, method, url, headers, post_data=None):
            sent.update(headers)
            return '{"id":"pi_1","object":"payment_intent"}', 200, {}

        def close(self):
            pass

    client = stripe.StripeClient("sk_test_nothing", http_client=Recorder())
    client.v1.payment_intents.create({"amount": 2_000, "currency": "inr"})
    return sent["Idempotency-Key"]


def key_empty_string(monkeypatch):
    assert ours('""') is None
    assert theirs('""') == ""


def key_length(monkeypatch):
    assert ours(quoted("k" * 256)) is None
    assert theirs(quoted("k" * 256)) == "k" * 256


def key_tab_around(monkeypatch):
    assert ours('\t"k"\t') == "k"
    assert theirs('\t"k"\t') is None


def key_bare(monkeypatch):
    assert ours(BARE_UUID, KeyFormat()) == BARE_UUID
    with pytest.raises(http_sf.StructuredFieldError):
        http_sf.parse(BARE_UUID.encode(), tltype="item")
    token, _ = http_sf.parse(b"abc-123", tltype="item")
    assert isinstance(token, http_sf.Token)


def key_stripe_client(monkeypatch):
    value = sent_by_stripe(monkeypatch)
    assert len(value) == 36
    assert '"' not in value
    assert ours(value) is None
    assert ours(value, KeyFormat()) == value


CASES = {
    "key-empty-string": key_empty_string,
    "key-length": key_length,
    "key-tab-around": key_tab_around,
    "key-bare": key_bare,
    "key-stripe-client": key_stripe_client,
}


@pytest.mark.parametrize("ident", CASES)
def test_the_deviation_is_real_on_both_sides(ident, monkeypatch):
    """Each labelled deviation is what we do and what the library does."""
    CASES[ident](monkeypatch)


def test_every_deviation_has_its_case():
    """The table of deviations and the cases that prove them are the same set."""
    assert [row[0] for row in DEVIATIONS] == list(CASES)
    assert all(len(row) == 5 and all(row) for row in DEVIATIONS)
