"""The limiters against other people's, on the same traces.  Time is a number here: their clocks are replaced."""

import threading
from datetime import timedelta  # noqa: TID251 - throttled-py takes its period so
from random import Random
from types import SimpleNamespace

import limits.storage.memory
import pyrate_limiter
import pytest
import throttled
import throttled.utils
import token_bucket.storage
from aiolimiter import AsyncLimiter
from deviations_limiter import DEVIATIONS
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter
from pyrate_limiter import InMemoryBucket, Rate, RateItem, StateBucket
from throttled import Throttled, rate_limiter
from throttled.store import MemoryStore

from sim.policies.limiter import (
    GCRA,
    AnchoredWindow,
    FixedWindow,
    LeakyBucketMeter,
    SlidingCounter,
    SlidingLog,
    TokenBucket,
)


class Clock:
    """The time that the libraries read."""

    def __init__(self):
        self.now = 0.0

    def read(self):
        return self.now


class NoTimer:
    """In place of the thread that sweeps expired keys in the background."""

    def __init__(self, interval, function):
        pass

    def start(self):
        pass

    def is_alive(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """One clock for all libraries."""
    clock = Clock()
    fake = SimpleNamespace(time=clock.read, monotonic=clock.read)
    monkeypatch.setattr(limits.storage.memory, "time", fake)
    monkeypatch.setattr(limits.storage.memory, "threading", SimpleNamespace(Timer=NoTimer, RLock=threading.RLock))
    monkeypatch.setattr(throttled.utils, "time", fake)
    monkeypatch.setattr(token_bucket.storage, "time", fake)
    return clock


def poisson(seed, per_second, count, keys="abc", step=1_000):
    """A trace of (key, now), *per_second* for all keys together; instants are multiples of 1/step."""
    rng, now, rows = Random(seed), 1_000.0, []
    for _ in range(count):
        now += rng.expovariate(per_second)
        rows.append((rng.choice(keys), round(now * step) / step))
    return rows


def bursts(seed, count, pause, step=1_000):
    """A trace of bursts and pauses."""
    rng, now, rows = Random(seed), 1_000.0, []
    while len(rows) < count:
        now += rng.expovariate(1.0 / pause)
        for _ in range(rng.randrange(1, 140)):
            now += rng.choice((0.0, 0.001, 0.01)) * pause / 20.0
            rows.append((rng.choice("ab"), round(now * step) / step))
    return rows


SHAPES = {
    "steady": lambda limit, period: poisson(1, 4.0 * limit / period, 1_500),
    "busy": lambda limit, period: poisson(2, 15.0 * limit / period, 1_500),
    "bursts": lambda limit, period: bursts(3, 1_500, pause=period / 3.0),
}
"""Traces that a limit is hit by, now and then or most of the time."""


def ours(limiter, trace):
    return [limiter.decide(key, now).allowed for key, now in trace]


def by_pyrate(make, trace):
    buckets, answers = {}, []
    for key, now in trace:
        bucket = buckets.setdefault(key, make())
        answers.append(bucket.put(RateItem(key, round(now * 1_000))))
    return answers


def pyrates_gcra(limit, period, burst=None):
    return StateBucket([Rate(limit, period * 1_000, burst=burst)], algorithm=pyrate_limiter.GCRA())


def clock_window(limit, period):
    return InMemoryBucket([Rate(limit, period * 1_000)], algorithm=pyrate_limiter.FixedWindow())


def by_limits(clock, strategy, trace, limit=100, period=60):
    limiter, item, answers = strategy(MemoryStorage()), RateLimitItemPerSecond(limit, period), []
    for key, now in trace:
        clock.now = now
        answers.append(limiter.hit(item, key))
    return answers


def a_throttled(using, limit=100, period=60, burst=None):
    quota = rate_limiter.per_duration(timedelta(seconds=period), limit=limit, burst=burst or limit)
    return Throttled(key="k", using=using, quota=quota, store=MemoryStore(options={"MAX_SIZE": 10_000}))


def by_throttled(clock, limiter, trace):
    answers = []
    for key, now in trace:
        clock.now = now
        answers.append(not limiter.limit(key).limited)
    return answers


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("limit", "period", "burst"), [(100, 60, 100), (10, 1, 5), (50, 60, 1)])
def test_gcra_decides_as_pyrate_limiter_and_throttled_do(clock, shape, limit, period, burst):
    """The same answer to every request, from GCRA, the token bucket and the meter; the same wait in milliseconds."""
    trace = SHAPES[shape](limit, period)
    answers = by_pyrate(lambda: pyrates_gcra(limit, period, burst), trace)
    for kind in (GCRA, TokenBucket, LeakyBucketMeter):
        assert ours(kind(limit, period=float(period), burst=burst), trace) == answers
    assert 0.02 < sum(answers) / len(answers) < 1.0
    off_edge = shifted(trace)
    theirs = by_throttled(clock, a_throttled("gcra", limit, period, burst), off_edge)
    assert ours(GCRA(limit, period=float(period), burst=burst), off_edge) == theirs


