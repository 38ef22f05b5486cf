"""Caching against hishel's RFC mode: its pure state machine, private and shared, on the same traffic."""

import types
import uuid

import hishel
import pytest
from deviations_caching import DEVIATIONS
from hishel import _sync_rfc
from hishel._core import _headers, _spec
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request, Response, http_date
from sim.policies.caching.cache import Cache, Fresh, Stale
from sim.policies.caching.cachecontrol import parse_cache_control

EPOCH = 1_500_000_000.0


class Origin:
    """A server whose answer is a function of the request, which validates by its ETag and counts what reaches it."""

    def __init__(self, answer):
        self.answer, self.seen = answer, []

    def __call__(self, request, now):
        self.seen.append(request)
        response = self.answer(request)
        response = Response(response.status, headers={"Date": http_date(now), **response.headers}, body=response.body)
        tag = response.header("ETag")
        if tag is not None and request.header("If-None-Match") == tag and response.status == 200:
            return Response(304, headers=response.headers)
        return response

    @property
    def conditional(self):
        return [request.header("If-None-Match") is not None for request in self.seen]


class Ours:
    def __init__(self, origin, shared):
        self.origin, self.cache = origin, Cache(shared=shared)

    def __call__(self, request, now):
        found = self.cache.lookup(request, now)
        if isinstance(found, Fresh):
            return found.response
        if getattr(found, "refusal", None) is not None:
            return found.refusal
        answer = self.origin(found.forward, now)
        stored = found.stored if isinstance(found, Stale) else None
        served = self.cache.receive(request, answer, requested_at=now, now=now, stored=stored)
        return served if served is not None else self(request, now)


class Hishel:
    """hishel's machine with a list for a store; bodies travel in a header, its clock is ours."""

    def __init__(self, origin, shared, monkeypatch):
        self.origin, self.options, self.entries = origin, {"shared": shared}, []
        self.now = 0.0
        monkeypatch.setattr(_spec, "time", types.SimpleNamespace(time=lambda: self.now))

    def __call__(self, request, now):
        self.now = now
        theirs = hishel.Request(
            request.method, "http://shop.example" + request.path, hishel.Headers(dict(request.headers))
        )
        response, _ = _sync_rfc.handle_request_with_rfc(theirs, self._send, self, "key", self.options)
        headers = {name: ", ".join(response.headers.get_list(name)) for name in response.headers}
        return Response(response.status_code, headers=headers, body=headers.pop("x-body", "").encode("latin-1"))

    def _send(self, request):
        headers = {name: ", ".join(request.headers.get_list(name)) for name in request.headers}
        answer = self.origin(
            Request(request.method, request.url.removeprefix("http://shop.example"), headers=headers), self.now
        )
        body = {"X-Body": answer.body.decode("latin-1")} if answer.status != 304 else {}
        return hishel.Response(answer.status, hishel.Headers({**answer.headers, **body}))

    def get_entries(self, key):
        return list(self.entries)

    def create_entry(self, request, response, key, *, ttl=None, tti=None):
        self.entries.append(hishel.Entry(uuid.uuid4(), request, response))
        return self.entries[-1]

    def remove_entry(self, id):
        self.entries = [entry for entry in self.entries if entry.id != id]

    def update_headers(self, id, headers):
        for entry in self.entries:
            if entry.id == id:
                entry.response.headers = headers


def pair(answer, monkeypatch, *, shared=True):
    """Our cache and hishel's, each before an origin of its own."""
    return Ours(Origin(answer), shared), Hishel(Origin(answer), shared, monkeypatch)


def get(path="/p", **headers):
    """A GET; `cache_control=` is the header Cache-Control."""
    return Request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def says(body=b"body", status=200, **headers):
    """An origin that always says the same."""
    response = Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body)
    return lambda request: response


