"""How long the explorer takes: two requests of eight points, three of six, with and without what they remember."""

from __future__ import annotations

import time
from typing import Any

from sim.flow import HandlerFlow, Reply, Step
from sim.http import Request, Response
from sim.interleave import Ending, explore
from sim.services.payments import CheckThenAct, OneTransaction
from sim.store import MemoryStore

HEADERS = {"Authorization": "Bearer ada", "Idempotency-Key": "pay-1"}


class Points:
    """A handler of *points* points that reads a shared counter at each; *remembers*: keeps every number it read."""

    def __init__(self, points: int, *, remembers: bool) -> None:
        self.store, self.points, self.remembers = MemoryStore(), points, remembers

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Count up, and answer."""
        read = []
        for _ in range(self.points - 1):
            total = self.store.add("numbers", "it")
            if self.remembers:
                read.append(total)
            yield Step("add one")
        yield Reply(Response(200))


def _fine(ending: Ending) -> None:
    return None


def explorer() -> None:
    """Print schedules, states and CPU seconds for the sizes that the course promises."""
    for requests, points in ((2, 8), (3, 6)):
        for remembers in (False, True):
            name = "every read remembered, the worst case" if remembers else "only the counter shared"
            _measure(f"{requests} requests of {points} points, {name}", points, requests, remembers)
    payment = Request("POST", "/payments", "pay-1", HEADERS, b'{"amount":2000,"currency":"INR"}')
    for design in (CheckThenAct, OneTransaction):
        for requests, crashes in ((2, 1), (3, 0), (3, 1)):
            start = time.process_time()
            found: Any = explore(
                lambda design=design: design(MemoryStore()), [payment] * requests, _fine, crashes=crashes
            )
            _report(f"payments, {design.__name__}, {requests} requests, {crashes} crashes", found, start)


def _measure(name: str, points: int, requests: int, remembers: bool) -> None:
    start = time.process_time()
    found = explore(lambda: Points(points, remembers=remembers), [Request()] * requests, _fine)
    _report(name, found, start)


def _report(name: str, found: Any, start: float) -> None:
    seconds = time.process_time() - start
    whole = "" if found.complete else ", not complete"
    print(f"{name}: {found.schedules:,} schedules in {found.states:,} states, {seconds:.2f} s of CPU time{whole}")
