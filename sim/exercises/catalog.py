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
    """Every exercise, in the order of their notebooks, and within one by the order that their modules name."""
    found: list[tuple[str, int, Exercise]] = []
    folder = Path(__file__).parent / "tasks"
    for info in pkgutil.iter_modules([str(folder)]):
        module = importlib.import_module(f"{_TASKS}.{info.name}")
        exercise: Exercise = module.EXERCISE
        found.append((exercise.topic, getattr(module, "PLACE", 50), exercise))
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
