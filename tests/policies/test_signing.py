"""Signature schemes: vectors, tolerance, rotation, raw bytes, and everything malformed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request
from sim.policies import fresh
from sim.policies.webhooks.signing import Rejected, ReplayGuard, StandardScheme, StripeScheme, Verified

NOW = 1_700_000_000
BODY = b'{"id":"evt_1","amount":2000}'
OLD, NEW = "whsec_b2xkIHNlY3JldCBvZiBvdXJz", "whsec_bmV3IHNlY3JldCBvZiBvdXJz"
GUIDE_SECRET = "whsec_abc123xyz"
SCHEMES = [pytest.param(StripeScheme, id="stripe"), pytest.param(StandardScheme, id="standard")]


def signed(scheme, body=BODY, at=NOW):
    """A request that *scheme* signed at *at*."""
    return Request(path="/webhooks", headers=scheme.sign(body, "msg_1", at), body=body)


def altered(request, **headers):
    """The request with some headers replaced; None takes one away."""
    kept = {name: value for name, value in {**request.headers, **headers}.items() if value is not None}
    return Request(path=request.path, headers=kept, body=request.body)


def reason(verdict):
    """The sentence of a rejection."""
    assert isinstance(verdict, Rejected), verdict
    return verdict.reason


def test_the_guides_example_gives_stripes_signature():
    """Secret, timestamp and body of the guide give the very header that stripe-python and stripe-node make."""
    header = StripeScheme(GUIDE_SECRET).sign(BODY, "", NOW)
    mac = "87c219e65a1ea15adda21a4957d7e22cc1fe1214d773cf0850a4185fc9945005"
    assert header == {"Stripe-Signature": f"t={NOW},v1={mac}"}


def test_the_official_vector_of_standard_webhooks():
    """The vector that all of the specification's own libraries test."""
    scheme = StandardScheme("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = scheme.sign(b'{"test": 2432232314}', "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_the_guides_header_name_is_a_setting():
    """The same signature may travel as X-Signature."""
    scheme = StripeScheme(GUIDE_SECRET, header="X-Signature")
    request = signed(scheme)
    assert list(request.headers) == ["X-Signature"]
    assert isinstance(scheme.verify(request, NOW), Verified)


@pytest.mark.parametrize("kind", SCHEMES)
def test_what_was_signed_verifies_and_tells_when(kind):
    """A verdict carries the timestamp, and the id where the scheme signs one."""
    verdict = kind(NEW).verify(signed(kind(NEW)), NOW + 5.5)
    assert isinstance(verdict, Verified)
    assert (verdict.timestamp, verdict.message_id) == (NOW, "" if kind is StripeScheme else "msg_1")


@pytest.mark.parametrize("kind", SCHEMES)
def test_header_names_ignore_case(kind):
    """HTTP/2 writes header names in lower case, older servers as they like."""
    request = signed(kind(NEW))
    shouted = Request(headers={name.upper(): value for name, value in request.headers.items()}, body=BODY)
    assert isinstance(kind(NEW).verify(shouted, NOW), Verified)


@pytest.mark.parametrize("kind", SCHEMES)
@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (-301, "more than 300 s in the future"),
        (-300, None),
        (-299, None),
        (0, None),
        (299, None),
        (300, None),
        (300.5, "more than 300 s old"),
        (301, "more than 300 s old"),
        (86_400, "more than 300 s old"),
        (-86_400, "more than 300 s in the future"),
    ],
)
def test_the_tolerance_counts_on_both_sides(kind, age, expected):
    """A timestamp may lie up to 300 s behind or ahead of the receiver's clock, ends included."""
    verdict = kind(NEW).verify(signed(kind(NEW)), NOW + age)
    if expected is None:
        assert isinstance(verdict, Verified)
    else:
        assert expected in reason(verdict)


@pytest.mark.parametrize("kind", SCHEMES)
@pytest.mark.parametrize("now", [float("nan"), float("inf"), float("-inf")])
def test_a_clock_that_is_no_time_verifies_nothing(kind, now):
    """When in doubt, no: NaN compares false with everything, and must not slip through between two comparisons."""
    assert isinstance(kind(NEW).verify(signed(kind(NEW)), now), Rejected)


@pytest.mark.parametrize("kind", SCHEMES)
def test_a_retry_must_be_signed_anew(kind):
    """X-16: signed with the event's time, the guide's attempts from 330 s on are all rejected; signed anew, none."""
    scheme = kind(NEW)
    attempts = [0, 30, 330, 2_130, 9_330]
    with_event_time = [isinstance(scheme.verify(signed(scheme), NOW + delay), Verified) for delay in attempts]
    with_own_time = [
        isinstance(scheme.verify(signed(scheme, at=NOW + delay), NOW + delay), Verified) for delay in attempts
    ]
    assert with_event_time == [True, True, False, False, False]
    assert all(with_own_time)


