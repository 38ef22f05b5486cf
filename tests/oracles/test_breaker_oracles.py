"""ConsecutiveBreaker against pybreaker and circuitbreaker on a clock of our own: the same decisions, and the labels."""

import contextlib
import threading
from random import Random

import circuitbreaker
import pybreaker
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.outcome import Outcome
from sim.policies import CircuitBreaker, ConsecutiveBreaker
from sim.policies.client.breaker import State

RNG = Random(0)
INSTANT, DURATION = pybreaker.datetime, pybreaker.timedelta
OK, FAILED = Outcome.answered(200), Outcome.answered(500)
OPEN_TIME = 60.0
CALLS = st.lists(st.tuples(st.sampled_from([0.0, 1.0, 29.5, 59.75, 60.0, 61.0]), st.booleans()), max_size=80)
MODERATE = settings(max_examples=300)


class Clock:
    """Seconds that pass when a test says so, for both libraries."""

    def __init__(self):
        self.seconds = 0.0

    def monotonic(self):
        """What circuitbreaker reads."""
        return self.seconds

    def now(self, zone):
        """What pybreaker reads."""
        return INSTANT(2026, 1, 1, tzinfo=zone) + DURATION(seconds=self.seconds)


@pytest.fixture
def clock(monkeypatch):
    """A clock at 0 that both libraries read."""
    one = Clock()
    install(one, monkeypatch)
    return one


def install(clock, monkeypatch):
    """Let both libraries read *clock*."""
    monkeypatch.setattr(circuitbreaker, "monotonic", clock.monotonic)
    monkeypatch.setattr(pybreaker, "datetime", clock)


class BrokenError(Exception):
    """What the guarded call raises."""


def call(failing):
    """The guarded call."""
    if failing:
        raise BrokenError


def ours(breaker, now, failing):
    """Whether our breaker let the call through."""
    permit = breaker.admit(now, RNG)
    if permit is not None:
        breaker.record(permit, FAILED if failing else OK, now, RNG)
    return permit is not None


def by_pybreaker(breaker, failing):
    """Whether pybreaker let the call through."""
    ran = []
    with contextlib.suppress(pybreaker.CircuitBreakerError, BrokenError):
        breaker.call(lambda: (ran.append(1), call(failing)))
    return bool(ran)


def by_circuitbreaker(breaker, failing):
    """Whether circuitbreaker let the call through."""
    ran = []
    with contextlib.suppress(circuitbreaker.CircuitBreakerError, BrokenError):
        breaker.decorate(lambda: (ran.append(1), call(failing)))()
    return bool(ran)


@given(calls=CALLS, failures=st.integers(1, 6), to_close=st.integers(1, 3))
@MODERATE
def test_decisions_are_pybreakers(calls, failures, to_close):
    """One call after the other: the same are let through, and the same state follows; also with several probes."""
    clock, now = Clock(), 0.0
    with pytest.MonkeyPatch.context() as patch:
        install(clock, patch)
        mine = ConsecutiveBreaker(failures=failures, open_time=OPEN_TIME, successes_to_close=to_close)
        theirs = pybreaker.CircuitBreaker(fail_max=failures, reset_timeout=OPEN_TIME, success_threshold=to_close)
        for gap, failing in calls:
            now = clock.seconds = now + gap
            assert ours(mine, now, failing) == by_pybreaker(theirs, failing)
            assert mine.state.value == theirs.current_state


@given(calls=CALLS, failures=st.integers(1, 6))
@MODERATE
def test_decisions_are_circuitbreakers(calls, failures):
    """One call after the other: the same are let through, and the circuit is closed after the same calls."""
    clock, now = Clock(), 0.0
    with pytest.MonkeyPatch.context() as patch:
        install(clock, patch)
        mine = ConsecutiveBreaker(failures=failures, open_time=OPEN_TIME)
        theirs = circuitbreaker.CircuitBreaker(failure_threshold=failures, recovery_timeout=OPEN_TIME, name="x")
        for gap, failing in calls:
            now = clock.seconds = now + gap
            assert ours(mine, now, failing) == by_circuitbreaker(theirs, failing)
            assert (mine.state is State.CLOSED) == theirs.closed


def test_breakers_share_of_failures(clock):
    """Every second of 1,000 calls fails: ours by share opens at the twentieth, ours in a row and theirs never."""
    share, row = CircuitBreaker(window=60.0, failure_fraction=0.5), ConsecutiveBreaker(failures=5)
    py = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=OPEN_TIME)
    circuit = circuitbreaker.CircuitBreaker(failure_threshold=5, recovery_timeout=OPEN_TIME, name="x")
    opened = None
    for number in range(1, 1_001):
        clock.seconds, failing = number / 100.0, number % 2 == 0
        if opened is None:
            ours(share, clock.seconds, failing)
            opened = number if share.state is State.OPEN else None
        assert ours(row, clock.seconds, failing)
        assert by_pybreaker(py, failing)
        assert by_circuitbreaker(circuit, failing)
    assert opened == 20


