"""What the model may expect of a backoff."""

from __future__ import annotations

import random
from random import Random
from typing import Any

from sim.testing.asking import ask, same, seconds
from sim.testing.report import FindingError, Report
from sim.testing.suite import ATTEMPTS, Make, run_suite


def check_backoff(backoff: Any) -> Report:
    """Check `delay(attempt, previous, rng)`: a finite wait for 200 attempts, decided by its arguments alone.

    >>> class Eager:
    ...     def delay(self, attempt, previous, rng):
    ...         return 1.0 - attempt
    >>> check_backoff(Eager())
    1. delay(2, 0.0, rng) returned -1.0; a delay must be a finite number of seconds, at least 0.
    """
    methods = {"delay": ("attempt", "previous", "rng")}
    return run_suite(backoff, methods, (_delays_are_waits, _delays_repeat, _delay_leaves_seed))


def _delays_are_waits(make: Make) -> None:
    for seed in range(5):
        backoff, rng = make(), Random(seed)
        previous = 0.0
        for attempt in range(1, ATTEMPTS + 1):
            first = _delay(backoff, attempt, 0.0, rng)
            # The wait before may have been a long one that the server asked for.
            previous = _delay(backoff, attempt, previous if attempt > 1 else 0.0, rng)
            _delay(backoff, attempt, max(first, 3_600.0), rng)


def _delay(backoff: Any, attempt: int, previous: float, rng: Random) -> float:
    return seconds("a delay", ask(backoff, "delay", attempt, previous, rng), "delay", attempt, previous, rng)


def _delays_repeat(make: Make) -> None:
    backoff = make()
    before = random.getstate()
    for attempt in (1, 2, 3, 10):
        arguments = (attempt, 0.5)
        one = ask(backoff, "delay", *arguments, Random(attempt))
        random.setstate(before)
        two = ask(backoff, "delay", *arguments, Random(attempt))
        same("delay", (*arguments, Random(attempt)), one, two)


def _delay_leaves_seed(make: Make) -> None:
    backoff, states = make(), []
    for seed in (1, 2):
        rng = Random(seed)
        ask(backoff, "delay", 1, 0.0, rng)
        states.append(rng.getstate())
    if states[0] == states[1]:
        raise FindingError(
            "delay(1, 0.0, rng) seeds rng anew; it may draw from rng, but all clients would then draw alike"
        )
