"""The catalogue: negotiated, validated and compressed pages, and what caches make of each design's headers."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Effect, Reply, Step, Work
from sim.http import Request, json_body
from sim.interleave import explore
from sim.policies.caching.cache import Cache, Fresh, Stale
from sim.policies.caching.compression import Compressor, decode
from sim.policies.http.patch import MERGE_PATCH
from sim.services.catalog.designs import DECIDING, DESIGNS, CacheDesign
from sim.services.catalog.listing import Listing, MemoryPages
from sim.services.catalog.service import Catalog, representation
from sim.store import MemoryStore

LAMP = {"name": "Lamp", "description": "warm light " * 200, "price": {"amount": 2000, "currency": "EUR"}}


def catalog(**parts):
    """A catalogue with one product, 7, and one customer, ada, who has 10 % off."""
    store = MemoryStore()
    store.put("products", "7", LAMP)
    store.put("discounts", "ada", 10)
    return Catalog(store, **parts)


def serve(service, method="GET", path="/products/7", body=b"", **headers):
    """The response, with headers written as in `if_match=`."""
    return run(
        service, Request(method, path, "1", {name.replace("_", "-"): text for name, text in headers.items()}, body)
    )


def run(service, request):
    replies = [command.response for command in service(request, 0.0) if isinstance(command, Reply)]
    assert len(replies) == 1
    return replies[0]


def put(service, document, method="PUT", path="/products/7", **headers):
    kind = "application/json" if method == "PUT" else MERGE_PATCH
    return serve(service, method, path, json_body(document), content_type=kind, **headers)


def test_a_page_says_how_it_may_be_reused():
    """A page carries an ETag, Cache-Control, Vary and its media type."""
    page = serve(catalog())
    assert page.status == 200
    assert page.header("Cache-Control") == "max-age=60"
    assert page.header("Vary") == "Accept-Encoding, Accept-Version, Authorization"
    assert page.header("Content-Type") == "application/json"
    assert page.header("ETag").startswith('"')
    assert page.json() == {"name": "Lamp", "description": LAMP["description"], "price": 20.0}


def test_head_is_get_without_the_body():
    """HEAD has the status and every header of GET, and no body."""
    for headers in ({}, {"accept_encoding": "gzip"}, {"accept_version": "9"}):
        got, headed = (serve(catalog(), method, **headers) for method in ("GET", "HEAD"))
        assert (headed.status, headed.headers, headed.body) == (got.status, got.headers, b"")


def test_versions_are_negotiated():
    """Accept-Version chooses the shape of the price; without it the first version answers."""
    assert serve(catalog(), accept_version="1").json()["price"] == 20.0
    assert serve(catalog(), accept_version="2").json()["price"] == {"amount": 2000, "currency": "EUR"}
    assert serve(catalog()).body == serve(catalog(), accept_version="1").body


def test_a_customer_has_a_price_of_her_own():
    """With Authorization the page is the customer's, says so, and is private."""
    page = serve(catalog(), authorization="Bearer ada", accept_version="2")
    assert page.json()["price"]["amount"] == 1800
    assert page.json()["customer"] == "ada"
    assert page.header("Cache-Control") == "max-age=60, private"
    assert serve(catalog(), authorization="Bearer bob").json()["price"] == 20.0


@pytest.mark.parametrize(
    ("accept", "coding"),
    [("gzip", "gzip"), ("br", "br"), ("gzip, br", "br"), ("gzip, br;q=0.1", "gzip"), ("deflate", None),
     ("gzip;q=0", None), ("", None), (None, None)],
)  # fmt: skip
def test_pages_are_compressed_as_agreed(accept, coding):
    """The coding is what the client prefers, at equal weight brotli; without any it is identity."""
    page = serve(catalog(), **({} if accept is None else {"accept_encoding": accept}))
    assert page.header("Content-Encoding") == coding
    assert json.loads(decode(page.body, coding))["name"] == "Lamp"


def test_short_pages_stay_as_they_are():
    """Below the cut-off nothing is compressed, and Vary still says that it might have been."""
    page = serve(catalog(compressor=Compressor(cutoff=100_000)), accept_encoding="gzip")
    assert page.header("Content-Encoding") is None
    assert "Accept-Encoding" in page.header("Vary")


