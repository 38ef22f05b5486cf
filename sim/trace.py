"""The trace: what happened in a run, as rows.  Statistics come later, from the rows.

`attempts` holds one row for each attempt and for each copy of it that the network made:

| column | meaning |
|---|---|
| call, client, attempt, copy | which intent, whose, which try (1 is the first), 0 or 1 for a copy made by the network |
| sent | when the client sent it |
| arrived, started, finished, applied | the server's truth: reached it, work began, work ended, effect took place |
| answer | the status the server answered with, whether or not the client ever saw it |
| settled | when the client stopped waiting: the answer came, or the timeout |
| status | what the client saw: an HTTP status, 0 for a refused connection, NaN for no answer |

Instants are seconds of virtual time; NaN means: never happened.  An attempt that is settled with status NaN is
*indeterminate*: `applied` knows what the client does not.
"""

from __future__ import annotations

import enum
import hashlib
import math
from array import array
from collections.abc import Sequence
from struct import Struct
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    import pandas

CALL, CLIENT, ATTEMPT, COPY, SENT, ARRIVED, STARTED, FINISHED, APPLIED, ANSWER, SETTLED, STATUS = range(12)
ATTEMPT_COLUMNS = (
    "call", "client", "attempt", "copy", "sent", "arrived", "started", "finished", "applied", "answer", "settled",
    "status",
)  # fmt: skip

C_CALL, C_CLIENT, C_HOST, C_STARTED, C_ENDED, C_OK, C_ATTEMPTS, C_STATUS = range(8)
CALL_COLUMNS = ("call", "client", "host", "started", "ended", "ok", "attempts", "status")

NAN = math.nan
_WHOLE = frozenset({"call", "client", "host", "attempt", "copy", "attempts"})


