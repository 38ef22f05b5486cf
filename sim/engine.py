"""The engine: SimPy's event loop, one slim event, and a switch that stops a run.  Nothing else imports SimPy.

The order of events at one instant: edges of faults first, then everything else in the order in which it was put
on the heap.  A `Send` that follows a wait is carried out within that wait's event; a `Send` that follows an
answer at the same instant goes over the heap, so a call that is rejected at once never recurses.
"""

from __future__ import annotations

import gc
import math
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
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
        """Run until nothing is left to happen before the instant *end*.

        Raises: `Stopped` where this thread's `StopSwitch` says so; such an engine cannot go on.
        """
        switch = _SWITCH.get() or StopSwitch()
        with rare_garbage_collection, switch.over(self):
            self.run(until=end)


class Stopped(BaseException):
    """Raised in work that was stopped; no `Exception`, so that nothing in a world or in a policy catches it."""


class StopSwitch:
    """Stops, from any thread, what runs under it: the run that goes on at its next event, later ones as they begin.

    >>> switch = StopSwitch()
    >>> switch.stop()
    >>> with switch.applied():
    ...     Engine().run_until(1.0)
    Traceback (most recent call last):
    ...
    sim.engine.Stopped
    """

    def __init__(self) -> None:
        self._stopped = False
        self._engine: Engine | None = None

    def stop(self) -> None:
        """Stop now.  It returns at once; code that gives the engine no turn goes on until it does."""
        self._stopped = True
        engine = self._engine
        if engine is not None:
            # One push on the heap, which the interpreter does in one step; before every event, whatever the clock says.
            engine.schedule(Timer([_stop]), FIRST, -math.inf)

    @contextmanager
    def applied(self) -> Generator[None]:
        """What this thread does inside the `with` is under the switch."""
        token = _SWITCH.set(self)
        try:
            yield
        finally:
            _SWITCH.reset(token)

    @contextmanager
    def over(self, engine: Engine) -> Generator[None]:
        """While *engine* runs.  It is known before the switch is looked at, so that no stop falls between the two."""
        outer, self._engine = self._engine, engine
        try:
            self.look()
            yield
        finally:
            self._engine = outer

    def look(self) -> None:
        """Raise `Stopped` where that has been asked for."""
        if self._stopped:
            raise Stopped


_SWITCH: ContextVar[StopSwitch | None] = ContextVar("switch", default=None)


def look_at_switch() -> None:
    """For long work between two runs: raise `Stopped` where this thread's switch says so."""
    switch = _SWITCH.get()
    if switch is not None:
        switch.look()


def _stop(_: Timer) -> None:
    raise Stopped


class _RareGarbage:
    """Who is within it, over all threads: the first sets the collector's thresholds, the last puts them back."""

    def __init__(self) -> None:
        self._lock, self._within, self._usual = threading.Lock(), 0, gc.get_threshold()

    def __enter__(self) -> None:
        with self._lock:
            self._within += 1
            if self._within == 1:
                self._usual = gc.get_threshold()
                gc.set_threshold(200_000, 50, 100)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._within -= 1
            if self._within == 0:
                gc.set_threshold(*self._usual)


rare_garbage_collection = _RareGarbage()
"""For what makes many small objects that die by reference count; the cycle collector only walks over them."""
