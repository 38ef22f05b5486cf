"""Herds: many clients, one server, and what backoff, jitter, budgets and breakers change."""

from __future__ import annotations

import math
from typing import Annotated

from sim.knobs import Knob
from sim.laws import Constant, Exponential
from sim.scenario import BrownOut, Clients, Crash, Network, Outage, Scenario, Server, story
from sim.workload import AllAtOnce, Poisson

_CLIENTS = Knob(low=1, high=2_000_000, unit="clients", help="how many clients there are")
_WORKERS = Knob(low=1, high=100_000, unit="workers", help="requests that the server works on at once")
_SERVICE = Knob(above=0, high=3_600, unit="s", help="mean time that one piece of work takes")
_TIMEOUT = Knob(above=0, high=3_600, unit="s", help="how long a client waits for an answer")
_PER_HOST = Knob(low=1, high=1_000_000, unit="clients", help="clients that share one breaker and one budget")


@story
def thundering_herd(
    *,
    clients: Annotated[int, _CLIENTS] = 10_000,
    workers: Annotated[int, _WORKERS] = 50,
    queue: Annotated[int, Knob(low=0, high=10_000_000, unit="requests", help="places to wait in the server")] = 200,
    service: Annotated[float, _SERVICE] = 0.02,
    timeout: Annotated[float, _TIMEOUT] = 1.0,
    clients_per_host: Annotated[int, _PER_HOST] = 100,
) -> Scenario:
    """A server has just come back, and everybody who was waiting for it calls at the same instant.

    No network delay; exponential work; first in, first out; a full queue rejects with 503.  The server finishes
    what it has taken in, also for clients that have gone.
    """
    return Scenario(
        arrivals=AllAtOnce(clients=clients),
        clients=Clients(timeout=timeout, per_host=clients_per_host),
        server=Server(workers=workers, queue=queue, service=Exponential(service)),
        policies=(
            "no-retry", "immediate", "fixed", "exponential", "equal-jitter", "full-jitter", "decorrelated-jitter",
            "full-jitter+breaker", "full-jitter+budget",
        ),
    )  # fmt: skip


@story
def retry_storm(
    *,
    rate: Annotated[float, Knob(above=0, high=100_000, unit="calls/s", help="new calls per second")] = 80.0,
    slow_start: Annotated[float, Knob(low=0, high=3_600, unit="s", help="when the server becomes slow")] = 20.0,
    slow_length: Annotated[float, Knob(above=0, high=3_600, unit="s", help="for how long")] = 10.0,
    workers: Annotated[int, _WORKERS] = 10,
    service: Annotated[float, _SERVICE] = 0.1,
    timeout: Annotated[float, _TIMEOUT] = 1.0,
    horizon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="when new calls stop")] = 120.0,
) -> Scenario:
    """A metastable failure: the trigger ends, and the overload stays, because retries keep it alive.

    The server can do workers / service calls a second, a quarter more than it is offered.  A slow patch fills its
    queue, which is ten times as long as the clients' patience; from then on it works for clients that have gone,
    and each of those comes back.
    """
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=timeout, per_host=1, pool=1),
        server=Server(workers=workers, service=Exponential(service), queue=1_000),
        faults=(BrownOut(start=slow_start, length=slow_length, slowdown=4.0),),
        horizon=horizon,
        policies=("no-retry", "immediate", "full-jitter", "immediate+budget", "immediate+breaker"),
    )