def hits(cache, requests, *, pause=1.0):
    """How many of the *requests*, one a second, reach the origin."""
    for place, request in enumerate(requests):
        cache(request, EPOCH + place * pause)
    return len(cache.origin.seen)


TABLE = {
    # what the origin says -> origin requests of three: (shared, private)
    "max-age": ({"cache_control": "max-age=60"}, 1, 1),
    "no-cache": ({"cache_control": "no-cache", "etag": '"1"'}, 3, 3),
    "private": ({"cache_control": "private, max-age=60"}, 3, 1),
    "no-store": ({"cache_control": "no-store"}, 3, 3),
    "nothing": ({}, 3, 3),
}


@pytest.mark.parametrize("case", TABLE)
@pytest.mark.parametrize("shared", [True, False])
def test_the_table_of_what_reaches_the_origin(case, shared, monkeypatch):
    """Three requests for one resource: with max-age one reaches the origin, with private one or three, else three."""
    headers, through_shared, through_private = TABLE[case]
    for cache in pair(says(**headers), monkeypatch, shared=shared):
        assert hits(cache, [get()] * 3) == (through_shared if shared else through_private)


@pytest.mark.parametrize("shared", [True, False])
def test_an_expired_response_is_validated(shared, monkeypatch):
    """After its lifetime a response is asked about with its tag, and a 304 serves the stored body."""
    for cache in pair(says(cache_control="max-age=1", etag='"1"'), monkeypatch, shared=shared):
        assert hits(cache, [get()] * 2, pause=5.0) == 2
        assert cache.origin.conditional == [False, True]
        assert cache(get(), EPOCH + 5.0).body == b"body"


@pytest.mark.parametrize("shared", [True, False])
def test_query_versions_are_cached_apart(shared, monkeypatch):
    """Q-18.1: `?version=1` and `?version=2` are two resources: two origin hits for four requests, right bodies."""

    def answer(request):
        return Response(200, headers={"Cache-Control": "max-age=60"}, body=request.path.encode())

    for cache in pair(answer, monkeypatch, shared=shared):
        bodies = [cache(get(f"/p?version={version}"), EPOCH).body for version in (1, 2, 1, 2)]
        assert bodies == [b"/p?version=1", b"/p?version=2"] * 2
        assert len(cache.origin.seen) == 2


def versioned(**headers):
    """An origin that negotiates by Accept-Version."""

    def answer(request):
        version = request.header("Accept-Version")
        said = {name: value.replace("VERSION", version) for name, value in headers.items()}
        return says(f"v{version}".encode(), **said)(request)

    return answer


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"cache_control": "max-age=60"}, b"v1"),
        ({"cache_control": "max-age=60", "vary": "Accept-Version"}, b"v2"),
        ({"cache_control": "max-age=60", "vary": "Accept-Version", "etag": '"VERSION"'}, b"v2"),
    ],
    ids=["no Vary", "Vary", "Vary and tags"],
)
def test_header_versions_need_vary(shared, headers, body, monkeypatch):
    """Q-18.2: without Vary the v2 client gets the v1 body in every cache; with Vary it gets its own."""
    for cache in pair(versioned(**headers), monkeypatch, shared=shared):
        cache(get(accept_version="1"), EPOCH)
        assert cache(get(accept_version="2"), EPOCH + 1.0).body == body


@pytest.mark.parametrize(("shared", "body"), [(True, b"bob"), (False, b"ada")])
def test_authorization_in_a_private_cache_of_two_users(shared, body, monkeypatch):
    """Q-14.8: a shared cache keeps Ada's response from Bob; a private cache that two people use does not."""

    def answer(request):
        return says(request.header("Authorization").encode(), cache_control="max-age=60")(request)

    for cache in pair(answer, monkeypatch, shared=shared):
        cache(get(authorization="ada"), EPOCH)
        assert cache(get(authorization="bob"), EPOCH + 1.0).body == body


