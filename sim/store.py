"""A store: tables of JSON documents under text keys, with the four things that real databases give.

A unique insert, a compare-and-set, an atomic counter, and a transaction that one process at a time may hold.  That
is what Redis, SQLite and PostgreSQL have in common, and every service of the course needs no more.  `MemoryStore`
is the one for simulation and exploration; `sim.live` has the same on a real SQLite file, and both pass one suite.

A service yields a `Step` after every access, reads too.  One that uses transactions writes inside transactions only.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from typing import Any, Protocol

from sim.flow import Step


class StoreBusyError(Exception):
    """A write outside a transaction met a transaction of somebody else; begin one and wait for it instead."""


class Tables(Protocol):
    """What can be done to documents, inside a transaction or outside of one."""

    def get(self, table: str, key: str) -> Any:
        """A copy of the document under *key*, or None."""
        ...

    def insert(self, table: str, key: str, document: Any) -> bool:
        """Add a document; False, and no change, when the key exists: a unique constraint, SET NX, INSERT."""
        ...

    def put(self, table: str, key: str, document: Any) -> None:
        """Write a document, whatever was there: the last write wins."""
        ...

    def replace(self, table: str, key: str, expected: Any, document: Any) -> bool:
        """Write a document if the present one equals *expected* (None: there is none); False, and no change, if not."""
        ...

    def delete(self, table: str, key: str) -> bool:
        """Remove a document; False when there was none."""
        ...

    def add(self, table: str, key: str, amount: int = 1) -> int:
        """Add *amount* to the whole number under *key*, 0 when there is none, and return the sum: INCR."""
        ...

    def rows(self, table: str) -> list[tuple[str, Any]]:
        """All keys with copies of their documents, in the order of the keys."""
        ...


class Transaction(Tables, Protocol):
    """Reads see its own writes; others see them all at the commit, or never."""

    def commit(self) -> None:
        """Make every write visible and durable at once, and give the lock back."""
        ...

    def rollback(self) -> None:
        """Forget every write, and give the lock back."""
        ...


class Store(Tables, Protocol):
    """Tables with transactions.  *owner* is the request on whose behalf a process works; it is known by identity."""

    def begin(self, owner: object) -> Transaction | None:
        """A transaction, or None while somebody else's is open."""
        ...

    def is_free(self) -> bool:
        """True while no transaction is open."""
        ...

    def died(self, owner: object) -> None:
        """The process that worked for *owner* is dead: roll back its open transaction, if it had one."""
        ...

    def snapshot(self) -> Any:
        """Everything that decides how it will answer, as a hashable value: equal snapshots, equal stores."""
        ...


def transaction(store: Store, owner: object) -> Generator[Step, float, Transaction]:
    """A flow that waits until it may begin: `tx = yield from transaction(store, request)`."""
    while True:
        begun = store.begin(owner)
        if begun is not None:
            yield Step("begin a transaction")
            return begun
        yield Step("wait for the lock", when=store.is_free)


class _Rows:
    """Documents as JSON text, so that nobody can hold a reference into the store."""

    def _read(self, table: str, key: str) -> str | None:
        raise AssertionError("the store and its transactions say themselves where a text is")

    def _write(self, table: str, key: str, text: str | None) -> None:
        raise AssertionError("the store and its transactions say themselves where a text goes; None removes it")

    def _all(self) -> Mapping[tuple[str, str], str]:
        raise AssertionError("the store and its transactions say themselves what they hold")

    def get(self, table: str, key: str) -> Any:
        text = self._read(table, key)
        return None if text is None else json.loads(text)

    def insert(self, table: str, key: str, document: Any) -> bool:
        return self.replace(table, key, None, document)

    def put(self, table: str, key: str, document: Any) -> None:
        self._write(table, key, _text(document))

    def replace(self, table: str, key: str, expected: Any, document: Any) -> bool:
        fits = self._read(table, key) == (None if expected is None else _text(expected))
        # A write that does not fit is a write all the same: where writing is not allowed it must not pass for False.
        self._write(table, key, _text(document) if fits else self._read(table, key))
        return fits

    def delete(self, table: str, key: str) -> bool:
        there = self._read(table, key) is not None
        self._write(table, key, None)
        return there

    def add(self, table: str, key: str, amount: int = 1) -> int:
        total = int(self._read(table, key) or "0") + amount
        self._write(table, key, str(total))
        return total

    def rows(self, table: str) -> list[tuple[str, Any]]:
        texts = sorted((key, text) for (home, key), text in self._all().items() if home == table)
        return [(key, json.loads(text)) for key, text in texts]


class MemoryStore(_Rows):
    """A `Store` in memory.

    >>> store = MemoryStore()
    >>> store.insert("users", "7", {"name": "Ada"}), store.insert("users", "7", {"name": "Bob"})
    (True, False)
    >>> store.get("users", "7")
    {'name': 'Ada'}
    """

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str], str] = {}
        self._open: _MemoryTransaction | None = None

    def begin(self, owner: object) -> Transaction | None:
        """A transaction, or None while somebody else's is open."""
        if self._open is not None:
            return None
        self._open = _MemoryTransaction(self, owner)
        return self._open

    def is_free(self) -> bool:
        """True while no transaction is open."""
        return self._open is None

    def died(self, owner: object) -> None:
        """Roll back the transaction of *owner*, if it is open."""
        if self._open is not None and self._open.owner is owner:
            self._open.rollback()

    def snapshot(self) -> Any:
        """The committed rows, and those that the open transaction sees."""
        pending = None if self._open is None else tuple(sorted(self._open._all().items()))
        return tuple(sorted(self._texts.items())), pending

    def _read(self, table: str, key: str) -> str | None:
        return self._texts.get((table, key))

    def _write(self, table: str, key: str, text: str | None) -> None:
        if self._open is not None:
            raise StoreBusyError("a write outside a transaction met an open one; wait for it with `transaction`")
        self._keep(table, key, text)

    def _keep(self, table: str, key: str, text: str | None) -> None:
        if text is None:
            self._texts.pop((table, key), None)
        else:
            self._texts[table, key] = text

    def _all(self) -> Mapping[tuple[str, str], str]:
        return self._texts


class _MemoryTransaction(_Rows):
    """What it changed, over what the store holds: nobody else writes while it is open."""

    def __init__(self, store: MemoryStore, owner: object) -> None:
        self.owner = owner
        self._store = store
        self._changes: dict[tuple[str, str], str | None] = {}

    def commit(self) -> None:
        """Make every write visible at once."""
        self._check_open()
        for (table, key), text in self._changes.items():
            self._store._keep(table, key, text)
        self._end()

    def rollback(self) -> None:
        """Forget every write."""
        self._end()

    def _end(self) -> None:
        self._check_open()
        self._store._open = None

    def _read(self, table: str, key: str) -> str | None:
        self._check_open()
        if (table, key) in self._changes:
            return self._changes[table, key]
        return self._store._read(table, key)

    def _write(self, table: str, key: str, text: str | None) -> None:
        self._check_open()
        self._changes[table, key] = text

    def _all(self) -> Mapping[tuple[str, str], str]:
        self._check_open()
        whole = self._store._texts | self._changes
        return {place: text for place, text in whole.items() if text is not None}

    def _check_open(self) -> None:
        if self._store._open is not self:
            raise StoreBusyError("this transaction has ended; begin a new one")


def _text(document: Any) -> str:
    return _ENCODE(document)


# Sorted members: two documents are equal when their texts are.
_ENCODE = json.JSONEncoder(sort_keys=True, allow_nan=False).encode
