"""The contract suite of rate limiters: ours pass, and every known slip is named in a sentence."""

import math
import random
from random import Random

import attrs
import pytest

from sim.http import Request
from sim.policies.limiter import (
    GCRA,
    AnchoredWindow,
    Decision,
    FixedWindow,
    LeakyBucketMeter,
    LeakyBucketQueue,
    Level,
    Levels,
    SlidingCounter,
    SlidingLog,
    TokenBucket,
    by_peer,
)
from sim.testing.limiter import check_limiter

OURS = [
    TokenBucket(),
    TokenBucket(3, period=0.7, burst=2),
    TokenBucket(1, period=1e9),
    GCRA(),
    GCRA(7, period=0.3),
    GCRA(500, period=1e-6),
    LeakyBucketMeter(),
    LeakyBucketMeter(7, period=0.3, burst=20),
    LeakyBucketQueue(),
    LeakyBucketQueue(3, period=1 / 3, queue=0),
    FixedWindow(),
    FixedWindow(1, period=1e-6),
    AnchoredWindow(),
    AnchoredWindow(3, period=0.3),
    SlidingCounter(),
    SlidingCounter(3, period=1.1),
    SlidingLog(),
    SlidingLog(1, period=0.1),
]


@pytest.mark.slow
@pytest.mark.parametrize("limiter", OURS, ids=repr)
def test_our_limiters_keep_the_contract(limiter):
    """Every limiter of the course passes the suite that a learner's goes through."""
    assert str(check_limiter(limiter)) == "contract: ok"


@attrs.frozen
class AtTheGate:
    """Levels, asked by key: each key is an address and, under another name, a user."""

    levels: Levels

    def decide(self, key, now, cost=1):
        return self._ask(self.levels.decide, key, now, cost)

    def peek(self, key, now, cost=1):
        return self._ask(self.levels.peek, key, now, cost)

    def _ask(self, method, key, now, cost):
        decision = method(Request(peer=key, body=b"x" * cost), now)
        limit = min(level.limiter.peek(key, now).limit for level in self.levels.levels)
        return decision._replace(limit=limit, remaining=min(limit, decision.remaining))


@pytest.mark.slow
def test_levels_keep_the_contract_too():
    """Two levels checked all-or-nothing are a limiter like any other; its Retry-After is exact as well."""
    cost = lambda request: len(request.body)  # noqa: E731
    levels = Levels(
        [
            Level("bucket", TokenBucket(5, period=1.0, burst=3), by_peer, cost),
            Level("log", SlidingLog(7), by_peer, cost),
        ]
    )
    assert str(check_limiter(AtTheGate(levels))) == "contract: ok"


class Plain:
    """A token bucket as a learner writes it, right in every part: whole nanoseconds, one token every half second."""

    size, each = 5, 500_000_000

    def __init__(self):
        self.full_at, self.latest = {}, -(10**30)

    def decide(self, key, now, cost=1):
        self.latest = max(self.latest, round(now * 1e9))
        decision, full_at = self.judge(key, now, cost)
        if decision.allowed:
            self.full_at[key] = full_at
        return decision

    def peek(self, key, now, cost=1):
        return self.judge(key, now, cost)[0]

    def judge(self, key, now, cost):
        instant = max(round(now * 1e9), self.latest)
        owed = max(0, self.full_at.get(key, instant) - instant)
        over = owed + cost * self.each - self.size * self.each
        left = (self.size * self.each - owed) // self.each
        if over > 0:
            wait = self.wait(now, instant + over) if cost <= self.size else None
            return Decision(False, self.size, left, owed / 1e9, wait), None
        owed += cost * self.each
        return Decision(True, self.size, left - cost, owed / 1e9), instant + owed

    def wait(self, now, target):
        wait = (target - round(now * 1e9)) / 1e9
        while round((now + wait) * 1e9) < target:
            wait += math.ulp(now + wait)
        return wait


def test_a_learners_right_limiter_keeps_the_contract():
    """A plain object with the two methods passes, so what the bad ones lack is what the findings name."""
    assert str(check_limiter(Plain())) == "contract: ok"


