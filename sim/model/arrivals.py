"""The actors that begin calls."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from sim.engine import NORMAL, Engine, Timer
from sim.model.client import Call, Clients
from sim.scenario import Scenario
from sim.streams import Streams
from sim.workload import ClosedLoop


def open_arrivals(scenario: Scenario, engine: Engine, clients: Clients, streams: Streams) -> Generator[Any, Any, None]:
    """A SimPy process: begin a call at every instant that the workload names, whatever became of the others."""
    pool = scenario.clients.pool
    assert not isinstance(scenario.arrivals, ClosedLoop)
    instants = scenario.arrivals.instants(streams.sequence("arrivals"), scenario.horizon)
    for number, instant in enumerate(instants):
        if instant > engine.now:
            yield engine.timeout(instant - engine.now)
        clients.begin(number if pool is None else number % pool)


def closed_loop(scenario: Scenario, engine: Engine, clients: Clients, streams: Streams) -> None:
    """Every client thinks, calls, and thinks again when its call has ended, until the horizon."""
    workload = scenario.arrivals
    assert isinstance(workload, ClosedLoop)
    draw = streams.keyed("think")
    thoughts = [0] * workload.clients

    def think(client: int) -> None:
        thoughts[client] += 1
        seconds = workload.think.quantile(draw(client, thoughts[client], 0))
        if engine.now + seconds <= scenario.horizon:
            engine.schedule(Timer([speak], client), NORMAL, seconds)

    def speak(timer: Timer) -> None:
        clients.begin(timer.subject)

    def ended(call: Call, now: float) -> None:
        think(call.client)

    clients.ended = ended
    for client in range(workload.clients):
        think(client)
