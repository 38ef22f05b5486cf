"""The schedules: what the guide's numbers come to, and what they cannot be."""

import itertools
from random import Random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.outcome import Outcome
from sim.policies.client.backoff import DecorrelatedJitter, Fixed, ProportionalJitter, Table
from sim.policies.delivery import (
    EQUAL,
    FULL,
    GUIDE_GAPS,
    NONE,
    PROPORTIONAL,
    Jitter,
    Spread,
    exponential_schedule,
    guide_schedule,
    instants,
    schedule,
    standard_schedule,
)

HOUR = 3_600.0
FAILED = Outcome.answered(500)


def test_the_guide_s_25_attempts_end_at_72_hours():
    """30 s, 330 s, 2,130 s, 9,330 s, and then every 3.47 h; attempt 11 is at 23.4 h, the 25th at 72 h."""
    at = instants(guide_schedule(jitter=NONE))
    assert at[:5] == [0.0, 30.0, 330.0, 2_130.0, 9_330.0]
    assert len(at) == 25
    assert at[-1] == sum(GUIDE_GAPS) == 259_200.0
    assert GUIDE_GAPS[4:] == (12_493.5,) * 20
    assert at[10] / HOUR == pytest.approx(23.41, abs=0.01)
    assert GUIDE_GAPS[-1] / HOUR == pytest.approx(3.470, abs=0.001)


def test_the_guide_s_tail_cannot_be_exponential():
    """Doubling from 2 h puts attempt 9 at 62.6 h and attempt 10 at 126.6 h; to end at 72 h, growth is 1.05 a step."""
    gaps = [30.0, 300.0, 1_800.0] + [7_200.0 * 2**step for step in range(6)]
    at = [sum(gaps[:count]) for count in range(len(gaps) + 1)]
    assert [round(instant / HOUR, 1) for instant in at[8:]] == [62.6, 126.6]
    low, high = 1.0, 2.0
    for _ in range(60):
        middle = (low + high) / 2
        total = 2_130.0 + sum(7_200.0 * middle**step for step in range(21))
        low, high = (middle, high) if total < 72 * HOUR else (low, middle)
    assert low == pytest.approx(1.04996, abs=1e-5)


def test_the_guide_s_jitter_makes_72_hours_into_79():
    """Its factor is 1.1 on average and 1.2 at most, so "dead letters at 72 h" is 79.2 h, and 86.4 h at worst."""
    rule, ends = guide_schedule(), []
    for seed in range(400):
        rng = Random(seed)
        ends.append(sum(rule.wait(attempt, FAILED, 0.0, 0.0, rng) for attempt in range(1, 25)) / HOUR)
    assert fmean(ends) == pytest.approx(79.2, abs=0.3)
    assert max(ends) < 86.4


def test_the_standard_schedule_is_ten_attempts():
    """5 s to 24 h: 75 h 35 min 5 s."""
    at = instants(standard_schedule(jitter=NONE))
    assert len(at) == 10
    assert at[-1] == 75 * HOUR + 35 * 60 + 5


def test_the_exponential_schedule_is_capped():
    """30 s, 60 s, … 4 h, 4 h."""
    at = instants(exponential_schedule(jitter=NONE, attempts=14))
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert gaps[:3] == [30.0, 60.0, 120.0]
    assert gaps[-2:] == [14_400.0, 14_400.0]


@pytest.mark.parametrize(
    ("jitter", "low", "high"), [(NONE, 30, 30), (PROPORTIONAL, 30, 36), (EQUAL, 15, 30), (FULL, 0, 30)]
)
def test_each_jitter_keeps_its_bounds(jitter, low, high):
    """A thousand draws fill the range and do not leave it."""
    rng = Random(1)
    draws = [jitter.over(Fixed(30.0)).delay(1, 0.0, rng) for _ in range(1_000)]
    assert low <= min(draws) <= low + 0.5
    assert high - 0.5 <= max(draws) <= high


def test_an_answer_does_not_end_a_schedule():
    """Which answers deserve a retry, the table of rules has said before."""
    assert guide_schedule(jitter=NONE).wait(1, Outcome.answered(404), 0.0, 0.0, Random(0)) == 30.0
    assert guide_schedule(jitter=NONE).wait(25, FAILED, 0.0, 0.0, Random(0)) is None


