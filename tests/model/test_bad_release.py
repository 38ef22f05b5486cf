"""A bad release answers its status while it is out, and nothing else."""

import pytest

from sim.experiment import run
from sim.laws import Constant
from sim.policies import Retry
from sim.scenario import BadRelease, Scenario, Server
from sim.workload import Replay


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


def test_a_status_that_is_none_is_refused():
    """One sentence."""
    with pytest.raises(ValueError, match="status must be at most 599, got 700"):
        BadRelease(start=0.0, length=1.0, status=700)
