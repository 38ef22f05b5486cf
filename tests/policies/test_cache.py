"""The cache: what it stores, reuses, validates and forgets, as tables and as laws."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request, Response, http_date
from sim.policies.caching.cache import Cache, Fresh, Miss, Stale
from sim.policies.caching.cachecontrol import parse_cache_control
from sim.policies.fresh import fresh

FRESH, STALE, MISS = "fresh", "stale", "miss"


def get(path="/p", **headers):
    """A GET; `cache_control=` is the header Cache-Control."""
    return Request("GET", path, headers=_named(headers))


def ok(body=b"body", status=200, **headers):
    """A response; `cache_control=` is the header Cache-Control."""
    return Response(status, headers=_named(headers), body=body)


def _named(headers):
    return {name.replace("_", "-"): value for name, value in headers.items()}


def filled(response, request=None, *, now=0.0, **settings):
    """A cache that was offered *response* at *now*."""
    cache = Cache(**settings)
    cache.store(request or get(), response, requested_at=now, now=now)
    return cache


def kind(found):
    """The name of what `lookup` found."""
    return type(found).__name__.lower()


_AS_ADA = get(authorization="Bearer ada")
_UNDERSTOOD = "must-understand, no-store, max-age=9"
STORED = {
    # (request, response) -> (private cache keeps it, shared cache keeps it)
    "max-age": (get(), ok(cache_control="max-age=60"), True, True),
    "Expires": (get(), ok(expires=http_date(60)), True, True),
    "s-maxage": (get(), ok(cache_control="s-maxage=60"), False, True),
    "nothing said": (get(), ok(), False, False),
    "nothing said but an ETag": (get(), ok(etag='"1"'), True, True),
    "nothing said but Last-Modified": (get(), ok(last_modified=http_date(0)), True, True),
    "no-store": (get(), ok(cache_control="no-store, max-age=60", etag='"1"'), False, False),
    "no-store asked for": (get(cache_control="no-store"), ok(cache_control="max-age=60"), False, False),
    "must-understand makes no-store void": (get(), ok(cache_control=_UNDERSTOOD), True, True),
    "but not for a status beyond us": (get(), ok(status=299, cache_control=_UNDERSTOOD), False, False),
    "private": (get(), ok(cache_control="private, max-age=60"), True, False),
    "private fields only": (get(), ok(cache_control='private="set-cookie", max-age=60'), True, True),
    "no-cache with an ETag": (get(), ok(cache_control="no-cache", etag='"1"'), True, True),
    "no-cache without": (get(), ok(cache_control="no-cache, max-age=60"), False, False),
    "stale as it comes": (get(), ok(cache_control="max-age=0"), False, False),
    "stale with an allowance": (get(), ok(cache_control="max-age=0, stale-if-error=9"), True, True),
    "stale with a void allowance": (get(), ok(cache_control="s-maxage=0, stale-if-error=9"), True, False),
    "too old on arrival": (get(), ok(cache_control="max-age=60", age="60"), False, False),
    "POST": (Request("POST", "/p"), ok(cache_control="max-age=60"), False, False),
    "HEAD": (Request("HEAD", "/p"), ok(cache_control="max-age=60"), False, False),
    "part of it": (get(range="bytes=0-1"), ok(status=206, cache_control="max-age=60"), False, False),
    "a 304 for nothing": (get(), ok(status=304, cache_control="max-age=60"), False, False),
    "early hints": (get(), ok(status=103, cache_control="max-age=60"), False, False),
    "a missing page": (get(), ok(status=404, cache_control="max-age=60"), True, True),
    "a redirect that says so": (get(), ok(status=302, cache_control="max-age=60"), True, True),
    "a redirect that says nothing": (get(), ok(status=302, etag='"1"'), False, False),
    "an error that says nothing": (get(), ok(status=500, etag='"1"'), False, False),
    "Vary: *": (get(), ok(cache_control="max-age=60", vary="Accept, *"), False, False),
    "Authorization": (_AS_ADA, ok(cache_control="max-age=60"), True, False),
    "Authorization, public": (_AS_ADA, ok(cache_control="public, max-age=60"), True, True),
    "Authorization, s-maxage": (_AS_ADA, ok(cache_control="s-maxage=60", etag='"1"'), True, True),
    "Authorization, must-revalidate": (_AS_ADA, ok(cache_control="must-revalidate, max-age=9"), True, True),
    "Authorization, private": (_AS_ADA, ok(cache_control="private, public, max-age=60"), True, False),
}  # fmt: skip


@pytest.mark.parametrize("case", STORED)
@pytest.mark.parametrize("shared", [False, True])
def test_what_may_be_stored(case, shared):
    """RFC 9111 §3 and §3.5, for a private and for a shared cache."""
    request, response, private_keeps, shared_keeps = STORED[case]
    cache = Cache(shared=shared)
    kept = cache.store(request, response, requested_at=0.0, now=0.0)
    assert kept is (shared_keeps if shared else private_keeps)
    assert len(cache) == kept


REUSED = {
    # Cache-Control of the response, of the request, seconds later -> found (private), found (shared)
    "fresh": ("max-age=60", None, 59.9, FRESH, FRESH),
    "stale at its lifetime": ("max-age=60", None, 60.0, STALE, STALE),
    "s-maxage": ("max-age=60, s-maxage=10", None, 30.0, FRESH, STALE),
    "no-cache": ("max-age=60, no-cache", None, 1.0, STALE, STALE),
    "no-cache for fields only": ('max-age=60, no-cache="x"', None, 1.0, FRESH, FRESH),
    "must-revalidate is fresh while fresh": ("max-age=60, must-revalidate", None, 59.0, FRESH, FRESH),
    "asked for no-cache": ("max-age=60", "no-cache", 1.0, STALE, STALE),
    "asked for max-age": ("max-age=60", "max-age=10", 11.0, STALE, STALE),
    "asked for max-age, young enough": ("max-age=60", "max-age=10", 10.0, FRESH, FRESH),
    "a reload": ("max-age=60", "max-age=0", 1.0, STALE, STALE),
    "asked for a broken max-age": ("max-age=60", "max-age=x", 1.0, STALE, STALE),
    "asked for min-fresh": ("max-age=60", "min-fresh=20", 41.0, STALE, STALE),
    "asked for min-fresh, fresh enough": ("max-age=60", "min-fresh=20", 40.0, FRESH, FRESH),
    "takes it stale": ("max-age=60", "max-stale=10", 70.0, FRESH, FRESH),
    "takes it stale, not so stale": ("max-age=60", "max-stale=10", 70.1, STALE, STALE),
    "takes it however stale": ("max-age=60", "max-stale", 1e6, FRESH, FRESH),
    "takes it stale against must-revalidate": ("max-age=60, must-revalidate", "max-stale", 61.0, STALE, STALE),
    "takes it stale against proxy-revalidate": ("max-age=60, proxy-revalidate", "max-stale", 61.0, FRESH, STALE),
    "takes it stale against s-maxage": ("max-age=60, s-maxage=60", "max-stale", 61.0, FRESH, STALE),
    "takes it stale against no-cache": ("max-age=60, no-cache", "max-stale", 61.0, STALE, STALE),
    "asked for no-store only": ("max-age=60", "no-store", 1.0, FRESH, FRESH),
    "only if cached, and it is": ("max-age=60", "only-if-cached", 1.0, FRESH, FRESH),
    "only if cached, but stale": ("max-age=60", "only-if-cached", 61.0, MISS, MISS),
}


@pytest.mark.parametrize("case", REUSED)
@pytest.mark.parametrize("shared", [False, True])
def test_what_may_be_reused(case, shared):
    """RFC 9111 §4.2, §5.2.1 and §5.2.2, for a private and for a shared cache."""
    said, asked, later, in_private, in_shared = REUSED[case]
    cache = filled(ok(cache_control=said, etag='"1"'), shared=shared)
    found = cache.lookup(get(**({"cache_control": asked} if asked else {})), later)
    assert kind(found) == (in_shared if shared else in_private)


@pytest.mark.parametrize(
    ("said", "asked", "later", "meanwhile", "on_error"),
    [
        ("max-age=60", None, 61.0, False, False),
        ("max-age=60, stale-while-revalidate=10", None, 69.9, True, False),
        ("max-age=60, stale-while-revalidate=10", None, 70.0, False, False),
        ("max-age=60, stale-if-error=10", None, 69.9, False, True),
        ("max-age=60, stale-if-error=10", None, 70.0, False, False),
        ("max-age=60", "stale-if-error=10", 65.0, False, True),
        ("max-age=60, stale-while-revalidate=10, stale-if-error=90", None, 60.0, True, True),
        ("max-age=60, stale-while-revalidate=10, stale-if-error=90", "no-cache", 61.0, False, False),
        ("max-age=60, stale-while-revalidate=10, stale-if-error=90", "max-age=0", 61.0, False, True),
        ("max-age=60, stale-while-revalidate=10, stale-if-error=90", "min-fresh=5", 61.0, False, True),
        ("max-age=60, stale-while-revalidate=10, stale-if-error=90, must-revalidate", None, 61.0, False, False),
        ("max-age=60, stale-while-revalidate=10, stale-if-error=90, proxy-revalidate", None, 61.0, False, False),
        ("s-maxage=60, stale-while-revalidate=10, stale-if-error=90", None, 61.0, False, False),
        ("max-age=60, stale-while-revalidate=10, stale-if-error=90, no-cache", None, 1.0, False, False),
    ],
)
def test_when_a_stale_response_may_stand_in(said, asked, later, meanwhile, on_error):
    """RFC 5861, unless the response insists on validation (RFC 9111 §4.2.4) or the request on freshness."""
    cache = filled(ok(cache_control=said, etag='"1"'))
    found = cache.lookup(get(**({"cache_control": asked} if asked else {})), later)
    assert isinstance(found, Stale)
    assert (found.while_revalidating, found.on_error) == (meanwhile, on_error)


@pytest.mark.parametrize(
    ("stored", "forwarded"),
    [
        ({"etag": '"1"'}, {"If-None-Match": '"1"'}),
        ({"last_modified": http_date(5)}, {"If-Modified-Since": http_date(5)}),
        (
            {"etag": 'W/"1"', "last_modified": http_date(5)},
            {"If-None-Match": 'W/"1"', "If-Modified-Since": http_date(5)},
        ),
        ({"cache_control": "max-age=0, stale-if-error=99"}, {}),
    ],
)
def test_a_revalidation_carries_the_stored_validators(stored, forwarded):
    """What is sent is the request with our validators in place of the client's own."""
    cache = filled(ok(**stored))
    theirs = get(if_none_match='"old"', IF_MODIFIED_SINCE=http_date(1), accept="text/html")
    found = cache.lookup(theirs, 1.0)
    assert isinstance(found, Stale)
    assert dict(found.forward.headers) == {"accept": "text/html", **forwarded}
    assert found.stored.body == b"body"


