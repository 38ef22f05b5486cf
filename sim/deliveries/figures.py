"""Figures of a platform's run: delays, peaks, shares.  *endpoint*: of one endpoint; None is of all together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from sim.deliveries.log import Delivering, trace_of
from sim.trace import Fate, WebhookTrace


def delays(of: Delivering | WebhookTrace, *, endpoint: str | None = None) -> list[float]:
    """Seconds from being queued to being delivered, sorted; deliveries that never were are left out."""
    return sorted(ended - started for started, ended, fate in _deliveries(of, endpoint) if fate == Fate.DELIVERED)


def share(of: Delivering | WebhookTrace, fate: Fate, *, endpoint: str | None = None) -> float:
    """The share of the deliveries that ended, or stand, as *fate*; NaN when there are none."""
    fates = [one for _, _, one in _deliveries(of, endpoint)]
    return fates.count(fate) / len(fates) if fates else math.nan


def delivered_by(of: Delivering | WebhookTrace, instant: float, *, endpoint: str | None = None) -> float:
    """How many were delivered by *instant*."""
    return float(sum(fate == Fate.DELIVERED and ended <= instant for _, ended, fate in _deliveries(of, endpoint)))


def drained(of: Delivering | WebhookTrace, *, endpoint: str | None = None) -> float:
    """The instant at which the last one was delivered; NaN when none was, or when some are not delivered."""
    rows = list(_deliveries(of, endpoint))
    if not rows or any(fate != Fate.DELIVERED for _, _, fate in rows):
        return math.nan
    return max(ended for _, ended, _ in rows)


def attempts_failed(of: Delivering | WebhookTrace, *, endpoint: str | None = None) -> float:
    """Attempts that did not deliver, those under way among them."""
    delivered = sum(fate == Fate.DELIVERED for _, _, fate in _deliveries(of, endpoint))
    return float(sum(1 for _ in _attempts(of, endpoint)) - delivered)


def per_second(
    of: Delivering | WebhookTrace, *, endpoint: str | None = None, width: float = 1.0, since: float = 0.0
) -> Counter[int]:
    """Attempts sent from the instant *since* on in each *width* seconds, by the number of the bin, counted from 0."""
    return Counter(int(sent / width) for sent, _ in _attempts(of, endpoint) if sent >= since)


def peak_per_second(of: Delivering | WebhookTrace, *, endpoint: str | None = None, since: float = 0.0) -> float:
    """The most attempts sent in one second, on a grid from 0, from the instant *since* on."""
    return float(max(per_second(of, endpoint=endpoint, since=since).values(), default=0))


def peak_at_once(of: Delivering | WebhookTrace, *, endpoint: str | None = None) -> float:
    """The most attempts under way at one instant."""
    edges = []
    for sent, settled in _attempts(of, endpoint):
        edges.append((sent, 1))
        if settled == settled:
            edges.append((settled, -1))
    highest = level = 0
    for _, change in sorted(edges):  # at one instant, ends come before beginnings
        level += change
        highest = max(highest, level)
    return float(highest)


def _deliveries(of: Delivering | WebhookTrace, endpoint: str | None) -> Iterator[tuple[float, float, float]]:
    """Started, ended and fate of each delivery."""
    trace = trace_of(of)
    chosen = _number(trace, endpoint)
    columns = (trace.calls.column(name) for name in ("client", "started", "ended", "fate"))
    for client, started, ended, fate in zip(*columns, strict=True):
        if chosen is None or client == chosen:
            yield started, ended, fate


def _attempts(of: Delivering | WebhookTrace, endpoint: str | None) -> Iterator[tuple[float, float]]:
    """Sent and settled of each attempt; copies made by the network are not counted."""
    trace = trace_of(of)
    chosen = _number(trace, endpoint)
    columns = (trace.attempts.column(name) for name in ("client", "copy", "sent", "settled"))
    for client, copy, sent, settled in zip(*columns, strict=True):
        if not copy and (chosen is None or client == chosen):
            yield sent, settled


def _number(trace: WebhookTrace, endpoint: str | None) -> int | None:
    if endpoint is None:
        return None
    if endpoint not in trace.endpoints:
        raise ValueError(f"there is no endpoint {endpoint!r}; there are {', '.join(trace.endpoints)}")
    return trace.endpoints.index(endpoint)
