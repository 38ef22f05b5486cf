"""All exercises: each is an `EXERCISE` in a module of a topic's folder, found by its folder."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from sim.exercises.exercise import Exercise
from sim.policies.catalog import unknown

_TASKS = "sim.exercises.tasks"


@cache
def every() -> tuple[Exercise, ...]:
    """Every exercise, in the order of their notebooks, and within one by the place that their modules name."""
    found: list[tuple[str, int, Exercise]] = []
    folder = Path(__file__).parent / "tasks"
    for info in pkgutil.iter_modules([str(folder)]):
        module = importlib.import_module(f"{_TASKS}.{info.name}")
        exercise: Exercise = module.EXERCISE
        found.append((stem_of(exercise), module.PLACE, exercise))
    found.sort(key=lambda row: (row[0], row[1], row[2].id))
    return tuple(exercise for _, _, exercise in found)


def named(id: str) -> Exercise:
    """The exercise called *id*.

    Raises: `ValueError` with the near names when there is none.
    """
    for one in every():
        if one.id == id.strip().lower():
            return one
    raise ValueError(unknown("exercise", id, [one.id for one in every()]))


def stems() -> list[str]:
    """The names of the notebooks, in order: those of the lessons that have exercises."""
    return list(dict.fromkeys(stem_of(one) for one in every()))


def stem_of(exercise: Exercise) -> str:
    """The notebook that an exercise stands in."""
    return Path(exercise.lesson).stem
