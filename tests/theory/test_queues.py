"""Queueing laws: the model against the formulas, within three standard errors over twenty replications.

Service rate 1 throughout, so that times are in mean services.  Values: B.1 of the claims ledger.
"""

import math

import attrs
import pytest

from sim.experiment import run
from sim.laws import Constant, Exponential, Mixture
from sim.scenarios.herds import plain_queue
from sim.workload import Replay

SEEDS = range(20)
WARM_UP = 500.0
"""Seconds left out: at a load of 0.8 an M/M/1 forgets its start with a time constant of about 90."""
pytestmark = pytest.mark.slow


def hyperexponential(cs2):
    """Balanced-means mixture of two exponentials with mean 1 and squared coefficient of variation *cs2*."""
    p = (1 + math.sqrt((cs2 - 1) / (cs2 + 1))) / 2
    return Mixture(laws=(Exponential(1 / (2 * p)), Exponential(1 / (2 * (1 - p)))), weights=(p, 1 - p))


def replicate(world, *measures):
    """For each of the *measures*, its mean over the seeds and the standard error."""
    values = [[] for _ in measures]
    for seed in SEEDS:
        attempts = run(world, "no-retry", seed=seed).trace.attempts
        for row, measure in zip(values, measures, strict=True):
            row.append(measure(attempts))
    return [mean_and_error(row) for row in values]


def mean_and_error(values):
    """The mean and its standard error, from independent replications."""
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, math.sqrt(variance / len(values))


def wait(attempts):
    """Mean seconds in the queue of those who arrived after the warm-up and were served."""
    pairs = zip(attempts.column("arrived"), attempts.column("started"), strict=True)
    waits = [started - arrived for arrived, started in pairs if arrived >= WARM_UP and started == started]
    return math.fsum(waits) / len(waits)


def waited(attempts):
    """Share of those who arrived after the warm-up that had to wait."""
    pairs = zip(attempts.column("arrived"), attempts.column("started"), strict=True)
    late = [started > arrived for arrived, started in pairs if arrived >= WARM_UP]
    return sum(late) / len(late)


def stay(attempts):
    """Mean seconds in the system of those who arrived after the warm-up and were served."""
    pairs = zip(attempts.column("arrived"), attempts.column("finished"), strict=True)
    stays = [finished - arrived for arrived, finished in pairs if arrived >= WARM_UP and finished == finished]
    return math.fsum(stays) / len(stays)


def rejected(attempts):
    """Share of those who arrived after the warm-up that found no place."""
    pairs = zip(attempts.column("arrived"), attempts.column("started"), strict=True)
    turned_away = [started != started for arrived, started in pairs if arrived >= WARM_UP]
    return sum(turned_away) / len(turned_away)


def number_in_system(attempts, end):
    """Time average of the requests in queue and service, from the warm-up to *end*."""
    area = 0.0
    for arrived, finished in zip(attempts.column("arrived"), attempts.column("finished"), strict=True):
        if finished == finished:
            area += max(0.0, min(finished, end) - max(arrived, WARM_UP))
    return area / (end - WARM_UP)


def erlang_b(servers, load):
    """Erlang's loss formula, by its recursion."""
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = load * blocked / (k + load * blocked)
    return blocked


def erlang_c(servers, load):
    """Erlang's delay formula."""
    blocked = erlang_b(servers, load)
    return servers * blocked / (servers - load * (1 - blocked))


def assert_within(measured, exact):
    """Within three standard errors, and the error small enough for the comparison to mean something."""
    mean, error = measured
    assert 0.0 < error < 0.08 * exact, (mean, error, exact)
    assert abs(mean - exact) < 3 * error, (mean, error, exact)


@pytest.mark.parametrize(("load", "exact"), [(0.5, 1.0), (0.8, 4.0)])
def test_mm1_waits_as_the_formula_says(load, exact):
    """M/M/1: Wq = rho / (mu - lambda)."""
    assert exact == pytest.approx(load / (1 - load))
    [measured] = replicate(plain_queue(rate=load, horizon=4_500.0), wait)
    assert_within(measured, exact)


def test_mm1_stays_have_an_exponential_tail():
    """M/M/1 at a load of 0.5: a stay longer than ln(100) / (mu - lambda) = 9.210 happens to one request in 100."""
    limit = math.log(100) / 0.5
    assert limit == pytest.approx(9.210, abs=0.001)

    def share_above(attempts):
        pairs = zip(attempts.column("arrived"), attempts.column("finished"), strict=True)
        long = [finished - arrived > limit for arrived, finished in pairs if arrived >= WARM_UP]
        return sum(long) / len(long)

    [(mean, error)] = replicate(plain_queue(rate=0.5, horizon=4_500.0), share_above)
    assert abs(mean - 0.01) < 3 * error < 0.006


