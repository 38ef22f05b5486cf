"""The engine: SimPy's event loop, and one slim event.  Nothing else in the project imports SimPy.

The order of events at one instant: edges of faults first, then everything else in the order in which it was put
on the heap.  A `Send` that follows a wait is carried out within that wait's event; a `Send` that follows an
answer at the same instant goes over the heap, so a call that is rejected at once never recurses.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeAlias

import simpy

FIRST, NORMAL = simpy.events.URGENT, simpy.events.NORMAL
"""Priorities at one instant."""

Callbacks: TypeAlias = list[Callable[[Any], None]]


class Timer(simpy.Event):
    """A slim event with a *subject*: no value, and a list of callbacks that many timers may share.

    SimPy takes the list away when it runs the callbacks, so a timer that is used again is given its list again.
    """

    _ok = True
    _value = None

    def __init__(self, callbacks: Callbacks, subject: Any = None) -> None:  # no call of super:
        self.callbacks = callbacks  # its own fresh list and `env` would cost as much as the rest of the event
        self.subject = subject


class Engine(simpy.Environment):
    """SimPy's environment as it is: `now`, `timeout(seconds)`, `process(...)`, `schedule(timer, priority, delay)`."""

    def run_until(self, end: float) -> None:
        """Run until nothing is left to happen before the instant *end*."""
        with rare_garbage_collection():
            self.run(until=end)


@contextmanager
def rare_garbage_collection() -> Generator[None]:
    """For what makes many small objects that die by reference count; the cycle collector only walks over them."""
    thresholds = gc.get_threshold()
    gc.set_threshold(200_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
