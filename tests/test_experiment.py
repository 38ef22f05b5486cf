"""Experiments: estimates, comparisons on common random numbers, sweeps, and what they refuse."""

import math

import attrs
import pytest

import sim
from sim import errors, metrics
from sim.estimate import Estimate
from sim.policies import CircuitBreaker, Exponential, FullJitter, Retry
from sim.workload import Poisson

SMALL = sim.scenarios.thundering_herd(clients=300, queue=20)


def test_estimate_is_students_t():
    """Mean 3, deviation sqrt(2.5), five values: the interval is 3 ± 2.7764 * sqrt(2.5 / 5)."""
    estimate = Estimate.of([1.0, 2.0, 3.0, 4.0, 5.0])
    assert estimate.mean == 3.0
    assert estimate.half == pytest.approx(2.7764 * math.sqrt(0.5))


@pytest.mark.parametrize(("n", "t"), [(7, 2.4469), (10, 2.2622), (20, 2.0930), (101, 1.9840)])
def test_students_t_against_the_tables(n, t):
    """The quantile agrees with the printed tables to a tenth of a percent."""
    values = [float(value) for value in range(n)]
    deviation = math.sqrt(n * (n + 1) / 12)
    assert Estimate.of(values).half * math.sqrt(n) / deviation == pytest.approx(t, rel=1e-3)


def test_one_seed_has_no_interval():
    """One value says nothing about its spread."""
    estimate = Estimate.of([4.0])
    assert math.isnan(estimate.low)
    assert str(estimate) == "4"


def test_compare_keeps_figures_of_all_seeds_and_traces_of_the_first():
    """A comparison holds one summary for each policy and seed, and the runs of the first seed only."""
    runs = sim.compare(SMALL, ["immediate", "full-jitter"], seeds=range(3, 6))
    assert runs.seeds == (3, 4, 5)
    assert {name: run.seed for name, run in runs.runs.items()} == {"immediate": 3, "full-jitter": 3}
    assert runs.values("full-jitter", "ok")[0] == runs.runs["full-jitter"].summary()["ok"]
    assert list(runs.table("ok").columns) == ["ok"]
    assert set(runs.frame()["figure"]) == set(metrics.SUMMARY)


def test_policies_meet_the_same_fate_on_one_seed():
    """Common random numbers: the service times of first attempts do not depend on the policy."""
    runs = sim.compare(SMALL, ["immediate", "full-jitter"], seeds=[1]).runs

    def served(run):
        rows = run.attempts.query("attempt == 1 and started == 0.0")
        return dict(zip(rows["call"], rows["finished"], strict=True))

    assert served(runs["immediate"]) == served(runs["full-jitter"])
    assert len(served(runs["immediate"])) == 50


def test_difference_is_paired_by_seed():
    """The difference of a policy to itself is exactly zero, with an interval of zero width."""
    runs = sim.compare(SMALL, {"a": Retry(FullJitter()), "b": Retry(FullJitter())}, seeds=range(3))
    assert attrs.astuple(runs.difference("a", "b", "attempts")) == (0.0, 0.0, 0.0, 3)


def test_state_does_not_leak_between_runs():
    """A breaker that is handed in stays as it was, and two runs with it are the same."""
    policy = sim.ClientPolicy(Retry(FullJitter()), CircuitBreaker())
    first, second = sim.run(SMALL, policy, seed=1), sim.run(SMALL, policy, seed=1)
    assert first.trace.digest() == second.trace.digest()
    assert policy.breaker.changes == []
    assert {mark.note for mark in first.trace.marks} >= {"open"}


def test_a_learners_backoff_needs_no_base_class():
    """Any object with `delay(attempt, previous, rng)` is a backoff."""

    class Mine:
        def delay(self, attempt, previous, rng):
            return rng.random() * attempt

    assert sim.run(SMALL, Retry(Mine())).summary()["ok"] > 70


def test_a_factory_makes_one_policy_for_each_host():
    """A function without arguments is called once for every host."""
    made = []

    def mine():
        made.append(Retry(Exponential()))
        return made[-1]

    sim.run(SMALL, mine)
    assert len(made) == 1 + 3  # one to look at before the run, then one for each hundred clients


def test_sweep_turns_one_knob():
    """A sweep has one row for each value and figure, and a longer queue serves more of a small herd."""
    frame = sim.sweep(SMALL, "queue", [0, 100], "no-retry", seeds=range(2))
    ok = frame[frame["figure"] == "ok"].set_index("queue")["mean"]
    assert ok.to_dict() == {0: 50.0, 100: 150.0}


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"policies": []}, ValueError, "policies must hold at least one policy, got none"),
        ({"policies": {}}, ValueError, "policies must hold at least one policy, got none"),
        ({"policies": ["immediate"], "seeds": []}, ValueError, "seeds must hold at least one seed, got none"),
        ({"policies": {"mine": 3}}, TypeError, "a policy must be a name, a Retry, a ClientPolicy"),
        ({"policies": {"mine": Retry}}, TypeError, "got the class Retry"),
    ],
)
def test_compare_refuses_before_the_run(arguments, error, sentence):
    """What cannot be run is refused in one sentence."""
    with pytest.raises(error, match=sentence):
        sim.compare(SMALL, **arguments)


def test_a_world_that_does_not_fit_is_refused():
    """More calls than the memory holds: refused before the run, with both numbers."""
    world = attrs.evolve(SMALL, arrivals=Poisson.steady(1e9), horizon=1e6)
    with pytest.raises(errors.CapacityError, match=r"would begin 1,000,000,000,000,000 calls.*free memory"):
        sim.run(world)
