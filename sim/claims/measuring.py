"""What the experiments share: the seeds, figures of a story on each of them, and how a range is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from sim.experiment import Comparison, compare
from sim.outcome import Outcome
from sim.policies.delivery import guide_schedule
from sim.scenario import Scenario

SEEDS = range(3)
"""What an experiment with chance in it is run on, unless it says otherwise."""


def on_seeds(world: Scenario, policies: Iterable[str] | Mapping[str, Any] | None = None) -> Comparison:
    """The policies compared on the seeds; None is all of the story's."""
    return compare(world, policies, seeds=SEEDS)


def between(values: Sequence[float], low: float, high: float) -> bool:
    """True when every value lies within; on every seed, not on average.

    >>> between([1.2, 1.3], 1.0, 1.25)
    False
    """
    return all(low <= value <= high for value in values)


def span(values: Sequence[float], form: str = ",.0f") -> str:
    """The values as a text, from the smallest to the largest.

    >>> span([1700.0, 1776.0, 1701.0]), span([0.0, 0.0])
    ('1,700 to 1,776', '0')
    """
    low, high = f"{min(values):{form}}", f"{max(values):{form}}"
    return low if low == high else f"{low} to {high}"


def guide_attempts(seed: int) -> list[float]:
    """The instants of the guide's 25 attempts with its own jitter, when all fail at once; seconds.

    >>> len(guide_attempts(0)), guide_attempts(0)[0]
    (25, 0.0)
    """
    rule, rng, failed, at = guide_schedule(), Random(seed), Outcome.answered(500), [0.0]
    while (wait := rule.wait(len(at), failed, at[-1], 0.0, rng)) is not None:
        at.append(at[-1] + wait)
    return at
