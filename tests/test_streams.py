"""Streams of chance: uniform, keyed by name and key alone, and the same on every machine."""

import itertools
import math
from random import Random

import pytest

from sim.streams import Streams

N = 20_000


def chi_square(values, bins):
    """Pearson's statistic of values on [0, 1) against the uniform law."""
    counts = [0] * bins
    for value in values:
        counts[int(value * bins)] += 1
    expected = len(values) / bins
    return sum((count - expected) ** 2 / expected for count in counts)


def four_deviations(bins):
    """The mean of chi-square with bins - 1 degrees of freedom and four of its standard deviations."""
    return bins - 1 - 4 * math.sqrt(2 * (bins - 1)), bins - 1 + 4 * math.sqrt(2 * (bins - 1))


KEYS = {
    "calls": lambda number: (number, 1, 0),
    "attempts": lambda number: (7, number, 0),
    "copies": lambda number: (7, 1, number),
    "all three": lambda number: (number // 20, number // 2 % 10 + 1, number % 2),
    "every thousandth call": lambda number: (number * 1_000, 1, 0),
    "calls by powers": lambda number: (number << 32, 1, 0),
}


@pytest.mark.parametrize("seed", [0, 1, 2**40])
@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_keyed_draws_are_uniform(keys, seed):
    """Along every kind of key the draws fill 100 bins neither less nor more evenly than chance does."""
    draw = Streams(seed).keyed("service")
    low, high = four_deviations(100)
    assert low < chi_square([draw(*keys(number)) for number in range(N)], 100) < high


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_neighbouring_keys_are_independent(keys):
    """Pairs of neighbouring draws fill a square of 10 by 10 evenly: the next key says nothing of this one."""
    draw = Streams(3).keyed("network")
    values = [draw(*keys(number)) for number in range(N)]
    pairs = [(int(one * 10) * 10 + int(other * 10)) / 100 + 0.001 for one, other in itertools.pairwise(values)]
    low, high = four_deviations(100)
    assert low < chi_square(pairs, 100) < high


def test_kolmogorov_and_smirnov_agree():
    """The largest gap between the draws' distribution and the uniform one is below the 0.1 % value, 1.95 / sqrt(n)."""
    draw = Streams(5).keyed("service")
    values = sorted(draw(call, 1, 0) for call in range(N))
    gap = max(max((rank + 1) / N - value, value - rank / N) for rank, value in enumerate(values))
    assert gap < 1.95 / math.sqrt(N)


def test_a_draw_is_in_the_unit_interval():
    """Every draw is at least 0 and less than 1, in steps of 2**-53."""
    draw = Streams(1).keyed("service")
    for call in range(1_000):
        u = draw(call, 1, 0)
        assert 0.0 <= u < 1.0
        assert (u * 2**53).is_integer()


def test_a_draw_does_not_depend_on_the_order():
    """Keys asked forwards, backwards, shuffled and twice have the same draws."""
    keys = [(call, attempt, copy) for call in range(20) for attempt in (1, 2) for copy in (0, 1)]
    forwards = {key: Streams(9).keyed("service")(*key) for key in keys}
    draw = Streams(9).keyed("service")
    assert {key: draw(*key) for key in reversed(keys)} == forwards
    Random(4).shuffle(keys)
    assert {key: draw(*key) for key in keys + keys} == forwards


def test_different_keys_differ():
    """No two of 30,000 neighbouring keys share a draw: call, attempt and copy are not mixed up."""
    draw = Streams(1).keyed("service")
    seen = {draw(call, attempt, copy) for call in range(1_500) for attempt in range(1, 11) for copy in (0, 1)}
    assert len(seen) == 30_000


def correlation(one, other):
    """Pearson's correlation of two equally long lists."""
    mean_one, mean_other = math.fsum(one) / len(one), math.fsum(other) / len(other)
    covariance = math.fsum((a - mean_one) * (b - mean_other) for a, b in zip(one, other, strict=True))
    squares = math.fsum((a - mean_one) ** 2 for a in one) * math.fsum((b - mean_other) ** 2 for b in other)
    return covariance / math.sqrt(squares)


@pytest.mark.parametrize(
    ("one", "other"), [((1, "service"), (1, "network")), ((1, "service"), (2, "service")), ((1, "a"), (1, "b"))]
)
def test_another_name_or_seed_is_another_stream(one, other):
    """Streams of different names, or of neighbouring seeds, are uncorrelated, keyed and in sequence."""
    keyed = [[Streams(seed).keyed(name)(call, 1, 0) for call in range(4_000)] for seed, name in (one, other)]
    in_order = []
    for seed, name in (one, other):
        rng = Streams(seed).sequence(name)
        in_order.append([rng.random() for _ in range(4_000)])
    for first, second in (keyed, in_order):
        assert abs(correlation(first, second)) < 3.5 / math.sqrt(4_000)
        assert not set(first) & set(second)


def test_a_name_cannot_pass_for_a_seed():
    """Seed and name are kept apart: (1, "2/a") is another stream than (12, "a") and than (1, "a")."""
    firsts = {Streams(seed).keyed(name)(0, 1, 0) for seed, name in [(1, "2/a"), (12, "a"), (1, "a"), (-1, "a")]}
    assert len(firsts) == 4


def test_a_sequence_begins_anew_each_time():
    """Asking for a sequence again gives its beginning, whatever was drawn from it or from others before."""
    streams = Streams(8)
    rng = streams.sequence("arrivals")
    first = [rng.random() for _ in range(3)]
    streams.sequence("policies").random()
    again = streams.sequence("arrivals")
    assert [again.random() for _ in range(3)] == first
    assert len(set(first)) == 3


def test_the_values_are_pinned():
    """These very numbers, in any process and on any machine: a run of an earlier release can be repeated."""
    draw = Streams(1).keyed("service")
    assert [draw(call, 1, 0) for call in range(3)] == [0.553516429324705, 0.12713568426118516, 0.14678230637132073]
    assert (draw(0, 2, 0), draw(0, 1, 1)) == (0.6380788769076554, 0.970700243499371)
    assert Streams(1).sequence("arrivals").random() == 0.2833838897252857
    assert Streams(2).sequence("arrivals").random() == 0.0405721991545811
