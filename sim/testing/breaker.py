"""What the model may expect of a circuit breaker or an adaptive throttle."""

from __future__ import annotations

import random
from collections.abc import Iterator
from random import Random
from typing import Any

from sim.outcome import Outcome
from sim.testing.asking import ask, is_number, seconds
from sim.testing.report import FindingError, Report
from sim.testing.suite import Make, run_suite

FAILURES = 10_000
"""Failures in a row, 10 ms apart, after which every breaker has to refuse something."""

ASKED_AT_ONCE = 1_000
"""Attempts that ask to be admitted at one instant."""


def check_breaker(breaker: Any, *, probes: int = 10) -> Report:
    """Check `admit(now, rng)`, `record(permit, outcome, now, rng)` and `retry_after(now)`.

    It lets the first attempt through, refuses when everything fails, asks again later with a few probes, and
    reading it changes nothing.  A breaker that refuses *everything* while open must also ignore answers to
    attempts from before; one that refuses a share (an adaptive throttle) may count them.

    *probes*: most attempts at one instant once the open time is over; the breaker's own finite `probes` goes
    first.

    >>> from sim.policies import CircuitBreaker
    >>> check_breaker(CircuitBreaker(probes=float("inf")))
    1. when its open time was over it admitted 11 attempts at one instant; half-open lets at most 10 probes through.
    """
    methods = {
        "admit": ("now", "rng"),
        "record": ("permit", "outcome", "now", "rng"),
        "retry_after": ("now",),
    }
    rules = (
        _first_is_admitted,
        _breaker_opens,
        _breaker_asks_again,
        lambda make: _half_open_limits(make, probes),
        _late_successes_are_ignored,
        _late_failures_are_ignored,
        _reading_changes_nothing,
    )
    return run_suite(breaker, methods, rules)


def _first_is_admitted(make: Make) -> None:
    if ask(make(), "admit", 0.0, Random(0)) is None:
        raise FindingError("admit(0.0, rng) refused the first attempt of all; it must begin closed")


def _breaker_opens(make: Make) -> None:
    _opened(make, Random(0))


def _opened(make: Make, rng: Random) -> tuple[Any, list[Any], float]:
    """A breaker at the instant of its first refusal, with permits of earlier attempts that are still out."""
    breaker, late = make(), []
    # The first five attempts stay without an answer: theirs will come late.
    for _ in range(5):
        permit = ask(breaker, "admit", 0.0, rng)
        if permit is not None:
            late.append(permit)
    for number in range(1, FAILURES + 1):
        now = number / 100
        _read(breaker, now)
        permit = ask(breaker, "admit", now, rng)
        if permit is None:
            _read(breaker, now)
            return breaker, late, now
        ask(breaker, "record", permit, Outcome.timed_out(), now, rng)
    raise FindingError(f"it admitted {FAILURES:,} attempts in a row though every one timed out; it never opens")


def _read(breaker: Any, now: float) -> float:
    return seconds("a time to ask again", ask(breaker, "retry_after", now), "retry_after", now)


def _cooled(breaker: Any, now: float, rng: Random) -> tuple[Any, float]:
    """The first permit after the open time, and when it was given: asked ever less often, for 40 days."""
    step = 0.1
    while step < 6e5:
        now += step
        permit = ask(breaker, "admit", now, rng)
        if permit is not None:
            return permit, now
        step *= 1.2
    raise FindingError("once open it refused every attempt for 40 days; it must ask whether the server is back")


def _breaker_asks_again(make: Make) -> None:
    rng = Random(0)
    breaker, _, now = _opened(make, rng)
    _, now = _cooled(breaker, now, rng)
    _read(breaker, now)


def _half_open_limits(make: Make, limit: int) -> None:
    rng = Random(0)
    breaker, _, now = _opened(make, rng)
    own = getattr(breaker, "probes", None)
    if is_number(own) and 1 <= own < float("inf"):
        limit = int(own)
    _, now = _cooled(breaker, now, rng)
    admitted = 1
    for _ in range(ASKED_AT_ONCE):
        admitted += ask(breaker, "admit", now, rng) is not None
        if admitted > limit:
            raise FindingError(
                f"when its open time was over it admitted {admitted:,} attempts at one instant; "
                f"half-open lets at most {limit:,} probe{'s' * (limit > 1)} through"
            )


def _circuit(make: Make, rng: Random) -> tuple[Any, list[Any], float] | None:
    """As `_opened`, or None when it refuses only a share of the attempts and so is no circuit."""
    breaker, late, now = _opened(make, rng)
    if any(ask(breaker, "admit", now, rng) is not None for _ in range(ASKED_AT_ONCE)):
        return None
    return breaker, late, now


def _late_successes_are_ignored(make: Make) -> None:
    circuit = _circuit(make, Random(0))
    if circuit is None:
        return
    breaker, late, now = circuit
    for permit in late:
        ask(breaker, "record", permit, Outcome.answered(200), now, Random(0))
    if ask(breaker, "admit", now, Random(0)) is not None:
        raise FindingError("while open it took the late answer to an attempt from before as a reason to close")
    if _probes(make, late=True) > _probes(make, late=False):
        raise FindingError(
            "in half-open it took late answers to attempts from before it opened for its probes' answers"
        )


def _probes(make: Make, *, late: bool) -> int:
    """Attempts admitted at one instant in half-open, after the first probe and perhaps late answers."""
    rng = Random(0)
    breaker, permits, now = _opened(make, rng)
    _, now = _cooled(breaker, now, rng)
    for permit in permits if late else ():
        ask(breaker, "record", permit, Outcome.answered(200), now, rng)
    return sum(ask(breaker, "admit", now, rng) is not None for _ in range(ASKED_AT_ONCE))


def _late_failures_are_ignored(make: Make) -> None:
    rng = Random(0)
    circuit = _circuit(make, rng)
    if circuit is None:
        return
    breaker, late, now = circuit
    probe, now = _cooled(breaker, now, rng)
    for permit in late:
        ask(breaker, "record", permit, Outcome.timed_out(), now, rng)
    ask(breaker, "record", probe, Outcome.answered(200), now, rng)
    if ask(breaker, "admit", now, rng) is None:
        raise FindingError(
            "its probe was ok and yet it refused the next attempt; in half-open only the probes' answers count"
        )


def _reading_changes_nothing(make: Make) -> None:
    """Two copies live the same life, one of them with many readings in between."""

    def life(readings: int) -> Iterator[tuple[float, Any]]:
        breaker, rng = make(), Random(1)
        for number in range(600):
            now = number * 0.1 if number < 300 else 30.0 + (number - 300)
            for _ in range(readings):
                _read(breaker, now)
            permit = ask(breaker, "admit", now, rng)
            yield now, permit is not None
            if permit is not None:
                outcome = Outcome.timed_out() if number < 300 else Outcome.answered(200)
                ask(breaker, "record", permit, outcome, now, rng)

    before = random.getstate()
    alone = list(life(0))
    random.setstate(before)
    if list(life(0)) != alone:
        raise FindingError(
            "two copies with the same rng and the same answers decided differently; only now and rng may count"
        )
    random.setstate(before)
    if list(life(3)) != alone:
        raise FindingError("reading retry_after(now) changed what admit decided later; reading must change nothing")
