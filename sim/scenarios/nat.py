"""Many people behind one address: whom a limit by address hits, and whom a limit by key lets through."""

from __future__ import annotations

import math
from typing import Annotated, Any

from sim.http import Request
from sim.knobs import Knob
from sim.policies import Retry
from sim.policies.limiter import GCRA, ByKey, Level, Levels, by_header, by_peer
from sim.scenario import Clients, Scenario, Server, story
from sim.scenarios.limits import behind
from sim.workload import Poisson

_OFFICE, _HOME, _BOT = "office", "home", "bot"
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
"""Multiples of it, without their whole part, are spread evenly however many they are."""


@story
def shared_address(
    *,
    office: Annotated[int, Knob(low=1, high=1_000, unit="people", help="who share one address, each with a key")] = 40,
    homes: Annotated[int, Knob(low=1, high=1_000, unit="people", help="who have an address of their own")] = 20,
    rate: Annotated[float, Knob(above=0, high=100, unit="calls/s", help="calls of one person")] = 0.5,
    flood: Annotated[int, Knob(low=0, high=1_000, help="the bot calls as often as this many people")] = 200,
    keys: Annotated[int, Knob(low=1, high=10_000, unit="keys", help="that the bot has collected")] = 50,
    wide: Annotated[int, Knob(low=1, high=100_000, unit="calls/s", help="the wide limit of an address")] = 30,
    horizon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="when new calls stop")] = 15.0,
) -> Scenario:
    """An office behind one address, people at home, and a bot with many keys: limit by address, by key, or by both?

    By address, all of an office is one caller and shares what one person gets.  By key it is not, and a bot with fifty
    keys is fifty callers.  Both together, narrow for a key and wide for an address, serve the office and leave the bot
    what one wide address gets.  Left out: addresses that change, and whole networks of them.
    """
    fair = max(1, math.ceil(4.0 * rate))
    api_key = by_header("X-Api-Key")
    gates: dict[str, Any] = {
        "by-address": ByKey(GCRA(fair, period=1.0), key=by_peer),
        "by-key": ByKey(GCRA(fair, period=1.0), key=api_key),
        "by-both": Levels(
            [Level("address", GCRA(wide, period=1.0), by_peer), Level("key", GCRA(fair, period=1.0), api_key)]
        ),
    }
    people = office + homes + flood

    # Callers take turns; so that the office does not call all at once, their kinds are spread over the turns.
    turns = sorted(range(people), key=lambda client: client * _GOLDEN % 1.0)
    kinds = {client: _OFFICE if place < office else _HOME if place < office + homes else _BOT
             for place, client in enumerate(turns)}  # fmt: skip

    def request(call: int, client: int, u: float) -> Request:
        kind = kinds[client]
        peer = {_OFFICE: "198.51.100.7", _HOME: f"10.0.{client // 250}.{client % 250}", _BOT: "203.0.113.9"}[kind]
        key = f"{kind} {int(u * keys) if kind == _BOT else client}"
        return Request(key=str(call), headers={"X-Api-Key": key}, peer=peer)

    def served(trace: Any, wanted: str) -> list[float]:
        columns = (trace.calls.column(name) for name in ("client", "ok"))
        return [ok for client, ok in zip(*columns, strict=True) if kinds[int(client)] == wanted]

    def share(trace: Any, wanted: str) -> float:
        found = served(trace, wanted)
        return sum(found) / len(found) if found else math.nan

    return Scenario(
        arrivals=Poisson.steady(people * rate),
        clients=Clients(timeout=math.inf, pool=people),
        server=Server(workers=math.inf),
        horizon=horizon,
        policies=tuple(gates),
        contestants=gates,
        seat=lambda world, gate: behind(world, gate, api_key),
        client=Retry.never(),
        request=request,
        figures={
            "office ok": lambda trace: share(trace, _OFFICE),
            "homes ok": lambda trace: share(trace, _HOME),
            "bot calls/s": lambda trace: sum(served(trace, _BOT)) / horizon,
        },
        columns=("calls", "ok", "office ok", "homes ok", "bot calls/s"),
    )