def test_a_miss_is_forwarded_without_conditions():
    """The cache answers the client's condition itself, so that one client's 304 does not leave it empty."""
    cache, request = Cache(), get(if_none_match='"1"')
    found = cache.lookup(request, 0.0)
    assert isinstance(found, Miss)
    assert dict(found.forward.headers) == {}
    served = cache.receive(request, ok(etag='"1"', cache_control="max-age=60"), requested_at=0.0, now=0.0)
    assert (served.status, served.body, len(cache)) == (304, b"", 1)


@pytest.mark.parametrize(
    "request_",
    [get(range="bytes=0-9"), get(if_match='"1"'), get(if_unmodified_since=http_date(0)), Request("PUT", "/p"),
     Request("OPTIONS", "/p"), Request("FROB", "/p")],
)  # fmt: skip
def test_some_requests_pass_the_cache_by(request_):
    """Parts, If-Match and every method but GET and HEAD are for the origin, and go there as they are."""
    found = filled(ok(cache_control="max-age=60", etag='"1"')).lookup(request_, 1.0)
    assert isinstance(found, Miss)
    assert found.forward is request_


def test_only_if_cached_without_a_hit_is_504():
    """A request that forbids to ask further is answered 504 (§5.2.1.7), for methods that are never cached too."""
    for method in ("GET", "HEAD", "POST"):
        found = Cache().lookup(Request(method, "/p", headers={"Cache-Control": "only-if-cached"}), 0.0)
        assert found.refusal.status == 504
        assert found.refusal.json()["title"] == "Gateway Timeout"