controls = st.sampled_from([
    "max-age=10", "max-age=10, public", "s-maxage=5, max-age=20", "s-maxage=5", "private, max-age=10", "private",
    "public", "no-store", "no-store, max-age=10", "no-cache", "max-age=10, no-cache", "max-age=10, must-revalidate",
    "max-age=0", "", 'private="x", max-age=9', "expires",
])  # fmt: skip
visits = st.lists(
    st.tuples(
        st.integers(1, 12),
        st.sampled_from(["GET"] * 9 + ["PUT"]),
        st.sampled_from(["/p", "/q"]),
        st.fixed_dictionaries(
            {},
            optional={
                "Accept": st.sampled_from("ab"),
                "Authorization": st.sampled_from(["ada", "bob"]),
                "Cache-Control": st.just("no-cache"),
            },
        ),
    ),
    max_size=10,
)


@pytest.mark.slow
@settings(max_examples=70)
@given(controls, st.booleans(), st.booleans(), st.sampled_from([200, 200, 404, 302]), visits, st.booleans())
def test_on_any_traffic_both_serve_the_same(control, tagged, varied, status, visits, shared):
    """Status, body and origin hits equal hishel's, request by request; where responses vary we may ask less often."""

    def answer(request):
        body = f"{request.header('Accept') if varied else ''}-{request.header('Authorization')}"
        headers = {"Expires": http_date(EPOCH + 15)} if control == "expires" else {"Cache-Control": control}
        headers |= {"ETag": f'"{body}"'} if tagged else {}
        headers |= {"Vary": "Accept"} if varied else {}
        return Response(status, headers=headers, body=body.encode())

    with pytest.MonkeyPatch.context() as monkeypatch:
        ours, theirs = pair(answer, monkeypatch, shared=shared)
        now = EPOCH
        for pause, method, path, headers in visits:
            now += pause
            request = Request(method, path, headers=headers)
            mine, other = ours(request, now), theirs(request, now)
            assert (mine.status, mine.body) == (other.status, other.body)
            if varied:
                assert len(ours.origin.seen) <= len(theirs.origin.seen)  # variants-dropped
            else:
                assert len(ours.origin.seen) == len(theirs.origin.seen)
                assert mine.header("Age") == other.header("Age")


well_formed = st.lists(
    st.sampled_from(["no-store", "no-cache", "private", "public", "must-revalidate", "proxy-revalidate", "no-transform",
                     "only-if-cached", "immutable", "must-understand", 'x-other="a, b"', "x-flag"])
    | st.builds("{}={}{}{}".format, st.sampled_from(["max-age", "s-maxage", "min-fresh", "max-stale", "stale-if-error",
                                                     "stale-while-revalidate"]),
                *[st.shared(st.sampled_from(["", '"']), key="q")], st.integers(0, 2**31 - 1),
                *[st.shared(st.sampled_from(["", '"']), key="q")])
    | st.sampled_from(['private="set-cookie, x-user"', 'no-cache="x-user"']),
    unique_by=lambda directive: directive.partition("=")[0],
    max_size=6,
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=70)
@given(well_formed, st.sampled_from([", ", ",", " ,\t"]), st.booleans())
def test_well_formed_headers_are_read_alike(directives, comma, shouted):
    """Of every header that keeps to the grammar both read the same directives and times."""
    text = comma.join(directive.upper() if shouted else directive for directive in directives)
    ours, theirs = parse_cache_control(text), _headers.parse_cache_control(text)
    for name in ("max_age", "s_maxage", "min_fresh", "max_stale", "stale_if_error", "stale_while_revalidate"):
        assert getattr(ours, name) == getattr(theirs, name)
    for name in ("no_store", "public", "must_revalidate", "proxy_revalidate", "no_transform", "only_if_cached",
                 "immutable", "must_understand"):  # fmt: skip
        assert getattr(ours, name) == getattr(theirs, name)
    for name in ("no_cache", "private"):
        theirs_said = getattr(theirs, name)
        named = {field.lower() for field in theirs_said} if isinstance(theirs_said, list) else set()
        assert getattr(ours, name) is (theirs_said is True)
        assert getattr(ours, f"{name}_fields") == named


