"""Backoffs: the formula of each, its cap, and its edges."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.policies import (
    DecorrelatedJitter,
    EqualJitter,
    Exponential,
    Fixed,
    FullJitter,
    Linear,
    ProportionalJitter,
    Table,
)


class Steady(Random):
    """A source of chance that always says the same, so that a formula can be read off."""

    def __init__(self, u):
        super().__init__(0)
        self.u = u

    def random(self):
        return self.u


BASE_1_CAP_10 = {"base": 1.0, "cap": 10.0}


@pytest.mark.parametrize(
    ("backoff", "attempt", "previous", "u", "expected"),
    [
        (Fixed(2.0), 1, 0.0, 0.9, 2.0),
        (Fixed(2.0), 10_000, 99.0, 0.9, 2.0),
        (Fixed(0.0), 1, 0.0, 0.9, 0.0),
        (Linear(step=1.0, cap=2.5), 1, 0.0, 0.9, 1.0),
        (Linear(step=1.0, cap=2.5), 2, 0.0, 0.9, 2.0),
        (Linear(step=1.0, cap=2.5), 3, 0.0, 0.9, 2.5),
        (Exponential(**BASE_1_CAP_10), 1, 0.0, 0.9, 1.0),
        (Exponential(**BASE_1_CAP_10), 4, 0.0, 0.9, 8.0),
        (Exponential(**BASE_1_CAP_10), 5, 0.0, 0.9, 10.0),
        (Exponential(base=1.0, cap=10.0, factor=3.0), 2, 0.0, 0.9, 3.0),
        (Exponential(base=1.0, cap=10.0, factor=1.0), 9, 0.0, 0.9, 1.0),
        (FullJitter(**BASE_1_CAP_10), 3, 0.0, 0.0, 0.0),
        (FullJitter(**BASE_1_CAP_10), 3, 0.0, 0.75, 3.0),
        (FullJitter(**BASE_1_CAP_10), 9, 0.0, 0.5, 5.0),
        (EqualJitter(**BASE_1_CAP_10), 3, 0.0, 0.0, 2.0),
        (EqualJitter(**BASE_1_CAP_10), 3, 0.0, 0.75, 3.5),
        (EqualJitter(**BASE_1_CAP_10), 9, 0.0, 0.5, 7.5),
        (DecorrelatedJitter(**BASE_1_CAP_10), 1, 0.0, 0.5, 2.0),
        (DecorrelatedJitter(**BASE_1_CAP_10), 2, 2.0, 0.5, 3.5),
        (DecorrelatedJitter(**BASE_1_CAP_10), 2, 2.0, 0.0, 1.0),
        (DecorrelatedJitter(**BASE_1_CAP_10), 7, 9.0, 0.9, 10.0),
        (ProportionalJitter(backoff=Fixed(30.0)), 1, 0.0, 0.0, 30.0),
        (ProportionalJitter(backoff=Fixed(30.0)), 1, 0.0, 0.5, 33.0),
        (ProportionalJitter(backoff=Fixed(30.0), fraction=1.0), 1, 0.0, 0.5, 45.0),
        (Table((5, 300, 1_800)), 1, 0.0, 0.9, 5.0),
        (Table((5, 300, 1_800)), 3, 0.0, 0.9, 1_800.0),
        (Table((5, 300, 1_800)), 10_000, 0.0, 0.9, 1_800.0),
    ],
)
def test_delay_is_the_formula(backoff, attempt, previous, u, expected):
    """Each backoff's delay is its published formula, the uniform draw put in by hand."""
    assert backoff.delay(attempt, previous, Steady(u)) == pytest.approx(expected, rel=1e-12, abs=0)


@pytest.mark.parametrize("kind", [Exponential, FullJitter, EqualJitter])
@pytest.mark.parametrize("attempt", [1_000, 10_000, 10**9])
def test_a_huge_attempt_number_waits_the_cap(kind, attempt):
    """Where the power is too large for a float the ceiling is the cap, not an error."""
    backoff = kind(base=0.1, cap=10.0)
    assert backoff.ceiling(attempt) == 10.0
    assert 0.0 <= backoff.delay(attempt, 10.0, Random(1)) <= 10.0


def test_doubling_from_nothing_waits_nothing():
    """A base of 0 is a wait of 0, also after many attempts."""
    assert [Exponential(base=0.0).delay(attempt, 0.0, Random(1)) for attempt in (1, 2, 500)] == [0.0, 0.0, 0.0]