def test_a_hit_tells_its_age():
    """A stored response carries one Age, in whole seconds rounded up, in place of the one it came with (§5.1)."""
    cache = filled(ok(cache_control="max-age=60", age="10"))
    response = cache.lookup(get(), 4.5).response
    assert [value for name, value in response.headers.items() if name.lower() == "age"] == ["15"]


def test_head_is_answered_from_get():
    """HEAD gets the stored headers and no body; when nothing fresh is there it goes to the origin as HEAD."""
    cache, head = filled(ok(cache_control="max-age=60", etag='"1"')), Request("HEAD", "/p")
    found = cache.lookup(head, 1.0)
    assert (kind(found), found.response.status, found.response.body) == (FRESH, 200, b"")
    assert isinstance(cache.lookup(head, 61.0), Miss)
    cache.receive(head, ok(b"", cache_control="max-age=60"), requested_at=61.0, now=61.0)
    assert cache.lookup(get(), 1.0).response.body == b"body"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"if_none_match": '"1"'}, 304),
        ({"if_none_match": 'W/"1"'}, 304),
        ({"if_none_match": '"0", "1"'}, 304),
        ({"if_none_match": '"a,b", "1"'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"0",' * 100_000 + '"1"'}, 304),
        ({"if_none_match": '"2"'}, 200),
        ({"if_none_match": "1"}, 200),
        ({"if_none_match": '"1'}, 200),
        ({"if_none_match": '"2"', "if_modified_since": http_date(99)}, 200),
        ({"if_modified_since": http_date(50)}, 304),
        ({"if_modified_since": http_date(49)}, 200),
        ({"if_modified_since": "yesterday"}, 200),
    ],
)
def test_a_clients_own_condition_is_answered_from_the_cache(condition, status):
    """A client that has the stored version is told so without the origin (§4.3.2); 304 has no body."""
    cache = filled(ok(cache_control="max-age=99", etag='"1"', last_modified=http_date(50), content_type="text/plain"))
    response = cache.lookup(get(**condition), 1.0).response
    assert response.status == status
    assert (response.body == b"") is (status == 304)
    assert (response.header("Content-Type") is None) is (status == 304)
    assert response.header("ETag") == '"1"'
    assert response.header("Age") == "1"


