"""Published simulations, reproduced: AWS on jitter, Brooker on collapse, the SRE book on throttling, and herds.

Values: B.3 to B.6 of the claims ledger.
"""

from collections import Counter
from random import Random

import pytest

from sim import metrics
from sim.experiment import compare, run
from sim.policies import (
    AdaptiveThrottle,
    ClientPolicy,
    EqualJitter,
    Exponential,
    Fixed,
    FullJitter,
    ProportionalJitter,
    Retry,
)
from sim.scenario import Outage, Scenario
from sim.scenarios.published import (
    aws_contention,
    aws_policies,
    client_throttling,
    collapse,
    collapse_policies,
)
from sim.workload import AllAtOnce

PUBLISHED_CALLS = {
    "immediate": 2424.7,
    "exponential": 1856.8,
    "equal-jitter": 811.8,
    "full-jitter": 795.6,
    "decorrelated-jitter": 1005.2,
}
"""Write calls at 100 clients: means of 200 runs of AWS's own simulator."""
PUBLISHED_SECONDS = {
    "immediate": 2.034,
    "exponential": 63.575,
    "equal-jitter": 6.598,
    "full-jitter": 4.898,
    "decorrelated-jitter": 4.681,
}
"""Completion times at 100 clients, likewise."""


@pytest.fixture(scope="module")
def contention():
    """A hundred clients and one row, 20 seeds."""
    return compare(aws_contention(clients=100), aws_policies(), seeds=range(20))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PUBLISHED_CALLS))
def test_the_contention_costs_what_awss_simulator_says(contention, name):
    """Write calls within 1.5 % of the published mean, completion time within 10 % (its own spread is wide)."""
    assert contention.estimate(name, "ok").mean == 100
    assert contention.estimate(name, "attempts").mean == pytest.approx(PUBLISHED_CALLS[name], rel=0.015)
    assert contention.estimate(name, "drain_seconds").mean == pytest.approx(PUBLISHED_SECONDS[name], rel=0.1)


@pytest.mark.slow
def test_jitter_saves_work_and_lack_of_it_costs_time(contention):
    """Work: full and equal < decorrelated < exponential < none.  Time: none < full < equal << exponential.

    Without jitter, exponential backoff is the slowest by more than ten times.
    """
    work = {name: contention.estimate(name, "attempts") for name in aws_policies()}
    for less, more in (
        ("full-jitter", "decorrelated-jitter"),
        ("equal-jitter", "decorrelated-jitter"),
        ("decorrelated-jitter", "exponential"),
        ("exponential", "immediate"),
    ):
        assert work[less].high < work[more].low
    assert -32 < contention.difference("full-jitter", "equal-jitter", "attempts").mean < 0
    time = {name: contention.estimate(name, "drain_seconds") for name in aws_policies()}
    for faster, slower in (
        ("immediate", "decorrelated-jitter"),
        ("immediate", "full-jitter"),
        ("full-jitter", "equal-jitter"),
        ("equal-jitter", "exponential"),
    ):
        assert time[faster].high < time[slower].low
    assert time["decorrelated-jitter"].mean == pytest.approx(time["full-jitter"].mean, rel=0.15)
    assert time["exponential"].mean > 10 * time["full-jitter"].mean


@pytest.mark.slow
def test_equal_jitter_does_slightly_less_work_than_full_at_190_clients():
    """The cross-over: at 100 clients full jitter needs fewer calls, at 190 equal jitter does; both beyond doubt."""
    both = {name: aws_policies()[name] for name in ("full-jitter", "equal-jitter")}
    many = compare(aws_contention(clients=190), both, seeds=range(80))
    few = compare(aws_contention(clients=100), both, seeds=range(80))
    assert few.difference("full-jitter", "equal-jitter", "attempts").high < 0
    assert many.difference("full-jitter", "equal-jitter", "attempts").low > 0
    for name, published in (("full-jitter", 1773.3), ("equal-jitter", 1758.7)):
        assert many.estimate(name, "attempts").mean == pytest.approx(published, rel=0.01)


@pytest.mark.slow
def test_a_spike_can_kill_a_server_for_good_unless_the_retries_wait():
    """Published spike, 40 to 80 calls/s for 5 s, ten seeds: it tips over in most runs, and never with backoff.

    A run is one or the other: from 30 s to 50 s after the spike under 1 % of the calls are ok, or over 99 %.
    """
    after = {
        name: [metrics.goodput(run(collapse(horizon=80.0), policy, seed=seed), 55.0, 75.0) for seed in range(10)]
        for name, policy in collapse_policies().items()
    }
    assert all(share < 0.01 or share > 0.99 for share in after["immediate"])
    assert sum(share < 0.01 for share in after["immediate"]) >= 6
    assert min(after["backoff"]) > 0.99


