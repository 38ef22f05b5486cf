"""The vault's search on a real SQLite, written in both ways: with bound parameters, and pasted together.

A bound parameter never becomes part of the statement: the statement is compiled first, and the value is only ever
compared.  Text that is pasted in is compiled with the rest, so whoever writes the text writes the statement.  Python's
driver runs one statement a call, so pasted text cannot add a second one (a DROP TABLE after a semicolon); it needs
none to read what it must not.

Source: CWE-89; OWASP SQL Injection Prevention cheat sheet; SQLite documentation, "Binding Values".
"""

from __future__ import annotations

import sqlite3
from typing import Any

LIMIT = 50
"""Most documents in one answer."""


class SQLiteSearch:
    """Documents by words in their title, each caller's own; see `sim.services.vault.service.Search`.

    *path*: a file, or ":memory:".  One thread's, like every connection of SQLite.

    >>> search = SQLiteSearch()
    >>> search.add("1", {"owner": "ada", "title": "Plan for May", "year": 2026})
    >>> search.add("2", {"owner": "bob", "title": "Plan B", "year": 2026})
    >>> search.find("ada", "plan", None)
    [{'id': '1', 'title': 'Plan for May', 'year': 2026}]
    >>> search.find("ada", "' OR 1=1 --", None), len(search.find_pasted("ada", "' OR 1=1 --", None))
    ([], 2)
    """

    def __init__(self, path: str = ":memory:") -> None:
        self._connection = sqlite3.connect(path)
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS findable (id TEXT PRIMARY KEY, owner TEXT, title TEXT, year INTEGER)"
        )

    def add(self, ident: str, document: dict[str, Any]) -> None:
        """Make a document findable; one with the same id is replaced.  What is no text or no year is left out."""
        title, year = document.get("title"), document.get("year")
        title = title if isinstance(title, str) else ""
        year = int(year) if isinstance(year, int | float) and abs(year) < 10_000 and year == int(year) else None
        row = (ident, str(document.get("owner", "")), title, year)
        with self._connection:
            self._connection.execute("INSERT OR REPLACE INTO findable VALUES (?, ?, ?, ?)", row)

    def find(self, owner: str, words: str, year: str | None) -> list[dict[str, Any]]:
        """Documents of *owner* whose title contains *words* (in any case), of one *year* or, for None, of any.

        The words are bound, and what LIKE gives a meaning to is escaped: "100%" is found, not everything with 100.
        Raises: `ValueError` for words that SQLite does not take, without its message.
        """
        pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        statement = "SELECT id, title, year FROM findable WHERE owner = ? AND title LIKE ? ESCAPE '\\'"
        values: list[Any] = [owner, pattern]
        if year is not None:
            statement += " AND year = ?"
            values.append(year)
        return self._rows(f"{statement} ORDER BY id LIMIT {LIMIT}", values)

    def find_pasted(self, owner: str, words: str, year: str | None) -> list[dict[str, Any]]:
        """The same with the words and the year pasted into the statement.  Kept to be broken.

        Raises: `ValueError` when the statement that comes out is none.
        """
        statement = f"SELECT id, title, year FROM findable WHERE owner = '{owner}' AND title LIKE '%{words}%'"
        if year is not None:
            statement += f" AND year = {year}"
        return self._rows(f"{statement} ORDER BY id LIMIT {LIMIT}", ())

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    def _rows(self, statement: str, values: Any) -> list[dict[str, Any]]:
        try:
            found = self._connection.execute(statement, values).fetchall()
        except (sqlite3.Error, sqlite3.Warning, ValueError):
            # The database's own message would tell the names of tables and columns.
            raise ValueError("this cannot be searched for") from None
        return [{"id": ident, "title": title, "year": year} for ident, title, year in found]
