"""Published experiments as stories, so that their numbers can be checked and their worlds changed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

from sim.knobs import Knob
from sim.laws import Constant, Exponential, Normal
from sim.policies.client.backoff import DecorrelatedJitter, EqualJitter, FullJitter
from sim.policies.client.backoff import Exponential as Doubling
from sim.policies.client.retry import Retry
from sim.scenario import Clients, Network, Outage, Scenario, Server, story
from sim.services.contended_row import contended_row
from sim.workload import AllAtOnce, Poisson

_LEG, _SPREAD = 0.010, 0.002
"""Seconds: mean and deviation of one leg of AWS's network."""


@story
def aws_contention(
    *,
    clients: Annotated[int, Knob(low=1, high=10_000, unit="clients", help="how many want to write the row")] = 100,
) -> Scenario:
    """Clients contend for one row with optimistic concurrency: read the version, write if nobody was faster.

    An attempt is a request leg, the read, a reply leg and a request leg, the write, and a reply leg.  The two legs
    between read and write are the service's work, one draw with the sum's law.  Completion time is
    `drain_seconds`, write calls are `attempts`.  `aws_policies` holds the backoffs of the article; the
    catalogue's give up after six attempts.  Source: "Exponential Backoff And Jitter", AWS Architecture Blog,
    2015, and aws-samples/aws-arch-backoff-simulator.
    """
    leg = Normal(centre=_LEG, deviation=_SPREAD)
    return Scenario(
        arrivals=AllAtOnce(clients=clients),
        clients=Clients(timeout=math.inf),
        network=Network(request_delay=leg, reply_delay=leg),
        server=Server(
            workers=math.inf,
            service=Normal(centre=2 * _LEG, deviation=_SPREAD * math.sqrt(2)),
            make_handler=contended_row,
        ),
        policies=("immediate", "exponential", "equal-jitter", "full-jitter", "decorrelated-jitter"),
    )


def aws_policies() -> Mapping[str, Retry]:
    """The five backoffs of AWS's article, by our names: base 5 ms, cap 2 s, no limit of attempts.

    AWS counts the first wait as base * 2**1, we as base * 2**0: hence twice the base, except for the decorrelated
    one, which has no power in it.
    """
    twice, cap = 0.010, 2.0
    return {
        "immediate": Retry.immediate(attempts=None),
        "exponential": Retry(Doubling(base=twice, cap=cap), attempts=None),
        "equal-jitter": Retry(EqualJitter(base=twice, cap=cap), attempts=None),
        "full-jitter": Retry(FullJitter(base=twice, cap=cap), attempts=None),
        "decorrelated-jitter": Retry(DecorrelatedJitter(base=0.005, cap=cap), attempts=None),
    }


@story
def collapse(
    *,
    rate: Annotated[float, Knob(above=0, high=90, unit="calls/s", help="new calls per second")] = 40.0,
    peak: Annotated[float, Knob(above=0, high=10_000, unit="calls/s", help="the same during the spike")] = 80.0,
    spike_start: Annotated[float, Knob(above=0, high=3_600, unit="s", help="when the spike begins")] = 20.0,
    spike_length: Annotated[float, Knob(above=0, high=3_600, unit="s", help="for how long")] = 5.0,
    horizon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="when new calls stop")] = 120.0,
) -> Scenario:
    """A server that slows down with company, a short spike, and three tries a call: goodput falls to 0 and stays.

    Work takes 1 s and 10 ms more for every request in service, so that without retries the server settles at
    rate / (1 - 0.01 * rate) requests in service, and has no steady state from 100 calls a second on.  The knob
    *rate* stays below that.  `collapse_policies` holds the published retries.  Source: M. Brooker,
    simulator_example, `simple_collapse_sim`.
    """
    leg = Exponential(0.1)
    return Scenario(
        arrivals=Poisson.spike(rate, peak, start=spike_start, length=spike_length),
        clients=Clients(timeout=3.0),
        network=Network(request_delay=leg, reply_delay=leg),
        server=Server(workers=math.inf, service=Constant(1.0), slope=0.01),
        horizon=horizon,
        policies=("no-retry", "immediate", "full-jitter"),
    )


def collapse_policies() -> Mapping[str, Retry]:
    """The two clients of the published collapse: three tries at once, or with waits of U(0, 20 s) and U(0, 40 s)."""
    return {
        "immediate": Retry.immediate(attempts=3),
        "backoff": Retry(FullJitter(base=20.0, cap=1_000.0), attempts=3),
    }


@story
def client_throttling(
    *,
    rate: Annotated[float, Knob(above=0, high=10_000, unit="calls/s", help="new calls per second")] = 100.0,
    capacity: Annotated[
        float, Knob(low=0, high=10_000, unit="calls/s", help="what the server can do; 0 is a server that is down")
    ] = 30.0,
    horizon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="when new calls stop")] = 600.0,
) -> Scenario:
    """One host offers more than the server takes, and learns to send only a little more than is accepted.

    The server takes exactly *capacity* calls a second while there is something to do: constant work, one worker,
    and half a second's worth of queue so that a random lull does not leave it idle.  What does not fit is rejected.
    The steady state is min(rate, K * capacity) sent.  Source: "Site Reliability Engineering", 2016, chapter 21.
    """
    server = Server(workers=1, queue=max(1, math.ceil(capacity / 2)), service=Constant(1 / capacity if capacity else 1))
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=math.inf, pool=1),
        server=server,
        faults=() if capacity else (Outage(start=0.0, length=horizon),),
        horizon=horizon,
        policies=("no-retry", "no-retry+throttle"),
    )
