"""A 202 is a promise: which queues keep it in every order and over a crash anywhere."""

import pytest

from sim.experiment import compare
from sim.http import Request
from sim.interleave import explore
from sim.scenarios.job_queues import lost_jobs
from sim.services.job_queue import QUEUE, InMemory, Jobs, Leased, LeasedOnce, TakeAndDelete
from sim.store import MemoryStore

JOB, TURN = Request(path="/jobs", key="job_1"), Request(path="/worker")


def promise(ending):
    accepted = ending.replies[0] is not None and ending.replies[0].status == 202
    done = ending.effects.count("job_1")
    waiting = bool(ending.service.memory) or bool(ending.service.store.rows(QUEUE))
    if done > 1:
        return "done twice"
    return "accepted and lost" if accepted and not done and not waiting else None


@pytest.mark.parametrize(
    ("queue", "crashes", "sentence"),
    [
        (InMemory(), 0, None),
        (InMemory(), 1, "accepted and lost"),
        (TakeAndDelete(), 0, None),
        (TakeAndDelete(), 1, "accepted and lost"),
        (Leased(lease=3_600.0), 0, None),
        (Leased(lease=0.0), 0, "done twice"),
        (LeasedOnce(lease=0.0), 0, None),
        (LeasedOnce(lease=0.0), 1, None),
    ],
)
def test_what_a_crash_makes_of_an_accepted_job(queue, crashes, sentence):
    """One job and two turns of a worker; a lease of 0 is one that ends while its holder is still at work, or dead."""
    found = explore(lambda: Jobs(MemoryStore(), queue), [JOB, TURN, TURN], promise, crashes=crashes)
    assert found.ok if sentence is None else found.sentence == sentence


def test_a_repeated_post_is_the_same_job():
    """Two POSTs with one key, two turns: one effect."""
    found = explore(
        lambda: Jobs(MemoryStore(), LeasedOnce(lease=3_600.0)), [JOB, JOB, TURN],
        lambda ending: "done twice" if len(ending.effects) > 1 else None, crashes=0,
    )  # fmt: skip
    assert found.ok


def test_a_job_without_a_key_is_refused():
    """422, and nothing waits."""
    service = Jobs(MemoryStore(), TakeAndDelete())
    flow = service(Request(path="/jobs"), 0.0)
    assert next(flow).response.status == 422
    assert service.store.rows(QUEUE) == []


@pytest.mark.slow
def test_only_the_leased_queues_lose_nothing():
    """Three seeds: the list in memory and the deleted row lose jobs, a lease repeats some, a transaction neither."""
    runs = compare(lost_jobs(), seeds=range(3))
    for policy in ("in-memory", "take-and-delete"):
        assert runs.estimate(policy, "jobs lost").mean > 2.0
    for policy in ("leased", "leased-once"):
        assert set(runs.values(policy, "jobs lost")) == {0.0}
    assert runs.estimate("leased", "done twice").mean > 0.5
    for policy in ("in-memory", "take-and-delete", "leased-once"):
        assert set(runs.values(policy, "done twice")) == {0.0}
