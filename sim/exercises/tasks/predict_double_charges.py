"""02-predict-double-charges: what a retry costs without an idempotency key."""

from __future__ import annotations

from sim import experiment
from sim.exercises.predicting import prediction
from sim.scenarios.payments import spotty_payment

PLACE = 3
WORLD = spotty_payment(reply_loss=0.2, charge_sigma=0.0, attempts=2, horizon=40.0)


def _again(seed: int) -> float:
    return float(WORLD.figures["charged again, %"](experiment.run(WORLD, "no-idempotency", seed=seed).trace))


EXERCISE = prediction(
    id="02-predict-double-charges",
    title="One retry, no key",
    story="""
A client pays, and tries once more when it hears nothing within two seconds. A charge takes 0.2 s, requests arrive,
and one **answer** in five is lost. There is no idempotency key.

How many percent of the payments are charged twice?
""",
    hints=(
        "What has the server done when the answer is lost?",
        "The second attempt is made whenever the first answer was lost, and its own answer changes nothing.",
        "So it is the share of first answers that are lost.",
    ),
    lesson="02_idempotency.ipynb",
    run=_again,
    within=0.15,
    unit="% of the payments",
    traps={
        4.0: "0.2 × 0.2 is the share of payments whose client never hears anything; one lost answer is enough",
        0.0: "a lost answer is not a lost request: the charge was made before it",
        25.0: "1 / (1 - q) counts attempts without an end; here there are two",
    },
)
