"""A mean over several seeds, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs


@attrs.frozen
class Estimate:
    """A mean over *n* seeds with its 95 % interval; with one seed the interval is NaN.

    >>> Estimate.of([1.0, 2.0, 3.0]).mean
    2.0
    """

    mean: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Estimate:
        """The estimate from one value per seed; a NaN among them makes everything NaN."""
        n = len(values)
        mean = math.fsum(values) / n
        if n < 2:
            return cls(mean, math.nan, math.nan, n)
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
        half = _student_t(n - 1) * deviation / math.sqrt(n)
        return cls(mean, mean - half, mean + half, n)

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2

    def __str__(self) -> str:
        if math.isnan(self.mean):
            return "none"  # there was nothing to measure
        digits = 0 if abs(self.mean) >= 100 else 1 if abs(self.mean) >= 10 else 2
        if self.n == 1 and self.mean.is_integer():
            digits = 0  # one seed's count is a count
        text = f"{self.mean:,.{digits}f}"
        return text if math.isnan(self.half) else f"{text} ± {self.half:,.{digits}f}"


def _student_t(freedom: int) -> float:
    """The 97.5 % quantile of Student's t.

    By the expansion of Abramowitz and Stegun 26.7.5, right to 0.02 % from four degrees on; a table below that.
    """
    exact = {1: 12.7062, 2: 4.3027, 3: 3.1824, 4: 2.7764, 5: 2.5706}
    if freedom in exact:
        return exact[freedom]
    z, n = 1.959964, float(freedom)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return sum(term / n**power for power, term in enumerate(terms))
