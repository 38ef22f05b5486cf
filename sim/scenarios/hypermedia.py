"""Hypermedia: what links save a client from knowing, and what they do not save a server from checking."""

from __future__ import annotations

import math
from random import Random
from typing import Annotated, Any

import attrs

from sim.flow import CallFlow, HandlerFlow, Note, Send, Wait
from sim.http import Request
from sim.knobs import Knob, knob
from sim.laws import Constant
from sim.outcome import Outcome
from sim.policies.http.hypermedia import href_of
from sim.scenario import Clients, Network, Scenario, Server, story
from sim.services.maturity import Leveled, Shopper
from sim.services.orders import TABLE, Orders, OrderStatus
from sim.store import MemoryStore
from sim.workload import AllAtOnce, Poisson


@attrs.frozen(kw_only=True)
class Visitor:
    """Somebody who pays an order, or somebody else who cancels it, as their request says.

    A buyer comes after a while, looks at the order, thinks, and pays.  *links*: only if the page offered it, else
    whatever the page said, as a client does that has the URL in its code.  *fresh*: look again right before paying.
    A seller looks and, if the page offers it, cancels at once.  *recheck*: not the visitor's: whether the server looks
    at the state again.
    """

    links: bool = knob(True, kind=bool, help="pays only when the link is there")
    fresh: bool = knob(False, kind=bool, help="looks again right before it pays")
    recheck: bool = knob(True, kind=bool, help="the server checks the state of the order again")

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """One visit."""
        yield Wait(float(request.header("Comes-After") or 0.0))
        seller = request.header("Role") == "seller"
        thinks = float(request.header("Thinks-For") or 0.0)
        attempt, rel = 0, "cancel" if seller else "pay"
        for wait in (thinks, 0.0) if self.fresh and not seller else (thinks,):
            attempt += 1
            answer: tuple[float, Outcome] = yield Send(attempt, Request("GET", request.path, request.key))
            page = answer[1]
            offered = href_of(page.document(), rel)
            if offered is None and (self.links or seller):
                if not seller:
                    yield Note("not offered")
                return page
            yield Wait(wait)
        answer = yield Send(attempt + 1, Request("PUT", offered or f"{request.path}/payment", request.key))
        if not seller:
            yield Note("refused" if answer[1].status == 409 else "paid")
        return answer[1]


@story
def stale_links(
    *,
    orders: Annotated[int, Knob(low=1, high=200_000, unit="orders", help="each has a buyer and a seller")] = 4_000,
    change_every: Annotated[
        float, Knob(above=0, high=86_400, unit="s", help="mean time until the seller cancels an order")
    ] = 600.0,
    opened_after: Annotated[
        float, Knob(low=0, high=86_400, unit="s", help="mean time until the buyer opens the page")
    ] = 300.0,
    age: Annotated[float, Knob(low=0, high=86_400, unit="s", help="mean time from reading the page to paying")] = 60.0,
) -> Scenario:
    """A link was true when the page was written; how often is it stale when it is clicked, and what then?

    Links keep buyers from what is already impossible.  What becomes impossible while they think is refused: a share
    of μτ / (1 + μτ) of the clicks, with a change every 1/μ and pages τ old.  Looking again costs a request and leaves
    almost nothing.  Only the server's second look makes it safe: without it an order is paid and cancelled.
    """
    return Scenario(
        arrivals=AllAtOnce(clients=2 * orders),
        clients=Clients(timeout=math.inf),
        server=Server(workers=math.inf, service=Constant(0.001)),
        horizon=1.0,
        drain=1e9,
        policies=("hard-coded", "links", "fresh-links", "links-unchecked"),
        contestants={
            "hard-coded": Visitor(links=False),
            "links": Visitor(),
            "fresh-links": Visitor(fresh=True),
            "links-unchecked": Visitor(recheck=False),
        },
        seat=lambda world, visitor: _open(world, visitor, orders),
        request=lambda call, client, u: _visit(call, u, change_every, opened_after, age),
        figures={
            "refused": lambda trace: _noted(trace, "refused"),
            "clicks": lambda trace: _noted(trace, "refused") + _noted(trace, "paid"),
            "stale share": _stale_share,
            "not offered": lambda trace: _noted(trace, "not offered"),
            "paid and cancelled": _both,
        },
        columns=("attempts", "refused", "clicks", "stale share", "not offered", "paid and cancelled"),
    )


