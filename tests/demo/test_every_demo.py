"""Every question and every scenario as a demo of it begins: it runs, it moves, and it shows what the tables say."""

import math

import attrs
import numpy as np
import pytest

from sim.demo.link import State
from sim.demo.rehearsal import rehearse
from sim.demo.subject import subjects
from sim.demo.verdict import SAME, judge
from sim.player.scene import last_seen

pytestmark = pytest.mark.slow

ASKED = {name for name, subject in subjects().items() if subject.question is not None}
EVEN = {"Q-05", "pagination-2", "pagination-4", "versioning-3"}
"""Where no difference is the answer, or waits for a preset; every other question begins where one is seen."""
STATES = {name: State.of(subject) for name, subject in subjects().items()}
STATES |= {
    f"{name}, {preset}": attrs.evolve(STATES[name], knobs=dict(knobs))
    for name, subject in subjects().items()
    for preset, knobs in subject.demo.presets.items()
}


@pytest.mark.parametrize("name", STATES)
def test_a_demo_runs_and_its_player_ends_where_the_table_does(name):
    """Table, chart and player are there, A and B in their order; both scenes end with the counts of their runs."""
    state = STATES[name]
    panel = rehearse(state)
    assert panel.message.value.count("✓") == 1
    assert "<table" in panel.table.value
    assert "<img" in panel.picture_html.value
    assert tuple(panel.compared.runs) == state.policies
    if name in ASKED:
        found = judge(panel.compared, state.policies, state.subject.demo.figure)
        assert (found.winner == SAME) == (name in EVEN), found.sentence
    for scene, run in zip(panel.player.shown, panel.compared.runs.values(), strict=True):
        counts = scene.counts(math.inf if np.isfinite(last_seen(scene.columns)).all() else scene.seconds)
        told = run.summary()
        assert counts["zombie"] == told["zombie"]
        # What became a dead letter is counted as that.
        assert counts["timed_out"] <= told["timed_out"] <= counts["timed_out"] + counts["dead"]
        assert 0 <= scene.busiest() <= scene.seconds
    panel.close()
