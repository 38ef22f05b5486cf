"""The client that reads what the server says about its limits, as tables of (time, call, expected)."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request, Response
from sim.outcome import Outcome
from sim.policies import ClientPolicy, Retry, fresh
from sim.policies.limiter import (
    ByKey,
    DraftHeaders,
    FixedWindow,
    HeedLimits,
    QuotaPolicy,
    TokenBucket,
    de_facto,
    too_many,
)
from sim.testing import check_breaker

DRAFT = DraftHeaders(QuotaPolicy())


def answered(headers, status=200, now=0.0):
    return Outcome.of(Response(status, headers=headers), now=now)


def told(heed, outcome, now=0.0, rng=None):
    """*heed*, after one attempt that came to *outcome*."""
    rng = rng or Random(0)
    heed.record(heed.admit(now, rng), outcome, now, rng)
    return heed


def admits(heed, now):
    """Whether it would send at *now*, asked of a copy in the same state."""
    permit = heed.admit(now, Random(0))
    if permit is not None:
        heed.record(permit, Outcome.timed_out(), now, Random(0))
    return permit is not None


def test_the_first_is_admitted():
    """Knowing nothing, it sends; and it asks nobody to wait."""
    assert HeedLimits().admit(0.0, Random(0)) == 0
    assert HeedLimits().admit(-5.0, Random(0)) == 0
    assert HeedLimits().retry_after(0.0) == 0.0


@pytest.mark.parametrize(
    ("headers", "status", "until"),
    [
        ({"RateLimit": '"default";r=0;t=30'}, 200, 40.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "55"}, 200, 55.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "55"}, 404, 55.0),
        ({"Retry-After": "7"}, 429, 17.0),
        ({"Retry-After": "7"}, 503, 17.0),
        ({"Retry-After": "7", "RateLimit": '"default";r=0;t=30'}, 429, 17.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:22 GMT"}, 429, 22.0),
        ({"Retry-After": "999999999"}, 429, 3_610.0),
        ({"RateLimit": '"default";r=0;t=999999999'}, 200, 3_610.0),
    ],
)
def test_told_that_nothing_is_left_it_waits_until_the_reset(headers, status, until):
    """At 10 s it is told; it sends nothing before the instant it was told, and sends again at it."""
    heed = told(HeedLimits(), answered(headers, status, now=10.0), 10.0)
    assert heed.retry_after(10.0) == until - 10.0
    assert heed.admit(10.0, Random(0)) is None
    assert heed.admit(until - 1e-6, Random(0)) is None
    assert heed.admit(until, Random(0)) == 0
    assert heed.retry_after(until) == 0.0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({}, 429),
        ({"Retry-After": "soon"}, 429),
        ({"Retry-After": "7"}, 200),
        ({"RateLimit": "nonsense"}, 200),
        ({"RateLimit": '"default";r=0'}, 200),
        ({"X-RateLimit-Remaining": "0"}, 200),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "3"}, 200),
        ({"X-RateLimit-Remaining": "none", "X-RateLimit-Reset": "55"}, 200),
    ],
)
def test_what_says_nothing_holds_nothing_back(headers, status):
    """No header, a malformed one, or one without a time to come: it goes on sending."""
    heed = told(HeedLimits(), answered(headers, status, now=10.0), 10.0)
    assert heed.retry_after(10.0) == 0.0
    assert heed.admit(10.0, Random(0)) == 0


def test_no_answer_says_nothing():
    """Timeouts and refusals do not open it: it is no circuit breaker."""
    heed = HeedLimits()
    for _ in range(1_000):
        told(heed, Outcome.timed_out())
        told(heed, Outcome.refused())
    assert heed == HeedLimits()


@pytest.mark.slow
def test_of_a_breakers_contract_it_lacks_only_what_it_is_not():
    """It admits the first, and reading it changes nothing; what it lacks is that timeouts open it."""
    assert check_breaker(HeedLimits()).findings == (
        "it admitted 10,000 attempts in a row though every one timed out; it never opens.",
    )


def test_it_sends_as_many_as_are_left():
    """Told that two are left for 30 s, it sends two and then none; those in flight count."""
    heed, rng = HeedLimits(), Random(0)
    early = [heed.admit(0.0, rng) for _ in range(2)]
    assert early == [0, 0]
    heed.record(early[0], answered({"RateLimit": '"default";r=3;t=30'}), 0.0, rng)  # one is still in flight
    assert [heed.admit(1.0, rng) for _ in range(3)] == [0, 0, None]
    assert heed.retry_after(1.0) == 29.0
    assert heed.admit(30.0, rng) == 0


def test_each_answer_corrects_what_it_knew():
    """Before a bucket that fills up more is left than was said, and the next answer tells."""
    heed = told(HeedLimits(), answered({"RateLimit": '"default";r=1;t=30'}))
    assert heed.admit(1.0, Random(0)) == 0
    heed.record(0, answered({"RateLimit": '"default";r=5;t=30'}), 1.0, Random(0))
    assert [heed.admit(2.0, Random(0)) for _ in range(6)] == [0, 0, 0, 0, 0, None]


def test_spread_hosts_do_not_come_back_together():
    """A hundred hosts told the same 30 s come back over the 15 s after it, not one of them before."""
    waits = []
    for seed in range(100):
        heed = told(HeedLimits(spread=0.5), answered({"RateLimit": '"default";r=0;t=30'}), rng=Random(seed))
        waits.append(heed.retry_after(0.0))
    assert 30.0 <= min(waits) < 31.0
    assert 44.0 < max(waits) <= 45.0


def test_fresh_knows_nothing():
    """A new host has the settings and none of what the other learned."""
    heed = told(HeedLimits(longest=60.0), answered({"RateLimit": '"default";r=0;t=30'}))
    assert fresh(heed) == HeedLimits(longest=60.0) != heed


def test_it_stands_where_a_breaker_stands():
    """A client policy takes it in the breaker's place, and what it stops is told when to come again."""
    policy = ClientPolicy(Retry.never(), HeedLimits())
    told(policy.breaker, answered({"RateLimit": '"default";r=0;t=30'}))
    flow = policy.call(12.0, Random(0))
    with pytest.raises(StopIteration) as end:
        next(flow)
    assert end.value.value == Outcome.breaker_open(18.0)


@pytest.mark.slow
@settings(max_examples=60)
@given(
    st.sampled_from([FixedWindow(5, period=20.0), TokenBucket(5, period=20.0, burst=3)]),
    st.sampled_from([de_facto, DRAFT]),
    st.lists(st.floats(0.0, 8.0), min_size=5, max_size=80),
    st.sampled_from([0.0, 1_700_000_000.1]),
)
def test_alone_before_a_limiter_it_is_never_refused(limiter, style, gaps, start):
    """One client that heeds what it is told, one request at a time: the server never has to refuse one."""
    gate, heed, rng, now, sent = ByKey(fresh(limiter)), HeedLimits(), Random(0), start, 0
    for gap in gaps:
        now += gap
        permit = heed.admit(now, rng)
        if permit is None:
            assert heed.retry_after(now) > 0.0
            continue
        sent += 1
        decision = gate.decide(Request(), now)
        assert decision.allowed
        answer = Response(headers=style(decision, now)) if decision.allowed else too_many(decision, now, style)
        heed.record(permit, Outcome.of(answer, now=now), now, rng)
    assert sent
