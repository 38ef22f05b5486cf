"""The panel of a stage, before it has run and after: for the stage itself, and for those who try it out beforehand."""

from __future__ import annotations

from sim.demo.link import State
from sim.widgets.panel import panel
from sim.widgets.panel_widget import Panel


def panel_of(state: State) -> Panel:
    """A panel for *state*, which has not run."""
    subject = state.subject
    return panel(
        subject.scenario, policies=subject.policies, seed=state.seed, seeds=state.seeds, chart=state.chart or None,
        play=True, later=True, **{**subject.knobs, **state.knobs},
    )  # fmt: skip


def rehearse(state: State) -> Panel:
    """What a stage shows of *state* once it has run: the panel, with its table, its chart and its player.

    Raises: whatever goes wrong on the way.
    """
    made = panel_of(state)
    made.choose(state.policies)
    _ = made.compared  # which runs it, as it has not run
    return made
