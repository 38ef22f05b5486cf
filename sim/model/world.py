"""One run: put the parts together, let time pass, check the books."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.engine import Engine
from sim.http import Request
from sim.model import conservation, faults
from sim.model.arrivals import closed_loop, open_arrivals
from sim.model.client import Clients
from sim.model.gateway import Front
from sim.model.network import Wire
from sim.model.server import Service
from sim.policies.fresh import maker
from sim.scenario import Crash, Partition, Scenario, StepCrash
from sim.streams import Streams
from sim.trace import Mark, Trace
from sim.workload import ClosedLoop


def simulate(scenario: Scenario, make_policy: Callable[[], Any], seed: int, *, check: bool = True) -> Trace:
    """Run *scenario* once and return its trace.

    *make_policy*: gives a host its own policy, an object with `call(now, rng)`.  *check*: assert the conservation
    laws at the end; only a benchmark has a reason to leave them out.

    Raises: `PolicyError`, `FlowError`, `EventBudgetError`, each naming the policy and the call;
    `ConservationError` when the model itself is wrong.
    """
    if scenario.webhooks is not None:
        from sim.model.webhooks import world as webhooks

        return webhooks.simulate(scenario, seed, check=check)
    engine, trace, streams = Engine(), Trace(), Streams(seed)
    hosts: dict[int, Any] = {}

    def policy_for(host: int) -> Any:
        policy = hosts.get(host)
        if policy is None:
            policy = hosts[host] = make_policy()
        return policy

    wire = Wire(engine, trace, scenario.network, streams)
    service = Service(engine, trace, scenario.server, streams)
    clients = Clients(
        engine,
        trace,
        timeout=scenario.clients.timeout,
        per_host=scenario.clients.per_host,
        policy_for=policy_for,
        rng=streams.sequence("policies"),
        request=wire.request,
        make_request=_requests(scenario, streams),
    )
    front = None
    arrive, reply = service.arrive, wire.reply
    if scenario.gateway is not None:
        front = Front(engine, trace, scenario.gateway, service, streams.sequence("gateway"))
        arrive, service.lost = front.arrive, front.lost
    service.tracks = any(isinstance(fault, Crash | StepCrash) for fault in scenario.faults)
    wire.arrive, wire.deliver = arrive, clients.answer
    if wire.is_plain and not any(isinstance(fault, Partition) for fault in scenario.faults):
        # Nothing can happen on this wire: leave it out, and save two calls an attempt.
        clients.request, reply = arrive, clients.answer
    if front is None:
        service.reply = reply
    else:
        front.reply, service.reply = reply, front.answered
    for fault in scenario.faults:
        faults.arrange(fault, engine, trace, service, wire)
    faults.lie_in_wait(scenario.faults, engine, trace, service, streams)
    if isinstance(scenario.arrivals, ClosedLoop):
        closed_loop(scenario, engine, clients, streams)
    else:
        engine.process(open_arrivals(scenario, engine, clients, streams))
    engine.run_until(scenario.horizon + scenario.drain)
    _mark_breakers(trace, hosts)
    if check:
        conservation.check(trace, clients, wire, service, front)
    return trace


def maker_of(policy: Any) -> Callable[[], Any]:
    """A function that gives each host its own *policy*: a copy with new state, or what the factory makes."""
    is_policy = hasattr(policy, "call") or hasattr(policy, "converse")
    return policy if callable(policy) and not is_policy else maker(policy)


def _requests(scenario: Scenario, streams: Streams) -> Callable[[int, int], Request] | None:
    make = scenario.request
    if make is None:
        return None
    draw = streams.keyed("request")
    return lambda call, client: make(call, client, draw(call, 0, 0))


def _mark_breakers(trace: Trace, hosts: dict[int, Any]) -> None:
    for host, policy in hosts.items():
        for at, state in getattr(getattr(policy, "breaker", None), "changes", ()):
            trace.marks.append(Mark(at, "breaker", f"host {host}", state.value))
    trace.marks.sort(key=lambda mark: mark.at)
