"""08-token-bucket: a burst and a rate, for each key, on the clock that it is given."""

from __future__ import annotations

from random import Random
from typing import Any

from sim import experiment
from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check
from sim.exercises.gate import Gate
from sim.policies.limiter import TokenBucket
from sim.scenarios.limits import boundary_burst

PLACE = 1
RATE, BURST = 10.0, 5
STORY = """
A caller may send ten requests a second, and five at once after a pause. Write the bucket.

`rate` tokens come in each second, there is room for `burst` of them, and the bucket of a key that was never seen is
full. `allow(key, now)` says whether one request of `key` may pass at `now` seconds, and takes its token. Time is an
argument: the simulator's clock is not your computer's.
"""
STUB = """
class TokenBucket:
    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst

    def allow(self, key, now):
        raise NotImplementedError("say whether a request of key may pass at now, in seconds, and take its token")
"""


def _passed(bucket: Any, key: str, instants: list[float]) -> int:
    return sum(bool(bucket.allow(key, now)) for now in instants)


@check("lets its burst through at once, and no more")
def burst(answer: Answer, seed: int) -> str:
    """A full bucket, twenty requests in one instant."""
    passed = _passed(answer.make(RATE, BURST), "ada", [0.0] * 20)
    if passed != BURST:
        why = (
            "a whole token is enough for a request: >= 1, not > 1" if passed == BURST - 1 else "a token is one request"
        )
        raise Failed(f"a full bucket of {BURST} let {passed} of 20 through at t = 0; {why}")
    return f"{passed} of 20"


@check("fills as time goes by")
def fills(answer: Answer, seed: int) -> str:
    """Emptied, and then asked once a second."""
    bucket = answer.make(RATE, BURST)
    _passed(bucket, "ada", [0.0] * BURST)
    passed = _passed(bucket, "ada", [float(second) for second in range(1, 11)])
    if passed != 10:
        raise Failed(
            f"emptied at 0 s and asked once in each of ten seconds, it let {passed} through; does it fill by now, the "
            "argument?"
        )
    return ""


@check("never holds more than its burst")
def never_more(answer: Answer, seed: int) -> str:
    """An hour of silence, then twenty at once."""
    bucket = answer.make(RATE, BURST)
    _passed(bucket, "ada", [0.0] * 20)
    passed = _passed(bucket, "ada", [3_600.0] * 20)
    if passed > BURST:
        raise Failed(f"after an hour of silence it let {passed} through at once; there is room for {BURST} tokens")
    return f"{passed} of 20 after an hour"


@check("has a bucket for each key")
def each_key(answer: Answer, seed: int) -> str:
    """What Ada spent is not Bob's."""
    bucket = answer.make(RATE, BURST)
    _passed(bucket, "ada", [0.0] * 20)
    passed = _passed(bucket, "bob", [0.0] * 20)
    if passed != BURST:
        raise Failed(f"Ada emptied her bucket, and {passed} of Bob's requests passed; each key has a bucket of its own")
    return ""


@check("spends nothing on what it refuses")
def refused(answer: Answer, seed: int) -> str:
    """Two hundred refused, and then a moment of rest."""
    bucket = answer.make(RATE, BURST)
    _passed(bucket, "ada", [0.0] * 200)
    passed = _passed(bucket, "ada", [0.35] * 20)
    if passed != 3:
        raise Failed(
            f"after a burst of 200 and 0.35 s, {passed} passed and not 3; a refused request takes no token, and does "
            "not begin the time anew"
        )
    return ""


@check("counts parts of a token")
def parts(answer: Answer, seed: int) -> str:
    """A flood of a thousand a second for two seconds: b + r t."""
    flood = [0.5 + number / 1_000 for number in range(2_000)]
    passed, exact = _passed(answer.make(RATE, BURST), "ada", flood), BURST + 19
    if abs(passed - exact) > 1:
        raise Failed(f"in 2 s of flood {passed} passed, by b + r t it is {exact}; a part of a token counts as well")
    return f"{passed} in 2 s"


@check("decides as the library's bucket, request by request", points=2, seeds=3)
def as_the_library(answer: Answer, seed: int) -> str:
    """Random arrivals of three keys; the first difference is the counterexample."""
    bucket, ours, rng, now = answer.make(RATE, BURST), TokenBucket(10, period=1.0, burst=BURST), Random(seed), 0.0
    for number in range(1, 601):
        now += rng.expovariate(25.0)
        key = rng.choice("abc")
        told, right = bool(bucket.allow(key, now)), ours.decide(key, now).allowed
        if told != right:
            words = "let through" if told else "refused"
            raise Failed(
                f"t = {now:.3f}, request {number}, key {key}: {words}, and it had {'no' if told else 'a'} token"
            )
    return "600 of 600 alike"


@check("keeps its word at the gateway of the simulator")
def at_the_gateway(answer: Answer, seed: int) -> str:
    """The burst around a full minute: b in a second and a little, b + r t in a minute."""
    world = boundary_burst(burst=300.0, flood=5.0)
    run = experiment.run(world, lambda: Gate(answer.make(100 / 60, 10)), seed=seed)
    figures = {name: figure(run.trace) for name, figure in world.figures.items()}
    second, minute = figures["most in 1 s"], figures["most in a period"]
    if second > 12 or minute > 110:
        raise Failed(f"at a gateway, 10 at once and 100 a minute: {second:.0f} passed in 1 s and {minute:.0f} in 60 s")
    return f"{second:.0f} in 1 s, {minute:.0f} in 60 s"


EXERCISE = Exercise(
    id="08-token-bucket",
    title="A token bucket",
    kind=Kind.IMPLEMENT,
    answer="TokenBucket",
    story=STORY,
    stub=STUB,
    hints=(
        "Two numbers for each key are enough: how many tokens it had, and when that was.",
        "You need no timer: how many came in since then is the time that has passed, times the rate.",
        "tokens = min(burst, tokens + (now - then) * rate); if tokens >= 1, take one and remember both.",
    ),
    lesson="08_rate_limiting.ipynb",
    checks=(burst, fills, never_more, each_key, refused, parts, as_the_library, at_the_gateway),
)
