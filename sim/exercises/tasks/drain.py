"""09-drain: a backlog of 100,000, and a consumer whose strength nobody knows."""

from __future__ import annotations

from random import Random
from typing import Any

from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check

PLACE = 7
EVENTS, EACH, PATIENCE, SLACK = 100_000, 0.2, 2_000, 1.2
STORY = """
A consumer is back after a day, and 100,000 events wait for it. It takes 0.2 s for each and works on some at once:
how many you are not told, and it changes every minute or two, anywhere from 12 to 30. What is sent beyond that is
refused with a 503 and stays in your queue; after 2,000 of these its owner switches you off. Drain it.

`limit(now, ok, failed, limit)` is called once a second with how many attempts of the last second were ok, how many
failed, and the limit of attempts under way at once that held; it returns the next limit. It begins with 1. The best
possible knows the consumer's strength at every instant; you may take a fifth longer. The score is its time over
yours.
"""
STUB = """
def limit(now, ok, failed, limit):
    raise NotImplementedError("return how many attempts may be under way in the next second")
"""


def _strengths(seed: int) -> list[int]:
    """How many events the consumer works on at once, second by second."""
    rng, found = Random(seed), list[int]()
    while len(found) < 20_000:
        found += [rng.randrange(12, 31)] * rng.randrange(60, 121)
    return found


def _best(strengths: list[int]) -> int:
    left, now = float(EVENTS), 0
    while left > 0:
        left -= strengths[now] / EACH
        now += 1
    return now


def _whole(told: Any) -> int:
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told <= 10_000:
        raise Failed(f"the limit is {told!r}; a number from 0 to 10,000 is wanted"[:200])
    return int(told)


@check("drains it in at most a fifth more than the best, and is not switched off", points=4, seeds=3)
def drains(answer: Answer, seed: int) -> str:
    """Second by second: what is within the consumer's strength is done, the rest is refused."""
    strengths, allowed, left, refused, now = _strengths(seed), 1, EVENTS, 0, 0
    best = _best(strengths)
    while left > 0:
        ok = min(left, int(min(allowed, strengths[now]) / EACH))
        failed = int(max(0, allowed - strengths[now]) / EACH)
        left, refused, now = left - ok, refused + failed, now + 1
        if refused > PATIENCE:
            raise Failed(
                f"t = {now} s: {refused:,} attempts were refused, with {allowed} under way where {strengths[now - 1]} "
                "fit; you are switched off. Go down at once when something fails, and up by little"
            )
        if now > best * SLACK:
            raise Failed(
                f"t = {now} s: {left:,} events are left, the best possible was done at {best} s; a limit that is safe "
                "for every minute, or falls far at each failure, leaves the consumer idle"
            )
        allowed = _whole(answer.make(now, ok, failed, allowed))
    return f"{now} s, {refused:,} refused; score {best / now:.2f}"


EXERCISE = Exercise(
    id="09-drain",
    title="The backlog",
    kind=Kind.TUNE,
    answer="limit",
    story=STORY,
    stub=STUB,
    hints=(
        "Two things to balance: a step up that is wasted when it fails, and strength that is not used.",
        "When something failed you know the strength exactly: ok × 0.2 were done at once.",
        "On a failure: round(ok × 0.2). Otherwise one more, but only every third second or so.",
    ),
    lesson="09d_thundering_herds.ipynb",
    checks=(drains,),
)
