"""Exercises that the simulator marks: write it, run it, and be told by a counterexample what is wrong.

    from sim import exercises
    exercises.check("08-token-bucket", TokenBucket)      # verdicts
    exercises.measured("08-token-bucket")                # what the last check measured
    exercises.hint("08-token-bucket", 1)                 # 1 to 3, each telling more

A new exercise is one module in `tasks/`, a reference answer in its notebook under `exercises/solutions/`, and at least
three wrong answers under `exercises/mutants/`.
"""

from __future__ import annotations

from typing import Any

from sim.exercises.catalog import every, named, stem_of, stems
from sim.exercises.exercise import Check, Exercise, Failed, Kind, Missing, Unclear
from sim.exercises.judging import PUBLIC, Report, Tried, Verdict, judge
from sim.exercises.layout import measured as measured_text
from sim.exercises.layout import verdicts
from sim.exercises.local import Local

__all__ = [
    "PUBLIC", "Check", "Exercise", "Failed", "Kind", "Missing", "Report", "Tried", "Unclear", "Verdict", "check",
    "every", "hint", "judge", "measured", "measured_text", "named", "stem_of", "stems", "verdicts",
]  # fmt: skip

_last: dict[str, Report] = {}


def check(id: str, answer: Any) -> None:
    """Judge *answer*, the object that the exercise asks for, and print the verdicts.

    Raises: `ValueError` with the near names when there is no such exercise.
    """
    exercise = named(id)
    report = _last[exercise.id] = judge(exercise, Local(answer))
    print(verdicts(report))


def measured(id: str) -> None:
    """Print what the last check of this exercise measured.

    Raises: `ValueError` with the near names when there is no such exercise.
    """
    exercise = named(id)
    print(measured_text(_last[exercise.id]) if exercise.id in _last else "not checked yet")


def hint(id: str, number: int = 1) -> None:
    """Print a hint: 1 says where to look, 2 what to think of, 3 nearly how.

    Raises: `ValueError` when there is no such exercise, or no such hint.
    """
    exercise = named(id)
    if number not in (1, 2, 3):
        raise ValueError(f"number must be 1, 2 or 3, got {number!r}")
    print(exercise.hints[number - 1])
