"""What a panel is asked for, and what comes of it: no widget in here, so that it can be carried out in any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
from matplotlib.figure import Figure

from sim import charts
from sim.charts.still import png
from sim.experiment import Comparison, compare
from sim.metrics import TITLES
from sim.player.widget import Prepared, prepare
from sim.scenario import Scenario
from sim.widgets import panel_html
from sim.widgets.background import Tell

if TYPE_CHECKING:
    import pandas


@attrs.frozen(eq=False)
class Result:
    """A comparison, and how it is shown: its figure, and the texts of the panel.  *moving*: for the player, or None."""

    compared: Comparison
    figure: Figure
    table: str
    picture: str
    moving: Prepared | None
    sentence: str


@attrs.frozen(eq=False)
class Order:
    """Run a *story* with *values* and *chosen* policies on *seeds*, and *draw* it.

    *done*: a comparison that is there already and only to be drawn anew.  *pair*: the policies whose runs the player
    shows, empty for the first two, None where it is not wanted.
    """

    story: Callable[..., Scenario]
    values: Mapping[str, Any]
    chosen: Mapping[str, Any]
    seeds: Sequence[int]
    draw: Callable[[Comparison], Figure]
    pair: tuple[str, ...] | None = None
    done: Comparison | None = None

    def carry_out(self, tell: Tell) -> Result:
        """All of it, or an exception; nothing is changed on the way.

        Raises: whatever a story, a policy or a chart of somebody's own raises.
        """
        compared = self._compare(tell) if self.done is None else self.done
        figure = self.draw(compared)
        if not isinstance(figure, Figure):
            raise TypeError(f"a chart must be a matplotlib Figure, got {figure!r}")
        return Result(
            compared=compared,
            figure=figure,
            table=panel_html.table(frame(compared)),
            picture=panel_html.chart(png(figure, dpi=110), charts.alt(figure)),
            moving=self._moving(compared),
            sentence=_in_words(compared),
        )

    def _compare(self, tell: Tell) -> Comparison:
        if not self.chosen:
            raise ValueError("choose at least one policy")
        world = self.story(**self.values)
        count, done = len(self.chosen) * len(self.seeds), 0

        def progress() -> None:
            nonlocal done
            done += 1
            tell(f"running, {done} of {count} …" if done < count else "drawing …", done / count)

        tell(f"running, 0 of {count} …", 0.0 if count > 1 else None)
        return compare(world, self.chosen, seeds=self.seeds, progress=progress)

    def _moving(self, compared: Comparison) -> Prepared | None:
        if self.pair is None:
            return None
        runs = {name: compared.runs[name] for name in self.pair if name in compared.runs}
        return prepare(runs or dict(list(compared.runs.items())[:2]))


def frame(compared: Comparison) -> pandas.DataFrame:
    """The table: the story's own columns, or the usual ones, by their names in words."""
    columns = shown_figures(compared.scenario)
    return compared.table(*columns).rename(columns=columns)


def shown_figures(scenario: Scenario) -> dict[str, str]:
    """Which figures a table shows, and how they are called in words."""
    return {name: TITLES.get(name, name) for name in scenario.columns or TITLES}


def what(scenario: Scenario) -> str:
    """What the story compares."""
    return "contestants" if scenario.contestants else "policies"


def _in_words(compared: Comparison) -> str:
    names = list(compared.figures)
    calls = compared.estimate(names[0], "calls").mean
    which = f"each of {len(names)} {what(compared.scenario)}" if len(names) > 1 else names[0]
    return f"{calls:,.0f} calls with {which}"
