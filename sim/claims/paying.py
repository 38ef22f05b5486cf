"""One payment, its attempts, and every order of them: what the claims about idempotency keys share."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from sim.flow import Handler
from sim.http import Request, Response, json_body
from sim.interleave import explore
from sim.interleave.exploration import Ending, Exploration
from sim.policies.idempotency.rules import Idempotency
from sim.services.payments import Payments
from sim.services.repeated import ask
from sim.store import MemoryStore

BELIEVED, OVER = Idempotency(lease=math.inf), Idempotency(lease=0.0)
"""Time stands still in the explorer: a lease of 0 is over at once, and an endless one never is."""


def explored(
    design: type[Payments],
    count: int,
    rule: Callable[[Ending], str | None] | None = None,
    *,
    rules: Idempotency | None = None,
    crashes: int = 0,
    after: dict[int, int] | None = None,
) -> Exploration:
    """Every order of *count* attempts at one payment; no rule is: charged at most once."""
    make: Callable[[], Handler] = functools.partial(_over_memory, design, rules)
    return explore(make, [pay()] * count, rule or charged_once, crashes=crashes, after=after)


def told_and_charged_once(ending: Ending) -> str | None:
    """Charged once, and the retry is told so."""
    last = ending.replies[-1]
    if not ending.died[-1] and (last is None or last.status != 201):
        return f"the retry gets a {0 if last is None else last.status}"
    return charged_once(ending)


def charged_once(ending: Ending) -> str | None:
    """At most once."""
    return "charged twice" if len(ending.effects) > 1 else None


def pay(key: str | None = "k-1", *, caller: str = "ada", amount: int = 2_000) -> Request:
    """An attempt of *caller* to pay; None is: without a key."""
    headers = {"Authorization": f"Bearer {caller}"} | ({} if key is None else {"Idempotency-Key": f'"{key}"'})
    return Request("POST", "/payments", headers=headers, body=json_body({"amount": amount, "currency": "INR"}))


def answers_of(design: type[Payments], *requests: Request) -> list[Response]:
    """The answers of one service to requests that come one after the other."""
    service = design(MemoryStore())
    return [ask(service, request) for request in requests]


def _over_memory(design: type[Payments], rules: Idempotency | None) -> Payments:
    return design(MemoryStore(), rules=rules)
