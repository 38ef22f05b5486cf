"""Single flight and the two cures that need no agreement, as tables and as laws."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.caching.single_flight import Follow, Lead, SingleFlight
from sim.policies.caching.stampede import EarlyRefresh, LifetimeJitter
from sim.policies.fresh import fresh


def test_one_leads_and_the_others_follow():
    """Of three who come for one key, the first goes; a key of its own has a flight of its own."""
    flights = SingleFlight()
    assert flights.join("a", 1, 0.0) == Lead(1, 1)
    assert [flights.join("a", who, 0.1) for who in (2, 3)] == [Follow(1), Follow(1)]
    assert flights.join("b", 4, 0.2) == Lead(2, 4)
    assert len(flights) == 2


def test_landing_releases_those_who_waited():
    """When the leader is back all who waited are told, in their order, once; the next one leads again."""
    flights = SingleFlight()
    for who in (1, 2, 3):
        flights.join("a", who, 0.0)
    assert flights.landed(1) == (2, 3)
    assert flights.landed(1) == ()
    assert flights.join("a", 5, 1.0) == Lead(2, 5)


@pytest.mark.parametrize(
    ("leaders", "ends"),
    [
        (1, [(2, 3, 4)]),
        (2, [Lead(2, 2), (3, 4)]),
        (3, [Lead(2, 2), Lead(3, 3), (4,)]),
        (9, [Lead(2, 2), Lead(3, 3), Lead(4, 4), ()]),
    ],
)
def test_when_a_leader_fails_another_may_go(leaders, ends):
    """The first who waits goes next, until *leaders* have failed; then all who still wait hear of the failure."""
    flights = SingleFlight(leaders=leaders)
    for who in (1, 2, 3, 4):
        flights.join("a", who, 0.0)
    assert [flights.failed(number + 1, float(number)) for number in range(len(ends))] == ends
    assert len(flights) == 0


def test_who_comes_during_the_second_try_follows_it():
    """A promoted leader's flight is the key's flight: newcomers wait for it, and a success serves them."""
    flights = SingleFlight()
    flights.join("a", 1, 0.0)
    flights.join("a", 2, 0.0)
    assert flights.failed(1, 1.0) == Lead(2, 2)
    assert flights.join("a", 3, 1.5) == Follow(2)
    assert flights.landed(2) == (3,)


def test_a_lost_flight_is_taken_over():
    """After *patience* the next who comes leads and takes over those who wait; the late landing releases nobody."""
    flights = SingleFlight(patience=5.0)
    flights.join("a", 1, 0.0)
    flights.join("a", 2, 4.9)
    assert flights.join("a", 3, 5.0) == Lead(2, 3)
    assert flights.landed(1) == ()
    assert flights.failed(1, 6.0) == ()
    assert flights.landed(2) == (2,)


@pytest.mark.parametrize("wrong", [{"leaders": 0}, {"leaders": 1.5}, {"patience": 0.0}, {"patience": -1.0}])
def test_a_wrong_setting_is_refused(wrong):
    """What is set wrong is said at construction, by name."""
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
        SingleFlight(**wrong)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from("jjjlf"), st.sampled_from("ab"), st.integers(0, 3)), max_size=30),
       st.integers(1, 3), st.sampled_from([2.0, math.inf]))  # fmt: skip
def test_nobody_is_forgotten_and_nobody_is_told_twice(script, leaders, patience):
    """Everybody who joined leads or is released, exactly once, and a key never has two flights within the patience."""
    flights, now = SingleFlight(leaders=leaders, patience=patience), 0.0
    out, waiting, told = {}, set(), []
    for who, (step, key, pause) in enumerate(script):
        now += pause
        if step == "j":
            joined = flights.join(key, who, now)
            if isinstance(joined, Follow):
                assert out[joined.flight] == key
                waiting.add(who)
                continue
            assert joined.who == who
            assert patience < math.inf or key not in out.values()
            out = {number: its for number, its in out.items() if its != key} | {joined.flight: key}
        elif out:
            number = min(out)
            key = out.pop(number)
            ended = flights.landed(number) if step == "l" else flights.failed(number, now)
            if isinstance(ended, Lead):
                out[ended.flight] = key
                ended = (ended.who,)
            told += ended
    for number in sorted(out):
        told += flights.landed(number)
    assert sorted(told) == sorted(waiting)
    assert len(flights) == 0


def test_a_fresh_one_has_no_flights():
    """A copy for another host starts with the settings and without flights."""
    flights = SingleFlight(leaders=3)
    flights.join("a", 1, 0.0)
    assert (len(fresh(flights)), fresh(flights).leaders, len(flights)) == (0, 3, 1)


def test_jitter_only_shortens():
    """The share taken off is uniform on 0 to *most*: mean within three standard errors, never outside."""
    rng = Random(1)
    shares = [LifetimeJitter(0.2).shorten(rng) for _ in range(10_000)]
    assert 0.0 <= min(shares) <= max(shares) <= 0.2
    assert abs(sum(shares) / 10_000 - 0.1) < 3 * 0.2 / math.sqrt(12 * 10_000)


@pytest.mark.parametrize(
    ("left", "cost", "expected"),
    [(0.0, 1.0, 1.0), (-1.0, 1.0, 1.0), (1.0, 1.0, math.exp(-1)), (4.0, 2.0, math.exp(-2)), (1.0, 0.0, 0.0)],
)
def test_early_refresh_follows_its_formula(left, cost, expected):
    """P(refresh) = exp(-left / (beta cost)), and the draws agree with it within three standard errors."""
    refresh, rng, draws = EarlyRefresh(), Random(2), 20_000
    assert refresh.probability(left=left, cost=cost) == pytest.approx(expected)
    share = sum(refresh.now(rng, left=left, cost=cost) for _ in range(draws)) / draws
    assert abs(share - expected) <= 3 * math.sqrt(expected * (1 - expected) / draws)


def test_beta_scales_how_early():
    """Twice the beta at twice the time left is the same chance."""
    one, two = EarlyRefresh(1.0), EarlyRefresh(2.0)
    assert two.probability(left=4.0, cost=1.0) == one.probability(left=2.0, cost=1.0)


def test_early_refresh_makes_a_stampede_rare():
    """At 100 requests a second and a fetch of 0.1 s the first refresh comes before the end in 999 of 1,000 lives.

    The chance that nobody refreshes in time is the product of all the chances not to: exp(-rate beta cost), here
    about exp(-10); with a rate of 10 it is a third, because a cold key has nobody to refresh it.
    """
    refresh, misses = EarlyRefresh(), {}
    for rate in (10, 100):
        chances = (refresh.probability(left=(place + 0.5) / rate, cost=0.1) for place in range(30 * rate))
        misses[rate] = math.prod(1.0 - chance for chance in chances)
    assert misses[100] < 1e-3
    assert 0.1 < misses[10] < 0.5
