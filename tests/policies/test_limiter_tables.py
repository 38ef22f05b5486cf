"""The limiters, as tables of (time, cost, expected)."""

import math

import pytest

from sim.policies import fresh
from sim.policies.limiter import (
    GCRA,
    AnchoredWindow,
    Decision,
    FixedWindow,
    LeakyBucketMeter,
    LeakyBucketQueue,
    SlidingCounter,
    SlidingLog,
    TokenBucket,
)

ALL = [TokenBucket, GCRA, LeakyBucketMeter, LeakyBucketQueue, FixedWindow, AnchoredWindow, SlidingCounter, SlidingLog]
BUCKETS = [TokenBucket, GCRA, LeakyBucketMeter]
EPOCH = 1_700_000_000.0


def play(limiter, script):
    """Walk through (time, cost, the decision's fields in a dict)."""
    for step, (now, cost, expected) in enumerate(script):
        decision = limiter.decide("ada", now, cost)
        seen = {name: getattr(decision, name) for name in expected}
        assert seen == pytest.approx(expected, rel=0, abs=1e-9), f"step {step}, t = {now}"


def passes(remaining, reset_after):
    return {"allowed": True, "remaining": remaining, "reset_after": reset_after, "retry_after": 0.0}


def refused(remaining, reset_after, retry_after):
    return {"allowed": False, "remaining": remaining, "reset_after": reset_after, "retry_after": retry_after}


@pytest.mark.parametrize("kind", BUCKETS)
def test_a_bucket_gives_a_burst_and_then_the_rate(kind):
    """Three at once, then one every half second; what is saved up never exceeds the burst."""
    play(
        kind(2, period=1.0, burst=3),
        [
            (10.0, 1, passes(2, 0.5)),
            (10.0, 2, passes(0, 1.5)),
            (10.0, 1, refused(0, 1.5, 0.5)),
            (10.4, 1, refused(0, 1.1, 0.1)),
            (10.5, 1, passes(0, 1.5)),
            (11.25, 1, passes(0, 1.25)),
            (11.25, 2, refused(0, 1.25, 0.75)),
            (99.0, 3, passes(0, 1.5)),
        ],
    )


def test_a_queue_lets_out_one_at_a_time():
    """As nginx with 10 a second and burst=5: of 20 at once, six get through, at 0, 0.1, … 0.5 s."""
    queue = LeakyBucketQueue(10, period=1.0, queue=5)
    decisions = [queue.decide("ada", 0.0) for _ in range(20)]
    assert [d.allowed for d in decisions] == [True] * 6 + [False] * 14
    assert [d.delay for d in decisions[:6]] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert [d.remaining for d in decisions[:6]] == [5, 4, 3, 2, 1, 0]
    assert decisions[6] == Decision(False, 6, 0, pytest.approx(0.6), pytest.approx(0.1))
    assert queue.decide("ada", 0.1).delay == pytest.approx(0.5)


def test_a_large_request_takes_several_turns_of_the_queue():
    """A cost of three holds up the next one for three turns, and needs three places."""
    queue = LeakyBucketQueue(10, period=1.0, queue=4)
    assert queue.decide("ada", 0.0, 3).delay == 0.0
    assert queue.decide("ada", 0.0, 3).retry_after == pytest.approx(0.1)
    assert queue.decide("ada", 0.0, 2).delay == pytest.approx(0.3)
    assert queue.peek("ada", 0.0, 6).retry_after is None


def test_a_fixed_window_ends_at_a_multiple_of_its_period():
    """The windows are the clock's: what was spent just before a full minute is forgotten just after it."""
    play(
        FixedWindow(3, period=60.0),
        [
            (59.0, 2, passes(1, 1.0)),
            (59.5, 2, refused(1, 0.5, 0.5)),
            (59.5, 1, passes(0, 0.5)),
            (59.999, 1, refused(0, 0.001, 0.001)),
            (60.0, 3, passes(0, 60.0)),
            (119.0, 1, refused(0, 1.0, 1.0)),
            (500.0, 1, passes(2, 40.0)),
        ],
    )


def test_an_anchored_window_begins_with_the_first_request():
    """The window is the key's own; it ends a period after the first request, and the next one begins a new one."""
    play(
        AnchoredWindow(3, period=60.0),
        [
            (59.0, 2, passes(1, 60.0)),
            (60.0, 2, refused(1, 59.0, 59.0)),
            (118.999, 1, passes(0, 0.001)),
            (119.0, 1, passes(2, 60.0)),
            (300.0, 1, passes(2, 60.0)),
        ],
    )


def test_a_sliding_log_counts_the_last_period():
    """A request counts for exactly a period; a large one must wait until enough of the old ones are gone."""
    play(
        SlidingLog(3, period=60.0),
        [
            (0.0, 1, passes(2, 60.0)),
            (10.0, 2, passes(0, 60.0)),
            (20.0, 1, refused(0, 50.0, 40.0)),
            (20.0, 2, refused(0, 50.0, 50.0)),
            (59.999, 1, refused(0, 10.001, 0.001)),
            (60.0, 1, passes(0, 60.0)),
            (70.0, 2, passes(0, 60.0)),
        ],
    )


def test_a_sliding_counter_weighs_the_window_before():
    """Four in one minute count as four at its end, as two half-way through the next, rounded down."""
    play(
        SlidingCounter(4, period=60.0),
        [
            (10.0, 4, passes(0, 50.0 + 45.000000001)),
            (60.0, 1, refused(0, 45.000000001, 1e-9)),
            (75.1, 1, passes(1, 44.9 + 1e-9)),
            (89.0, 2, refused(1, 31.0 + 1e-9, 1.000000001)),
            (90.000000001, 2, passes(0, 30.0 + 40.0)),
            (400.0, 1, passes(3, 20.0 + 1e-9)),
        ],
    )


