"""Adaptive throttling: the formula of the SRE book, its window, and its steady state."""

from random import Random

import pytest

from sim.outcome import Outcome
from sim.policies import AdaptiveThrottle


class Steady(Random):
    """A source of chance that always says the same."""

    def __init__(self, u):
        super().__init__(0)
        self.u = u

    def random(self):
        return self.u


def after(requests, accepts, multiplier=2.0):
    """A throttle that has seen so many requests, so many of them accepted."""
    throttle = AdaptiveThrottle(multiplier=multiplier)
    for number in range(requests):
        throttle.admit(0.0, Steady(0.999999))
        if number < accepts:
            throttle.record(0, Outcome.answered(200), 0.0, Random(0))
    return throttle


@pytest.mark.parametrize(
    ("requests", "accepts", "multiplier", "refusal"),
    [
        (0, 0, 2.0, 0.0),
        (10, 10, 2.0, 0.0),
        (10, 5, 2.0, 0.0),
        (10, 4, 2.0, 2 / 11),
        (10, 0, 2.0, 10 / 11),
        (99, 30, 2.0, 39 / 100),
        (99, 60, 1.5, 9 / 100),
        (99, 30, 1.0, 69 / 100),
    ],
)
def test_the_refusal_is_the_formula(requests, accepts, multiplier, refusal):
    """It refuses exactly when the draw is under (requests - K * accepts) / (requests + 1)."""
    if refusal > 0:
        assert after(requests, accepts, multiplier).admit(1.0, Steady(refusal - 1e-9)) is None
    assert after(requests, accepts, multiplier).admit(1.0, Steady(refusal + 1e-9)) == 0


@pytest.mark.parametrize(
    ("outcome", "accepted"),
    [
        (Outcome.answered(200), True),
        (Outcome.answered(404), True),
        (Outcome.answered(429), False),
        (Outcome.answered(500), False),
        (Outcome.answered(503), False),
        (Outcome.refused(), False),
        (Outcome.timed_out(), False),
    ],
)
def test_what_counts_as_accepted(outcome, accepted):
    """Any answer but an overload or a server's failure is an accept."""
    throttle = after(1, 0)
    throttle.record(0, outcome, 0.0, Random(0))
    assert (throttle.admit(0.0, Steady(0.4)) is not None) is accepted


def test_the_window_slides():
    """Requests that are as old as the window are forgotten; until then they count."""
    throttle = AdaptiveThrottle(window=10.0)
    for _ in range(9):
        throttle.admit(0.0, Steady(0.999999))
    assert throttle.admit(9.5, Steady(0.5)) is None
    assert throttle.admit(19.5, Steady(0.0)) == 0


def test_refused_requests_count():
    """What was refused locally is a request too, so that refusing goes on while callers go on asking."""
    throttle = after(1, 0)
    assert throttle.admit(0.0, Steady(0.4)) is None
    assert throttle.admit(0.0, Steady(0.6)) is None
    assert throttle.admit(0.0, Steady(0.76)) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("offered", "capacity", "multiplier", "published"),
    [(100, 30, 2.0, 60.0), (100, 30, 1.1, 33.0), (100, 0, 2.0, 0.0), (50, 30, 2.0, 50.0), (100, 60, 1.5, 90.0)],
)
def test_the_steady_state_is_the_smaller_of_load_and_k_times_capacity(offered, capacity, multiplier, published):
    """B.5: sent = min(offered, K * capacity), per second, once the window is full."""
    throttle, rng, sent = AdaptiveThrottle(multiplier=multiplier), Random(5), 0
    for second in range(360):
        free = capacity
        for number in range(offered):
            now = second + number / offered
            if throttle.admit(now, rng) is None:
                continue
            sent += second >= 240
            outcome = Outcome.answered(200) if free > 0 else Outcome.answered(503)
            free -= 1
            throttle.record(0, outcome, now, rng)
    assert sent / 120 == pytest.approx(published, abs=1.5)


def test_it_may_be_asked_again_at_once():
    """A refusal is a draw, not a time: `retry_after` is 0."""
    assert after(10, 0).retry_after(0.0) == 0.0
