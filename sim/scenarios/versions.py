"""Versions: how a version ends, and what a shared cache in front makes of the place where the version is written."""

from __future__ import annotations

import math
from typing import Annotated, Any

import attrs

from sim.http import Request
from sim.knobs import Knob
from sim.laws import Constant, Exponential
from sim.policies.caching.edge import EdgeCache
from sim.policies.versions.deprecation import BrownOuts, Lifecycle, Retirement
from sim.policies.versions.versioning import HeaderVersion, QueryVersion, UriVersion
from sim.scenario import Clients, Gateway, Scenario, Server, story
from sim.services.versions.clients import DAY, Design, Integrator, Reading
from sim.services.versions.service import TABLE, VERSIONS, VersionedUsers, one_etag
from sim.store import MemoryStore
from sim.workload import Poisson


@story
def sunset_day(
    *,
    clients: Annotated[int, Knob(low=1, high=10_000, unit="clients", help="who is on version 1")] = 60,
    calls_per_day: Annotated[float, Knob(above=0, high=24, unit="calls", help="of each client")] = 2.0,
    days: Annotated[float, Knob(above=20, high=730, unit="days", help="from the announcement to the sunset")] = 90.0,
    readers: Annotated[float, Knob(low=0.01, high=0.99, help="share of clients who read the headers")] = 0.4,
    notice: Annotated[float, Knob(above=0, high=365, unit="days", help="mean time from a warning to the move")] = 30.0,
    alarm: Annotated[float, Knob(above=0, high=365, unit="days", help="mean time from a failure to the move")] = 3.0,
    brown_outs: Annotated[int, Knob(low=1, high=12, unit="windows", help="failures on purpose")] = 4,
    hours: Annotated[float, Knob(above=0, high=96, unit="h", help="how long each of them is")] = 12.0,
) -> Scenario:
    """A version ends: silently, with headers, or with headers and brown-outs; who is broken on the day?

    Headers reach those who read them.  A brown-out reaches everybody, while there is still a version to go back to:
    it costs failed calls early and saves an outage late.  By 503 with Retry-After it costs next to nothing and reaches
    nobody, because patient clients wait it out.  Left out: e-mails, and clients that nobody looks after.
    """
    sunset = (days + 10.0) * DAY
    lifecycle = Lifecycle(deprecated=10.0 * DAY, sunset=sunset, successor="/v2/users")
    every = days * DAY / (brown_outs + 1)
    if hours * 3_600.0 > every:
        raise ValueError(f"hours must be at most {every / 3_600.0:g}, the time between two brown-outs, got {hours:g}")

    def windows(status: int) -> BrownOuts:
        return BrownOuts.before(sunset, every=every, length=hours * 3_600.0, count=brown_outs, status=status)

    return Scenario(
        arrivals=Poisson.steady(clients * calls_per_day / DAY),
        clients=Clients(timeout=math.inf, pool=clients),
        server=Server(workers=math.inf, service=Constant(0.05)),
        horizon=sunset + 20.0 * DAY,
        policies=("silent", "headers", "brown-outs", "brown-outs-503"),
        contestants={
            "silent": Retirement(lifecycle=lifecycle, announce=False),
            "headers": Retirement(lifecycle=lifecycle),
            "brown-outs": Retirement(lifecycle=lifecycle, brown_outs=windows(410)),
            "brown-outs-503": Retirement(lifecycle=lifecycle, brown_outs=windows(503)),
        },
        seat=_retire,
        client=Integrator(readers=readers, notice=notice * DAY, alarm=alarm * DAY),
        request=lambda call, client, u: Request("GET", f"/users/{client % 10}", str(call), headers={"Draw": repr(u)}),
        figures={
            "broken on the day": lambda trace: float(len(_failing(trace, sunset, sunset + DAY))),
            "failed before": lambda trace: _failed(trace, 0.0, sunset),
            "failed after": lambda trace: _failed(trace, sunset, math.inf),
        },
        columns=("calls", "ok", "broken on the day", "failed before", "failed after"),
    )


