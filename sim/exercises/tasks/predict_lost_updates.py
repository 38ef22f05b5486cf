"""01-predict-lost-updates: how many edits a plain PUT loses."""

from __future__ import annotations

from sim import experiment
from sim.exercises.predicting import prediction
from sim.scenarios.rest import lost_update

PLACE = 2
WORLD = lost_update(rate=0.5, think=2.0, horizon=600.0)


def _lost(seed: int) -> float:
    run = experiment.run(WORLD, "put", seed=seed)
    return 100.0 * WORLD.figures["updates lost"](run.trace) / run.summary()["calls"]


EXERCISE = prediction(
    id="01-predict-lost-updates",
    title="What a plain PUT loses",
    story="""
One edit of one profile begins every two seconds on average, at random instants. Each person reads the profile,
thinks for two seconds on average (exponential), and PUTs all of it back, old values included.

How many percent of the edits are undone by somebody who had not seen them?
""",
    hints=(
        "An edit is undone when somebody else had read before it was written, and writes after it.",
        "At a typical instant rate × thinking time people are between reading and writing.",
        "That is one person on average, and with none the edit is safe: Poisson says how often there are none.",
    ),
    lesson="01_rest_design.ipynb",
    run=_lost,
    within=0.2,
    unit="% of the edits",
    traps={
        100.0: "not every edit has somebody in between: how often is nobody thinking just then?",
        1.0: "a conflict is not rare here: one person is thinking at a typical instant",
        25.0: "whoever began before and writes after undoes it, whatever field it is: a PUT carries all of them",
    },
)
