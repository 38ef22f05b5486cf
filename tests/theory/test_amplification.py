"""How many attempts a call costs: the algebra, and the published experiments of B.2 of the claims ledger."""

import math

import pytest

from sim.experiment import compare, run
from sim.flow import Reply
from sim.http import Response
from sim.laws import Constant, Exponential
from sim.policies import ClientPolicy, FailureShareGate, Retry, RetryBudget, RetryQuota
from sim.scenario import Clients, Network, Scenario, Server
from sim.workload import Poisson, Replay

SEEDS = range(6)


def failing_share(share):
    """Brooker's `retry_sim`: 100 clients, 10 calls/s each for 20 s, mean 10 ms one way, a share of answers fail.

    The program takes its length as an argument; after 20 s the tokens and counts that a client starts with weigh
    what they weigh in the figures to be met.
    """
    leg = Exponential(0.010)
    return Scenario(
        arrivals=Poisson.steady(1_000.0),
        clients=Clients(timeout=math.inf, pool=100),
        network=Network(request_delay=leg, reply_delay=leg),
        server=Server(workers=math.inf, service=Constant(0.0), failure=share),
        horizon=20.0,
    )


def measure(share, policy, seeds=SEEDS):
    """Mean attempts per call and mean share of calls ok, over the seeds."""
    compared = compare(failing_share(share), {"it": policy}, seeds=seeds)
    ok = math.fsum(compared.values("it", "ok")) / math.fsum(compared.values("it", "calls"))
    return compared.estimate("it", "amplification").mean, ok


@pytest.mark.slow
@pytest.mark.parametrize(
    ("share", "attempts", "ok"), [(0.1, 1.1110, 0.9999), (0.2, 1.2480, 0.9984), (0.5, 1.8750, 0.9375)]
)
def test_independent_failures_cost_the_geometric_sum(share, attempts, ok):
    """With n tries and failures of share p: (1 - p^n) / (1 - p) attempts a call, and 1 - p^n of the calls are ok."""
    assert (1 - share**4) / (1 - share) == pytest.approx(attempts, abs=1e-4)
    assert 1 - share**4 == pytest.approx(ok, abs=1e-4)
    rows = [run(failing_share(share), Retry.immediate(attempts=4), seed=seed).trace.calls for seed in range(3)]
    tries = [tried for calls in rows for tried in calls.column("attempts")]
    fine = [good for calls in rows for good in calls.column("ok")]
    for values, exact in ((tries, (1 - share**4) / (1 - share)), (fine, 1 - share**4)):
        mean = math.fsum(values) / len(values)
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
        # Nearly every call is ok at p = 0.1: with no failure seen, the error is that of the exact law.
        error = max(deviation, math.sqrt(share**4 * ok)) / math.sqrt(len(values))
        assert abs(mean - exact) < 3 * error < 0.02


@pytest.mark.slow
@pytest.mark.parametrize(("share", "attempts", "ok"), [(0.3, 1.1196, 0.7845), (0.5, 1.1207, 0.5601)])
def test_a_budget_caps_the_amplification_at_its_ratio(share, attempts, ok):
    """A tenth of a retry earned per call: about 1.12 attempts a call, as published, however much fails.

    The limit is 1.1; the rest is the five tokens that each of the 100 clients starts with, over its 200 calls.
    """
    policy = ClientPolicy(Retry.immediate(attempts=None), budget=RetryBudget(ratio=0.1, capacity=5))
    amplification, fine = measure(share, policy)
    assert amplification == pytest.approx(attempts, abs=0.002)
    assert 1.1 < amplification < 1.1 + 5 / 200
    assert fine == pytest.approx(ok, abs=0.005)


@pytest.mark.slow
@pytest.mark.parametrize(("share", "attempts"), [(0.05, 1.0443), (0.1, 1.0348), (0.2, 1.0020)])
def test_a_breaker_on_retries_trips_at_half_the_rate_one_expects(share, attempts):
    """Retries that fail count too: at 10 % failures most of the retries are gone, and at 20 % practically all are."""
    policy = ClientPolicy(Retry.immediate(attempts=4), budget=FailureShareGate(threshold=0.1))
    amplification, _ = measure(share, policy)
    assert amplification == pytest.approx(attempts, abs=0.0015)


@pytest.mark.parametrize(("status", "retries"), [(500, 35), (503, 100)])
def test_the_aws_quota_runs_dry_after_so_many_retries(status, retries):
    """500 tokens buy 35 retries at 14, and 100 after throttling at 5; from then on a call is one attempt."""

    def always(request, now):
        yield Reply(Response(status))

    world = Scenario(
        arrivals=Replay(tuple(float(second) for second in range(200))),
        clients=Clients(pool=1),
        server=Server(workers=math.inf, make_handler=lambda: always),
        horizon=200.0,
    )
    trace = run(world, ClientPolicy(Retry.immediate(attempts=2), budget=RetryQuota())).trace
    assert len(trace.attempts) - len(trace.calls) == retries
    assert list(trace.calls.column("attempts")) == [2.0] * retries + [1.0] * (200 - retries)
