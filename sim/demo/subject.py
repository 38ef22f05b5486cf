"""What a demo can be about: every question of the bank, and every scenario that no question asks about."""

from __future__ import annotations

from functools import cache
from typing import Any

import attrs

from sim import questions
from sim.metrics import SUMMARY, TITLES
from sim.policies.catalog import RETRIES, unknown
from sim.questions import Demo, Question
from sim.scenarios import stories, story_named

START = "webhooks-6"
"""Where a demo begins that nobody gave a scenario: clients in step, with and without jitter."""


@attrs.frozen
class Subject:
    """A question with its scenario, or a scenario alone.  *name*: the question's id, or the scenario's name."""

    name: str
    scenario: str
    question: Question | None = None

    @property
    def title(self) -> str:
        """As a list of subjects has it."""
        if self.question is None:
            return f"{self.name} · a scenario without a question"
        return f"{self.name} · {self.question.topic.replace('_', ' ')} · {self.question.level} · {self.scenario}"

    @property
    def prompt(self) -> str:
        """What is asked; of a scenario alone, what it is about."""
        if self.question is not None:
            return self.question.prompt
        return (story_named(self.scenario).__doc__ or self.scenario).partition("\n")[0]

    @property
    def knobs(self) -> dict[str, Any]:
        """All knobs of the scenario, as the demo starts."""
        asked = {} if self.question is None else self.question.knobs
        return dict(story_named(self.scenario)(**asked).knobs)

    @property
    def policies(self) -> tuple[str, ...]:
        """What can be A or B: the story's own, and where these are policies of clients, all others of the catalogue."""
        world = story_named(self.scenario)()
        return tuple(dict.fromkeys((*world.policies, *(() if world.contestants else RETRIES))))

    @property
    def demo(self) -> Demo:
        """What is compared at first; where nobody has said so, the first policy and the last of the story's own."""
        if self.question is not None and self.question.demo is not None:
            return self.question.demo
        world = story_named(self.scenario)()
        first, *others = world.policies
        figure = next((one for one in world.columns if one in world.figures), "ok")
        return Demo(
            policies=(first, others[-1] if others else next(one for one in RETRIES if one != first)), figure=figure
        )

    @property
    def figures(self) -> tuple[str, ...]:
        """What the audience can be asked about."""
        return (*story_named(self.scenario)().figures, *SUMMARY)


def in_words(figure: str) -> str:
    """A figure's name as it is read."""
    return TITLES.get(figure, figure.replace("_", " "))


@cache
def subjects() -> dict[str, Subject]:
    """All of them by name: the questions in the bank's order, then the scenarios that none of them runs."""
    asked = [Subject(one.id, one.scenario, one) for one in questions.every()]
    taken = {one.scenario for one in asked}
    alone = [Subject(name, name) for name in stories() if name not in taken]
    return {one.name: one for one in (*asked, *alone)}


def subject_named(name: str) -> Subject:
    """The question called *name*, the scenario, or the first question about that scenario; case does not matter.

    Raises: `ValueError` with the near names when there is none.
    """
    known, wanted = subjects(), name.strip().lower()
    for one in known.values():
        if one.name.lower() == wanted:
            return one
    for one in known.values():
        if one.scenario == wanted:
            return one
    told = unknown("question or scenario", name, [*known, *stories()]).partition("; known: ")[0]
    raise ValueError(told if "did you mean" in told else f"{told}; `sim list` has the scenarios, `sim ask` a question")