def test_the_first_wait_is_at_most_the_base():
    """2**(attempt - 1): the first ceiling is base, where AWS's simulator begins at twice the base."""
    assert FullJitter(base=0.4).ceiling(1) == 0.4
    assert max(FullJitter(base=0.4).delay(1, 0.0, Random(seed)) for seed in range(200)) <= 0.4


@pytest.mark.parametrize(
    ("backoff", "mean", "deviation"),
    [
        (FullJitter(base=1.0), 0.5, 1 / math.sqrt(12)),
        (EqualJitter(base=1.0), 0.75, 0.5 / math.sqrt(12)),
        (DecorrelatedJitter(base=1.0), 2.0, 2 / math.sqrt(12)),
        (ProportionalJitter(backoff=Fixed(1.0)), 1.1, 0.2 / math.sqrt(12)),
    ],
)
def test_jitter_has_the_mean_of_its_law(backoff, mean, deviation):
    """The mean of 4,000 first delays lies within 3 standard errors of the uniform law's."""
    rng, n = Random(11), 4_000
    drawn = math.fsum(backoff.delay(1, 0.0, rng) for _ in range(n)) / n
    assert abs(drawn - mean) < 3 * deviation / math.sqrt(n)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Fixed(-1.0), "seconds must be at least 0, got -1.0"),
        (lambda: Fixed(math.nan), "seconds must be a finite number, got nan"),
        (lambda: Linear(cap=0.0), "cap must be more than 0, got 0.0"),
        (lambda: Exponential(base=math.inf), "base must be a finite number, got inf"),
        (lambda: Exponential(factor=0.5), "factor must be at least 1, got 0.5"),
        (lambda: DecorrelatedJitter(base=0.0), "base must be more than 0, got 0.0"),
        (lambda: ProportionalJitter(fraction=1.5), "fraction must be at most 1, got 1.5"),
        (lambda: Table(()), "delays must hold at least one wait, got none"),
        (lambda: Table((1, -2)), "delays must be finite and at least 0, got -2.0"),
        (lambda: Table((1, math.nan)), "delays must be finite and at least 0, got nan"),
    ],
)
def test_a_bad_configuration_is_refused(make, message):
    """A value out of range is refused when it is given, with the field, the rule and the value."""
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == message


def test_an_inner_backoff_without_delay_is_refused():
    """ProportionalJitter names the method that the object inside must have."""
    with pytest.raises(TypeError, match=r"str must be an object with a method delay\(attempt, previous, rng\)"):
        ProportionalJitter(backoff="exponential")


# The same examples on every machine, and no deadline: a loaded machine is not a fault.
seconds = st.floats(min_value=1e-6, max_value=86_400)
attempts = st.integers(min_value=1, max_value=10**6)
seeds = st.integers(min_value=0, max_value=2**32)


@given(base=seconds, cap=seconds, factor=st.floats(min_value=1, max_value=100), attempt=attempts, seed=seeds)
def test_jitter_keeps_its_bounds(base, cap, factor, attempt, seed):
    """Full jitter stays in [0, ceiling], equal jitter in [ceiling / 2, ceiling], and no ceiling is above the cap."""
    full = FullJitter(base=base, cap=cap, factor=factor)
    equal = EqualJitter(base=base, cap=cap, factor=factor)
    ceiling = full.ceiling(attempt)
    assert 0.0 < ceiling <= cap
    assert 0.0 <= full.delay(attempt, 0.0, Random(seed)) <= ceiling
    assert ceiling / 2 <= equal.delay(attempt, 0.0, Random(seed)) <= ceiling


@given(base=seconds, cap=seconds, previous=st.floats(min_value=0, max_value=1e9), seed=seeds)
def test_decorrelated_jitter_keeps_its_bounds(base, cap, previous, seed):
    """The wait is never above the cap nor under the smaller of base and cap, nor above thrice the last wait."""
    drawn = DecorrelatedJitter(base=base, cap=cap).delay(2, previous, Random(seed))
    assert min(base, cap) <= drawn <= min(cap, 3 * max(previous, base) * (1 + 1e-12))


@given(base=seconds, cap=seconds, factor=st.floats(min_value=1, max_value=100), attempt=attempts)
def test_ceilings_never_shrink(base, cap, factor, attempt):
    """A later attempt never waits less than an earlier one at most."""
    backoff = Exponential(base=base, cap=cap, factor=factor)
    assert backoff.ceiling(attempt) <= backoff.ceiling(attempt + 1)
