"""What a commit costs: the same rows into a real SQLite file, with a commit each, one for all, or a savepoint each.

How many rows are kept, how often is committed and how much is written are the same at every run.  Times belong to one
machine and its disk, so that only their ratio is told, from rounds that take turns.

Source: SQLite documentation, "Write-Ahead Logging", "SAVEPOINT".
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import median

import attrs

AUTOCOMMIT = "commit each row"
SAVEPOINTS = "one commit, savepoint each"
ALL_OR_NOTHING = "one commit, all or nothing"
WAYS = (AUTOCOMMIT, SAVEPOINTS, ALL_OR_NOTHING)

_FRAME = 24
"""Bytes before each page in the write-ahead log."""


@attrs.frozen
class Inserted:
    """What came of one way.

    *kept*: rows that are in the table afterwards.  *refused*: rows that the table's key did not take, as
    far as it came.  *commits*: how
    often the disk was waited for.  *pages*: written to the log.  *speed*: rows a second as a multiple of the first
    way's, the median of the rounds.
    """

    way: str
    kept: int
    refused: int
    commits: int
    pages: int
    speed: float


def inserted(count: int = 1_000, *, taken: int = 0, rounds: int = 3) -> list[Inserted]:
    """Insert *count* users, of whom the last *taken* have an email that is there already, in each of the `WAYS`.

    Each way of each round has a new file, and waits for the disk at every commit.

    Raises: `ValueError` when *count* or *rounds* is below 1, or *taken* is not from 0 to *count* - 1.
    """
    for name, value in (("count", count), ("rounds", rounds)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value!r}")
    if not 0 <= taken < count:
        raise ValueError(f"taken must be from 0 to {count - 1}, one less than count, got {taken!r}")
    emails = [f"user{number:06}@example.com" for number in range(count - taken)]
    emails += emails[:taken]
    measured: dict[str, list[tuple[float, Inserted]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            measured[way].append(_measure(way, emails))
    slowest = [seconds for seconds, _ in measured[WAYS[0]]]
    found = []
    for of_a_way in measured.values():
        ratios = [first / seconds for first, (seconds, _) in zip(slowest, of_a_way, strict=True)]
        found.append(attrs.evolve(of_a_way[0][1], speed=median(ratios)))
    return found


def _measure(way: str, emails: Sequence[str]) -> tuple[float, Inserted]:
    """The seconds that it took, and what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "users.sqlite"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute("CREATE TABLE users (email TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID")
            page = connection.execute("PRAGMA page_size").fetchone()[0] + _FRAME
            log = path.with_name(path.name + "-wal")
            before, began = log.stat().st_size, time.perf_counter()
            commits, refused = _insert(connection, way, emails)
            took = time.perf_counter() - began
            kept = connection.execute("SELECT count(*) FROM users").fetchone()[0]
            pages = (log.stat().st_size - before) // page
    return took, Inserted(way, kept, refused, commits, pages, 1.0)


def _insert(connection: sqlite3.Connection, way: str, emails: Sequence[str]) -> tuple[int, int]:
    """Insert the rows; how often was committed, and how many rows were refused."""
    if way == AUTOCOMMIT:
        refused = sum(not _taken(connection, email) for email in emails)
        return len(emails) - refused, refused
    connection.execute("BEGIN IMMEDIATE")
    refused = 0
    for email in emails:
        if way == SAVEPOINTS:
            connection.execute("SAVEPOINT row")
        if not _taken(connection, email):
            refused += 1
            if way == ALL_OR_NOTHING:
                connection.execute("ROLLBACK")
                return 0, refused
            connection.execute("ROLLBACK TO row")
        if way == SAVEPOINTS:
            connection.execute("RELEASE row")
    connection.execute("COMMIT")
    return 1, refused


def _taken(connection: sqlite3.Connection, email: str) -> bool:
    """Insert one row; False when the table's key refuses it."""
    try:
        connection.execute("INSERT INTO users VALUES (?, 'Ada')", (email,))
    except sqlite3.IntegrityError:
        return False
    return True