class NaiveFloats:
    """A token bucket in floats, as most are written."""

    size, rate = 5, 3.0

    def __init__(self):
        self.buckets = {}

    def decide(self, key, now, cost=1):
        return self.judge(key, now, cost, spend=True)

    def peek(self, key, now, cost=1):
        return self.judge(key, now, cost, spend=False)

    def judge(self, key, now, cost, spend):
        tokens, last = self.buckets.get(key, (float(self.size), now))
        now = max(now, last)
        tokens = min(float(self.size), tokens + (now - last) * self.rate)
        allowed = tokens >= cost
        left = tokens - cost if allowed else tokens
        if spend and (allowed or key in self.buckets):
            self.buckets[key] = (left, now)
        wait = 0.0 if allowed else None if cost > self.size else (cost - tokens) / self.rate
        return Decision(allowed, self.size, int(left), (self.size - left) / self.rate, wait)


class RoundsDown(Plain):
    def wait(self, now, target):
        return math.floor((target - round(now * 1e9)) / 1e7) / 1e2 or 1e-9


class LimitsNothing(Plain):
    def judge(self, key, now, cost):
        if cost > self.size:
            return super().judge(key, now, cost)
        return Decision(True, self.size, 0, 0.0), 0


class BornEmpty(Plain):
    def judge(self, key, now, cost):
        if key not in self.full_at:
            self.full_at[key] = round(now * 1e9) + self.size * self.each
        return super().judge(key, now, cost)


class OneForAll(Plain):
    def judge(self, key, now, cost):
        return super().judge("all", now, cost)

    def decide(self, key, now, cost=1):
        return super().decide("all", now, cost)


class PeekSpends(Plain):
    def peek(self, key, now, cost=1):
        return self.decide(key, now, cost)


class PeekTicks(Plain):
    """Peeking moves its clock."""

    def peek(self, key, now, cost=1):
        self.latest = max(self.latest, round(now * 1e9))
        return super().peek(key, now, cost)


class PeekGuesses(Plain):
    def peek(self, key, now, cost=1):
        return super().peek("a stranger", now, cost)


class RefusalsCost(Plain):
    """Charges for refused requests, too."""

    def decide(self, key, now, cost=1):
        decision = super().decide(key, now, cost)
        if not decision.allowed:
            self.full_at[key] = max(self.full_at.get(key, 0), self.latest) + self.each
        return decision


class GivesBack(Plain):
    """Believes a clock that is set back, and fills up by the distance."""

    def judge(self, key, now, cost):
        instant = round(now * 1e9)
        owed = max(0, self.full_at.get(key, instant) - self.latest - abs(instant - self.latest))
        return super().judge(key, now, cost) if owed else (Decision(True, 5, 4, 0.5), instant + self.each)


class NeverSaysNever(Plain):
    """Has a time to come back even for what never passes."""

    def judge(self, key, now, cost):
        decision, state = super().judge(key, now, cost)
        return (decision._replace(retry_after=60.0) if decision.retry_after is None else decision), state


class AlwaysNever(Plain):
    """Never has a time to come back."""

    def judge(self, key, now, cost):
        decision, state = super().judge(key, now, cost)
        return (decision if decision.allowed else decision._replace(retry_after=None)), state


class OffByOne(Plain):
    """Lets one more through than its limit says."""

    def judge(self, key, now, cost):
        decision, state = super().judge(key, now, cost)
        return decision._replace(limit=self.size - 1, remaining=min(decision.remaining, self.size - 1)), state


class Negative(Plain):
    def judge(self, key, now, cost):
        decision, state = super().judge(key, now, cost)
        return (decision if decision.allowed else decision._replace(remaining=-1)), state


class Fractions(Plain):
    def judge(self, key, now, cost):
        decision, state = super().judge(key, now, cost)
        return decision._replace(remaining=float(decision.remaining)), state


class PastReset(Plain):
    def judge(self, key, now, cost):
        decision, state = super().judge(key, now, cost)
        return decision._replace(reset_after=-1.0), state


class WaitsWhenAllowed(Plain):
    def judge(self, key, now, cost):
        decision, state = super().judge(key, now, cost)
        return (decision._replace(retry_after=1.0) if decision.allowed else decision), state


class Yes(Plain):
    def judge(self, key, now, cost):
        decision, state = super().judge(key, now, cost)
        return decision._replace(allowed="yes" if decision.allowed else ""), state