# One test for each labelled deviation: it asserts what we do and what the library does.


def play(answer, monkeypatch, *requests, shared=True):
    """(bodies, origin hits) of ours and of hishel for requests at the instants they come with."""
    seen = []
    for cache in pair(answer, monkeypatch, shared=shared):
        bodies = [cache(request, EPOCH + at).body for at, request in requests]
        seen.append((bodies, len(cache.origin.seen)))
    return seen


def shared_tag(monkeypatch):
    answer = versioned(cache_control="max-age=60", vary="Accept-Version", etag='"same"')
    ours, theirs = play(answer, monkeypatch, (0, get(accept_version="1")), (1, get(accept_version="2")))
    assert (ours[0], theirs[0]) == ([b"v1", b"v2"], [b"v1", b"v1"])


def variants_dropped(monkeypatch):
    answer = versioned(cache_control="max-age=60", vary="Accept-Version", etag='"VERSION"')
    visits = [(at, get(accept_version=version)) for at, version in enumerate("1232")]
    assert [count for _, count in play(answer, monkeypatch, *visits)] == [3, 4]


def same_second(monkeypatch):
    def answer(request):
        return says((request.header("X") or "").encode(), cache_control="max-age=60")(request)

    visits = [(0, get(x="old")), (0, get(x="new", cache_control="no-cache")), (1, get())]
    assert [bodies[2] for bodies, _ in play(answer, monkeypatch, *visits)] == [b"new", b"old"]


def request_directives(monkeypatch):
    answer = says(cache_control="max-age=60")
    for asked in ("max-age=0", "min-fresh=100"):
        visits = [(0, get()), (1, get(cache_control=asked))]
        assert [count for _, count in play(answer, monkeypatch, *visits)] == [2, 1]
    visits = [(0, get()), (61, get(cache_control="max-stale=9"))]
    assert [count for _, count in play(answer, monkeypatch, *visits)] == [1, 2]
    only = get(cache_control="only-if-cached")
    assert [cache(only, EPOCH).status for cache in pair(answer, monkeypatch)] == [504, 200]


def request_no_store(monkeypatch):
    visits = [(0, get(cache_control="no-store")), (1, get())]
    assert [count for _, count in play(says(cache_control="max-age=60"), monkeypatch, *visits)] == [2, 1]


def stale_while_revalidate(monkeypatch):
    answer = says(cache_control="max-age=10, stale-while-revalidate=60, stale-if-error=60", etag='"1"')
    ours, theirs = pair(answer, monkeypatch)
    for cache in (ours, theirs):
        cache(get(), EPOCH)
    found = ours.cache.lookup(get(), EPOCH + 11)
    assert (found.while_revalidating, found.on_error) == (True, True)
    assert _headers.parse_cache_control("stale-while-revalidate=60").stale_while_revalidate == 60
    state = _spec.IdleClient(options={"shared": True})
    theirs.now = EPOCH + 11
    asked = hishel.Request("GET", "http://shop.example/p", hishel.Headers({}))
    assert isinstance(state.next(asked, theirs.entries), hishel.NeedRevalidation)


def upstream_age(monkeypatch):
    answer = says(cache_control="max-age=60", age="50")
    assert [count for _, count in play(answer, monkeypatch, (0, get()), (20, get()))] == [2, 1]


def age_rounding(monkeypatch):
    ages = []
    for cache in pair(says(cache_control="max-age=60"), monkeypatch):
        cache(get(), EPOCH)
        ages.append(cache(get(), EPOCH + 0.5).header("Age"))
    assert ages == ["1", "0"]


