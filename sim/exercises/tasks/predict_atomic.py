"""06-predict-atomic: how often all of a batch is taken."""

from __future__ import annotations

from sim import experiment
from sim.exercises.predicting import prediction
from sim.scenarios.bulk import atomic_batch

PLACE = 3
WORLD = atomic_batch(batches=40, rows=100)


def _taken(seed: int) -> float:
    return 100.0 * float(WORLD.figures["share of batches taken"](experiment.run(WORLD, "atomic", seed=seed).trace))


EXERCISE = prediction(
    id="06-predict-atomic",
    title="All or nothing, mostly nothing",
    story="""
One row in a hundred is bad, at random. Batches of 100 rows are sent, all or nothing: a single bad row refuses all
of its batch.

How many percent of the batches are taken?
""",
    hints=(
        "A batch is taken when its first row is good, and its second, and so on.",
        "Each row is good with 0.99, independently.",
        "0.99 to the power of 100.",
    ),
    lesson="06_bulk_operations.ipynb",
    run=_taken,
    within=0.15,
    unit="% of the batches",
    traps={
        99.0: "that is the share of good rows; a batch needs all of its hundred",
        0.0: "one bad row on average is not one in every batch: some have none, some have two",
        50.0: "it is no coin: 0.99 a hundred times",
    },
)
