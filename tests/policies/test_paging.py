"""Pages: parsing what is asked for, and walking lists to their ends by every scheme."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.paging.cursor import Cursor, PlainCursors, SignedCursors
from sim.policies.paging.pages import PageQuery, PageRules, Sort, page_of, select

SIGNED = SignedCursors(secrets=(b"secret",), lifetime=3_600.0)
KEYSET = PageRules(cursors=SIGNED, columns={"created_at": float, "price": int}, filters=("category",))
OFFSET = PageRules(filters=("category",))
SCHEMES = {"offset": OFFSET, "signed cursor": KEYSET, "plain cursor": PageRules(cursors=PlainCursors())}


def products(count, per_instant=3):
    """Rows in the order of their ids, *per_instant* of them at each instant."""
    return [{"id": n, "created_at": n // per_instant, "category": "ab"[n % 2]} for n in range(count)]


def parameters(url):
    """The query of *url*."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def walk(rules, rows, asked, relation="next", now=0.0):
    """The ids of every page from the one *asked* for on, and the last page's links."""
    shown = []
    for _ in range(1_000):
        query = rules.parse(asked, now)
        page = page_of(select(rows, query), query)
        shown.append([row["id"] for row in page.rows])
        _, links = rules.describe(page, query, "/products", now)
        if relation not in links:
            return shown, links
        asked = parameters(links[relation])
    raise AssertionError("the walk does not end")


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=40)
@given(count=st.integers(0, 40), limit=st.integers(1, 12), per_instant=st.integers(1, 9), falling=st.booleans())
def test_a_walk_shows_every_row_once_and_back_again(scheme, count, limit, per_instant, falling):
    """Forward the pages are the sorted list cut in pieces; backward from the last page they are the same in reverse."""
    rules, rows = SCHEMES[scheme], products(count, per_instant)
    asked = {"limit": str(limit), "sort": "-created_at" if falling else "created_at"}
    forward, links = walk(rules, rows, asked)
    expected = sorted(range(count), reverse=falling)
    assert [ident for page in forward for ident in page] == expected
    assert all(len(page) == limit for page in forward[:-1])
    if "prev" in links:
        backward, _ = walk(rules, rows, parameters(links["prev"]), "prev")
        assert [*backward[::-1], forward[-1]] == forward


def test_without_a_tie_breaker_rows_are_never_shown():
    """30 rows per timestamp, page 50: 160 of 1,000 rows are in no page at all; with the tie-breaker none is missing."""
    rows = products(1_000, per_instant=30)
    for tie_breaker, missing in ((None, 160), ("id", 0)):
        rules = PageRules(cursors=SIGNED, tie_breaker=tie_breaker)
        pages, _ = walk(rules, rows, {"limit": "50"})
        shown = {ident for page in pages for ident in page}
        assert len(rows) - len(shown) == missing


@pytest.mark.parametrize(
    ("rules", "asked", "sentence"),
    [
        (OFFSET, {"limit": "0"}, "limit must be a whole number from 1 to 100"),
        (OFFSET, {"limit": "101"}, "limit must be a whole number from 1 to 100"),
        (OFFSET, {"limit": "-1"}, "limit must be a whole number"),
        (OFFSET, {"limit": "1.5"}, "limit must be a whole number"),
        (OFFSET, {"limit": ""}, "limit must be a whole number"),
        (OFFSET, {"limit": "１２"}, "limit must be a whole number"),
        (OFFSET, {"limit": "9" * 400}, "limit must be a whole number"),
        (OFFSET, {"offset": "10001"}, "offset must be a whole number from 0 to 10000"),
        (OFFSET, {"cursor": "abc"}, "there is no parameter 'cursor', only limit, sort, offset, category"),
        (KEYSET, {"offset": "5"}, "there is no parameter 'offset', only limit, sort, cursor, category"),
        (KEYSET, {"sort": "password"}, "sort must be one of created_at, price"),
        (KEYSET, {"sort": ""}, "sort must be one of"),
        (KEYSET, {"sort": "--price"}, "sort must be one of"),
        (KEYSET, {"limit": "x", "sort": "y", "page": "2"}, "there is no parameter 'page'.*; limit must.*; sort must"),
        (KEYSET, {"cursor": "AAAA"}, "begin again with the first page"),
        (KEYSET, {"category": "\ud800"}, "category must be text in UTF-8"),
    ],
)
def test_what_is_wrong_with_a_request_is_told_all_at_once(rules, asked, sentence):
    """Limits, offsets, orders and parameters that are not there, in one text."""
    with pytest.raises(ValueError, match=sentence):
        rules.parse(asked, 0.0)


