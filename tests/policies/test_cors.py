"""CORS: what a page of another origin may send and read, played through with the browser's own rules."""

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request, Response
from sim.policies.security.cors import Cors, lets_read, needs_preflight, permits

SHOP, EVIL = "https://shop.example", "https://evil.example"
CORS = Cors(origins=frozenset({SHOP}), credentials=True, own="https://api.example")


def preflight(origin=SHOP, method="PATCH", headers="content-type"):
    """What a browser asks before it sends."""
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    return Request(
        "OPTIONS", "/documents/1", headers=asked | ({"Access-Control-Request-Headers": headers} if headers else {})
    )


def browser_sends(cors, request):
    """True when a browser would put *request* on the wire for the page of its origin."""
    if not needs_preflight(request):
        return True
    answer = cors.preflight(preflight(request.header("Origin"), request.method, "content-type"))
    return permits(answer, request)


@pytest.mark.parametrize(
    ("origin", "reads"),
    [
        (SHOP, True),
        (EVIL, False),
        ("null", False),
        ("http://shop.example", False),
        ("https://shop.example:8443", False),
        ("https://shop.example.evil.example", False),
        ("https://evilshop.example", False),
        ("https://SHOP.example", False),
        ("https://shop.example/", False),
        ("", False),
    ],
)
def test_only_an_origin_on_the_list_reads(origin, reads):
    """The match is exact; everything that resembles an origin on the list is another origin."""
    headers = CORS.headers(origin)
    assert lets_read(Response(200, headers=headers), origin, True) == reads
    assert headers["Vary"] == "Origin"
    assert CORS.admits(origin) == reads
    assert (CORS.refuse(Request("POST", "/", headers={"Origin": origin})) is None) == reads


def test_our_own_pages_and_programs_need_no_permission():
    """Our own origin and a request without `Origin` pass, and get no permission that they do not need."""
    assert CORS.refuse(Request("POST", "/", headers={"Origin": "https://api.example"})) is None
    assert CORS.refuse(Request("POST", "/")) is None
    assert CORS.headers(None) == CORS.headers("https://api.example") == {"Vary": "Origin"}


def test_every_origin_goes_with_no_credentials():
    """`*` is for public data: it is refused together with credentials, and a browser would refuse it as well."""
    with pytest.raises(ValueError, match=r"^origins must be a list when credentials are allowed, got '\*'$"):
        Cors(origins=frozenset({"*"}), credentials=True)
    public = Cors(origins=frozenset({"*"}))
    answer = Response(200, headers=public.headers(EVIL))
    assert lets_read(answer, EVIL, False)
    assert not lets_read(answer, EVIL, True)
    assert public.refuse(Request("POST", "/", headers={"Origin": EVIL})) is None


@pytest.mark.parametrize(
    "origin", ["shop.example", "https://shop.example/", "https://Shop.example", "null", "", "https://*.shop.example"]
)
def test_what_no_browser_sends_is_refused_at_construction(origin):
    """An entry that could never match would be a hole that somebody later opens wider."""
    with pytest.raises(ValueError, match=r"^origins must be scheme, host and port in lower case, got "):
        Cors(origins=frozenset({origin}))
    Cors(origins=frozenset({"http://localhost:8080", "http://[::1]:80", "app+v1://x"}))


def test_header_names_are_in_lower_case():
    """They are compared in lower case, so another spelling would never match."""
    with pytest.raises(ValueError, match=r"^allowed_headers must be in lower case"):
        Cors(allowed_headers=frozenset({"Content-Type"}))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (preflight(), 204),
        (preflight(method="GET"), 204),
        (preflight(headers=""), 204),
        (preflight(headers="Content-Type, authorization,accept"), 204),
        (preflight(headers="x-secret"), 403),
        (preflight(method="TRACE"), 403),
        (preflight(method="patch"), 403),
        (preflight(origin=EVIL), 403),
        (preflight(origin="null"), 403),
        (Request("OPTIONS", "/", headers={"Origin": SHOP}), None),
        (Request("OPTIONS", "/"), None),
        (attrs.evolve(preflight(), method="GET"), None),
    ],
)
def test_a_preflight_is_answered_at_once(request_, status):
    """204 with the permission, 403 without any; what is no preflight goes on.  Methods keep their case (Fetch §4.8)."""
    answer = CORS.preflight(request_)
    assert (None if answer is None else answer.status) == status
    if answer is not None:
        assert answer.header("Vary") == "Origin"
        assert (answer.header("Access-Control-Allow-Origin") is not None) == (status == 204)
        assert (answer.header("Access-Control-Allow-Methods") is not None) == (status == 204)


JSON = {"Content-Type": "application/json", "Cookie": "session=x"}


@pytest.mark.parametrize(
    ("request_", "asks", "from_shop", "from_evil"),
    [
        (Request("GET", "/", headers={"Cookie": "session=x"}), False, True, True),
        (Request("POST", "/", headers={"Content-Type": "text/plain; charset=utf-8"}), False, True, True),
        (Request("POST", "/", headers=JSON), True, True, False),
        (Request("PATCH", "/", headers=JSON), True, True, False),
        (Request("PATCH", "/"), True, True, False),
        (Request("GET", "/", headers={"Authorization": "Bearer x"}), True, True, False),
        (Request("GET", "/", headers={"X-Secret": "x"}), True, False, False),
    ],
)
def test_a_browser_asks_before_anything_that_a_form_could_not_send(request_, asks, from_shop, from_evil):
    """(request, needs a preflight, sent for the shop, sent for evil): a simple request is sent for everybody."""
    assert needs_preflight(request_) == asks
    for origin, sent in ((SHOP, from_shop), (EVIL, from_evil)):
        there = attrs.evolve(request_, headers={**request_.headers, "Origin": origin})
        assert browser_sends(CORS, there) == sent


def test_a_preflight_is_not_a_permission_for_another_page():
    """A shared cache that hands the shop's answer to evil gives it nothing."""
    answer = CORS.preflight(preflight())
    request = Request("PATCH", "/", headers={**JSON, "Origin": EVIL})
    assert not permits(answer, request)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.text(max_size=30), st.text(max_size=10), st.text(max_size=30))
def test_no_header_makes_them_raise_and_none_but_the_list_reads(origin, method, names):
    """Whatever a page sends, only the listed origin is ever named in an answer."""
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": names}
    answer = CORS.preflight(Request("OPTIONS", "/", headers=asked))
    assert answer.status in (204, 403)
    assert answer.header("Access-Control-Allow-Origin") in (None, SHOP)
    refused = CORS.refuse(Request("POST", "/", headers=asked))
    assert refused is None or refused.response().status == 403
    assert needs_preflight(Request(method, "/", headers={"Content-Type": names, origin: "x"})) in (True, False)
