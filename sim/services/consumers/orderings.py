"""Ordering strategies: what a projector does with an event that may have been overtaken.

| strategy | status | total |
|---|---|---|
| `FromPayload(ArrivalOrder())` | wrong when a late event comes last | right |
| `FromPayload(NewerTimestamp())` | wrong when two changes share a second | loses deltas |
| `FromPayload(HigherSequence())` | right | loses deltas |
| `FromPayload(NextSequence())` | right once the gap is closed | right once the gap is closed |
| `Refetch()` | wrong when two handlers read and write crosswise | the same |
| `GuardedRefetch()` | right | right |

Read from a replica that lags, `Refetch` is wrong nearly always, and `GuardedRefetch` right later.

None of them dedupes by event id; put an inbox before those that add up.
"""

from __future__ import annotations

from typing import Any, Protocol

import attrs

from sim.flow import Effect, HandlerFlow, Note, Reply, Step, Work
from sim.http import Request
from sim.knobs import knob
from sim.policies.http.problem import problem
from sim.policies.webhooks.ordering import Change, Dropped, HigherSequence, OrderingRule, Projection, Refused
from sim.services.consumers.reading import RECEIVED, Event
from sim.store import Store

PAYMENTS = "payments"
PROJECTED = "projected"
"""Kind of the note of every write to a copy; its text is the payment, the sequence and the total, as written."""

_AGAIN = 1.0
"""Seconds after which a sender is asked to come again."""


class Readable(Protocol):
    """What a re-fetch reads: a store, or a copy of one."""

    def get(self, table: str, key: str) -> Any:
        """A copy of the document under *key*, or None."""
        ...


class OrderingStrategy(Protocol):
    """How a projector takes in a change."""

    def receive(self, store: Store, source: Readable, request: Request, event: Event, now: float) -> HandlerFlow:
        """The flow that takes in *event* and answers *request*; *source*: what a GET at the sender would read."""
        ...


@attrs.frozen
class FromPayload:
    """Believe what the event says, as far as *rule* admits; the write is conditional on what was read before."""

    rule: OrderingRule

    def receive(self, store: Store, source: Readable, request: Request, event: Event, now: float) -> HandlerFlow:
        """Read the projection, decide, write it if nobody else has; once more if somebody has."""
        payment, change = event.data["id"], _change(event)
        while True:
            present = store.get(PAYMENTS, payment)
            yield Step("read the projection")
            ruling = self.rule.apply(Projection.of(present), change)
            if isinstance(ruling, Refused):
                yield Reply(problem(503, ruling.reason, retry_after=_AGAIN))
                return
            if isinstance(ruling, Dropped):
                yield Note("dropped", f"{payment}: {ruling.reason}")
                break
            written = store.replace(PAYMENTS, payment, present, ruling.projection.document())
            if written:
                yield Effect(event.id)
                yield _projected(payment, ruling.projection)
                if ruling.missing:
                    yield Note("gap", f"{payment}: {ruling.missing} missing before {change.sequence}")
            yield Step("write the projection")
            if written:
                break
        yield Reply(RECEIVED)


@attrs.frozen
class Refetch:
    """The guide's best practice: the event is a nudge; get the latest state from the source, and write it.

    "Always consistent", says the guide.  But two handlers may read in one order and write in the other.
    """

    def receive(self, store: Store, source: Readable, request: Request, event: Event, now: float) -> HandlerFlow:
        """Fetch, then write, whatever is there."""
        payment = event.data["id"]
        yield Work()  # the way to the source
        fetched = source.get(PAYMENTS, payment)
        yield Step("fetch from the source")
        if fetched is None:
            yield Note("dropped", f"{payment}: the source does not know it")
        else:
            yield Work()  # the way back, and to the database
            store.put(PAYMENTS, payment, fetched)
            yield Effect(event.id)
            yield _projected(payment, Projection.of(fetched))
            yield Step("write the projection")
        yield Reply(RECEIVED)


@attrs.frozen(kw_only=True)
class GuardedRefetch:
    """Fetch from the source, and write only over an older version: compare-and-set on the version.

    When the source answers with less than the event itself has seen, it is a copy that lags behind, and no guard at
    the writing end can know better: the sender is asked to come again.  *asks_again*: False leaves that out, and has
    the guard alone.
    """

    asks_again: bool = knob(True, kind=bool, help="ask the sender again when the source is behind its event")

    def receive(self, store: Store, source: Readable, request: Request, event: Event, now: float) -> HandlerFlow:
        """Fetch; read the projection; write if it is older and still the same."""
        payment = event.data["id"]
        yield Work()  # the way to the source
        fetched = source.get(PAYMENTS, payment)
        yield Step("fetch from the source")
        latest = Projection.of(fetched)
        if self.asks_again and latest.sequence < (event.sequence or 0):
            detail = f"the source is at {latest.sequence}, the event at {event.sequence}"
            yield Reply(problem(503, detail, retry_after=_AGAIN))
            return
        yield Work()  # the way back, and to the database
        guard = HigherSequence()
        while True:
            present = store.get(PAYMENTS, payment)
            yield Step("read the projection")
            ruling = guard.apply(Projection.of(present), _state(latest))
            if isinstance(ruling, Dropped):
                yield Note("dropped", f"{payment}: {ruling.reason}")
                break
            written = store.replace(PAYMENTS, payment, present, fetched)
            if written:
                yield Effect(event.id)
                yield _projected(payment, latest)
            yield Step("write the projection")
            if written:
                break
        yield Reply(RECEIVED)


def _projected(payment: str, projection: Projection) -> Note:
    return Note(PROJECTED, f"{payment} {projection.sequence} {projection.total}")


def _change(event: Event) -> Change:
    assert event.sequence is not None, "checked when it was read"
    return Change(
        sequence=event.sequence, at=event.created, status=event.data["status"], delta=event.data.get("delta", 0)
    )


def _state(latest: Projection) -> Change:
    return Change(sequence=latest.sequence, at=latest.at or 0.0, status=latest.status)
