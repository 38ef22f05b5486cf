"""Publishing: an order is committed, and its event must get into the topic.  Two systems, and no transaction over both.

| design | the process dies in between | the order is rolled back |
|---|---|---|
| `EnqueueAfterCommit` | the event is lost | right |
| `EnqueueBeforeCommit` | an event of an order that never was | the same |
| `Outbox` | published later, at least once | right |

The outbox is a row in the same transaction as the order; a relay publishes what it finds there and then deletes it.
When the relay dies between the two, the event is published again: whoever receives must know ids.

An order that is repeated is recognised by its key and answered as before, and nothing is published for it: a client's
retry does not bring a lost event back.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar, Protocol, TypeAlias

import attrs

from sim.flow import Effect, HandlerFlow, Reply, Step
from sim.http import Request, Response, json_response, read_json
from sim.policies.http.problem import problem
from sim.services.routes import Routes
from sim.store import Store, Transaction, transaction

ORDERS, OUTBOX = "orders", "outbox"
WRITE, STAGE, COMMIT, ENQUEUE = "write the order", "write the outbox", "commit", "enqueue"
READ, PUBLISH, DELETE, RELAYED = "read the outbox", "publish", "delete from the outbox", "commit the deletion"


class Topic(Protocol):
    """Where events go: a queue or a log on another machine."""

    def publish(self, event: str) -> None:
        """Take *event* in.  It does not know whether it has it already."""
        ...


@attrs.frozen
class EnqueueAfterCommit:
    """Commit, then publish: when the process dies in between, nobody knows that there was something to publish."""

    flaw: ClassVar[str | None] = "crash between commit and enqueue"

    def order(self, store: Store, topic: Topic, request: Request, rolls_back: bool) -> HandlerFlow:
        """Begin, write, commit, publish, 201."""
        tx = yield from _write(store, request)
        if tx is None:
            return
        if rolls_back:
            tx.rollback()
            yield Reply(_ROLLED_BACK)
            return
        tx.commit()
        yield Effect(request.key)
        yield Step(COMMIT)
        topic.publish(request.key)
        yield Step(ENQUEUE)
        yield Reply(_ORDERED)


@attrs.frozen
class EnqueueBeforeCommit:
    """Publish inside the transaction: the topic is not part of it, so a rollback does not bring the event back."""

    flaw: ClassVar[str | None] = "enqueued before the commit"

    def order(self, store: Store, topic: Topic, request: Request, rolls_back: bool) -> HandlerFlow:
        """Begin, write, publish, commit, 201."""
        tx = yield from _write(store, request)
        if tx is None:
            return
        topic.publish(request.key)
        yield Step(ENQUEUE)
        if rolls_back:
            tx.rollback()
            yield Reply(_ROLLED_BACK)
            return
        tx.commit()
        yield Effect(request.key)
        yield Step(COMMIT)
        yield Reply(_ORDERED)


@attrs.frozen
class Outbox:
    """The event is a row beside the order, in one transaction: there are both or neither.  The relay does the rest."""

    flaw: ClassVar[str | None] = None

    def order(self, store: Store, topic: Topic, request: Request, rolls_back: bool) -> HandlerFlow:
        """Begin, write the order, write the outbox, commit, 201."""
        tx = yield from _write(store, request)
        if tx is None:
            return
        tx.insert(OUTBOX, request.key, {})
        yield Step(STAGE)
        if rolls_back:
            tx.rollback()
            yield Reply(_ROLLED_BACK)
            return
        tx.commit()
        yield Effect(request.key)
        yield Step(COMMIT)
        yield Reply(_ORDERED)


def _write(store: Store, request: Request) -> Generator[Step | Reply, float, Transaction | None]:
    """A transaction with the order in it; None when the order was placed before, and then that is answered."""
    tx = yield from transaction(store, request)
    is_new = tx.insert(ORDERS, request.key, {})
    yield Step(WRITE)
    if is_new:
        return tx
    tx.rollback()
    yield Reply(_ORDERED)
    return None


PublishingDesign: TypeAlias = EnqueueAfterCommit | EnqueueBeforeCommit | Outbox

_ORDERED = json_response({"ordered": True}, 201)
_ROLLED_BACK = problem(409, "the order could not be placed, and nothing of it is kept")


class Publisher:
    """The application: `POST /orders` places the order that the request's key names, `POST /relay` empties the outbox.

    An order whose body says `{"rollback": true}` is rolled back.  The relay is for the application's own scheduler.
    """

    def __init__(self, store: Store, topic: Topic, design: PublishingDesign) -> None:
        self.store = store
        self.topic = topic
        self.design = design
        self._routes = Routes({"POST /orders": self._order, "POST /relay": self._relay})

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve *request*."""
        return self._routes(request, now)

    def died(self, request: Request) -> None:
        """The process that served *request* is dead: what it had not committed is undone."""
        self.store.died(request)

    def _order(self, request: Request, now: float) -> HandlerFlow:
        try:
            document: Any = read_json(request.body) if request.body else {}
        except ValueError as error:
            yield Reply(problem(400, str(error)))
            return
        if not request.key or not isinstance(document, dict):
            yield Reply(problem(422, "an order must have a key and a body that is an object"))
            return
        yield from self.design.order(self.store, self.topic, request, document.get("rollback") is True)

    def _relay(self, request: Request, now: float) -> HandlerFlow:
        rows = self.store.rows(OUTBOX)
        yield Step(READ)
        for event, _ in rows:
            self.topic.publish(event)
            yield Step(PUBLISH)
            tx = yield from transaction(self.store, request)
            tx.delete(OUTBOX, event)
            yield Step(DELETE)
            tx.commit()
            yield Step(RELAYED)
        yield Reply(Response(204))