def test_variants_stand_apart():
    """A response that varies by a field is reused only for requests that have the same in it (§4.1)."""
    cache = Cache()
    for language in ("de", "en"):
        varying = ok(language.encode(), cache_control="max-age=60", vary="Accept-Language, accept")
        cache.store(get(accept_language=language), varying, requested_at=0.0, now=0.0)
    found = {language: cache.lookup(get(ACCEPT_LANGUAGE=language), 1.0) for language in ("de", "en", "fr")}
    assert [kind(one) for one in found.values()] == [FRESH, FRESH, MISS]
    assert (found["de"].response.body, found["en"].response.body) == (b"de", b"en")
    assert kind(cache.lookup(get(), 1.0)) == MISS
    assert kind(cache.lookup(get(accept_language="de", accept="text/html"), 1.0)) == MISS


def test_without_vary_one_body_is_for_all():
    """What does not say that it varies is given to everybody: the origin's mistake, not the cache's."""
    cache = filled(ok(b"v1", cache_control="max-age=60"), get(accept_version="1"))
    assert cache.lookup(get(accept_version="2"), 1.0).response.body == b"v1"


def test_the_newest_of_two_that_suit_is_used():
    """When the origin changes its Vary, the response that came last goes before an older one that also suits."""
    cache = filled(ok(b"old", cache_control="max-age=60"))
    cache.store(get(), ok(b"new", cache_control="max-age=60", vary="accept"), requested_at=1.0, now=1.0)
    assert cache.lookup(get(), 2.0).response.body == b"new"
    assert cache.lookup(get(accept="text/html"), 2.0).response.body == b"old"


def test_queries_are_cached_apart():
    """The path with its query is the key: `?version=1` and `?version=2` never meet."""
    cache = filled(ok(b"1", cache_control="max-age=60"), get("/p?version=1"))
    assert kind(cache.lookup(get("/p?version=2"), 1.0)) == MISS
    assert cache.lookup(get("/p?version=1"), 1.0).response.body == b"1"


def test_hop_by_hop_fields_are_not_kept():
    """Fields of one connection, those that Connection names, and qualified ones are not stored (§3.1, §5.2.2)."""
    response = ok(
        cache_control='max-age=60, no-cache="X-Once", private="Set-Cookie"', connection="close, X-Hop", x_hop="1",
        keep_alive="5", x_once="1", set_cookie="user=ada", x_kept="1",
    )  # fmt: skip
    in_shared = filled(response).lookup(get(), 1.0).response
    in_private = filled(response, shared=False).lookup(get(), 1.0).response
    assert {name.lower() for name in in_shared.headers} == {"cache-control", "x-kept", "age"}
    assert {name.lower() for name in in_private.headers} == {"cache-control", "x-kept", "age", "set-cookie"}