def test_every_form_has_a_tag_of_its_own():
    """Version, coding and customer each make another strong tag, and the same form the same one."""
    forms = [
        {"accept_encoding": coding, "accept_version": version, "authorization": who}
        for coding in ("gzip", "br", "identity")
        for version in "12"
        for who in ("", "Bearer ada", "Bearer bob")
    ]
    tags = [serve(catalog(), **form).header("ETag") for form in forms]
    assert len(set(tags)) == len(forms)
    assert tags == [serve(catalog(), **form).header("ETag") for form in forms]


@pytest.mark.parametrize(
    "form", [{}, {"accept_encoding": "gzip"}, {"accept_version": "2"}, {"authorization": "Bearer ada"}]
)
def test_a_reader_who_has_it_gets_a_304(form):
    """If-None-Match with the form's tag is a 304 with the caching headers and no body; another form is a 200."""
    full = serve(catalog(), **form)
    short = serve(catalog(), if_none_match=full.header("ETag"), **form)
    assert (short.status, short.body) == (304, b"")
    for name in ("ETag", "Cache-Control", "Vary"):
        assert short.header(name) == full.header(name)
    other = serve(catalog(), if_none_match=full.header("ETag"), **{**form, "accept_encoding": "br"})
    assert other.status == 200


def test_a_change_makes_a_new_tag():
    """After a PATCH of the price the old tag is no longer the present one."""
    service = catalog()
    old = serve(service).header("ETag")
    assert put(service, {"price": {"amount": 2500}}, "PATCH").status == 200
    page = serve(service, if_none_match=old)
    assert (page.status, page.json()["price"]) == (200, 25.0)
    assert page.header("ETag") != old


def test_a_put_makes_or_replaces():
    """PUT answers 201 with its place for a new product, 200 for one that was there, and the tag that a GET has."""
    service = catalog()
    made = put(service, LAMP, path="/products/8")
    assert (made.status, made.header("Location")) == (201, "/products/8")
    replaced = put(service, {**LAMP, "name": "Torch"}, path="/products/8")
    assert (replaced.status, replaced.json()["name"]) == (200, "Torch")
    assert replaced.header("ETag") == serve(service, path="/products/8").header("ETag")


@pytest.mark.parametrize(
    "form", [{}, {"accept_encoding": "gzip"}, {"accept_version": "2"}, {"authorization": "Bearer ada"}]
)
def test_a_writer_may_guard_with_any_forms_tag(form):
    """If-Match with the tag of the form that the writer has read lets the write through; an old one is a 412."""
    service = catalog()
    tag = serve(service, **form).header("ETag")
    writer = {name: text for name, text in form.items() if name == "authorization"}
    assert put(service, {"name": "Torch"}, "PATCH", if_match=tag, **writer).status == 200
    refused = put(service, {"name": "Lantern"}, "PATCH", if_match=tag, **writer)
    assert (refused.status, refused.header("Content-Type")) == (412, "application/problem+json")
    assert serve(service).json()["name"] == "Torch"


_TORCH = json_body({**LAMP, "name": "Torch"})
REFUSED = {
    "no such product": ("GET", "/products/9", {}, b"", 404),
    "no such place": ("GET", "/offers", {}, b"", 404),
    "no such method": ("DELETE", "/products/7", {}, b"", 405),
    "no such version": ("GET", "/products/7", {"accept_version": "3"}, b"", 406),
    "no coding left": ("GET", "/products/7", {"accept_encoding": "identity;q=0"}, b"", 406),
    "no media type left": ("GET", "/products/7", {"accept": "image/png"}, b"", 406),
    "another media type": ("PUT", "/products/7", {"content_type": "text/plain"}, b"{}", 415),
    "no media type": ("PATCH", "/products/7", {}, b"{}", 415),
    "no body": ("PUT", "/products/7", {"content_type": "application/json"}, b"", 400),
    "no JSON": ("PUT", "/products/7", {"content_type": "application/json"}, b"{", 400),
    "too large": ("PUT", "/products/7", {"content_type": "application/json"}, b" " * 1_000_001, 413),
    "wrong fields": ("PUT", "/products/7", {"content_type": "application/json"}, b'{"name": 1, "x": 2}', 422),
    "a list": ("PUT", "/products/7", {"content_type": "application/json"}, b"[]", 422),
    "a patch to nonsense": ("PATCH", "/products/7", {"content_type": MERGE_PATCH}, b'{"price": 5}', 422),
    "a patch of nothing": ("PATCH", "/products/9", {"content_type": MERGE_PATCH}, b"{}", 404),
    "a name that cannot be": ("PUT", "/products/a%20b", {"content_type": "application/json"}, json_body(LAMP), 404),
    "a broken guard": ("PUT", "/products/7", {"content_type": "application/json", "if_match": "7"}, _TORCH, 400),
    "taken": ("PUT", "/products/7", {"content_type": "application/json", "if_none_match": "*"}, _TORCH, 412),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_a_problem_document(case):
    """Whatever is wrong has its status, a problem document, no effect and nothing to keep in a cache."""
    method, path, headers, body, status = REFUSED[case]
    service = catalog()
    before = service.store.snapshot()
    answer = serve(service, method, path, body, **headers)
    assert answer.status == status
    assert answer.header("Content-Type") == "application/problem+json"
    assert answer.json()["status"] == status
    assert service.store.snapshot() == before
    assert not Cache().store(Request(method, path), answer, requested_at=0.0, now=0.0)


def test_all_wrong_fields_are_named_at_once():
    """A 422 lists every field, by pointer."""
    answer = put(catalog(), {"name": "", "price": {"amount": -1}, "colour": "red"})
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        "/name",
        "/price/amount",
        "/price/currency",
        "/colour",
    ]


