"""A consumer of payment events: each one adds an amount to an account, and must do so once."""

from __future__ import annotations

from sim.flow import HandlerFlow, Reply, Step
from sim.http import Request, Response, json_response
from sim.policies.http.problem import FieldError, problem
from sim.policies.webhooks.signing import Scheme
from sim.services.consumers.inboxes import BALANCES, Inbox
from sim.services.consumers.reading import Event, is_name, is_whole, receive
from sim.services.routes import Routes
from sim.store import Store


class Consumer:
    """The service: `POST /webhooks` takes an event, `GET /accounts/{account}` shows the balance.

    `POST /worker` is the background job, for the consumer's own scheduler; a gateway lets nobody else reach it.

    *inbox*: how an event is handled once.  *scheme*: who is believed; None is everybody.
    """

    def __init__(self, store: Store, inbox: Inbox, *, scheme: Scheme | None = None) -> None:
        self.store = store
        self.inbox = inbox
        self.scheme = scheme
        self._routes = Routes(
            {
                "POST /webhooks": self._webhook,
                "POST /worker": self._work,
                "GET /accounts/{account}": self._account,
            }
        )

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve *request*."""
        return self._routes(request, now)

    def died(self, request: Request) -> None:
        """The process that served *request* is dead: what it had not committed is undone."""
        self.store.died(request)

    def _webhook(self, request: Request, now: float) -> HandlerFlow:
        event = receive(request, now, self.scheme, _check)
        if isinstance(event, Response):
            yield Reply(event)
            return
        yield from self.inbox.receive(self.store, request, event, now)

    def _work(self, request: Request, now: float) -> HandlerFlow:
        yield from self.inbox.work(self.store, request, now)
        yield Reply(Response(204))

    def _account(self, request: Request, now: float, account: str) -> HandlerFlow:
        balance = self.store.get(BALANCES, account)
        yield Step("read the balance")
        if balance is None:
            yield Reply(problem(404, "nothing was ever booked on this account"))
            return
        yield Reply(json_response({"account": account, "balance": balance}))


def _check(event: Event) -> list[FieldError]:
    errors = []
    if not is_name(event.data.get("account")):
        errors.append(FieldError("/data/object/account", "must be a text of 1 to 255 visible ASCII characters"))
    if not is_whole(event.data.get("amount"), low=1):
        errors.append(FieldError("/data/object/amount", "must be a whole number, at least 1"))
    return errors
