"""The limiters' laws, with hypothesis driving times, costs and orders."""

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies import fresh
from sim.policies.limiter import (
    GCRA,
    AnchoredWindow,
    FixedWindow,
    LeakyBucketMeter,
    LeakyBucketQueue,
    SlidingCounter,
    SlidingLog,
    TokenBucket,
)
from sim.policies.limiter.keyed import nanoseconds, seconds_until

WINDOWS = [FixedWindow, AnchoredWindow, SlidingCounter, SlidingLog]
BUCKETS = [TokenBucket, GCRA, LeakyBucketMeter]
ALL = [*BUCKETS, LeakyBucketQueue, *WINDOWS]

pytestmark = pytest.mark.slow
LAW = settings(max_examples=60)
SHORT = settings(max_examples=25)

starts = st.sampled_from([0.0, 0.1, -3.7, 59.9, 12_345.678, 1e9, 1_700_000_000.123])
gaps = st.one_of(st.just(0.0), st.sampled_from([1e-9, 0.1, 0.3, 1 / 3, 1.0]), st.floats(0.0, 0.5), st.floats(0.0, 20.0))
costs = st.sampled_from([1, 1, 1, 1, 2, 3, 7])
limits = st.integers(1, 9)
periods = st.sampled_from([0.1, 0.3, 1.0, 1 / 3, 0.7, 7.0])


@st.composite
def traces(draw, backwards=False):
    """Rows of (key, now, cost); *backwards*: the clock may be set back."""
    now, rows = draw(starts), []
    for gap, key, cost, back in draw(
        st.lists(st.tuples(gaps, st.sampled_from("ab"), costs, st.integers(0, 9)), min_size=1, max_size=60)
    ):
        now += -3.0 * gap if backwards and back == 0 else gap
        rows.append((key, now, cost))
    return rows


@st.composite
def limiters(draw, kinds=ALL):
    """A limiter of one of the *kinds*, small enough to be hit."""
    kind = draw(st.sampled_from(kinds))
    settings_ = {"limit": draw(limits), "period": draw(periods)}
    if kind in BUCKETS:
        settings_["burst"] = draw(st.sampled_from([None, 1, 2, 5]))
    if kind is LeakyBucketQueue:
        settings_["queue"] = draw(st.integers(0, 6))
    return kind(**settings_)


def let_through(limiter, trace):
    """(instant in nanoseconds, cost) of each request that passed, by key."""
    passed = {}
    for key, now, cost in trace:
        if limiter.decide(key, now, cost).allowed:
            passed.setdefault(key, []).append((nanoseconds(now), cost))
    return passed


def most_in(passed, length):
    """The largest total cost in any half-open stretch of *length* nanoseconds."""
    return max(
        (sum(cost for at, cost in passed if end - length < at <= end) for end, _ in passed),
        default=0,
    )


@LAW
@given(limiters(BUCKETS), traces())
def test_a_bucket_never_passes_more_than_burst_and_rate(limiter, trace):
    """Between any two admitted requests, both included, at most burst + limit * t / period; not one more."""
    burst = limiter.limit if limiter.burst is None else limiter.burst
    span = nanoseconds(limiter.period)
    for passed in let_through(limiter, trace).values():
        for first in range(len(passed)):
            total = 0
            for at, cost in passed[first:]:
                total += cost
                assert total * span <= burst * span + (at - passed[first][0]) * limiter.limit


