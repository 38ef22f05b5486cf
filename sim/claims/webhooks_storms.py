"""What the guide leaves out about retries: a storm that feeds itself, and a breaker that lines up the herd."""

from __future__ import annotations

import math

from sim import metrics
from sim.claims.claiming import Evidence, Verdict, claim
from sim.claims.measuring import SEEDS, between, span
from sim.experiment import Run, run
from sim.policies import CircuitBreaker, ClientPolicy, FullJitter, Retry
from sim.scenarios.herds import half_open_stampede, retry_storm

SOON = 0.005
"""Seconds after the half-open: shorter than any answer takes."""


@claim(
    "W-1",
    "When the cause of an overload is gone, the service recovers by itself.",
    verdict=Verdict.WRONG,
    why="Retries keep it busy with clients that have gone. Jitter spreads them and sends as many; a budget ends it.",
    source="Bronson and others, Metastable Failures in Distributed Systems, HotOS 2021",
)
def a_storm_feeds_itself() -> Evidence:
    """Slow from 20 to 30 s, a quarter more capacity than load, three seeds.  Of the calls begun from 90 to 120 s under
    1 % end ok with immediate retries, under 20 % with full jitter, over 95 % with a retry budget."""
    storm = retry_storm(rate=40.0, workers=5)
    shares = {
        name: [100 * metrics.goodput(run(storm, name, seed=seed), 90.0, 120.0) for seed in SEEDS]
        for name in ("immediate", "full-jitter", "immediate+budget")
    }
    immediate, jitter, budget = shares.values()
    return Evidence(
        f"ok a minute later: immediate {span(immediate)} %, full jitter {span(jitter)} %, a budget {span(budget)} %",
        "claimed: 100 %",
        between(immediate, 0, 1) and between(jitter, 0, 20) and between(budget, 95, 100),
    )


@claim(
    "W-2",
    "A half-open circuit breaker tries out whether the server is well again.",
    verdict=Verdict.ONLY_IF,
    why="Only with a limit on its probes. Without one, all that it has stopped sets off before the first answer.",
)
def a_half_open_breaker_without_a_limit_is_a_stampede() -> Evidence:
    """500 clients behind one breaker, three seeds.  Sent within 5 ms of the half-open: at least 450 without a limit,
    exactly 3 with one of three; at least twice as many calls end ok with it."""
    sent: dict[float, list[float]] = {}
    served: dict[float, list[float]] = {}
    for probes in (math.inf, 3):
        policy = ClientPolicy(Retry(FullJitter()), CircuitBreaker(probes=probes))
        runs = [run(half_open_stampede(clients=500), policy, seed=seed) for seed in SEEDS]
        sent[probes] = [_sent_at_half_open(one) for one in runs]
        served[probes] = [one.summary()["ok"] for one in runs]
    return Evidence(
        f"within 5 ms: {span(sent[math.inf])} without a limit, {span(sent[3])} with 3; "
        f"ok {span(served[math.inf])} and {span(served[3])}",
        "a few",
        between(sent[math.inf], 450, 500) and set(sent[3]) == {3.0} and min(served[3]) >= 2 * max(served[math.inf]),
    )


def _sent_at_half_open(one: Run) -> float:
    """How many attempts set off right after the breaker half-opened for the first time."""
    opened = next(mark.at for mark in one.trace.marks if mark.note == "half-open")
    return float(sum(opened <= at < opened + SOON for at in one.trace.attempts.column("sent")))