@pytest.mark.parametrize("kind", SCHEMES)
def test_a_secret_is_rotated_without_losing_a_message(kind):
    """Whatever side changes first, some signature fits: sign with both, or accept both; then drop the old one."""
    old, new, both = kind(OLD), kind(NEW), kind((NEW, OLD))
    accepted = {
        (sender, receiver): isinstance(receivers[receiver].verify(signed(senders[sender]), NOW), Verified)
        for senders in [{"old": old, "both": both, "new": new}]
        for receivers in [{"old": old, "both": both, "new": new}]
        for sender in senders
        for receiver in receivers
    }
    assert [pair for pair, fits in accepted.items() if not fits] == [("old", "new"), ("new", "old")]


@pytest.mark.parametrize("kind", SCHEMES)
def test_only_the_raw_bytes_verify(kind):
    """Q-21.3: the same JSON, parsed and written again, has other bytes and another signature."""
    scheme, body = kind(NEW), b'{"id": "evt_1", "amount": 2000.0}'
    request = signed(scheme, body)
    again = Request(headers=request.headers, body=json.dumps(json.loads(body), separators=(",", ":")).encode())
    assert isinstance(scheme.verify(request, NOW), Verified)
    assert "fits the body" in reason(scheme.verify(again, NOW))


@pytest.mark.parametrize("kind", SCHEMES)
def test_text_is_not_raw_bytes(kind):
    """Signing or verifying text is the caller's mistake, and is told so."""
    with pytest.raises(TypeError, match="body must be the raw bytes, as they came off the wire, got str"):
        kind(NEW).sign("{}", "msg_1", NOW)
    with pytest.raises(TypeError, match="body must be the raw bytes"):
        kind(NEW).verify(Request(headers=signed(kind(NEW)).headers, body="{}"), NOW)


@pytest.mark.parametrize("kind", SCHEMES)
@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"x" * 2_000_000], ids=["empty", "not UTF-8", "huge"])
def test_any_bytes_can_be_signed(kind, body):
    """A signature is about bytes, whether they are text or not."""
    scheme = kind(NEW)
    assert isinstance(scheme.verify(signed(scheme, body), NOW), Verified)
    assert isinstance(scheme.verify(Request(headers=signed(scheme, body).headers, body=body + b" "), NOW), Rejected)


def test_the_prefix_of_a_secret_is_a_trap():
    """Q-21.7: the whole text is Stripe's key, the decoded rest is Standard Webhooks': the same secret, two MACs."""
    secret, body, ident, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}', "msg_1", NOW
    one = StandardScheme(secret).sign(body, ident, at)
    other = StandardScheme(secret.removeprefix("whsec_")).sign(body, ident, at)
    assert one == other, "with or without the prefix it is the same key"
    stripes = StripeScheme(secret).sign(body, ident, at)
    assert stripes != StripeScheme(secret.removeprefix("whsec_")).sign(body, ident, at)


def test_a_secret_used_raw_is_rejected():
    """The signature that the whole secret gives as a key does not pass for Standard Webhooks'."""
    scheme = StandardScheme("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body, at = b'{"test": 2432232314}', 1_614_265_330
    request = Request(headers=scheme.sign(body, "msg_p5jXN8AQM9LWM0D4loKWxJek", at), body=body)
    raw = altered(request, **{"webhook-signature": "v1,TcxlhK9b6UD6iVI1ZU2tTqp8PEVfYRseNNfa6b+LcUg="})
    assert "fits the body" in reason(scheme.verify(raw, at))


def test_one_letter_of_the_invalid_fixture_is_enough():
    """The specification's invalid fixture differs from the right signature in its last letter alone."""
    scheme = StandardScheme("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body, at = b'{"test": 2432232314}', 1_614_265_330
    request = Request(headers=scheme.sign(body, "msg_p5jXN8AQM9LWM0D4loKWxJek", at), body=body)
    assert isinstance(scheme.verify(request, at), Verified)
    wrong = altered(request, **{"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA="})
    assert "fits the body" in reason(scheme.verify(wrong, at))


GOOD = StripeScheme(NEW).sign(BODY, "", NOW)["Stripe-Signature"].partition("v1=")[2]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "there is no Stripe-Signature header"),
        ("", "there is no Stripe-Signature header"),
        ("nonsense", "must hold one t="),
        (f"v1={GOOD}", "must hold one t="),
        (f"t=,v1={GOOD}", "must hold one t="),
        (f"t=soon,v1={GOOD}", "must hold one t="),
        (f"t=1e9,v1={GOOD}", "must hold one t="),
        (f"t=-{NOW},v1={GOOD}", "must hold one t="),
        (f"t={NOW}.0,v1={GOOD}", "must hold one t="),
        (f"t= {NOW},v1={GOOD}", "must hold one t="),
        (f"t=1700_000000,v1={GOOD}", "must hold one t="),
        (f"t=١٧٠٠٠٠٠٠٠٠,v1={GOOD}", "must hold one t="),
        (f"t={'9' * 13},v1={GOOD}", "must hold one t="),
        (f"t={NOW},t={NOW},v1={GOOD}", "must hold one t="),
        (f"t={NOW}", "holds no v1= signature"),
        (f"t={NOW},v0={GOOD}", "holds no v1= signature"),
        (f"t={NOW}, v1={GOOD}", "holds no v1= signature"),
        (f"t={NOW},v1=", "fits the body"),
        (f"t={NOW},v1={GOOD.upper()}", "fits the body"),
        (f"t={NOW},v1={GOOD[:-1]}", "fits the body"),
        (f"t={NOW},v1={GOOD}=", "fits the body"),
        (f"t={NOW},v1=é{GOOD[1:]}", "fits the body"),
        (f"t={NOW},v1=\ud800{GOOD[1:]}", "fits the body"),
        (f"t={NOW + 1},v1={GOOD}", "fits the body"),
        (f"t={NOW},{'v1=0,' * 1_000}v1={GOOD}", "longer than 4,096 characters"),
    ],
)
def test_a_malformed_stripe_header_is_rejected_with_a_sentence(header, expected):
    """Whatever stands in the header, the answer is a sentence, never an exception."""
    request = altered(signed(StripeScheme(NEW)), **{"Stripe-Signature": header})
    assert expected in reason(StripeScheme(NEW).verify(request, NOW))


