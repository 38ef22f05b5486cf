"""A consumer that keeps a copy of the sender's payments, from webhooks that may overtake one another."""

from __future__ import annotations

from typing import Any

from sim.flow import HandlerFlow, Note, Reply, Step
from sim.http import Request, Response, json_response, read_json
from sim.policies.http.problem import FieldError, problem
from sim.policies.webhooks.ordering import Change, Projection
from sim.policies.webhooks.signing import Scheme
from sim.services.consumers.orderings import PAYMENTS, OrderingStrategy, Readable
from sim.services.consumers.reading import Event, is_name, is_whole, receive
from sim.services.consumers.replica import Replica
from sim.services.routes import Routes
from sim.store import Store

ADVANCED = "advanced"
"""Kind of the note of every change at the source; its text is the payment, the sequence and the total."""

STATUSES = ("created", "authorised", "captured", "refunded")
"""What a payment goes through; further changes of it leave it refunded."""


class Projector:
    """The service, with the sender's side for company.

    `POST /webhooks` takes an event about a payment.  `GET /payments/{payment}` shows the copy.  The sender's own:
    `POST /source/{payment}/advance` moves a payment on, by a status and by a `delta` that is added to its total, and
    answers with the event that tells of it; `GET /source/{payment}` shows the truth.

    *store*: the consumer's.  *source*: the sender's.  *replica*: what a re-fetch reads; None is the source itself.  A
    `Replica` is told of every change and of the time; whatever else has a `get` is read as it is.
    """

    def __init__(
        self,
        store: Store,
        source: Store,
        strategy: OrderingStrategy,
        *,
        replica: Readable | None = None,
        scheme: Scheme | None = None,
    ) -> None:
        self.store = store
        self.source = source
        self.strategy = strategy
        self.scheme = scheme
        self._replica: Readable = source if replica is None else replica
        self._routes = Routes(
            {
                "POST /webhooks": self._webhook,
                "GET /payments/{payment}": self._copy,
                "GET /source/{payment}": self._truth,
                "POST /source/{payment}/advance": self._advance,
            }
        )

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve *request*."""
        return self._routes(request, now)

    def died(self, request: Request) -> None:
        """The process that served *request* is dead: what it had not committed is undone."""
        self.store.died(request)
        self.source.died(request)

    def _webhook(self, request: Request, now: float) -> HandlerFlow:
        event = receive(request, now, self.scheme, _check)
        if isinstance(event, Response):
            yield Reply(event)
            return
        flow = self.strategy.receive(self.store, self._replica, request, event, now)
        yield from self._replica.reading(flow, now) if isinstance(self._replica, Replica) else flow

    def _copy(self, request: Request, now: float, payment: str) -> HandlerFlow:
        return _show(self.store, payment)

    def _truth(self, request: Request, now: float, payment: str) -> HandlerFlow:
        return _show(self.source, payment)

    def _advance(self, request: Request, now: float, payment: str) -> HandlerFlow:
        delta = _delta(request.body)
        if isinstance(delta, Response):
            yield Reply(delta)
            return
        if not is_name(payment):
            yield Reply(problem(404, "a payment has a name of 1 to 255 visible ASCII characters"))
            return
        while True:
            present = self.source.get(PAYMENTS, payment)
            now = yield Step("read the source")
            before = Projection.of(present)
            number = before.sequence + 1
            status = STATUSES[min(number, len(STATUSES)) - 1]
            change = Change(sequence=number, at=float(now // 1), status=status, delta=delta)
            after = before.after(change)
            written = self.source.replace(PAYMENTS, payment, present, after.document())
            if written:
                if isinstance(self._replica, Replica):
                    self._replica.committed(PAYMENTS, payment, now)
                yield Note(ADVANCED, f"{payment} {number} {after.total}")
            yield Step("write the source")
            if written:
                break
        data = {"id": payment, "status": change.status, "delta": delta}
        yield Reply(json_response({
            "id": f"evt_{payment}_{number}", "type": f"payment.{status}", "created": change.at, "sequence": number,
            "data": {"object": data},
        }))  # fmt: skip


def _show(store: Store, payment: str) -> HandlerFlow:
    document = store.get(PAYMENTS, payment)
    yield Step("read the payment")
    if document is None:
        yield Reply(problem(404, "there is no such payment"))
        return
    shown = {"id": payment, **{name: document[name] for name in ("sequence", "at", "status", "total")}}
    yield Reply(json_response(shown))


def _check(event: Event) -> list[FieldError]:
    errors = []
    if event.sequence is None:
        errors.append(FieldError("/sequence", "must be there: this consumer keeps things in order"))
    errors += [
        FieldError(f"/data/object/{name}", "must be a text of 1 to 255 visible ASCII characters")
        for name in ("id", "status")
        if not is_name(event.data.get(name))
    ]
    if not is_whole(event.data.get("delta", 0), low=-(10**12)):
        errors.append(FieldError("/data/object/delta", "must be a whole number"))
    return errors


def _delta(body: bytes) -> int | Response:
    """The member `delta` of a JSON body, 1 when there is no body; or the answer that refuses it."""
    if not body:
        return 1
    try:
        document: Any = read_json(body)
    except ValueError as error:
        return problem(413 if "at most" in str(error) else 400, str(error))
    delta = document.get("delta", 1) if isinstance(document, dict) else None
    if not is_whole(delta, low=-(10**12)):
        return problem(422, "the change cannot be understood", errors=[FieldError("/delta", "must be a whole number")])
    assert isinstance(delta, int)
    return delta
