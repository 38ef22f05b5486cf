"""Pages on a real SQLite table: the same rows as in memory, and what each scheme costs there."""

import sqlite3

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Reply
from sim.http import Request
from sim.live.pages import Form, SQLitePages
from sim.policies.paging.cursor import PlainCursors, SignedCursors
from sim.policies.paging.link import link_to
from sim.policies.paging.pages import PageQuery, PageRules, Sort, page_of, select
from sim.services.catalog.listing import Listing, MemoryPages

DEPTHS = (10, 1_000, 10_000)


def products(count, per_instant=1):
    """Some rows."""
    return [
        {"id": n, "created_at": n // per_instant, "price": n * 7 % 11, "category": "ab"[n % 2]} for n in range(count)
    ]


ROWS = products(30, per_instant=4)
FORMS = {form: SQLitePages(rows=ROWS, form=form) for form in Form}
WAYS = [*FORMS.values(), *(SQLitePages(rows=ROWS, form=form, deferred=True) for form in Form)]
MEMORY = MemoryPages(ROWS, columns=("created_at", "price"))


@settings(max_examples=200)
@given(
    st.builds(
        PageQuery,
        limit=st.integers(1, 9),
        sort=st.builds(
            Sort,
            st.sampled_from(["created_at", "price"]),
            descending=st.booleans(),
            tie_breaker=st.sampled_from(["id", None]),
        ),
        filters=st.sampled_from([(), (("category", "a"),), (("category", "' OR 1=1 --"),)]),
        offset=st.integers(0, 35),
        position=st.one_of(st.none(), st.tuples(st.integers(-1, 12), st.integers(-1, 32))),
        backward=st.booleans(),
    )
)
def test_memory_and_sqlite_agree(query):
    """Every order, filter, offset, position and direction, in all forms and deferred: the same rows as in memory."""
    if query.sort.tie_breaker is None and query.position is not None:
        query = attrs.evolve(query, position=query.position[:1])
    expected = list(MEMORY.fetch(query).rows)
    for pages in WAYS:
        assert list(pages.fetch(query).rows) == expected
    if query.sort.tie_breaker is not None:
        assert expected == select(ROWS, query)


@pytest.fixture(scope="module")
def deep():
    """The steps of a page of 50 at three depths, by offset and by all forms of the keyset."""
    rows, steps = products(12_000), {}
    for form in Form:
        pages = SQLitePages(rows=rows, form=form)
        steps["offset"] = [pages.fetch(PageQuery(limit=50, offset=depth)).steps for depth in DEPTHS]
        steps[form] = [pages.fetch(PageQuery(limit=50, position=(depth - 1, depth - 1))).steps for depth in DEPTHS]
    return steps


@pytest.mark.slow
def test_the_cost_of_an_offset_grows_with_its_depth(deep):
    """Three of SQLite's steps for every row that is skipped: 349 steps at offset 10, 30,319 at 10,000."""
    near, _, far = deep["offset"]
    assert 2.5 < (far - near) / (DEPTHS[2] - DEPTHS[0]) < 3.5
    assert far > 80 * near


@pytest.mark.slow
@pytest.mark.parametrize("form", [Form.ROW_VALUE, Form.BOUNDED_OR])
def test_a_predicate_that_the_index_can_use_costs_the_same_at_every_depth(deep, form):
    """`(created_at, id) > (?, ?)`, or an OR with a bound beside it: as many steps at 10, at 1,000 and at 10,000."""
    assert len(set(deep[form])) == 1
    assert deep[form][0] < 700


@pytest.mark.slow
def test_the_or_form_costs_more_than_the_offset_it_was_to_replace(deep):
    """The same predicate written with OR: its steps grow with the depth, and at 10,000 exceed the offset's."""
    assert deep[Form.OR][2] > 50 * deep[Form.OR][0]
    assert deep[Form.OR][2] > deep["offset"][2]


def test_the_plan_tells_the_forms_apart():
    """A search of the index for the row value and the bounded OR, a scan of it for the bare OR."""
    query = PageQuery(limit=5, position=(3, 12))
    assert FORMS[Form.BOUNDED_OR].plan(query) == FORMS[Form.ROW_VALUE].plan(query)
    assert FORMS[Form.ROW_VALUE].plan(query).startswith("SEARCH products USING INDEX by_created_at")
    assert FORMS[Form.OR].plan(query).startswith("SCAN products USING INDEX by_created_at")


def test_without_a_tie_breaker_rows_are_never_shown_on_sqlite_either():
    """30 rows per timestamp, page 50, `created_at > ?` alone: 160 of 1,000 rows are in no page."""
    pages, shown = SQLitePages(rows=products(1_000, per_instant=30)), set()
    query = PageQuery(limit=50, sort=Sort(tie_breaker=None))
    while True:
        page = page_of(pages.fetch(query).rows, query)
        shown |= {row["id"] for row in page.rows}
        if not page.has_next:
            break
        query = attrs.evolve(query, position=query.sort.key(page.rows[-1]))
    assert 1_000 - len(shown) == 160


def test_a_walk_through_the_service_meets_inserts_and_deletes():
    """A row inserted before the place and one deleted there: the walk by cursor shows every row that stayed, once."""
    pages, shown = SQLitePages(rows=products(20)), []
    service = Listing(pages, rules=PageRules(cursors=SignedCursors(secrets=(b"s",))))
    path = "/products?limit=6&sort=-created_at"
    while path:
        response = answer(service, path)
        shown += [row["id"] for row in response.json()["items"]]
        path = link_to(response, "next")
        if len(shown) == 6:
            pages.insert({"id": 99, "created_at": 99})
            assert pages.delete(shown[-1])
    assert shown == list(range(19, -1, -1))


def test_a_forged_position_is_no_injection_and_no_exception():
    """A plain cursor with numbers at the edge of what SQLite holds, or a text in a filter: rows or a 400."""
    rules = PageRules(cursors=PlainCursors(), filters=("category",))
    service = Listing(SQLitePages(rows=ROWS), rules=rules)
    assert answer(service, "/products?cursor=W2ZhbHNlLDkyMjMzNzIwMzY4NTQ3NzU4MDcsMV0=").json()["items"] == []
    assert answer(service, "/products?cursor=W2ZhbHNlLDFlMzA4LDFd").status == 200
    assert answer(service, "/products?cursor=W2ZhbHNlLDkyMjMzNzIwMzY4NTQ3NzU4MDgsMV0=").status == 400
    assert answer(service, "/products?category=a'%20OR%201=1%20--").json()["items"] == []


def test_a_column_that_is_not_there_is_refused():
    """Names cannot be bound, so they are checked: nothing of the client's reaches the statement."""
    with pytest.raises(ValueError, match="there is no column 'id; DROP TABLE products'"):
        FORMS[Form.OR].fetch(PageQuery(limit=1, sort=Sort("id; DROP TABLE products")))


def test_rows_are_kept_in_the_file(tmp_path):
    """What was inserted is there after opening the file again; an id is unique."""
    path = str(tmp_path / "shop.sqlite")
    first = SQLitePages(path, rows=products(2))
    with pytest.raises(sqlite3.IntegrityError):
        first.insert({"id": 1, "created_at": 0})
    first.close()
    again = SQLitePages(path)
    assert [row["id"] for row in again.fetch(PageQuery(limit=5)).rows] == [0, 1]
    again.close()


def test_a_filled_table_is_what_it_says():
    """SQLite makes the rows itself: ids count up, timestamps are shared, one in a thousand is rare."""
    pages = SQLitePages.filled(2_500, per_instant=30)
    (row,) = pages.fetch(PageQuery(limit=1, offset=2_499)).rows
    assert row == {"id": 2_499, "created_at": 83, "price": 493, "category": "common"}
    assert pages.total([])[0] == 2_500
    assert pages.total([("category", "rare")])[0] == 3


def test_a_count_with_a_filter_looks_at_every_row():
    """Ten times the rows are ten times the steps; an index that begins with the filter needs only what matches."""
    small, large = (SQLitePages.filled(count).total([("category", "rare")])[1] for count in (1_000, 10_000))
    assert 9 < large / small < 11
    indexed = SQLitePages.filled(10_000, indexes=[("category", "created_at", "id")])
    assert indexed.total([("category", "rare")])[1] < large / 50


def test_an_order_without_an_index_costs_the_whole_table():
    """A keyset on a column without an index: every page sorts the table, and more rows are more steps."""
    query = PageQuery(limit=5, sort=Sort("price"), position=(500, 500))
    bare, indexed = (SQLitePages.filled(5_000, indexes=made) for made in ([], [("price", "id")]))
    assert list(bare.fetch(query).rows) == list(indexed.fetch(query).rows)
    assert bare.fetch(query).steps > 50 * indexed.fetch(query).steps
    assert "TEMP B-TREE" in bare.plan(query)


def test_an_index_of_a_column_that_is_not_there_is_refused():
    """Names of an index cannot be bound either."""
    with pytest.raises(ValueError, match="there is no column 'colour'"):
        SQLitePages(indexes=[("colour", "id")])


def test_a_variant_asks_the_same_table():
    """What is inserted by one is found by the other; only the statement differs."""
    pages = SQLitePages(rows=products(3))
    other = pages.variant(form=Form.OR, deferred=True)
    pages.insert({"id": 9, "created_at": 9})
    assert [row["id"] for row in other.fetch(PageQuery(limit=5)).rows] == [0, 1, 2, 9]
    assert "JOIN" in other.statement(PageQuery(limit=5))[0]
    assert "JOIN" not in pages.statement(PageQuery(limit=5))[0]


def test_a_snapshot_does_not_see_what_others_commit(tmp_path):
    """A walk by offset inside a snapshot: three inserts at the head between its pages, and every row comes once."""
    path = str(tmp_path / "shop.sqlite")
    reader, writer = SQLitePages(path, rows=products(9)), SQLitePages(path)
    newest = Sort(descending=True)

    def walked():
        shown = []
        for page in range(3):
            shown += [row["id"] for row in reader.fetch(PageQuery(limit=3, sort=newest, offset=3 * page)).rows[:3]]
            last = writer.fetch(PageQuery(limit=1, sort=newest)).rows[0]["id"]
            writer.insert({"id": last + 1, "created_at": last + 1})
        return shown

    with reader.snapshot():
        assert walked() == list(range(8, -1, -1))
    assert walked() == [11, 10, 9, 9, 8, 7, 7, 6, 5]
    reader.close()
    writer.close()


def answer(service, path):
    """The service's response to a GET."""
    flow = service(Request("GET", path), 0.0)
    command = next(flow)
    while not isinstance(command, Reply):
        command = flow.send(0.0)
    return command.response
