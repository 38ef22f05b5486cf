"""A slider panel made from the knobs of a story: turn one, and the table and the chart follow."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import ipywidgets as w
from matplotlib.figure import Figure

from sim import charts
from sim.errors import SimError
from sim.experiment import Comparison, compare
from sim.knobs import Knob, check_arguments, knobs_of
from sim.metrics import TITLES
from sim.policies.catalog import unknown
from sim.scenario import Scenario
from sim.scenarios import story_named
from sim.widgets import panel_html, panel_picture
from sim.widgets.controls import LABEL, Control, filling, with_help
from sim.widgets.live_panel import LivePanel

if TYPE_CHECKING:
    import pandas

CHARTS: Mapping[str, Callable[[Comparison], Figure]] = {
    "figures": charts.figures, "load": charts.load, "outcomes": charts.outcomes, "latency": charts.latency,
}  # fmt: skip
"""What a panel can draw: the story's own figures, the load over time, how calls ended, and how late they did."""
MOST_SEEDS = 20

_TITLES = {"figures": "its own figures", "load": "load over time", "outcomes": "how calls end", "latency": "latency"}


def panel(
    scenario: Scenario | Callable[..., Scenario] | str,
    *,
    policies: Iterable[str] | Mapping[str, Any] | None = None,
    seeds: int = 1,
    chart: str | Callable[[Comparison], Figure] | None = None,
    **knobs: Any,
) -> Panel:
    """Sliders for the knobs of a story, with the comparison of its policies below them.

    *scenario*: a story function, its name, or the scenario that one has made, whose knobs are where the sliders start.
    *policies*: which can be compared, names or a mapping from names to objects of yours; None is the story's own.
    *seeds*: how many at first, 1 to 20.  *chart*: a name of `CHARTS`, or a function from a comparison to a figure; None
    is the story's own figures, or the load over time where it has none.  *knobs*: where sliders start.

    The first table and chart are there when this returns.

    Raises: `TypeError` or `ValueError`, one sentence, for what it cannot start with.
    """
    story, values = _story(scenario)
    known = knobs_of(story)
    for name in knobs:
        if name not in known:
            raise ValueError(unknown(f"knob of {story().name}", name, list(known)))
    started = check_arguments(story, {**values, **knobs})
    world = story(**started)
    names = world.policies if policies is None else [policies] if isinstance(policies, str) else policies
    entries = dict(names) if isinstance(names, Mapping) else {name: name for name in names}
    if not entries:
        raise ValueError("policies must hold at least one policy, got none")
    if isinstance(seeds, bool) or not isinstance(seeds, int) or not 1 <= seeds <= MOST_SEEDS:
        raise ValueError(f"seeds must be a whole number from 1 to {MOST_SEEDS}, got {seeds!r}")
    drawings = _drawings(world, chart)
    own = policies is None
    return Panel(story, {name: known[name] for name in started}, started, entries, seeds, drawings, own=own)