@story
def half_open_stampede(
    *,
    clients: Annotated[int, _CLIENTS] = 500,
    outage_length: Annotated[float, Knob(above=0, high=3_600, unit="s", help="how long nobody can connect")] = 3.0,
    workers: Annotated[int, _WORKERS] = 10,
    service: Annotated[float, _SERVICE] = 0.05,
    delay: Annotated[float, Knob(above=0, high=60, unit="s", help="mean delay one way")] = 0.01,
    timeout: Annotated[float, _TIMEOUT] = 1.0,
) -> Scenario:
    """All clients of one host wait behind one open breaker; when it half-opens, who goes first, and how many?

    The refusals of an outage open the breaker.  What it then stops is told when the open time will be over, as
    with a Retry-After header, and a client that respects this comes back at that very instant, jitter or not: the
    breaker has lined the herd up.  The delay on the wire is what makes it a stampede: nobody has an answer yet
    when the last one sets off.
    """
    return Scenario(
        arrivals=AllAtOnce(clients=clients),
        clients=Clients(timeout=timeout, per_host=clients),
        network=Network(request_delay=Exponential(delay), reply_delay=Exponential(delay)),
        server=Server(workers=workers, queue=50, service=Exponential(service)),
        faults=(Outage(start=0.0, length=outage_length),),
        policies=("exponential", "exponential+breaker", "full-jitter+breaker"),
    )


@story
def lossy_network(
    *,
    rate: Annotated[float, Knob(above=0, high=100_000, unit="calls/s", help="new calls per second")] = 50.0,
    request_loss: Annotated[float, Knob(low=0, high=1, help="share of requests that vanish")] = 0.05,
    reply_loss: Annotated[float, Knob(low=0, high=1, help="share of replies that vanish, the work being done")] = 0.05,
    duplication: Annotated[float, Knob(low=0, high=1, help="share of requests that arrive twice")] = 0.01,
    reordering: Annotated[float, Knob(low=0, high=1, help="share of requests that are held up")] = 0.05,
    delay: Annotated[float, Knob(low=0, high=60, unit="s", help="mean delay one way")] = 0.02,
    timeout: Annotated[float, _TIMEOUT] = 0.5,
    horizon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="when new calls stop")] = 60.0,
) -> Scenario:
    """A network that loses, copies and overtakes: every lost reply is work done that the client does not know of."""
    law = Exponential(delay) if delay else Constant(0.0)
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=timeout),
        network=Network(
            request_delay=law,
            reply_delay=law,
            request_loss=request_loss,
            reply_loss=reply_loss,
            duplication=duplication,
            reordering=reordering,
            reorder_delay=Constant(10 * delay),
        ),
        server=Server(workers=20, service=Exponential(0.02)),
        horizon=horizon,
    )


@story
def plain_queue(
    *,
    rate: Annotated[float, Knob(above=0, high=1_000_000, unit="calls/s", help="new calls per second")] = 0.8,
    workers: Annotated[int, _WORKERS] = 1,
    service: Annotated[float, _SERVICE] = 1.0,
    queue: Annotated[
        float, Knob(low=0, infinite=True, unit="requests", help="places to wait; inf is no limit")
    ] = math.inf,
    horizon: Annotated[float, Knob(above=0, unit="s", help="when new calls stop")] = 10_000.0,
) -> Scenario:
    """M/M/c: what queueing theory has a formula for, so that the model can be checked against it."""
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=math.inf),
        server=Server(workers=workers, queue=queue, service=Exponential(service)),
        horizon=horizon,
        policies=("no-retry",),
    )


@story
def cold_restart(
    *,
    rate: Annotated[float, Knob(above=0, high=100_000, unit="calls/s", help="new calls per second")] = 60.0,
    crash_length: Annotated[float, Knob(above=0, high=3_600, unit="s", help="how long the process is gone")] = 5.0,
    cold_start: Annotated[float, Knob(low=0, high=3_600, unit="s", help="how long it stays slow after that")] = 10.0,
) -> Scenario:
    """A process dies with its queue, comes back cold, and is met by everybody who has been waiting."""
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=1.0, per_host=1, pool=20),
        server=Server(workers=10, queue=100, service=Exponential(0.1)),
        faults=(Crash(start=20.0, length=crash_length, cold_start=cold_start, cold_slowdown=5.0),),
        horizon=60.0,
    )
