"""Orders: a state machine that shows its transitions as links, nested under the users who own them.

    pending --pay--> paid --ship--> shipped
    pending --cancel--> cancelled

A link says what is possible now.  It does not make it so later: the order may change between the answer and the
click, so the server looks again and answers 409 with what is possible then.  And two clicks may come at once, so the
look and the write must be one step: `compare_and_set`.  `check_then_write` is kept to be broken: with it an order can
be paid *and* cancelled.

An action is a PUT of its result (the payment, the cancellation, the shipment) and not a POST to a verb: when the reply
is lost, sending it again answers 200 and does nothing twice.  Left out: who may do what, and whether a user exists.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from sim.flow import Effect, HandlerFlow, Reply, Step, Work
from sim.http import BODY_LIMIT, Request, Response, json_response, read_json
from sim.policies.http.hypermedia import Action, hal, hal_response
from sim.policies.http.problem import FieldError, problem
from sim.services.routes import Routes
from sim.store import Store

TABLE = "orders"
PAGE = 100
"""Orders on one page of a list, at most."""


class OrderStatus(enum.StrEnum):
    """What an order can be."""

    PENDING = "pending"
    PAID = "paid"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


TRANSITIONS: dict[tuple[OrderStatus, str], OrderStatus] = {
    (OrderStatus.PENDING, "pay"): OrderStatus.PAID,
    (OrderStatus.PENDING, "cancel"): OrderStatus.CANCELLED,
    (OrderStatus.PAID, "ship"): OrderStatus.SHIPPED,
}
"""Every transition there is, by the relation of its link."""

PLACES = {"pay": "payment", "cancel": "cancellation", "ship": "shipment"}
"""Under which name the result of an action stands below its order."""

Write: TypeAlias = Callable[[Store, str, Any, Any], bool]
"""Writes the new order in place of the one that was seen; False when that is not there any more."""


def compare_and_set(store: Store, key: str, seen: Any, wanted: Any) -> bool:
    """Write only over what was seen: of two actions at once, one wins and the other looks again."""
    return store.replace(TABLE, key, seen, wanted)


def check_then_write(store: Store, key: str, seen: Any, wanted: Any) -> bool:
    """Write, because the check was a moment ago.  Kept to be broken."""
    store.put(TABLE, key, wanted)
    return True


class Orders:
    """The orders API over a store.

    *links*: HAL with the links of the order's state; False is plain JSON.  *forms*: HAL-FORMS, where the document
    also says which method an action takes.  *write*: see `compare_and_set`.  *recheck*: False believes that nobody
    calls what is not offered, and looks at no state; kept to be broken.  *collection*: what the orders are called in
    the path; a client that follows links need not know.
    """

    def __init__(
        self,
        store: Store,
        *,
        links: bool = True,
        forms: bool = False,
        write: Write = compare_and_set,
        recheck: bool = True,
        collection: str = "orders",
    ) -> None:
        self.store = store
        self.links = links
        self.forms = forms
        self.write = write
        self.recheck = recheck
        self.collection = collection
        home = f"/users/{{user}}/{collection}"
        self._routes = Routes(
            {
                "GET /users/{user}": self._user,
                f"GET {home}": self._list,
                f"POST {home}": self._place,
                f"GET {home}/{{order}}": self._get,
                f"PUT {home}/{{order}}/{{place}}": self._act,
            }
        )

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve one request."""
        yield Work()
        yield from self._routes(request, now)

    def _user(self, request: Request, now: float, user: str) -> HandlerFlow:
        if not _NAME.fullmatch(user):
            yield Reply(_NO_USER)
            return
        actions = (Action("self", f"/users/{user}"), Action("orders", self._home(user)))
        yield Reply(self._answer({"id": user}, actions))

    def _list(self, request: Request, now: float, user: str) -> HandlerFlow:
        limit, after = request.query.get("limit", str(PAGE)), request.query.get("after", "0")
        if not _NAME.fullmatch(user):
            yield Reply(_NO_USER)
            return
        if not (_COUNT.fullmatch(limit) and _COUNT.fullmatch(after) and 1 <= int(limit) <= PAGE):
            yield Reply(problem(400, f"limit must be 1 to {PAGE}, and after the id of an order"))
            return
        rows = [order for key, order in self.store.rows(TABLE) if key.startswith(f"{user}/")]
        yield Step("read the orders")
        rest = sorted((order for order in rows if int(order["id"]) > int(after)), key=lambda order: int(order["id"]))
        page = rest[: int(limit)]
        home = self._home(user)
        here = f"{home}?limit={limit}&after={after}" if "?" in request.path else home
        actions = [Action("self", here), *(Action("item", f"{home}/{order['id']}") for order in page)]
        if len(rest) > len(page):
            actions.append(Action("next", f"{home}?limit={limit}&after={page[-1]['id']}"))
        yield Reply(self._answer({"orders": page}, tuple(actions)))

    def _place(self, request: Request, now: float, user: str) -> HandlerFlow:
        refusal = _NO_USER if not _NAME.fullmatch(user) else _wrong(request)
        if refusal is not None:
            yield Reply(refusal)
            return
        number = self.store.add("counters", TABLE)
        yield Step("take a number")
        order = {
            "id": str(number),
            "user": user,
            "amount": read_json(request.body)["amount"],
            "status": OrderStatus.PENDING,
        }
        self.store.insert(TABLE, f"{user}/{number}", order)
        yield Effect(f"order {number} placed")
        yield Step("insert the order")
        yield Reply(self._shown(order, 201, {"Location": f"{self._home(user)}/{number}"}))

    def _get(self, request: Request, now: float, user: str, order: str) -> HandlerFlow:
        found = self.store.get(TABLE, f"{user}/{order}")
        yield Step("read the order")
        yield Reply(_NO_ORDER if found is None else self._shown(found))

    def _act(self, request: Request, now: float, user: str, order: str, place: str) -> HandlerFlow:
        rel = next((rel for rel, name in PLACES.items() if name == place), None)
        refusal = problem(404, "there is nothing at this path") if rel is None else _unreadable(request)
        if rel is None or refusal is not None:
            yield Reply(refusal or _NO_ORDER)
            return
        key, target = f"{user}/{order}", _TARGETS[rel]
        while True:  # each turn but the last means that another request has moved the order on, and it cannot go back
            seen = self.store.get(TABLE, key)
            yield Step("read the order")
            if seen is None:
                yield Reply(_NO_ORDER)
                return
            if seen["status"] == target:
                yield Reply(self._shown(seen))  # it is done: a repeated PUT changes nothing
                return
            if self.recheck and (seen["status"], rel) not in TRANSITIONS:
                yield Reply(self._conflict(seen, rel))
                return
            wanted = {**seen, "status": target}
            if self.write(self.store, key, seen, wanted):
                yield Effect(f"order {order} {target}")
                yield Step("write the order")
                yield Reply(self._shown(wanted))
                return
            yield Step("another request was faster")

    def _home(self, user: str) -> str:
        return f"/users/{user}/{self.collection}"

    def _actions(self, order: Any) -> tuple[Action, ...]:
        here = f"{self._home(order['user'])}/{order['id']}"
        possible = [rel for status, rel in TRANSITIONS if status == order["status"]]
        return (
            Action("self", here),
            Action("orders", self._home(order["user"])),
            *(Action(rel, f"{here}/{PLACES[rel]}", method="PUT") for rel in possible),
        )

    def _shown(self, order: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        return self._answer(order, self._actions(order), status, headers)

    def _answer(
        self, document: Any, actions: tuple[Action, ...], status: int = 200, headers: dict[str, str] | None = None
    ) -> Response:
        if self.links:
            return hal_response(document, actions, status, headers, forms=self.forms)
        return json_response(document, status, headers)

    def _conflict(self, order: Any, rel: str) -> Response:
        detail = f"order {order['id']} is {order['status']}; it is too late, or too early, to {rel}"
        more = hal({}, self._actions(order), forms=self.forms) if self.links else {}
        return problem(409, detail, order=order, **more)


_TARGETS = {rel: target for (_, rel), target in TRANSITIONS.items()}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COUNT = re.compile(r"[0-9]{1,15}")
_NO_USER = problem(404, "there is no such user")
_NO_ORDER = problem(404, "this user has no such order")


def _unreadable(request: Request) -> Response | None:
    """The refusal of a body that is no JSON document; an action may have none."""
    if len(request.body) > BODY_LIMIT:
        return problem(413, f"the body must be at most {BODY_LIMIT:,} bytes")
    try:
        if request.body:
            read_json(request.body)
    except ValueError as error:
        return problem(400, str(error))
    return None


def _wrong(request: Request) -> Response | None:
    """The refusal of a new order, None when it is right."""
    if not request.body:
        return problem(400, "the body must be a JSON document, got no bytes")
    unreadable = _unreadable(request)
    if unreadable is not None:
        return unreadable
    wanted = read_json(request.body)
    if not isinstance(wanted, dict):
        return problem(422, errors=[FieldError("", "must be an object with an amount")])
    amount = wanted.get("amount")
    if isinstance(amount, bool) or not isinstance(amount, int) or not 1 <= amount <= 10**9:
        return problem(422, errors=[FieldError("/amount", "must be a whole number of cents, 1 to 1,000,000,000")])
    return None