def head_from_get(monkeypatch):
    visits = [(0, get()), (1, Request("HEAD", "/p"))]
    assert [count for _, count in play(says(cache_control="max-age=60"), monkeypatch, *visits)] == [1, 2]


def client_condition(monkeypatch):
    statuses = []
    for cache in pair(says(cache_control="max-age=60", etag='"1"'), monkeypatch):
        cache(get(), EPOCH)
        statuses.append(cache(get(if_none_match='"1"'), EPOCH + 1).status)
    assert statuses == [304, 200]


def heuristic(monkeypatch):
    answer = says(last_modified=http_date(EPOCH - 1_000))
    assert [count for _, count in play(answer, monkeypatch, (0, get()), (20, get()))] == [2, 1]


def weak_stored_tag(monkeypatch):
    tags = iter(["W/", "", ""] * 2)

    def answer(request):
        return says(cache_control="max-age=5", etag=f'{next(tags)}"1"')(request)

    def weakly(origin):
        def call(request, now):
            response = origin(request, now)
            same = request.header("If-None-Match") == 'W/"1"'
            return Response(304, headers=response.headers) if same else response

        call.seen = origin.seen
        return call

    counts = []
    for cache in pair(answer, monkeypatch):
        cache.origin = weakly(cache.origin)
        assert [cache(get(), EPOCH + at).body for at in (0, 9)] == [b"body", b"body"]
        counts.append(len(cache.origin.seen))
        tags = iter(["W/", "", ""])
    assert counts == [3, 2]


def location_invalidated(monkeypatch):
    answer = says(cache_control="max-age=60", location="/p/7")
    visits = [(0, get("/p/7")), (1, Request("POST", "/p")), (2, get("/p/7"))]
    assert [count for _, count in play(answer, monkeypatch, *visits)] == [3, 2]


def failed_write(monkeypatch):
    def answer(request):
        return says(status=504 if request.method == "PUT" else 200, cache_control="max-age=60")(request)

    visits = [(0, get()), (1, Request("PUT", "/p")), (2, get())]
    assert [count for _, count in play(answer, monkeypatch, *visits)] == [3, 2]


def unstorable_successor(monkeypatch):
    said = iter(["max-age=5", "no-store", "no-store"] * 2)

    def answer(request):
        control = next(said)
        return says(cache_control=control, etag=f'"{control}"')(request)

    seen = []
    for cache in pair(answer, monkeypatch):
        for at in (0, 9, 10):
            cache(get(), EPOCH + at)
        seen.append(cache.origin.conditional)
    assert seen == [[False, True, False], [False, True, True]]


def duplicate_directive(monkeypatch):
    text = "max-age=10, max-age=20"
    assert (parse_cache_control(text).max_age, _headers.parse_cache_control(text).max_age) == (10, 20)


def restriction_with_argument(monkeypatch):
    answer = says(cache_control="max-age=60, no-store=1")
    assert [count for _, count in play(answer, monkeypatch, (0, get()), (1, get()))] == [2, 1]


def unquoted_fields(monkeypatch):
    answer = says(cache_control="max-age=60, private=Set-Cookie")
    assert [count for _, count in play(answer, monkeypatch, (0, get()), (1, get()))] == [2, 1]


def broken_max_age(monkeypatch):
    answer = says(cache_control="max-age=soon", expires=http_date(EPOCH + 60))
    assert [count for _, count in play(answer, monkeypatch, (0, get()), (1, get()))] == [2, 1]


def must_understand(monkeypatch):
    answer = says(cache_control="max-age=60, must-understand, no-store")
    assert [count for _, count in play(answer, monkeypatch, (0, get()), (1, get()))] == [1, 2]


@pytest.mark.parametrize("ident", [row[0] for row in DEVIATIONS])
def test_deviation(ident, monkeypatch):
    """Each labelled deviation is one: we do what its row says, and the library does what its row says."""
    globals()[ident.replace("-", "_")](monkeypatch)
