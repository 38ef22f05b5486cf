"""The bank: every question of every file in this folder, by id, by topic, by level, or by lot."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from random import Random

from sim.policies.catalog import unknown
from sim.questions.question import LEVELS, Question, question_of

FOLDER = Path(__file__).parent


def every(*, topic: str | None = None, level: str | None = None) -> tuple[Question, ...]:
    """The questions of a topic and a level, None is any: the guide's in their order, then our own.

    Raises: `ValueError` with the near names for a topic or a level that there is none of.
    """
    chosen = _all()
    if topic is not None:
        topic = topic.strip().lower().replace("-", "_")
        if topic not in topics():
            raise ValueError(unknown("topic", topic, list(topics())))
        chosen = tuple(one for one in chosen if one.topic == topic)
    if level is not None:
        level = level.strip().lower()
        if level not in LEVELS:
            raise ValueError(unknown("level", level, list(LEVELS)))
        if level not in levels(chosen):
            raise ValueError(f"the topic {topic} has no {level} question; it has {', '.join(levels(chosen))}")
        chosen = tuple(one for one in chosen if one.level == level)
    return chosen


def named(id: str) -> Question:
    """The question called *id*; case does not matter.

    Raises: `ValueError` with the near names when there is none.

    >>> named("q-23").id
    'Q-23'
    """
    wanted = id.strip().lower()
    for one in _all():
        if one.id.lower() == wanted:
            return one
    raise ValueError(unknown("question", id, [one.id for one in _all()]))


def draw(seed: int = 0, *, topic: str | None = None, level: str | None = None) -> Question:
    """One question of a topic and a level; the same *seed* draws the same one.

    Raises: `ValueError` as `every`.
    """
    return Random(seed).choice(every(topic=topic, level=level))


@cache
def topics() -> tuple[str, ...]:
    """The topics that there are questions about: the names of the files."""
    return tuple(dict.fromkeys(sorted(one.topic for one in _all())))


def levels(questions: Iterable[Question]) -> tuple[str, ...]:
    """The levels of *questions*, the easier first."""
    found = {one.level for one in questions}
    return tuple(level for level in LEVELS if level in found)


def read(folder: Path) -> tuple[Question, ...]:
    """The questions of all TOML files in *folder*.

    Raises: `ValueError`, one sentence with the file, the question and the member, for a file that is broken.
    """
    found: dict[str, Question] = {}
    for path in sorted(folder.glob("*.toml")):
        for one in _read(path):
            other = found.setdefault(one.id, one)
            if other is not one:
                where = "in this file" if other.topic == one.topic else f"in {other.topic}.toml"
                raise ValueError(f"{path.name}, {one.id}: id must be of one question, and another {where} has it")
    return tuple(sorted(found.values(), key=lambda one: one.order))


@cache
def _all() -> tuple[Question, ...]:
    return read(FOLDER)


def _read(path: Path) -> list[Question]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} must be TOML: {error}") from None
    rows = content.pop("question", None)
    if content or not isinstance(rows, list) or not rows:
        got = ", ".join(content) or "none"
        raise ValueError(f"{path.name} must hold [[question]] tables, at least one and nothing else, got {got}")
    questions = []
    for number, row in enumerate(rows, start=1):
        try:
            questions.append(question_of(row, path.stem))
        except ValueError as error:
            id = row.get("id") if isinstance(row, dict) else None
            raise ValueError(f"{path.name}, {id or f'question {number}'}: {error}") from None
    return questions