def test_breakers_what_counts_as_failure(clock):
    """Five 404 in a row: ours stays closed, theirs open, because a client's library raises for them."""
    mine = ConsecutiveBreaker(failures=5)
    py = pybreaker.CircuitBreaker(fail_max=5)
    circuit = circuitbreaker.CircuitBreaker(failure_threshold=5, name="x")
    for _ in range(5):
        mine.record(mine.admit(0.0, RNG), Outcome.answered(404), 0.0, RNG)
        by_pybreaker(py, True)
        by_circuitbreaker(circuit, True)
    assert mine.state is State.CLOSED
    assert py.current_state == pybreaker.STATE_OPEN
    assert circuit.opened


def test_breakers_crowd_in_half_open(clock):
    """While a probe is under way, ours refuses a second one; circuitbreaker lets it through."""
    mine = ConsecutiveBreaker(failures=1, open_time=OPEN_TIME)
    ours(mine, 0.0, True)
    assert mine.admit(OPEN_TIME, RNG) is not None
    assert mine.admit(OPEN_TIME, RNG) is None
    theirs = circuitbreaker.CircuitBreaker(failure_threshold=1, recovery_timeout=OPEN_TIME, name="x")
    by_circuitbreaker(theirs, True)
    clock.seconds = OPEN_TIME
    inner = []
    theirs.decorate(lambda: inner.append(by_circuitbreaker(theirs, False)))()
    assert inner == [True]


def test_breakers_late_answer(clock):
    """A call begins, the circuit opens, the call succeeds: ours stays open, circuitbreaker closes."""
    mine = ConsecutiveBreaker(failures=1)
    early = mine.admit(0.0, RNG)
    ours(mine, 0.0, True)
    mine.record(early, OK, 1.0, RNG)
    assert mine.state is State.OPEN
    theirs = circuitbreaker.CircuitBreaker(failure_threshold=1, recovery_timeout=OPEN_TIME, name="x")
    states = []
    theirs.decorate(lambda: (by_circuitbreaker(theirs, True), states.append(theirs.state)))()
    assert (states, theirs.state) == (["open"], "closed")


def test_breakers_lock_while_calling():
    """During a call, pybreaker's lock cannot be had by another thread; ours has none: two permits are out at once."""
    theirs, got = pybreaker.CircuitBreaker(), []

    def another_thread():
        waiting = threading.Thread(target=lambda: got.append(theirs._lock.acquire(blocking=False)))
        waiting.start()
        waiting.join()

    theirs.call(another_thread)
    assert got == [False]
    mine = ConsecutiveBreaker()
    assert None not in (mine.admit(0.0, RNG), mine.admit(0.0, RNG))


def test_breakers_error_that_trips():
    """The third failure of three: pybreaker's caller is told that the circuit is open, ours has the outcome itself."""
    theirs = pybreaker.CircuitBreaker(fail_max=2)
    with pytest.raises(BrokenError):
        theirs.call(call, True)
    with pytest.raises(pybreaker.CircuitBreakerError):
        theirs.call(call, True)
    mine = ConsecutiveBreaker(failures=1)
    assert ours(mine, 0.0, True), "it was let through, and record returns nothing in its place"
    assert mine.state is State.OPEN


def test_breakers_interrupt_is_a_failure():
    """Ctrl-C in the guarded call opens pybreaker; ours hears of attempts only."""

    def interrupted():
        raise KeyboardInterrupt

    theirs = pybreaker.CircuitBreaker(fail_max=1, throw_new_error_on_trip=False)
    with pytest.raises(KeyboardInterrupt):
        theirs.call(interrupted)
    assert theirs.current_state == pybreaker.STATE_OPEN
    mine = ConsecutiveBreaker(failures=1)
    mine.admit(0.0, RNG)
    assert mine.state is State.CLOSED


def test_breakers_wall_clock(clock):
    """The clock is set back by an hour: 61 s later pybreaker is still open, ours half-open."""
    theirs, mine = (
        pybreaker.CircuitBreaker(fail_max=1, reset_timeout=OPEN_TIME),
        ConsecutiveBreaker(failures=1, open_time=OPEN_TIME),
    )
    by_pybreaker(theirs, True)
    ours(mine, 0.0, True)
    clock.seconds = 61.0 - 3_600.0
    assert not by_pybreaker(theirs, False)
    assert ours(mine, 61.0, False)


def test_breakers_threshold_of_zero():
    """0 becomes 5 there, and is refused here."""
    theirs = circuitbreaker.CircuitBreaker(failure_threshold=0, name="x")
    assert [by_circuitbreaker(theirs, True) for _ in range(6)] == [True] * 5 + [False]
    with pytest.raises(ValueError, match="failures must be at least 1"):
        ConsecutiveBreaker(failures=0)
