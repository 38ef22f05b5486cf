"""The schedules: what the guide's numbers come to, and what they cannot be."""

import itertools
from random import Random
from statistics import fmean

import pytest

from sim.outcome import Outcome
from sim.policies.client.backoff import Fixed
from sim.policies.delivery import (
    EQUAL,
    FULL,
    GUIDE_GAPS,
    NONE,
    PROPORTIONAL,
    Spread,
    exponential_schedule,
    guide_schedule,
    instants,
    standard_schedule,
)

HOUR = 3_600.0
FAILED = Outcome.answered(500)


def test_the_guide_s_25_attempts_end_at_72_hours():
    """30 s, 330 s, 2,130 s, 9,330 s, and then every 3.47 h; attempt 11 is at 23.4 h, the 25th at 72 h."""
    at = instants(guide_schedule(jitter=NONE))
    assert at[:5] == [0.0, 30.0, 330.0, 2_130.0, 9_330.0]
    assert len(at) == 25
    assert at[-1] == pytest.approx(72 * HOUR)
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
    with pytest.raises(ValueError, match=r"high must be at least low \(1\), got 0.5"):
        Spread(Fixed(1.0), low=1.0, high=0.5)