def _retire(world: Scenario, retirement: Any) -> Scenario:
    """Version 1 ends as *retirement* says: any object with `headers()` and `refuse(now)`."""

    def make() -> VersionedUsers:
        return VersionedUsers(_users(10), UriVersion(VERSIONS), retirements={"1": retirement})

    return attrs.evolve(world, server=attrs.evolve(world.server, make_handler=make))


def _users(count: int) -> MemoryStore:
    store = MemoryStore()
    for number in range(count):
        name = {"first": "Ada", "last": f"Number {number}"}
        store.insert(TABLE, str(number), {"id": str(number), "name": name, "emails": ["a@x.example"], "plan": "pro"})
    return store


def _rows(trace: Any, start: float, end: float) -> list[tuple[float, float]]:
    """Client and ok of each call that begins in the window."""
    columns = (trace.calls.column(name) for name in ("client", "started", "ok"))
    return [(client, ok) for client, started, ok in zip(*columns, strict=True) if start <= started < end]


def _failed(trace: Any, start: float, end: float) -> float:
    return float(sum(ok == 0.0 for _, ok in _rows(trace, start, end)))


def _failing(trace: Any, start: float, end: float) -> set[float]:
    return {client for client, ok in _rows(trace, start, end) if ok == 0.0}


def _in_uri(path: str, version: str) -> Request:
    return Request("GET", f"/v{version}{path}")


def _in_query(path: str, version: str) -> Request:
    return Request("GET", f"{path}?version={version}")


def _in_header(path: str, version: str) -> Request:
    return Request("GET", path, headers={"Accept-Version": version})


_HEADER = HeaderVersion(VERSIONS)
DESIGNS = {
    "uri": Design(selector=UriVersion(VERSIONS), request=_in_uri),
    "query": Design(selector=QueryVersion(VERSIONS), request=_in_query),
    "header": Design(selector=_HEADER, request=_in_header, vary=False),
    "header+vary": Design(selector=_HEADER, request=_in_header),
    "header+vary-one-etag": Design(selector=_HEADER, request=_in_header, tags=one_etag),
}


@story
def version_through_cache(
    *,
    clients: Annotated[int, Knob(low=2, high=10_000, unit="clients", help="half of them begin with version 1")] = 40,
    rate: Annotated[float, Knob(above=0, high=10_000, unit="calls/s", help="readings per second")] = 40.0,
    users: Annotated[int, Knob(low=1, high=100_000, unit="users", help="documents that are read")] = 20,
    max_age: Annotated[int, Knob(low=0, high=86_400, unit="s", help="how long the cache may reuse one")] = 10,
    horizon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="when new calls stop")] = 120.0,
) -> Scenario:
    """Two versions behind one shared cache: in the URI, the query, a header without Vary, with Vary, with one ETag.

    URI and query are part of the cache's key.  A header is not, unless Vary names it.  And with Vary, one ETag for all
    versions still tells a client that has changed its version that nothing has changed.  At half-time the clients of
    version 1 move to version 2, and keep what they have read.
    """
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=math.inf, pool=clients),
        server=Server(workers=math.inf, service=Exponential(0.02)),
        gateway=Gateway(cache=EdgeCache),
        horizon=horizon,
        policies=tuple(DESIGNS),
        contestants=DESIGNS,
        seat=lambda world, design: _design(world, design, users, max_age, horizon / 2),
        request=lambda call, client, u: Request(
            "GET", f"/users/{int(u * users)}", str(call), headers={"Speaks": "12"[client % 2]}
        ),
        figures={
            "wrong version": lambda trace: float(sum(mark.kind == "wrong version" for mark in trace.marks)),
            "at the origin": lambda trace: float(sum(at == at for at in trace.attempts.column("started"))),
        },
        columns=("calls", "ok", "wrong version", "at the origin"),
    )


def _design(world: Scenario, design: Design, users: int, max_age: int, moves_at: float) -> Scenario:
    """A service of this *design*, and clients who know it."""

    def make() -> VersionedUsers:
        store = _users(users)
        return VersionedUsers(store, design.selector, max_age=max_age, vary=design.vary, tags=design.tags)

    server = attrs.evolve(world.server, make_handler=make)
    return attrs.evolve(world, server=server, client=Reading(design=design, moves_at=moves_at))
