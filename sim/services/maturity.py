"""The same orders at the four levels of the Richardson maturity model, and a shopper for each.

| level | what it uses | an order is paid by |
|---|---|---|
| 0 | one URI, one verb: a remote procedure call over HTTP | POST /order-service {"operation": "pay", …} |
| 1 | a URI for each thing | POST /users/ada/orders/7 {"operation": "pay"} |
| 2 | verbs and status codes | PUT /users/ada/orders/7/payment |
| 3 | links | following the link "pay" of the order |

All four stand over the same service, so the outcome is the same.  What differs is what a cache, a retry and a monitor
can see, and what a client must know beforehand: `KNOWLEDGE`.  Levels 0 and 1 answer 200 to everything; the error is in
the body, where no proxy looks.  Source: L. Richardson, QCon 2008; M. Fowler, "Richardson Maturity Model", 2010.
"""

from __future__ import annotations

from random import Random
from typing import Any

import attrs

from sim.flow import CallFlow, HandlerFlow, Note, Reply, Send
from sim.http import Request, Response, json_body, json_response, read_json
from sim.knobs import knob
from sim.outcome import Outcome
from sim.policies.http.hypermedia import href_of, method_of
from sim.policies.http.problem import problem
from sim.services.answers import rewritten
from sim.services.orders import PLACES, TRANSITIONS, Orders
from sim.services.routes import Routes
from sim.store import Store

SERVICE = "/order-service"
"""The one URI of level 0."""

OPERATIONS = ("place", "look", "list", *PLACES)
"""What levels 0 and 1 write into the body, because the method is always POST."""


@attrs.frozen
class Knowledge:
    """What the programmer of a client must know before the first request; each entry is a way to break it later."""

    paths: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    @property
    def facts(self) -> int:
        """How many things that is."""
        return sum(map(len, attrs.astuple(self, recurse=False)))


_RULES = tuple(f"{rel} while {status}" for status, rel in TRANSITIONS)
_HOME, _ONE = "/users/{user}/orders", "/users/{user}/orders/{order}"

KNOWLEDGE = (
    Knowledge(paths=(SERVICE,), operations=OPERATIONS, rules=_RULES),
    Knowledge(paths=(_HOME, _ONE), operations=OPERATIONS, rules=_RULES),
    Knowledge(
        paths=(_HOME, _ONE, *(f"{_ONE}/{place}" for place in PLACES.values())),
        methods=("GET", "POST", "PUT"),
        rules=_RULES,
    ),
    Knowledge(paths=("/users/{user}",), methods=("GET", "POST", "PUT"), relations=("orders", "self", *PLACES)),
)
"""By level, counted for the tasks of this module.  Level 3 trades paths and rules for relations."""


