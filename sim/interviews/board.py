"""The interview as a panel: the question, a clock, notes, the scenario on demand, the rubric when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ipywidgets as w
from matplotlib.figure import Figure

from sim import questions
from sim.interviews import page, picture
from sim.interviews.session import Session, save
from sim.interviews.timer import Timer
from sim.questions import Question
from sim.widgets.live_panel import LivePanel, empty
from sim.widgets.panel import panel
from sim.widgets.turns import button, on_change

ANY = "any"
BEGIN = "take a moment, start the clock, and begin to speak"


def interview(
    question: str | None = None,
    *,
    topic: str | None = None,
    level: str | None = None,
    seed: int = 0,
    minutes: float = 10.0,
) -> Interview:
    """A mock interview that begins with *question*, "Q-09" or the like, or with one that is drawn.

    *topic*, *level*: what is drawn from, None is all.  *seed*: the same one asks the same questions in the same order.
    *minutes*: for one question; the clock only tells, it stops nobody.

    Raises: `ValueError`, one sentence, for a question, a topic or a level that is not there, or minutes that are not
    above 0 and at most 600.
    """
    if isinstance(minutes, bool) or not isinstance(minutes, int | float) or not 0 < minutes <= 600:
        raise ValueError(f"minutes must be above 0 and at most 600, got {minutes!r}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed must be a whole number from 0 on, got {seed!r}")
    drawn = questions.draw(seed, topic=topic, level=level) if question is None else questions.named(question)
    return Interview(drawn, topic=topic, level=level, seed=seed, minutes=minutes)


class Interview(LivePanel):
    """The panel; every part of it is an attribute, so that a program can press what a person presses.

    *session*: what has happened so far.  *points*, *traps*: the boxes of the rubric, none before it is revealed.
    """

    def __init__(self, first: Question, *, topic: str | None, level: str | None, seed: int, minutes: float) -> None:
        self.session, self.folder = Session(first), Path()
        self.points: tuple[w.Checkbox, ...] = ()
        self.traps: tuple[w.Checkbox, ...] = ()
        self.timer = Timer(minutes=float(minutes))
        self.topic = _choice("topic", [ANY, *questions.topics()], topic)
        self.level = _choice("level", [ANY, *questions.LEVELS], level)
        self.seed = w.BoundedIntText(
            value=seed, min=0, max=10**9, description="seed", layout=w.Layout(width="150px"),
            style={"description_width": "auto"}, tooltip="the same seed asks the same questions in the same order",
        )  # fmt: skip
        self.following = button("Next question", self._next, "one that was not asked yet", icon="random")
        self.notes = w.Textarea(
            placeholder="your notes, or what the candidate says", layout=w.Layout(width="100%", height="110px")
        )
        self.notes.add_class("sim-notes")
        self.try_it = button("Open the scenario", self._open, "a slider for each what-if", icon="sliders")
        self.reveal = button("Reveal the rubric", self._reveal, "what a strong answer says", icon="eye")
        self.keep = button("Save summary", self._save, "as a new Markdown file beside this notebook", icon="save")
        self.prompt, self.message = w.HTML(), w.HTML()
        self.scenario, self.rubric = w.VBox(), w.VBox()
        super().__init__([
            w.HTML(page.STYLE),
            _line(self.topic, self.level, self.seed, self.following),
            self.prompt,
            _line(self.timer, self.try_it, self.reveal, self.keep),
            self.message, self.notes, self.rubric, self.scenario,
        ])  # fmt: skip
        self._ask()

    def summary(self) -> str:
        """The interview so far, as Markdown."""
        self._note_down()
        return self.session.markdown()

    def sentence(self) -> str:
        """Which question is asked, and that the rubric is hidden, or how many points were made."""
        now = self.session.now
        state = f"{len(now.told)} of {len(now.question.points)} points made" if now.revealed else "the rubric is hidden"
        return f"mock interview, {now.question.id}: {now.question.prompt} ({state})"

    def picture(self) -> Figure:
        """The question alone."""
        return picture.draw(self.session.now.question, self.sentence())

    # What its buttons do

    def _ask(self) -> None:
        self.points = self.traps = ()
        for place in (self.rubric, self.scenario):  # first, so that no rubric is ever seen below another question
            empty(place)
        self.prompt.value = page.asked(self.session.now.question, len(self.session.rounds))
        self.notes.value = ""
        self.timer.reset()
        for one in (self.try_it, self.reveal):
            one.disabled = False
        self._say(BEGIN, "→")

    def _next(self) -> None:
        def act() -> str:
            self._note_down()
            topic, level = (None if one.value == ANY else one.value for one in (self.topic, self.level))
            self.session.next(self.seed.value, topic=topic, level=level)
            self._ask()
            return BEGIN

        self._act(act)

    def _open(self) -> None:
        def act() -> str:
            question = self.session.now.question
            self._say(f"running {question.scenario} …", "⏳")
            shown = panel(question.scenario, **question.knobs)
            empty(self.scenario)
            self.scenario.children = [shown]
            self.try_it.disabled = True
            return f"{question.scenario}: turn a knob, and the table follows"

        self._act(act)

    def _reveal(self) -> None:
        def act() -> str:
            now = self.session.now
            now.revealed = True
            self.points, self.traps = _ticks(now.question.points), _ticks(now.question.traps)
            for box in (*self.points, *self.traps):
                on_change(box, lambda _: self._ticked())
            self.rubric.children = [
                w.HTML(page.heading("A strong answer says: tick what was said")), *self.points,
                w.HTML(page.heading("Traps: tick what was stepped into")), *self.traps,
                w.HTML(page.follow_ups(now.question)), w.HTML(page.where(now.question)),
            ]  # fmt: skip
            self.reveal.disabled = True
            return f"{len(self.points)} points to tick"

        self._act(act)

    def _ticked(self) -> None:
        self._note_down()
        now = self.session.now
        self._say(f"{len(now.told)} of {len(self.points)} points made, {len(now.fell)} traps", "✓")

    def _save(self) -> None:
        self._act(lambda: f"saved as {save(self.summary(), self.folder).name}, beside this notebook")

    def _note_down(self) -> None:
        now = self.session.now
        now.notes, now.seconds = self.notes.value, self.timer.seconds
        now.told = {number for number, box in enumerate(self.points) if box.value}
        now.fell = {number for number, box in enumerate(self.traps) if box.value}

    def _act(self, act: Callable[[], str]) -> None:
        try:
            said, sign = act(), "✓"
        except (ValueError, OSError) as error:  # a person's choice, or a folder that is not to be written
            said, sign = str(error), "✗ not done:"
        self._say(said, sign)

    def _say(self, said: str, sign: str) -> None:
        self.message.value = page.message(said, sign)


def _choice(name: str, options: list[str], chosen: str | None) -> w.Dropdown:
    value = ANY if chosen is None else chosen.strip().lower().replace("-", "_")
    return w.Dropdown(
        options=[(one.replace("_", " "), one) for one in options], value=value, description=name,
        layout=w.Layout(width="auto"), style={"description_width": "auto"},
    )  # fmt: skip


def _ticks(texts: tuple[str, ...]) -> tuple[w.Checkbox, ...]:
    boxes = tuple(
        w.Checkbox(
            description=one, description_allow_html=False, indent=False, layout=w.Layout(width="100%", height="auto")
        )
        for one in texts
    )
    for box in boxes:
        box.add_class("sim-tick")
    return boxes


def _line(*parts: w.Widget) -> w.HBox:
    return w.HBox(parts, layout=w.Layout(flex_flow="row wrap", align_items="center"))
