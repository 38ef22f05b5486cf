"""05-predict-late: how late a poll finds out."""

from __future__ import annotations

from sim import experiment
from sim.exercises.predicting import prediction
from sim.scenarios.jobs import job_callback

PLACE = 2
WORLD = job_callback(horizon=100.0)


def _late(seed: int) -> float:
    return float(WORLD.figures["seconds to know"](experiment.run(WORLD, "poll-fixed", seed=seed).trace))


EXERCISE = prediction(
    id="05-predict-late",
    title="How late a poll is",
    story="""
A job takes some twenty seconds, never the same. Its client got a 202 and asks every five seconds whether it is
done.

How many seconds after the job's end does the client know, on average?
""",
    hints=(
        "The end falls somewhere between two polls.",
        "Anywhere between them is equally likely.",
        "Half of the interval, and a network that is quick.",
    ),
    lesson="05_async_operations.ipynb",
    run=_late,
    within=0.12,
    unit="s",
    traps={
        5.0: "a whole interval is the worst case: the end right after a poll",
        0.0: "nobody tells the client; it finds out at its next poll",
        20.0: "that is how long the job takes; the question is what comes after its end",
    },
)
