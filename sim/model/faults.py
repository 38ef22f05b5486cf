"""Faults as data, put into effect: every fault has two edges, and each edge leaves a mark in the trace."""

from __future__ import annotations

from collections.abc import Callable

from sim.engine import FIRST, Engine, Timer
from sim.http import Response
from sim.model.client import Attempt
from sim.model.network import Wire
from sim.model.server import Service
from sim.scenario import BadRelease, BrownOut, Crash, Fault, Outage, Partition, StepCrash
from sim.streams import Streams
from sim.trace import Mark, Trace


def arrange(fault: Fault, engine: Engine, trace: Trace, service: Service, wire: Wire, *, where: str = "") -> None:
    """Put both edges of *fault* on the heap.  A `StepCrash` has no instant of its own: see `lie_in_wait`.

    *where*: whose fault it is, in a world with several servers.
    """
    if isinstance(fault, StepCrash):
        return
    begin, end = _edges(fault, service, wire)
    name = _named(_NAMES[type(fault)], where)

    def at(instant: float, act: Callable[[], None], note: str) -> None:
        def edge(timer: Timer) -> None:
            trace.marks.append(Mark(engine.now, "fault", name, note))
            act()

        engine.schedule(Timer([edge]), FIRST, instant)

    at(fault.start, begin, "begins")
    at(fault.start + fault.length, end, "ends")


def lie_in_wait(
    faults: tuple[Fault, ...], engine: Engine, trace: Trace, service: Service, streams: Streams, *, where: str = ""
) -> None:
    """Let the crashes among *faults* that strike at a step of the service wait for it."""
    waiting = [
        (fault, streams.keyed(f"crash at {fault.step}, {number}"))
        for number, fault in enumerate(faults)
        if isinstance(fault, StepCrash)
    ]
    if not waiting:
        return

    def strikes(attempt: Attempt, step: str) -> bool:
        for fault, draw in waiting:
            if fault.step == step and draw(attempt.call.number, attempt.number, attempt.copy) < fault.share:
                _strike(fault, engine, trace, service, _named("crash", where))
                return True
        return False

    service.strikes = strikes


def _strike(fault: StepCrash, engine: Engine, trace: Trace, service: Service, name: str) -> None:
    def restart(timer: Timer) -> None:
        trace.marks.append(Mark(engine.now, "fault", name, "ends"))
        _unreachable(service, -1)

    trace.marks.append(Mark(engine.now, "fault", name, "begins"))
    engine.schedule(Timer([restart]), FIRST, fault.length)
    _crash(service)


_NAMES = {
    Outage: "outage", BrownOut: "brown-out", Crash: "crash", Partition: "partition", BadRelease: "bad release",
}  # fmt: skip


def _named(name: str, where: str) -> str:
    return f"{where}: {name}" if where else name


def _edges(fault: Fault, service: Service, wire: Wire) -> tuple[Callable[[], None], Callable[[], None]]:
    if isinstance(fault, Partition):
        return lambda: _cut(fault, wire, 1), lambda: _cut(fault, wire, -1)
    if isinstance(fault, BrownOut):
        factor = fault.slowdown

        def slow(now: float) -> float:
            return factor

        return lambda: service.slowdowns.append(slow), lambda: service.slowdowns.remove(slow)
    if isinstance(fault, BadRelease):
        answer = Response(fault.status)
        return lambda: service.releases.append(answer), lambda: service.releases.remove(answer)
    if isinstance(fault, Crash):
        return lambda: _crash(service), lambda: _restart(fault, service)
    return lambda: _unreachable(service, 1), lambda: _unreachable(service, -1)


def _cut(fault: Partition, wire: Wire, change: int) -> None:
    wire.requests_cut += change * fault.requests
    wire.replies_cut += change * fault.replies


def _unreachable(service: Service, change: int) -> None:
    service.unreachable += change


def _crash(service: Service) -> None:
    service.crash()
    service.unreachable += 1


def _restart(fault: Crash, service: Service) -> None:
    service.unreachable -= 1
    if fault.cold_start > 0.0:
        back, warm = fault.start + fault.length, fault.start + fault.length + fault.cold_start

        def cold(now: float) -> float:
            left = max(0.0, (warm - now) / (warm - back))
            return 1.0 + (fault.cold_slowdown - 1.0) * left

        service.slowdowns.append(cold)