class Leveled:
    """The orders API at *level* 0 to 3.  *collection*: what the orders are called in its paths, see `Orders`."""

    def __init__(self, store: Store, level: int, *, collection: str = "orders") -> None:
        if level not in (0, 1, 2, 3):
            raise ValueError(f"level must be 0 to 3, got {level!r}")
        self.level = level
        self.collection = collection
        self.orders = Orders(store, links=level == 3, collection=collection)
        home = f"/users/{{user}}/{collection}"
        self._routes = (
            Routes({f"POST {SERVICE}": self._zero}),
            Routes({f"POST {home}": self._one, f"POST {home}/{{order}}": self._one}),
        )

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve one request."""
        return self.orders(request, now) if self.level >= 2 else self._routes[self.level](request, now)

    def _zero(self, request: Request, now: float) -> HandlerFlow:
        return self._operate(request, now, None, None)

    def _one(self, request: Request, now: float, user: str, order: str = "") -> HandlerFlow:
        return self._operate(request, now, user, order)

    def _operate(self, request: Request, now: float, user: str | None, order: str | None) -> HandlerFlow:
        """Do what the body says; *user* and *order* come from the path, or from the body too."""
        try:
            wanted = read_json(request.body)
        except ValueError as error:
            yield Reply(_enveloped(problem(400, str(error))))
            return
        if not isinstance(wanted, dict) or wanted.get("operation") not in OPERATIONS:
            yield Reply(_enveloped(problem(400, f"operation must be one of {', '.join(OPERATIONS)}")))
            return
        user = wanted.get("user") if user is None else user
        order = wanted.get("order", "") if order is None else order
        if not _is_name(user) or not (order == "" or _is_name(order)):
            yield Reply(_enveloped(problem(400, "user and order must be names")))
            return
        inner = _request_of(wanted, f"/users/{user}/{self.collection}", order)
        yield from rewritten(self.orders(attrs.evolve(inner, key=request.key), now), _enveloped)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 64 and value.isascii() and value.replace("-", "").isalnum()


def _request_of(wanted: dict[str, Any], home: str, order: str) -> Request:
    """The request of level 2 that an operation means."""
    operation = wanted["operation"]
    if operation == "place":
        return Request("POST", home, body=json_body({"amount": wanted.get("amount")}))
    if operation == "list":
        return Request("GET", home)
    return (
        Request("GET", f"{home}/{order}")
        if operation == "look"
        else Request("PUT", f"{home}/{order}/{PLACES[operation]}")
    )


def _enveloped(response: Response) -> Response:
    """The answer as levels 0 and 1 give it: 200, and the truth in the body."""
    ok = response.status < 400
    return json_response({"ok": ok, "result" if ok else "error": response.json()})


@attrs.frozen(kw_only=True)
class Shopper:
    """A client of *level* 0 to 3 with one task: place an order, pay it, and look whether it is paid.

    It notes "task done", or "task failed" with the first answer that it could not use.  At level 3 it begins at the
    user, the only path that it knows.  *collection*: what levels 1 and 2 have been taught that orders are called.
    """

    level: int = knob(2, kind=int, low=0, high=3, help="maturity of the API that it was written for")
    collection: str = "orders"

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """One task for the user that *request* names in its path, /users/{user}; the outcome of its last request."""
        home, attempt, order = request.resource, 0, None
        steps = ("entry", "place", "pay", "look") if self.level == 3 else ("place", "pay", "look")
        outcome = Outcome.refused()
        for step in steps:
            wanted = self._wanted(step, home, order)
            if wanted is None:
                yield Note("task failed", f"no link to {step}")
                return outcome
            attempt += 1
            answer: tuple[float, Outcome] = yield Send(attempt, attrs.evolve(wanted, key=request.key))
            outcome = answer[1]
            order = _document(outcome)
            if order is None:
                yield Note("task failed", f"{step} was answered {outcome.status}")
                return outcome
        paid = order is not None and order.get("status") == "paid"
        yield Note("task done" if paid else "task failed", f"{attempt} requests")
        return outcome

    def _wanted(self, step: str, home: str, document: Any) -> Request | None:
        if self.level == 3:
            return _followed(step, home, document)
        identity = document["id"] if document else ""
        wanted = {"operation": step, "amount": 2_000, "user": home.rpartition("/")[2], "order": identity}
        if self.level == 0:
            return Request("POST", SERVICE, body=json_body(wanted))
        path = f"{home}/{self.collection}"
        if self.level == 1:
            return Request("POST", f"{path}/{identity}" if identity else path, body=json_body(wanted))
        return _request_of(wanted, path, identity)


_RELATIONS = {"place": ("orders", "POST"), "pay": ("pay", "PUT"), "look": ("self", "GET")}


def _followed(step: str, home: str, document: Any) -> Request | None:
    """The request that the links of *document* lead to; None when there is no such link."""
    if step == "entry":
        return Request("GET", home)
    rel, method = _RELATIONS[step]
    href = href_of(document, rel)
    if href is None:
        return None
    return Request(
        method_of(document, rel, method), href, body=json_body({"amount": 2_000}) if step == "place" else b""
    )


def _document(outcome: Outcome) -> dict[str, Any] | None:
    """The document that an answer brought, out of its envelope; None when it is no good answer."""
    document = outcome.document() if outcome.ok else None
    if document is not None and "ok" in document:
        document = document.get("result") if document["ok"] is True else None
    return document if isinstance(document, dict) and isinstance(document.get("id"), str) else None
