"""09-breaker: three states, and one probe at a time."""

from __future__ import annotations

from random import Random
from typing import Any

from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check

PLACE = 2
FAILURES, OPEN_TIME = 5, 10.0
STORY = """
A consumer is down, and every attempt holds a worker until it times out. A breaker says no at once.

Closed, everything may go, and `failures` failed attempts **in a row** open it. Open, nothing may go for `open_time`
seconds. Then one attempt may go, the probe, and nothing else until it has ended: well, and it is closed; badly, and
it is open again for as long.

`admit(now)` says whether an attempt may go at `now` seconds; `record(ok, now)` tells how an admitted attempt ended.
"""
STUB = """
class Breaker:
    def __init__(self, failures, open_time):
        self.failures, self.open_time = failures, open_time

    def admit(self, now):
        raise NotImplementedError("say whether an attempt may go at now, in seconds")

    def record(self, ok, now):
        raise NotImplementedError("an admitted attempt ended: ok is True or False")
"""


def _opened(answer: Answer) -> Any:
    breaker = answer.make(FAILURES, OPEN_TIME)
    for number in range(FAILURES):
        if not breaker.admit(float(number)):
            raise Failed(f"closed, after {number} failures, and an attempt was refused; it opens at {FAILURES}")
        breaker.record(False, number + 0.5)
    return breaker


@check("opens after failures in a row")
def opens(answer: Answer, seed: int) -> str:
    """The fifth failure opens it, at 4.5 s."""
    if _opened(answer).admit(5.0):
        raise Failed("five attempts in a row failed, and at 5 s the next was let through; it must be open")
    return ""


@check("counts failures in a row, not in all")
def in_a_row(answer: Answer, seed: int) -> str:
    """A success in between begins the count anew."""
    breaker = answer.make(FAILURES, OPEN_TIME)
    for number in range(12):
        if not breaker.admit(float(number)):
            raise Failed(
                f"every third attempt succeeded, and at {number} s it was open; a success begins the count anew"
            )
        breaker.record(number % 3 == 2, number + 0.5)
    return ""


@check("stays open for its time, however often it is asked")
def stays(answer: Answer, seed: int) -> str:
    """Asked each second; open from 4.5 to 14.5 s."""
    breaker = _opened(answer)
    for now in (5.0, 8.0, 11.0, 14.0):
        if breaker.admit(now):
            raise Failed(f"open since 4.5 s for 10 s, and at {now:g} s an attempt was let through")
    if not breaker.admit(14.6):
        raise Failed("open since 4.5 s for 10 s, and at 14.6 s nothing may go; being asked must not begin it anew")
    return ""


@check("lets one probe go, and no herd")
def one_probe(answer: Answer, seed: int) -> str:
    """Ten ask at once when the time is over."""
    breaker = _opened(answer)
    passed = sum(bool(breaker.admit(15.0)) for _ in range(10))
    if passed != 1:
        raise Failed(f"the time was over, ten asked at once, and {passed} were let through; one probe, then its answer")
    return ""


@check("a good probe closes it, a bad one opens it again")
def probes(answer: Answer, seed: int) -> str:
    """The probe of 15 s ends at 16 s."""
    breaker = _opened(answer)
    breaker.admit(15.0)
    breaker.record(False, 16.0)
    if breaker.admit(17.0):
        raise Failed("the probe failed at 16 s, and at 17 s an attempt was let through; a failed probe opens it again")
    if breaker.admit(25.9):
        raise Failed("the probe failed at 16 s, and at 25.9 s an attempt was let through; it is open for 10 s again")
    if not breaker.admit(26.1):
        raise Failed("the probe failed at 16 s, and at 26.1 s no second probe may go")
    breaker.record(True, 26.5)
    if sum(bool(breaker.admit(27.0)) for _ in range(5)) != 5:
        raise Failed("the probe succeeded at 26.5 s, and at 27 s not everything may go; a good probe closes it")
    breaker.record(False, 28.0)
    if not breaker.admit(28.1):
        raise Failed("it was closed by a good probe, and one failure opened it; the count begins anew")
    return ""


@check("spares a consumer that is down", points=2, seeds=3)
def spares(answer: Answer, seed: int) -> str:
    """Two attempts a second for ten minutes, down from 60 to 360 s."""
    breaker, rng, now = answer.make(FAILURES, OPEN_TIME), Random(seed), 0.0
    wasted = good = missed = 0
    while now < 600.0:
        now += rng.expovariate(2.0)
        down = 60.0 <= now < 360.0
        if breaker.admit(now):
            breaker.record(not down, now)
            wasted, good = wasted + down, good + (not down)
        else:
            missed += not down
    if wasted > 45:
        raise Failed(f"in 300 s of outage {wasted} attempts were let through; five, and then a probe each 10 s, is 34")
    if missed > 45:
        raise Failed(f"{missed} attempts were refused while the consumer was well; one probe after 10 s is enough")
    return f"{wasted} attempts into the outage, {good} served, {missed} refused in vain"


EXERCISE = Exercise(
    id="09-breaker",
    title="A circuit breaker",
    kind=Kind.IMPLEMENT,
    answer="Breaker",
    story=STORY,
    stub=STUB,
    hints=(
        "Three states, and what it must remember in each: a count, an instant, whether the probe is out.",
        "admit may change the state: open becomes half-open when the time is over, and the probe is out from then on.",
        "record: half-open and ok closes and forgets the count; half-open and not ok opens at now.",
    ),
    lesson="09d_thundering_herds.ipynb",
    checks=(opens, in_a_row, stays, one_probe, probes, spares),
)
