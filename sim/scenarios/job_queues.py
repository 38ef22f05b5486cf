"""Accepted jobs and crashes: what a 202 is worth when the process dies with the job in hand."""

from __future__ import annotations

import functools
import math
from collections import Counter
from typing import Annotated, Any

import attrs

from sim.flow import Handler
from sim.http import Request
from sim.knobs import Knob
from sim.laws import Exponential
from sim.policies.client.backoff import FullJitter
from sim.policies.client.retry import Retry
from sim.scenario import Clients, Scenario, Server, StepCrash, story
from sim.services.consumers.senders import JOB, Sender
from sim.services.job_queue import TAKE, WORKED, WRITE, InMemory, Jobs, Leased, LeasedOnce, TakeAndDelete
from sim.store import MemoryStore
from sim.workload import Poisson

_SCHEDULER = 0  # the first call is no job but whoever starts the worker's turns


@story
def lost_jobs(
    *,
    rate: Annotated[float, Knob(above=0, high=100, unit="jobs/s", help="jobs that are asked for")] = 1.0,
    work: Annotated[float, Knob(above=0, high=60, unit="s", help="mean time that a job takes")] = 0.2,
    lease: Annotated[float, Knob(above=0, high=3_600, unit="s", help="how long a taken job is left alone")] = 5.0,
    crash_share: Annotated[
        float, Knob(low=0, high=0.5, help="share of the turns at which the process dies, at each of three steps")
    ] = 0.02,
    horizon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="when nobody asks for jobs any more")] = 120.0,
) -> Scenario:
    """Jobs are accepted with 202, and now and then the process dies with one in hand: which are lost, which done twice?

    A worker takes one job at a time.  The process dies right after it took a job, worked on it, or wrote its result,
    and is back after half a second.  Left out: several machines, and a lease that ends while the work goes on.
    """
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=10.0),
        server=Server(workers=math.inf, service=Exponential(work), store_delay=Exponential(0.002)),
        faults=tuple(
            StepCrash(step=step, share=crash_share, length=0.5) for step in (TAKE, WORKED, WRITE) if crash_share
        ),
        horizon=horizon,
        policies=("in-memory", "take-and-delete", "leased", "leased-once"),
        request=_job,
        contestants={
            "in-memory": InMemory(),
            "take-and-delete": TakeAndDelete(),
            "leased": Leased(lease=lease),
            "leased-once": LeasedOnce(lease=lease),
        },
        seat=_queue_with,
        client=Sender(retry=Retry(FullJitter(base=0.5, cap=5.0), attempts=25), until=horizon + 300.0, every=0.1),
        figures={
            "jobs accepted": lambda trace: float(len(_accepted(trace))),
            "jobs lost": lambda trace: float(len(_accepted(trace) - {entry.key for entry in trace.ledger})),
            "done twice": lambda trace: float(
                sum(times - 1 for times in Counter(entry.key for entry in trace.ledger).values())
            ),
        },
        columns=("jobs accepted", "jobs lost", "done twice"),
    )


def _job(call: int, client: int, u: float) -> Request:
    return JOB if call == _SCHEDULER else Request("POST", "/jobs", f"job_{call}")


def _queue_with(world: Scenario, queue: Any) -> Scenario:
    return attrs.evolve(world, server=attrs.evolve(world.server, make_handler=functools.partial(_jobs, queue)))


def _jobs(queue: Any) -> Handler:
    return Jobs(MemoryStore(), queue)


def _accepted(trace: Any) -> set[str]:
    """Jobs whose client was told 202."""
    columns = (trace.calls.column(name) for name in ("call", "ok"))
    return {f"job_{call:.0f}" for call, ok in zip(*columns, strict=True) if ok == 1.0 and call != _SCHEDULER}
