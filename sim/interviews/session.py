"""What happens in an interview: which questions come, what was said to each, and the summary of it all as Markdown."""

from __future__ import annotations

from pathlib import Path
from random import Random

import attrs

from sim import questions
from sim.questions import Question

NAME = "interview"
"""What a saved summary is called, before its number."""
MOST_FILES = 1_000


@attrs.define
class Round:
    """One question of an interview.

    *seconds*: spent on it.  *notes*: the candidate's.  *told*: the numbers of the points that were made.  *fell*: those
    of the traps that were stepped into.  *revealed*: whether the rubric was looked at.
    """

    question: Question
    notes: str = ""
    seconds: float = 0.0
    told: set[int] = attrs.field(factory=set)
    fell: set[int] = attrs.field(factory=set)
    revealed: bool = False


class Session:
    """The *rounds* of an interview, the first one begun with *first*."""

    def __init__(self, first: Question) -> None:
        self.rounds = [Round(first)]

    @property
    def now(self) -> Round:
        """The round that is going on."""
        return self.rounds[-1]

    def next(self, seed: int = 0, *, topic: str | None = None, level: str | None = None) -> Round:
        """Begin a round with a question of a topic and a level, None is any, that was not asked yet.

        The *seed* puts the questions in an order; the same seed asks the same ones again.

        Raises: `ValueError` as `sim.questions.every`, and when every question was asked.
        """
        chosen = questions.every(topic=topic, level=level)
        asked = {one.question.id for one in self.rounds}
        left = [one for one in Random(seed).sample(chosen, len(chosen)) if one.id not in asked]
        if not left:
            which = " ".join(part for part in (level, topic and topic.replace("_", " ")) if part)
            raise ValueError(f"every {which} question has been asked".replace("  ", " "))
        self.rounds.append(Round(left[0]))
        return self.now

    def markdown(self) -> str:
        """The summary: what was asked, how long it took, the notes, and what of the rubric was said."""
        lines = ["# Mock interview", ""]
        rated = [one for one in self.rounds if one.revealed]
        lines += [
            f"{_count(len(self.rounds), 'question')}, {_time(sum(one.seconds for one in self.rounds))}"
            + (f", {_told(rated)} of {_points(rated)} points made." if rated else ", no rubric looked at.")
        ]
        for one in self.rounds:
            lines += ["", *_round(one)]
        return "\n".join(lines) + "\n"


def save(text: str, folder: Path) -> Path:
    """Write *text* into a new file of the *folder*, `interview.md` or the next number, and say which; none is changed.

    Raises: `OSError` when the folder cannot be written, `ValueError` when it holds a thousand of them.
    """
    for number in range(1, MOST_FILES + 1):
        path = folder / (f"{NAME}.md" if number == 1 else f"{NAME}-{number}.md")
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue
        return path
    raise ValueError(f"the folder must hold fewer than {MOST_FILES:,} saved interviews; move some away")


def _round(one: Round) -> list[str]:
    question = one.question
    lines = [f"## {question.id} · {question.topic.replace('_', ' ')} · {question.level}", "", f"> {question.prompt}"]
    lines += ["", f"Time: {_time(one.seconds)}."]
    if one.notes.strip():
        # Indented, because notes may hold whatever Markdown takes for its own.
        lines += ["", "Notes:", "", *(f"    {line}".rstrip() for line in one.notes.strip().splitlines())]
    if not one.revealed:
        return [*lines, "", "The rubric was not looked at."]
    lines += ["", f"Points made, {len(one.told)} of {len(question.points)}:", ""]
    lines += [f"- [{'x' if number in one.told else ' '}] {text}" for number, text in enumerate(question.points)]
    if one.fell:
        lines += ["", "Traps stepped into:", "", *(f"- {question.traps[number]}" for number in sorted(one.fell))]
    notebook, _, _ = question.notebook.partition("#")
    lines += ["", "To go on:", "", f"- the lesson: `notebooks/{notebook}.ipynb`", f"- `sim run {question.scenario}`"]
    return [*lines, f"- `sim claims {' '.join(question.claims)}`"]


def _told(rounds: list[Round]) -> int:
    return sum(len(one.told) for one in rounds)


def _points(rounds: list[Round]) -> int:
    return sum(len(one.question.points) for one in rounds)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _time(seconds: float) -> str:
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"
