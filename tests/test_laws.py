"""Probability laws: quantiles rise, and the draws have the mean and the variance that the formulas say."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.laws import Constant, Exponential, LogNormal, Mixture, Normal, Uniform
from sim.streams import Streams

N = 20_000
# Each law with its variance by the textbook.
LAWS = [
    (Constant(0.2), 0.0),
    (Exponential(0.02), 0.02**2),
    (Uniform(1.0, 3.0), 4 / 12),
    (Uniform(0.5, 0.5), 0.0),
    (LogNormal(median=0.2, sigma=0.5), 0.2**2 * (math.exp(0.25) - 1) * math.exp(0.25)),
    (LogNormal(median=0.2, sigma=0.0), 0.0),
    (Normal(centre=10.0, deviation=2.0), 4.0),
    (Mixture(laws=(Constant(0.1), Constant(1.1)), weights=(0.9, 0.1)), 0.09),
    # A hyperexponential: E[x²] is the weighted sum of 2 m².
    (
        Mixture(laws=(Exponential(0.5), Exponential(3.0)), weights=(0.8, 0.2)),
        0.8 * 2 * 0.25 + 0.2 * 2 * 9 - (0.8 * 0.5 + 0.2 * 3) ** 2,
    ),
    (
        Mixture(laws=(Uniform(0.0, 1.0), Constant(2.0), Exponential(1.0)), weights=(0.5, 0.25, 0.25)),
        0.5 / 3 + 0.25 * 4 + 0.25 * 2 - 1.0,
    ),
]
NAMES = [f"{number} {type(law).__name__}" for number, (law, _) in enumerate(LAWS)]
STEPS = [number / 1_000 for number in range(1_000)] + [1 - 2**-20, 1 - 2**-53]


@pytest.mark.slow
@pytest.mark.parametrize(("law", "variance"), LAWS, ids=NAMES)
def test_draws_have_the_laws_mean_and_variance(law, variance):
    """The mean of 20,000 keyed draws is within 3 standard errors of `mean`, their variance within 3 of its own."""
    draw = Streams(12).keyed("service")
    values = [law.quantile(draw(call, 1, 0)) for call in range(N)]
    mean = math.fsum(values) / N
    assert abs(mean - law.mean) <= 3 * math.sqrt(variance / N) + 1e-12
    squares = [(value - law.mean) ** 2 for value in values]
    seen = math.fsum(squares) / N
    error = math.sqrt(math.fsum((square - seen) ** 2 for square in squares)) / N
    assert abs(seen - variance) <= 3 * error + 1e-12


# A mixture chooses its law by u, and a normal law near zero is folded: they may fall.
RISING = [law for law, _ in LAWS if not isinstance(law, Mixture | Normal)] + [Normal(centre=10.0, deviation=1.0)]


@pytest.mark.parametrize("law", RISING, ids=repr)
def test_quantiles_never_fall(law):
    """A larger u never gives a smaller value, so that two laws on one stream move together."""
    values = [law.quantile(u) for u in STEPS]
    assert values == sorted(values)


def test_a_normal_law_near_zero_is_folded():
    """|x|, as in AWS's simulator: what would be negative comes back positive, so the lowest u is not the lowest."""
    law = Normal(centre=1.0, deviation=1.0)
    assert law.quantile(0.001) == pytest.approx(abs(1 - 3.090232306167813), rel=1e-9)
    assert law.quantile(0.001) > law.quantile(0.1)


@pytest.mark.parametrize("law", [law for law, _ in LAWS], ids=NAMES)
def test_every_quantile_is_a_finite_time(law):
    """From u = 0 to the last number under 1 a draw is finite and at least 0."""
    for u in STEPS:
        assert 0.0 <= law.quantile(u) < math.inf


