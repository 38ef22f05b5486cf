"""A run as a scene: how many requests were where at each instant, from its trace and from nothing else.

The columns of a `Scene` have one entry for each row of `attempts`, ordered by *born*; seconds of virtual time, inf is
never:

| column | the instant at which |
|---|---|
| born | the call, or the delivery, began to wait for this attempt; for the second and later ones, `sent` |
| sent, arrived, started | as in the trace: sent, reached the server, work began |
| left | it left the server: finished, turned away, or lost with a process that died |
| settled | the client learned how it ended, or gave up waiting |
| next | the same call sends its next attempt; `settled` where there is none |
| doubled | it did what had been done before: a second entry in the ledger under one key |

From them follow the places.  A request is on the *network* from sent to arrived, in the *queue* from arrived to started
or left, with the *workers* from started to left; its answer is on the way *back* from left to settled; its client
*waits* from settled to next, and before the first attempt from born to sent.  One that never arrives is *lost* from
sent to settled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from sim.experiment import Run
from sim.player.rows import Ending, Seconds, faults_of, rows_of
from sim.trace import Trace, WebhookTrace

MOST_ROWS = 250_000
"""A run with more attempts is not played: a page holds them all, so that every count is exact."""
MOST_DOTS = 3_000
"""So many requests at once are drawn as dots; of more, every second, third … call is."""
MOST_LANES = 6
"""So many endpoints have a lane of their own; the others share the last."""

COLUMNS = ("born", "sent", "arrived", "started", "left", "settled", "next", "doubled")


@attrs.frozen(eq=False)
class Scene:
    """What the player draws of one run.

    *title*: its policy.  *seconds*: from 0 to the last thing that happens.  *columns*: see above.  *call*, *attempt*,
    *copy*, *status*, *ending*, *lane*, *struck*: of each row, the status NaN where the client saw none, struck 1 where
    its process died with it.  *every*: of the calls, each so-manieth is drawn.  *stopped*: when calls ended that never
    sent an attempt.  *stations*: what the places are called; *limits*: how many fit into the queue and among the
    workers, inf is no limit.  *lanes*: the consumers' names, one "" for a single server.  *breakers*: instants, and how
    many of the *hosts* are open and half-open from there on.  *faults*: name, start and end of each.
    """

    title: str
    seconds: float
    columns: Mapping[str, Seconds]
    call: NDArray[np.int32]
    attempt: NDArray[np.int32]
    copy: NDArray[np.uint8]
    status: Seconds
    ending: NDArray[np.uint8]
    lane: NDArray[np.uint8]
    struck: NDArray[np.uint8]
    every: int
    stopped: Seconds
    stations: Mapping[str, str]
    limits: Mapping[str, float]
    lanes: tuple[str, ...]
    breakers: tuple[Seconds, NDArray[np.int32], NDArray[np.int32]]
    hosts: int
    faults: tuple[tuple[str, float, float], ...]

    def counts(self, at: float) -> dict[str, int]:
        """How many requests are at each place at the instant *at*, and how many have ended how until then."""
        of = self.columns
        arrives, begins = np.isfinite(of["arrived"]), np.minimum(of["started"], of["left"])
        answered = np.isfinite(of["settled"]) & ~np.isnan(self.status)
        given_up = np.isfinite(of["settled"]) & np.isnan(self.status)

        def between(start: Seconds, end: Seconds, which: Any = True) -> int:
            return int(np.count_nonzero(which & (start <= at) & (at < end)))

        def until(instant: Seconds, which: Any) -> int:
            return int(np.count_nonzero(which & (instant <= at)))

        zombie = given_up & np.isfinite(of["started"]) & (of["settled"] <= of["left"]) & (self.struck == 0)
        return {
            "waiting": between(of["born"], of["sent"]) + between(of["settled"], of["next"]),
            "network": between(of["sent"], of["arrived"], arrives),
            "lost": between(of["sent"], of["settled"], ~arrives),
            "queue": between(of["arrived"], begins),
            "workers": between(of["started"], of["left"]),
            "back": between(of["left"], of["settled"], answered),
            **{
                ending.name.lower(): until(of["settled"], self.ending == ending)
                for ending in Ending
                if ending is not Ending.OPEN
            },
            "zombie": until(of["left"], zombie),
            "duplicate": until(of["doubled"], True),
        }

    def busiest(self) -> float:
        """The first instant at which most requests are under way, with a client that waits for them."""
        instants, level = _level(self.columns["sent"], self.columns["settled"])
        return float(instants[int(np.argmax(level))]) if len(level) else 0.0


def scene_of(run: Run, title: str | None = None) -> Scene:
    """The scene of *run*; *title*: what it is called, None is its policy.

    Raises: `ValueError` when it has more than 250,000 attempts.
    """
    trace = run.trace
    if len(trace.attempts) > MOST_ROWS:
        raise ValueError(f"a run to play must have at most {MOST_ROWS:,} attempts, got {len(trace.attempts):,}")
    rows = rows_of(trace)
    order = np.argsort(rows["born"], kind="stable")
    rows = {name: values[order] for name, values in rows.items()}
    columns = {name: rows[name] for name in COLUMNS}
    faults = faults_of(trace)
    known = [float(values[np.isfinite(values)].max(initial=0.0)) for values in columns.values()]
    seconds = max([0.0, *known])
    _, under_way = _level(columns["born"], last_seen(columns))
    return Scene(
        title=run.policy if title is None else title,
        seconds=seconds,
        columns=columns,
        call=rows["call"].astype(np.int32),
        attempt=rows["attempt"].astype(np.int32),
        copy=rows["copy"].astype(np.uint8),
        status=rows["status"],
        ending=rows["ending"].astype(np.uint8),
        lane=np.minimum(rows["lane"], MOST_LANES - 1).astype(np.uint8),
        struck=rows["struck"].astype(np.uint8),
        every=max(1, math.ceil(under_way.max(initial=0.0) / MOST_DOTS)),
        stopped=_stopped(trace),
        stations=_stations(run),
        limits=_limits(run),
        lanes=_lanes(trace),
        breakers=_breakers(trace),
        hosts=_hosts(trace),
        faults=tuple((name, start, min(end, seconds)) for name, start, end in faults if start <= seconds),
    )


def last_seen(columns: Mapping[str, Seconds]) -> Seconds:
    """When the last that there is to see of each row ends, with its client or at the server; inf is never."""
    client = np.where(np.isfinite(columns["next"]), columns["next"], columns["settled"])
    server = np.where(np.isfinite(columns["arrived"]), columns["left"], -np.inf)
    return np.where(np.isfinite(client), np.maximum(client, server), server)


def _stopped(trace: Trace) -> Seconds:
    """When calls ended that an open breaker or an empty budget kept from sending anything."""
    ended = np.array(trace.calls.column("ended"))
    return np.sort(ended[(np.array(trace.calls.column("attempts")) == 0) & np.isfinite(ended)])


def _level(start: Seconds, end: Seconds) -> tuple[Seconds, Seconds]:
    """The instants at which something begins or ends, and how many go on from there; ends come first."""
    instants = np.concatenate([start, end])
    change = np.concatenate([np.ones(len(start)), -np.ones(len(end))])
    known = np.isfinite(instants)
    order = np.lexsort((change[known], instants[known]))
    return instants[known][order], np.cumsum(change[known][order])


def _breakers(trace: Trace) -> tuple[Seconds, NDArray[np.int32], NDArray[np.int32]]:
    states: dict[str, str] = {}
    steps = []
    for mark in trace.marks:
        if mark.kind == "breaker":
            states[mark.subject] = mark.note
            now = list(states.values())
            steps.append((mark.at, now.count("open"), len(now) - now.count("open") - now.count("closed")))
    times, opened, half = zip(*steps, strict=True) if steps else ((), (), ())
    return np.array(times, float), np.array(opened, np.int32), np.array(half, np.int32)


def _hosts(trace: Trace) -> int:
    """How many have a breaker; those that never changed say nothing of themselves, so all hosts count if one does."""
    if not any(mark.kind == "breaker" for mark in trace.marks):
        return 0
    return len(trace.endpoints) if isinstance(trace, WebhookTrace) else len(set(trace.calls.column("host")))


def _stations(run: Run) -> dict[str, str]:
    hooks, gateway = run.scenario.webhooks is not None, run.scenario.gateway
    limits = gateway is not None and gateway.limiter is not None
    return {
        "waiting": "platform" if hooks else "clients",
        "network": "network",
        "gate": "limiter" if limits else "gateway" if gateway is not None else "",
        "queue": "queue",
        "workers": "consumers" if hooks else "workers",
    }


def _limits(run: Run) -> dict[str, float]:
    server = run.scenario.server
    if run.scenario.webhooks is not None:
        return {"queue": math.inf, "workers": math.inf}
    return {"queue": float(server.queue), "workers": float(server.workers)}


def _lanes(trace: Trace) -> tuple[str, ...]:
    if not isinstance(trace, WebhookTrace):
        return ("",)
    names = trace.endpoints
    if len(names) <= MOST_LANES:
        return tuple(names)
    return (*names[: MOST_LANES - 1], f"{len(names) - MOST_LANES + 1} others")