def test_a_304_freshens():
    """The stored body serves again, with the 304's fields and a lifetime that starts anew (§4.3.4, §3.2)."""
    stored = ok(
        cache_control="max-age=60",
        etag='"1"',
        date=http_date(0),
        age="5",
        content_type="text/plain",
        content_length="4",
    )
    cache = filled(stored)
    answer = ok(b"", 304, etag='"1"', cache_control="max-age=30", content_length="0", content_type="x/y", x_new="1")
    served = cache.receive(get(), answer, requested_at=100.0, now=100.0)
    assert (served.status, served.body, served.header("Age")) == (200, b"body", None)
    assert served.header("Content-Type") == "text/plain"
    assert served.header("Content-Length") == "4"
    assert (served.header("X-New"), served.header("Date")) == ("1", None)
    assert [kind(cache.lookup(get(), now)) for now in (129.0, 130.0)] == [FRESH, STALE]


@pytest.mark.parametrize(
    ("stored", "answer", "fits"),
    [
        ({"etag": '"1"'}, {"etag": '"1"'}, True),
        ({"etag": '"1"'}, {"etag": '"2"'}, False),
        ({"etag": 'W/"1"'}, {"etag": '"1"'}, False),
        ({"etag": 'W/"1"'}, {"etag": 'W/"1"'}, True),
        ({"etag": '"1"'}, {"etag": 'W/"1"'}, True),
        ({"last_modified": http_date(5)}, {"last_modified": http_date(5)}, True),
        ({"last_modified": http_date(5)}, {"last_modified": http_date(6)}, False),
        ({"last_modified": http_date(5)}, {"etag": '"1"'}, False),
        ({"etag": '"1"'}, {}, True),
        ({"cache_control": "max-age=0, stale-if-error=9"}, {}, False),
    ],
)
def test_a_304_must_speak_of_what_is_stored(stored, answer, fits):
    """Strong tags must be equal, weak ones equal but for the mark; one that speaks of something else is no answer."""
    cache = filled(ok(**stored))
    served = cache.receive(get(), ok(b"", 304, **answer), requested_at=1.0, now=1.0)
    assert (served is not None) is fits


def test_a_304_for_something_dropped_restores_it():
    """When the entry was dropped meanwhile the 304 still makes what it was asked about fresh, unless a write came."""
    for keep in (True, False):
        stale = filled(ok(cache_control="max-age=60", etag='"1"')).lookup(get(), 61.0)
        cache, answer = Cache(), ok(b"", 304, etag='"1"')
        served = cache.receive(get(), answer, requested_at=61.0, now=62.0, stored=stale.stored, keep=keep)
        assert (served.status, served.body, served.header("Age")) == (200, b"body", None)
        assert len(cache) == keep


def test_a_late_304_does_not_bring_the_old_version_back():
    """A 304 about the old version that comes after the new one serves who asked, and leaves the new one stored."""
    cache = filled(ok(b"old", cache_control="max-age=60", etag='"1"'))
    stale = cache.lookup(get(), 61.0)
    cache.receive(get(), ok(b"new", cache_control="max-age=60", etag='"2"'), requested_at=61.0, now=62.0)
    served = cache.receive(get(), ok(b"", 304, etag='"1"'), requested_at=61.0, now=63.0, stored=stale.stored)
    assert served.body == b"old"
    assert cache.lookup(get(), 64.0).response.body == b"new"


def test_a_304_that_leads_nowhere_empties_the_place():
    """A 304 for nothing, or for another version than was asked about, is None; what is stored goes: ask again."""
    assert Cache().receive(get(), ok(b"", 304, etag='"1"'), requested_at=0.0, now=0.0) is None
    cache = filled(ok(cache_control="max-age=60", etag='"1"'))
    stale = cache.lookup(get(), 61.0)
    answer = ok(b"", 304, etag='"2"')
    assert cache.receive(get(), answer, requested_at=61.0, now=61.0, stored=stale.stored) is None
    assert kind(cache.lookup(get(), 61.0)) == MISS