class Table:
    """Rows of floats, one after the other in one flat array: 8 bytes a cell, and a column is a slice.

    *known*: how many of the first columns are known when a row is made; the others are written later, as
    `table.cells[row + COLUMN]`, where *row* is what `append` returned.
    """

    def __init__(self, columns: Sequence[str], *, known: int) -> None:
        self.columns = tuple(columns)
        self.width = len(self.columns)
        self.cells = array("d")
        self.known = Struct(f"{known}d").pack
        self.unknown = array("d", [NAN] * (self.width - known)).tobytes()

    def append(self, *values: float) -> int:
        """Add a row that begins with the *known* values, the rest NaN; returns its offset in `cells`."""
        row = len(self.cells)
        # One memory copy: twice as fast as writing the cells one by one.
        self.cells.frombytes(self.known(*values) + self.unknown)
        return row

    def column(self, name: str) -> array[float]:
        """One column, as an array of doubles, in the order in which the rows were made."""
        return self.cells[self.columns.index(name) :: self.width]

    def rows(self) -> list[tuple[float, ...]]:
        """All rows, as tuples."""
        return list(zip(*(self.column(name) for name in self.columns), strict=True))

    def frame(self) -> pandas.DataFrame:
        """The table as a pandas DataFrame; counting columns are integers, the rest floats with NaN."""
        import pandas

        columns = {name: self.column(name) for name in self.columns}
        return pandas.DataFrame(
            {
                name: pandas.array(values, dtype="int64" if name in _WHOLE else "float64")
                for name, values in columns.items()
            }
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # A packer cannot cross to another process, so a table is rebuilt there from its columns and cells.
        return _table, (self.columns, self.width - len(self.unknown) // 8, self.cells)

    def __len__(self) -> int:
        return len(self.cells) // self.width

    def __repr__(self) -> str:
        return f"Table({len(self):,} rows: {', '.join(self.columns)})"


def _table(columns: tuple[str, ...], known: int, cells: array[float]) -> Table:
    table = Table(columns, known=known)
    table.cells = cells
    return table


@attrs.frozen
class Mark:
    """Something that happened at an instant: a breaker changed its state, a fault began or ended.

    *kind*: "breaker" or "fault".  *subject*: which host or which fault.  *note*: what it became.
    """

    at: float
    kind: str
    subject: str
    note: str


@attrs.frozen
class LedgerEntry:
    """A durable side effect: the *key* of the intent, and the attempt that caused it.  Two with one key: a double."""

    at: float
    key: str
    call: int
    attempt: int
    copy: int


class Trace:
    """Everything that a run writes: `attempts` and `calls` (tables), `marks` and `ledger` (lists)."""

    def __init__(self) -> None:
        self.attempts = Table(ATTEMPT_COLUMNS, known=5)
        self.calls = Table(CALL_COLUMNS, known=4)
        self.marks: list[Mark] = []
        self.ledger: list[LedgerEntry] = []

    def digest(self) -> str:
        """A fingerprint of every byte of the trace: equal digests, equal runs."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(self.attempts.cells.tobytes())
        digest.update(self.calls.cells.tobytes())
        digest.update(repr((self.marks, self.ledger)).encode())
        return digest.hexdigest()


NEXT, PREVIOUS, REASON, SNIPPET = range(12, 16)
C_EVENT, C_FATE, C_VERSION, C_KIND, C_REASON = range(8, 13)
E_EVENT, E_CREATED, E_QUEUED, E_DELIVERIES = range(4)


class Fate(enum.IntEnum):
    """Where a delivery stands."""

    QUEUED = 0
    IN_FLIGHT = 1
    DELIVERED = 2
    DEAD = 3
    DROPPED = 4


class Origin(enum.IntEnum):
    """Why there is a delivery: an event, a test, or somebody who pressed Resend."""

    EVENT = 0
    TEST = 1
    RESENT = 2


class WebhookTrace(Trace):
    """What a delivery platform writes.  A call is a delivery: one event, to one endpoint, in one format.

    `attempts` has four more columns: next (the instant of the next attempt, NaN is none), previous (the row of the
    one before), reason and snippet (what the platform made of the answer, and how its body began; numbers of `words`).
    `calls` has: event, fate (a `Fate`), version (a word), kind (an `Origin`), reason (a word: why it ended so).
    `events` holds a row for each event that reached the topic: event, created, queued, deliveries.

    *endpoints*, *owners*: names by number; column client is the endpoint's number.  *source*: the trace of the
    application that makes the events, None when there is none: its ledger holds the committed orders, by the id of
    their event.  *flaw*: how its way of publishing can go wrong; None is sound.  *unpublished*: events that were in
    its outbox, or in its hands, when the run ended.
    """

    def __init__(self, endpoints: Sequence[str], owners: Sequence[str]) -> None:
        super().__init__()
        self.endpoints, self.owners = tuple(endpoints), tuple(owners)
        self.attempts = Table((*ATTEMPT_COLUMNS, "next", "previous", "reason", "snippet"), known=5)
        self.calls = Table((*CALL_COLUMNS, "event", "fate", "version", "kind", "reason"), known=4)
        self.events = Table(("event", "created", "queued", "deliveries"), known=4)
        self.source: Trace | None = None
        self.flaw: str | None = None
        self.unpublished: frozenset[int] = frozenset()
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}

    def word(self, text: str) -> int:
        """The number of *text* among the `words`; a new one when it was not among them."""
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self.words)
            self.words.append(text)
        return number

    def lost(self) -> set[int]:
        """Events whose order is committed and that nobody will ever publish."""
        return self._committed() - set(map(int, self.events.column("event"))) - self.unpublished

    def invented(self) -> set[int]:
        """Events that were published though there is no such order."""
        if self.source is None:
            return set()
        return set(map(int, self.events.column("event"))) - self._committed() - self.unpublished

    def _committed(self) -> set[int]:
        return set() if self.source is None else {int(entry.key.removeprefix("evt_")) for entry in self.source.ledger}

    def digest(self) -> str:
        """A fingerprint of every byte."""
        digest = hashlib.blake2b(super().digest().encode(), digest_size=16)
        digest.update(self.events.cells.tobytes())
        digest.update(repr((self.words, self.source.digest() if self.source is not None else None)).encode())
        return digest.hexdigest()


def frame_of(rows: Sequence[Any], of: type) -> pandas.DataFrame:
    """A list of marks or ledger entries as a DataFrame, with its columns even when it is empty."""
    import pandas

    names = [field.name for field in attrs.fields(of)]
    return pandas.DataFrame([attrs.astuple(row) for row in rows], columns=names)
