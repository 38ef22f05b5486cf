"""09-predict-dead: how many events twenty-five attempts do not save."""

from __future__ import annotations

from sim import experiment
from sim.exercises.predicting import prediction
from sim.scenarios.webhooks import webhook_outage

PLACE = 10
WORLD = webhook_outage(hours=0.0, failure=0.9, rate=0.1)


def _dead(seed: int) -> float:
    return 100.0 * float(WORLD.figures["dead share"](experiment.run(WORLD, "guide", seed=seed).trace))


EXERCISE = prediction(
    id="09-predict-dead",
    title="Twenty-five attempts",
    story="""
An endpoint is so overloaded that each attempt fails with probability 0.9, independently of all others. The platform
makes 25 attempts within three days and then gives the event up.

How many percent of the events end as dead letters?
""",
    hints=(
        "Dead means that every single attempt failed.",
        "They are independent: a product of 25 factors.",
        "0.9 to the power of 25.",
    ),
    lesson="09a_webhook_delivery.ipynb",
    run=_dead,
    within=0.35,
    unit="% of the events",
    traps={
        90.0: "that is one attempt; an event is dead when all 25 failed",
        0.0: "25 is many, and 0.9 is more: multiply it out",
        3.6: "90 / 25 divides where it must multiply: each attempt must fail, one after the other",
    },
)