@pytest.mark.parametrize("kind", ALL)
def test_what_never_passes_says_so(kind):
    """A cost above the limit is refused without a time to come back, and spends nothing."""
    limiter = kind(5, period=1.0) if kind is not LeakyBucketQueue else kind(5, period=1.0, queue=4)
    decision = limiter.decide("ada", 0.0, 6)
    assert decision == Decision(False, 5, 5, 0.0, None)
    assert limiter.decide("ada", 0.0, 5).allowed
    assert limiter.keys_held == 1


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("cost", [0, -1, 1.5, 1.0, True, "1", None])
def test_a_cost_is_a_whole_number_of_at_least_one(kind, cost):
    """Anything else is the caller's mistake, and changes nothing."""
    limiter = kind()
    for ask in (limiter.decide, limiter.peek):
        with pytest.raises(ValueError, match="cost must be a whole number, at least 1, got"):
            ask("ada", 0.0, cost)
    assert limiter == kind()


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("now", [math.nan, math.inf, -math.inf, 1e300])
def test_an_instant_that_is_none_is_refused(kind, now):
    """An instant that is not finite in nanoseconds raises, and changes nothing."""
    limiter = kind()
    for ask in (limiter.decide, limiter.peek):
        with pytest.raises((ValueError, OverflowError)):
            ask("ada", now)
    assert limiter == kind()


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"limit": 0}, "limit must be at least 1, got 0"),
        ({"limit": 2.5}, "limit must be a whole number, got 2.5"),
        ({"period": 0.0}, "period must be at least 1e-06, got 0.0"),
        ({"period": math.inf}, "period must be a finite number, got inf"),
        ({"period": math.nan}, "period must be a finite number, got nan"),
    ],
)
def test_a_wrong_setting_is_named(kind, setting, sentence):
    """The message names the field, the rule and the value."""
    with pytest.raises(ValueError, match=sentence.replace(".", r"\.")):
        kind(**setting)


@pytest.mark.parametrize("kind", ALL)
def test_whole_floats_are_as_good_as_whole_numbers(kind):
    """A slider hands in 5.0 for 5; the decisions stay whole numbers."""
    decision = kind(5.0, period=1).decide("ada", 0)
    assert decision.remaining.__class__ is int
    assert decision.limit.__class__ is int


@pytest.mark.parametrize("kind", ALL)
def test_ten_tenths_are_a_second(kind):
    """Floats that only look like 0.3 or 0.7 are taken for it: with one per 0.1 s, all of 1,000 of them pass."""
    limiter = kind(1, period=0.1, **({"queue": 0} if kind is LeakyBucketQueue else {}))
    start = 1_000.0
    if kind is SlidingCounter:  # at the very boundary it still counts the one before
        start, step = 1_000.05, 0.2
    else:
        step = 0.1
    assert all(limiter.decide("ada", start + number * step).allowed for number in range(1_000))


def admitted(limiter, times):
    return sum(limiter.decide("mallory", now).allowed for now in times)


def test_the_burst_at_the_boundary():
    """A.7: 100 a minute, 200 requests in the second around a full minute: 200 through a clock-aligned window."""
    times = [59.5 + number / 200 for number in range(200)]
    assert admitted(FixedWindow(), times) == 200
    assert admitted(AnchoredWindow(), times) == 100
    assert admitted(SlidingLog(), times) == 100
    assert admitted(SlidingCounter(), times) == 101  # 99.2 of the window before count as 99
    assert admitted(TokenBucket(), times) == 101


@pytest.mark.parametrize("start", [0.0, EPOCH])
def test_a_flood_of_a_minute(start):
    """A.7: with burst = limit = 100 a minute, a bucket lets 199 through in 60 s, a log 100."""
    times = [start + number / 100 for number in range(6_000)]
    for kind in BUCKETS:
        assert admitted(kind(), times) == 199
    assert admitted(SlidingLog(), times) == 100


def test_a_flood_of_two_minutes():
    """B.7: in 120 s a bucket lets 299 through, every window 200."""
    times = [number / 100 for number in range(12_000)]
    for kind in BUCKETS:
        assert admitted(kind(), times) == 299
    for kind in (FixedWindow, AnchoredWindow, SlidingLog):
        assert admitted(kind(), times) == 200


@pytest.mark.parametrize("kind", ALL)
def test_idle_keys_are_dropped(kind):
    """A hundred new keys a second for a long time: it holds those of the last two lifetimes, and no others."""
    limiter = kind(10, period=1.0)
    lifetime = limiter._lifetime / 1e9
    most = 0
    for number in range(20_000):
        limiter.decide(f"key {number}", number / 100)
        most = max(most, limiter.keys_held)
    assert most <= 100 * 2 * lifetime + 2
    assert limiter.decide("last", 1e6).allowed
    assert limiter.keys_held == 1


@pytest.mark.parametrize("kind", ALL)
def test_refused_keys_are_not_held(kind):
    """Whoever never got anything leaves no trace."""
    limiter = kind(5, period=1.0)
    for number in range(1_000):
        limiter.decide(f"key {number}", 0.0, 1_000)
        limiter.peek(f"key {number}", 0.0)
    assert limiter.keys_held == 0


@pytest.mark.parametrize("kind", ALL)
def test_fresh_starts_again(kind):
    """A fresh copy has the settings and none of the state."""
    limiter = kind(3, period=7.0)
    new = kind(3, period=7.0)
    limiter.decide("ada", 0.0)
    assert limiter != new
    assert fresh(limiter) == new
