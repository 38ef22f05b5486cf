"""Backoff: how long to wait before the next attempt.

Every class here has one method, `delay(attempt, previous, rng)`; any object with that method is a backoff.
Seconds throughout.  The doubling formulas share a ceiling: min(cap, base * factor**(attempt - 1)), so the first
wait is at most *base*.  AWS's simulator starts one step later (2 * base): give it twice the base to compare.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Protocol

import attrs

from sim.flow import check_method
from sim.knobs import knob


class Backoff(Protocol):
    """Anything with this method is a backoff: no base class, no registration."""

    def delay(self, attempt: int, previous: float, rng: Random) -> float:
        """Seconds to wait before attempt *attempt* + 1.

        *attempt*: the one that just failed, 1 for the first.  *previous*: the last delay, 0 at first.  *rng*: the
        only source of chance.  Returns a finite float, at least 0.
        """
        ...


@attrs.frozen
class Fixed:
    """The same wait every time.

    >>> Fixed(2.0).delay(3, 2.0, Random(0))
    2.0
    """

    seconds: float = knob(0.1, low=0, high=86_400, unit="s", help="the wait")

    def delay(self, attempt: int, previous: float, rng: Random) -> float:
        """*seconds*, whatever came before."""
        return self.seconds


@attrs.frozen(kw_only=True)
class Linear:
    """Longer by the same *step* each time: step, 2 * step, 3 * step, up to *cap*.

    >>> [Linear(step=1.0, cap=2.5).delay(n, 0.0, Random(0)) for n in (1, 2, 3)]
    [1.0, 2.0, 2.5]
    """

    step: float = knob(0.1, low=0, high=86_400, unit="s", help="added at each attempt")
    cap: float = knob(10.0, above=0, high=86_400, unit="s", help="longest wait")

    def delay(self, attempt: int, previous: float, rng: Random) -> float:
        """min(cap, step * attempt)."""
        return min(self.cap, self.step * attempt)


@attrs.frozen(kw_only=True)
class Exponential:
    """Doubling (or times *factor*) up to *cap*, without jitter: everyone who failed together returns together.

    >>> [Exponential(base=1.0, cap=60.0).delay(n, 0.0, Random(0)) for n in (1, 2, 3, 7)]
    [1.0, 2.0, 4.0, 60.0]
    """

    base: float = knob(0.1, low=0, high=86_400, unit="s", help="ceiling of the first wait")
    cap: float = knob(10.0, above=0, high=86_400, unit="s", help="longest wait")
    factor: float = knob(2.0, low=1, high=100, help="growth per attempt")

    def ceiling(self, attempt: int) -> float:
        """min(cap, base * factor**(attempt - 1)), also where the power is too large for a float."""
        try:
            grown = self.base * self.factor ** (attempt - 1)
        except OverflowError:
            return self.cap
        return grown if grown < self.cap else self.cap

    def delay(self, attempt: int, previous: float, rng: Random) -> float:
        """The ceiling itself."""
        return self.ceiling(attempt)


@attrs.frozen(kw_only=True)
class FullJitter(Exponential):
    """Seconds drawn uniformly from 0 to the exponential ceiling.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    >>> FullJitter(base=1.0).delay(1, 0.0, Random(7)) <= 1.0
    True
    """

    def delay(self, attempt: int, previous: float, rng: Random) -> float:
        """U(0, ceiling)."""
        return rng.random() * self.ceiling(attempt)


@attrs.frozen(kw_only=True)
class EqualJitter(Exponential):
    """Half the exponential ceiling, and a uniform draw of the other half.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    >>> 0.5 <= EqualJitter(base=1.0).delay(1, 0.0, Random(7)) <= 1.0
    True
    """

    def delay(self, attempt: int, previous: float, rng: Random) -> float:
        """ceiling/2 + U(0, ceiling/2)."""
        half = self.ceiling(attempt) / 2
        return half + rng.random() * half


@attrs.frozen(kw_only=True)
class DecorrelatedJitter:
    """Drawn from *base* to three times the previous wait, at most *cap*: it remembers, not the attempt number.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015; there too the first draw takes *base*
    for the previous wait.

    >>> 1.0 <= DecorrelatedJitter(base=1.0).delay(1, 0.0, Random(7)) <= 3.0
    True
    """

    base: float = knob(0.1, above=0, high=86_400, unit="s", help="shortest wait")
    cap: float = knob(10.0, above=0, high=86_400, unit="s", help="longest wait")

    def delay(self, attempt: int, previous: float, rng: Random) -> float:
        """min(cap, U(base, 3 * previous))."""
        last = previous if previous > self.base else self.base
        return min(self.cap, self.base + rng.random() * (3 * last - self.base))


@attrs.frozen(kw_only=True)
class ProportionalJitter:
    """Another backoff's wait, stretched by up to *fraction* of itself: never earlier, and only a little spread.

    This is the guide's webhook rule, base * (1 + U(0, 0.2)): after a delay of 30 s the herd comes back within 6 s.

    >>> 30.0 <= ProportionalJitter(backoff=Fixed(30.0)).delay(1, 0.0, Random(7)) <= 36.0
    True
    """

    backoff: Backoff = attrs.field(factory=Exponential)
    fraction: float = knob(0.2, low=0, high=1, help="largest stretch, as a share of the wait")

    @backoff.validator
    def _check(self, attribute: object, value: Backoff) -> None:
        check_method(value, "delay", "attempt", "previous", "rng")

    def delay(self, attempt: int, previous: float, rng: Random) -> float:
        """The inner wait times 1 + U(0, fraction)."""
        return self.backoff.delay(attempt, previous, rng) * (1.0 + rng.random() * self.fraction)


def _floats(delays: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(delay) for delay in delays)


@attrs.frozen
class Table:
    """An explicit list of waits, as webhook providers publish them; the last one repeats.

    *delays*: seconds before attempt 2, 3, …: gaps, not instants.

    >>> [Table((5, 300)).delay(n, 0.0, Random(0)) for n in (1, 2, 3)]
    [5.0, 300.0, 300.0]
    """

    delays: tuple[float, ...] = attrs.field(converter=_floats)

    @delays.validator
    def _check(self, attribute: object, value: tuple[float, ...]) -> None:
        if not value:
            raise ValueError("delays must hold at least one wait, got none")
        for delay in value:
            if not 0.0 <= delay < float("inf"):
                raise ValueError(f"delays must be finite and at least 0, got {delay!r}")

    def delay(self, attempt: int, previous: float, rng: Random) -> float:
        """The table's entry for this attempt."""
        return self.delays[min(attempt, len(self.delays)) - 1]