def test_one_tag_for_two_variants_does_no_harm():
    """Only the response that the request selects is freshened: a v2 client never gets the v1 body from a 304."""
    v1, v2 = get(accept_version="1"), get(accept_version="2")
    cache = filled(ok(b"v1", cache_control="max-age=60", etag='"same"', vary="Accept-Version"), v1)
    found = cache.lookup(v2, 61.0)
    assert isinstance(found, Miss)
    assert found.forward.header("If-None-Match") is None
    assert cache.receive(v2, ok(b"", 304, etag='"same"'), requested_at=61.0, now=61.0) is None


@pytest.mark.parametrize("forbids", ["no-store", "private, max-age=60"])
def test_a_304_that_forbids_keeping_empties_the_place(forbids):
    """A freshened response that may not be kept any more is served once and forgotten."""
    cache = filled(ok(cache_control="max-age=60", etag='"1"'))
    served = cache.receive(get(), ok(b"", 304, etag='"1"', cache_control=forbids), requested_at=61.0, now=61.0)
    assert (served.body, len(cache)) == (b"body", 0)


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (ok(b"new", cache_control="no-store"), 0),
        (ok(b"gone", 404), 0),
        (ok(b"gone", 410), 0),
        (ok(b"elsewhere", 302), 0),
        (ok(b"new", cache_control="max-age=60"), 1),
        (ok(b"down", 503), 1),
        (ok(b"slow down", 429), 1),
        (ok(b"who are you", 401), 1),
    ],
)
def test_a_full_answer_replaces_what_was_stored(answer, left):
    """What the origin puts in its place counts, also when that may not be kept; an error says nothing about it."""
    cache = filled(ok(b"old", cache_control="max-age=60, stale-if-error=999", etag='"1"'))
    served = cache.receive(get(), answer, requested_at=61.0, now=61.0)
    assert served == answer
    assert len(cache) == left


@pytest.mark.parametrize(
    ("method", "status", "headers", "forgotten"),
    [
        ("PUT", 200, {}, {"/p"}),
        ("PATCH", 204, {}, {"/p"}),
        ("DELETE", 204, {}, {"/p"}),
        ("POST", 303, {}, {"/p"}),
        ("FROB", 200, {}, {"/p"}),
        ("PUT", 412, {}, set()),
        ("PUT", 409, {"location": "/q"}, set()),
        ("PUT", 500, {}, {"/p"}),
        ("PUT", 504, {}, {"/p"}),
        ("GET", 504, {}, set()),
        ("OPTIONS", 200, {}, set()),
        ("POST", 201, {"location": "/q"}, {"/p", "/q"}),
        ("POST", 201, {"content_location": "q"}, {"/p", "/q"}),
        ("POST", 201, {"location": "https://shop.example/q"}, {"/p", "/q"}),
        ("POST", 201, {"location": "https://other.example/q"}, {"/p"}),
        ("POST", 201, {"location": "http://["}, {"/p"}),
        ("POST", 201, {"location": "/q?x=1"}, {"/p", "/q?x=1"}),
    ],
)
def test_an_unsafe_method_makes_it_forget(method, status, headers, forgotten):
    """A write invalidates its target and the places on this host that it names, unless a 4xx undid it (§4.4)."""
    paths = {"/p", "/q", "/q?x=1"}
    cache = Cache()
    for path in sorted(paths):
        for language in ("de", "en"):
            cache.store(
                get(path, accept=language), ok(cache_control="max-age=60", vary="Accept"), requested_at=0.0, now=0.0
            )
    write = Request(method, "/p", headers={"Host": "shop.example"})
    assert cache.receive(write, ok(b"", status, **headers), requested_at=1.0, now=1.0).status == status
    gone = {path for path in paths if kind(cache.lookup(get(path, accept="de"), 2.0)) == MISS}
    assert gone == forgotten
    assert len(cache) == 2 * len(paths - forgotten)


def test_it_holds_so_many_and_drops_the_least_recently_used():
    """Beyond *entries* the one that was not used for the longest time goes; a lookup alone is no use."""
    cache = Cache(entries=2)
    for path in ("/a", "/b"):
        cache.store(get(path), ok(cache_control="max-age=60"), requested_at=0.0, now=0.0)
    cache.lookup(get("/b"), 1.0)
    cache.touch(get("/a"))
    cache.touch(get("/nothing"))
    cache.store(get("/c"), ok(cache_control="max-age=60"), requested_at=1.0, now=1.0)
    assert [kind(cache.lookup(get(path), 2.0)) for path in ("/a", "/b", "/c")] == [FRESH, MISS, FRESH]


