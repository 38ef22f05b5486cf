"""08-sliding-log: the limiter that keeps its word in any window."""

from __future__ import annotations

from random import Random

from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check
from sim.policies.limiter import SlidingLog

PLACE = 2
STORY = """
"No more than `limit` in any `period` seconds", wherever the period begins: only a log of the instants can promise
that.

`allow(key, now)` says whether a request of `key` may pass at `now` seconds. A request that passed at `t` counts
until just before `t + period`, and a refused one does not count. Each key has a log of its own.
"""
STUB = """
class SlidingLog:
    def __init__(self, limit, period):
        self.limit, self.period = limit, period

    def allow(self, key, now):
        raise NotImplementedError("say whether a request of key may pass at now, in seconds")
"""


@check("lets its limit through, and no more")
def limit(answer: Answer, seed: int) -> str:
    """Ten in one instant against a limit of three."""
    log = answer.make(3, 60.0)
    passed = sum(bool(log.allow("ada", 5.0)) for _ in range(10))
    if passed != 3:
        raise Failed(f"limit 3: {passed} of 10 passed at once; the limit itself may pass: < limit, not <= limit")
    return "3 of 10"


@check("has no edge at which it starts anew")
def no_edge(answer: Answer, seed: int) -> str:
    """Three just before a full minute, three just behind."""
    log = answer.make(3, 60.0)
    passed = [now for now in (59.0, 59.1, 59.2, 60.1, 60.2, 60.3) if log.allow("ada", now)]
    if len(passed) > 3:
        raise Failed(
            f"limit 3 in 60 s: {len(passed)} passed between 59 and 60.3 s; a window that begins at a full minute "
            "forgets what was just before it"
        )
    return ""


@check("counts a request for exactly one period")
def exactly(answer: Answer, seed: int) -> str:
    """At t + period it is over; just before it is not."""
    log = answer.make(1, 60.0)
    log.allow("ada", 10.0)
    if log.allow("ada", 69.999):
        raise Failed("limit 1 in 60 s: one passed at 10 s and one at 69.999 s, which is within 60 s")
    log = answer.make(1, 60.0)
    log.allow("ada", 10.0)
    if not log.allow("ada", 70.0):
        raise Failed("limit 1 in 60 s: one passed at 10 s, and at 70 s another may: it counts until before t + period")
    return ""


@check("does not count what it refused")
def refused(answer: Answer, seed: int) -> str:
    """Someone who asks all the time is served once a period."""
    log = answer.make(1, 10.0)
    passed = sum(bool(log.allow("ada", 0.5 * number)) for number in range(100))
    if passed != 5:
        raise Failed(
            f"limit 1 in 10 s, asked every half second for 50 s: {passed} passed and not 5; a refused request does not "
            "count"
        )
    return ""


@check("has a log for each key")
def each_key(answer: Answer, seed: int) -> str:
    """What Ada used up is not Bob's."""
    log = answer.make(1, 60.0)
    if not (log.allow("ada", 0.0) and log.allow("bob", 0.0)):
        raise Failed("limit 1: Ada's request and then Bob's, and one was refused; each key has a log of its own")
    return ""


@check("decides as the library's log, request by request", points=2, seeds=3)
def as_the_library(answer: Answer, seed: int) -> str:
    """Random arrivals of three keys; the first difference is the counterexample."""
    log, ours, rng, now = answer.make(5, 2.0), SlidingLog(5, period=2.0), Random(seed), 0.0
    for number in range(1, 501):
        now += rng.expovariate(8.0)
        key = rng.choice("abc")
        told, right = bool(log.allow(key, now)), ours.decide(key, now).allowed
        if told != right:
            raise Failed(f"t = {now:.3f}, request {number}, key {key}: {'passed' if told else 'was refused'} wrongly")
    return "500 of 500 alike"


EXERCISE = Exercise(
    id="08-sliding-log",
    title="A log that keeps its word",
    kind=Kind.IMPLEMENT,
    answer="SlidingLog",
    story=STORY,
    stub=STUB,
    hints=(
        "What must you remember of each request that passed?",
        "Before deciding, forget the instants that are a period or more ago.",
        "kept = [t for t in log if t > now - period]; pass if len(kept) < limit, and then append now.",
    ),
    lesson="08_rate_limiting.ipynb",
    checks=(limit, no_edge, exactly, refused, each_key, as_the_library),
)
