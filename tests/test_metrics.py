"""Metrics: figures computed by hand from a few rows."""

import math

import pytest

import sim
from sim import metrics
from sim.laws import Constant
from sim.scenario import Clients, Scenario, Server
from sim.workload import Replay


@pytest.fixture
def trace():
    """Three calls at 0, 0 and 1 s to one worker who needs 2 s, one place in the queue, a timeout of 2.5 s."""
    world = Scenario(
        arrivals=Replay((0.0, 0.0, 1.0)),
        clients=Clients(timeout=2.5),
        server=Server(workers=1, queue=1, service=Constant(2.0)),
        horizon=1.0,
    )
    return sim.run(world, "no-retry").trace


def test_summary_of_three_calls(trace):
    """Served at 2 s; served at 4 s for a client that left at 2.5 s; rejected at 1 s."""
    assert metrics.summary(trace) == {
        "calls": 3,
        "ok": 1,
        "gave_up": 2,
        "attempts": 3,
        "rejected": 1,
        "timed_out": 1,
        "zombie": 1,
        "amplification": 1.0,
        "p50": 2.0,
        "p99": 2.0,
        "drain_seconds": 1.5,
        "peak_attempts_per_100ms": 2,
    }


def test_level_counts_who_is_in_service(trace):
    """One request in service from 0 to 4 s, and nobody after that."""
    attempts = trace.attempts
    at, level = metrics.level(attempts.column("started"), attempts.column("finished"))
    assert at == [0.0, 2.0, 2.0, 4.0]
    assert level == [1, 0, 1, 0]


def test_over_time_counts_per_bin():
    """Instants fall into half-open bins from 0; what never happened is left out."""
    starts, counts = metrics.over_time([0.0, 0.05, 0.1, math.nan, 0.31], width=0.1)
    assert counts == [2, 1, 0, 1]
    assert starts == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_goodput_looks_at_calls_begun_in_the_window(trace):
    """Of the two calls begun before 1 s one ended well; of the one begun later none."""
    run = sim.Run(None, "no-retry", 0, trace)
    assert metrics.goodput(run, 0.0, 1.0) == 0.5
    assert metrics.goodput(run, 1.0, 2.0) == 0.0
    assert math.isnan(metrics.goodput(run, 5.0, 6.0))


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 2.0), (0.75, 3.0), (0.76, 4.0), (1.0, 4.0)])
def test_percentile_is_a_value_that_occurred(share, expected):
    """The percentile is the smallest value that at least this share of the values do not exceed."""
    assert metrics.percentile([1.0, 2.0, 3.0, 4.0], share) == expected
