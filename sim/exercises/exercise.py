"""An exercise: what is to be written, its hints, and the checks that judge it by what comes of it.

A check is a function of an answer and a seed.  It plugs the answer into the simulator, and either returns what it
measured, or raises `Failed` with a counterexample.  It never looks at the answer's text.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import attrs

_IDENT = re.compile(r"(0[1-9])-[a-z]+(-[a-z]+)*")


class Kind(enum.StrEnum):
    """What is asked for."""

    IMPLEMENT = "implement"
    PREDICT = "predict"
    REPAIR = "repair"
    TUNE = "tune"


class Judged(BaseException):
    """A verdict on its way to the judge.  It passes through the simulator, which blames any `Exception` on a policy."""


class Failed(Judged):
    """The answer is wrong.  *sentence*: a counterexample that names the misconception.  *timeline*: lines of it."""

    def __init__(self, sentence: str, timeline: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.sentence, self.timeline = sentence, tuple(timeline)


class Unclear(Judged):
    """The judge could not tell, and this is why; it is not the answer's fault."""


class Missing(Judged):
    """There is no answer yet: the stub stands as it was given."""


class NoMethodError(AttributeError):
    """The learner's object lacks a method.  The simulator may ask for it; the judge says that it is not there."""


class Answer(Protocol):
    """What a learner wrote, wherever it lives."""

    def make(self, *arguments: Any) -> Any:
        """A fresh object of the learner's class; with a function, what it returns.

        Raises: `Failed` when the learner's code raises, `Missing` for a stub.
        """

    def value(self) -> Any:
        """The learner's value itself."""


Try: TypeAlias = Callable[[Answer, int], str]
"""Judges an answer with a seed: returns what was measured, in a few words.  Raises: `Failed`, `Unclear`, `Missing`."""


@attrs.frozen(kw_only=True)
class Check:
    """One thing that must hold.  *says*: as it stands in the report.  *seeds*: with how many it is tried."""

    says: str
    tries: Try
    points: int = 1
    seeds: int = 1


def check(says: str, *, points: int = 1, seeds: int = 1) -> Callable[[Try], Check]:
    """Make a `Check` of a function."""
    return lambda tries: Check(says=says, tries=tries, points=points, seeds=seeds)


@attrs.frozen(kw_only=True)
class Exercise:
    """One exercise.

    *id*: "08-token-bucket", the number of its notebook first.  *answer*: the name that the learner defines.  *story*:
    Markdown.  *stub*: the answer cell as it is given; it runs, and fails with a helpful sentence.  *hints*: three, each
    telling more.  *lesson*: the notebook and heading that teach it.

    Raises: `ValueError`, one sentence, for what is none of that.
    """

    id: str
    title: str
    kind: Kind
    answer: str
    story: str
    stub: str
    hints: tuple[str, str, str]
    lesson: str
    checks: tuple[Check, ...]

    def __attrs_post_init__(self) -> None:
        if _IDENT.fullmatch(self.id) is None:
            raise ValueError(f"id must look like 08-token-bucket, got {self.id!r}")
        if self.answer not in self.stub:
            raise ValueError(f"the stub of {self.id} must define {self.answer}")
        if len(self.hints) != 3 or not all(self.hints):
            raise ValueError(f"hints of {self.id} must be three texts, got {len(self.hints)}")
        if not self.checks:
            raise ValueError(f"checks of {self.id} must hold at least one")

    @property
    def points(self) -> int:
        """What it is worth."""
        return sum(one.points for one in self.checks)

    @property
    def topic(self) -> str:
        """The number of its notebook."""
        return self.id[:2]