@pytest.mark.parametrize(
    ("workers", "load", "exact_share", "exact_wait"),
    [(2, 1.6, 0.71111, 1.77778), (5, 4.0, 0.55411, 0.55411), (10, 5.0, 0.03611, 0.007222)],
)
def test_mmc_makes_erlangs_share_wait(workers, load, exact_share, exact_wait):
    """M/M/c: Erlang C gives the share that waits, and Wq = C / (c mu - lambda)."""
    assert erlang_c(workers, load) == pytest.approx(exact_share, abs=1e-5)
    world = plain_queue(rate=load, workers=workers, horizon=WARM_UP + 3_000.0 / load)
    share, (mean, error) = replicate(world, waited, wait)
    assert_within(share, exact_share)
    assert abs(mean - exact_wait) < 3 * error < 0.4 * exact_wait


@pytest.mark.parametrize(
    ("load", "places", "exact", "exact_number"),
    [(0.8, 5, 0.08882, 1.86833), (1.0, 10, 0.09091, 5.0), (2.0, 10, 0.50024, 9.00537)],
)
def test_mm1k_turns_away_as_the_formula_says(load, places, exact, exact_number):
    """M/M/1/K: P_n is proportional to rho^n for n up to K, which counts the one in service; W = L / (served rate)."""
    weights = [load**number for number in range(places + 1)]
    full = weights[-1] / sum(weights)
    number = sum(number * weight for number, weight in enumerate(weights)) / sum(weights)
    assert full == pytest.approx(exact, abs=1e-5)
    assert number == pytest.approx(exact_number, abs=1e-5)
    world = plain_queue(rate=load, queue=places - 1, horizon=WARM_UP + 3_000.0 / load)
    turned_away, stays = replicate(world, rejected, stay)
    assert_within(turned_away, full)
    assert_within(stays, number / (load * (1 - full)))


@pytest.mark.parametrize("law", [Exponential(1.0), Constant(1.0), hyperexponential(4.0)], ids=["M", "D", "H2"])
@pytest.mark.parametrize(("workers", "load", "exact"), [(5, 3.0, 0.11005), (10, 8.0, 0.12166)])
def test_the_loss_of_a_system_without_a_queue_does_not_depend_on_the_service_law(workers, load, exact, law):
    """M/G/c/c loses what Erlang B says, whatever the law of the service, as long as its mean is the same."""
    assert erlang_b(workers, load) == pytest.approx(exact, abs=1e-5)
    world = plain_queue(rate=load, workers=workers, queue=0, horizon=WARM_UP + 2_000.0 / load)
    assert law.mean == pytest.approx(1.0)
    [measured] = replicate(with_service(world, law), rejected)
    assert_within(measured, exact)


@pytest.mark.parametrize(("law", "cs2", "calls"), [(Constant(1.0), 0.0, 3_000), (hyperexponential(4.0), 4.0, 8_000)])
def test_mg1_waits_as_pollaczek_and_khinchine_say(law, cs2, calls):
    """M/G/1 at a load of 0.8: Wq = rho (1 + cs2) / (2 (1 - rho)), 2.0 for constant work, 10.0 for cs2 = 4."""
    exact = 0.8 * (1 + cs2) / (2 * (1 - 0.8))
    world = plain_queue(rate=0.8, horizon=WARM_UP + calls / 0.8)
    [measured] = replicate(with_service(world, law), wait)
    assert_within(measured, exact)


def test_kingmans_approximation_is_high_for_regular_arrivals():
    """D/M/1 at a load of 0.8: the wait is 1.6927, not the 2.0 that Kingman's formula gives: 18 % too much."""
    sigma = 0.5
    for _ in range(200):
        sigma = math.exp(-(1 - sigma) / 0.8)
    exact = sigma / (1 - sigma)
    assert exact == pytest.approx(1.6927, abs=1e-4)
    world = plain_queue(horizon=5_500.0)
    regular = attrs.evolve(world, arrivals=Replay(tuple(1.25 * number for number in range(4_400))))
    [(mean, error)] = replicate(regular, wait)
    assert_within((mean, error), exact)
    assert mean + 3 * error < 2.0


def test_littles_law_holds_in_every_run():
    """L = lambda W: in each run up to the few requests cut at the edges, and on average within three errors."""
    end, gaps = 4_500.0, []
    for seed in SEEDS:
        attempts = run(plain_queue(rate=0.8, horizon=end), "no-retry", seed=seed).trace.attempts
        arrivals = sum(arrived >= WARM_UP for arrived in attempts.column("arrived"))
        expected = arrivals / (end - WARM_UP) * stay(attempts)
        found = number_in_system(attempts, end)
        assert found == pytest.approx(expected, rel=0.04)
        gaps.append(found - expected)
    gap, error = mean_and_error(gaps)
    assert abs(gap) < 3 * error


def with_service(world, law):
    """The same world with another law of service."""
    return attrs.evolve(world, server=attrs.evolve(world.server, service=law))
