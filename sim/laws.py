"""Probability laws, each as its quantile function: one uniform number in, one value out.

One uniform per draw is what makes common random numbers possible: the draw for an attempt is keyed by its call,
attempt and copy, so the same attempt meets the same fate whatever the policy did before, and two laws compared
on one seed move together.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Protocol

import attrs

from sim.knobs import knob

_STANDARD_NORMAL = NormalDist()


class Law(Protocol):
    """Anything with these two: a learner's own law needs no base class."""

    @property
    def mean(self) -> float:
        """The expected value."""
        ...

    def quantile(self, u: float) -> float:
        """The value below which a draw falls with probability *u*, 0 <= u < 1."""
        ...


@attrs.frozen
class Constant:
    """Always the same value, in seconds."""

    value: float = knob(low=0, unit="s")

    @property
    def mean(self) -> float:
        """The value."""
        return self.value

    def quantile(self, u: float) -> float:
        """The value, whatever *u* is."""
        return self.value


@attrs.frozen
class Exponential:
    """Memoryless, with the given *mean* in seconds."""

    mean: float = knob(above=0, unit="s")

    def quantile(self, u: float) -> float:
        """-mean * ln(1 - u)."""
        return -self.mean * math.log1p(-u)


@attrs.frozen
class Uniform:
    """Evenly spread between *low* and *high*, in seconds."""

    low: float = knob(low=0, unit="s")
    high: float = knob(low=0, unit="s")

    def __attrs_post_init__(self) -> None:
        if self.high < self.low:
            raise ValueError(f"high must be at least low ({self.low:g}), got {self.high!r}")

    @property
    def mean(self) -> float:
        """The middle."""
        return (self.low + self.high) / 2

    def quantile(self, u: float) -> float:
        """The point a fraction *u* of the way from low to high."""
        return self.low + u * (self.high - self.low)


@attrs.frozen(kw_only=True)
class LogNormal:
    """Most values near the *median* (seconds), a long tail to the right; *sigma* is the log's deviation."""

    median: float = knob(above=0, unit="s")
    sigma: float = knob(low=0, high=10)

    @property
    def mean(self) -> float:
        """median * exp(sigma² / 2)."""
        return self.median * math.exp(self.sigma**2 / 2)

    def quantile(self, u: float) -> float:
        """median * exp(sigma * z), z the standard normal quantile."""
        return self.median * math.exp(self.sigma * _normal(u)) if self.sigma else self.median


@attrs.frozen(kw_only=True)
class Normal:
    """A normal law of the given *centre* and *deviation* (seconds), folded at zero as |x|, as AWS's simulator does.

    *mean* leaves the fold out: use it where the centre is several deviations above zero.
    """

    centre: float = knob(low=0, unit="s")
    deviation: float = knob(low=0, unit="s")

    @property
    def mean(self) -> float:
        """The centre."""
        return self.centre

    def quantile(self, u: float) -> float:
        """|centre + deviation * z|, z the standard normal quantile."""
        return abs(self.centre + self.deviation * _normal(u))


@attrs.frozen(kw_only=True)
class Mixture:
    """One of several laws, chosen by *weights* that sum to 1: a two-point law, a hyperexponential, a slow tenth."""

    laws: tuple[Law, ...]
    weights: tuple[float, ...]

    def __attrs_post_init__(self) -> None:
        if len(self.laws) != len(self.weights):
            raise ValueError(f"weights must be as many as laws ({len(self.laws)}), got {len(self.weights)}")
        if min(self.weights) <= 0 or not math.isclose(sum(self.weights), 1.0):
            raise ValueError(f"weights must be more than 0 and sum to 1, got {self.weights!r}")

    @property
    def mean(self) -> float:
        """The weighted mean of the laws."""
        return sum(weight * law.mean for weight, law in zip(self.weights, self.laws, strict=True))

    def quantile(self, u: float) -> float:
        """*u* chooses the law, and what is left of it, stretched to 0..1 again, is the draw from that law."""
        for weight, law in zip(self.weights[:-1], self.laws[:-1], strict=True):
            if u < weight:
                return law.quantile(u / weight)
            u -= weight
        return self.laws[-1].quantile(min(u / self.weights[-1], 1.0 - 2**-53))


def _normal(u: float) -> float:
    # inv_cdf refuses 0; half the smallest step of a keyed uniform is as good as any stand-in for it.
    return _STANDARD_NORMAL.inv_cdf(u or 2**-54)