@LAW
@given(limiters([FixedWindow]), traces())
def test_a_fixed_window_never_passes_more_than_its_limit(limiter, trace):
    """At most the limit in each window of the clock, and at most twice the limit in any period."""
    span = nanoseconds(limiter.period)
    for passed in let_through(limiter, trace).values():
        counts = {}
        for at, cost in passed:
            counts[at // span] = counts.get(at // span, 0) + cost
        assert max(counts.values()) <= limiter.limit
        assert most_in(passed, span) <= 2 * limiter.limit


@LAW
@given(limiters([AnchoredWindow, SlidingCounter]), traces())
def test_anchored_windows_and_counters_never_pass_twice_the_limit(limiter, trace):
    """At most twice the limit in any period."""
    for passed in let_through(limiter, trace).values():
        assert most_in(passed, nanoseconds(limiter.period)) <= 2 * limiter.limit


@LAW
@given(limiters([AnchoredWindow]), traces())
def test_an_anchored_window_never_passes_more_than_its_limit(limiter, trace):
    """At most the limit in the period that begins with the first admitted request, and so on from the next one."""
    span = nanoseconds(limiter.period)
    for passed in let_through(limiter, trace).values():
        begun, used = passed[0][0], 0
        for at, cost in passed:
            if at >= begun + span:
                begun, used = at, 0
            used += cost
            assert used <= limiter.limit


@LAW
@given(limiters([SlidingLog]), traces())
def test_a_sliding_log_never_passes_more_than_its_limit_in_any_period(limiter, trace):
    """At most the limit in any period whatever."""
    for passed in let_through(limiter, trace).values():
        assert most_in(passed, nanoseconds(limiter.period)) <= limiter.limit


@LAW
@given(limiters([SlidingLog]), traces())
def test_a_sliding_log_refuses_nothing_that_would_fit(limiter, trace):
    """It decides as a plain list of all admitted requests would."""
    span, passed = nanoseconds(limiter.period), {}
    for key, now, cost in trace:
        at = nanoseconds(now)
        mine = passed.setdefault(key, [])
        fits = sum(spent for then, spent in mine if then > at - span) + cost <= limiter.limit
        assert limiter.decide(key, now, cost).allowed is fits
        if fits:
            mine.append((at, cost))


@LAW
@given(limiters([SlidingCounter]), traces())
def test_a_sliding_counter_is_its_formula(limiter, trace):
    """It decides by floor(before * share + used) + cost <= limit, computed here in fractions."""
    span, counts = nanoseconds(limiter.period), {}
    for key, now, cost in trace:
        window, elapsed = divmod(nanoseconds(now), span)
        before = counts.get((key, window - 1), 0) * Fraction(span - elapsed, span)
        used = counts.get((key, window), 0)
        fits = math.floor(before + used) + cost <= limiter.limit
        decision = limiter.decide(key, now, cost)
        assert decision.allowed is fits
        counts[key, window] = used + cost * fits
        assert decision.remaining == max(0, limiter.limit - math.floor(before + counts[key, window]))


@LAW
@given(limiters([LeakyBucketQueue]), traces())
def test_a_queue_spaces_its_output(limiter, trace):
    """Two requests of a key are let through at least cost * period / limit apart, and none waits for a longer queue."""
    span, let_out = nanoseconds(limiter.period), {}
    for key, now, cost in trace:
        decision = limiter.decide(key, now, cost)
        if decision.allowed:
            let_out.setdefault(key, []).append((nanoseconds(now + decision.delay), cost))
            assert decision.delay * limiter.limit <= (limiter.queue + 1 - cost) * limiter.period + 1e-5
        else:
            assert decision.delay == 0.0
    for outs in let_out.values():
        for (one, cost), (two, _) in itertools.pairwise(outs):
            slack = 2 + 4 * math.ulp(two / 1e9) * 1e9  # what a float can say of an instant
            assert two - one >= cost * span / limiter.limit - slack


@LAW
@given(limiters([LeakyBucketQueue]), traces(backwards=True))
def test_a_queue_lets_out_at_the_exact_turn(limiter, trace):
    """Each is let through at its turn, computed here in fractions: never before it, and hardly after."""
    turn, free, latest = Fraction(nanoseconds(limiter.period), limiter.limit), {}, -math.inf
    for key, now, cost in trace:
        latest = max(latest, nanoseconds(now))
        due = max(Fraction(latest), free.get(key, Fraction(latest)))
        decision = limiter.decide(key, now, cost)
        assert decision.allowed is (due + cost * turn - latest <= (limiter.queue + 1) * turn)
        if decision.allowed:
            free[key] = due + cost * turn
            clock = now if nanoseconds(now) == latest else latest / 1e9
            let_out = nanoseconds(clock + decision.delay)
            assert due <= let_out <= due + 1 + 2 * math.ulp(max(abs(clock), let_out / 1e9)) * 1e9


@LAW
@given(limits, periods, st.sampled_from([None, 1, 2, 5]), traces(backwards=True))
def test_gcra_the_token_bucket_and_the_meter_decide_alike(limit, period, burst, trace):
    """Three descriptions of one rule: the same decisions, remainders and waits, always."""
    three = [kind(limit, period=period, burst=burst) for kind in BUCKETS]
    for key, now, cost in trace:
        one, two, three_ = (limiter.decide(key, now, cost) for limiter in three)
        for other in (two, three_):
            assert other._replace(reset_after=0.0) == one._replace(reset_after=0.0)
            assert other.reset_after == pytest.approx(one.reset_after, rel=1e-12, abs=1e-12)


@settings(max_examples=200)
@given(limiters(), traces(backwards=True))
def test_retry_after_is_exact(limiter, trace):
    """A refused request passes at now + retry_after, as floats, and does not a moment before."""
    for key, now, cost in trace:
        decision = limiter.decide(key, now, cost)
        if decision.allowed:
            assert decision.retry_after == 0.0
        elif decision.retry_after is None:
            assert cost > decision.limit
        else:
            then = now + decision.retry_after
            assert limiter.peek(key, then, cost).allowed
            before = then - max(1e-9, 2 * math.ulp(abs(now)), 2 * math.ulp(then))
            assert before <= now or not limiter.peek(key, before, cost).allowed


@LAW
@given(limiters(), traces())
def test_after_the_reset_all_is_back(limiter, trace):
    """A moment after now + reset_after, nothing more being sent, the whole limit remains and costs that much pass."""
    for key, now, cost in trace:
        decision = limiter.decide(key, now, cost)
        then = now + decision.reset_after
        after = limiter.peek(key, then + max(1e-9, 2 * math.ulp(then)), decision.limit)
        assert after.allowed
        assert decision.limit == after.limit


@LAW
@given(limiters(), traces(backwards=True))
def test_every_decision_is_sane(limiter, trace):
    """0 <= remaining <= limit, no negative times, and what remains can be had at once."""
    for key, now, cost in trace:
        decision = limiter.decide(key, now, cost)
        assert 0 <= decision.remaining <= decision.limit
        assert 0.0 <= decision.reset_after < math.inf
        assert decision.delay >= 0.0
        assert decision.retry_after is None or 0.0 <= decision.retry_after < math.inf
        if decision.remaining:
            assert limiter.peek(key, now, decision.remaining).allowed
        assert not limiter.peek(key, now, decision.remaining + 1).allowed


@LAW
@given(limiters(), traces(backwards=True))
def test_reading_never_changes_state(limiter, trace):
    """A limiter that is peeked at between decisions, at any instant and key, stays equal to one that is not."""
    quiet = fresh(limiter)
    for key, now, cost in trace:
        for other in ("a", "b", "never seen"):
            limiter.peek(other, now + 50.0, cost)
            limiter.peek(other, now - 50.0)
        assert limiter.decide(key, now, cost) == quiet.decide(key, now, cost)
        assert limiter == quiet


@LAW
@given(limiters(), traces())
def test_peek_and_decide_agree(limiter, trace):
    """What peek answers is what decide answers next, field by field."""
    for key, now, cost in trace:
        assert limiter.peek(key, now, cost) == limiter.decide(key, now, cost)


@SHORT
@given(limiters(), traces(), traces())
def test_copies_are_independent(limiter, mine, theirs):
    """What one copy sees does not touch the other."""
    one, two, alone = fresh(limiter), fresh(limiter), fresh(limiter)
    for (key, now, cost), other in zip(mine, theirs, strict=False):
        two.decide(*other)
        assert one.decide(key, now, cost) == alone.decide(key, now, cost)


@SHORT
@given(limiters(), traces())
def test_keys_are_independent(limiter, trace):
    """A key is told the same whether the other one sends or not."""
    alone = fresh(limiter)
    for key, now, cost in trace:
        decision = limiter.decide(key, now, cost)
        if key == "a":
            assert alone.decide(key, now, cost) == decision


@LAW
@given(limiters(), traces(backwards=True))
def test_a_clock_that_is_set_back_stands_still(limiter, trace):
    """It decides as if each instant were the latest one seen so far, so the bounds hold on that clock."""
    steady, latest = fresh(limiter), -math.inf
    for key, now, cost in trace:
        latest = max(latest, now)
        late, still = limiter.decide(key, now, cost), steady.decide(key, latest, cost)
        assert (late.allowed, late.remaining) == (still.allowed, still.remaining)


@LAW
@given(limiters(), traces(backwards=True))
def test_nobody_notices_that_idle_keys_are_dropped(limiter, trace):
    """A limiter that forgets nothing decides the same."""
    hoarder = fresh(limiter)
    hoarder._lifetime = 10**30
    for key, now, cost in trace:
        assert limiter.decide(key, now, cost) == hoarder.decide(key, now, cost)


@SHORT
@given(limiters(), st.lists(st.tuples(gaps, st.integers(0, 40)), max_size=150))
def test_only_the_keys_of_the_last_two_lifetimes_are_held(limiter, script):
    """At most one state in each generation for a key that was admitted in the last two lifetimes."""
    now, seen = 0.0, []
    for gap, key in script:
        now += gap
        if limiter.decide(str(key), now).allowed:
            seen.append((nanoseconds(now), key))
        recent = {name for at, name in seen if at > nanoseconds(now) - 2 * limiter._lifetime}
        assert set(map(int, (*limiter._young, *limiter._old))) <= recent


@settings(max_examples=150)
@given(
    st.one_of(st.floats(-1e10, 1e10), starts),
    st.one_of(st.integers(0, 10**12), st.integers(0, 10**19), st.sampled_from([0, 1, 255, 256, 10**9])),
)
def test_a_wait_is_rounded_up_and_hardly(now, ahead):
    """now + seconds_until(target, now) is never before the target, and at most two floats after it."""
    target = nanoseconds(now) + ahead
    then = now + seconds_until(target, now)
    assert nanoseconds(then) >= target
    spacing = max(math.ulp(now), math.ulp(then)) * 1e9
    assert nanoseconds(then) - target <= 2 * spacing + 1