class Panel(LivePanel):
    """The panel; every part of it is an attribute, so that a program can turn what a person turns.

    *knobs*: a `Control` for each knob, by name.  *policies*: a checkbox for each policy.  *compared*: what is shown.
    """

    compared: Comparison

    def __init__(
        self,
        story: Callable[..., Scenario],
        declared: Mapping[str, Knob],
        started: Mapping[str, Any],
        entries: Mapping[str, Any],
        seeds: int,
        drawings: Mapping[str, tuple[str, Callable[[Comparison], Figure]]],
        *,
        own: bool,
    ) -> None:
        self._story, self._entries, self._drawings, self._own = story, entries, drawings, own
        self._started, self._quiet = (dict(started), seeds), False
        self.knobs = {name: Control(knob, started[name]) for name, knob in declared.items()}
        self.policies = {name: _check(name) for name in entries}
        self.seeds = w.IntSlider(
            value=seeds, min=1, max=MOST_SEEDS, description="seeds", continuous_update=False,
            style={"description_width": LABEL}, layout=filling(),
        )  # fmt: skip
        self.chart = w.Dropdown(
            options=[(title, name) for name, (title, _) in drawings.items()], description="chart",
            style={"description_width": LABEL}, layout=filling(),
        )  # fmt: skip
        self.at_once = w.Checkbox(
            value=True, description="run at every change", indent=False, layout=w.Layout(width="170px"),
            tooltip="switch it off to turn several knobs first, and press Run then",
        )  # fmt: skip
        self.run = _button("Run", self.rerun, "run the story as its knobs are set", icon="play", style="primary")
        self.reset = _button("Reset", self._reset, "turn every knob back to where it started", icon="undo")
        self.message, self.table, self.picture_html, self.code = w.HTML(), w.HTML(), w.HTML(), w.HTML()
        self._compare()
        for control in self.knobs.values():
            control.observe(self._turned)
        for part in (*self.policies.values(), self.seeds):
            part.observe(lambda _: self._turned(), "value")
        self.chart.observe(lambda _: self._act(self._draw), "value")
        settings = [
            *(control.widget for control in self.knobs.values()),
            with_help([self.seeds, _space()], "runs of each; from two on with 95 % intervals"),
            with_help([self.chart, _space()], "what is drawn below the table"),
        ]
        grid = w.Layout(grid_template_columns="repeat(auto-fill, minmax(390px, 1fr))", grid_gap="2px 8px")
        super().__init__([
            w.HTML(panel_html.STYLE),
            w.HTML(panel_html.heading(self.compared.scenario.name, (story.__doc__ or "").partition("\n")[0])),
            w.GridBox(settings, layout=grid),
            _line(self._what, *self.policies.values()),
            _line("", self.run, self.reset, self.at_once),
            self.message, self.table, self.picture_html, self.code,
        ])  # fmt: skip

    def turn(self, **values: Any) -> None:
        """Turn several knobs, and run once; what does not fit is told as for a person, below the buttons."""

        def act() -> None:
            for name, value in values.items():
                if name not in self.knobs:
                    raise ValueError(unknown(f"knob of {self.compared.scenario.name}", name, list(self.knobs)))
                self.knobs[name].knob.check(value)
            self._quiet = True
            try:
                for name, value in values.items():
                    self.knobs[name].value = value
            finally:
                self._quiet = False
            self._compare()

        self._act(act)

    def rerun(self) -> None:
        """Run the story as its knobs are set, and show the table and the chart."""
        self.run.disabled = True  # a second press must not wait in line behind this one
        self._act(self._compare)
        self.run.disabled = False

    def sentence(self) -> str:
        """What was compared, and what the chart shows of it."""
        changed = ", ".join(f"{name} = {value}" for name, value in self._changed().items())
        which = "seed 0" if len(self.compared.seeds) == 1 else f"{len(self.compared.seeds)} seeds"
        world = f"{self.compared.scenario.name}{f' with {changed}' if changed else ''}"
        return f"panel of {world}, {which}: {charts.alt(self._figure)}"

    def picture(self) -> Figure:
        """The knobs as they are set, the table and the chart."""
        shown = self.compared.scenario.knobs
        knobs = [(one.knob, shown[name], one.share(shown[name])) for name, one in self.knobs.items()]
        return panel_picture.draw(self.compared.scenario.name, knobs, self._frame(), self._figure)

    # What turning does

    def _turned(self) -> None:
        if self._quiet:
            return
        if self.at_once.value:
            self.rerun()
        else:
            self._say("the knobs have changed: press Run", "…")
            self._show(old=True)

    def _reset(self) -> None:
        self._quiet = True
        knobs, self.seeds.value = self._started
        for name, value in knobs.items():
            self.knobs[name].value = value
        for box in self.policies.values():
            box.value = True
        self._quiet = False
        self.rerun()

    def _act(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # a learner's own policy may raise anything; a panel has no place for a traceback
            self._say(f"{_sentence(error)}; what is shown is from before", "✗ not run:")
            self._show(old=True)

    def _compare(self) -> None:
        values = {name: control.value for name, control in self.knobs.items()}
        chosen = {name: self._entries[name] for name, box in self.policies.items() if box.value}
        if not chosen:
            raise ValueError("choose at least one policy")
        world = self._story(**values)
        count, done = len(chosen) * self.seeds.value, 0

        def progress() -> None:
            nonlocal done
            done += 1
            self._say(f"running, {done} of {count} …" if done < count else "drawing …", "⏳")

        self._say(f"running, 0 of {count} …", "⏳")
        compared = compare(world, chosen, seeds=range(self.seeds.value), progress=progress)
        self._draw(compared)

    def _draw(self, compared: Comparison | None = None) -> None:
        compared = self.compared if compared is None else compared
        figure = self._drawings[self.chart.value][1](compared)
        if not isinstance(figure, Figure):
            raise TypeError(f"a chart must be a matplotlib Figure, got {figure!r}")
        self.compared, self._figure = compared, figure
        self._show()
        calls = compared.estimate(next(iter(compared.figures)), "calls").mean
        which = (
            f"each of {len(compared.figures)} {self._what}"
            if len(compared.figures) > 1
            else next(iter(compared.figures))
        )
        self._say(f"{calls:,.0f} calls with {which}", "✓")

    def _show(self, *, old: bool = False) -> None:
        picture = io.BytesIO()
        self._figure.savefig(picture, format="png", dpi=130, metadata={"Software": None})
        chosen: dict[str, Any] | None = {name: self._entries[name] for name in self.compared.figures}
        if self._own and chosen == self._entries:
            chosen = None
        name, seeds = self.compared.scenario.name, len(self.compared.seeds)
        self.table.value = panel_html.table(self._frame(), old=old)
        self.picture_html.value = panel_html.chart(picture.getvalue(), charts.alt(self._figure), old=old)
        self.code.value = panel_html.code(panel_html.in_code(name, self._changed(), chosen, seeds))

    def _frame(self) -> pandas.DataFrame:
        """The table: the story's own columns, or the usual ones, by their names in words."""
        columns = self.compared.scenario.columns or tuple(TITLES)
        return self.compared.table(*columns).rename(columns=lambda name: TITLES.get(name, name))

    def _changed(self) -> dict[str, Any]:
        """The knobs of what is shown that are not at their story's defaults."""
        shown = self.compared.scenario.knobs
        return {name: shown[name] for name, one in self.knobs.items() if shown[name] != one.knob.default}

    def _say(self, said: str, sign: str) -> None:
        self.message.value = panel_html.message(said, sign)

    @property
    def _what(self) -> str:
        return "contestants" if self.compared.scenario.contestants else "policies"


def _story(scenario: Any) -> tuple[Callable[..., Scenario], Mapping[str, Any]]:
    """The story function behind *scenario*, and the knobs that it was made with."""
    if isinstance(scenario, str):
        return story_named(scenario), {}
    if isinstance(scenario, Scenario):
        if scenario.story is None:
            raise ValueError(f"scenario {scenario.name!r} was made by hand; a panel needs a story with its knobs")
        return scenario.story, scenario.knobs
    if getattr(scenario, "is_story", False):
        return scenario, {}
    raise TypeError(f"scenario must be a story, its name, or a scenario that a story has made, got {scenario!r}")


def _drawings(world: Scenario, chart: Any) -> dict[str, tuple[str, Callable[[Comparison], Figure]]]:
    """The charts to choose from, by name, the first one first: its title and how it is drawn."""
    known = {name: (_TITLES[name], draw) for name, draw in CHARTS.items() if name != "figures" or world.figures}
    if chart is None:
        return known
    if isinstance(chart, str):
        if chart not in known:
            raise ValueError(unknown("chart", chart, list(known)))
        return {chart: known[chart], **known}
    if not callable(chart):
        raise TypeError(f"chart must be a name or a function from a comparison to a figure, got {chart!r}")
    return {"own": ("your chart", chart), **known}


def _sentence(error: Exception) -> str:
    """What went wrong, in one line."""
    first = next(iter(str(error).strip().splitlines()), "").rstrip(".")
    ours = isinstance(error, ValueError | TypeError | SimError) and first
    return first if ours else f"{type(error).__name__}: {first}"


def _check(name: str) -> w.Checkbox:
    layout = w.Layout(width="auto", margin="2px 14px 2px 0")
    return w.Checkbox(value=True, description=name, indent=False, layout=layout)


def _button(name: str, press: Callable[[], None], tooltip: str, *, icon: str, style: str = "") -> w.Button:
    button = w.Button(description=name, tooltip=tooltip, icon=icon, button_style=style, layout=w.Layout(width="auto"))
    button.on_click(lambda _: press())
    return button


def _space() -> w.HTML:
    """As much room as a knob's unit takes."""
    return w.HTML("<span class='sim-unit'></span>", layout=w.Layout(margin="0 2px"))


def _line(name: str, *parts: w.Widget) -> w.HBox:
    """Widgets in a row that begins below the sliders; what has no room goes on below them."""
    row = w.HBox(parts, layout=w.Layout(flex="1 1 0", min_width="0", flex_flow="row wrap", align_items="center"))
    return w.HBox([w.HTML(panel_html.group(name)), row])