def _visit(call: int, u: float, change_every: float, opened_after: float, age: float) -> Request:
    path = f"/users/ada/orders/{call // 2}"
    if call % 2:
        waits = {"Role": "seller", "Comes-After": repr(-change_every * math.log1p(-u))}
    else:
        # Two independent numbers out of one: its first 26 bits, and the rest.
        first, second = divmod(u * 2**26, 1.0)
        comes, thinks = (-mean * math.log1p(-v) for mean, v in ((opened_after, first / 2**26), (age, second)))
        waits = {"Role": "buyer", "Comes-After": repr(comes), "Thinks-For": repr(thinks)}
    return Request("GET", path, str(call), headers=waits)


def _open(world: Scenario, visitor: Any, orders: int) -> Scenario:
    """The orders, all of them pending, and visitors of one kind."""

    def make() -> Orders:
        store = MemoryStore()
        for number in range(orders):
            order = {"id": str(number), "user": "ada", "amount": 2_000, "status": OrderStatus.PENDING}
            store.insert(TABLE, f"ada/{number}", order)
        return Orders(store, recheck=getattr(visitor, "recheck", True))

    return attrs.evolve(world, server=attrs.evolve(world.server, make_handler=make), client=visitor)


def _noted(trace: Any, kind: str) -> float:
    return float(sum(mark.kind == kind for mark in trace.marks))


def _stale_share(trace: Any) -> float:
    """Refused clicks among all clicks; NaN when there was none."""
    refused, paid = _noted(trace, "refused"), _noted(trace, "paid")
    return refused / (refused + paid) if refused + paid else math.nan


def _both(trace: Any) -> float:
    done = {entry.key for entry in trace.ledger}
    return float(sum(f"{key.rpartition(' ')[0]} cancelled" in done for key in done if key.endswith(" paid")))


@story
def chatty_client(
    *,
    rate: Annotated[float, Knob(above=0, high=10_000, unit="tasks/s", help="orders that are placed and paid")] = 20.0,
    renamed_at: Annotated[
        float, Knob(low=0, infinite=True, unit="s", help="when /orders becomes /purchases; inf is never")
    ] = 60.0,
    delay: Annotated[float, Knob(low=0, high=60, unit="s", help="one way between client and server")] = 0.05,
    horizon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="when new tasks stop")] = 90.0,
) -> Scenario:
    """One task at the four levels of maturity: place an order, pay it, look; then the server renames its paths.

    Links cost a request more a task, for the way in.  When the paths change, the clients of levels 1 and 2 fail, and
    those of level 3 are led to the new ones, but for the few in the middle of a task; level 0 has no paths to change.
    Left out: a client that keeps the way in, and needs the fourth request only once.
    """
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=math.inf, pool=50),
        network=Network(request_delay=Constant(delay), reply_delay=Constant(delay)),
        server=Server(workers=math.inf, service=Constant(0.005)),
        horizon=horizon,
        policies=("level-0", "level-1", "level-2", "level-3"),
        contestants={f"level-{level}": level for level in range(4)},
        seat=lambda world, level: _at_level(world, level, renamed_at),
        request=lambda call, client, u: Request("GET", f"/users/user-{client}", str(call)),
        figures={
            "tasks done": lambda trace: _noted(trace, "task done"),
            "tasks failed": lambda trace: _noted(trace, "task failed"),
            "requests per task": _requests_per_task,
        },
        columns=("calls", "tasks done", "tasks failed", "requests per task", "p50"),
    )


def _at_level(world: Scenario, level: Any, renamed_at: float) -> Scenario:
    """A server of this *level*, and clients who were written for it before the paths were renamed."""

    def make() -> Any:
        store = MemoryStore()
        before, after = Leveled(store, level), Leveled(store, level, collection="purchases")

        def handle(request: Request, now: float) -> HandlerFlow:
            return (before if now < renamed_at else after)(request, now)

        return handle

    return attrs.evolve(world, server=attrs.evolve(world.server, make_handler=make), client=Shopper(level=level))


def _requests_per_task(trace: Any) -> float:
    """Requests that a task took when it could be done; NaN when none could."""
    counts = [int(mark.note.split()[0]) for mark in trace.marks if mark.kind == "task done"]
    return sum(counts) / len(counts) if counts else math.nan