@pytest.mark.slow
def test_a_spike_to_90_kills_in_every_run():
    """With 90 calls/s in the spike every one of five runs falls to 0 and stays there; with backoff none does.

    Before the spike, and after it with backoff, about rate / (1 - 0.01 rate) = 66.7 requests are in service.
    """
    for seed in range(5):
        dead = run(collapse(peak=90.0, horizon=80.0), collapse_policies()["immediate"], seed=seed)
        assert metrics.goodput(dead, 5.0, 15.0) > 0.99
        assert metrics.goodput(dead, 35.0, 75.0) < 0.01
        assert in_service(dead, 75.0) > 1_000
        alive = run(collapse(peak=90.0, horizon=80.0), collapse_policies()["backoff"], seed=seed)
        assert metrics.goodput(alive, 55.0, 75.0) > 0.99
        assert 40 < in_service(alive, 75.0) < 100


def in_service(one, at):
    """Requests in service at the instant *at*."""
    attempts = one.trace.attempts
    pairs = zip(attempts.column("started"), attempts.column("finished"), strict=True)
    return sum(started <= at < finished for started, finished in pairs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "capacity", "multiplier", "sent"),
    [
        (100.0, 30.0, 2.0, 60.0),
        (100.0, 30.0, 1.1, 33.0),
        (100.0, 0.0, 2.0, 0.0),
        (50.0, 30.0, 2.0, 50.0),
        (100.0, 60.0, 1.5, 90.0),
    ],
)
def test_an_adaptive_throttle_sends_k_times_what_is_taken(rate, capacity, multiplier, sent):
    """In the steady state min(offered, K * capacity) is sent; measured from the second window of two minutes on."""
    policy = ClientPolicy(Retry.never(), AdaptiveThrottle(multiplier=multiplier))
    one = run(client_throttling(rate=rate, capacity=capacity), policy, seed=0)
    late = sum(at >= 240.0 for at in one.trace.attempts.column("sent"))
    assert late / 360.0 == pytest.approx(sent, abs=0.8)


RULES = {
    "proportional": ProportionalJitter(backoff=Fixed(30.0), fraction=0.2),
    "full": FullJitter(base=30.0, cap=30.0),
    "equal": EqualJitter(base=30.0, cap=30.0),
}
"""The guide's webhook rule, and the two of AWS, after a delay of 30 s."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("retries", "rule", "peak"),
    [
        (1_000, "proportional", 183), (1_000, "full", 46), (1_000, "equal", 82),
        (100_000, "proportional", 16_838), (100_000, "full", 3_452), (100_000, "equal", 6_810),
    ],
)  # fmt: skip
def test_a_fifth_of_jitter_leaves_a_herd_five_times_as_dense(retries, rule, peak):
    """Peak second of retries that failed together: the guide's jitter fills 6 seconds, equal 15, full 30."""
    seconds = [
        Counter(int(RULES[rule].delay(1, 0.0, rng)) for _ in range(retries))
        for rng in (Random(f"{rule}/{seed}") for seed in range(20 if retries == 1_000 else 3))
    ]
    peaks = [max(counts.values()) for counts in seconds]
    assert sum(peaks) / len(peaks) == pytest.approx(peak, rel=0.05 if retries == 1_000 else 0.01)
    assert all(len(counts) == {"proportional": 6, "full": 30, "equal": 15}[rule] for counts in seconds)


@pytest.mark.slow
def test_the_herd_comes_back_as_dense_as_its_jitter_says():
    """The same in the model: 1,000 clients refused at once, and the peak second of their second attempts."""
    world = Scenario(arrivals=AllAtOnce(clients=1_000), faults=(Outage(start=0.0, length=100.0),))
    peaks = {}
    for name, backoff in {**RULES, "none": Exponential(base=30.0, cap=30.0)}.items():
        rows = run(world, Retry(backoff, attempts=2), seed=1).trace.attempts
        pairs = zip(rows.column("attempt"), rows.column("sent"), strict=True)
        peaks[name] = max(Counter(int(sent) for attempt, sent in pairs if attempt == 2).values())
    assert peaks["none"] == 1_000
    assert 3 * peaks["full"] < peaks["proportional"] < 0.25 * peaks["none"]
    assert peaks["full"] < peaks["equal"] < peaks["proportional"]
