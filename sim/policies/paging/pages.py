"""Paging: what a page request asks for, and what a page of rows answers, without touching a row store.

`PageRules.parse` turns the query of a URL into a `PageQuery`; a store fetches up to `limit + 1` rows for it, the one
too many telling whether there is more; `page_of` makes them into a `Page`; `PageRules.describe` writes the page
information and the links.  An *offset* counts rows from the start, so whatever is inserted before it shifts the
pages.  A *keyset* names the last row seen: `(created_at, id) > (?, ?)`, and nothing before it matters any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import urlencode

import attrs

from sim.http import json_body
from sim.knobs import knob
from sim.policies.paging.cursor import Cursor, CursorCodec, Position

Row: TypeAlias = Mapping[str, Any]


@attrs.frozen
class Sort:
    """An order of rows: by *column*, rows that are equal there by *tie_breaker*, all of it *descending* or not.

    *tie_breaker*: a unique column.  None is kept to be broken: a position between rows that are equal cannot be
    named, and what is left of them is never shown.

    >>> Sort("created_at", descending=True).text, Sort().key({"created_at": 5, "id": 7})
    ('-created_at', (5, 7))
    """

    column: str = "created_at"
    descending: bool = attrs.field(default=False, kw_only=True)
    tie_breaker: str | None = attrs.field(default="id", kw_only=True)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that make up a position."""
        return (self.column,) if self.tie_breaker is None else (self.column, self.tie_breaker)

    @property
    def text(self) -> str:
        """As it stands in a URL: a minus is descending."""
        return f"-{self.column}" if self.descending else self.column

    def key(self, row: Row) -> Position:
        """The position of *row*."""
        return tuple(row[column] for column in self.columns)


@attrs.frozen(kw_only=True)
class PageQuery:
    """What one page request asks for: up to *limit* rows in the order of *sort* that match all *filters*.

    *offset*: rows to skip.  *position*: only rows beyond it, None is from the start; *backward*: beyond it against
    the order, nearest first.
    """

    limit: int
    sort: Sort = Sort()
    filters: tuple[tuple[str, str], ...] = ()
    offset: int = 0
    position: Position | None = None
    backward: bool = False

    @property
    def falling(self) -> bool:
        """True when the rows are fetched from high to low."""
        return self.sort.descending != self.backward

    @property
    def scope(self) -> str:
        """The list that a cursor belongs to: its order and its filters, whatever the page size."""
        return json_body([self.sort.text, self.sort.columns, sorted(self.filters)]).decode()

    def admits(self, row: Row) -> bool:
        """True for a row that matches the filters and lies beyond the position."""
        if any(row.get(name) != value for name, value in self.filters):
            return False
        if self.position is None:
            return True
        key = self.sort.key(row)
        return key < self.position if self.falling else key > self.position


@attrs.frozen(kw_only=True)
class Page:
    """The *rows* of one page, in the order of the list, and whether there are more on either side."""

    rows: tuple[Row, ...]
    has_next: bool
    has_previous: bool


def select(rows: Iterable[Row], query: PageQuery) -> list[Row]:
    """What a store must fetch for *query*, up to `limit + 1` rows: the definition, by sorting everything.

    >>> rows = [{"id": 1, "created_at": 5}, {"id": 2, "created_at": 5}, {"id": 3, "created_at": 4}]
    >>> [row["id"] for row in select(rows, PageQuery(limit=1, position=(4, 3)))]
    [1, 2]
    """
    admitted = sorted(filter(query.admits, rows), key=query.sort.key, reverse=query.falling)
    return admitted[query.offset : query.offset + query.limit + 1]


def page_of(fetched: Sequence[Row], query: PageQuery) -> Page:
    """The page that the *fetched* rows make: nearest first, and one more than the limit if there is more.

    A page that was reached by a cursor has a page behind it, the one that the cursor came from.  An empty page has
    no edges to go on from, so it has no neighbours either: the client begins again with the first page.
    """
    rows, more = tuple(fetched[: query.limit]), len(fetched) > query.limit
    if query.backward:
        return Page(rows=rows[::-1], has_next=bool(rows), has_previous=more)
    return Page(rows=rows, has_next=more, has_previous=bool(rows and query.position) or query.offset > 0)


