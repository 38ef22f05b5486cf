"""09-full-jitter: a backoff that takes a herd apart."""

from __future__ import annotations

import math
from random import Random
from statistics import fmean

from sim import experiment
from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check
from sim.policies import Retry
from sim.scenarios.herds import thundering_herd

PLACE = 1
BASE, CAP = 0.1, 10.0
STORY = """
Two thousand clients fail in one instant. If they all wait equally long, they come back in one instant.

`delay(attempt, previous, rng)` returns the seconds to wait after attempt number `attempt` (1 is the first):
anything from 0 to `base` doubled with each further attempt, but no more than `cap`, every instant equally likely.
`previous` is the wait before (you will not need it); `rng` is a `random.Random` of the simulator, and all chance
comes from it.
"""
STUB = """
class FullJitter:
    def __init__(self, base, cap):
        self.base, self.cap = base, cap

    def delay(self, attempt, previous, rng):
        raise NotImplementedError("return the seconds to wait after this attempt")
"""


def _draws(answer: Answer, attempt: int, seed: int, count: int = 400) -> list[float]:
    policy, rng = answer.make(BASE, CAP), Random(seed)
    found = [policy.delay(attempt, 0.0, rng) for _ in range(count)]
    for one in found:
        if isinstance(one, bool) or not isinstance(one, int | float) or not math.isfinite(one) or one < 0:
            raise Failed(f"attempt {attempt}: the wait is {one!r}; it must be a number of seconds, at least 0")
    return found


@check("takes its chance from rng")
def chance(answer: Answer, seed: int) -> str:
    """The same source gives the same wait."""
    first, second = ([answer.make(BASE, CAP).delay(4, 0.0, Random(7)) for _ in range(3)] for _ in range(2))
    if first != second or len(set(first)) > 1:
        raise Failed(
            "the same rng gave different waits; a run is repeated by its seed, so neither the global random nor the "
            "computer's clock may decide"
        )
    return ""


@check("grows, and never passes the cap")
def grows(answer: Answer, seed: int) -> str:
    """The highest of many draws, attempt by attempt."""
    for attempt in (1, 3, 5, 7, 9, 12):
        high, top = min(CAP, BASE * 2 ** (attempt - 1)), max(_draws(answer, attempt, seed))
        if top > high * 1.000001:
            if top > CAP:
                raise Failed(f"attempt {attempt}: a wait of {top:.2f} s, above the cap of {CAP:g} s; cap what is drawn")
            raise Failed(f"attempt {attempt}: a wait of {top:.2f} s, and at most {high:g} s is right: base × 2^(n-1)")
        if top < 0.9 * high:
            raise Failed(f"attempt {attempt}: the longest of 400 waits is {top:.2f} s, and it may be up to {high:g} s")
    return ""


@check("uses all of the range, evenly")
def evenly(answer: Answer, seed: int) -> str:
    """Mean and quarters of the waits after attempt 7."""
    draws = _draws(answer, 7, seed, count=800)
    low = sum(one < 1.6 for one in draws) / len(draws)
    if not 0.2 < low < 0.3:
        raise Failed(
            f"attempt 7: {low:.0%} of the waits are in the first quarter of 0 to 6.4 s, and not 25 %; full jitter "
            "begins at 0, not at half or at the whole backoff"
        )
    return f"mean {fmean(draws):.2f} s of 6.4"


@check("survives a thousand attempts")
def thousand(answer: Answer, seed: int) -> str:
    """2^1100 is no float."""
    for one in _draws(answer, 1_100, seed, count=3):
        if one > CAP:
            raise Failed(f"attempt 1,100: a wait of {one:g} s, above the cap")
    return ""


@check("takes the herd apart", points=2, seeds=3)
def herd(answer: Answer, seed: int) -> str:
    """600 clients at 5 workers: with equal waits hardly a tenth is served."""
    world = thundering_herd(clients=600, workers=5, queue=20)
    run = experiment.run(world, lambda: Retry(answer.make(BASE, CAP), attempts=6), seed=seed)
    ok = run.summary()["ok"]
    if ok < 250:
        raise Failed(f"of 600 calls {ok:.0f} end ok; with full jitter it is more than half")
    return f"{ok:.0f} of 600 ok"


EXERCISE = Exercise(
    id="09-full-jitter",
    title="Full jitter",
    kind=Kind.IMPLEMENT,
    answer="FullJitter",
    story=STORY,
    stub=STUB,
    hints=(
        "First the highest wait that is allowed, then the draw.",
        "The highest is the smaller of cap and base × 2^(attempt - 1); the draw is rng.uniform(0, highest).",
        "2 ** 1100 is too large for a float: compare exponents first, or use min(attempt, 60).",
    ),
    lesson="09d_thundering_herds.ipynb",
    checks=(chance, grows, evenly, thousand, herd),
)
