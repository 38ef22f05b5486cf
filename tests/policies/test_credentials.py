"""Credentials: what is taken, from where, and what a refusal says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request, Response
from sim.policies.security.credentials import (
    URL_CREDENTIALS,
    ApiKey,
    ApiKeys,
    Caller,
    Refused,
    bearer_token,
    cookies_of,
    credential_in_url,
    digest_of,
)

BILLING = Caller("billing", frozenset({"invoices:read"}))
KEYS = ApiKeys(
    (
        ApiKey(digest=digest_of("k-billing"), caller=BILLING, networks=("192.0.2.0/24", "2001:db8::/32")),
        ApiKey(digest=digest_of("k-anywhere"), caller=Caller("cron")),
    )
)


@pytest.mark.parametrize(
    ("key", "peer", "expected"),
    [
        ("k-billing", "192.0.2.7", "billing"),
        ("k-billing", "::ffff:192.0.2.7", "billing"),
        ("k-billing", "2001:db8::9", "billing"),
        ("k-billing", "192.0.3.7", 403),
        ("k-billing", "", 403),
        ("k-billing", "not an address", 403),
        ("k-anywhere", "203.0.113.5", "cron"),
        ("k-anywhere", "", "cron"),
        ("k-billin", "192.0.2.7", 401),
        ("", "192.0.2.7", 401),
        (digest_of("k-billing"), "192.0.2.7", 401),
    ],
)
def test_a_key_is_taken_only_from_its_networks(key, peer, expected):
    """A known key from elsewhere is a 403, an unknown one a 401; the digest in the table is no key."""
    found = KEYS.identify(key, peer)
    assert (found.status if isinstance(found, Refused) else found.name) == expected


def test_a_network_that_is_none_is_refused_at_construction():
    """The sentence names the field and the value, also for host bits that are set."""
    for network in ("192.0.2.0/40", "office", "192.0.2.1/24"):
        with pytest.raises(ValueError, match=rf"^networks must be addresses or ranges of addresses, got '{network}'$"):
            ApiKey(digest="", caller=BILLING, networks=(network,))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER  a.b-c_d~e+f/g==", "a.b-c_d~e+f/g=="),
        ("Bearer", 400),
        ("Bearer ", 400),
        ("Bearer a b", 400),
        ("Bearer a,b", 400),
        ("Bearer =a", 400),
        ("Bearer é", 400),
        ("Basic abc", 401),
        ("", 401),
    ],
)
def test_the_token_is_what_follows_bearer(value, expected):
    """RFC 6750 §2.1: the scheme ignores case, the token has a grammar; anything else is refused with the right code."""
    found = bearer_token(Request("GET", "/", headers={"authorization": value}))
    assert (found.status if isinstance(found, Refused) else found) == expected


def test_without_a_header_there_is_no_token():
    """No header is not an error yet: perhaps the path is public."""
    assert bearer_token(Request("GET", "/")) is None


@pytest.mark.parametrize("name", sorted(URL_CREDENTIALS))
def test_a_credential_in_the_url_is_refused(name):
    """Whatever its case and its encoding, and even when it is empty; the answer never repeats its value."""
    for written in (name, name.upper(), "%" + f"{ord(name[0]):02x}" + name[1:]):
        refused = credential_in_url(Request("GET", f"/documents?limit=1&{written}=sesame"))
        assert refused is not None
        assert (refused.status, refused.error) == (400, "invalid_request")
        assert b"sesame" not in refused.response().body
    assert credential_in_url(Request("GET", f"/documents?{name}=")) is not None


def test_other_parameters_are_none_of_its_business():
    """A parameter whose value looks like a token, or whose name only contains one, passes."""
    assert credential_in_url(Request("GET", "/documents?q=token&tokens=3&key_word=x")) is None
    assert credential_in_url(Request("GET", "/token")) is None


@pytest.mark.parametrize(
    ("refused", "challenge"),
    [
        (Refused(401, "no"), 'Bearer realm="api"'),
        (Refused(401, "no", "invalid_token"), 'Bearer realm="api", error="invalid_token"'),
        (
            Refused(403, "no", "insufficient_scope", "a:b"),
            'Bearer realm="api", error="insufficient_scope", scope="a:b"',
        ),
        (Refused(403, "no"), None),
        (Refused(404, "no"), None),
    ],
)
def test_every_401_carries_a_challenge(refused, challenge):
    """RFC 9110 §15.5.2: a 401 must have WWW-Authenticate; RFC 6750 §3.1: no error code when nothing was sent."""
    response = refused.response()
    assert response.header("WWW-Authenticate") == challenge
    assert response.header("Content-Type") == "application/problem+json"
    assert response.json()["status"] == response.status == refused.status


def test_cookies_are_read_as_pairs():
    """Pieces without a name or an equals sign are dropped; the first of two wins, as in common frameworks."""
    request = Request("GET", "/", headers={"cookie": "a=1; b=x=y;; c ; =d; a=2"})
    assert dict(cookies_of(request)) == {"a": "1", "b": "x=y"}
    assert dict(cookies_of(Request("GET", "/"))) == {}


@pytest.mark.slow
@settings(max_examples=200)
@given(st.text(max_size=60), st.text(max_size=30), st.text(max_size=40))
def test_no_header_key_or_query_makes_them_raise(header, key, query):
    """Whatever is sent, the answer is a caller, a token or a refusal that is a problem document."""
    request = Request("GET", f"/x?{query}", headers={"Authorization": header, "Cookie": header})
    for found in (bearer_token(request), credential_in_url(request), KEYS.identify(key, header)):
        assert found is None or isinstance(found, str | Caller | Refused)
        if isinstance(found, Refused):
            answer = found.response()
            assert isinstance(answer, Response)
            assert answer.json()["detail"] == found.reason
    assert all(isinstance(value, str) for value in cookies_of(request).values())