def shifted(trace):
    """The same trace off the edges, where floats decide as they like: by steps of a third of a microsecond."""
    return [(key, now + number * 3.33e-7 % 1e-4) for number, (key, now) in enumerate(trace)]


@pytest.mark.parametrize(("limit", "period"), [(100, 60), (10, 1)])
def test_gcras_waits_are_those_of_pyrate_limiter(limit, period):
    """A refused request is told the same wait, rounded up to milliseconds."""
    bucket, limiter = (
        pyrates_gcra(limit, period),
        GCRA(limit, period=period),
    )
    refused = 0
    for _, now in poisson(7, 2.5 * limit / period, 2_000, keys="a"):
        item = RateItem("a", round(now * 1_000))
        decision = limiter.decide("a", now)
        assert bucket.put(item) is decision.allowed
        if not decision.allowed:
            refused += 1
            assert bucket.waiting(item) == -(round(-decision.retry_after * 1e9) // 10**6)
    assert refused > 500


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("limit", "period"), [(100, 60), (10, 1), (3, 7)])
def test_the_fixed_window_decides_as_pyrate_limiter_and_throttled_do(clock, shape, limit, period):
    """The same answer to every request from three clock-aligned windows."""
    trace = SHAPES[shape](limit, period)
    answers = ours(FixedWindow(limit, period=float(period)), trace)
    assert (
        by_pyrate(lambda: InMemoryBucket([Rate(limit, period * 1_000)], algorithm=pyrate_limiter.FixedWindow()), trace)
        == answers
    )
    assert by_throttled(clock, a_throttled("fixed_window", limit, period), trace) == answers
    assert not all(answers)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("limit", "period"), [(100, 60), (10, 1), (3, 7)])
def test_the_anchored_window_decides_as_limits_does(clock, shape, limit, period):
    """What `limits` calls a fixed window is anchored at the first hit: the same answer to every request."""
    trace = SHAPES[shape](limit, period)
    answers = by_limits(clock, FixedWindowRateLimiter, trace, limit, period)
    assert ours(AnchoredWindow(limit, period=float(period)), trace) == answers
    assert answers != ours(FixedWindow(limit, period=float(period)), trace)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("limit", "period"), [(100, 60), (10, 1), (3, 7)])
def test_the_sliding_log_decides_as_limits_and_pyrate_limiter_do(clock, shape, limit, period):
    """Off the edge of the window the same answer to every request; on the edge see the deviations."""
    trace = SHAPES[shape](limit, period)
    instants = {now for _, now in trace}
    trace = [(key, now) for key, now in trace if round(now - period, 3) not in instants]
    answers = ours(SlidingLog(limit, period=float(period)), trace)
    assert len(trace) > 500
    assert by_limits(clock, MovingWindowRateLimiter, trace, limit, period) == answers
    assert by_pyrate(lambda: InMemoryBucket([Rate(limit, period * 1_000)]), trace) == answers
    assert not all(answers)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12, 13])
