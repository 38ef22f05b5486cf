"""A slider panel made from the knobs of a story: turn one, and the table, the chart and the player follow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import ipywidgets as w
from matplotlib.figure import Figure

from sim import charts
from sim.errors import SimError
from sim.experiment import Comparison
from sim.knobs import Knob, check_arguments, knobs_of
from sim.player.widget import Player, Prepared, prepare
from sim.policies.catalog import unknown
from sim.scenario import Scenario
from sim.scenarios import story_named
from sim.widgets import panel_html, panel_picture
from sim.widgets.controls import Control
from sim.widgets.latest import Latest
from sim.widgets.live_panel import LivePanel
from sim.widgets.panel_order import Order, Result, frame, what
from sim.widgets.panel_parts import MOST_SEED, MOST_SEEDS, Parts, arrange

CHARTS: Mapping[str, Callable[[Comparison], Figure]] = {
    "figures": charts.figures, "load": charts.load, "outcomes": charts.outcomes, "latency": charts.latency,
}  # fmt: skip
"""What a panel can draw: the story's own figures, the load over time, how calls ended, and how late they did."""

TELL_SECONDS = 0.15
"""So often it is told how far a run is; of one that is done sooner nothing is told, as that would only flicker."""

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
    the page stays alive, and a run that a newer turn has made stale is broken off.

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


