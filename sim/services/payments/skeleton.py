"""What all designs of the payments API share: the routes, the checks, the charge, and the answers.

    POST /payments {"amount": 2000, "currency": "INR"}   201, or 400, 401, 409, 413, 422
    GET  /payments/{id}                                   200, or 401, 404

A design differs from another in one method: what it asks its store, and in which order.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator
from typing import Any

import attrs

from sim.flow import Effect, HandlerFlow, Reply, Step, Work
from sim.http import Request, Response, json_response
from sim.policies.http.problem import problem
from sim.policies.idempotency.key import KeyFormat
from sim.policies.idempotency.rules import Idempotency, Mismatch
from sim.services.payments.intent import Intent, caller_of, read_intent, unauthenticated
from sim.services.routes import Routes
from sim.store import Store, Tables


class Payments:
    """A payments API over *store*; its designs are the classes of this package.

    *seconds*: what the work behind a charge takes, None is one draw from the server's law.  *rules*: how long keys
    and claims are kept.  *keys*: which keys are accepted.
    """

    def __init__(
        self,
        store: Store,
        *,
        seconds: float | None = None,
        rules: Idempotency | None = None,
        keys: KeyFormat | None = None,
    ) -> None:
        self.store, self.seconds = store, seconds
        self.rules, self._keys = rules or Idempotency(), keys or KeyFormat()
        self._routes = Routes({"POST /payments": self._post, "GET /payments/{payment}": self._get})

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve one request."""
        return self._routes(request, now)

    def died(self, request: Request) -> None:
        """The process that served *request* is dead: its open transaction is rolled back."""
        self.store.died(request)

    def _pay(self, intent: Intent, now: float) -> HandlerFlow:
        raise AssertionError("a design says itself how it pays")

    def _post(self, request: Request, now: float) -> HandlerFlow:
        intent = self._read(request)
        if isinstance(intent, Response):
            yield Reply(intent)
        else:
            yield from self._pay(intent, now)

    def _read(self, request: Request) -> Intent | Response:
        return read_intent(request, self._keys)

    def _get(self, request: Request, now: float, payment: str) -> HandlerFlow:
        caller = caller_of(request)
        if caller is None:
            yield Reply(unauthenticated())
            return
        found = None
        if _ID.fullmatch(payment):  # nothing else has ever been given out
            found = self.store.get("payments", payment)
            yield Step("read the payment")
        # Somebody else's payment is answered as one that is not there, so that nobody can learn which ids exist.
        if found is None or found["caller"] != caller:
            yield Reply(problem(404, "there is no such payment"))
        else:
            yield Reply(json_response(found["payment"]))

    def _charge(self, intent: Intent) -> Generator[Work | Step | Effect, float, Response]:
        """Take the money, write the payment, and return the answer: 201.

        The charge counts itself in a row of its own, so that a second one shows.
        """
        yield Work(self.seconds)
        number = self.store.add("charges", intent.name)
        yield Effect(intent.name)
        yield Step("charge the card")
        payment = payment_of(intent, intent.name, number)
        write_payment(self.store, intent, payment)
        yield Step("write the payment")
        return created(payment)


_ID = re.compile(r"pay_[0-9a-f]{16}_[0-9]{1,9}")


def payment_of(intent: Intent, charge: str, number: int = 1) -> dict[str, Any]:
    """The payment's document; its id comes from the *charge*'s name, and *number* 2 is a double charge."""
    identity = f"pay_{hashlib.sha256(charge.encode()).hexdigest()[:16]}_{number}"
    return {"id": identity, "amount": intent.amount, "currency": intent.currency, "status": "charged"}


def write_payment(tables: Tables, intent: Intent, payment: dict[str, Any]) -> None:
    """Keep the payment with its owner, so that it can be read later, by that owner only."""
    tables.put("payments", payment["id"], {"caller": intent.caller, "payment": payment})


def created(payment: dict[str, Any], status: int = 201) -> Response:
    """The answer to a payment that was made."""
    return json_response(payment, status, {"Location": f"/payments/{payment['id']}"})


def replayed(response: Response) -> Response:
    """A stored answer, the same in status and body, and marked as what it is."""
    return attrs.evolve(response, headers={**response.headers, "Idempotent-Replayed": "true"})


def in_flight(retry_after: float) -> Response:
    """409: a twin is being served (the draft's §2.7)."""
    return problem(409, "a request with this Idempotency-Key is being worked on", retry_after=retry_after)


def mismatch(found: Mismatch) -> Response:
    """422: the key belongs to another request (the draft's §2.7)."""
    different = " and ".join(found.differs)
    return problem(422, f"this Idempotency-Key was used for another request: its {different} differs")
