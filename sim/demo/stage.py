"""The stage of a live demo: a question in large type, a prediction, a run in motion, and then what came of it."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as w

from sim.demo import keep, wording
from sim.demo.door import Door
from sim.demo.link import VIEWS, State, read
from sim.demo.rehearsal import panel_of
from sim.demo.subject import START, Subject, in_words, subject_named, subjects
from sim.demo.verdict import SAME, judge, question, tally
from sim.scenarios import story_named
from sim.widgets import panel_html
from sim.widgets.live_panel import close_all, empty
from sim.widgets.panel_widget import Panel
from sim.widgets.turns import button, on_change

KEY = "SIM_DEMO_KEY"
"""The variable with the presenter's key; where there is none, whoever comes to this machine's own address presents."""

AS_ASKED, OWN = "as asked", "the story’s own size"


class Stage(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A page's widget.  It is empty until the page says by which link it was opened.

    Only then is it known who looks on: for a candidate the presenter's notes are never made, so that nothing of them
    can reach the page.  Every part is an attribute, so that a program can press what a person presses.
    """

    panel: Panel

    def __init__(self, start: str = START) -> None:
        self._start, self._complaints = start, ()
        self.door = Door(self._open)
        self._quiet = False
        super().__init__([self.door])
        self.add_class("sim-stage")

    # What a page opens

    def _open(self, search: str) -> None:
        link = read(search, self._start)
        view = link.view if _presents(link.key) else VIEWS[1]
        self.presents = view == VIEWS[0]
        self.picker = w.Dropdown(
            options=[(one.title, one.name) for one in subjects().values()], value=link.state.subject.name,
            description="question", style={"description_width": "auto"},
        )  # fmt: skip
        self.following = button("Next", self._next, "the question after this one", icon="arrow-right")
        self.prompt, self.complaints, self.asked, self.verdict = w.HTML(), w.HTML(), w.HTML(), w.HTML()
        self.predict = w.HBox()
        self.run = button("Run", self._run, "run both, and play their requests", icon="play", style="primary")
        self.reveal = button("Reveal", self._reveal, "the table, the chart, and who was right", icon="eye")
        self.left, self.right = w.VBox(), w.VBox()
        boards = [self.left, self.right]
        top = [self.picker, self.following]
        if self.presents:
            self.notes = w.VBox()
            self.notes_wanted = w.ToggleButton(description="Notes", icon="list", tooltip="the rubric; for you alone")
            self.notes_wanted.layout.width = "auto"
            on_change(self.notes_wanted, lambda _: self._show_notes())
            self.notes.add_class("sim-notes")
            boards.append(self.notes)
            top.append(self.notes_wanted)
        self.boards = _classed(w.Box(boards), "sim-boards")
        self.left.add_class("sim-left")
        self.right.add_class("sim-right")
        bar = _classed(w.HBox([self.asked, self.predict, self.run, self.reveal]), "sim-bar")
        on_change(self.picker, lambda _: self._pick())
        self.complaints.value = wording.complaints(link.complaints)
        self._set_up(link.state)
        self.children = [
            _classed(w.HBox([*top, self.door]), "sim-top"), w.HTML(panel_html.STYLE),
            self.complaints, self.prompt, bar, self.boards,
        ]  # fmt: skip
        self.door.save = lambda: keep.packed(self.state, self.panel)
        self.door.view = view

    # The state

    @property
    def state(self) -> State:
        """As the demo is set now."""
        started = self._known[AS_ASKED]
        knobs = {name: control.value for name, control in self.panel.knobs.items()}
        return State(
            subject=self.subject,
            knobs={name: value for name, value in knobs.items() if value != started[name]},
            policies=self.pair,
            seed=self.panel.seed.value,
            seeds=self.panel.seeds.value,
            chart="" if self.panel.chart.value == self._chart else self.panel.chart.value,
        )

    @property
    def pair(self) -> tuple[str, str]:
        """The policies A and B."""
        return self.one.value, self.other.value

    def _set_up(self, state: State) -> None:
        """Show *state*, with nothing run and nothing predicted."""
        self.subject = subject = state.subject
        self._quiet = True
        self.picker.value = subject.name
        self.prompt.value = wording.prompt(subject)
        self.one, self.other = (
            _choice(letter, subject, name) for letter, name in zip("AB", state.policies, strict=True)
        )
        for choice in (self.one, self.other):
            on_change(choice, self._paired)
        figures = dict.fromkeys((subject.demo.figure, *subject.figures))
        self.figure = w.Dropdown(options=[(in_words(one), one) for one in figures], description="predict", **_short())
        on_change(self.figure, lambda _: self._ask())
        self._make_panel(state)
        self._quiet = False
        if self.presents:
            self._show_notes()

    def _make_panel(self, state: State) -> None:
        """A fresh panel for *state*, which has not run."""
        made = panel_of(state)
        self._chart = "figures" if made.scenario.figures else "load"
        before = getattr(self, "panel", None)
        self.panel = made
        made.when_shown(self._shown)
        for part in (made.seed, made.seeds, made.chart):
            on_change(part, lambda _: self._tell_door())
        for control in made.knobs.values():
            control.on_turn(self._turned)
        self._known = self._known_presets()
        self.presets = {
            name: button(name, self._preset(knobs), ", ".join(f"{knob} = {value}" for knob, value in knobs.items()))
            for name, knobs in self._known.items()
        }
        self._mark_preset()
        gone = self.left.children
        self.left.children = [
            _classed(w.HBox(list(self.presets.values())), "sim-presets"), self.one, self.other, self.figure,
            *(control.widget for control in made.knobs.values()), made.seed, made.seeds, made.chart,
        ]  # fmt: skip
        self.right.children = [self.verdict, made.message, made.motion, made.table, made.picture_html, made.code]
        if before is not None:
            close_all(before, *gone)
        self._begin()

    def _begin(self) -> None:
        """Choose A and B; nothing has been run, predicted or revealed."""
        self.panel.choose(self.pair)
        self.panel.at_once.value = self._begins = self.revealed = False
        self._cover()
        self._ask()
        self._tell_door()

    def _known_presets(self) -> dict[str, Mapping[str, Any]]:
        started, own = self.subject.knobs, dict(story_named(self.subject.scenario)().knobs)
        known: dict[str, Mapping[str, Any]] = {AS_ASKED: started}
        known |= {name: {**started, **knobs} for name, knobs in self.subject.demo.presets.items()}
        return known if own == started else {**known, OWN: own}

    # What its buttons do

    def _pick(self) -> None:
        if not self._quiet:
            self.complaints.value = ""
            self._set_up(State.of(subject_named(self.picker.value)))

    def _next(self) -> None:
        names = list(subjects())
        self.picker.value = names[(names.index(self.subject.name) + 1) % len(names)]

    def _paired(self, change: Any) -> None:
        if self._quiet:
            return
        self._quiet = True
        if self.one.value == self.other.value:  # who takes the other's policy gives the own for it
            (self.other if change.owner is self.one else self.one).value = change.old
        self._quiet = False
        self._begin()

    def _preset(self, knobs: Mapping[str, Any]) -> Callable[[], None]:
        def press() -> None:
            self.panel.set(knobs)
            self._turned()
            if self.panel.at_once.value:
                self.panel.run.click()

        return press

    def _turned(self) -> None:
        self._mark_preset()
        self._tell_door()

    def _ask(self) -> None:
        """Ask for a prediction anew."""
        figure = self.figure.value
        self.asked.value = wording.line(question(figure), "strong")
        self.votes = dict.fromkeys((*self.pair, SAME), 0)
        self.choices = {name: button(name or "no difference", self._vote(name), "a vote") for name in self.votes}
        empty(self.predict)
        self.predict.children = list(self.choices.values())
        if self.revealed:
            self._judge()

    def _vote(self, name: str) -> Callable[[], None]:
        def press() -> None:
            self.votes[name] += 1
            self.choices[name].description = f"{name or 'no difference'} · {self.votes[name]}"

        return press

    def _run(self) -> None:
        self.panel.at_once.value = self._begins = True
        self.panel.run.click()

    def _shown(self) -> None:
        """Something new was run."""
        if self._begins and self.panel.player is not None:
            self._begins = False
            self.panel.player.begin()
        self.reveal.disabled = self.revealed
        if self.revealed:
            self._judge()

    def _reveal(self) -> None:
        self.revealed = True
        self._judge()
        self._cover()

    def _judge(self) -> None:
        found = judge(self.panel.compared, self.pair, self.figure.value)
        self.verdict.value = wording.verdict(found.sentence, tally(self.votes, found.winner))

    def _cover(self) -> None:
        """Keep the table and the chart back until they are revealed."""
        for part in (self.verdict, self.panel.table, self.panel.picture_html, self.panel.code):
            part.layout.display = None if self.revealed else "none"
        self.reveal.disabled = True

    def _show_notes(self) -> None:
        wanted = self.notes_wanted.value
        self.notes.children = [w.HTML(wording.notes(self.subject))] if wanted else []
        (self.boards.add_class if wanted else self.boards.remove_class)("with-notes")

    def _mark_preset(self) -> None:
        try:
            now = {name: control.value for name, control in self.panel.knobs.items()}
        except ValueError:  # a number that is being written
            return
        for name, knobs in self._known.items():
            self.presets[name].button_style = "info" if dict(knobs) == now else ""

    def _tell_door(self) -> None:
        try:
            self.door.query = self.state.query()
        except ValueError:  # as above
            return


def _presents(key: str) -> bool:
    """Whether *key* opens the presenter's view; where none is wanted, any does."""
    return hmac.compare_digest(key.encode(), os.environ.get(KEY, key).encode())


def _classed(box: w.Box, name: str) -> w.Box:
    box.add_class(name)
    return box


def _choice(letter: str, subject: Subject, value: str) -> w.Dropdown:
    return w.Dropdown(options=list(subject.policies), value=value, description=letter, **_short())


def _short() -> dict[str, Any]:
    return {"style": {"description_width": "108px"}, "layout": w.Layout(width="auto")}
