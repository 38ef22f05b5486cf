"""What the rows of a trace tell of each attempt: when it was where, and how it ended."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.trace import ATTEMPT, CALL, COPY, Fate, Trace, WebhookTrace

Seconds = NDArray[np.float64]


class Ending(enum.IntEnum):
    """What the client saw of an attempt."""

    OPEN = 0
    OK = 1
    REJECTED = 2
    FAILED = 3
    TIMED_OUT = 4
    DEAD = 5


def rows_of(trace: Trace) -> dict[str, Any]:
    """The columns of a `Scene` for each attempt, in the order of the trace, NaN instants turned into inf."""
    table = trace.attempts
    cells = np.frombuffer(table.cells, dtype=np.float64).reshape(-1, table.width)
    of = {name: cells[:, number] for number, name in enumerate(table.columns)}
    never = {name: _never(of[name]) for name in ("arrived", "started", "finished", "settled")}
    left, struck = _left(trace, of, never)
    born, after = _waits(trace, cells, never["settled"])
    dead = _dead(trace, cells)
    status = of["status"].copy()
    ending = np.select(
        [dead, ~np.isfinite(never["settled"]), np.isnan(status), status == 0.0, status < 400.0,
         np.isin(status, (429.0, 503.0))],
        [Ending.DEAD, Ending.OPEN, Ending.TIMED_OUT, Ending.REJECTED, Ending.OK, Ending.REJECTED],
        Ending.FAILED,
    )  # fmt: skip
    hooks = isinstance(trace, WebhookTrace)
    return {
        "born": born, "sent": of["sent"].copy(), "arrived": never["arrived"], "started": never["started"],
        "left": left, "settled": never["settled"], "next": after, "doubled": _doubled(trace, cells),
        "call": of["call"], "attempt": of["attempt"], "copy": of["copy"], "status": status, "ending": ending,
        "lane": of["client"] if hooks else np.zeros(len(cells)), "struck": struck,
    }  # fmt: skip


def _never(values: Seconds) -> Seconds:
    return np.where(np.isnan(values), np.inf, values)


def _left(trace: Trace, of: Mapping[str, Seconds], never: Mapping[str, Seconds]) -> tuple[Seconds, NDArray[np.bool_]]:
    """When each row left the server: finished, turned away as it came, or with its process; and which ones died so."""
    left = never["finished"].copy()
    unfinished = ~np.isfinite(left) & np.isfinite(never["arrived"])
    untouched = unfinished & ~np.isfinite(never["started"])
    away = untouched & (np.isin(of["answer"], (429.0, 503.0)) | (of["status"] == 0.0))
    # Where no answer tells, the fault that was on as it came does: nobody could connect, and the refusal was lost.
    windows = [(start, end) for name, start, end in faults_of(trace) if name.endswith(("outage", "crash"))]
    for start, end in windows:
        away |= untouched & np.isnan(of["answer"]) & (never["arrived"] >= start) & (never["arrived"] < end)
    left[away] = never["arrived"][away]
    # Others that were answered without the server's work: the gateway kept them until it had an answer.
    kept = untouched & ~away & ~np.isnan(of["answer"])
    left[kept] = np.where(np.isnan(of["status"][kept]), never["arrived"][kept], never["settled"][kept])
    inside = unfinished & ~away & ~kept
    came = np.where(np.isfinite(never["started"]), never["started"], never["arrived"])
    for name, start, _ in sorted(faults_of(trace), key=lambda fault: fault[1]):
        if name.endswith("crash"):
            left[inside & ~np.isfinite(left) & (came <= start) & _belongs(trace, of, name)] = start
    return left, inside & np.isfinite(left)


def _belongs(trace: Trace, of: Mapping[str, Seconds], fault: str) -> Any:
    """Which rows went to the server that *fault* is of; in a world with one server all did."""
    if not isinstance(trace, WebhookTrace):
        return True
    where = fault.rpartition(": ")[0]
    # Others are of the application that makes the events: no delivery goes there.
    return of["client"] == trace.endpoints.index(where) if where in trace.endpoints else False


def _waits(trace: Trace, cells: Seconds, settled: Seconds) -> tuple[Seconds, Seconds]:
    """When the wait for each attempt began, and when the wait after it ended."""
    sent, own = cells[:, 4], cells[:, COPY] == 0
    born, after = sent.copy(), settled.copy()
    begun = dict(zip(trace.calls.column("call"), trace.calls.column("started"), strict=True))
    first = np.flatnonzero(own & (cells[:, ATTEMPT] == 1))
    born[first] = np.minimum(sent[first], [begun.get(call, math.inf) for call in cells[first, CALL]])
    rows = np.flatnonzero(own)
    rows = rows[np.lexsort((sent[rows], cells[rows, CALL]))]
    same = cells[rows[1:], CALL] == cells[rows[:-1], CALL]
    before, later = rows[:-1][same], rows[1:][same]
    after[before] = np.maximum(settled[before], sent[later])
    return born, after


def _dead(trace: Trace, cells: Seconds) -> Any:
    """The last attempt of each delivery that became a dead letter."""
    dead = np.zeros(len(cells), dtype=bool)
    if not isinstance(trace, WebhookTrace):
        return dead
    fates = dict(zip(trace.calls.column("call"), trace.calls.column("fate"), strict=True))
    last: dict[float, int] = {}
    for row, (call, copy) in enumerate(zip(cells[:, CALL], cells[:, COPY], strict=True)):
        if copy == 0 and fates.get(call) == Fate.DEAD:
            last[call] = row
    dead[list(last.values())] = True
    return dead


def _doubled(trace: Trace, cells: Seconds) -> Seconds:
    """When a row did what had been done under its key before; inf is never."""
    doubled = np.full(len(cells), np.inf)
    seen: set[str] = set()
    repeated = {}
    for entry in trace.ledger:
        if entry.key in seen:
            repeated[entry.call, entry.attempt, entry.copy] = entry.at
        seen.add(entry.key)
    if repeated:
        for row, (call, attempt, copy) in enumerate(cells[:, [CALL, ATTEMPT, COPY]]):
            doubled[row] = repeated.get((int(call), int(attempt), int(copy)), math.inf)
    return doubled


def faults_of(trace: Trace) -> list[tuple[str, float, float]]:
    """Name, start and end of each fault; one that is still on ends never, at inf."""
    begun: dict[str, float] = {}
    found = []
    for mark in trace.marks:
        if mark.kind == "fault" and mark.note == "begins":
            begun[mark.subject] = mark.at
        elif mark.kind == "fault" and mark.subject in begun:
            found.append((mark.subject, begun.pop(mark.subject), mark.at))
    return [*found, *((subject, at, math.inf) for subject, at in begun.items())]