@attrs.frozen(kw_only=True)
class PageRules:
    """What a list lets its clients ask for.

    *columns*: the sortable columns with the kind of their values, `str` or a number, never NULL.  *filters*: the
    parameters that filter, each by the text column of its name.  *cursors*: writes and reads cursors; None is a list
    that counts, with `offset`.  *tie_breaker*: see `Sort`.  A limit above *max_limit* is refused, not cut: a client
    that gets fewer rows than it asked for takes them for the last ones.

    >>> PageRules().parse({"limit": "3", "offset": "6"}, now=0.0).offset
    6
    >>> PageRules().parse({"limit": "0", "page": "2"}, now=0.0)
    Traceback (most recent call last):
    ValueError: there is no parameter 'page', only limit, sort, offset; limit must be a whole number from 1 to 100
    """

    columns: Mapping[str, type] = attrs.field(factory=lambda: {"created_at": float})
    filters: tuple[str, ...] = ()
    cursors: CursorCodec | None = None
    tie_breaker: str | None = "id"
    default_limit: int = knob(20, kind=int, low=1, high=10_000, unit="rows", help="page size when none is asked for")
    max_limit: int = knob(100, kind=int, low=1, high=10_000, unit="rows", help="largest page size")
    max_offset: int = knob(10_000, kind=int, low=0, high=10**9, unit="rows", help="deepest offset")

    def __attrs_post_init__(self) -> None:
        if not self.columns:
            raise ValueError("columns must name at least one column to sort by")
        if self.default_limit > self.max_limit:
            raise ValueError(f"default_limit must be at most max_limit ({self.max_limit}), got {self.default_limit}")

    def parse(self, parameters: Mapping[str, str], now: float) -> PageQuery:
        """The page query that the *parameters* of a URL stand for; the first column ascending is the default order.

        Raises: `ValueError`, one text with everything that is wrong.
        """
        place = "offset" if self.cursors is None else "cursor"
        wrong = [
            f"there is no parameter {name[:40]!a}, only {', '.join(('limit', 'sort', place, *self.filters))}"
            for name in parameters
            if name not in ("limit", "sort", place, *self.filters)
        ]
        wrong += [f"{name} must be text in UTF-8" for name in self.filters if not _is_utf8(parameters.get(name, ""))]
        limit = _whole(parameters, "limit", 1, self.max_limit, self.default_limit, wrong)
        offset = _whole(parameters, "offset", 0, self.max_offset, 0, wrong)
        order = parameters.get("sort", next(iter(self.columns)))
        sort = Sort(order.removeprefix("-"), descending=order.startswith("-"), tie_breaker=self.tie_breaker)
        if sort.column not in self.columns:
            wrong.append(f"sort must be one of {', '.join(self.columns)}, with a minus for descending")
        if wrong:
            raise ValueError("; ".join(wrong))
        filters = tuple((name, parameters[name]) for name in self.filters if name in parameters)
        query = PageQuery(limit=limit, sort=sort, filters=filters, offset=offset)
        if self.cursors is None or "cursor" not in parameters:
            return query
        cursor = self.cursors.read(parameters["cursor"], query.scope, now)
        self._check(cursor.position, sort)
        return attrs.evolve(query, position=cursor.position, backward=cursor.backward)

    def describe(
        self, page: Page, query: PageQuery, resource: str, now: float
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """The page information as a document, and the links as a mapping from relation to URL.

        The links keep every parameter but the place; there is none towards a side where nothing is.
        """
        info: dict[str, Any] = {"limit": query.limit, "hasNext": page.has_next, "hasPrevious": page.has_previous}
        places: dict[str, dict[str, Any]] = {"first": {}}
        if self.cursors is None:
            info["offset"] = query.offset
            if page.has_next:
                places["next"] = {"offset": query.offset + query.limit}
            if page.has_previous:
                places["prev"] = {"offset": max(0, query.offset - query.limit)}
        else:
            if page.has_next:
                edge = Cursor(query.sort.key(page.rows[-1]))
                places["next"] = {"cursor": self.cursors.write(edge, query.scope, now)}
            if page.has_previous:
                edge = Cursor(query.sort.key(page.rows[0]), backward=True)
                places["prev"] = {"cursor": self.cursors.write(edge, query.scope, now)}
            info["next"] = places.get("next", {}).get("cursor")
            info["previous"] = places.get("prev", {}).get("cursor")
        kept = {"limit": query.limit, "sort": query.sort.text, **dict(query.filters)}
        return info, {rel: f"{resource}?{urlencode(kept | place)}" for rel, place in places.items()}

    def _check(self, position: Position, sort: Sort) -> None:
        """Refuse a position of another shape than this order's: only an unsigned cursor can have one."""
        # The tie-breaker is a number or a text like any other column, a number when nothing is said about it.
        kinds = [self.columns.get(column, int) is str for column in sort.columns]
        if kinds != [isinstance(value, str) for value in position]:
            raise ValueError("the cursor does not fit the order of this list; begin again with the first page")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _whole(parameters: Mapping[str, str], name: str, low: int, high: int, default: int, wrong: list[str]) -> int:
    text = parameters.get(name)
    if text is None:
        return default
    if re.fullmatch(r"[0-9]{1,18}", text) and low <= int(text) <= high:
        return int(text)
    wrong.append(f"{name} must be a whole number from {low} to {high}")
    return default