@pytest.mark.parametrize(
    ("law", "u", "value"),
    [
        (Constant(0.2), 0.7, 0.2),
        (Exponential(2.0), 0.0, 0.0),
        (Exponential(2.0), 0.5, 2 * math.log(2)),
        (Exponential(2.0), 0.99, 2 * math.log(100)),
        (Uniform(1.0, 3.0), 0.0, 1.0),
        (Uniform(1.0, 3.0), 0.25, 1.5),
        (LogNormal(median=0.2, sigma=1.5), 0.5, 0.2),
        (LogNormal(median=1.0, sigma=1.0), 0.8413447460685429, math.e),
        (Normal(centre=10.0, deviation=2.0), 0.5, 10.0),
        (Normal(centre=10.0, deviation=2.0), 0.8413447460685429, 12.0),
        (Normal(centre=1.0, deviation=1.0), 0.022750131948179195, 1.0),
        (Mixture(laws=(Constant(1.0), Constant(5.0)), weights=(0.9, 0.1)), 0.89, 1.0),
        (Mixture(laws=(Constant(1.0), Constant(5.0)), weights=(0.9, 0.1)), 0.91, 5.0),
        (Mixture(laws=(Uniform(0.0, 1.0), Uniform(4.0, 8.0)), weights=(0.5, 0.5)), 0.25, 0.5),
        (Mixture(laws=(Uniform(0.0, 1.0), Uniform(4.0, 8.0)), weights=(0.5, 0.5)), 0.75, 6.0),
    ],
)
def test_quantiles_by_hand(law, u, value):
    """Single quantiles, worked out by hand."""
    assert law.quantile(u) == pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("law", "mean"),
    [
        (Constant(0.2), 0.2),
        (Uniform(1.0, 3.0), 2.0),
        (LogNormal(median=0.2, sigma=1.0), 0.2 * math.exp(0.5)),
        (Normal(centre=10.0, deviation=2.0), 10.0),
        (Mixture(laws=(Constant(1.0), Exponential(5.0)), weights=(0.75, 0.25)), 2.0),
    ],
)
def test_means_by_hand(law, mean):
    """`mean` is the textbook's."""
    assert law.mean == pytest.approx(mean, rel=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(-1.0), "value must be at least 0, got -1.0"),
        (lambda: Exponential(0.0), "mean must be more than 0, got 0.0"),
        (lambda: Exponential(math.nan), "mean must be a finite number, got nan"),
        (lambda: Uniform(3.0, 1.0), "high must be at least low (3), got 1.0"),
        (lambda: Uniform(0.0, math.inf), "high must be a finite number, got inf"),
        (lambda: LogNormal(median=1.0, sigma=11.0), "sigma must be at most 10, got 11.0"),
        (lambda: Normal(centre=1.0, deviation=-1.0), "deviation must be at least 0, got -1.0"),
        (
            lambda: Mixture(laws=(Constant(1.0),), weights=(0.5, 0.5)),
            "weights must be as many as laws (1), got 2",
        ),
        (
            lambda: Mixture(laws=(Constant(1.0), Constant(2.0)), weights=(0.5, 0.6)),
            "weights must be more than 0 and sum to 1, got (0.5, 0.6)",
        ),
        (
            lambda: Mixture(laws=(Constant(1.0), Constant(2.0)), weights=(0.0, 1.0)),
            "weights must be more than 0 and sum to 1, got (0.0, 1.0)",
        ),
    ],
)
def test_a_bad_law_is_refused(make, message):
    """A parameter out of range is refused with the field, the rule and the value."""
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.slow
@given(st.floats(0, 1, exclude_max=True), st.lists(st.floats(0.01, 1), min_size=1, max_size=6))
def test_a_mixture_hands_on_a_uniform(u, raw):
    """What is left of u for the chosen law is at least 0 and under 1, whatever the weights and their rounding."""
    weights = tuple(weight / sum(raw) for weight in raw)
    law = Mixture(laws=tuple(Uniform(float(n), n + 1.0) for n in range(len(weights))), weights=weights)
    value = law.quantile(u)
    assert 0.0 <= value < len(weights) + 1e-9
    chosen = min(int(value), len(weights) - 1)
    assert math.fsum(weights[:chosen]) - 1e-9 <= u <= math.fsum(weights[: chosen + 1]) + 1e-9
