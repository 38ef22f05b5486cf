"""A gateway in front: three ways to fail behind it, told apart by their codes, and what was done all the same."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, Any

from sim.knobs import Knob
from sim.laws import Exponential
from sim.scenario import BrownOut, Clients, Crash, Gateway, Scenario, Server, story
from sim.workload import Poisson


@story
def gateway_codes(
    *,
    rate: Annotated[float, Knob(above=0, high=1_000, unit="calls/s", help="calls that come in")] = 20.0,
    workers: Annotated[int, Knob(low=1, high=1_000, unit="workers", help="calls served at once, 0.1 s each")] = 4,
    queue: Annotated[int, Knob(low=0, high=10_000, unit="calls", help="room to wait; more is a 503")] = 10,
    patience: Annotated[float, Knob(above=0, high=60, unit="s", help="of the gateway; longer is a 504")] = 1.0,
    slowdown: Annotated[float, Knob(low=1, high=1_000, help="work in the second failure takes so many times")] = 8.0,
    horizon: Annotated[float, Knob(above=0, high=3_600, unit="s", help="when new calls stop")] = 60.0,
) -> Scenario:
    """The server dies at 10 s, and is slow from 30 s on: what the gateway answers, and what was done behind it.

    Nobody there is a 502.  A full queue is the server's own 503: nothing was begun, and trying again is safe.  Too slow
    is a 504, and the work is done all the same, after the client was told that it failed.
    """
    codes = (502, 503, 504)
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=math.inf),
        server=Server(workers=workers, service=Exponential(0.1), queue=queue),
        gateway=Gateway(upstream_timeout=patience),
        faults=(Crash(start=10.0, length=5.0), BrownOut(start=30.0, length=10.0, slowdown=slowdown)),
        horizon=horizon,
        policies=("no-retry",),
        figures={
            **{f"{code}": partial(_told, code=code) for code in codes},
            **{f"done behind {code}": partial(_done, code=code) for code in codes},
        },
        columns=("calls", "ok", *map(str, codes), *(f"done behind {code}" for code in codes)),
    )


def _told(trace: Any, code: int) -> float:
    return float(len(_behind(trace, code)))


def _done(trace: Any, code: int) -> float:
    return float(sum(_behind(trace, code)))


def _behind(trace: Any, code: int) -> list[bool]:
    """For each attempt that was told *code*, whether the server finished its work."""
    columns = (trace.attempts.column(name) for name in ("status", "finished"))
    return [finished == finished for status, finished in zip(*columns, strict=True) if status == code]
