"""09-retry-budget: retries are a share of the calls, and no more."""

from __future__ import annotations

from random import Random

from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check

PLACE = 6
STORY = """
A retry is load. When everything fails, three tries a call are three times the load, just when the server can bear
it least. A budget makes retries a share of the calls.

`Budget(ratio, capacity)` begins full with `capacity` tokens. `call()` is told of each **first** attempt and earns
`ratio` tokens; there are never more than `capacity`. `may_retry()` says whether a retry may be sent, and takes one
token when it may.
"""
STUB = """
class Budget:
    def __init__(self, ratio, capacity):
        self.ratio, self.capacity = ratio, capacity

    def call(self):
        raise NotImplementedError("a first attempt was sent")

    def may_retry(self):
        raise NotImplementedError("say whether a retry may be sent")
"""


@check("begins full, and empties")
def full(answer: Answer, seed: int) -> str:
    """Capacity 5, twenty retries in a row."""
    budget = answer.make(0.1, 5)
    passed = sum(bool(budget.may_retry()) for _ in range(20))
    if passed != 5:
        raise Failed(f"a full budget of 5 allowed {passed} of 20 retries; a token each, and a whole one is enough")
    return ""


@check("earns a share of the calls")
def share(answer: Answer, seed: int) -> str:
    """A thousand calls, each of which wants three retries."""
    budget = answer.make(0.1, 5)
    passed = 0
    for _ in range(1_000):
        budget.call()
        passed += sum(bool(budget.may_retry()) for _ in range(3))
    if not 98 <= passed <= 106:
        raise Failed(
            f"1,000 calls at a ratio of 0.1, all of them failing: {passed} retries; 100 and the 5 of the beginning is "
            "right: a retry earns nothing"
        )
    return f"{passed} retries for 1,000 calls"


@check("saves no more than its capacity")
def capacity(answer: Answer, seed: int) -> str:
    """A long calm, and then an outage."""
    budget = answer.make(0.1, 5)
    for _ in range(1_000):
        budget.call()
    passed = sum(bool(budget.may_retry()) for _ in range(100))
    if passed != 5:
        raise Failed(f"after 1,000 calls in calm it allowed {passed} retries at once; there is room for 5 tokens")
    return ""


@check("takes nothing for what it refuses")
def refused(answer: Answer, seed: int) -> str:
    """A hundred refusals, then ten calls: one token."""
    budget = answer.make(0.1, 2)
    for _ in range(100):
        budget.may_retry()
    for _ in range(11):
        budget.call()
    passed = sum(bool(budget.may_retry()) for _ in range(5))
    if passed != 1:
        raise Failed(
            f"after a hundred refusals, eleven calls earned {passed} retries and not 1; a refusal costs nothing"
        )
    return ""


@check("keeps an outage to a tenth more", points=2, seeds=3)
def outage(answer: Answer, seed: int) -> str:
    """1,500 calls, a third of the time everything fails; three retries a call are wanted."""
    budget, rng = answer.make(0.1, 10), Random(seed)
    sent = 0
    for number in range(1_500):
        down = 500 <= number < 1_000
        budget.call()
        sent += 1
        for _ in range(3):
            if not (down or rng.random() < 0.01) or not budget.may_retry():
                break
            sent += 1
    if sent > 1_500 * 1.1 + 10:
        raise Failed(f"{sent:,} attempts for 1,500 calls, and a tenth more is the budget")
    if sent < 1_500 + 40:
        raise Failed(f"{sent:,} attempts for 1,500 calls: it allows next to no retry")
    return f"{sent:,} attempts for 1,500 calls"


EXERCISE = Exercise(
    id="09-retry-budget",
    title="A retry budget",
    kind=Kind.IMPLEMENT,
    answer="Budget",
    story=STORY,
    stub=STUB,
    hints=(
        "One number is enough: the tokens.",
        "call adds ratio, up to capacity; may_retry takes 1 if there is 1.",
        "0.1 ten times is 0.999…: compare with 1 - 1e-9, or count in whole parts.",
    ),
    lesson="09d_thundering_herds.ipynb",
    checks=(full, refused, share, capacity, outage),
)