def test_what_is_stored_again_counts_as_used():
    """A response that was renewed is not the next to go."""
    cache = Cache(entries=2)
    for path in ("/a", "/b", "/a", "/c"):
        cache.store(get(path), ok(cache_control="max-age=60"), requested_at=0.0, now=0.0)
    assert [kind(cache.lookup(get(path), 2.0)) for path in ("/a", "/b", "/c")] == [FRESH, MISS, FRESH]


@pytest.mark.slow
def test_many_keys_and_variants_leave_no_more_than_it_may_hold():
    """However many keys and variants pass through, nothing but the *entries* is kept, in any of its books."""
    cache = Cache(entries=100)
    for number in range(10_000):
        request = get(f"/{number % 2_500}", accept=str(number))
        cache.store(request, ok(cache_control="max-age=60", vary="Accept"), requested_at=0.0, now=0.0)
    shelf = cache._shelf
    assert len(cache) == 100
    assert sum(len(values) for names in shelf._of_path.values() for values in names.values()) == 100


def test_a_shortened_lifetime_is_never_longer():
    """*shorten* takes a share off the lifetime, so that jitter cannot make anything fresh for too long."""
    for share, end in ((0.0, 60.0), (0.25, 45.0), (1.0, 0.0)):
        cache = Cache()
        response = ok(cache_control="max-age=60", etag='"1"')
        cache.store(get(), response, requested_at=0.0, now=0.0, shorten=share)
        assert kind(cache.lookup(get(), end)) == STALE
        assert end == 0.0 or kind(cache.lookup(get(), end - 0.1)) == FRESH


@pytest.mark.parametrize("wrong", [{"entries": 0}, {"entries": 1.5}, {"heuristic": -0.1}, {"heuristic": 2}])
def test_a_wrong_setting_is_refused(wrong):
    """What is set wrong is said at construction, by name."""
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
        Cache(**wrong)


# Laws, for every response, every request and every instant that hypothesis thinks of.

seconds = st.integers(0, 30)
directives = st.lists(
    st.sampled_from(["no-store", "no-cache", "private", "public", "must-revalidate", "proxy-revalidate", "max-age=x",
                     'private="x"', "max-stale", "only-if-cached"])
    | st.builds("{}={}".format, st.sampled_from(["max-age", "max-age", "s-maxage", "stale-while-revalidate",
                                                 "stale-if-error", "max-stale", "min-fresh"]), seconds),
    max_size=4,
).map(", ".join)  # fmt: skip
fields = {
    "Cache-Control": directives,
    "ETag": st.sampled_from(['"1"', 'W/"1"', '"2"']),
    "Vary": st.sampled_from(["Accept", "accept, X-User", "*", "", ",,"]),
    "Age": seconds.map(str),
    "Date": seconds.map(http_date),
    "Expires": seconds.map(http_date) | st.just("0"),
    "Last-Modified": seconds.map(http_date),
}
responses = st.builds(
    lambda status, headers, body: Response(status, headers=headers, body=body),
    st.sampled_from([200, 200, 200, 404, 302, 500, 503, 206, 304]),
    st.fixed_dictionaries({}, optional=fields),
    st.binary(max_size=3),
)
requests = st.builds(
    lambda method, path, headers: Request(method, path, headers=headers),
    st.sampled_from(["GET", "GET", "GET", "GET", "HEAD", "PUT"]),
    st.sampled_from(["/p", "/q"]),
    st.fixed_dictionaries(
        {},
        optional={
            "Cache-Control": directives,
            "Accept": st.sampled_from(["a", "b"]),
            "X-User": st.sampled_from(["ada", "bob"]),
            "Authorization": st.sampled_from(["ada", "bob"]),
            "If-None-Match": st.sampled_from(['"1"', '"2"', "*", "junk"]),
        },
    ),
)
traffic = st.lists(st.tuples(requests, responses, st.integers(0, 20)), max_size=8)


def played(cache, exchanges):
    """Hand every exchange in, at instants that grow; yields (instant, request, found, answer) before each."""
    now = 0.0
    for request, answer, pause in exchanges:
        now += pause
        found = cache.lookup(request, now)
        yield now, request, found, answer
        if not isinstance(found, Fresh):
            cache.receive(request, answer, requested_at=now, now=now)