def test_a_spread_that_is_upside_down_is_refused():
    """One sentence names both ends."""
    for make in (lambda: Spread(Fixed(1.0), low=1.0, high=0.5), lambda: Jitter(1.0, 0.5)):
        with pytest.raises(ValueError, match=r"high must be at least low \(1\), got 0.5"):
            make()


class Always:
    """A source of chance that always draws *u*."""

    def __init__(self, u):
        self.u = u

    def random(self):
        return self.u


@pytest.mark.parametrize(
    ("jitter", "u", "hours"),
    [
        (PROPORTIONAL, 0.0, 72.0),
        (PROPORTIONAL, 0.5, 79.2),
        (PROPORTIONAL, 1.0, 86.4),
        (EQUAL, 0.0, 36.0),
        (EQUAL, 1.0, 72.0),
        (FULL, 0.0, 0.0),
        (FULL, 0.5, 36.0),
        (FULL, 1.0, 72.0),
        (NONE, 0.5, 72.0),
    ],
)
def test_where_72_hours_end_with_each_jitter(jitter, u, hours):
    """The lowest, the middle and the highest draw, all 24 times: the guide's gives 72 h, 79.2 h and 86.4 h."""
    rule = guide_schedule(jitter=jitter)
    end = sum(rule.wait(attempt, FAILED, 0.0, 0.0, Always(u)) for attempt in range(1, 25))
    assert end / HOUR == pytest.approx(hours)


def test_the_guide_s_jitter_is_that_of_the_client():
    """`PROPORTIONAL` and `ProportionalJitter` draw the same waits from the same stream."""
    ours, theirs = PROPORTIONAL.over(Fixed(30.0)), ProportionalJitter(backoff=Fixed(30.0))
    one, two = Random(5), Random(5)
    for _ in range(100):
        assert ours.delay(1, 0.0, one) == pytest.approx(theirs.delay(1, 0.0, two))


@settings(max_examples=80)
@given(
    st.lists(st.floats(0.0, 86_400.0), min_size=1, max_size=12),
    st.floats(0.0, 3.0),
    st.floats(0.0, 3.0),
    st.integers(0, 10**6),
)
def test_no_jitter_leaves_its_bounds(gaps, low, width, seed):
    """Whatever the table and the factors, each wait is between low and high times its gap, and the last one is None."""
    rule, rng = schedule(Jitter(low, low + width).over(Table(gaps)), attempts=len(gaps) + 1), Random(seed)
    for attempt, gap in enumerate(gaps, 1):
        wait = rule.wait(attempt, FAILED, 0.0, 0.0, rng)
        assert low * gap <= wait <= (low + width) * gap * (1 + 1e-12)
    assert rule.wait(len(gaps) + 1, FAILED, 0.0, 0.0, rng) is None


def test_instants_follow_the_memory_of_a_backoff():
    """Decorrelated jitter is given its own last wait; the instants grow, and end with the attempts."""
    at = instants(schedule(DecorrelatedJitter(base=30.0, cap=14_400.0), attempts=12))
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert len(at) == 12
    assert all(30.0 <= gap <= max(90.0, 3 * last) + 1e-6 for last, gap in zip([0.0, *gaps], gaps, strict=False))


def test_instants_of_a_schedule_without_end_are_cut():
    """At most as many as asked for."""
    assert instants(schedule(Fixed(1.0), attempts=10_000), limit=5) == [0.0, 1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Jitter(-0.1, 1.0), "low must be at least 0, got -0.1"),
        (lambda: Jitter(0.0, 11.0), "high must be at most 10, got 11.0"),
        (lambda: exponential_schedule(attempts=0), "attempts must be at least 1, got 0"),
        (lambda: exponential_schedule(base=-1.0), "base must be at least 0, got -1.0"),
        (lambda: exponential_schedule(cap=0.0), "cap must be more than 0, got 0.0"),
    ],
)
def test_numbers_that_make_no_schedule_are_refused(make, sentence):
    """One sentence names the field, the rule and the value."""
    with pytest.raises(ValueError, match=sentence):
        make()


def test_a_spread_needs_a_backoff():
    """What has no delay cannot be spread."""
    with pytest.raises(TypeError, match=r"must be an object with a method delay\(attempt, previous, rng\)"):
        Spread(30.0)
