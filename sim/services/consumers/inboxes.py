"""Inboxes: ways to handle an event once, and what a crash or a twin makes of each.

| inbox | a crash in the middle | two deliveries at once |
|---|---|---|
| `NoInbox` | the event is repeated | twice |
| `CheckThenRecord` | the event is lost | a 500, or twice without a unique constraint |
| `RecordFirst` | the event is lost | once |
| `ProcessFirst` | the event is repeated | twice |
| `AcknowledgeFirst` | the event is lost | once |
| `OneTransaction` | redelivered, once | once |
| `DurableInbox` | drained later, once | once |

Handling a new event may take time (*takes_time*), one `Work` before its effect, and a sender without patience comes
again meanwhile.  The work is never inside a transaction, which would hold up everybody else.

The effect is a row in the same database: that is what makes "together" possible.  An effect elsewhere (a mail, a
charge at a bank) cannot be in the transaction; it needs an idempotency key of its own, derived from the event's id.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Protocol

import attrs

from sim.flow import Effect, HandlerFlow, Reply, Step, Work
from sim.http import Request
from sim.knobs import knob
from sim.policies.http.problem import problem
from sim.policies.webhooks.retention import Retention
from sim.services.consumers.reading import RECEIVED, Event
from sim.store import Store, Tables, transaction

IDS, QUEUE, BALANCES = "inbox", "queue", "balances"
RECORD, APPLY, COMMIT = "record the id", "apply the effect", "commit"


class Inbox(Protocol):
    """How a consumer handles an event that it has read."""

    def receive(self, store: Store, request: Request, event: Event, now: float) -> HandlerFlow:
        """The flow that handles *event* and answers *request*."""
        ...

    def work(self, store: Store, request: Request, now: float) -> HandlerFlow:
        """The flow of the background job that the consumer's own scheduler starts from time to time."""
        ...


def _takes_time() -> Any:
    return knob(False, kind=bool, help="handling a new event is a piece of work", kw_only=True)


@attrs.frozen
class _Inbox:
    """*retention*: how long an id is known; see `sim.policies.webhooks.retention`.  *takes_time*: with a `Work`."""

    retention: Retention = attrs.field(factory=Retention)
    takes_time: bool = _takes_time()

    def work(self, store: Store, request: Request, now: float) -> HandlerFlow:
        """Nothing is left for later."""
        yield from ()


@attrs.frozen
class NoInbox:
    """Process every delivery: right for effects that may be repeated, wrong for money."""

    takes_time: bool = _takes_time()

    def receive(self, store: Store, request: Request, event: Event, now: float) -> HandlerFlow:
        """Process, 200."""
        if self.takes_time:
            yield Work()
        _apply(store, event.data)
        yield Effect(event.id)
        yield Step(APPLY)
        yield Reply(RECEIVED)

    def work(self, store: Store, request: Request, now: float) -> HandlerFlow:
        """Nothing is left for later."""
        yield from ()


@attrs.frozen(kw_only=True)
class CheckThenRecord:
    """The guide's listing as it stands: ask whether the id exists, save it, process.

    *unique*: the table has a unique constraint.  Without it, two deliveries both find nothing and both process.  With
    it, the second `save` throws, and an exception that nobody catches is a 500, not the 200 of the text.
    """

    unique: bool = knob(True, kind=bool, help="the table has a unique constraint on the id")
    takes_time: bool = _takes_time()

    def receive(self, store: Store, request: Request, event: Event, now: float) -> HandlerFlow:
        """Exists, save, process, 200."""
        exists = store.get(IDS, event.id) is not None
        yield Step("look for the id")
        if not exists:
            saved = store.insert(IDS, event.id, {"at": now}) or not self.unique
            yield Step(RECORD)
            if not saved:
                yield Reply(problem(500, "something went wrong"))
                return
            if self.takes_time:
                yield Work()
            _apply(store, event.data)
            yield Effect(event.id)
            yield Step(APPLY)
        yield Reply(RECEIVED)

    def work(self, store: Store, request: Request, now: float) -> HandlerFlow:
        """Nothing is left for later."""
        yield from ()


@attrs.frozen
class RecordFirst(_Inbox):
    """Record the id, then process: a crash in between makes the redelivery a "duplicate", and the event is lost."""

    def receive(self, store: Store, request: Request, event: Event, now: float) -> HandlerFlow:
        """Insert the id under a unique constraint; process what is new; 200 for both."""
        if (yield from _remember(store, event, now, self.retention)):
            if self.takes_time:
                yield Work()
            _apply(store, event.data)
            yield Effect(event.id)
            yield Step(APPLY)
        yield Reply(RECEIVED)


@attrs.frozen
class ProcessFirst(_Inbox):
    """Process, then record the id: a crash in between, or a twin, and the event is processed again."""

    def receive(self, store: Store, request: Request, event: Event, now: float) -> HandlerFlow:
        """Look for the id, process, record it, 200."""
        exists = _known(store, event, now, self.retention)
        yield Step("look for the id")
        if not exists:
            if self.takes_time:
                yield Work()
            _apply(store, event.data)
            yield Effect(event.id)
            yield Step(APPLY)
            store.put(IDS, event.id, {"at": now})
            yield Step(RECORD)
        yield Reply(RECEIVED)


