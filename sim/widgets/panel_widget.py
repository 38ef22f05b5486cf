"""The panel itself: turn a knob, and the table, the chart and the player follow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as w
from matplotlib.figure import Figure

from sim import charts
from sim.errors import SimError
from sim.experiment import Comparison
from sim.knobs import Knob
from sim.player.widget import Player, Prepared, prepare
from sim.policies.catalog import unknown
from sim.scenario import Scenario
from sim.widgets import panel_html, panel_picture
from sim.widgets.background import Background
from sim.widgets.controls import Control
from sim.widgets.live_panel import LivePanel
from sim.widgets.panel_order import Order, Result, frame
from sim.widgets.panel_parts import Parts, arrange
from sim.widgets.turns import in_turn, on_change, on_press


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
        self._started, self._quiet = (dict(world.knobs), seeds), False
        self._background, self._watchers = Background(self._tell, self._fail), list[Callable[[], None]]()
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
            control.on_turn(self._turned)
        for part in (*self.policies.values(), self.seeds, self.seed):
            on_change(part, lambda _: self._turned())
        on_change(self.chart, lambda _: self._redraw())
        for part in (self.moving, parts.left, parts.right):
            on_change(part, lambda _: self._move())
        on_press(self.run, lambda: self._turned(asked=True))
        on_press(self.reset, self._reset)
        super().__init__(arrange(parts, self.knobs, world, story.__doc__ or "", [
            self.message, self.table, self.motion, self.picture_html, self.code,
        ]))  # fmt: skip

    @property
    def compared(self) -> Comparison:
        """What is shown; a panel that has not run yet runs now."""
        return self._result.compared

    @property
    @in_turn
    def _result(self) -> Result:
        if self._shown is None:
            self._carry_out(self._order())
        assert self._shown is not None
        return self._shown

    @in_turn
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

    @in_turn
    def rerun(self) -> None:
        """Run the story as its knobs are set, and show the table and the chart."""
        self._act(lambda: self._carry_out(self._order()))

    @in_turn
    def choose(self, names: Sequence[str]) -> None:
        """Compare these policies from now on, in this order.  Nothing is shown until they have run."""
        self._background.drop()
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

    @in_turn
    def close(self) -> None:
        """Stop what goes on; nothing of it is shown."""
        self._background.drop()
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

    @in_turn
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
            asyncio.get_running_loop()
        except RuntimeError:
            self._act(lambda: self._carry_out(order))
            return
        self._background.put(order.carry_out, self._publish)

    def _carry_out(self, order: Order) -> None:
        """Carry out *order* here and now; what goes on in the background is no longer wanted."""
        self._background.drop()
        self._publish(order.carry_out(self._tell))

    def _act(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # a learner's own policy may raise anything; a panel has no place for a traceback
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
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


def _sentence(error: BaseException) -> str:
    """What went wrong, in one line."""
    first = next(iter(str(error).strip().splitlines()), "").rstrip(".")
    ours = isinstance(error, ValueError | TypeError | SimError) and first
    return first if ours else f"{type(error).__name__}: {first}"
