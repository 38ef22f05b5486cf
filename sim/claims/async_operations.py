"""Slow work: 202 and where to ask, callbacks and the net under them, estimates, and what the 202 is worth."""

from __future__ import annotations

from statistics import fmean

from sim.claims.claiming import Evidence, Verdict, cite, claim
from sim.claims.measuring import between, on_seeds, span
from sim.http import Request
from sim.interleave import Ending, explore
from sim.scenarios.job_queues import lost_jobs
from sim.scenarios.jobs import job_callback, slow_job
from sim.services.job_queue import QUEUE, Jobs, LeasedOnce
from sim.store import MemoryStore

Q_16_1 = cite(
    "Q-16.1",
    "Slow work is answered with 202 and a Location of something that can be asked.",
    verdict=Verdict.HOLDS,
    why="202 ought to point to a status monitor; Location is defined for 201 and 3xx, for 202 it is practice.",
    source="RFC 9110 §15.3.3, §10.2.2",
)


@claim(
    "Q-16.2",
    "A callback saves the polls and tells the client sooner.",
    verdict=Verdict.ONLY_IF,
    why="Only if it arrives: the share that is lost is the share that never knows; one late poll is the net.",
)
def a_callback_needs_a_net() -> Evidence:
    """A tenth of the callbacks lost, 3 seeds: from 4 to 20 % of the clients never know, none with one late poll, and
    that net costs under a tenth of the polls of a client without a callback."""
    runs = on_seeds(job_callback(horizon=120.0), ["callback", "callback-and-poll", "poll-fixed"])
    never, netted = runs.values("callback", "never known"), runs.values("callback-and-poll", "never known")
    polls, all_polls = (fmean(runs.values(name, "polls per job")) for name in ("callback-and-poll", "poll-fixed"))
    return Evidence(
        f"{span(never, '.0%')} never know alone, {max(netted):.0%} with a net of {polls:.2f} polls a job",
        f"10 %, 0 %, well under {all_polls:.1f} polls",
        between(never, 0.04, 0.20) and set(netted) == {0.0} and polls < 0.1 * all_polls,
    )


@claim(
    "Q-16.3",
    "The status says percent and estimatedSeconds.",
    verdict=Verdict.HOLDS,
    why="The estimate is worth more as Retry-After, which every client understands: a third of the polls, as early.",
)
def an_estimate_saves_polls() -> Evidence:
    """Jobs of 45 s and estimates wrong by up to 30 %, 3 seeds: under a third of the polls of a fixed 5 s, and known at
    most 2 s later."""
    runs = on_seeds(slow_job(), ["poll-fixed", "poll-hinted"])
    polls = {name: fmean(runs.values(name, "polls per job")) for name in runs.figures}
    late = {name: fmean(runs.values(name, "seconds to know")) for name in runs.figures}
    return Evidence(
        f"{polls['poll-hinted']:.1f} polls and {late['poll-hinted']:.1f} s late by the hint, "
        f"{polls['poll-fixed']:.1f} and {late['poll-fixed']:.1f} s by the clock",
        "under a third, at most 2 s later",
        polls["poll-hinted"] < polls["poll-fixed"] / 3 and late["poll-hinted"] < late["poll-fixed"] + 2.0,
    )


@claim(
    "Q-16.4",
    "A held connection blocks nothing but itself.",
    verdict=Verdict.WRONG,
    why="Workers run out at workers / duration, and then whoever comes waits for a connection, for anything.",
)
def held_connections_run_out() -> Evidence:
    """20 workers and reports of 45 s, 3 seeds: at 0.2 a second the median client waits under 60 s, at 0.6 (more than
    20 / 45 = 0.44) over 100 s, though a report still takes 45 s."""
    calm, full = (
        on_seeds(slow_job(rate=rate, timeout=3_600.0, horizon=900.0), ["hold"]).values("hold", "p50")
        for rate in (0.2, 0.6)
    )
    return Evidence(
        f"median {span(calm, '.0f')} s at 0.2 a second, {span(full, '.0f')} s at 0.6",
        "45 s at any rate",
        max(calm) < 60.0 and min(full) > 100.0,
    )


@claim(
    "Q-16.5",
    "Once the client has its 202, the job will be done.",
    verdict=Verdict.ONLY_IF,
    why="Only if the job is a row before the answer, is leased, and its result and its end are one transaction.",
)
def a_202_is_a_promise() -> Evidence:
    """Crashes at 2 % of the turns, 3 seeds: a list in memory loses at least 3 of some 115 jobs in every run, a lease
    none; with the result in one transaction no order of a job and two turns with a crash anywhere loses or repeats."""
    runs = on_seeds(lost_jobs(), ["in-memory", "leased-once"])
    memory, leased = runs.values("in-memory", "jobs lost"), runs.values("leased-once", "jobs lost")
    job, turn = Request(path="/jobs", key="job_1"), Request(path="/worker")
    found = explore(lambda: Jobs(MemoryStore(), LeasedOnce(lease=0.0)), [job, turn], _promise, crashes=1)
    return Evidence(
        f"{span(memory, '.0f')} lost from memory, {max(leased):.0f} from a lease; {found.violating} of "
        f"{found.schedules:,} schedules",
        "some, 0; 0",
        min(memory) >= 3 and set(leased) == {0.0} and found.ok,
    )


def _promise(ending: Ending) -> str | None:
    reply, done = ending.replies[0], ending.effects.count("job_1")
    if done > 1:
        return "done twice"
    jobs = ending.service
    assert isinstance(jobs, Jobs)
    waiting = jobs.store.rows(QUEUE)
    return "accepted and lost" if reply is not None and reply.status == 202 and not done and not waiting else None