class TrueOrFalse(Plain):
    def judge(self, key, now, cost):
        decision, state = super().judge(key, now, cost)
        return decision.allowed, state

    def decide(self, key, now, cost=1):
        return self.judge(key, now, cost)[0]


class Chancy(Plain):
    def judge(self, key, now, cost):
        if cost == 1 and self.full_at and random.SystemRandom().random() < 0.2:
            return super().judge(key, now, self.size)
        return super().judge(key, now, cost)


class Global(Plain):
    def judge(self, key, now, cost):
        random.random()  # noqa: TID251
        return super().judge(key, now, cost)


class Breaks(Plain):
    def judge(self, key, now, cost):
        return 1 / 0


class NoCost(Plain):
    def decide(self, key, now):
        return super().decide(key, now)


@pytest.mark.parametrize(
    ("limiter", "sentence"),
    [
        (NaiveFloats(), "was refused; the instant that it names itself must do."),
        (RoundsDown(), "was refused; the instant that it names itself must do."),
        (LimitsNothing(), "it let all of 2,000 requests of one key through at one instant; it limits nothing."),
        (BornEmpty(), "decide('ada', 0.0, 1) refused the first request of all."),
        (OneForAll(), "what one key sent changed what another one was told; each key has a limit of its own."),
        (PeekSpends(), "peek(key, now, cost) changed what decide answered later; reading must change nothing."),
        (PeekTicks(), "peek(key, now, cost) changed what decide answered later; reading must change nothing."),
        (PeekGuesses(), "said allowed=True and decide, asked next, False."),
        (RefusalsCost(), "a refused request spent something: after it, a new key was refused a cost of 5."),
        (GivesBack(), "a clock that is set back must not give anything back."),
        (NeverSaysNever(), "what never passes has a retry_after of None."),
        (AlwaysNever(), "was refused for ever, though its limit is 5."),
        (OffByOne(), "decide('ada', 0.0, 5) was let through, though its limit is 4."),
        (Negative(), "answered with remaining=-1; it must be a whole number from 0 to the limit, 5."),
        (Fractions(), "answered with remaining=4.0; it must be a whole number from 0 to the limit, 5."),
        (PastReset(), "; a reset_after must be a finite number of seconds, at least 0."),
        (WaitsWhenAllowed(), "answered with retry_after=1.0; it must be 0 when the request is let through."),
        (Yes(), "answered with allowed='yes'; it must be True or False."),
        (TrueOrFalse(), "decide('ada', 0.0, 1) returned True, which has no allowed."),
        (Chancy(), "two copies that saw the same requests decided differently; only its arguments may count."),
        (Global(), "it draws from the global random module; chance comes from the argument rng alone."),
        (Breaks(), "decide('ada', 0.0, 1) raised ZeroDivisionError: division by zero."),
        (NoCost(), "NoCost must have a method decide(key, now, cost), got decide(key, now)."),
        (object(), "object must be an object with a method decide(key, now, cost)."),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_bad_limiter_is_named(limiter, sentence):
    """Each slip gives the finding that names it, in one line with a full stop."""
    report = check_limiter(limiter)
    assert any(sentence in finding for finding in report.findings), str(report)
    assert all(finding.endswith(".") and "\n" not in finding for finding in report.findings)


def test_the_limiter_itself_is_left_alone():
    """The suite works on copies, and leaves the global random module as it was."""
    before, limiter = random.getstate(), FixedWindow()
    assert check_limiter(limiter).ok
    assert limiter == FixedWindow()
    assert random.getstate() == before


def test_a_factory_is_called_for_each_copy():
    """What cannot be copied may be handed in as a function that makes one."""
    assert check_limiter(lambda: Plain()).ok
    assert not check_limiter(Plain).ok


def test_the_naive_bucket_breaks_a_good_part_of_its_promises():
    """In floats, of the retries at the very instant told, a fifth or more are refused; ours keep every one."""

    def kept(limiter):
        script, now, broken = Random(1), 1_000.0, 0
        for _ in range(500):
            while (decision := limiter.decide("ada", now)).allowed:
                pass
            now += decision.retry_after
            broken += not limiter.decide("ada", now).allowed
            now += script.random()
        return broken / 500

    assert kept(NaiveFloats()) > 0.15
    assert kept(TokenBucket(3, period=1.0, burst=5)) == 0.0