def test_a_listing_may_stand_beside():
    """`GET /products` is another service's, and is there only when it was handed in."""
    assert serve(catalog(), path="/products").status == 404
    listing = Listing(MemoryPages([{"id": 7, "created_at": 1}]))
    assert serve(catalog(listing=listing), path="/products").json()["items"] == [{"id": 7, "created_at": 1}]


def test_it_yields_after_every_access():
    """Each read and write of the store is followed by a step, so that another request can come between."""
    service = catalog()
    reading = Request("GET", "/products/7", headers={"Authorization": "Bearer ada"})
    steps = [command.name for command in service(reading, 0.0) if isinstance(command, Step)]
    assert steps == ["read the product", "read the discount"]
    commands = list(
        service(Request("PUT", "/products/7", "k", {"Content-Type": "application/json"}, json_body(LAMP)), 0.0)
    )
    assert [type(command) for command in commands] == [Step, Step, Effect, Work, Reply]


def test_of_two_guarded_writes_one_gets_through():
    """Explored in every order: two writers with the same If-Match never both succeed, and neither is lost."""
    tag = serve(catalog()).header("ETag")
    headers = {"Content-Type": MERGE_PATCH, "If-Match": tag}
    writers = [Request("PATCH", "/products/7", name, headers, json_body({"name": name})) for name in ("Ada", "Bob")]

    def invariant(ending):
        statuses = sorted(reply.status for reply in ending.replies)
        return None if statuses == [200, 412] and len(ending.effects) == 1 else f"statuses {statuses}"

    found = explore(catalog, writers, invariant)
    assert found.ok, str(found)
    assert found.schedules > 2


# What caches make of it.


def through(cache, service, request, now):
    """The response that a client behind *cache* gets, and whether the origin was asked."""
    found = cache.lookup(request, now)
    if isinstance(found, Fresh):
        return found.response, False
    stored = found.stored if isinstance(found, Stale) else None
    answer = run(service, found.forward)
    served = cache.receive(request, answer, requested_at=now, now=now, stored=stored)
    assert served is not None
    return served, True


def client(version="1", customer=None, coding=None, **more):
    headers = {"Accept-Version": version, **more}
    headers |= {"Authorization": f"Bearer {customer}"} if customer else {}
    headers |= {"Accept-Encoding": coding} if coding else {}
    return Request("GET", "/products/7", headers=headers)


def is_wrong(request, response):
    """Whether the body is not the one that the origin would make for this very request."""
    customer = (request.header("Authorization") or "").removeprefix("Bearer ") or None
    coding = response.header("Content-Encoding")
    if coding is not None and coding not in (request.header("Accept-Encoding") or ""):
        return True
    right = representation(LAMP, request.header("Accept-Version"), customer, 10 if customer == "ada" else 0)
    return decode(response.body, coding) != right


CLIENTS = [client(version, customer, coding) for version in "12" for customer in (None, "ada", "bob")
           for coding in (None, "gzip", "br")]  # fmt: skip


