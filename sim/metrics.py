"""Metrics: what a run comes to, computed from its rows and from nothing else."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

from sim.trace import Trace


class Traced(Protocol):
    """Anything with a trace: a `Run`."""

    @property
    def trace(self) -> Trace:
        """The rows."""
        ...


SUMMARY = (
    "calls", "ok", "gave_up", "attempts", "rejected", "timed_out", "zombie", "amplification", "p50", "p99",
    "drain_seconds", "peak_attempts_per_100ms",
)  # fmt: skip
"""The names of the figures in `summary`, in order."""

TITLES = {
    "ok": "calls ok",
    "gave_up": "gave up",
    "attempts": "attempts",
    "amplification": "amplification",
    "peak_attempts_per_100ms": "peak attempts per 100 ms",
    "drain_seconds": "drain, s",
    "p50": "p50, s",
    "p99": "p99, s",
}
"""Those that are shown where a story does not say which, and what they are called in words."""


def summary(run: Traced | Trace) -> dict[str, float]:
    """The figures of one run.

    - calls, ok, gave_up: a call is ok when the client saw it succeed; one still in flight is neither.
    - attempts: tries that were sent (copies made by the network are not counted).
    - rejected: requests that found the queue full.  timed_out: attempts whose client stopped waiting.
    - zombie: pieces of work finished for a client that had stopped waiting.
    - amplification: attempts per call.
    - p50, p99: seconds from the start of a call to its success; NaN when none succeeded.
    - drain_seconds: from the start of the last call to the end of the last call.
    - peak_attempts_per_100ms: most attempts sent in one tenth of a second, on a grid from 0.
    """
    trace = run if isinstance(run, Trace) else run.trace
    calls, attempts = trace.calls, trace.attempts
    started, ended, ok = calls.column("started"), calls.column("ended"), calls.column("ok")
    latencies = sorted(end - start for start, end, fine in zip(started, ended, ok, strict=True) if fine == 1.0)
    rejected = timed_out = zombie = copies = 0
    tenths: Counter[int] = Counter()
    for copy, sent, begun, finished, answer, settled, status in zip(
        *(attempts.column(name) for name in ("copy", "sent", "started", "finished", "answer", "settled", "status")),
        strict=True,
    ):
        if copy:
            copies += 1
        else:
            tenths[int(sent * 10.0)] += 1
            if status != status and settled == settled:
                timed_out += 1
        if answer == 503.0 and begun != begun:
            rejected += 1
        if status != status and settled <= finished:
            zombie += 1
    sent_attempts = len(attempts) - copies
    ends = [end for end in ended if end == end]
    return {
        "calls": len(calls),
        "ok": ok.count(1.0),
        "gave_up": ok.count(0.0),
        "attempts": sent_attempts,
        "rejected": rejected,
        "timed_out": timed_out,
        "zombie": zombie,
        "amplification": sent_attempts / len(calls) if len(calls) else math.nan,
        "p50": percentile(latencies, 0.50),
        "p99": percentile(latencies, 0.99),
        "drain_seconds": max(0.0, max(ends) - max(started)) if ends else math.nan,
        "peak_attempts_per_100ms": max(tenths.values(), default=0),
    }


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least *share* of the *ordered* values do not exceed; NaN when there are none.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5)
    2.0
    """
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def over_time(instants: Sequence[float], *, width: float, end: float | None = None) -> tuple[list[float], list[int]]:
    """How many *instants* fall into each bin of *width* seconds from 0: the bins' starts, and the counts.

    NaN (never happened) is left out.  *end*: the last bin reaches at least this far; None is the last instant.
    """
    happened = [instant for instant in instants if instant == instant]
    last = max([*happened, end or 0.0], default=0.0)
    counts = [0] * (int(last / width) + 1)
    for instant in happened:
        counts[int(instant / width)] += 1
    return [index * width for index in range(len(counts))], counts


def level(ups: Sequence[float], downs: Sequence[float]) -> tuple[list[float], list[int]]:
    """A level that rises by one at every *up* and falls by one at every *down*: queue depth, requests in flight.

    Returns the instants at which it changes and the level from there on.  NaN is left out.
    """
    edges = sorted(
        [(instant, -1) for instant in downs if instant == instant]
        + [(instant, 1) for instant in ups if instant == instant]
    )
    return [instant for instant, _ in edges], list(accumulate(step for _, step in edges))


def goodput(run: Traced, start: float, end: float) -> float:
    """Of the calls that began from *start* to *end*, the share that ended ok; NaN when none began."""
    calls = run.trace.calls
    chosen = [
        ok == 1.0 for at, ok in zip(calls.column("started"), calls.column("ok"), strict=True) if start <= at < end
    ]
    return sum(chosen) / len(chosen) if chosen else math.nan
