"""Conservation laws: nothing is lost or invented without a name.  Checked at the end of every run.

The left side of each law is counted from the trace, the right side by the parts of the model as they worked, so
a slip in either shows.  A hand-written yardstick for the course's own herd counted late answers as successes: its
ok and its gave-up came to 10,060 of 10,000 clients.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Protocol

from sim.errors import ConservationError
from sim.model.client import Clients
from sim.model.gateway import Front
from sim.model.network import Wire
from sim.model.server import Service
from sim.trace import Trace


def check(trace: Trace, clients: Clients, wire: Wire, service: Service, front: Front | None) -> None:
    """Compare both sides of every law.  *front*: the gateway, None when there is none.

    Raises: `ConservationError`, naming the law and both sides.
    """
    calls = trace.calls
    ok = list(calls.column("ok"))
    law(
        "calls = ok + gave up + in flight",
        len(calls),
        ok.count(1.0) + ok.count(0.0) + clients.in_flight,
    )
    check_messages(trace, clients, [wire], [service], front)
    seen_ok, plain_ok = _successes(trace, clients.conversing)
    law("attempts that the client saw succeed = successes handed to flows", seen_ok, clients.successes)
    numbers = calls.column("call")
    law(
        "calls that are ok = attempts that the client saw succeed, where a call is one request",
        sum(fine == 1.0 for number, fine in zip(numbers, ok, strict=True) if number not in clients.conversing),
        plain_ok,
    )


class Sender(Protocol):
    """Whoever sends attempts and hears of them: the clients, or a delivery platform."""

    settled: int
    timed_out: int
    answers_ignored: int


def check_messages(
    trace: Trace, sender: Sender, wires: Sequence[Wire], services: Sequence[Service], front: Front | None = None,
    *, unsent: int = 0,
) -> None:  # fmt: skip
    """The laws of messages and work, over all *wires* and *services* together.

    *unsent*: attempts that the sender itself stopped before the wire.

    Raises: `ConservationError`, naming the law and both sides.
    """
    attempts = trace.attempts
    # What never went past the gateway: refused by its limiter or held back, answered from its cache or waiting there.
    at_front = front.turned_away + front.held + front.waiting + front.served if front is not None else 0
    own, absorbed = (front.own, front.absorbed) if front is not None else (0, 0)
    arrived, finished = _happened(attempts.column("arrived")), _happened(attempts.column("finished"))
    applied = _happened(attempts.column("applied"))
    law(
        "attempts = arrived + requests lost + requests on the wire",
        len(attempts) - unsent,
        arrived + sum(wire.requests_lost + wire.requests_flying for wire in wires),
    )
    law(
        "arrived = finished + rejected + refused + lost in a crash + queued + in service + at the gateway",
        arrived,
        sum(
            service.finished
            + service.rejected
            + service.refused
            + service.lost_in_crash
            + len(service.queue)
            + service.busy
            for service in services
        )
        + at_front,
    )
    law("finished in the trace = finished by the server", finished, sum(service.finished for service in services))
    law(
        "answers = seen + ignored by the client + lost + on the wire",
        sum(service.rejected + service.refused + service.replied for service in services) + own - absorbed,
        sender.settled
        - sender.timed_out
        + sender.answers_ignored
        + sum(wire.replies_lost + wire.replies_flying for wire in wires),
    )
    law(
        "entries in the ledger = effects of the service",
        len(trace.ledger),
        sum(service.effects for service in services),
    )
    entries = {(entry.key, entry.call, entry.attempt, entry.copy) for entry in trace.ledger}
    law("no attempt has its effect twice", len(entries), len(trace.ledger))
    law("attempts that were applied = attempts in the ledger", applied, len({entry[1:] for entry in entries}))


def _successes(trace: Trace, conversing: set[int]) -> tuple[int, int]:
    """Attempts with a status of 2xx, without the copies: all of them, and those of calls that are one request."""
    columns = (trace.attempts.column(name) for name in ("call", "copy", "status"))
    calls = [call for call, copy, status in zip(*columns, strict=True) if 200 <= status < 300 and not copy]
    return len(calls), sum(call not in conversing for call in calls)


def law(name: str, left: int, right: int) -> None:
    """Both sides of the law *name* must be equal.

    Raises: `ConservationError`.
    """
    if left != right:
        raise ConservationError(f"conservation law violated: {name}; {left:,} on the left, {right:,} on the right")


def _happened(column: Iterable[float]) -> int:
    return sum(1 for instant in column if not math.isnan(instant))