@pytest.mark.parametrize("header", [f"v1={GOOD},t={NOW}", f"t={NOW},v0=x,v1=00,v1={GOOD}", f"t={NOW},v1={GOOD},"])
def test_other_parts_and_orders_of_the_stripe_header_are_fine(header):
    """Unknown parts and signatures of other secrets may stand beside ours."""
    request = altered(signed(StripeScheme(NEW)), **{"Stripe-Signature": header})
    assert isinstance(StripeScheme(NEW).verify(request, NOW), Verified)


SIGNATURE = StandardScheme(NEW).sign(BODY, "msg_1", NOW)["webhook-signature"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("webhook-id", None, "must all be there"),
        ("webhook-id", "", "must all be there"),
        ("webhook-id", "msg.1", "without '.'"),
        ("webhook-id", "msg 1", "without '.'"),
        ("webhook-id", "é", "without '.'"),
        ("webhook-id", "m" * 256, "without '.'"),
        ("webhook-id", "msg_2", "fits the body"),
        ("webhook-timestamp", None, "must all be there"),
        ("webhook-timestamp", "soon", "must be the whole seconds"),
        ("webhook-timestamp", f"{NOW}.0", "must be the whole seconds"),
        ("webhook-timestamp", "nan", "must be the whole seconds"),
        ("webhook-timestamp", "9" * 400, "must be the whole seconds"),
        ("webhook-timestamp", f"{NOW + 1}", "fits the body"),
        ("webhook-signature", None, "must all be there"),
        ("webhook-signature", "v1", "holds no v1 signature"),
        ("webhook-signature", "v2," + SIGNATURE[3:], "holds no v1 signature"),
        ("webhook-signature", "v1a," + SIGNATURE[3:], "holds no v1 signature"),
        ("webhook-signature", SIGNATURE[3:], "holds no v1 signature"),
        ("webhook-signature", "v1,", "fits the body"),
        ("webhook-signature", "v1,====", "fits the body"),
        ("webhook-signature", "v1,\ud800", "fits the body"),
        ("webhook-signature", SIGNATURE.replace("v1,", "v1,,"), "fits the body"),
        ("webhook-signature", "v1,0 " * 1_000 + SIGNATURE, "longer than 4,096 characters"),
    ],
)
def test_malformed_standard_headers_are_rejected_with_a_sentence(name, value, expected):
    """Whatever stands in the three headers, the answer is a sentence, never an exception."""
    request = altered(signed(StandardScheme(NEW)), **{name: value})
    assert expected in reason(StandardScheme(NEW).verify(request, NOW))


@pytest.mark.parametrize("value", [f"v1a,abc {SIGNATURE}", f"v1 {SIGNATURE}  v1,00", f"{SIGNATURE} {SIGNATURE}"])
def test_other_signatures_may_stand_beside_ours(value):
    """The header is a list; what is not v1, or not whole, is passed over."""
    request = altered(signed(StandardScheme(NEW)), **{"webhook-signature": value})
    assert isinstance(StandardScheme(NEW).verify(request, NOW), Verified)


