"""Our signatures against stripe and standardwebhooks, in both directions, with every difference on the table."""

import base64
import types

import pytest
import standardwebhooks.webhooks as library
import stripe
import stripe._webhook
from deviations_signing import DEVIATIONS
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request
from sim.policies.webhooks.signing import Rejected, StandardScheme, StripeScheme, Verified

NOW = 1_700_000_000
BODY = '{"id":"evt_1","amount":2000}'
SECRET, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_b2xkIHNlY3JldCBvZiBvdXJz"
OFFICIAL = ('{"test": 2432232314}', "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330)
DAY = 86_400


def stripe_accepts(header, body, secret, at, tolerance=300):
    """What stripe-python says at the instant *at*: True, or False for its own exception; others are let out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stripe._webhook, "time", types.SimpleNamespace(time=lambda: at))
        try:
            return stripe.WebhookSignature.verify_header(body, header, secret, tolerance)
        except stripe.SignatureVerificationError:
            return False


def library_accepts(headers, body, secret, at, **options):
    """What standardwebhooks says at the instant *at*: True, or False for its own exception; others are let out."""

    class Clock(library.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(at, tz=tz)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "datetime", Clock)
        try:
            library.Webhook(secret).verify(body, headers, **options)
        except library.WebhookVerificationError:
            return False
        return True


def library_headers(secret, ident, at, body):
    """The headers that standardwebhooks makes."""
    moment = library.datetime.fromtimestamp(at, tz=library.timezone.utc)
    signature = library.Webhook(secret).sign(ident, moment, body)
    return {"webhook-id": ident, "webhook-timestamp": str(at), "webhook-signature": signature}


def ours(scheme, headers, body, at):
    """What our scheme says, as a bool."""
    raw = body.encode() if isinstance(body, str) else body
    return isinstance(scheme.verify(Request(headers=headers, body=raw), at), Verified)


def stripe_header(value):
    return {"Stripe-Signature": value}


bodies = st.text(max_size=100).filter(lambda text: not any("\ud800" <= one <= "\udfff" for one in text))
keys = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=40).filter(str.strip)
ids = st.text("abcXYZ019_-", min_size=1, max_size=40)


@settings(max_examples=150)
@given(body=bodies, secret=keys, at=st.integers(1, 4 * 10**9), age=st.integers(-2, 302))
def test_stripe_and_we_sign_and_accept_the_same(body, secret, at, age):
    """Byte for byte the same header; each accepts the other's, up to the same second of age."""
    scheme = StripeScheme(secret, future=float("inf"))
    header = scheme.sign(body.encode(), "", at)["Stripe-Signature"]
    assert header == stripe.WebhookSignature.generate_signature_header(body, secret, at)
    assert stripe_accepts(header, body, secret, at + age) == ours(scheme, stripe_header(header), body, at + age)


@settings(max_examples=150)
@given(
    body=bodies,
    key=st.binary(min_size=1, max_size=64),
    ident=ids,
    at=st.integers(1, 4 * 10**9),
    age=st.integers(-302, 302),
)
def test_standardwebhooks_and_we_sign_and_accept_the_same(body, key, ident, at, age):
    """Byte for byte the same headers; each accepts the other's, on both sides of the window."""
    secret = "whsec_" + base64.b64encode(key).decode()
    scheme = StandardScheme(secret)
    headers = scheme.sign(body.encode(), ident, at)
    assert headers == library_headers(secret, ident, at, body)
    theirs = library_accepts(headers, body, secret, at + age, json_parse=False)
    assert theirs == ours(scheme, headers, body, at + age) == (abs(age) <= 300)


@pytest.mark.parametrize(
    ("age", "stripes"), [(-DAY, True), (-301, True), (-299, True), (0, True), (299, True), (300, True), (301, False)]
)
def test_the_time_window_of_stripe(age, stripes):
    """299 s old is accepted, 301 s not; it never looks ahead. Our future=inf draws the same window."""
    header = stripe.WebhookSignature.generate_signature_header(BODY, SECRET, NOW)
    assert stripe_accepts(header, BODY, SECRET, NOW + age) is stripes
    assert ours(StripeScheme(SECRET, future=float("inf")), stripe_header(header), BODY, NOW + age) is stripes


@pytest.mark.parametrize("age", [-302, -301, -300, -299, 0, 299, 300, 301])
def test_the_time_window_of_standardwebhooks(age):
    """299 s is accepted on both sides, 301 s on neither; ours is the same window."""
    headers = library_headers(SECRET, "msg_1", NOW, BODY)
    assert library_accepts(headers, BODY, SECRET, NOW + age) is (abs(age) <= 300)
    assert ours(StandardScheme(SECRET), headers, BODY, NOW + age) is (abs(age) <= 300)


def test_both_reject_the_official_invalid_fixture_and_the_raw_secret():
    """One letter wrong, or the secret used without decoding it: neither library nor ours accepts."""
    body, ident, at = OFFICIAL
    good = {"webhook-id": ident, "webhook-timestamp": str(at)}
    right = {**good, "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}
    letter = {**good, "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA="}
    raw = {**good, "webhook-signature": "v1,TcxlhK9b6UD6iVI1ZU2tTqp8PEVfYRseNNfa6b+LcUg="}
    for headers, accepted in ((right, True), (letter, False), (raw, False)):
        assert library_accepts(headers, body, SECRET, at) is accepted
        assert ours(StandardScheme(SECRET), headers, body, at) is accepted


def test_a_rotation_is_understood_by_both_libraries():
    """A message that we sign with two secrets is accepted by a receiver that knows either."""
    header = StripeScheme((SECRET, OTHER)).sign(BODY.encode(), "", NOW)["Stripe-Signature"]
    assert all(stripe_accepts(header, BODY, secret, NOW) for secret in (SECRET, OTHER))
    headers = StandardScheme((SECRET, OTHER)).sign(BODY.encode(), "msg_1", NOW)
    assert all(library_accepts(headers, BODY, secret, NOW) for secret in (SECRET, OTHER))


@settings(max_examples=200)
@given(parts=st.lists(st.sampled_from(["t", "v1", "v0", "t=5", f"t={NOW}", "GOOD", "v1=", "v1=00", ""]), max_size=5))
def test_stripe_and_we_read_the_same_headers(parts):
    """Headers put together from good and bad parts: the same verdict, but for two timestamps."""
    good = stripe.WebhookSignature.generate_signature_header(BODY, SECRET, NOW).partition(",")[2]
    header = ",".join(good if part == "GOOD" else part for part in parts)
    if sum(part.startswith("t") for part in parts) <= 1:
        scheme = StripeScheme(SECRET, future=float("inf"))
        assert stripe_accepts(header, BODY, SECRET, NOW) == ours(scheme, stripe_header(header), BODY, NOW)


def signing_future_timestamp():
    header = stripe.WebhookSignature.generate_signature_header(BODY, SECRET, NOW + DAY)
    assert stripe_accepts(header, BODY, SECRET, NOW)
    assert not ours(StripeScheme(SECRET), stripe_header(header), BODY, NOW)


def signing_tolerance_omitted():
    header = stripe.WebhookSignature.generate_signature_header(BODY, SECRET, 12_345)
    assert stripe_accepts(header, BODY, SECRET, NOW, tolerance=None)
    assert stripe_accepts(header, BODY, SECRET, NOW, tolerance=0)
    assert not ours(StripeScheme(SECRET), stripe_header(header), BODY, NOW)
    assert not ours(StripeScheme(SECRET, past=0.0), stripe_header(header), BODY, NOW)
    assert ours(StripeScheme(SECRET, past=0.0), stripe_header(header), BODY, 12_345)


def signing_two_timestamps():
    header = stripe.WebhookSignature.generate_signature_header(BODY, SECRET, NOW) + ",t=5"
    assert stripe_accepts(header, BODY, SECRET, NOW)
    assert not ours(StripeScheme(SECRET), stripe_header(header), BODY, NOW)


def signing_loose_integer():
    good = stripe.WebhookSignature.generate_signature_header(BODY, SECRET, NOW).partition(",")[2]
    for spelling in (f" {NOW}", f"+{NOW}", "1_700_000_000", "١٧٠٠٠٠٠٠٠٠"):
        header = f"t={spelling},{good}"
        assert stripe_accepts(header, BODY, SECRET, NOW)
        assert not ours(StripeScheme(SECRET), stripe_header(header), BODY, NOW)


def signing_second_equals_sign():
    header = stripe.WebhookSignature.generate_signature_header(BODY, SECRET, NOW) + "=junk"
    assert stripe_accepts(header, BODY, SECRET, NOW)
    assert not ours(StripeScheme(SECRET), stripe_header(header), BODY, NOW)


def signing_body_not_text():
    headers = StripeScheme(SECRET).sign(b"\xff", "", NOW)
    with pytest.raises(UnicodeDecodeError):
        stripe_accepts(headers["Stripe-Signature"], b"\xff", SECRET, NOW)
    assert ours(StripeScheme(SECRET), headers, b"\xff", NOW)


def signing_signature_not_ascii():
    with pytest.raises(TypeError):
        stripe_accepts(f"t={NOW},v1=é", BODY, SECRET, NOW)
    assert not ours(StripeScheme(SECRET), stripe_header(f"t={NOW},v1=é"), BODY, NOW)


def signing_long_header():
    header = stripe.WebhookSignature.generate_signature_header(BODY, SECRET, NOW) + ",v1=0" * 1_000
    assert stripe_accepts(header, BODY, SECRET, NOW)
    assert not ours(StripeScheme(SECRET), stripe_header(header), BODY, NOW)


def signing_fraction_of_a_second():
    for spelling in (f"{NOW}.9", "1.7e9"):
        headers = {**library_headers(SECRET, "msg_1", NOW, BODY), "webhook-timestamp": spelling}
        assert library_accepts(headers, BODY, SECRET, NOW)
        assert not ours(StandardScheme(SECRET), headers, BODY, NOW)


def signing_full_stop_in_id():
    headers = library_headers(SECRET, "a", NOW, "1700000100.5")
    moved = {**headers, "webhook-id": f"a.{NOW}", "webhook-timestamp": "1700000100"}
    assert library_accepts(headers, "1700000100.5", SECRET, NOW)
    assert library_accepts(moved, "5", SECRET, NOW)
    assert not ours(StandardScheme(SECRET), moved, "5", NOW)
    with pytest.raises(ValueError, match="message_id"):
        StandardScheme(SECRET).sign(b"5", "a.1", NOW)


def signing_malformed_entry():
    headers = library_headers(SECRET, "msg_1", NOW, BODY)
    good = headers["webhook-signature"]
    for entry, error in (("v1", ValueError), ("v1,a,b", ValueError), ("v1,a", base64.binascii.Error)):
        spoilt = {**headers, "webhook-signature": f"{entry} {good}"}
        with pytest.raises(error):
            library_accepts(spoilt, BODY, SECRET, NOW)
        assert ours(StandardScheme(SECRET), spoilt, BODY, NOW)


def signing_other_base64():
    body, ident, at = OFFICIAL
    headers = library_headers(SECRET, ident, at, body)
    for signature in ("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=", headers["webhook-signature"] + "!!"):
        spelt = {**headers, "webhook-signature": signature}
        assert library_accepts(spelt, body, SECRET, at)
        assert not ours(StandardScheme(SECRET), spelt, body, at)


def signing_body_not_json():
    headers = StandardScheme(SECRET).sign(b"no json", "msg_1", NOW)
    with pytest.raises(library.json.JSONDecodeError):
        library_accepts(headers, b"no json", SECRET, NOW)
    assert library_accepts(headers, b"no json", SECRET, NOW, json_parse=False)
    assert ours(StandardScheme(SECRET), headers, b"no json", NOW)
    headers = StandardScheme(SECRET).sign(b"\xff", "msg_1", NOW)
    with pytest.raises(UnicodeDecodeError):
        library_accepts(headers, b"\xff", SECRET, NOW)
    assert ours(StandardScheme(SECRET), headers, b"\xff", NOW)


def signing_loose_secret():
    mistyped = SECRET.replace("whsec_", "whsec_!!!!")
    headers = library_headers(SECRET, "msg_1", NOW, BODY)
    assert library_accepts(headers, BODY, mistyped, NOW)
    with pytest.raises(ValueError, match="base64"):
        StandardScheme(mistyped)


def signing_several_secrets():
    headers = library_headers(OTHER, "msg_1", NOW, BODY)
    assert not library_accepts(headers, BODY, SECRET, NOW)
    with pytest.raises(RuntimeError):
        library.Webhook((SECRET, OTHER))
    assert ours(StandardScheme((SECRET, OTHER)), headers, BODY, NOW)


def signing_time_zone():
    east = library.timezone(library.timedelta(hours=2))
    signature = library.Webhook(SECRET).sign("msg_1", library.datetime.fromtimestamp(NOW, tz=east), BODY)
    assert signature == library_headers(SECRET, "msg_1", NOW + 7_200, BODY)["webhook-signature"]
    assert signature != StandardScheme(SECRET).sign(BODY.encode(), "msg_1", NOW)["webhook-signature"]


@pytest.mark.parametrize("ident", [row[0] for row in DEVIATIONS])
def test_deviation(ident):
    """Each labelled deviation, on both sides: what the library does, and what we do instead."""
    globals()[ident.replace("-", "_")]()


def test_every_deviation_is_whole_and_has_its_test():
    """Five short texts a row, no ident twice, and no check without a row."""
    idents = [row[0] for row in DEVIATIONS]
    assert all(len(row) == 5 and all(isinstance(cell, str) and cell for cell in row) for row in DEVIATIONS)
    checks = [name for name in globals() if name.startswith("signing_")]
    assert sorted(ident.replace("-", "_") for ident in idents) == sorted(checks)


def test_neither_side_accepts_what_the_other_secret_signed():
    """The baseline of all of the above."""
    header = StripeScheme(OTHER).sign(BODY.encode(), "", NOW)
    assert not stripe_accepts(header["Stripe-Signature"], BODY, SECRET, NOW)
    assert isinstance(StripeScheme(SECRET).verify(Request(headers=header, body=BODY.encode()), NOW), Rejected)