@pytest.mark.slow
@settings(max_examples=100)
@given(traffic, st.booleans())
def test_nothing_is_served_that_is_neither_fresh_nor_allowed_stale(exchanges, shared):
    """A response that is served without asking is within its lifetime, or what the request or RFC 5861 allows."""
    for _, request, found, _ in played(Cache(shared=shared), exchanges):
        if isinstance(found, Miss):
            continue
        said = parse_cache_control(found.response.header("Cache-Control"))
        asked = parse_cache_control(request.header("Cache-Control"))
        if isinstance(found, Fresh):
            assert found.left > 0 or (asked.max_stale is not None and -found.left <= asked.max_stale)
            assert found.left > 0 or not said.must_revalidate
            assert not said.no_cache
            assert not asked.no_cache
            stated = said.s_maxage if shared and said.s_maxage is not None else said.max_age
            if stated is not None and found.left > 0:
                assert int(found.response.header("Age")) <= stated
        elif found.while_revalidating or found.on_error:
            assert not any((said.must_revalidate, said.no_cache, asked.no_cache))
            assert not (shared and (said.s_maxage is not None or said.proxy_revalidate))


@pytest.mark.slow
@settings(max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(["ada", "bob"]), responses, st.integers(0, 20)), max_size=8), st.booleans())
def test_a_private_response_never_crosses_users(visits, by_header):
    """In a shared cache nobody gets a response made for another with Authorization, unless it says it is for all."""
    cache = Cache()
    exchanges = [
        (
            get(authorization=user, **({"x_user": user} if by_header else {})),
            Response(answer.status, headers={**answer.headers, "X-For": user}, body=answer.body),
            pause,
        )
        for user, answer, pause in visits
    ]
    for _, request, found, _ in played(cache, exchanges):
        if isinstance(found, Miss) or found.response.header("X-For") == request.header("Authorization"):
            continue
        said = parse_cache_control(found.response.header("Cache-Control"))
        assert said.public or said.must_revalidate or said.s_maxage is not None
        assert not said.private
        assert not said.no_store


@pytest.mark.slow
@settings(max_examples=70)
@given(traffic, requests, st.floats(0, 1e6))
def test_reading_changes_nothing(exchanges, request_, later):
    """`lookup` answers the same however often it is asked, at whatever instants, and `len` stays."""
    cache = Cache(entries=2)
    for _ in played(cache, exchanges):
        pass
    first, size = cache.lookup(request_, later), len(cache)
    for instant in (0.0, 1e9, later):
        cache.lookup(request_, instant)
        cache.variant(request_)
    assert cache.lookup(request_, later) == first
    assert len(cache) == size


@pytest.mark.slow
@settings(max_examples=60)
@given(traffic, traffic, requests)
def test_a_copy_is_independent(exchanges, more, request_):
    """A copy goes its own way, and a fresh one starts empty with the same settings."""
    cache = Cache(entries=3, shared=False)
    for _ in played(cache, exchanges):
        pass
    before, twin = cache.lookup(request_, 5.0), copy.deepcopy(cache)
    for _ in played(twin, more):
        pass
    assert cache.lookup(request_, 5.0) == before
    new = fresh(cache)
    assert (len(new), new.entries, new.shared) == (0, 3, False)
    assert new.store(get("/new"), ok(cache_control="max-age=9"), requested_at=0.0, now=0.0)
    assert kind(cache.lookup(get("/new"), 0.0)) == MISS


@pytest.mark.slow
@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["GET", "PUT", "HEAD", "", "get"]),
            st.text(max_size=8),
            st.dictionaries(
                st.sampled_from(["Cache-Control", "Vary", "If-None-Match", "Host", "x"]), st.text(max_size=20)
            ),
            st.sampled_from([200, 304, 404, 500]),
            st.dictionaries(
                st.sampled_from(["Cache-Control", "Vary", "ETag", "Age", "Location", "Connection", "Expires"]),
                st.text(max_size=20),
            ),
        ),
        max_size=4,
    )
)
def test_no_headers_make_it_raise(exchanges):
    """Whatever stands in paths and headers, it decides."""
    cache = Cache(entries=2)
    for method, path, asked, status, said in exchanges:
        request, answer = Request(method, path, headers=asked), Response(status, headers=said, body=b"x")
        found = cache.lookup(request, 1.0)
        assert isinstance(found, Fresh | Stale | Miss)
        served = cache.receive(request, answer, requested_at=1.0, now=1.0)
        assert served is None or served.status in (status, 200, 304)
