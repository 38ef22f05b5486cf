"""Backoffs and Retry-After against tenacity and urllib3: the same waits, and the labelled differences."""

import random
from random import Random
from types import SimpleNamespace

import pytest
import tenacity
import urllib3
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import RequestHistory

from sim.http import http_date, parse_retry_after
from sim.outcome import Outcome
from sim.policies import Exponential, Fixed, FullJitter, Linear, Retry

BASES = st.floats(0.001, 100.0)
CAPS = st.floats(0.01, 10_000.0)
ATTEMPTS = st.integers(1, 200)
MODERATE = settings(max_examples=300)


def theirs(wait, attempt):
    """What a tenacity strategy waits after this attempt."""
    return wait(SimpleNamespace(attempt_number=attempt))


@given(base=BASES, cap=CAPS, factor=st.floats(1.0, 10.0), attempt=ATTEMPTS)
@MODERATE
def test_exponential_waits_are_tenacitys(base, cap, factor, attempt):
    """min(cap, base * factor**(attempt - 1)), also where the power is too large for a float."""
    ours = Exponential(base=base, cap=cap, factor=factor).delay(attempt, 0.0, Random(0))
    assert ours == pytest.approx(
        theirs(tenacity.wait_exponential(multiplier=base, max=cap, exp_base=factor), attempt), rel=1e-9
    )


@given(base=BASES, cap=CAPS, attempt=ATTEMPTS, seed=st.integers(0, 2**32))
@MODERATE
def test_full_jitter_is_tenacitys_random_exponential(base, cap, attempt, seed):
    """From the same uniform number, the same wait; theirs comes from the global module."""
    before = random.getstate()
    try:
        random.setstate(Random(seed).getstate())
        expected = theirs(tenacity.wait_random_exponential(multiplier=base, max=cap), attempt)
    finally:
        random.setstate(before)
    assert FullJitter(base=base, cap=cap).delay(attempt, 0.0, Random(seed)) == pytest.approx(expected, rel=1e-9)


@given(step=st.floats(0.0, 100.0), cap=CAPS, attempt=ATTEMPTS)
@MODERATE
def test_linear_and_fixed_waits_are_tenacitys(step, cap, attempt):
    """Incrementing from the step by the step, and always the same."""
    wait = tenacity.wait_incrementing(start=step, increment=step, max=cap)
    assert Linear(step=step, cap=cap).delay(attempt, 0.0, Random(0)) == pytest.approx(theirs(wait, attempt), rel=1e-9)
    assert Fixed(step).delay(attempt, 0.0, Random(0)) == pytest.approx(theirs(tenacity.wait_fixed(step), attempt))


def urllib3_waits(factor, cap, attempts):
    """What urllib3 waits before each retry."""
    history = [RequestHistory("GET", "/", None, 503, None) for _ in range(attempts)]
    return [
        urllib3.Retry(backoff_factor=factor, backoff_max=cap, history=tuple(history[:count])).get_backoff_time()
        for count in range(1, attempts + 1)
    ]


@given(factor=BASES, cap=CAPS)
@MODERATE
def test_from_the_second_retry_on_the_waits_are_urllib3s(factor, cap):
    """factor * 2**(errors - 1), capped: the same power of the same factor."""
    ours = [Exponential(base=factor, cap=cap).delay(attempt, 0.0, Random(0)) for attempt in range(1, 12)]
    assert ours[1:] == pytest.approx(urllib3_waits(factor, cap, 11)[1:])


@given(seconds=st.integers(0, 21_600), spaces=st.tuples(st.sampled_from(["", " "]), st.sampled_from(["", "  "])))
@MODERATE
def test_retry_after_in_seconds_is_read_as_urllib3_reads_it(seconds, spaces):
    """Digits, with white space around them."""
    value = f"{spaces[0]}{seconds}{spaces[1]}"
    assert parse_retry_after(value, now=0.0) == urllib3.Retry().parse_retry_after(value) == seconds


@given(now=st.integers(0, 4_000_000_000), ahead=st.integers(-1_000, 21_000))
@MODERATE
def test_retry_after_as_a_date_is_read_as_urllib3_reads_it(now, ahead):
    """The time until the date, 0 for one in the past."""
    value = http_date(float(max(0, now + ahead)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("urllib3.util.retry.time.time", lambda: float(now))
        expected = urllib3.Retry().parse_retry_after(value)
    assert parse_retry_after(value, now=float(now)) == expected


def test_waits_global_chance():
    """Seeding the global module decides tenacity's wait, and never ours."""
    before = random.getstate()
    wait, ours = tenacity.wait_random_exponential(), set()
    given_away = set()
    for _ in range(2):
        random.setstate(Random(7).getstate())
        given_away.add(theirs(wait, 3))
        ours.add(FullJitter().delay(3, 0.0, Random(1)))
    random.setstate(Random(8).getstate())
    given_away.add(theirs(wait, 3))
    ours.add(FullJitter().delay(3, 0.0, Random(1)))
    random.setstate(before)
    assert (len(ours), len(given_away)) == (1, 2)


def test_waits_jitter_on_top():
    """At the cap tenacity's jitter is gone, and everybody waits the same."""
    at_the_cap = {theirs(tenacity.wait_exponential_jitter(max=10), 20) for _ in range(50)}
    assert at_the_cap == {10}
    rng = Random(0)
    assert len({FullJitter(base=1.0, cap=10.0).delay(20, 0.0, rng) for _ in range(50)}) == 50


def test_waits_first_retry_at_once():
    """urllib3: 0, 2, 4; we: 1, 2, 4."""
    assert urllib3_waits(1.0, 120.0, 3) == [0.0, 2.0, 4.0]
    assert [Exponential(base=1.0, cap=120.0).delay(attempt, 0.0, Random(0)) for attempt in (1, 2, 3)] == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("value", ["-1", "1.5", "soon", "", "12 s"])
def test_waits_malformed_retry_after(value):
    """urllib3 raises; we say None, and the retry falls back to its own wait."""
    with pytest.raises(InvalidHeader):
        urllib3.Retry().parse_retry_after(value)
    assert parse_retry_after(value, now=0.0) is None


def test_waits_date_without_zone():
    """No zone: urllib3 takes it for UTC, we take it for nothing."""
    value = "Thu, 01 Jan 2099 00:00:00"
    assert urllib3.Retry().parse_retry_after(value) > 0
    assert parse_retry_after(value, now=0.0) is None


def test_waits_retry_after_bound():
    """A day is a day for us and six hours for urllib3; a deadline of ours ends the call instead."""
    assert urllib3.Retry().parse_retry_after("86400") == 21_600
    asked = Outcome.answered(503, 86_400.0)
    assert Retry(Fixed(1.0)).wait(1, asked, 0.0, 0.0, Random(0)) == 86_400.0
    assert Retry(Fixed(1.0), deadline=3_600.0).wait(1, asked, 0.0, 0.0, Random(0)) is None
