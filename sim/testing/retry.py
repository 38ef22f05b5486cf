"""What the model may expect of a retry rule."""

from __future__ import annotations

import random
from random import Random
from typing import Any

from sim.outcome import Outcome
from sim.testing.asking import ask, same, seconds
from sim.testing.report import FindingError, Report
from sim.testing.suite import ATTEMPTS, Make, run_suite

_FAILED = (
    Outcome.timed_out(),
    Outcome.refused(),
    Outcome.answered(500),
    Outcome.answered(503, 2.0),
    Outcome.answered(429, 0.0),
    Outcome.answered(404),
    Outcome.breaker_open(1.0),
)


def check_retry(retry: Any) -> Report:
    """Check `wait(attempt, outcome, elapsed, previous, rng)`: None or a finite wait, and a call that ends.

    >>> from sim.policies import Retry
    >>> check_retry(Retry.immediate(attempts=None))
    1. after 10,001 attempts at one instant it neither waited nor gave up; such a call never ends.
    """
    methods = {"wait": ("attempt", "outcome", "elapsed", "previous", "rng")}
    return run_suite(retry, methods, (_retries_are_waits, _retries_repeat, _call_ends))


def _retries_are_waits(make: Make) -> None:
    for seed, outcome in enumerate(_FAILED):
        retry, rng = make(), Random(seed)
        elapsed = previous = 0.0
        for attempt in range(1, ATTEMPTS + 1):
            arguments = (attempt, outcome, elapsed, previous, rng)
            answer = ask(retry, "wait", *arguments)
            if answer is None:
                break
            previous = seconds("a wait", answer, "wait", *arguments)
            elapsed += previous + 1.0


def _retries_repeat(make: Make) -> None:
    before = random.getstate()
    for outcome in _FAILED:
        retry = make()
        for attempt in (1, 2, 5):
            arguments = (attempt, outcome, 1.0, 0.5)
            one = ask(retry, "wait", *arguments, Random(attempt))
            random.setstate(before)
            two = ask(retry, "wait", *arguments, Random(attempt))
            same("wait", (*arguments, Random(attempt)), one, two)


def _call_ends(make: Make) -> None:
    # An open breaker answers at once, so that only the retry rule can let time pass.  10,000 is the largest limit
    # that `Retry` itself accepts.
    retry, rng, attempts = make(), Random(0), 10_001
    for attempt in range(1, attempts + 1):
        answer = ask(retry, "wait", attempt, Outcome.breaker_open(), 0.0, 0.0, rng)
        if answer is None or seconds("a wait", answer, "wait", attempt, Outcome.breaker_open(), 0.0, 0.0, rng) > 0.0:
            return
    raise FindingError(
        f"after {attempts:,} attempts at one instant it neither waited nor gave up; such a call never ends"
    )
