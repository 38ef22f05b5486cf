"""Conservation laws: nothing is lost or invented without a name.  Checked at the end of every run.

The left side of each law is counted from the trace, the right side by the parts of the model as they worked, so
a slip in either shows.  A hand-written yardstick for the course's own herd counted late answers as successes: its
ok and its gave-up came to 10,060 of 10,000 clients.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from sim.errors import ConservationError
from sim.model.client import Clients
from sim.model.network import Wire
from sim.model.server import Service
from sim.trace import Trace


def check(trace: Trace, clients: Clients, wire: Wire, service: Service) -> None:
    """Compare both sides of every law.

    Raises: `ConservationError`, naming the law and both sides.
    """
    attempts, calls = trace.attempts, trace.calls
    ok = list(calls.column("ok"))
    arrived, finished = _happened(attempts.column("arrived")), _happened(attempts.column("finished"))
    applied = _happened(attempts.column("applied"))
    _law(
        "calls = ok + gave up + in flight",
        len(calls),
        ok.count(1.0) + ok.count(0.0) + clients.in_flight,
    )
    _law(
        "attempts = arrived + requests lost + requests on the wire",
        len(attempts),
        arrived + wire.requests_lost + wire.requests_flying,
    )
    _law(
        "arrived = finished + rejected + refused + lost in a crash + queued + in service",
        arrived,
        service.finished
        + service.rejected
        + service.refused
        + service.lost_in_crash
        + len(service.queue)
        + service.busy,
    )
    _law("finished in the trace = finished by the server", finished, service.finished)
    _law(
        "answers = seen + ignored by the client + lost + on the wire",
        service.rejected + service.refused + service.replied,
        clients.settled - clients.timed_out + clients.answers_ignored + wire.replies_lost + wire.replies_flying,
    )
    _law("entries in the ledger = effects of the service", len(trace.ledger), service.effects)
    _law("attempts that were applied = effects of the service", applied, service.effects)
    entries = {(entry.call, entry.attempt, entry.copy) for entry in trace.ledger}
    _law("no attempt has its effect twice", len(entries), len(trace.ledger))
    known_ok = sum(1 for status in attempts.column("status")[:] if 200 <= status < 300)
    copies = sum(
        1
        for copy, status in zip(attempts.column("copy"), attempts.column("status"), strict=True)
        if copy and 200 <= status < 300
    )
    _law("calls that are ok = attempts that the client saw succeed", ok.count(1.0), known_ok - copies)


def _law(name: str, left: int, right: int) -> None:
    if left != right:
        raise ConservationError(f"conservation law violated: {name}; {left:,} on the left, {right:,} on the right")


def _happened(column: Iterable[float]) -> int:
    return sum(1 for instant in column if not math.isnan(instant))
