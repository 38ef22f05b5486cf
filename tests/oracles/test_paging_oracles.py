"""Paging against other people's code: Link headers as httpx and requests read them, and Stripe's own page walker."""

import json
import sqlite3
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
import requests
import stripe
from deviations_paging import DEVIATIONS
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Reply
from sim.http import Request
from sim.live.pages import SQLitePages
from sim.policies.paging.cursor import SignedCursors
from sim.policies.paging.link import build_links, parse_links
from sim.policies.paging.pages import PageQuery, PageRules, Sort
from sim.services.catalog.listing import Listing, MemoryPages


def by_httpx(value):
    """From relation to target, as httpx reads a header."""
    links = httpx.Response(200, headers={"Link": value}).links
    return {rel: link["url"] for rel, link in links.items()}


def by_requests(value):
    """From relation to target, as requests reads a header."""
    response = requests.Response()
    response.headers["link"] = value
    return {rel: link["url"] for rel, link in response.links.items()}


def by_us(value):
    """From relation to target, as we read a header."""
    return {rel: link.target for link in parse_links(value) for rel in link.relations}


urls = st.from_regex(r"/[a-z0-9?=&.~-]{1,30}", fullmatch=True)


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(["next", "prev", "first", "last"]), urls, min_size=1, max_size=4))
def test_both_libraries_read_the_header_that_we_write(targets):
    """Whatever cursors the URLs hold: httpx, requests and we find the same target for each relation."""
    value = build_links(targets)
    assert by_httpx(value) == by_requests(value) == by_us(value) == targets


@pytest.mark.parametrize(
    "value",
    [
        '<https://api.example/items?page=2>; rel="next", <https://api.example/items?page=9>; rel="last"',
        "</a>;rel=next",
        '</a>; rel="next"; title=plain',
        '</a?x=1;y=2>; rel="prev"'.replace(";y", "&y"),
    ],
)
def test_plain_headers_are_read_alike(value):
    """The headers that GitHub and others send: no difference."""
    assert by_httpx(value) == by_requests(value) == by_us(value)


QUOTED = {
    "link-comma-in-quotes": ('</a>; title="x, <y"; rel=next', {"next": "/a"}),
    "link-semicolon-in-quotes": ('</a>; title="x; y"; rel=next', {"next": "/a"}),
    "link-equals-in-value": ('</a>; title="x=y"; rel=next', {"next": "/a"}),
}


@pytest.mark.parametrize("ident", QUOTED)
def test_deviation_quoted(ident):
    """Ours finds the relation behind a quoted title, theirs lose it or lead it astray."""
    value, ours = QUOTED[ident]
    assert by_us(value) == ours
    astray = {"next": "y"} if ident == "link-comma-in-quotes" else {}
    for theirs in (by_httpx, by_requests):
        assert {rel: url for rel, url in theirs(value).items() if rel == "next"} == astray


def test_deviation_link_relation_case():
    """Ours splits and lowers relations, theirs keep the text."""
    assert set(by_us("</a>; rel=Next")) == {"next"}
    assert set(by_us('</a>; rel="next last"')) == {"next", "last"}
    for theirs in (by_httpx, by_requests):
        assert set(theirs("</a>; rel=Next")) == {"Next"}
        assert set(theirs('</a>; rel="next last"')) == {"next last"}


def test_deviation_link_first_rel():
    """Ours takes the first rel, theirs the last."""
    value = "</a>; rel=next; rel=prev"
    assert (set(by_us(value)), set(by_httpx(value)), set(by_requests(value))) == ({"next"}, {"prev"}, {"prev"})


RULES = PageRules(cursors=SignedCursors(secrets=(b"s",)))
ROWS = [{"id": n, "created_at": n // 4} for n in range(30)]


class OurShop(stripe.HTTPClient):
    """Stripe's client talks to our service: `page` is our cursor, `next_page` the one in our page information."""

    name = "ours"

    def __init__(self, service):
        super().__init__()
        self.service, self.pages = service, 0

    def request_with_retries(self, method, url, headers, post_data=None, max_network_retries=None, *, _usage=None):
        """Serve one page in the shape of a search result."""
        self.pages += 1
        asked = dict(parse_qsl(urlsplit(url).query))
        renamed = {"cursor" if name == "page" else name: asked[name] for name in ("limit", "page") if name in asked}
        path = f"/products?{urlencode(renamed)}"
        flow = self.service(Request(method.upper(), path), 0.0)
        command = next(flow)
        while not isinstance(command, Reply):
            command = flow.send(0.0)
        document = command.response.json()
        content = {
            "object": "search_result",
            "url": "/v1/products",
            "data": [{"object": "product", **item, "id": str(item["id"])} for item in document["items"]],
            "has_more": document["page"]["hasNext"],
            "next_page": document["page"]["next"],
        }
        return json.dumps(content), 200, {}


@pytest.mark.parametrize("pages", [MemoryPages(ROWS), SQLitePages(rows=ROWS)], ids=["memory", "sqlite"])
def test_stripes_own_walker_reads_every_row_once(pages):
    """Stripe's auto-pager follows our signed cursors to the end, over memory and over SQLite."""
    shop = OurShop(Listing(pages, rules=RULES))
    client = stripe.StripeClient("sk_test_x", http_client=shop)
    found = client.v1.products.search({"query": "x", "limit": 7})
    assert [int(product.id) for product in found.auto_paging_iter()] == list(range(30))
    assert shop.pages == 5


def test_every_deviation_has_its_test():
    """Each row of the table is asserted on both sides by a test of its name."""
    names = {name.removeprefix("test_deviation_").replace("_", "-") for name in globals() if "test_deviation_" in name}
    assert {ident for ident, *_ in DEVIATIONS} == names - {"quoted"} | set(QUOTED)


@settings(max_examples=60)
@given(st.integers(-1, 9), st.integers(-1, 32), st.booleans(), st.integers(1, 8))
def test_sqlites_own_row_value_decides_what_lies_beyond(created_at, ident, falling, limit):
    """`(created_at, id) > (?, ?)` written by hand, and our statement for the same page: the same ids."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE rows (id, created_at)")
    connection.executemany("INSERT INTO rows VALUES (:id, :created_at)", ROWS)
    sign, way = ("<", "DESC") if falling else (">", "ASC")
    sql = f"SELECT id FROM rows WHERE (created_at, id) {sign} (?, ?) ORDER BY created_at {way}, id {way} LIMIT ?"
    expected = [number for (number,) in connection.execute(sql, (created_at, ident, limit))]
    connection.close()
    query = PageQuery(limit=limit, sort=Sort(descending=falling), position=(created_at, ident))
    fetched = MemoryPages(ROWS).fetch(query).rows
    assert [row["id"] for row in fetched][:limit] == expected
