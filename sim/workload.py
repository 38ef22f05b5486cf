"""When calls begin, as data.

An *open* workload brings calls whatever becomes of the earlier ones; a *closed* one has a fixed number of clients
who each wait for their last call to end.  Retry storms need the first kind, most load generators are the second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from random import Random
from typing import TypeAlias

import attrs

from sim.knobs import knob
from sim.laws import Exponential, Law


@attrs.frozen(kw_only=True)
class AllAtOnce:
    """Every one of *clients* makes one call at the same instant *at*: the herd."""

    clients: int = knob(10_000, kind=int, low=1, high=10_000_000, unit="clients")
    at: float = knob(0.0, low=0, unit="s")

    def instants(self, rng: Random, horizon: float) -> Iterator[float]:
        """The one instant, once for every client."""
        for _ in range(self.clients):
            yield self.at


@attrs.frozen(kw_only=True)
class Poisson:
    """Calls at random with a rate that is constant between steps: base load, spike, base load.

    *steps*: pairs of (from instant, calls per second), the first at 0, in order of time.
    """

    steps: tuple[tuple[float, float], ...] = ((0.0, 10.0),)

    def __attrs_post_init__(self) -> None:
        starts = [start for start, _ in self.steps]
        if not starts or starts[0] != 0.0 or starts != sorted(set(starts)):
            raise ValueError(f"steps must begin at 0 and grow in time, got {starts!r}")
        for _, rate in self.steps:
            if not 0.0 <= rate < math.inf:
                raise ValueError(f"steps must have finite rates of at least 0, got {rate!r}")

    @classmethod
    def steady(cls, rate_per_second: float) -> Poisson:
        """The same rate throughout."""
        return cls(steps=((0.0, rate_per_second),))

    @classmethod
    def spike(cls, base_per_second: float, peak_per_second: float, *, start: float, length: float) -> Poisson:
        """*base_per_second*, but *peak_per_second* for *length* seconds from *start* on."""
        return cls(steps=((0.0, base_per_second), (start, peak_per_second), (start + length, base_per_second)))

    def instants(self, rng: Random, horizon: float) -> Iterator[float]:
        """Instants up to *horizon*, step by step; a Poisson process may be restarted at any instant."""
        ends = [start for start, _ in self.steps[1:]] + [horizon]
        for (start, rate), end in zip(self.steps, ends, strict=True):
            now = start
            while rate > 0.0:
                now += -math.log1p(-rng.random()) / rate
                if now >= min(end, horizon):
                    break
                yield now


@attrs.frozen(kw_only=True)
class Ramp:
    """A Poisson process whose rate goes in a straight line from one value at 0 to another at the horizon."""

    from_per_second: float = knob(0.0, low=0, unit="calls/s")
    to_per_second: float = knob(10.0, low=0, unit="calls/s")

    def instants(self, rng: Random, horizon: float) -> Iterator[float]:
        """Instants up to *horizon*, by thinning a process at the higher rate (Lewis and Shedler, 1979)."""
        top = max(self.from_per_second, self.to_per_second)
        now = 0.0
        while top > 0.0:
            now += -math.log1p(-rng.random()) / top
            if now >= horizon:
                return
            rate = self.from_per_second + (self.to_per_second - self.from_per_second) * now / horizon
            if rng.random() * top < rate:
                yield now


def _in_a_row(at: Iterable[float]) -> tuple[float, ...]:
    return tuple(at)


@attrs.frozen
class Replay:
    """A list of instants, in order: a recorded trace, or a hand-made case for a test."""

    at: tuple[float, ...] = attrs.field(converter=_in_a_row)

    def __attrs_post_init__(self) -> None:
        if list(self.at) != sorted(self.at) or not all(0.0 <= instant < math.inf for instant in self.at):
            raise ValueError(f"at must hold finite instants of at least 0 in order, got {self.at[:5]!r}")

    def instants(self, rng: Random, horizon: float) -> Iterator[float]:
        """The instants before *horizon*, and one exactly on it too."""
        yield from (instant for instant in self.at if instant <= horizon)


@attrs.frozen(kw_only=True)
class ClosedLoop:
    """A fixed number of *clients*: each thinks, calls, waits for the end of the call, and thinks again."""

    clients: int = knob(100, kind=int, low=1, high=1_000_000, unit="clients")
    think: Law = attrs.field(factory=lambda: Exponential(1.0))


Arrivals: TypeAlias = AllAtOnce | Poisson | Ramp | Replay | ClosedLoop
