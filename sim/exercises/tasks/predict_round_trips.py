"""04-predict-round-trips: what a tag alone saves."""

from __future__ import annotations

from sim import experiment
from sim.exercises.predicting import prediction
from sim.scenarios.caching import private_cache

PLACE = 2
WORLD = private_cache(calls_per_hour=100.0, hours=4.0)


def _left(seed: int) -> float:
    trips = {
        name: WORLD.figures["round trips"](experiment.run(WORLD, name, seed=seed).trace)
        for name in ("max-age", "nobody")
    }
    return 100.0 * trips["max-age"] / trips["nobody"]


EXERCISE = prediction(
    id="04-predict-round-trips",
    title="What a lifetime saves",
    story="""
A hundred clients ask for one page, each of them once an hour on average, at random instants. The page may be reused
for an hour (`max-age=3600`, in each client's own cache). Nothing is shared.

How many percent of the round trips are left?
""",
    hints=(
        "Think of one client: it asks, has the page for an hour, and then asks again at its next need.",
        "After the hour it is an hour again, on average, until it needs the page.",
        "It needs the page once in that hour on average, from its own cache, and once behind it: 1 / (1 + λT).",
    ),
    lesson="04_caching.ipynb",
    run=_left,
    within=0.12,
    unit="% of the round trips",
    traps={
        1.0: "the hundred do not share a cache: each must ask for itself",
        0.0: "a page whose hour is over must be asked for again",
        100.0: "a client that needs the page again within the hour does not ask",
        36.8: "that is how often nobody comes within an hour; count how many requests the cache answers for one",
    },
)