@pytest.mark.parametrize(("limit", "period"), [(100, 60), (10, 1), (3, 7)])
def test_the_sliding_counter_decides_as_limits_does(clock, seed, limit, period):
    """The same answer to every request of a random trace (on whole nanoseconds it would be a matter of floats)."""
    trace = poisson(seed, 3.0 * limit / period, 3_000, step=10**9)
    answers = by_limits(clock, SlidingWindowCounterRateLimiter, trace, limit, period)
    assert ours(SlidingCounter(limit, period=float(period)), trace) == answers
    assert not all(answers)


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_the_token_bucket_decides_as_token_bucket_and_aiolimiter_do(clock, seed):
    """On instants that floats hold exactly, the same answer to every request from all three."""
    trace = poisson(seed, 20.0, 3_000, keys="a", step=1_024)
    theirs = token_bucket.Limiter(8.0, 16, token_bucket.MemoryStorage())
    meter = AsyncLimiter(16, 2.0)
    meter._event_loop = SimpleNamespace(time=clock.read, is_closed=lambda: False)
    bucket, leaky = TokenBucket(8, period=1.0, burst=16), LeakyBucketMeter(8, period=1.0, burst=16)
    for key, now in trace:
        clock.now = now
        allowed = bucket.decide(key, now).allowed
        assert theirs.consume(key) is allowed
        assert leaky.decide(key, now).allowed is allowed
        assert takes(meter) is allowed


def takes(meter):
    """Whether aiolimiter lets a request through at once; if it does, it is taken."""
    if not meter.has_capacity(1):
        return False
    with pytest.raises(StopIteration):
        meter.acquire(1).send(None)
    return True


def flood(length, per_second=100, start=0.0):
    return [("mallory", start + number / per_second) for number in range(length * per_second)]


def test_the_published_numbers_from_all_sides(clock):
    """A.7 and B.7, 100 a minute: 200 at a boundary of a clock's window; 199 in 60 s from a bucket of 100."""
    boundary = [("mallory", 59.5 + number / 200) for number in range(200)]
    for answers in (
        ours(FixedWindow(), boundary),
        by_pyrate(lambda: clock_window(100, 60), boundary),
        by_throttled(clock, a_throttled("fixed_window"), boundary),
    ):
        assert sum(answers) == 200
    assert sum(by_limits(clock, FixedWindowRateLimiter, boundary)) == sum(ours(AnchoredWindow(), boundary)) == 100
    minute = flood(60)
    for answers in (
        ours(GCRA(), minute),
        by_pyrate(lambda: pyrates_gcra(100, 60), minute),
        by_throttled(clock, a_throttled("gcra"), minute),
    ):
        assert sum(answers) == 199


@pytest.mark.slow
def test_the_counter_is_a_guess_and_the_log_is_not(clock):
    """Q-19.6: on one Poisson trace the counter lets a few per cent more through than the log, as in `limits`."""
    trace = poisson(31, 1.9, 2_000, keys="a", step=10**9)
    counter, log = sum(ours(SlidingCounter(), trace)), sum(ours(SlidingLog(), trace))
    assert counter == sum(by_limits(clock, SlidingWindowCounterRateLimiter, trace))
    assert log == sum(by_limits(clock, MovingWindowRateLimiter, trace))
    assert 1.01 * log < counter < 1.15 * log


# One test for each row of the table.


def log_edge_limits(clock):
    trace = [("a", 0.0), ("a", 60.0)]
    theirs = by_limits(clock, MovingWindowRateLimiter, trace, 1)
    return ours(SlidingLog(1), trace) == [True, True], theirs == [True, False]


def log_edge_pyrate(clock):
    log, bucket = SlidingLog(1), InMemoryBucket([Rate(1, 60_000)])
    log.decide("a", 0.0)
    bucket.put(RateItem("a", 0))
    item = RateItem("a", 59_000)
    bucket.put(item)
    asked = bucket.waiting(item)
    return log.decide("a", 59.0).retry_after == 1.0, asked == 1_001 and not bucket.put(RateItem("a", 60_000))


def gcra_rounded_interval(clock):
    trace = [("a", now) for now in (0.0, 1.0) for _ in range(7)]
    theirs = by_pyrate(lambda: pyrates_gcra(7, 1), trace)
    return sum(ours(GCRA(7, period=1.0), trace)) == 14, sum(theirs) == 13


def refusals_spend_limits(clock):
    window, theirs, item = AnchoredWindow(3), FixedWindowRateLimiter(MemoryStorage()), RateLimitItemPerSecond(3, 60)
    costs = (2, 2, 1)
    return (
        [window.decide("a", 0.0, cost).allowed for cost in costs] == [True, False, True],
        [theirs.hit(item, "a", cost=cost) for cost in costs] == [True, False, False],
    )


