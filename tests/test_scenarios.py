"""Every story keeps its law, with a margin, and every story runs."""

import math

import pytest

from sim import metrics
from sim.experiment import compare, run
from sim.policies import CircuitBreaker, ClientPolicy, Exponential, FullJitter, Retry
from sim.scenarios import stories
from sim.scenarios.herds import cold_restart, half_open_stampede, lossy_network, retry_storm

SMALL = {
    "aws-contention": {"clients": 10},
    "cache-stampede": {"horizon": 12.0},
    "chatty-client": {"horizon": 20.0},
    "client-throttling": {"horizon": 20.0},
    "cold-restart": {"rate": 5.0},
    "collapse": {"rate": 5.0, "horizon": 40.0},
    "half-open-stampede": {"clients": 50},
    "layers-removed": {"horizon": 10.0},
    "lossy-network": {"rate": 10.0, "horizon": 10.0},
    "noisy-neighbour": {"horizon": 5.0},
    "outgrown-batch": {"rows": 100, "row_seconds": 0.1},
    "password-guessing": {"horizon": 30.0},
    "plain-queue": {"horizon": 100.0},
    "private-cache": {"hours": 2.0},
    "retry-after-herd": {"clients": 100, "limit": 10},
    "retry-wave": {"events": 500},
    "rogue-endpoints": {"horizon": 30.0},
    "retry-storm": {"rate": 5.0, "horizon": 40.0},
    "stale-links": {"orders": 200},
    "sunset-day": {"clients": 5, "days": 30.0},
    "thundering-herd": {"clients": 400},
    "version-through-cache": {"horizon": 20.0},
    "webhook-backlog": {"events": 300},
    "wrong-body": {"horizon": 10.0},
}
"""Knobs that make a story small; one that is missing here runs as it is."""
AT_ONCE = 1e-3
"""Seconds: shorter than any answer takes in `half_open_stampede`."""


@pytest.mark.slow
@pytest.mark.parametrize("name", list(stories()))
def test_every_story_runs_with_its_own_policies(name):
    """Each story makes a world of its name, and each of its policies ends every call with the books in order."""
    world = stories()[name](**SMALL.get(name, {}))
    assert world.name == name
    compared = compare(world, seeds=[1])
    assert tuple(compared.figures) == world.policies
    for (figures,) in compared.figures.values():
        assert figures["calls"] > 0
        if world.webhooks is None:  # a platform's retries go on for days; what still waits is in its books
            assert figures["ok"] + figures["gave_up"] == figures["calls"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_immediate_retries_keep_the_storm_alive(seed):
    """The trigger ends at 30 s; of the calls that begin from 40 s to 120 s, under 20 % end ok (next to none)."""
    storm = run(retry_storm(), "immediate", seed=seed)
    assert metrics.goodput(storm, 0.0, 20.0) > 0.95
    assert metrics.goodput(storm, 40.0, 120.0) < 0.20
    assert metrics.goodput(storm, 90.0, 120.0) < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("policy", ["no-retry", "immediate+budget", "immediate+breaker"])
def test_without_the_retries_the_storm_is_over(policy, seed):
    """No retries, a 10 % retry budget, or a breaker: of the calls that begin from 90 s to 120 s over 95 % end ok."""
    assert metrics.goodput(run(retry_storm(), policy, seed=seed), 90.0, 120.0) > 0.95


@pytest.mark.slow
def test_jitter_alone_does_not_end_the_storm():
    """Full jitter spreads the retries and sends as many: from 40 s to 120 s still under 20 % end ok."""
    assert metrics.goodput(run(retry_storm(), "full-jitter", seed=0), 40.0, 120.0) < 0.20


def stampede(backoff, probes):
    """A run of the story with 500 clients behind one breaker, and the instant at which it first half-opens."""
    one = run(half_open_stampede(), ClientPolicy(Retry(backoff), CircuitBreaker(probes=probes)), seed=1)
    return one, next(mark.at for mark in one.trace.marks if mark.note == "half-open")


def sent_within(one, start, length):
    """How many attempts were sent from *start* for *length* seconds."""
    return sum(start <= at < start + length for at in one.trace.attempts.column("sent"))


@pytest.mark.slow
@pytest.mark.parametrize("backoff", [FullJitter(), Exponential()], ids=["full jitter", "no jitter"])
def test_without_a_probe_limit_all_who_wait_are_sent_at_the_half_open_instant(backoff):
    """Everyone was told when the circuit opens again, so all 500 go within a millisecond; and it opens once more."""
    one, instant = stampede(backoff, math.inf)
    assert sent_within(one, instant, AT_ONCE) == 500
    changes = [mark.note for mark in one.trace.marks if mark.kind == "breaker"]
    assert changes[:3] == ["open", "half-open", "open"]


@pytest.mark.slow
@pytest.mark.parametrize("probes", [1, 3])
@pytest.mark.parametrize("backoff", [FullJitter(), Exponential()], ids=["full jitter", "no jitter"])
def test_with_a_limit_only_the_probes_are_sent(backoff, probes):
    """With a limit of 1 or 3, exactly that many go at that instant; one good probe then closes the circuit."""
    one, instant = stampede(backoff, probes)
    assert sent_within(one, instant, AT_ONCE) == probes
    changes = [mark.note for mark in one.trace.marks if mark.kind == "breaker"]
    assert changes[:3] == ["open", "half-open", "closed"]


@pytest.mark.slow
def test_probes_and_jitter_together_serve_the_most():
    """One probe and full jitter: at least twice as many calls end ok as without a limit, or without jitter."""
    both, limit_alone, jitter_alone = (
        stampede(backoff, probes)[0].summary()["ok"]
        for backoff, probes in ((FullJitter(), 1), (Exponential(), 1), (FullJitter(), math.inf))
    )
    assert both > 2 * limit_alone
    assert both > 2 * jitter_alone


@pytest.mark.slow
def test_a_lossy_network_does_work_that_no_client_knows_of():
    """Without retries, more intents take effect than calls end ok; the rest are *indeterminate*, not failed."""
    one = run(lossy_network(), "no-retry", seed=0)
    known = {str(int(call)) for call, ok in zip(*columns(one.trace.calls, "call", "ok"), strict=True) if ok == 1.0}
    done = {entry.key for entry in one.trace.ledger}
    assert known <= done
    assert len(done - known) > 0.03 * len(one.trace.calls)


@pytest.mark.slow
def test_retries_over_a_lossy_network_repeat_the_work():
    """With retries practically every call ends ok, and the price is more effects in the ledger than calls."""
    one = run(lossy_network(), "full-jitter", seed=0)
    figures = one.summary()
    assert figures["ok"] > 0.999 * figures["calls"]
    assert len(one.trace.ledger) > 1.04 * figures["calls"]


def columns(table, *names):
    """Some columns of a table."""
    return [table.column(name) for name in names]


@pytest.mark.slow
def test_a_cold_restart_is_prolonged_by_those_who_come_back():
    """Back at 25 s and warm at 35 s: from 35 s to 50 s over 90 % end ok with a retry budget, under 60 % without."""
    without = run(cold_restart(), "full-jitter", seed=0)
    assert metrics.goodput(without, 0.0, 18.0) > 0.99
    assert metrics.goodput(without, 35.0, 50.0) < 0.60
    assert metrics.goodput(run(cold_restart(), "full-jitter+budget", seed=0), 35.0, 50.0) > 0.90
