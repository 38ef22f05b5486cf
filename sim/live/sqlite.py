"""The store on a real SQLite file: the same protocol as `sim.store.MemoryStore`, under real locks and real crashes.

SQLite lets many read and one write.  `BEGIN IMMEDIATE` takes the writer's lock at the start, so a transaction never
finds at its end that it has to be thrown away; in WAL mode readers see the last commit and are never kept waiting.
Every transaction has a connection of its own: whoever dies leaves nothing behind but a closed connection, and that
is a rollback, done by SQLite and not by us.

Source: SQLite documentation, "Isolation in SQLite", "Write-Ahead Logging", "BEGIN TRANSACTION".
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sim.store import StoreBusyError, Transaction

# The course's table is a column here, not a table of SQL: a name cannot be a parameter, and nothing that comes from
# outside may ever become part of a statement.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (home TEXT, key TEXT, text TEXT NOT NULL, PRIMARY KEY (home, key)) WITHOUT ROWID
"""

_OPENING = 5.0
"""Seconds that opening a connection may take: another one that opens or closes keeps the file to itself meanwhile."""


class SQLiteStore:
    """A `sim.store.Store` in the file at *path*, which is made when it is not there; any thread may use it.

    Several stores, in several processes too, may share a file.  *patience*: seconds that a write outside of a
    transaction waits for another process's write before `StoreBusyError`.  *fsync*: True waits for the disk at every
    commit; without, what was committed last survives the death of the process, but not that of the machine.

    Raises: `ValueError` for ":memory:", which would be another database for every connection.
    """

    def __init__(self, path: Path | str, *, patience: float = 5.0, fsync: bool = True) -> None:
        if str(path) in ("", ":memory:"):
            raise ValueError(f"path must name a file, got {str(path)!r}")
        self._path, self._patience, self._fsync = str(path), patience, fsync
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._open: _SQLiteTransaction | None = None
        with self._borrowed() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(_SCHEMA)

    def get(self, table: str, key: str) -> Any:
        """A copy of the document under *key*, or None."""
        with self._borrowed() as connection:
            return _get(connection, table, key)

    def insert(self, table: str, key: str, document: Any) -> bool:
        """Add a document; False, and no change, when the key exists.  Raises: `StoreBusyError`."""
        with self._writing() as connection:
            return _insert(connection, table, key, document)

    def put(self, table: str, key: str, document: Any) -> None:
        """Write a document, whatever was there.  Raises: `StoreBusyError`."""
        with self._writing() as connection:
            _put(connection, table, key, document)

    def replace(self, table: str, key: str, expected: Any, document: Any) -> bool:
        """Write a document if the present one equals *expected*; False if not.  Raises: `StoreBusyError`."""
        with self._writing() as connection:
            return _replace(connection, table, key, expected, document)

    def delete(self, table: str, key: str) -> bool:
        """Remove a document; False when there was none.  Raises: `StoreBusyError`."""
        with self._writing() as connection:
            return _delete(connection, table, key)

    def add(self, table: str, key: str, amount: int = 1) -> int:
        """Add *amount* to the whole number under *key* and return the sum.  Raises: `StoreBusyError`."""
        with self._writing() as connection:
            return _add(connection, table, key, amount)

    def rows(self, table: str) -> list[tuple[str, Any]]:
        """All keys with copies of their documents, in the order of the keys."""
        with self._borrowed() as connection:
            return _rows(connection, table)

    def begin(self, owner: object) -> Transaction | None:
        """A transaction, or None while somebody else's is open, in this process or in another."""
        with self._lock:
            if self._open is not None:
                return None
            connection = self._connect(patience=0.0)
            if not _locked(connection):
                connection.close()
                return None
            self._open = _SQLiteTransaction(self, connection, owner)
            return self._open

    def is_free(self) -> bool:
        """True while no transaction is open; whether another process has one is found out by asking for its lock."""
        if self._open is not None:
            return False
        connection = self._connect(patience=0.0)
        try:
            return _locked(connection)
        finally:
            connection.close()

    def died(self, owner: object) -> None:
        """Close the connection of *owner*'s transaction, if it is open: that is what the death of a process does."""
        with self._lock:
            if self._open is not None and self._open.owner is owner:
                self._open.close()

    def snapshot(self) -> Any:
        """The committed rows, and those that the open transaction sees: equal to that of an equal `MemoryStore`."""
        opened = self._open
        with self._borrowed() as connection:
            return _everything(connection), None if opened is None else _everything(opened.connection)

    def close(self) -> None:
        """Roll back what is open and close the file; nothing may be asked of the store afterwards."""
        with self._lock:
            if self._open is not None:
                self._open.close()
        while self._idle:
            self._idle.pop().close()

    def _connect(self, patience: float) -> sqlite3.Connection:
        # Autocommit: a transaction is begun when we say so.  A connection is lent to one thread at a time.
        connection = sqlite3.connect(self._path, timeout=_OPENING, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA synchronous = {'FULL' if self._fsync else 'NORMAL'}")
        connection.execute(f"PRAGMA busy_timeout = {int(patience * 1_000)}")
        return connection

    @contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        """A connection for one access: an idle one, or a new one when all are lent out."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect(self._patience)
        try:
            yield connection
        finally:
            self._idle.append(connection)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A connection with the writer's lock, for one access."""
        if self._open is not None:
            raise StoreBusyError("a write outside a transaction met an open one; wait for it with `transaction`")
        with self._borrowed() as connection:
            if not _locked(connection):
                raise StoreBusyError(f"another process has been writing for {self._patience:g} s; try again later")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


class _SQLiteTransaction:
    """A transaction with a connection of its own; closing that is a rollback."""

    def __init__(self, store: SQLiteStore, connection: sqlite3.Connection, owner: object) -> None:
        self.owner = owner
        self._store = store
        self._connection = connection

    @property
    def connection(self) -> sqlite3.Connection:
        if self._store._open is not self:
            raise StoreBusyError("this transaction has ended; begin a new one")
        return self._connection

    def get(self, table: str, key: str) -> Any:
        return _get(self.connection, table, key)

    def insert(self, table: str, key: str, document: Any) -> bool:
        return _insert(self.connection, table, key, document)

    def put(self, table: str, key: str, document: Any) -> None:
        _put(self.connection, table, key, document)

    def replace(self, table: str, key: str, expected: Any, document: Any) -> bool:
        return _replace(self.connection, table, key, expected, document)

    def delete(self, table: str, key: str) -> bool:
        return _delete(self.connection, table, key)

    def add(self, table: str, key: str, amount: int = 1) -> int:
        return _add(self.connection, table, key, amount)

    def rows(self, table: str) -> list[tuple[str, Any]]:
        return _rows(self.connection, table)

    def commit(self) -> None:
        self.connection.execute("COMMIT")
        self.close()

    def rollback(self) -> None:
        self.connection.execute("ROLLBACK")
        self.close()

    def close(self) -> None:
        self._connection.close()
        self._store._open = None

    def snapshot(self) -> Any:
        """Whether it is open; what it has written is in the store's snapshot."""
        return self._store._open is self


def _read(connection: sqlite3.Connection, table: str, key: str, default: str) -> str:
    row = connection.execute("SELECT text FROM documents WHERE home = ? AND key = ?", (table, key)).fetchone()
    return default if row is None else str(row[0])


def _get(connection: sqlite3.Connection, table: str, key: str) -> Any:
    return json.loads(_read(connection, table, key, "null"))


def _insert(connection: sqlite3.Connection, table: str, key: str, document: Any) -> bool:
    row = (table, key, _text(document))
    return connection.execute("INSERT INTO documents VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row).rowcount == 1


def _put(connection: sqlite3.Connection, table: str, key: str, document: Any) -> None:
    connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (table, key, _text(document)))


def _replace(connection: sqlite3.Connection, table: str, key: str, expected: Any, document: Any) -> bool:
    if expected is None:
        return _insert(connection, table, key, document)
    row = (_text(document), table, key, _text(expected))
    return (
        connection.execute("UPDATE documents SET text = ? WHERE home = ? AND key = ? AND text = ?", row).rowcount == 1
    )


def _delete(connection: sqlite3.Connection, table: str, key: str) -> bool:
    return connection.execute("DELETE FROM documents WHERE home = ? AND key = ?", (table, key)).rowcount == 1


def _add(connection: sqlite3.Connection, table: str, key: str, amount: int) -> int:
    # The sum is made here because SQLite's whole numbers end at 2**63; the writer's lock is held meanwhile.
    total = int(_read(connection, table, key, "0")) + amount
    _put(connection, table, key, total)
    return total


def _rows(connection: sqlite3.Connection, table: str) -> list[tuple[str, Any]]:
    found = connection.execute("SELECT key, text FROM documents WHERE home = ? ORDER BY key", (table,))
    return [(key, json.loads(text)) for key, text in found]


def _everything(connection: sqlite3.Connection) -> tuple[tuple[tuple[str, str], str], ...]:
    found = connection.execute("SELECT home, key, text FROM documents ORDER BY home, key")
    return tuple(((home, key), text) for home, key, text in found)


def _locked(connection: sqlite3.Connection) -> bool:
    """Take the writer's lock; False when somebody else has it and does not give it back in time."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def _text(document: Any) -> str:
    # As in the memory store: two documents are equal when their texts are.
    return json.dumps(document, sort_keys=True, allow_nan=False)
