"""The stories of rate limits keep their laws, on several seeds and with a margin."""

import pytest

from sim.experiment import compare, run
from sim.policies.limiter import GCRA, ByKey, Decision, FixedWindow, Level, Levels, by_peer
from sim.scenarios.limits import boundary_burst, noisy_neighbour, retry_after_herd, shared_counter

SEEDS = (0, 1, 2)


def values(compared, policy, figure):
    """The figure, one for each seed."""
    return compared.values(policy, figure)


@pytest.fixture(scope="module")
def burst():
    """The attack on a limit of a hundred a minute."""
    return compare(boundary_burst(), seeds=SEEDS)


@pytest.mark.slow
def test_a_window_of_the_clock_lets_twice_its_limit_through_at_its_edge(burst):
    """A.7, Q-19.4: 100 a minute, and over 190 in one second; at most 102 through a log, an anchored window."""
    assert min(values(burst, "fixed-window", "most in 1 s")) > 190
    assert max(values(burst, "fixed-window", "most in 1 s")) <= 200
    for policy in ("anchored-window", "sliding-log", "sliding-counter", "token-bucket"):
        assert min(values(burst, policy, "most in 1 s")) > 95
        assert max(values(burst, policy, "most in 1 s")) <= 102


@pytest.mark.slow
def test_only_the_log_and_the_queue_keep_the_limit_in_every_minute(burst):
    """Q-19.5 and Q-19.6: in a minute a bucket and a sliding counter let over 190 through, a log never over 100."""
    for policy in ("fixed-window", "token-bucket", "sliding-counter"):
        assert min(values(burst, policy, "most in a period")) > 190
        assert max(values(burst, policy, "most in a period")) <= 200
    assert values(burst, "sliding-log", "most in a period") == [100.0] * len(SEEDS)
    assert max(values(burst, "leaky-queue", "most in a period")) <= 101  # both ends of a minute are counted
    assert max(values(burst, "small-burst", "most in a period")) <= 110


@pytest.mark.slow
def test_a_queue_lets_nobody_burst(burst):
    """Q-19.7: one every 0.6 s, so at most two in any second, whatever comes."""
    assert max(values(burst, "leaky-queue", "most in 1 s")) <= 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_an_anchored_window_falls_to_who_knows_its_anchor(seed):
    """One request a minute early opens the window; the same burst then gets over 180 through in a second, not 100."""
    known = run(boundary_burst(knows_anchor=True, flood=0.0), "anchored-window", seed=seed)
    unknown = run(boundary_burst(flood=0.0), "anchored-window", seed=seed)
    assert known.summary()["most in 1 s"] > 180
    assert unknown.summary()["most in 1 s"] <= 100


@pytest.fixture(scope="module")
def herd():
    """Two hundred clients, twenty a second: it takes ten seconds to serve them."""
    return compare(retry_after_herd(clients=200, limit=20), seeds=SEEDS)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["same-instant", "constant"])
def test_who_is_told_one_instant_comes_back_as_a_herd(herd, policy):
    """Q-19.3: all 180 who were refused are back within a tenth of a second, jitter or not."""
    assert values(herd, policy, "peak of retries") == [180.0] * len(SEEDS)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["server-spreads", "clients-spread"])
def test_spread_times_end_the_herd(herd, policy):
    """Spread over the ten seconds that it takes, by either side: the peak is under a quarter of the herd's, and so are
    the refusals after the first ones; nearly everybody is served at the second try."""
    assert max(values(herd, policy, "peak of retries")) < 180 / 4
    assert max(values(herd, policy, "attempts")) < 2.2 * 200
    assert min(values(herd, "same-instant", "attempts")) > 4.0 * 200


@pytest.mark.slow
def test_a_constant_pays_with_time(herd):
    """Half the clients wait over a minute with a constant of 30 s, and under ten seconds with spread times."""
    assert min(values(herd, "constant", "p50")) > 60.0
    assert max(values(herd, "server-spreads", "p50")) < 10.0