@pytest.mark.parametrize("name", DESIGNS)
def test_only_the_mistakes_serve_wrong_bodies(name):
    """Through one shared cache every client gets its own body, with every design but the mistakes.

    One tag for all does no harm in our cache, which freshens only what a request selects; in hishel it does.
    """
    cache, service = Cache(), catalog(design=DESIGNS[name])
    wrong, now = 0, 0.0
    for rounds in range(3):
        for request in CLIENTS[rounds:] + CLIENTS[:rounds]:
            now += 7.0
            wrong += is_wrong(request, through(cache, service, request, now)[0])
    mistaken = {"no Vary", "Vary without the version", "public for all"}
    assert (wrong > 0) is (name in mistaken)
    assert len(DESIGNS) == 10


@pytest.mark.parametrize(
    ("name", "shared", "private"),
    [("nothing", 3, 3), ("no-store", 3, 3), ("no-cache", 3, 3), ("max-age", 1, 1), ("private", 3, 1),
     ("stale-while-revalidate", 1, 1)],
)  # fmt: skip
def test_what_reaches_the_origin(name, shared, private):
    """Of three requests for one page: by the table of RFC 9111, in a shared and in a private cache."""
    for cache, expected in ((Cache(), shared), (Cache(shared=False), private)):
        service = catalog(design=DESIGNS[name])
        assert sum(through(cache, service, client(), now)[1] for now in (0.0, 1.0, 2.0)) == expected


def test_no_cache_is_no_privacy():
    """Q-14.3: a shared cache may store what says no-cache, and only asks each time; private is what keeps it out."""
    stored = {}
    for name in ("no-cache", "private"):
        cache = Cache()
        through(cache, catalog(design=DESIGNS[name]), client(), 0.0)
        stored[name] = len(cache)
    assert stored == {"no-cache": 1, "private": 0}


def test_authorization_alone_keeps_it_out_of_a_shared_cache():
    """Q-14.8: a plain max-age for a request with Authorization is not for others, even if the origin forgot private."""
    cache, service = Cache(), catalog(design=CacheDesign(personal=CacheDesign().control, vary=DECIDING[:2]))
    for customer in ("ada", "bob"):
        response, asked = through(cache, service, client(customer=customer), 0.0)
        assert (response.json()["customer"], asked) == (customer, True)


def test_a_write_empties_the_cache_on_its_way():
    """A price changed through the cache is seen by the next reader, not a minute later."""
    cache, service = Cache(), catalog()
    through(cache, service, client(), 0.0)
    write = Request("PATCH", "/products/7", "w", {"Content-Type": MERGE_PATCH},
                    json_body({"price": {"amount": 100}}))  # fmt: skip
    through(cache, service, write, 1.0)
    assert through(cache, service, client(), 2.0)[0].json()["price"] == 1.0


fields = st.sampled_from([
    "Accept", "Accept-Encoding", "Accept-Version", "Authorization", "If-Match", "If-None-Match", "Content-Type",
    "Cache-Control", "Range",
])  # fmt: skip
texts = st.text(max_size=12) | st.sampled_from([
    "1", "2", "gzip", "br;q=0", "Bearer ada", "*", '"1"', 'W/"1"', "application/json", MERGE_PATCH,
])  # fmt: skip
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "price", "amount", "currency", "description"]), inner, max_size=4)
    ),
    max_leaves=6,
).map(json_body)


@pytest.mark.slow
@settings(max_examples=120)
@given(
    st.sampled_from(["GET", "HEAD", "PUT", "PATCH", "DELETE", "X"]),
    st.sampled_from(["/products/7", "/products/9", "/products", "/"]) | st.text(max_size=10),
    st.dictionaries(fields, texts, max_size=5),
    st.binary(max_size=20) | documents,
)
def test_anything_can_be_asked(method, path, headers, body):
    """Whatever comes, there is one response, with a status that exists, a problem document if it is an error."""
    service = catalog()
    before = service.store.snapshot()
    answer = run(service, Request(method, path, "k", headers, body))
    assert answer.status in (200, 201, 304, 400, 404, 405, 406, 412, 413, 415, 422)
    if answer.status >= 400:
        assert answer.header("Content-Type") == "application/problem+json"
        assert method == "HEAD" or answer.json()["status"] == answer.status
    if method not in ("PUT", "PATCH") or answer.status >= 400:
        assert service.store.snapshot() == before
