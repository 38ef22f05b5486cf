"""Product lists: the service answers every request with a page or a problem, whatever the store of rows."""

import json

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Note, Reply, Work
from sim.http import Request
from sim.policies.paging.cursor import SignedCursors
from sim.policies.paging.link import link_to
from sim.policies.paging.pages import PageQuery, PageRules, Sort, select
from sim.services.catalog.listing import Listing, MemoryPages

SIGNED = PageRules(
    cursors=SignedCursors(secrets=(b"s",), lifetime=60.0),
    columns={"created_at": float, "price": int},
    filters=("category",),
)
OFFSET = attrs.evolve(SIGNED, cursors=None)


def products(count, per_instant=3):
    """Some rows."""
    return [
        {"id": n, "created_at": n // per_instant, "price": n * 7 % 11, "category": "ab"[n % 2]} for n in range(count)
    ]


def pages_of(rows):
    """The rows in memory, with their two indexes."""
    return MemoryPages(rows, columns=("created_at", "price"))


def ask(service, path, now=0.0, method="GET"):
    """The response to one request, and the commands that came before it."""
    commands = []
    flow = service(Request(method, path), now)
    command = next(flow)
    while not isinstance(command, Reply):
        commands.append(command)
        command = flow.send(now)
    assert next(flow, None) is None
    return command.response, commands


queries = st.builds(
    PageQuery,
    limit=st.integers(1, 7),
    sort=st.builds(Sort, st.sampled_from(["created_at", "price"]), descending=st.booleans(), tie_breaker=st.just("id")),
    filters=st.sampled_from([(), (("category", "a"),), (("category", "z"),)]),
    offset=st.integers(0, 30),
    position=st.one_of(st.none(), st.tuples(st.integers(-1, 12), st.integers(-1, 32))),
    backward=st.booleans(),
)


@settings(max_examples=150)
@given(count=st.integers(0, 30), per_instant=st.integers(1, 9), query=queries)
def test_memory_pages_fetch_what_the_definition_says(count, per_instant, query):
    """By index and binary search, the same rows as sorting everything; without a tie-breaker the same keys."""
    rows = products(count, per_instant)
    assert list(pages_of(rows).fetch(query).rows) == select(rows, query)
    broken = attrs.evolve(query, sort=attrs.evolve(query.sort, tie_breaker=None), position=(query.position or (3,))[:1])
    fetched = pages_of(rows).fetch(broken).rows
    assert [broken.sort.key(row) for row in fetched] == [broken.sort.key(row) for row in select(rows, broken)]


def test_rows_come_and_go():
    """Inserted rows are found in every index, deleted ones in none; an id is unique."""
    pages = pages_of(products(5))
    pages.insert({"id": 9, "created_at": 0, "price": 99, "category": "a"})
    assert (pages.delete(2), pages.delete(2), len(pages)) == (True, False, 5)
    for sort in (Sort("created_at"), Sort("price")):
        assert {row["id"] for row in pages.fetch(PageQuery(limit=9, sort=sort)).rows} == {0, 1, 3, 4, 9}
    with pytest.raises(ValueError, match="id must be unique"):
        pages.insert({"id": 9, "created_at": 0, "price": 0})


def test_an_offset_costs_what_it_skips_and_a_keyset_does_not():
    """At offset 10,000 a page of 20 touches 10,021 rows; by position it touches 21 and a binary search."""
    pages = MemoryPages(products(20_000, per_instant=1))
    assert pages.fetch(PageQuery(limit=20, offset=10_000)).steps == 10_021
    assert pages.fetch(PageQuery(limit=20, position=(10_000, 10_000))).steps == 21 + 15


def test_the_service_answers_with_items_information_and_links():
    """The first page of two, and the link leads to the second; its work grows with the steps."""
    service = Listing(pages_of(products(3)), rules=SIGNED, work=1.0, work_per_step=0.5)
    response, commands = ask(service, "/products?limit=2&sort=-created_at")
    assert [row["id"] for row in response.json()["items"]] == [2, 1]
    assert response.json()["page"]["hasNext"] is True
    assert [command.seconds for command in commands if isinstance(command, Work)] == [1.0 + 0.5 * 3]
    assert [command.text for command in commands if isinstance(command, Note)] == ["3 for 2"]
    second, _ = ask(service, link_to(response, "next"))
    assert [row["id"] for row in second.json()["items"]] == [0]
    back, _ = ask(service, link_to(second, "prev"))
    assert back.json()["items"] == response.json()["items"]


@pytest.mark.parametrize(
    ("path", "now", "status", "words"),
    [
        ("/products?limit=1000", 0.0, 400, "limit must be"),
        ("/products?cursor=abc", 0.0, 400, "cursor"),
        ("/products?offset=5", 0.0, 400, "no parameter 'offset'"),
        ("/products/7", 0.0, 404, "nothing at this path"),
    ],
)
def test_a_bad_request_is_a_problem(path, now, status, words):
    """400 with the sentence, and no row was read."""
    response, commands = ask(Listing(pages_of(products(3)), rules=SIGNED), path, now)
    assert response.status == status == response.json()["status"]
    assert response.header("Content-Type") == "application/problem+json"
    assert words in response.json()["detail"]
    assert commands == []


@pytest.mark.parametrize("damage", ["tampered", "expired", "foreign filter", "truncated"])
def test_a_cursor_that_is_not_right_is_a_400(damage):
    """Changed, too old, for another filter, cut short: a problem document each, never a page."""
    service = Listing(pages_of(products(9)), rules=SIGNED)
    path = link_to(ask(service, "/products?limit=2&category=a")[0], "next")
    assert ask(service, path)[0].status == 200
    now = 60.0 if damage == "expired" else 0.0
    path = {
        "tampered": path.replace("cursor=AW", "cursor=AX")[:-1] + "A",
        "expired": path,
        "foreign filter": path.replace("category=a", "category=b"),
        "truncated": path[:-8],
    }[damage]
    response, _ = ask(service, path, now)
    assert response.status == 400
    assert "cursor" in response.json()["detail"]


@settings(max_examples=200)
@given(
    st.sampled_from(["GET", "HEAD", "POST", "DELETE", ""]),
    st.one_of(
        st.text(max_size=60), st.text("/products?limit=&cursorsoff%-0123", max_size=40).map("/products?{}".format)
    ),
)
def test_any_request_is_answered(method, path):
    """Fuzzed paths: 200, 400, 404 or 405, and every error is a problem document."""
    for rules in (SIGNED, OFFSET):
        response, _ = ask(Listing(pages_of(products(5)), rules=rules), path, method=method)
        assert response.status in (200, 400, 404, 405)
        if response.status >= 400:
            assert json.loads(response.body)["status"] == response.status


def test_the_demonstration_default_is_a_signed_cursor():
    """Without rules the list is paged by signed cursors."""
    response, _ = ask(Listing(pages_of(products(50))), "/products")
    assert response.json()["page"]["next"]