def test_a_cursor_is_bound_to_its_filter_and_its_order_but_not_to_its_page_size():
    """The same cursor with another category or order is refused, with another limit it goes on."""
    asked = {"category": "a", "limit": "2"}
    query = KEYSET.parse(asked, 0.0)
    page = page_of(select(products(20), query), query)
    onward = parameters(KEYSET.describe(page, query, "/products", 0.0)[1]["next"])
    assert KEYSET.parse(onward | {"limit": "9"}, 0.0).position == (0, 2)
    assert KEYSET.parse(onward | {"limit": "9"}, 0.0).limit == 9
    for change in ({"category": "b"}, {"sort": "-created_at"}, {"sort": "price"}):
        with pytest.raises(ValueError, match="belongs to another list"):
            KEYSET.parse(onward | change, 0.0)
    with pytest.raises(ValueError, match="belongs to another list"):
        KEYSET.parse({name: value for name, value in onward.items() if name != "category"}, 0.0)
    with pytest.raises(ValueError, match="has expired"):
        KEYSET.parse(onward, 3_600.0)


@pytest.mark.parametrize("position", [(5,), (5, 7, 9), ("x", 7), (5, "x")])
def test_a_forged_position_of_another_shape_is_refused(position):
    """An unsigned cursor with a text for a number or with parts missing is a 400, not a type error in the database."""
    forged = PlainCursors().write(Cursor(position), "", 0.0)
    with pytest.raises(ValueError, match="does not fit the order"):
        SCHEMES["plain cursor"].parse({"cursor": forged}, 0.0)


def test_page_information_says_what_there_is():
    """The first page has no previous one, the last no next one, and the links keep limit, order and filter."""
    query = KEYSET.parse({"category": "a", "limit": "2", "sort": "-price"}, 0.0)
    rows = [{"id": number, "created_at": 0, "price": number, "category": "a"} for number in range(3)]
    info, links = KEYSET.describe(page_of(select(rows, query), query), query, "/products", 0.0)
    assert (info["hasNext"], info["hasPrevious"], info["previous"]) == (True, False, None)
    assert links["next"].startswith("/products?limit=2&sort=-price&category=a&cursor=")
    assert links["first"] == "/products?limit=2&sort=-price&category=a"
    assert set(links) == {"first", "next"}


def test_an_offset_page_names_its_neighbours():
    """Offset 5 with limit 10: the previous page begins at 0, not at -5."""
    query = OFFSET.parse({"limit": "10", "offset": "5"}, 0.0)
    info, links = OFFSET.describe(page_of(select(products(40), query), query), query, "/products", 0.0)
    assert info == {"limit": 10, "hasNext": True, "hasPrevious": True, "offset": 5}
    assert (parameters(links["next"])["offset"], parameters(links["prev"])["offset"]) == ("15", "0")


def test_a_page_that_emptied_has_no_neighbours():
    """Everything behind the cursor was deleted: the page is empty and only the first page is linked."""
    query = PageQuery(limit=2, position=(5, 7))
    page = page_of([], query)
    assert (page.rows, page.has_next, page.has_previous) == ((), False, False)
    assert set(KEYSET.describe(page, query, "/products", 0.0)[1]) == {"first"}


