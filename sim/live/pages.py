"""Pages of a real SQLite table, and what they cost in steps of SQLite's own virtual machine.

The row-value predicate `(created_at, id) > (?, ?)` becomes a search of the index that goes straight to the place.
The OR form means the same, but SQLite scans the index from its start and throws away every row before the place: it
costs more than the OFFSET that it was to replace.  With a bound on the first column beside it, `created_at >= ? AND
(created_at > ? OR id > ?)`, it is a search again: what to write for a database without row values.
"""

from __future__ import annotations

import enum
import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from sim.policies.paging.pages import PageQuery, Row
from sim.services.catalog.listing import Fetched


class Form(enum.Enum):
    """How the keyset predicate is written."""

    ROW_VALUE = "row value"
    OR = "or"
    BOUNDED_OR = "bounded or"


class SQLitePages:
    """Products in the table of a SQLite file at *path*, with an index for each order; ":memory:" is a real one too.

    *form*: how the predicate is written.  It is for one thread.

    >>> pages = SQLitePages(rows=({"id": number, "created_at": number // 2} for number in range(6)))
    >>> [row["id"] for row in pages.fetch(PageQuery(limit=2, position=(1, 2))).rows]
    [3, 4, 5]
    """

    COLUMNS = ("id", "created_at", "price", "category")
    """What has a column of its own; the whole row stands beside it as JSON."""

    def __init__(self, path: str = ":memory:", *, rows: Iterable[Row] = (), form: Form = Form.ROW_VALUE) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._form = form
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS products "
            "(id INTEGER PRIMARY KEY, created_at NUMERIC, price NUMERIC, category TEXT, row TEXT NOT NULL)"
        )
        for column in ("created_at", "price"):
            self._connection.execute(f"CREATE INDEX IF NOT EXISTS by_{column} ON products ({column}, id)")
        self._connection.execute("BEGIN")
        for row in rows:
            self.insert(row)
        self._connection.execute("COMMIT")

    def insert(self, row: Row) -> None:
        """Add a row.  Raises: `sqlite3.IntegrityError` for an id that is there already."""
        values = [*(row.get(column) for column in self.COLUMNS), json.dumps(dict(row))]
        self._connection.execute("INSERT INTO products VALUES (?, ?, ?, ?, ?)", values)

    def delete(self, key: int) -> bool:
        """Remove the row with the id *key*; False when there is none."""
        return self._connection.execute("DELETE FROM products WHERE id = ?", [key]).rowcount == 1

    def fetch(self, query: PageQuery) -> Fetched:
        """The rows for *query*, and the steps that SQLite's virtual machine made to find them."""
        steps = 0

        def count() -> int:
            nonlocal steps
            steps += 1
            return 0

        sql, values = self.statement(query)
        self._connection.set_progress_handler(count, 1)
        try:
            found = self._connection.execute(sql, values).fetchall()
        finally:
            self._connection.set_progress_handler(None, 1)
        return Fetched([json.loads(text) for (text,) in found], steps)

    def statement(self, query: PageQuery) -> tuple[str, list[Any]]:
        """The SELECT for *query*, and its values.

        Raises: `ValueError` for a column that the table does not have: names cannot be bound as values.
        """
        for column in (*query.sort.columns, *(name for name, _ in query.filters)):
            if column not in self.COLUMNS:
                raise ValueError(f"there is no column {column!r}, only {', '.join(self.COLUMNS)}")
        terms, values = [f"{name} = ?" for name, _ in query.filters], [value for _, value in query.filters]
        bound: list[Any] = [*values]
        if query.position is not None:
            predicate, places = _predicate(query, self._form)
            terms.append(predicate)
            bound += places
        where = f" WHERE {' AND '.join(terms)}" if terms else ""
        way = " DESC" if query.falling else ""
        order = ", ".join(f"{column}{way}" for column in query.sort.columns)
        sql = f"SELECT row FROM products{where} ORDER BY {order} LIMIT ? OFFSET ?"
        return sql, [*bound, query.limit + 1, query.offset]

    def plan(self, query: PageQuery) -> str:
        """What SQLite says it will do, one line."""
        sql, values = self.statement(query)
        return "; ".join(row[3] for row in self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", values))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


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
