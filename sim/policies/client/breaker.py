"""Circuit breaker: stop sending to something that is down, and ask carefully whether it is back.

    closed     --trip-->     open        too many failures
    open       --cool-->     half-open   the open time is over
    half-open  --recover-->  closed      enough probes were ok
    half-open  --relapse-->  open        a probe was not

`admit` gives a permit; `record` brings it back with what came of the attempt.  The permit carries the number of
the state it was given in, so the answer to a request sent before the breaker opened cannot pass for a probe.
Reading never changes state: an open breaker becomes half-open when somebody asks to be admitted.
"""

from __future__ import annotations

import enum
from collections import deque
from random import Random

import attrs

from sim.knobs import knob
from sim.outcome import Outcome


class State(enum.Enum):
    """The three states of a circuit breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Event(enum.Enum):
    """What can happen to a circuit breaker."""

    TRIP = "trip"
    COOL = "cool"
    RECOVER = "recover"
    RELAPSE = "relapse"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.CLOSED, Event.TRIP): State.OPEN,
    (State.OPEN, Event.COOL): State.HALF_OPEN,
    (State.HALF_OPEN, Event.RECOVER): State.CLOSED,
    (State.HALF_OPEN, Event.RELAPSE): State.OPEN,
}
"""Every transition there is; any other pair is a mistake in the breaker itself."""


@attrs.define(kw_only=True)
class _Circuit:
    """The state machine that both breakers share; they differ in when a closed one trips."""

    open_time: float = knob(5.0, above=0, high=86_400, unit="s", help="how long it stays open")
    open_jitter: float = knob(
        0.0, low=0, high=10, help="the open time is stretched by up to this share, so that hosts do not ask together"
    )
    probes: float = knob(
        1, kind=int, low=1, infinite=True, unit="probes", help="attempts at once in half-open; inf is no limit"
    )
    successes_to_close: int = knob(1, kind=int, low=1, high=1_000, unit="probes", help="good probes that close it")

    state: State = attrs.field(init=False, default=State.CLOSED)
    changes: list[tuple[float, State]] = attrs.field(init=False, factory=list)
    _era: int = attrs.field(init=False, default=0)
    _open_until: float = attrs.field(init=False, default=0.0)
    _probing: int = attrs.field(init=False, default=0)
    _good_probes: int = attrs.field(init=False, default=0)

    def admit(self, now: float, rng: Random) -> int | None:
        """A permit to send one attempt, or None while the circuit is open or its probes are out."""
        if self.state is State.CLOSED:
            return self._era
        if self.state is State.OPEN:
            if now < self._open_until:
                return None
            self._move(Event.COOL, now, rng)
        if self._probing >= self.probes:
            return None
        self._probing += 1
        return self._era

    def record(self, permit: int, outcome: Outcome, now: float, rng: Random) -> None:
        """Learn what came of the attempt that holds *permit*; an answer from an earlier state is ignored.

        Only an outcome that speaks of the server's health counts as a failure: no answer, a refusal, a 5xx or a
        429.  A 404 or 422 is an answer from a server that works.
        """
        if permit != self._era:
            return
        unhealthy = _unhealthy(outcome)
        if self.state is State.HALF_OPEN:
            self._probing -= 1
            if unhealthy:
                self._move(Event.RELAPSE, now, rng)
            else:
                self._good_probes += 1
                if self._good_probes >= self.successes_to_close:
                    self._move(Event.RECOVER, now, rng)
        elif self._tripped_by(unhealthy, now):
            self._move(Event.TRIP, now, rng)

    def retry_after(self, now: float) -> float:
        """Seconds until an open circuit lets probes through; 0 when it is not open."""
        return max(0.0, self._open_until - now) if self.state is State.OPEN else 0.0

    def _tripped_by(self, unhealthy: bool, now: float) -> bool:
        raise AssertionError("a circuit breaker says itself when it trips")

    def _forget(self) -> None:
        """Forget the failures counted so far."""

    def _move(self, event: Event, now: float, rng: Random) -> None:
        self.state = TRANSITIONS[self.state, event]
        self._era += 1
        self._probing = self._good_probes = 0
        self._forget()
        if self.state is State.OPEN:
            stretch = 1.0 + rng.random() * self.open_jitter if self.open_jitter else 1.0
            self._open_until = now + self.open_time * stretch
        self.changes.append((now, self.state))


@attrs.define(kw_only=True)
class CircuitBreaker(_Circuit):
    """Trips when at least *failure_fraction* of the last *window* seconds' answers were failures.

    *minimum_volume*: answers in the window below which it never trips: with one answer, one failure is 100 %.
    The comparison is >=, as in resilience4j (opossum and cockatiel use >: set the fraction a little higher to
    compare).  Source: M. Nygard, "Release It!", 2007; the window and volume as in Netflix Hystrix.

    >>> breaker, rng = CircuitBreaker(minimum_volume=2), Random(0)
    >>> for _ in range(2):
    ...     breaker.record(breaker.admit(0.0, rng), Outcome.timed_out(), 0.0, rng)
    >>> breaker.state, breaker.admit(1.0, rng)
    (<State.OPEN: 'open'>, None)
    """

    failure_fraction: float = knob(0.5, above=0, high=1, help="share of failures that opens it")
    window: float = knob(10.0, above=0, high=86_400, unit="s", help="how far back it looks")
    minimum_volume: int = knob(20, kind=int, low=1, high=1_000_000, unit="answers", help="answers before it judges")
    _answers: deque[tuple[float, bool]] = attrs.field(init=False, factory=deque)
    _failures: int = attrs.field(init=False, default=0)

    def _tripped_by(self, unhealthy: bool, now: float) -> bool:
        answers = self._answers
        answers.append((now, unhealthy))
        self._failures += unhealthy
        horizon = now - self.window
        while answers[0][0] <= horizon:
            self._failures -= answers.popleft()[1]
        volume = len(answers)
        # 0.55 * 100 is a hair above 55 in floating point; 55 failures of 100 are 55 %.
        return volume >= self.minimum_volume and self._failures >= self.failure_fraction * volume - 1e-9

    def _forget(self) -> None:
        self._answers.clear()
        self._failures = 0


@attrs.define(kw_only=True)
class ConsecutiveBreaker(_Circuit):
    """Trips after *failures* in a row; one success starts the count again.

    What the common Python breakers do (pybreaker, circuitbreaker, purgatory, aiobreaker), whatever their
    documentation calls it: with half of all requests failing it may stay closed for a long time.
    """

    failures: int = knob(5, kind=int, low=1, high=1_000_000, unit="answers", help="failures in a row that open it")
    _row: int = attrs.field(init=False, default=0)

    def _tripped_by(self, unhealthy: bool, now: float) -> bool:
        self._row = self._row + 1 if unhealthy else 0
        return self._row >= self.failures

    def _forget(self) -> None:
        self._row = 0


def _unhealthy(outcome: Outcome) -> bool:
    status = outcome.status
    return status is None or status == 0 or status >= 500 or status == 429