class Panel(LivePanel):
    """The panel; every part of it is an attribute, so that a program can turn what a person turns.

    *knobs*: a `Control` for each knob, by name.  *policies*: a checkbox for each policy.  *scenario*: as its knobs were
    when it ran last.  *player*: the requests in motion, None until somebody asks for them.
    """

    player: Player | None = None

    def __init__(
        self,
        story: Callable[..., Scenario],
        world: Scenario,
        declared: Mapping[str, Knob],
        entries: Mapping[str, Any],
        seeds: tuple[int, int],
        drawings: Mapping[str, tuple[str, Callable[[Comparison], Figure]]],
        *,
        own: bool,
        play: bool,
        later: bool,
    ) -> None:
        self._story, self._entries, self._drawings, self._own = story, entries, drawings, own
        self._started, self._quiet, self._newest = (dict(world.knobs), seeds), False, 0
        self._latest, self._watchers = Latest(), list[Callable[[], None]]()
        self._shown: Result | None = None
        self.scenario = world
        self.knobs = {name: Control(knob, world.knobs[name]) for name, knob in declared.items()}
        parts = Parts.made(entries, seeds, {name: title for name, (title, _) in drawings.items()}, play=play)
        self.policies, self.seed, self.seeds, self.chart = parts.policies, parts.seed, parts.seeds, parts.chart
        self.at_once, self.run, self.reset = parts.at_once, parts.run, parts.reset
        self.moving, self.left, self.right = parts.moving, parts.left, parts.right
        self.message, self.table, self.picture_html, self.code = w.HTML(), w.HTML(), w.HTML(), w.HTML()
        self.motion, self._pair = w.VBox(), w.HBox([self.left, self.right])
        self._pair.add_class("sim-pair")
        if later:
            self._say("press Run", "→")
        else:
            self._publish(self._order().carry_out(self._tell))
        for control in self.knobs.values():
            control.observe(self._turned)
        for part in (*self.policies.values(), self.seeds, self.seed):
            part.observe(lambda _: self._turned(), "value")
        self.chart.observe(lambda _: self._redraw(), "value")
        self.moving.observe(lambda _: self._move(), "value")
        for part in (parts.left, parts.right):
            part.observe(lambda _: self._move(), "value")
        self.run.on_click(lambda _: self._turned(asked=True))
        self.reset.on_click(lambda _: self._reset())
        super().__init__(arrange(parts, self.knobs, world, story.__doc__ or "", [
            self.message, self.table, self.motion, self.picture_html, self.code,
        ]))  # fmt: skip

    @property
    def compared(self) -> Comparison:
        """What is shown; a panel that has not run yet runs now."""
        return self._result.compared

    @property
    def _result(self) -> Result:
        if self._shown is None:
            self._carry_out(self._order())
        assert self._shown is not None
        return self._shown

    def turn(self, **values: Any) -> None:
        """Turn several knobs, and run once; what does not fit is told as for a person, below the buttons.

        It is done when this returns, as for `rerun`.
        """

        def act() -> None:
            for name, value in values.items():
                if name not in self.knobs:
                    raise ValueError(unknown(f"knob of {self.scenario.name}", name, list(self.knobs)))
                self.knobs[name].knob.check(value)
            self.set(values)
            self._carry_out(self._order())

        self._act(act)

    def rerun(self) -> None:
        """Run the story as its knobs are set, and show the table and the chart."""
        self._act(lambda: self._carry_out(self._order()))

    def choose(self, names: Sequence[str]) -> None:
        """Compare these policies from now on, in this order.  Nothing is shown until they have run."""
        self._newest += 1
        self._latest.drop()
        self._quiet = True
        self._entries = {name: self._entries[name] for name in dict.fromkeys((*names, *self._entries))}
        for name, box in self.policies.items():
            box.value = name in names
        for side in (self.left, self.right):
            side.options = ()
        self._quiet, self._shown, self.motion.children = False, None, ()
        for part in (self.table, self.picture_html, self.code):
            part.value = ""
        self._say("press Run", "→")

    def close(self) -> None:
        """Break off what goes on; nothing of it is shown."""
        self._newest += 1
        self._latest.drop()
        super().close()

    def when_shown(self, act: Callable[[], None]) -> None:
        """Call *act* whenever something new has been shown."""
        self._watchers.append(act)

    def sentence(self) -> str:
        """What was compared, and what the chart shows of it."""
        changed = ", ".join(f"{name} = {value}" for name, value in self.changed().items())
        seeds = self.compared.seeds
        which = f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds"
        world = f"{self.compared.scenario.name}{f' with {changed}' if changed else ''}"
        return f"panel of {world}, {which}: {charts.alt(self._result.figure)}"

    def picture(self) -> Figure:
        """The knobs as they are set, the table and the chart."""
        shown = self.compared.scenario.knobs
        knobs = [(one.knob, shown[name], one.share(shown[name])) for name, one in self.knobs.items()]
        return panel_picture.draw(self.compared.scenario.name, knobs, frame(self.compared), self._result.figure)

    def changed(self) -> dict[str, Any]:
        """The knobs of what is shown that are not at their story's defaults."""
        shown = self.scenario.knobs
        return {name: shown[name] for name, one in self.knobs.items() if shown[name] != one.knob.default}

    def in_code(self) -> str:
        """The call that compares the same as is shown."""
        chosen: dict[str, Any] | None = {name: self._entries[name] for name in self.compared.figures}
        if self._own and chosen == self._entries:
            chosen = None
        return panel_html.in_code(self.compared.scenario.name, self.changed(), chosen, self.compared.seeds)

    # What turning does

    def _turned(self, *, asked: bool = False) -> None:
        if self._quiet:
            return
        if asked or self.at_once.value:
            self._act(lambda: self._begin(self._order()))
        else:
            self._say("the knobs have changed: press Run", "…")
            self._fade()

    def _reset(self) -> None:
        knobs, (seed, seeds) = self._started
        self.set(knobs)
        self._quiet = True
        self.seed.value, self.seeds.value = seed, seeds
        for box in self.policies.values():
            box.value = True
        self._quiet = False
        self._turned(asked=True)

    def _redraw(self) -> None:
        if self._shown is not None:
            self._begin(self._order(done=self._shown.compared))

    def set(self, values: Mapping[str, Any]) -> None:
        """Turn several knobs, and run nothing.

        Raises: `TypeError` or `ValueError` for a value that does not fit.
        """
        self._quiet = True
        try:
            for name, value in values.items():
                self.knobs[name].value = value
        finally:
            self._quiet = False

    def _order(self, *, done: Comparison | None = None) -> Order:
        values = {name: control.value for name, control in self.knobs.items()}
        chosen = {name: policy for name, policy in self._entries.items() if self.policies[name].value}
        seeds = range(self.seed.value, self.seed.value + self.seeds.value)
        pair = tuple(filter(None, (self.left.value, self.right.value))) if self.moving.value else None
        return Order(self._story, values, chosen, seeds, self._drawings[self.chart.value][1], pair, done)

    def _begin(self, order: Order) -> None:
        """Carry out *order*: in the background where a kernel's loop is running, else here and now."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._act(lambda: self._carry_out(order))
            return
        self._newest = ticket = self._newest + 1
        heard: list[tuple[str, float | None]] = []

        ended = False

        def tell() -> None:
            if ticket == self._newest and not ended:
                if heard:
                    self._tell(*heard[-1])
                loop.call_later(TELL_SECONDS, tell)

        def end(act: Callable[..., None], result: Any) -> None:
            nonlocal ended
            ended = True
            if ticket == self._newest:
                act(result)

        def job() -> None:
            # Widgets are changed in the kernel's own thread, and only for the newest order.
            try:
                result = order.carry_out(lambda *said: heard.append(said))
            except Exception as error:
                loop.call_soon_threadsafe(end, self._fail, error)
            else:
                loop.call_soon_threadsafe(end, self._publish, result)

        loop.call_later(TELL_SECONDS, tell)
        self._latest.put(job)

    def _carry_out(self, order: Order) -> None:
        """Carry out *order* here and now; what goes on in the background is no longer wanted."""
        self._newest += 1
        self._latest.drop()
        self._publish(order.carry_out(self._tell))

    def _act(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # a learner's own policy may raise anything; a panel has no place for a traceback
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._say(f"{_sentence(error)}; what is shown is from before", "✗ not run:")
        self._fade()

    def _publish(self, result: Result) -> None:
        """Show all of *result* at once."""
        self._shown, self.scenario = result, result.compared.scenario
        self.table.value, self.picture_html.value = result.table, result.picture
        self.code.value = panel_html.code(self.in_code())
        self._fill_pair()
        if result.moving is not None and self.moving.value:
            self._play(result.moving, keep=True)
        self._say(result.sentence, "✓")
        for act in self._watchers:
            act()

    def _fade(self) -> None:
        """What is shown is from before."""
        self.table.value = panel_html.faded(self.table.value)
        self.picture_html.value = panel_html.faded(self.picture_html.value)

    def _fill_pair(self) -> None:
        """Offer the policies that were run to the player: two of them beside one another, or one."""
        names = tuple(self.compared.runs)
        before, self._quiet = (self.left.value, self.right.value), True
        self.left.options = names
        self.right.options = [("(alone)", ""), *((name, name) for name in names)]
        self.left.value = before[0] if before[0] in names else names[0]
        second = next((name for name in names if name != self.left.value), "")
        self.right.value = before[1] if before[1] in names or before == (self.left.value, "") else second
        self._quiet = False

    def _move(self) -> None:
        """Show the requests in motion, or no longer."""
        if self._quiet or self._shown is None:
            return
        if not self.moving.value:
            self.motion.children = ()
            return

        def act() -> None:
            runs = self.compared.runs
            chosen = [name for name in (self.left.value, self.right.value) if name in runs]
            self._play(prepare({name: runs[name] for name in chosen}))

        self._act(act)

    def _play(self, moving: Prepared, *, keep: bool = False) -> None:
        """Show these runs in motion; *keep*: where those before stood."""
        if self.player is None:
            self.player, keep = Player(), False
        self.player.put(moving, keep=keep)
        self.motion.children = (self._pair, self.player)

    def _tell(self, said: str, share: float | None) -> None:
        self.message.value = panel_html.message(said, "⏳", share=share, busy=True)

    def _say(self, said: str, sign: str) -> None:
        self.message.value = panel_html.message(said, sign)


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


__all__ = ["CHARTS", "Panel", "panel", "what"]
