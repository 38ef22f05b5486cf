"""When calls begin: every workload against its own law."""

import itertools
import math

import pytest

from sim.experiment import run
from sim.laws import Constant, Exponential
from sim.scenario import Clients, Scenario, Server
from sim.workload import AllAtOnce, ClosedLoop, Poisson, Ramp, Replay


def begun(arrivals, *, horizon=100.0, seed=0, service=0.0, **clients):
    """The instants at which calls began, in a world that answers after *service* seconds."""
    return calls(arrivals, horizon, seed, service, clients).column("started")


def calls(arrivals, horizon=100.0, seed=0, service=0.0, clients=None):
    world = Scenario(
        arrivals=arrivals,
        clients=Clients(timeout=math.inf, **(clients or {})),
        server=Server(workers=math.inf, service=Constant(service)),
        horizon=horizon,
    )
    return run(world, "no-retry", seed=seed).trace.calls


def test_all_at_once_is_one_instant():
    """Every client makes one call, all at the same instant."""
    found = calls(AllAtOnce(clients=500, at=3.0))
    assert set(found.column("started")) == {3.0}
    assert list(found.column("client")) == [float(client) for client in range(500)]


@pytest.mark.parametrize("rate", [1.0, 20.0])
def test_poisson_has_its_rate_and_its_randomness(rate):
    """Mean count within three standard errors; the gaps' deviation is their mean, as of an exponential law."""
    instants = list(begun(Poisson.steady(rate), horizon=2_000.0 / rate))
    assert len(instants) == pytest.approx(2_000, abs=3 * math.sqrt(2_000))
    gaps = [later - earlier for earlier, later in itertools.pairwise(instants)]
    mean = math.fsum(gaps) / len(gaps)
    deviation = math.sqrt(math.fsum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert deviation / mean == pytest.approx(1.0, abs=0.08)
    assert instants == sorted(instants)
    assert instants[-1] < 2_000.0 / rate


def test_a_spike_has_three_rates():
    """10 a second, 100 in the spike, 10 again; each count within three standard errors."""
    instants = begun(Poisson.spike(10.0, 100.0, start=40.0, length=20.0))
    counts = [sum(1 for at in instants if low <= at < high) for low, high in ((0, 40), (40, 60), (60, 100))]
    for count, expected in zip(counts, (400, 2_000, 400), strict=True):
        assert count == pytest.approx(expected, abs=3 * math.sqrt(expected))


def test_a_rate_of_nothing_brings_nobody():
    """Rate 0 in the first step: the first call comes after it."""
    assert min(begun(Poisson(steps=((0.0, 0.0), (50.0, 5.0))))) >= 50.0


@pytest.mark.parametrize(("low", "high"), [(0.0, 40.0), (40.0, 0.0)])
def test_a_ramp_puts_three_quarters_in_its_higher_half(low, high):
    """Between 0 and 40 a second over 100 s: 2,000 calls, 1,500 of them where the rate is above 20."""
    instants = begun(Ramp(from_per_second=low, to_per_second=high))
    busy = sum(1 for at in instants if (at >= 50.0) == (high > low))
    assert len(instants) == pytest.approx(2_000, abs=3 * math.sqrt(2_000))
    assert busy / len(instants) == pytest.approx(0.75, abs=3 * math.sqrt(0.75 * 0.25 / 2_000))


def test_a_replay_is_the_list():
    """The recorded instants, as they are, up to and including the horizon."""
    assert list(begun(Replay([0.5, 0.5, 2.0, 7.0, 7.5]), horizon=7.0)) == [0.5, 0.5, 2.0, 7.0]


def test_a_closed_loop_never_has_more_calls_out_than_clients():
    """Five clients, 1 s of thought, 3 s of work: each begins again 1 s after its own call has ended."""
    found = calls(ClosedLoop(clients=5, think=Constant(1.0)), horizon=20.0, service=3.0)
    first = [at for at, client in zip(found.column("started"), found.column("client"), strict=True) if client == 0]
    assert first == [1.0, 5.0, 9.0, 13.0, 17.0]
    assert len(found) == 25


def test_a_closed_loop_has_its_throughput():
    """Clients / (think + work), the interactive response time law, within 5 %."""
    found = calls(ClosedLoop(clients=50, think=Exponential(0.5)), horizon=100.0, service=0.5)
    assert len(found) / 100.0 == pytest.approx(50 / (0.5 + 0.5), rel=0.05)


def test_no_call_begins_after_the_horizon():
    """Open or closed, the last call begins before the horizon, and the run drains after it."""
    for arrivals in (Poisson.steady(50.0), ClosedLoop(clients=20, think=Exponential(0.2)), Ramp()):
        found = calls(arrivals, horizon=10.0, service=2.0)
        assert max(found.column("started")) <= 10.0
        assert max(found.column("ended")) > 10.0
        assert not any(math.isnan(instant) for instant in found.column("ended"))


def test_a_pool_takes_turns_and_hosts_are_shared():
    """Calls are dealt round a pool of 6 clients, and 3 clients share a host."""
    found = calls(Replay([float(number) for number in range(8)]), clients={"pool": 6, "per_host": 3})
    assert list(found.column("client")) == [0, 1, 2, 3, 4, 5, 0, 1]
    assert list(found.column("host")) == [0, 0, 0, 1, 1, 1, 0, 0]


@pytest.mark.parametrize(
    "arrivals", [Poisson.steady(20.0), Ramp(), ClosedLoop(clients=10)], ids=lambda it: type(it).__name__
)
def test_a_seed_names_the_arrivals(arrivals):
    """The same seed begins the same calls, another seed others."""
    assert begun(arrivals, seed=1) == begun(arrivals, seed=1)
    assert begun(arrivals, seed=1) != begun(arrivals, seed=2)
