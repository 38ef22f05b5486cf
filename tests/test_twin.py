"""The fast model is proved by the readable one: same world, same seed, identical trace."""

import attrs
import pytest
import twin

from sim.laws import Exponential, LogNormal
from sim.model.world import maker_of, simulate
from sim.policies import CircuitBreaker, ClientPolicy, ConsecutiveBreaker, FullJitter, Retry, RetryBudget
from sim.scenario import BrownOut, Clients, Crash, Network, Outage, Partition, Scenario, Server
from sim.services.contended_row import contended_row
from sim.workload import ClosedLoop, Poisson

EVERYTHING = Scenario(
    name="everything at once",
    arrivals=Poisson.steady(40.0),
    clients=Clients(timeout=0.6, per_host=10, pool=40),
    network=Network(
        request_delay=Exponential(0.02),
        reply_delay=Exponential(0.03),
        request_loss=0.05,
        reply_loss=0.05,
        duplication=0.05,
        reordering=0.1,
        reorder_delay=Exponential(0.2),
    ),
    server=Server(workers=5, queue=10, service=Exponential(0.1), slope=0.001, failure=0.03, retry_after=0.25),
    faults=(
        Outage(start=2.0, length=1.5),
        BrownOut(start=6.0, length=2.0, slowdown=4.0),
        Crash(start=10.0, length=1.0, cold_start=2.0, cold_slowdown=5.0),
        Partition(start=15.0, length=1.0, requests=False),
        Partition(start=17.0, length=0.5),
    ),
    horizon=20.0,
    drain=200.0,
)
BREAKER = CircuitBreaker(open_time=1.0, open_jitter=0.3, minimum_volume=5, window=4.0, probes=2, successes_to_close=2)
POLICIES = {
    "full jitter": ClientPolicy(Retry(FullJitter())),
    "full jitter + breaker": ClientPolicy(Retry(FullJitter()), BREAKER),
    "full jitter + consecutive breaker + budget": ClientPolicy(
        Retry(FullJitter(), deadline=3.0), ConsecutiveBreaker(open_time=0.5), budget=RetryBudget(per_second=0.5)
    ),
}


def assert_identical(fast, readable):
    """Row by row first, because that says where; then every byte."""
    for name in ("calls", "attempts"):
        pairs = zip(getattr(fast, name).rows(), getattr(readable, name).rows(), strict=False)
        for number, (ours, theirs) in enumerate(pairs):
            assert repr(ours) == repr(theirs), f"row {number} of {name}"
        assert len(getattr(fast, name)) == len(getattr(readable, name))
    assert fast.marks == readable.marks
    assert fast.ledger == readable.ledger
    assert fast.digest() == readable.digest()


def happened(trace):
    """What the run went through, so that an easy world cannot pass for a hard one."""
    attempts = trace.attempts
    answers, arrived, finished = (attempts.column(name) for name in ("answer", "arrived", "finished"))
    status, settled = attempts.column("status"), attempts.column("settled")
    return {
        "copied": any(attempts.column("copy")),
        "request lost": any(at != at for at in arrived),
        "reply lost or late": any(s != s and a == 200 for s, a in zip(status, answers, strict=True)),
        "refused": 0.0 in status,
        "rejected": 503.0 in answers,
        "failed": 500.0 in answers,
        "lost in the crash": any(
            a == a and f != f and n != n and not 2.0 <= a <= 3.5 and not 10.0 <= a <= 11.0
            for a, f, n in zip(arrived, finished, answers, strict=True)
        ),
        "zombie": any(s != s and e < f for s, e, f in zip(status, settled, finished, strict=True)),
        "applied twice": len({entry.key for entry in trace.ledger}) < len(trace.ledger),
    }


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_the_twin_writes_the_identical_trace(policy, seed):
    """Loss, delay, copies, reordering, every fault, a breaker and a budget: both drivers write the same bytes."""
    fast = simulate(EVERYTHING, maker_of(policy), seed)
    assert_identical(fast, twin.simulate(EVERYTHING, maker_of(policy), seed))
    assert all(happened(fast).values()), happened(fast)
    assert policy.breaker is None or {"open", "half-open", "closed"} <= {mark.note for mark in fast.marks}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_twin_agrees_on_a_closed_loop_and_a_stack(seed):
    """Clients who think, a queue that serves the newest first, and work with a long tail."""
    world = attrs.evolve(
        EVERYTHING,
        arrivals=ClosedLoop(clients=30, think=Exponential(0.3)),
        server=Server(workers=3, queue=6, lifo=True, service=LogNormal(median=0.1, sigma=1.0)),
    )
    policy = maker_of(POLICIES["full jitter + breaker"])
    assert_identical(simulate(world, policy, seed), twin.simulate(world, policy, seed))


@pytest.mark.parametrize("seed", range(3))
def test_the_twin_agrees_on_a_service_with_a_store(seed):
    """A handler with state between its steps sees the same interleaving under both drivers."""
    world = attrs.evolve(
        EVERYTHING,
        horizon=5.0,
        faults=(),
        server=Server(workers=10, service=Exponential(0.05), make_handler=contended_row),
    )
    policy = maker_of(POLICIES["full jitter"])
    fast = simulate(world, policy, seed)
    assert_identical(fast, twin.simulate(world, policy, seed))
    assert 409.0 in fast.attempts.column("answer")


@pytest.mark.parametrize("seed", range(3))
def test_the_twin_agrees_that_a_drain_can_be_too_short(seed):
    """A run that ends while calls are in flight leaves the same cells empty."""
    world = attrs.evolve(EVERYTHING, horizon=4.0, drain=0.05)
    policy = maker_of(POLICIES["full jitter"])
    fast = simulate(world, policy, seed)
    assert_identical(fast, twin.simulate(world, policy, seed))
    assert any(ended != ended for ended in fast.calls.column("ended"))


def test_another_seed_is_another_trace():
    """Equality means something: the next seed differs."""
    world, policy = attrs.evolve(EVERYTHING, horizon=2.0), maker_of(POLICIES["full jitter"])
    assert simulate(world, policy, 0).digest() != twin.simulate(world, policy, 1).digest()
