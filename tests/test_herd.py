"""The flagship keeps its rules: 10,000 clients, 50 workers, a queue of 200, six attempts."""

import math

import attrs
import pytest

from sim.experiment import compare, run
from sim.laws import Exponential
from sim.policies import FullJitter, Retry
from sim.scenarios.herds import thundering_herd
from sim.workload import AllAtOnce

SEEDS = range(20)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def herd():
    """Twenty seeds under full jitter and under immediate retries."""
    return compare(thundering_herd(), ["full-jitter", "immediate"], seeds=SEEDS)


@pytest.fixture(scope="module")
def longer():
    """Longer queues under full jitter: the twenty seeds with 1,000 places, and five of them with 3,000."""
    return {
        queue: compare(thundering_herd(queue=queue), ["full-jitter"], seeds=seeds)
        for queue, seeds in ((1_000, SEEDS), (3_000, SEEDS[:5]))
    }


def test_the_world_is_the_one_that_the_rules_state():
    """Everyone at t = 0, no delay, 50 workers, mean 20 ms, 200 places, 1 s, six attempts, U(0, min(10, 0.1*2^(k-1)))"""
    world = thundering_herd()
    assert world.arrivals == AllAtOnce(clients=10_000, at=0.0)
    assert (world.server.workers, world.server.queue, world.server.lifo) == (50, 200, False)
    assert world.server.service == Exponential(0.02)
    assert world.clients.timeout == 1.0
    assert world.network.request_delay.mean == world.network.reply_delay.mean == 0.0
    assert world.faults == ()
    retry = Retry(FullJitter())
    assert retry.attempts == 6
    assert [retry.backoff.ceiling(attempt) for attempt in (1, 2, 5)] == [0.1, 0.2, 1.6]
    assert retry.backoff.ceiling(8) == 10.0


def test_full_jitter_serves_two_thirds_of_the_herd(herd):
    """The mean of twenty seeds: 6,519 ± 48 calls ok and 54,023 ± 69 attempts (three standard errors)."""
    assert herd.estimate("full-jitter", "ok").mean == pytest.approx(6_519, abs=48)
    assert herd.estimate("full-jitter", "attempts").mean == pytest.approx(54_023, abs=69)


def test_immediate_retries_serve_only_who_got_in_first(herd):
    """In every run exactly 250 are served, 50 at once and 200 from the queue; the others burn six attempts each."""
    assert set(herd.values("immediate", "ok")) == {250}
    assert set(herd.values("immediate", "attempts")) == {250 + 9_750 * 6} == {58_750}


def test_every_client_is_counted_once(herd):
    """ok + gave up is 10,000 in every run: a late answer is no success."""
    for policy in herd.figures:
        pairs = zip(herd.values(policy, "ok"), herd.values(policy, "gave_up"), strict=True)
        assert {ok + gave_up for ok, gave_up in pairs} == {10_000}


def test_a_queue_of_a_thousand_serves_more(longer):
    """With 1,000 places full jitter serves 7,226 ± 50."""
    assert longer[1_000].estimate("full-jitter", "ok").mean == pytest.approx(7_226, abs=50)


def test_a_queue_longer_than_the_patience_serves_the_dead(herd, longer):
    """With 3,000 places there are about 8,400 zombies and far fewer calls ok; with 200 there is not one zombie."""
    assert longer[3_000].estimate("full-jitter", "zombie").mean == pytest.approx(8_400, abs=150)
    assert longer[3_000].estimate("full-jitter", "ok").mean < 0.6 * herd.estimate("full-jitter", "ok").mean
    assert set(herd.values("full-jitter", "zombie")) == {0}


def test_the_burst_uses_all_workers_at_once():
    """At t = 0 exactly 50 requests are in service, 200 wait, and all others are rejected at that instant."""
    attempts = run(thundering_herd(), "no-retry", seed=3).trace.attempts
    assert set(attempts.column("arrived")) == {0.0}
    assert attempts.column("started").count(0.0) == 50
    assert sum(1 for started in attempts.column("started") if started > 0.0) == 200
    assert attempts.column("answer").count(503.0) == 9_750


def test_the_queue_and_the_workers_never_hold_more_than_they_can():
    """At every instant of a herd at most 50 are in service and at most 200 wait."""
    attempts = run(thundering_herd(clients=3_000), "full-jitter", seed=1).trace.attempts
    rows = list(zip(*(attempts.column(name) for name in ("arrived", "started", "finished")), strict=True))
    served = [(started, finished) for _, started, finished in rows if not math.isnan(started)]
    waited = [(arrived, started) for arrived, started, _ in rows if not math.isnan(started) and started > arrived]
    assert most(served) == 50
    assert most(waited) == 200


def test_the_answer_to_a_herd_with_no_patience_is_zombies_only():
    """With a timeout shorter than any work, nobody is served, and the server still does all it has taken in."""
    world = thundering_herd(clients=500)
    world = attrs.evolve(
        world, clients=attrs.evolve(world.clients, timeout=1e-9), server=attrs.evolve(world.server, queue=math.inf)
    )
    figures = run(world, "no-retry", seed=0).summary()
    assert (figures["ok"], figures["timed_out"], figures["zombie"]) == (0, 500, 500)


def most(spans):
    """The most spans that are open at one instant; one that ends there makes room for one that begins."""
    edges = sorted([(end, -1) for _, end in spans] + [(begin, 1) for begin, _ in spans])
    level = highest = 0
    for _, step in edges:
        level += step
        highest = max(highest, level)
    return highest
