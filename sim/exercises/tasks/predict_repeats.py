"""03-predict-repeats: rows that an offset shows twice."""

from __future__ import annotations

from sim import experiment
from sim.exercises.predicting import prediction
from sim.scenarios.paging import shifting_pages

PLACE = 2
WORLD = shifting_pages(walkers=5)


def _twice(seed: int) -> float:
    return float(WORLD.figures["duplicates per walk"](experiment.run(WORLD, "offset", seed=seed).trace))


EXERCISE = prediction(
    id="03-predict-repeats",
    title="Rows that come twice",
    story="""
A list of 1,000 rows, the newest first, is read in pages of 50 by offset, a page a second. Two new rows come in each
second, at the head of the list.

How many rows does one walk from the first page to the last show twice?
""",
    hints=(
        "What does a new row at the head do to the offset of every other row?",
        "Between two pages the list moves by two rows, and the next page begins with two that you have seen.",
        "Twenty pages, and some more because the list grows, times two.",
    ),
    lesson="03_pagination.ipynb",
    run=_twice,
    within=0.15,
    unit="rows",
    traps={
        0.0: "an offset counts from the head, and the head has moved: what was on this page is on the next",
        2.0: "that is what one page shows twice; a walk has twenty and more",
        20.0: "two rows come in during each of the twenty pages",
    },
)