@attrs.frozen
class AcknowledgeFirst(_Inbox):
    """Say 200 and work on in memory: a crash after the answer loses the event, and nobody will send it again."""

    def receive(self, store: Store, request: Request, event: Event, now: float) -> HandlerFlow:
        """200, then record the id and process what is new."""
        yield Reply(RECEIVED)
        if (yield from _remember(store, event, now, self.retention)):
            if self.takes_time:
                yield Work()
            _apply(store, event.data)
            yield Effect(event.id)
            yield Step(APPLY)


@attrs.frozen
class OneTransaction(_Inbox):
    """The id and the effect in one transaction, then 200: after a crash there are both or neither."""

    def receive(self, store: Store, request: Request, event: Event, now: float) -> HandlerFlow:
        """Begin, record, process, commit, 200."""
        if self.takes_time:
            exists = _known(store, event, now, self.retention)
            now = yield Step("look for the id")
            if not exists:  # or not yet: the transaction has the last word
                now = yield Work()
        tx = yield from transaction(store, request)
        new = yield from _remember(tx, event, now, self.retention)
        if new:
            _apply(tx, event.data)
            yield Step(APPLY)
        tx.commit()
        if new:
            yield Effect(event.id)  # now it is durable, and not before
        yield Step(COMMIT)
        yield Reply(RECEIVED)

    def work(self, store: Store, request: Request, now: float) -> HandlerFlow:
        """Drop the ids that have expired."""
        return _sweep(store, request, now, self.retention)


@attrs.frozen
class DurableInbox(_Inbox):
    """Put the event into a table, say 200, and process from the table: quick to answer, and nothing is lost.

    The id and the queued event are one transaction, and so are the event's way off the queue and its effect.  What a
    crash leaves in the queue is drained by whoever comes next: another delivery or the background job.
    """

    def receive(self, store: Store, request: Request, event: Event, now: float) -> HandlerFlow:
        """Begin, record, queue, commit, 200; then drain."""
        tx = yield from transaction(store, request)
        new = yield from _remember(tx, event, now, self.retention)
        if new:
            tx.put(QUEUE, event.id, {"account": event.data["account"], "amount": event.data["amount"]})
            yield Step("queue the event")
        tx.commit()
        yield Step(COMMIT)
        yield Reply(RECEIVED)
        if new and self.takes_time:
            # Left out: somebody else who takes the event off the queue meanwhile finds this done.
            yield Work()
        yield from self._drain(store, request)

    def work(self, store: Store, request: Request, now: float) -> HandlerFlow:
        """Drop the ids that have expired, then drain the queue."""
        yield from _sweep(store, request, now, self.retention)
        yield from self._drain(store, request)

    def _drain(self, store: Store, request: Request) -> HandlerFlow:
        while True:
            pending = store.rows(QUEUE)
            yield Step("look into the queue")
            if not pending:
                return
            tx = store.begin(request)
            if tx is None:
                # Whoever has the lock looks into the queue after this; waiting for it would make a crowd at the lock.
                yield Step("leave it to the one at work")
                return
            yield Step("begin a transaction")
            key, booking = pending[0]
            taken = tx.delete(QUEUE, key)  # False when somebody else was faster
            yield Step("take it off the queue")
            if taken:
                _apply(tx, booking)
                yield Step(APPLY)
            tx.commit()
            if taken:
                yield Effect(key)
            yield Step(COMMIT)


SWEEP_LIMIT = 1_000
"""Ids dropped in one run of the background job at most, so that its transaction stays short."""


def _known(tables: Tables, event: Event, now: float, retention: Retention) -> bool:
    row = tables.get(IDS, event.id)
    return row is not None and not retention.expired(recorded=row["at"], now=now)


def _remember(tables: Tables, event: Event, now: float, retention: Retention) -> Generator[Step, float, bool]:
    """True when the id is new, or was known so long ago that it has expired; then it is recorded."""
    row = {"at": now}
    inserted = tables.insert(IDS, event.id, row)
    yield Step(RECORD)
    if inserted or retention.seconds is None:
        return inserted
    present = tables.get(IDS, event.id)
    yield Step("look at the id")
    if present is not None and not retention.expired(recorded=present["at"], now=now):
        return False
    # Expired, or swept away just now: of several that see this, one may have it.
    replaced = tables.replace(IDS, event.id, present, row)
    yield Step(RECORD)
    return replaced


def _apply(tables: Tables, booking: Mapping[str, Any]) -> None:
    """The business effect: the amount is added to the account's balance, which a repetition would add again."""
    tables.add(BALANCES, booking["account"], booking["amount"])


def _sweep(store: Store, request: Request, now: float, retention: Retention) -> HandlerFlow:
    if retention.seconds is None:
        return
    tx = yield from transaction(store, request)
    rows = tx.rows(IDS)
    yield Step("look for expired ids")
    for key in [key for key, row in rows if retention.expired(recorded=row["at"], now=now)][:SWEEP_LIMIT]:
        tx.delete(IDS, key)
        yield Step("drop an expired id")
    tx.commit()
    yield Step(COMMIT)
