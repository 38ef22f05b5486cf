"""A bad release answers its status while it is out, and nothing else."""

import math

import attrs
import pytest
from matplotlib.figure import Figure

from sim.charts.canvas import shade_faults
from sim.experiment import run
from sim.laws import Constant, Exponential
from sim.policies import FullJitter, Retry
from sim.scenario import BadRelease, BrownOut, Clients, Crash, Network, Scenario, Server
from sim.workload import Poisson, Replay


def world(*faults):
    return Scenario(
        arrivals=Replay(tuple(float(second) for second in range(10))),
        server=Server(workers=5, service=Constant(0.5)),
        faults=faults,
        horizon=20.0,
    )


def test_it_answers_its_status_after_the_usual_work_and_without_an_effect():
    """Calls from 3 s up to 6 s get 401 after half a second; the others their 200; the ledger has those alone."""
    one = run(world(BadRelease(start=3.0, length=3.0)), Retry.never())
    answers = list(one.trace.calls.column("status"))
    assert answers == [200.0] * 3 + [401.0] * 3 + [200.0] * 4
    assert [entry.key for entry in one.trace.ledger] == ["0", "1", "2", "6", "7", "8", "9"]
    assert [(mark.at, mark.subject, mark.note) for mark in one.trace.marks] == [
        (3.0, "bad release", "begins"),
        (6.0, "bad release", "ends"),
    ]
    assert all(
        ended - started == 0.5
        for started, ended in zip(*map(one.trace.calls.column, ("started", "ended")), strict=True)
    )


def test_of_two_the_newer_answers():
    """A second bad release over the first; when it ends the first is still out."""
    both = world(BadRelease(start=1.0, length=8.0, status=404), BadRelease(start=3.0, length=3.0, status=401))
    answers = list(run(both, Retry.never()).trace.calls.column("status"))
    assert answers == [200.0] + [404.0] * 2 + [401.0] * 3 + [404.0] * 3 + [200.0]


def test_the_window_counts_when_work_begins_not_when_it_ends():
    """What was begun before it ends as ever, 200; what had to queue until it was out, or began in it, gets 401."""
    narrow = attrs.evolve(
        world(BadRelease(start=2.6, length=1.2)), server=Server(workers=1, service=Constant(0.5)),
        arrivals=Replay((2.5, 2.55, 3.7, 3.75)),
    )  # fmt: skip
    one = run(narrow, Retry.never())
    assert list(one.trace.calls.column("status")) == [200.0, 401.0, 401.0, 200.0]
    assert list(one.trace.calls.column("ended")) == [3.0, 3.5, 4.2, 4.7]


def test_a_failing_server_still_fails():
    """Of the work that is begun, the share that ends in a 500 is the same: the release comes on top of the machine."""
    failing = attrs.evolve(
        world(BadRelease(start=0.0, length=20.0)), server=Server(workers=5, service=Constant(0.5), failure=0.5)
    )
    with_it = list(run(failing, Retry.never(), seed=1).trace.calls.column("status"))
    without = list(run(attrs.evolve(failing, faults=()), Retry.never(), seed=1).trace.calls.column("status"))
    assert set(without) == {200.0, 500.0}
    assert with_it == [401.0 if status == 200.0 else status for status in without]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_books_balance_among_other_faults(seed):
    """A crash, a brown-out and a short patience at the same time: `run` asserts every law, and no 401 has an effect."""
    mixed = Scenario(
        arrivals=Poisson.steady(40.0),
        clients=Clients(timeout=0.4),
        network=Network(request_delay=Exponential(0.02), reply_delay=Exponential(0.02), reply_loss=0.1),
        server=Server(workers=4, queue=10, service=Exponential(0.05)),
        faults=(
            BadRelease(start=3.0, length=4.0),
            Crash(start=5.0, length=0.5),
            BrownOut(start=4.0, length=2.0, slowdown=4.0),
        ),
        horizon=10.0,
    )
    trace = run(mixed, Retry(FullJitter(), attempts=4), seed=seed).trace
    columns = map(trace.attempts.column, ("started", "status", "applied"))
    rows = [row for row in zip(*columns, strict=True) if 3.0 <= row[0] < 7.0]
    assert sum(status == 401.0 for _, status, _ in rows) > 50
    assert all(math.isnan(applied) for _, _, applied in rows), "nothing takes effect while it is out"
    assert not any(3.5 <= entry.at < 7.0 for entry in trace.ledger)


def test_a_release_that_changes_nothing_changes_nothing():
    """A window in which nothing begins leaves every row as it was."""
    plain, idle = world(), world(BadRelease(start=30.0, length=1.0))
    rows = [
        [list(trace.attempts.column(name)) for name in ("sent", "finished", "settled", "status")]
        for trace in (run(one, Retry.never(), seed=2).trace for one in (plain, idle))
    ]
    assert rows[0] == rows[1]


def test_a_chart_shades_its_window():
    """It is a fault like the others for whoever draws: grey from its beginning to its end, under its name."""
    axes = Figure().subplots()
    shade_faults(axes, run(world(BadRelease(start=3.0, length=3.0)), Retry.never()))
    assert [(patch.get_label(), patch.get_x(), patch.get_width()) for patch in axes.patches] == [
        ("bad release", 3.0, 3.0)
    ]


def test_a_status_that_is_none_is_refused():
    """One sentence."""
    with pytest.raises(ValueError, match="status must be at most 599, got 700"):
        BadRelease(start=0.0, length=1.0, status=700)
