"""TLS only: what happens to a plain request, and what a browser remembers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request, Response
from sim.policies.security.transport import HstsList, TlsOnly, parse_hsts, scheme_of

TLS = {":scheme": "https"}


@pytest.mark.parametrize("value", [None, "http", "HTTP", "ws", "", "https "])
def test_only_https_counts_as_tls(value):
    """A request that nobody vouches for is a plain one: a forgotten header fails closed."""
    headers = {} if value is None else {":scheme": value}
    answer = TlsOnly().refuse(Request("GET", "/documents/1", headers=headers))
    assert answer.status == 403
    assert answer.header("Strict-Transport-Security") is None  # RFC 6797 §7.2


def test_a_request_over_tls_passes_and_its_answer_carries_the_header():
    """The header joins those that the answer has."""
    policy = TlsOnly(max_age=60, subdomains=False)
    assert policy.refuse(Request("GET", "/", headers=TLS)) is None
    answer = policy.protect(Response(200, headers={"ETag": '"1"'}, body=b"x"))
    assert dict(answer.headers) == {"ETag": '"1"', "Strict-Transport-Security": "max-age=60"}
    assert (answer.status, answer.body) == (200, b"x")


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/documents/1", headers={"Authorization": "Bearer x"}),
        Request("GET", "/documents/1", headers={"X-API-Key": "x"}),
        Request("GET", "/documents/1", headers={"Cookie": "session=x"}),
        Request("GET", "/documents/1?access_token=x"),
    ],
    ids=["token", "key", "cookie", "query"],
)
def test_a_credential_in_the_clear_is_never_redirected(request_):
    """It is refused, even where browsers are redirected, and the sentence says to replace it."""
    answer = TlsOnly(redirect_to="api.example").refuse(request_)
    assert answer.status == 403
    assert answer.header("Location") is None
    assert "replace it" in answer.json()["detail"]


def test_a_browser_without_credentials_may_be_redirected():
    """A 308 keeps method and path; only GET and HEAD, and no line break gets into the header."""
    policy = TlsOnly(redirect_to="api.example")
    answer = policy.refuse(Request("GET", "/a?b=1"))
    assert (answer.status, answer.header("Location")) == (308, "https://api.example/a?b=1")
    assert policy.refuse(Request("POST", "/a")).status == 403
    assert (
        policy.refuse(Request("GET", "/a\r\nSet-Cookie: x=1")).header("Location")
        == "https://api.example/aSet-Cookie:x=1"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("max-age=31536000", (31_536_000.0, False)),
        ("MAX-AGE=1 ; INCLUDESUBDOMAINS", (1.0, True)),
        ('max-age="0";', (0.0, False)),
        ("max-age=1; preload; unknown=x", (1.0, False)),
        ("includeSubDomains", None),
        ("max-age=-1", None),
        ("max-age=1.5", None),
        ("max-age", None),
        ("max-age=1; max-age=2", None),
        ("max-age=1; includeSubDomains=yes", None),
        ("max-age=" + "9" * 400, None),
        ("", None),
    ],
)
def test_the_header_is_read_by_its_grammar(value, expected):
    """RFC 6797 §6.1; what is not valid says nothing."""
    assert parse_hsts(value) == expected


@pytest.mark.parametrize("max_age", [0, 1, 31_536_000])
@pytest.mark.parametrize("subdomains", [False, True])
def test_what_the_server_writes_the_browser_reads(max_age, subdomains):
    """The two halves agree."""
    assert parse_hsts(TlsOnly(max_age=max_age, subdomains=subdomains).header) == (max_age, subdomains)


def test_a_browser_remembers_until_the_age_is_over():
    """(time, what happens, scheme): the first visit is unprotected, plain http teaches nothing, 0 forgets."""
    known, host = HstsList(), "Api.example"
    assert known.scheme("api.example", 0.0) == "http"
    known.learn(host, "max-age=60; includeSubDomains", scheme="http", now=0.0)
    assert known.scheme("api.example", 1.0) == "http"
    known.learn(host, "max-age=60; includeSubDomains", scheme="https", now=0.0)
    assert [known.scheme("api.example", now) for now in (0.0, 59.9, 60.0)] == ["https", "https", "http"]
    assert known.scheme("v2.api.example", 1.0) == "https"
    assert known.scheme("notapi.example", 1.0) == "http"
    known.learn(host, "nonsense", scheme="https", now=2.0)
    assert known.scheme("api.example", 2.0) == "https"
    known.learn(host, "max-age=0", scheme="https", now=3.0)
    assert known.scheme("api.example", 3.0) == "http"


def test_without_subdomains_only_the_host_itself_is_meant():
    """RFC 6797 §8.2: a superdomain counts only when it said so."""
    known = HstsList()
    known.learn("api.example", "max-age=60", scheme="https", now=0.0)
    assert known.scheme("v2.api.example", 1.0) == "http"


@pytest.mark.slow
@settings(max_examples=200)
@given(st.text(max_size=50), st.text(max_size=50))
def test_no_header_or_path_makes_them_raise(value, path):
    """Whatever comes, the header says something valid or nothing, and a plain request is refused."""
    told = parse_hsts(value)
    assert told is None or told[0] >= 0
    HstsList().learn(path, value, scheme="https", now=0.0)
    request = Request("GET", path, headers={":scheme": value})
    answer = TlsOnly(redirect_to="api.example").refuse(request)
    assert (answer is None) == (scheme_of(request) == "https")
    if answer is not None:
        assert answer.status in (308, 403)
        assert "\n" not in (answer.header("Location") or "")
