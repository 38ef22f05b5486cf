"""Lists: the products of a shop, page by page, over any store of rows that can fetch one.

What a page costs is what the store has to touch for it: an offset passes over every row before the page, a keyset
goes down an index.  `MemoryPages` counts rows; `sim.live.pages` is the same on SQLite and counts its machine's steps.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import attrs

from sim.flow import HandlerFlow, Note, Reply, Step, Work
from sim.http import Request, json_response
from sim.policies.http.problem import problem
from sim.policies.paging.cursor import SignedCursors
from sim.policies.paging.link import build_links
from sim.policies.paging.pages import PageQuery, PageRules, Row, page_of
from sim.services.routes import Routes


@attrs.frozen
class Fetched:
    """Up to `limit + 1` *rows*, nearest first, and what they cost: the *steps* that the store had to make."""

    rows: Sequence[Row]
    steps: int


class Pages(Protocol):
    """A store of rows that can fetch a page of them."""

    def fetch(self, query: PageQuery) -> Fetched:
        """The rows that `sim.policies.paging.pages.select` defines for *query*."""
        ...


class MemoryPages:
    """Rows in memory with one sorted index for each of *columns*, each ending in the `id`.

    Raises: `ValueError` for an id that comes twice.

    >>> pages = MemoryPages({"id": number, "created_at": number // 2} for number in range(6))
    >>> [row["id"] for row in pages.fetch(PageQuery(limit=2, position=(1, 2))).rows]
    [3, 4, 5]
    """

    def __init__(self, rows: Iterable[Row] = (), *, columns: Sequence[str] = ("created_at",)) -> None:
        self._rows: dict[Any, Row] = {}
        self._indexes: dict[str, list[tuple[Any, Any]]] = {column: [] for column in columns}
        for row in rows:
            self._remember(row)
        for column, index in self._indexes.items():
            index.extend((row[column], row["id"]) for row in self._rows.values())
            index.sort()

    def insert(self, row: Row) -> None:
        """Add a row."""
        self._remember(row)
        for column, index in self._indexes.items():
            insort(index, (row[column], row["id"]))

    def delete(self, key: Any) -> bool:
        """Remove the row with the id *key*; False when there is none."""
        row = self._rows.pop(key, None)
        if row is None:
            return False
        for column, index in self._indexes.items():
            del index[bisect_left(index, (row[column], key))]
        return True

    def fetch(self, query: PageQuery) -> Fetched:
        """The rows for *query*, and how many entries of the index were looked at."""
        index, steps = self._indexes[query.sort.column], 0
        rows: list[Row] = []
        start, stop = 0, len(index)
        if query.position is not None:
            steps += math.ceil(math.log2(len(index) + 1))  # a binary search
            key = query.position
            # A position without a tie-breaker lies before, or behind, all the rows that are equal to it.
            if query.falling:
                stop = bisect_left(index, key, key=lambda entry: entry[: len(key)])
            else:
                start = bisect_right(index, key, key=lambda entry: entry[: len(key)])
        skipped = query.offset
        if not query.filters:  # every entry counts, so the place is known; the store passes over them all the same
            skipped = min(query.offset, stop - start)
            start, stop = (start, stop - skipped) if query.falling else (start + skipped, stop)
            steps, skipped = steps + skipped, 0
        for _, number in _walk(index, start, stop, falling=query.falling):
            row = self._rows[number]
            steps += 1
            if any(row.get(name) != value for name, value in query.filters):
                continue
            if skipped:
                skipped -= 1
                continue
            rows.append(row)
            if len(rows) > query.limit:
                break
        return Fetched(rows, steps)

    def __len__(self) -> int:
        return len(self._rows)

    def _remember(self, row: Row) -> None:
        if row["id"] in self._rows:
            raise ValueError(f"id must be unique, got {row['id']!r} twice")
        self._rows[row["id"]] = row


class Listing:
    """`GET /products`: a page of products, with page information and links.

    *rules*: what a client may ask for; None is signed cursors with a secret of their own, for a demonstration.
    *work*: seconds for one page, *work_per_step*: and for each step that the store makes.
    """

    def __init__(
        self, pages: Pages, *, rules: PageRules | None = None, work: float = 0.0, work_per_step: float = 0.0
    ) -> None:
        self.pages = pages
        self.rules = rules or PageRules(cursors=SignedCursors(secrets=(b"for demonstrations only",)))
        self._work, self._work_per_step = work, work_per_step
        self._routes = Routes({"GET /products": self._list})

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve one request."""
        return self._routes(request, now)

    def _list(self, request: Request, now: float) -> HandlerFlow:
        try:
            query = self.rules.parse(request.query, now)
        except ValueError as error:  # its text is made for the client
            yield Reply(problem(400, str(error)))
            return
        fetched = self.pages.fetch(query)
        now = yield Step("read a page")
        now = yield Work(self._work + self._work_per_step * fetched.steps)
        page = page_of(fetched.rows, query)
        yield Note("rows read", f"{fetched.steps} for {len(page.rows)}")
        info, links = self.rules.describe(page, query, request.resource, now)
        document = {"items": [dict(row) for row in page.rows], "page": info}
        yield Reply(json_response(document, headers={"Link": build_links(links)}))


def _walk(index: list[tuple[Any, Any]], start: int, stop: int, *, falling: bool) -> Iterator[tuple[Any, Any]]:
    places = range(stop - 1, start - 1, -1) if falling else range(start, stop)
    return (index[place] for place in places)
