"""A panel's widgets but for its knobs, and where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import ipywidgets as w

from sim.scenario import Scenario
from sim.widgets import panel_html
from sim.widgets.controls import LABEL, Control, filling, with_help
from sim.widgets.panel_order import what

MOST_SEEDS = 20
MOST_SEED = 999_999_999


@attrs.frozen(eq=False)
class Parts:
    """The widgets: a checkbox for each policy, the seeds, the chart, the buttons, and which two runs are played."""

    policies: Mapping[str, w.Checkbox]
    seed: w.BoundedIntText
    seeds: w.IntSlider
    chart: w.Dropdown
    at_once: w.Checkbox
    run: w.Button
    reset: w.Button
    moving: w.Checkbox
    left: w.Dropdown
    right: w.Dropdown

    @classmethod
    def made(cls, names: Iterable[str], seeds: tuple[int, int], charts: Mapping[str, str], *, play: bool) -> Parts:
        """*seeds*: the first, and how many.  *charts*: titles by name, the first one first."""
        described: dict[str, Any] = {"style": {"description_width": LABEL}, "layout": filling()}
        return cls(
            policies={name: _check(name) for name in names},
            seed=w.BoundedIntText(value=seeds[0], min=0, max=MOST_SEED, description="seed", **described),
            seeds=w.IntSlider(
                value=seeds[1], min=1, max=MOST_SEEDS, description="seeds", continuous_update=False, **described
            ),
            chart=w.Dropdown(
                options=[(title, name) for name, title in charts.items()], description="chart", **described
            ),
            at_once=w.Checkbox(
                value=True, description="run at every change", indent=False, layout=w.Layout(width="170px"),
                tooltip="switch it off to turn several knobs first, and press Run then",
            ),
            run=_button("Run", "run the story as its knobs are set", icon="play", style="primary"),
            reset=_button("Reset", "turn every knob back to where it started", icon="undo"),
            moving=w.Checkbox(
                value=play, description="show the requests in motion", indent=False, layout=w.Layout(width="220px"),
                tooltip="the first seed's run, request by request",
            ),
            left=w.Dropdown(description="play", options=(), **_short()),
            right=w.Dropdown(description="beside", options=(), **_short()),
        )  # fmt: skip


def arrange(
    parts: Parts, knobs: Mapping[str, Control], world: Scenario, told: str, results: Sequence[w.Widget]
) -> list[w.Widget]:
    """The settings on top, what comes of them below, each with a class for those who arrange them otherwise."""
    settings = [
        *(control.widget for control in knobs.values()),
        with_help([parts.seed, _space()], "the first run's; the same one gives the same run again"),
        with_help([parts.seeds, _space()], "runs of each; from two on with 95 % intervals"),
        with_help([parts.chart, _space()], "what is drawn below the table"),
    ]
    grid = w.Layout(grid_template_columns="repeat(auto-fill, minmax(min(390px, 100%), 1fr))", grid_gap="2px 8px")
    above = w.VBox([
        w.HTML(panel_html.heading(world.name, told.partition("\n")[0])),
        w.GridBox(settings, layout=grid),
        _line(what(world), *parts.policies.values()),
        _line("", parts.run, parts.reset, parts.at_once, parts.moving),
    ])  # fmt: skip
    below = w.VBox(results)
    above.add_class("sim-settings")
    below.add_class("sim-results")
    return [w.HTML(panel_html.STYLE), above, below]


def _check(name: str) -> w.Checkbox:
    layout = w.Layout(width="auto", margin="2px 14px 2px 0")
    return w.Checkbox(value=True, description=name, indent=False, layout=layout)


def _button(name: str, tooltip: str, *, icon: str, style: str = "") -> w.Button:
    return w.Button(description=name, tooltip=tooltip, icon=icon, button_style=style, layout=w.Layout(width="auto"))


def _short() -> dict[str, Any]:
    return {"style": {"description_width": "auto"}, "layout": w.Layout(width="auto")}


def _space() -> w.HTML:
    """As much room as a knob's unit takes."""
    return w.HTML("<span class='sim-unit'></span>", layout=w.Layout(margin="0 2px"))


def _line(name: str, *parts: w.Widget) -> w.HBox:
    """Widgets in a row that begins below the sliders; what has no room goes on below them."""
    row = w.HBox(parts, layout=w.Layout(flex="1 1 0", min_width="0", flex_flow="row wrap", align_items="center"))
    return w.HBox([w.HTML(panel_html.group(name)), row])
