"""08-predict-burst: what a token bucket lets through in its busiest minute."""

from __future__ import annotations

from sim import experiment
from sim.exercises.predicting import prediction
from sim.scenarios.limits import boundary_burst

PLACE = 3
WORLD = boundary_burst()


def _most(seed: int) -> float:
    return float(WORLD.figures["most in a period"](experiment.run(WORLD, "token-bucket", seed=seed).trace))


EXERCISE = prediction(
    id="08-predict-burst",
    title="The bucket's busiest minute",
    story="""
A token bucket for "100 a minute": room for 100 tokens, which come in at 100 in 60 s. It is full. Then somebody asks
for more than it has, for a minute on end.

How many requests does it let through in its busiest 60 seconds?
""",
    hints=(
        "Two things are spent: what is in the bucket, and what comes in meanwhile.",
        "b + r t.",
        "100 that were saved up, and nearly 100 that come in within the minute.",
    ),
    lesson="08_rate_limiting.ipynb",
    run=_most,
    within=0.03,
    unit="requests",
    traps={
        100.0: "100 is what comes in within a minute; the bucket was full to begin with",
        101.0: "that is its busiest second; in a minute it fills again",
        300.0: "that is a fixed window's flood around its edges; a bucket has b + r t",
    },
)
