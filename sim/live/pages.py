"""Pages of a real SQLite table, and what they cost in steps of SQLite's own virtual machine.

The row-value predicate `(created_at, id) > (?, ?)` becomes a search of the index that goes straight to the place.
The OR form means the same, but SQLite scans the index from its start and throws away every row before the place: it
costs more than the OFFSET that it was to replace.  With a bound on the first column beside it, `created_at >= ? AND
(created_at > ? OR id > ?)`, it is a search again: what to write for a database without row values.
"""

from __future__ import annotations

import copy
import enum
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sim.policies.paging.pages import PageQuery, Row
from sim.services.catalog.listing import Fetched


class Form(enum.Enum):
    """How the keyset predicate is written."""

    ROW_VALUE = "row value"
    OR = "or"
    BOUNDED_OR = "bounded or"


class SQLitePages:
    """Products in the table of a SQLite file at *path*, with *indexes* to go down; ":memory:" is a real one too.

    *form*: how the predicate is written.  *deferred*: the place is found in the index alone, and the table is looked
    up for the rows of the page only.  It is for one thread.

    >>> pages = SQLitePages(rows=({"id": number, "created_at": number // 2} for number in range(6)))
    >>> [row["id"] for row in pages.fetch(PageQuery(limit=2, position=(1, 2))).rows]
    [3, 4, 5]
    """

    COLUMNS = ("id", "created_at", "price", "category")
    """What has a column of its own; the whole row stands beside it as JSON."""
    INDEXES = (("created_at", "id"), ("price", "id"))

    def __init__(
        self,
        path: str = ":memory:",
        *,
        rows: Iterable[Row] = (),
        form: Form = Form.ROW_VALUE,
        deferred: bool = False,
        indexes: Sequence[tuple[str, ...]] = INDEXES,
    ) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._form, self._deferred = form, deferred
        # A reader in the middle of its walk must not stop those who write.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS products "
            "(id INTEGER PRIMARY KEY, created_at NUMERIC, price NUMERIC, category TEXT, row TEXT NOT NULL)"
        )
        self._make(indexes)
        self._connection.execute("BEGIN")
        for row in rows:
            self.insert(row)
        self._connection.execute("COMMIT")

    @classmethod
    def filled(
        cls, count: int, *, per_instant: int = 1, indexes: Sequence[tuple[str, ...]] = (("created_at", "id"),)
    ) -> SQLitePages:
        """A table in memory with *count* rows that SQLite makes itself, a million in about two seconds.

        The ids are 0, 1, ...; *per_instant* rows in a row share their created_at, prices lie below 1,000, and one row
        in a thousand is of the category "rare", all others of "common".
        """
        pages = cls(indexes=())
        pages._connection.execute(
            "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?), "
            "made(id, created_at, price, category) AS (SELECT n, n / ?, n * 7 % 1000, "
            "CASE n % 1000 WHEN 0 THEN 'rare' ELSE 'common' END FROM numbers) "
            "INSERT INTO products SELECT id, created_at, price, category, "
            "json_object('id', id, 'created_at', created_at, 'price', price, 'category', category) FROM made",
            [count, per_instant],
        )
        pages._make(indexes)
        return pages

    def variant(self, *, form: Form = Form.ROW_VALUE, deferred: bool = False) -> SQLitePages:
        """The same table, asked in another way; both use one connection."""
        other = copy.copy(self)
        other._form, other._deferred = form, deferred
        return other

    def insert(self, row: Row) -> None:
        """Add a row.  Raises: `sqlite3.IntegrityError` for an id that is there already."""
        values = [*(row.get(column) for column in self.COLUMNS), json.dumps(dict(row))]
        self._connection.execute("INSERT INTO products VALUES (?, ?, ?, ?, ?)", values)

    def delete(self, key: int) -> bool:
        """Remove the row with the id *key*; False when there is none."""
        return self._connection.execute("DELETE FROM products WHERE id = ?", [key]).rowcount == 1

    def fetch(self, query: PageQuery) -> Fetched:
        """The rows for *query*, and the steps that SQLite's virtual machine made to find them."""
        found, steps = self._counted(*self.statement(query))
        return Fetched([json.loads(text) for (text,) in found], steps)

    def total(self, filters: Sequence[tuple[str, str]]) -> tuple[int, int]:
        """How many rows match all *filters*, and the steps that counting them took.

        Raises: `ValueError` as `statement`.
        """
        where, values = _filtered(filters, self.COLUMNS)
        ((count,),), steps = self._counted(f"SELECT count(*) FROM products{_where(where)}", values)
        return count, steps

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """While it lasts, this connection sees the table as it is now, whatever others commit; for tables in a file.

        The file cannot forget what is older than its oldest reader: a snapshot that is held for a day costs a day's
        changes.
        """
        self._connection.execute("BEGIN")
        # BEGIN alone promises nothing; the first read is what is held.
        self._connection.execute("SELECT 1 FROM products LIMIT 1").fetchall()
        try:
            yield
        finally:
            self._connection.execute("COMMIT")

    def statement(self, query: PageQuery) -> tuple[str, list[Any]]:
        """The SELECT for *query*, and its values.

        Raises: `ValueError` for a column that the table does not have: names cannot be bound as values.
        """
        for column in query.sort.columns:
            _known(column, self.COLUMNS)
        terms, bound = _filtered(query.filters, self.COLUMNS)
        if query.position is not None:
            predicate, places = _predicate(query, self._form)
            terms.append(predicate)
            bound += places
        way = " DESC" if query.falling else ""
        order = ", ".join(f"{column}{way}" for column in query.sort.columns)
        what = "id" if self._deferred else "row"
        sql = f"SELECT {what} FROM products{_where(terms)} ORDER BY {order} LIMIT ? OFFSET ?"
        if self._deferred:
            sql = f"SELECT row FROM products JOIN ({sql}) USING (id) ORDER BY {order}"
        return sql, [*bound, query.limit + 1, query.offset]

    def plan(self, query: PageQuery) -> str:
        """What SQLite says it will do, one line."""
        sql, values = self.statement(query)
        return "; ".join(row[3] for row in self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", values))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _make(self, indexes: Sequence[tuple[str, ...]]) -> None:
        for columns in indexes:
            for column in columns:
                _known(column, self.COLUMNS)
            name = "_".join(column for column in columns if column != "id")
            self._connection.execute(f"CREATE INDEX IF NOT EXISTS by_{name} ON products ({', '.join(columns)})")

    def _counted(self, sql: str, values: list[Any]) -> tuple[list[Any], int]:
        """What *sql* finds, and the steps of SQLite's virtual machine."""
        steps = 0

        def count() -> int:
            nonlocal steps
            steps += 1
            return 0

        self._connection.set_progress_handler(count, 1)
        try:
            return self._connection.execute(sql, values).fetchall(), steps
        finally:
            self._connection.set_progress_handler(None, 1)


def _known(column: str, columns: Sequence[str]) -> None:
    if column not in columns:
        raise ValueError(f"there is no column {column!r}, only {', '.join(columns)}")


def _filtered(filters: Sequence[tuple[str, str]], columns: Sequence[str]) -> tuple[list[str], list[Any]]:
    for name, _ in filters:
        _known(name, columns)
    return [f"{name} = ?" for name, _ in filters], [value for _, value in filters]


def _where(terms: list[str]) -> str:
    return f" WHERE {' AND '.join(terms)}" if terms else ""


def _predicate(query: PageQuery, form: Form) -> tuple[str, list[Any]]:
    columns, position, sign = query.sort.columns, query.position or (), "<" if query.falling else ">"
    if len(columns) == 1:
        return f"{columns[0]} {sign} ?", [*position]
    if form is Form.ROW_VALUE:
        return f"({', '.join(columns)}) {sign} ({', '.join('?' * len(columns))})", [*position]
    first, second = columns
    if form is Form.BOUNDED_OR:
        return f"({first} {sign}= ? AND ({first} {sign} ? OR {second} {sign} ?))", [position[0], *position]
    return f"({first} {sign} ? OR ({first} = ? AND {second} {sign} ?))", [position[0], position[0], position[1]]
