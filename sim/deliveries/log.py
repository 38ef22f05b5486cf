"""Tables for people: the delivery log, the health of each endpoint, dead letters, messages, where everything stands."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sim.trace import C_ENDED, C_EVENT, C_FATE, Fate, WebhookTrace
from sim.webhooks import event_id

if TYPE_CHECKING:
    import pandas


class Delivering(Protocol):
    """Anything with the trace of a platform: a `Run` of a story about webhooks, or a running platform."""

    @property
    def trace(self) -> Any:
        """A `WebhookTrace`."""
        ...


def log(
    of: Delivering | WebhookTrace,
    *,
    endpoint: str | None = None,
    event: str | None = None,
    delivery: int | None = None,
    status: int | str | None = None,
    reason: str | None = None,
    since: float | None = None,
    until: float | None = None,
    limit: int | None = None,
) -> pandas.DataFrame:
    """The delivery log, a row an attempt, in the order in which they were sent.

    | column | meaning |
    |---|---|
    | delivery, event, endpoint | which delivery of which event to whom |
    | attempt | 1 is the first; it goes on counting over replays |
    | sent | instant, s |
    | status | the HTTP status; 0 is a refused connection, missing is no answer (yet) |
    | latency | seconds from sent to settled; NaN while it is under way |
    | reason | what the platform made of it: "200", "timed out", "503", … |
    | snippet | how the answer's body began |
    | next | instant of the next attempt, NaN when there is none |

    Filters, all of which must fit: *endpoint*, *event* (its id), *delivery* (its number), *status* (503, "5xx", or
    "none" for no answer), *reason* (a part of the text), *since* and *until* (instants, the second not included).
    *limit*: only the last so many rows that fit.

    Raises: `ValueError` for an endpoint that there is not, or a status of another form.
    """
    import pandas

    trace = trace_of(of)
    attempts = trace.attempts
    wanted = None
    if endpoint is not None:
        if endpoint not in trace.endpoints:
            raise ValueError(f"there is no endpoint {endpoint!r}; there are {', '.join(trace.endpoints)}")
        wanted = trace.endpoints.index(endpoint)
    fits = _status_filter(status)
    width, cells = attempts.width, attempts.cells
    calls, call_width = trace.calls.cells, trace.calls.width
    words = trace.words
    rows: list[tuple[Any, ...]] = []
    for at in range(len(cells) - width, -1, -width):
        call, client, attempt, copy, sent, *_, settled, code, following, _, why, shown = cells[at : at + width]
        if copy or (wanted is not None and client != wanted) or (delivery is not None and call != delivery):
            continue
        if (since is not None and sent < since) or (until is not None and sent >= until):
            continue
        if fits is not None and not fits(code):
            continue
        text = words[int(why)] if why == why else ""
        if reason is not None and reason not in text:
            continue
        name = event_id(int(calls[int(call) * call_width + C_EVENT]))
        if event is not None and name != event:
            continue
        rows.append((
            int(call), name, trace.endpoints[int(client)], int(attempt), sent, code, settled - sent, text,
            words[int(shown)] if shown == shown else "", following,
        ))  # fmt: skip
        if limit is not None and len(rows) >= limit:
            break
    columns = ("delivery", "event", "endpoint", "attempt", "sent", "status", "latency", "reason", "snippet", "next")
    frame = pandas.DataFrame(rows[::-1], columns=list(columns))
    return frame.astype({"status": "float64", "latency": "float64", "next": "float64"}).astype({"status": "Int64"})


def history(of: Delivering | WebhookTrace, delivery: int) -> pandas.DataFrame:
    """All attempts of one delivery, as in `log`: what a dead letter carries with it."""
    return log(of, delivery=delivery)


def letters(of: Delivering | WebhookTrace, *, endpoint: str | None = None) -> pandas.DataFrame:
    """The dead letters: delivery, event, endpoint, at, reason, attempts; the oldest first."""
    import pandas

    trace = trace_of(of)
    names = ("ended", "call", "event", "client", "reason", "attempts", "fate")
    dead = sorted(
        row for row in zip(*(trace.calls.column(name) for name in names), strict=True) if row[-1] == Fate.DEAD
    )
    rows = [
        (int(call), event_id(int(event)), trace.endpoints[int(client)], at, trace.words[int(why)], int(attempts))
        for at, call, event, client, why, attempts, _ in dead
    ]
    table = pandas.DataFrame(rows, columns=["delivery", "event", "endpoint", "at", "reason", "attempts"])
    return table if endpoint is None else table[table.endpoint == endpoint].reset_index(drop=True)


def health(of: Delivering | WebhookTrace, *, at: float | None = None, window: float = math.inf) -> pandas.DataFrame:
    """One row an endpoint: how well it takes its webhooks.

    Columns: deliveries, delivered, waiting (queued or under way), dead_letters, dropped; attempts and success_rate
    (share of the attempts settled in the last *window* seconds that were delivered, NaN when there were none);
    oldest_undelivered (seconds, NaN when nothing waits).  *at*: the instant to look from, None is the last.
    """
    import pandas

    trace = trace_of(of)
    now = _last(trace) if at is None else at
    good: Counter[int] = Counter()
    tried: Counter[int] = Counter()
    columns = ("call", "client", "copy", "settled")
    calls, width = trace.calls.cells, trace.calls.width
    for call, client, copy, settled in zip(*(trace.attempts.column(name) for name in columns), strict=True):
        if not copy and now - window <= settled <= now:
            row = int(call) * width
            tried[int(client)] += 1
            good[int(client)] += calls[row + C_FATE] == Fate.DELIVERED and calls[row + C_ENDED] == settled
    counts: Counter[tuple[int, int]] = Counter()
    oldest: dict[int, float] = {}
    names = ("client", "started", "fate")
    for client, started, fate in zip(*(trace.calls.column(name) for name in names), strict=True):
        lane = int(client)
        counts[lane, int(fate)] += 1
        if fate in (Fate.QUEUED, Fate.IN_FLIGHT):
            oldest[lane] = min(oldest.get(lane, math.inf), started)
    rows = {
        name: (
            sum(counts[lane, fate] for fate in Fate),
            counts[lane, Fate.DELIVERED],
            counts[lane, Fate.QUEUED] + counts[lane, Fate.IN_FLIGHT],
            counts[lane, Fate.DEAD],
            counts[lane, Fate.DROPPED],
            tried[lane],
            good[lane] / tried[lane] if tried[lane] else math.nan,
            now - oldest[lane] if lane in oldest else math.nan,
        )
        for lane, name in enumerate(trace.endpoints)
    }
    return pandas.DataFrame.from_dict(
        rows,
        orient="index",
        columns=[
            "deliveries", "delivered", "waiting", "dead_letters", "dropped", "attempts", "success_rate",
            "oldest_undelivered",
        ],
    ).rename_axis("endpoint")  # fmt: skip


def fates(of: Delivering | WebhookTrace) -> pandas.Series[int]:
    """Where every delivery stands, and what became of the events that never got so far; it adds up.

    Index: "delivered", "in queue", "in flight", "dead-lettered", "dropped: <rule>" for each rule, "wanted by nobody"
    for events without a delivery; with an application, "in the outbox", "lost: <flaw>" and "invented: <flaw>".
    """
    import pandas

    trace = trace_of(of)
    counts: dict[str, int] = {"delivered": 0, "in queue": 0, "in flight": 0, "dead-lettered": 0}
    named = {
        Fate.DELIVERED: "delivered", Fate.QUEUED: "in queue", Fate.IN_FLIGHT: "in flight", Fate.DEAD: "dead-lettered",
    }  # fmt: skip
    for fate, why in zip(trace.calls.column("fate"), trace.calls.column("reason"), strict=True):
        name = named.get(Fate(int(fate))) or f"dropped: {trace.words[int(why)]}"
        counts[name] = counts.get(name, 0) + 1
    if unwanted := trace.events.column("deliveries").count(0.0):
        counts["wanted by nobody"] = unwanted
    if trace.source is not None:
        counts["in the outbox"] = len(trace.unpublished)
        flaw = trace.flaw or "no known flaw"
        counts[f"lost: {flaw}"] = len(trace.lost())
        counts[f"invented: {flaw}"] = len(trace.invented())
    return pandas.Series(counts, name="deliveries")


def messages(of: Delivering | WebhookTrace, *, owner: str | None = None) -> pandas.DataFrame:
    """What was written to the endpoints' owners: at, owner, text."""
    import pandas

    rows = [(mark.at, mark.subject, mark.note) for mark in trace_of(of).marks if mark.kind == "message"]
    frame = pandas.DataFrame(rows, columns=["at", "owner", "text"])
    return frame if owner is None else frame[frame.owner == owner].reset_index(drop=True)


def trace_of(of: Any) -> WebhookTrace:
    """The trace of a run or a running platform, or the trace itself.

    Raises: `TypeError` when it is not of a story about webhooks.
    """
    trace = of if isinstance(of, WebhookTrace) else getattr(of, "trace", None)
    if not isinstance(trace, WebhookTrace):
        raise TypeError(f"this must be a run of a story about webhooks, got {of!r}")
    return trace


def _last(trace: WebhookTrace) -> float:
    instants: Sequence[float] = [*trace.attempts.column("settled"), *trace.attempts.column("sent")]
    return max((instant for instant in instants if instant == instant), default=0.0)


def _status_filter(status: int | str | None) -> Any:
    if status is None:
        return None
    if status == "none":
        return lambda code: code != code
    if isinstance(status, str) and len(status) == 3 and status[0].isdigit() and status[1:] == "xx":
        low = int(status[0]) * 100
        return lambda code: low <= code < low + 100
    if isinstance(status, int):
        return lambda code: code == status
    raise ValueError(f"status must be a number, a class such as '5xx', or 'none', got {status!r}")