def refusals_spend_throttled(clock):
    window, theirs = FixedWindow(3), a_throttled("fixed_window", 3)
    costs = (2, 2, 1)
    return (
        [window.decide("a", 0.0, cost).allowed for cost in costs] == [True, False, True],
        [not theirs.limit("a", cost).limited for cost in costs] == [True, False, False],
    )


def whole_seconds_bucket(clock):
    trace = flood(120)
    return sum(ours(TokenBucket(), trace)) == 299, sum(by_throttled(clock, a_throttled("token_bucket"), trace)) == 219


def whole_seconds_leak(clock):
    trace = flood(120)
    theirs = sum(by_throttled(clock, a_throttled("leaking_bucket"), trace))
    return sum(ours(LeakyBucketMeter(), trace)) == 299, theirs == 219


def denied_first_hit(clock):
    trace = [("a", 59.0)] * 2 + [("a", 60.0)] + [("a", 90.0)]
    theirs = by_throttled(clock, a_throttled("sliding_window", 2), trace)
    return ours(SlidingCounter(2), trace) == [True, True, False, True], theirs == [True, True, False, False]


def float_gcra(clock):
    def broken(ask, rounds=300):
        script, now, count = Random(3), 1_000.0, 0
        for _ in range(rounds):
            while (wait := ask(now)) == 0.0:
                pass
            now += wait
            count += ask(now) != 0.0
            now += script.random()
        return count

    limiter, theirs = GCRA(7, period=10.0, burst=3), a_throttled("gcra", 7, 10, 3)

    def ask_theirs(now):
        clock.now = now
        result = theirs.limit("a")
        return result.state.retry_after if result.limited else 0.0

    return broken(lambda now: limiter.decide("a", now).retry_after) == 0, broken(ask_theirs) > 15


def few_keys(clock):
    crowd = [("victim", 0.0)] * 2 + [(f"key {number}", 1.0) for number in range(1_024)] + [("victim", 2.0)]
    theirs = Throttled(using="fixed_window", quota=rate_limiter.per_min(1), store=MemoryStore())
    return ours(FixedWindow(1), crowd)[-1] is False, by_throttled(clock, theirs, crowd)[-1] is True


def float_tokens(clock):
    trace = [("a", number / 10) for number in range(1, 1_000)]
    theirs, answers = token_bucket.Limiter(10.0, 1, token_bucket.MemoryStorage()), []
    for key, now in trace:
        clock.now = now
        answers.append(theirs.consume(key))
    return all(ours(TokenBucket(10, period=1.0, burst=1), trace)), answers.count(False) > 1


def waits_instead(clock):
    meter, leaky = AsyncLimiter(1, 1.0), LeakyBucketMeter(1, period=1.0)
    timers = []
    loop = SimpleNamespace(
        time=clock.read,
        is_closed=lambda: False,
        create_future=FakeFuture,
        call_soon=lambda function: None,
        call_at=lambda when, function: timers.append(when) or SimpleNamespace(cancel=lambda: None),
    )
    meter._event_loop = loop
    assert takes(meter)
    second = meter.acquire(1)
    waiting = second.send(None)
    leaky.decide("a", 0.0)
    refused = leaky.decide("a", 0.0)
    return (refused.allowed, refused.retry_after) == (False, 1.0), waiting is not None and timers[-1] == 1.0


class FakeFuture:
    """A future that nobody completes."""

    def add_done_callback(self, function):
        pass

    def done(self):
        return False

    def __lt__(self, other):
        return False

    def __await__(self):
        yield self


@pytest.mark.slow
@pytest.mark.parametrize("ident", [row[0] for row in DEVIATIONS])
def test_deviation(ident, clock):
    """Each labelled deviation is one: we do what its row says, and the library does what its row says."""
    we, they = globals()[ident.replace("-", "_")](clock)
    assert we
    assert they


def test_every_row_is_complete():
    """Five short texts a row, and no ident twice."""
    assert all(len(row) == 5 and all(row) for row in DEVIATIONS)
    assert len({row[0] for row in DEVIATIONS}) == len(DEVIATIONS)