def shifting_walk(rules, *, size, limit, changes):
    """Duplicates and skips of one walk over *size* rows, newest first, with *changes* (rows) between two pages.

    *changes*: from the page's number and the rows to the rows after it.
    """
    rows, asked, shown = [{"id": n, "created_at": n} for n in range(size)], {"limit": str(limit)}, []
    asked["sort"], page_number = "-created_at", 0
    while True:
        query = rules.parse(asked, 0.0)
        page = page_of(select(rows, query), query)
        shown += [row["id"] for row in page.rows]
        _, links = rules.describe(page, query, "/products", 0.0)
        if "next" not in links:
            break
        asked, page_number = parameters(links["next"]), page_number + 1
        rows = changes(page_number, rows)
    stayed = {row["id"] for row in rows if row["id"] < size}
    return len(shown) - len(set(shown)), len(stayed - set(shown))


@pytest.mark.parametrize(("size", "limit", "inserts"), [(1_000, 50, 2), (1_000, 100, 5)])
def test_offset_duplicates_are_the_closed_form(size, limit, inserts):
    """Inserts at the head, lambda a page: lambda * floor(N / (L - lambda)) come twice, and by keyset none."""

    def at_the_head(page, rows):
        fresh = range(size + (page - 1) * inserts, size + page * inserts)
        return [*rows, *({"id": n, "created_at": n} for n in fresh)]

    expected = inserts * (size // (limit - inserts))
    assert shifting_walk(OFFSET, size=size, limit=limit, changes=at_the_head) == (expected, 0)
    assert shifting_walk(KEYSET, size=size, limit=limit, changes=at_the_head) == (0, 0)


def test_deletes_before_the_page_make_offset_skip():
    """One row already shown is deleted between two pages: one row a page is never shown; a keyset skips none."""

    def delete_the_newest(page, rows):
        return rows[:-1]

    duplicates, skips = shifting_walk(OFFSET, size=1_000, limit=50, changes=delete_the_newest)
    assert duplicates == 0
    assert skips == 1_000 // 51
    assert shifting_walk(KEYSET, size=1_000, limit=50, changes=delete_the_newest) == (0, 0)


def test_inserts_at_the_tail_disturb_nobody():
    """Oldest first with new rows at the end: offset shows each row once, and the new ones as well."""
    rows = products(100)
    first = OFFSET.parse({"limit": "50"}, 0.0)
    second = OFFSET.parse({"limit": "50", "offset": "50"}, 0.0)
    shown = [row["id"] for row in page_of(select(rows, first), first).rows]
    grown = products(130)
    shown += [row["id"] for row in page_of(select(grown, second), second).rows]
    assert shown == list(range(100))


texts = st.one_of(st.text(max_size=20), st.sampled_from(["1", "0", "-1", "created_at", "-price", "a", "9" * 30]))


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(["limit", "offset", "sort", "cursor", "category", "x"]), texts))
def test_any_parameters_make_a_query_or_a_sentence(asked):
    """Fuzzed parameters: a query within the rules, or a `ValueError` with a text."""
    for rules in (OFFSET, KEYSET, SCHEMES["plain cursor"]):
        query = result_of(rules.parse, asked, 0.0)
        if isinstance(query, str):
            assert query
            continue
        assert 1 <= query.limit <= rules.max_limit
        assert 0 <= query.offset <= rules.max_offset
        assert query.sort.column in rules.columns


def result_of(function, *arguments):
    """What the function returns, or the sentence of its `ValueError`."""
    try:
        return function(*arguments)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize(
    ("settings_", "sentence"),
    [
        ({"columns": {}}, "columns must name at least one"),
        ({"default_limit": 50, "max_limit": 20}, "default_limit must be at most max_limit"),
        ({"max_limit": 0}, "max_limit must be at least 1"),
    ],
)
def test_rules_check_their_configuration(settings_, sentence):
    """The mistake is told at construction."""
    with pytest.raises(ValueError, match=sentence):
        PageRules(**settings_)


def test_a_sort_without_a_tie_breaker_has_shorter_positions():
    """The position is the column alone, so equal rows cannot be told apart."""
    row = {"id": 7, "created_at": 5}
    assert (Sort().key(row), Sort(tie_breaker=None).key(row)) == ((5, 7), (5,))
