"""A slider panel made from the knobs of a story: what can be asked for, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from matplotlib.figure import Figure

from sim import charts
from sim.experiment import Comparison
from sim.knobs import check_arguments, knobs_of
from sim.policies.catalog import unknown
from sim.scenario import Scenario
from sim.scenarios import story_named
from sim.widgets.panel_parts import MOST_SEED, MOST_SEEDS
from sim.widgets.panel_widget import Panel

CHARTS: Mapping[str, Callable[[Comparison], Figure]] = {
    "figures": charts.figures, "load": charts.load, "outcomes": charts.outcomes, "latency": charts.latency,
}  # fmt: skip
"""What a panel can draw: the story's own figures, the load over time, how calls ended, and how late they did."""

_TITLES = {"figures": "its own figures", "load": "load over time", "outcomes": "how calls end", "latency": "latency"}


def panel(
    scenario: Scenario | Callable[..., Scenario] | str,
    *,
    policies: Iterable[str] | Mapping[str, Any] | None = None,
    seeds: int = 1,
    seed: int = 0,
    chart: str | Callable[[Comparison], Figure] | None = None,
    play: bool = False,
    later: bool = False,
    **knobs: Any,
) -> Panel:
    """Sliders for the knobs of a story, with the comparison of its policies below them.

    *scenario*: a story function, its name, or the scenario that one has made, whose knobs are where the sliders start.
    *policies*: which can be compared, names or a mapping from names to objects of yours; None is the story's own.
    *seeds*: how many at first, 1 to 20; *seed*: the first of them.  *chart*: a name of `CHARTS`, or a function from a
    comparison to a figure; None is the story's own figures, or the load over time where it has none.  *play*: show the
    requests in motion from the start.  *later*: run nothing before somebody presses Run.  *knobs*: where sliders start.

    Else the first table and chart are there when this returns.  In a notebook a turned knob is run in the background:
    the page stays alive, and a run that a newer turn has made stale is stopped.

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
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MOST_SEED:
        raise ValueError(f"seed must be a whole number from 0 to {MOST_SEED:,}, got {seed!r}")
    drawings = _drawings(world, chart)
    declared = {name: known[name] for name in started}
    own = policies is None
    return Panel(story, world, declared, entries, (seed, seeds), drawings, own=own, play=play, later=later)


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
