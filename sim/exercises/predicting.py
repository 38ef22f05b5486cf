"""Exercises that ask for a number before the run: the run decides, and a number that many say has an answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from statistics import fmean

from sim.exercises.exercise import Answer, Check, Exercise, Failed, Kind, Missing

SEEDS = 5
"""How many runs the truth is the mean of, so that a guess is not judged by one draw."""


def prediction(
    *,
    id: str,
    title: str,
    story: str,
    hints: tuple[str, str, str],
    lesson: str,
    run: Callable[[int], float],
    within: float,
    unit: str,
    traps: Mapping[float, str],
) -> Exercise:
    """An exercise whose answer is `PREDICTION`.

    *run*: the figure that a seed gives.  *within*: how far off a prediction may be, as a share of the figure.
    *traps*: by a number that a misconception leads to, what is wrong with it.
    """

    @lru_cache(maxsize=8)
    def measured(seed: int) -> float:
        """The mean over the seeds that follow from *seed*: the same for every learner whom a grader judges."""
        return fmean(run(seed * SEEDS + number) for number in range(SEEDS))

    def judge(answer: Answer, seed: int) -> str:
        said = answer.value()
        if said is None:
            raise Missing(f"put your number, in {unit}, in the place of None")
        if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said):
            raise Failed(f"PREDICTION must be a number, got {said!r}"[:200])
        truth = measured(seed)
        if abs(said - truth) <= within * abs(truth):
            return f"{truth:,.3g} {unit}, predicted {said:,g}"
        trap = min(traps, key=lambda number: abs(number - said))
        if abs(said - trap) <= 0.05 * abs(trap):
            raise Failed(traps[trap])
        raise Failed(f"{said:,g} is too {'high' if said > truth else 'low'}; it may be off by {within:.0%}")

    return Exercise(
        id=id, title=title, kind=Kind.PREDICT, answer="PREDICTION", story=story,
        stub=f"PREDICTION = None  # {unit}", hints=hints, lesson=lesson,
        checks=(Check(says="the number that the simulator gives", tries=judge, points=2),),
    )  # fmt: skip
