"""Hearing of an update: polling, long polling, server-sent events, a WebSocket, a webhook."""

from __future__ import annotations

import functools
import math
from typing import Annotated, Any

import attrs

from sim.knobs import Knob
from sim.laws import Constant
from sim.metrics import percentile
from sim.scenario import Clients, Network, Scenario, Server, story
from sim.services.updates import HAPPENED, HEARD, PUSHED, Hook, LongPoll, Mailbox, Poll, Stream, ask_for_updates
from sim.workload import AllAtOnce


@story
def hearing_of_updates(
    *,
    users: Annotated[int, Knob(low=1, high=100_000, unit="users", help="how many want to know")] = 50,
    per_hour: Annotated[
        float, Knob(above=0, high=100_000, unit="updates/h", help="updates of each user in an hour")
    ] = 30.0,
    every: Annotated[float, Knob(above=0, high=86_400, unit="s", help="time between two polls")] = 5.0,
    hold: Annotated[float, Knob(above=0, high=3_600, unit="s", help="the longest wait of a long poll")] = 30.0,
    one_way: Annotated[float, Knob(low=0, high=60, unit="s", help="delay one way")] = 0.05,
    reply_loss: Annotated[
        float, Knob(low=0, high=0.9, help="share of answers lost; a held connection loses none")
    ] = 0.0,
    lifetime: Annotated[
        float, Knob(low=1, infinite=True, unit="s", help="how long a stream lasts on average until it breaks")
    ] = 600.0,
    reconnect: Annotated[float, Knob(low=0, high=3_600, unit="s", help="until a broken stream is opened again")] = 2.0,
    minutes: Annotated[float, Knob(above=0, high=1_440, unit="min", help="how long they want to know")] = 20.0,
) -> Scenario:
    """Users want to hear of updates at random instants: how many requests, how late, how many connections held?

    All ways meet the same updates.  A stream or a socket breaks now and then and is opened again, and goes on where it
    broke.  A user is sent one webhook at a time.  Left out: what a held connection costs in memory and ports, proxies
    that cut idle ones, heartbeats (a break is noticed at once), and breaks of a long poll, which is held for less long.
    """
    until = minutes * 60.0
    return Scenario(
        arrivals=AllAtOnce(clients=users),
        network=Network(request_delay=Constant(one_way), reply_delay=Constant(one_way), reply_loss=reply_loss),
        server=Server(
            workers=math.inf, service=Constant(0.0), make_handler=functools.partial(Mailbox, one_way=one_way)
        ),
        horizon=until,
        policies=("polling", "long-polling", "sse", "websocket", "webhook"),
        contestants={
            "polling": Poll(every=every),
            "long-polling": LongPoll(hold=hold),
            "sse": Stream(lifetime=lifetime, reconnect=reconnect),
            "websocket": Stream(lifetime=lifetime, reconnect=reconnect, two_way=True),
            "webhook": Hook(),
        },
        seat=_hear_by,
        request=lambda call, client, u: ask_for_updates(client, u, rate=per_hour / 3_600.0, until=until),
        figures={
            "requests per update": lambda trace: _ratio(_sent(trace), _happened(trace)),
            "messages per update": lambda trace: _ratio(2 * _sent(trace) + _marks(trace, PUSHED), _happened(trace)),
            "mean delay, s": lambda trace: _ratio(sum(late := _delays(trace)), len(late)),
            "p95 delay, s": lambda trace: percentile(_delays(trace), 0.95),
            "connections per user": lambda trace: _held(trace) / until / users,
            "never heard": lambda trace: float(_happened(trace) - len(_delays(trace))),
        },
        columns=(
            "requests per update", "messages per update", "mean delay, s", "p95 delay, s", "connections per user",
            "never heard",
        ),
    )  # fmt: skip


def _hear_by(world: Scenario, way: Any) -> Scenario:
    loss = 0.0 if getattr(way, "lossless", False) else world.network.reply_loss
    return attrs.evolve(
        world,
        client=way,
        clients=Clients(timeout=getattr(way, "timeout", math.inf)),
        network=attrs.evolve(world.network, reply_loss=loss),
    )


def _delays(trace: Any) -> list[float]:
    """Seconds from each update to its user's knowing of it, sorted."""
    return sorted(mark.at - float(mark.note.split(" ")[1]) for mark in trace.marks if mark.kind == HEARD)


def _happened(trace: Any) -> int:
    return sum(int(mark.note) for mark in trace.marks if mark.kind == HAPPENED)


def _marks(trace: Any, kind: str) -> int:
    return sum(mark.kind == kind for mark in trace.marks)


def _sent(trace: Any) -> int:
    return len(trace.attempts)


def _held(trace: Any) -> float:
    """Connection-seconds, as the callers hold them."""
    columns = (trace.attempts.column(name) for name in ("sent", "settled"))
    return math.fsum(settled - sent for sent, settled in zip(*columns, strict=True) if settled == settled)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
