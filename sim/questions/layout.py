"""A question as plain text, for the terminal and for notebooks."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from sim.questions.bank import named
from sim.questions.question import Question

WIDTH = 100


def show(id: str, answer: bool = False) -> None:
    """Print a question as an interviewer says it; *answer*: and what a strong answer says, and where to run it.

    Raises: `ValueError` with the near names when there is no such question.
    """
    print(text(named(id), answer=answer))


def text(question: Question, *, answer: bool = False) -> str:
    """What `show` prints: at most 100 columns, the same at every call."""
    lines = [
        f"{question.id} · {question.topic.replace('_', ' ')} · {question.level}",
        "",
        *_wrapped(f'"{question.prompt}"', "  "),
    ]
    if answer:
        for name, rows in (
            ("What it tests", [question.tests]),
            ("A strong answer", question.points),
            ("Follow-ups", question.follow_ups),
            ("Traps", question.traps),
        ):
            lines += ["", name, *_listed(rows)]
        lines += ["", "Run it", *_commands(question)]
    return "\n".join(lines)


def _listed(rows: Iterable[str]) -> list[str]:
    return [line for row in rows for line in _wrapped(row, "  - ", "    ")]


def _commands(question: Question) -> list[str]:
    notebook, _, heading = question.notebook.partition("#")
    rows = [
        ("the lesson", f"notebooks/{notebook}.ipynb#{heading}"),
        ("the scenario", f"sim run {question.scenario}"),
        ("the claims", f"sim claims {' '.join(question.claims)}"),
        ("the exercise", question.exercise),
    ]
    return [f"  {name:12}  {how}" for name, how in rows if how]


def _wrapped(words: str, first: str, other: str | None = None) -> list[str]:
    return textwrap.wrap(
        words, WIDTH, initial_indent=first, subsequent_indent=first if other is None else other,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