@pytest.mark.slow
def test_ignoring_the_header_costs_the_server_most(herd):
    """Ten tries a second whatever the answer: over five times the refusals of those who only come too early."""
    assert min(values(herd, "ignored", "refused")) > 5 * max(values(herd, "same-instant", "refused"))


@pytest.fixture(scope="module")
def neighbours():
    """Twenty quiet clients and one that calls fifteen times as often as all of them."""
    return compare(noisy_neighbour(horizon=20.0), seeds=SEEDS)


@pytest.mark.slow
def test_one_limit_for_all_lets_the_quiet_pay(neighbours):
    """Under half of the quiet clients' calls end ok without a limit, and behind one limit for all."""
    for policy in ("no-limit", "one-for-all"):
        assert max(values(neighbours, policy, "quiet ok")) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["per-key", "levels"])
def test_a_limit_for_each_key_protects_them(neighbours, policy):
    """Over 97 % of the quiet clients' calls end ok, and under 5 % of the noisy one's."""
    assert min(values(neighbours, policy, "quiet ok")) > 0.97
    assert max(values(neighbours, policy, "noisy ok")) < 0.05


@pytest.mark.slow
def test_levels_one_by_one_are_spent_by_who_is_refused(neighbours):
    """Q-19.9: the noisy one's requests use up the common level before their own refuses them: under half end ok."""
    assert max(values(neighbours, "one-by-one", "quiet ok")) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_many_keys_get_around_a_limit_for_each_key(seed):
    """With 200 keys in turn the noisy one takes the server over; a level for its address stops it."""
    world = noisy_neighbour(noisy_keys=200, horizon=20.0)
    assert run(world, "per-key", seed=seed).summary()["quiet ok"] < 0.5
    assert run(world, "levels", seed=seed).summary()["quiet ok"] > 0.97


@pytest.mark.slow
def test_a_shared_counter_is_exact_only_when_it_decides_by_what_it_wrote():
    """Q-19.8: of about 500, get-then-set lets over 300 too many through, get-then-increment a few, the others none."""
    compared = compare(shared_counter(), seeds=SEEDS)
    assert min(values(compared, "get-then-set", "over the limit")) > 300
    assert min(values(compared, "get-then-increment", "over the limit")) >= 1
    assert max(values(compared, "get-then-increment", "over the limit")) < 40
    for policy in ("increment-first", "compare-and-set"):
        assert values(compared, policy, "over the limit") == [0.0] * len(SEEDS)
        assert values(compared, policy, "ok") == [100.0] * len(SEEDS)


class EveryThird:
    """A learner's limiter, of requests or, with `cost`, of keys."""

    def __init__(self):
        self.asked = 0

    def decide(self, request, now):
        self.asked += 1
        return Decision(self.asked % 3 == 0, 1, 0, 1.0, 0.0 if self.asked % 3 == 0 else 1.0)


class EveryThirdByKey(EveryThird):
    def decide(self, key, now, cost=1):
        assert key == "203.0.113.9"
        return super().decide(key, now)


@pytest.mark.slow
@pytest.mark.parametrize("mine", [EveryThird(), EveryThirdByKey(), lambda: EveryThird(), lambda: EveryThirdByKey()])
def test_a_learners_limiter_takes_the_seat(mine):
    """Any object that decides, by request or by key, or a function that makes one."""
    figures = run(boundary_burst(), mine).summary()
    assert figures["ok"] == figures["calls"] // 3


@pytest.mark.slow
def test_ours_take_the_seat_bare_or_dressed():
    """A plain limiter, one that knows its key, and levels: the same limit, the same figure."""
    dressed = [
        GCRA(10, period=60.0),
        ByKey(GCRA(10, period=60.0), key=by_peer),
        Levels([Level("peer", GCRA(10, period=60.0), by_peer)]),
    ]
    assert len({run(boundary_burst(), limiter).summary()["let through"] for limiter in dressed}) == 1
    assert run(retry_after_herd(clients=20, limit=20), FixedWindow(5, period=1.0)).summary()["refused"] > 0