def test_a_full_stop_in_an_id_would_make_two_readings():
    """A body that begins with digits and a full stop would let one signature stand for two messages."""
    scheme, body = StandardScheme(NEW), b"1700000100.5"
    request = Request(headers=scheme.sign(body, "a", NOW), body=body)
    shifted = altered(request, **{"webhook-id": f"a.{NOW}", "webhook-timestamp": "1700000100"})
    moved = Request(headers=shifted.headers, body=b"5")
    assert isinstance(scheme.verify(request, NOW), Verified)
    assert "without '.'" in reason(scheme.verify(moved, NOW))
    with pytest.raises(ValueError, match=r"without '\.', got 'a\.1'"):
        scheme.sign(BODY, "a.1", NOW)


@pytest.mark.parametrize("kind", SCHEMES)
@pytest.mark.parametrize(
    ("secrets", "error", "message"),
    [
        ((), ValueError, "secrets must hold at least one secret"),
        ([], ValueError, "secrets must hold at least one secret"),
        ("", ValueError, "secrets must not be empty"),
        ((NEW, " "), ValueError, "secrets must not be empty"),
        (None, TypeError, "secrets must be a text or a tuple of texts"),
        (b"whsec", TypeError, "secrets must be a text or a tuple of texts"),
        ((b"whsec",), TypeError, "secrets must be a text or a tuple of texts"),
    ],
)
def test_useless_secrets_are_refused_at_construction(kind, secrets, error, message):
    """A scheme without a secret would believe everybody."""
    with pytest.raises(error, match=message):
        kind(secrets)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_!!!!", "whsec_!!b2xk", "whsec_ab c", "whsec_a", "whsec_é"])
def test_a_standard_secret_is_base64(secret):
    """What cannot be decoded is refused, without showing it."""
    with pytest.raises(ValueError, match="a secret must be base64") as caught:
        StandardScheme(secret)
    assert secret.removeprefix("whsec_") == "" or secret not in str(caught.value)


@pytest.mark.parametrize("kind", SCHEMES)
def test_secrets_are_never_shown(kind):
    """Neither the scheme's text nor a guard's around it shows the secret."""
    assert NEW not in repr(kind(NEW))
    assert NEW not in repr(ReplayGuard(kind(NEW)))


@pytest.mark.parametrize("kind", SCHEMES)
@pytest.mark.parametrize("field", ["past", "future"])
@pytest.mark.parametrize("value", [-1, float("nan"), True, "300"])
def test_tolerances_are_checked(kind, field, value):
    """A tolerance is a number of seconds, at least 0."""
    with pytest.raises((TypeError, ValueError), match=field):
        kind(NEW, **{field: value})


texts = st.text(max_size=40) | st.sampled_from([GOOD, SIGNATURE, f"t={NOW}", f"t={NOW},v1={GOOD}", str(NOW), "msg_1"])


@pytest.mark.slow
@settings(max_examples=200)
@given(
    names=st.lists(
        st.sampled_from(["stripe-signature", "webhook-id", "webhook-timestamp", "webhook-signature"]), unique=True
    ),
    values=st.lists(st.lists(texts, max_size=4), min_size=4, max_size=4),
    glue=st.sampled_from([",", " ", "=", ".", "", ",v1=", " v1,"]),
    body=st.binary(max_size=60),
    now=st.floats(allow_nan=True, allow_infinity=True) | st.just(float(NOW)),
)
def test_no_header_makes_verify_raise(names, values, glue, body, now):
    """Any headers, any body and any clock give a verdict; without the secret it is never Verified."""
    headers = {name: glue.join(parts) for name, parts in zip(names, values, strict=False)}
    request = Request(headers=headers, body=body)
    for kind in (StripeScheme, StandardScheme):
        for scheme in (kind(OLD), ReplayGuard(kind(OLD))):
            assert isinstance(scheme.verify(request, now), Rejected)


@settings(max_examples=200)
@given(body=st.binary(max_size=200), at=st.integers(0, 10**12 - 1), flip=st.integers(0, 10**6))
def test_one_changed_bit_is_rejected(body, at, flip):
    """What was signed verifies at that instant; with one bit of the body changed it does not."""
    for scheme in (StripeScheme(NEW), StandardScheme(NEW)):
        request = signed(scheme, body, at)
        assert isinstance(scheme.verify(request, at), Verified)
        if body:
            bent = bytearray(body)
            bent[flip % len(body)] ^= 1 << flip % 8
            assert isinstance(scheme.verify(Request(headers=request.headers, body=bytes(bent)), at), Rejected)


def test_schemes_have_no_state():
    """A scheme is configuration: a copy for another host is the same object."""
    assert fresh(StripeScheme(NEW)) == StripeScheme(NEW)
    assert fresh(StandardScheme((NEW, OLD))) == StandardScheme((NEW, OLD))
