"""The delivery log as people read it: one page of rows and the health of each endpoint, all of it text."""

from __future__ import annotations

import math
from typing import Any

import attrs
import pandas

from sim.charts.answers import Answer, answer
from sim.deliveries import health, history, log
from sim.operate import Platform
from sim.trace import Fate

COUNTED = 1_000
"""Rows that are counted beyond the page that is shown."""
WINDOW = 3_600.0
"""Seconds of attempts that a success rate is made of."""
LAST = 30
"""Attempts that are shown of one delivery."""

UNDER_WAY = Answer("under way", "#FFFFFF", "o", "…")
"""The look of an attempt that has not been answered yet."""
_FATES = {
    Fate.QUEUED: "in queue",
    Fate.IN_FLIGHT: "in flight",
    Fate.DELIVERED: "delivered",
    Fate.DEAD: "dead-lettered",
    Fate.DROPPED: "dropped",
}


@attrs.frozen
class Row:
    """One attempt.  *look*: the kind of its answer.  *said*: the status, or what the platform made of it."""

    delivery: int
    sent: str
    event: str
    endpoint: str
    attempt: str
    look: Answer
    said: str
    latency: str
    snippet: str
    next: str


@attrs.frozen
class Page:
    """One page of the log.  *first*: the number of its first row.  *of*: how many rows fit, and *more* if yet more."""

    rows: tuple[Row, ...]
    first: int
    of: int
    more: bool

    @property
    def goes_on(self) -> bool:
        """True when there are older rows than those of this page."""
        return self.more or self.first + len(self.rows) <= self.of

    @property
    def place(self) -> str:
        """Where in the log this page is, for people."""
        if not self.rows:
            return "no attempt fits"
        last = self.first + len(self.rows) - 1
        return f"{self.first:,} to {last:,} of {'more than ' if self.more else ''}{self.of:,}"


@attrs.frozen
class Health:
    """How one endpoint does.  *success*: the share of the attempts of the last hour that were delivered."""

    endpoint: str
    success: str
    delivered: int
    waiting: int
    oldest: str
    dead: int
    disabled: bool


def page(platform: Platform, number: int, size: int, **filters: Any) -> Page:
    """Page *number* (0 is the newest) of the log, *size* rows a page, the newest first; *filters* as in `log`."""
    limit = (number + 1) * size + COUNTED
    frame = log(platform, limit=limit + 1, **filters)
    shown = frame.iloc[::-1].iloc[number * size : (number + 1) * size]
    return Page(_rows(shown, platform.now), number * size + 1, min(len(frame), limit), len(frame) > limit)


def past(platform: Platform, delivery: int) -> tuple[Row, ...]:
    """The last attempts of one delivery, the oldest first."""
    return _rows(history(platform, delivery).iloc[-LAST:], platform.now)


def standing(platform: Platform, delivery: int) -> str:
    """What has become of a delivery so far."""
    calls, words = platform.trace.calls, platform.trace.words
    fate, why = (calls.column(name)[delivery] for name in ("fate", "reason"))
    told = _FATES[Fate(int(fate))]
    return told if math.isnan(why) else f"{told}: {words[int(why)]}"


def endpoints(platform: Platform) -> tuple[Health, ...]:
    """The health of each endpoint at this moment."""
    disabled = platform.disabled
    rows: Any = health(platform, at=platform.now, window=WINDOW).itertuples()
    return tuple(
        Health(
            endpoint=row.Index,
            success="–" if math.isnan(row.success_rate) else f"{row.success_rate:.0%}",
            delivered=row.delivered,
            waiting=row.waiting,
            oldest=age(row.oldest_undelivered),
            dead=row.dead_letters,
            disabled=row.Index in disabled,
        )
        for row in rows
    )


def clock(instant: float) -> str:
    """An instant of virtual time, as hours, minutes and seconds, cut off after a tenth.

    >>> clock(0.0), clock(59.99), clock(3_723.4)
    ('0:00:00.0', '0:00:59.9', '1:02:03.4')
    """
    tenths = int(instant * 10 + 1e-6)
    return f"{tenths // 36_000}:{tenths // 600 % 60:02}:{tenths // 10 % 60:02}.{tenths % 10}"


def age(seconds: float) -> str:
    """A length of time, in two units at most; NaN is a dash.

    >>> age(0.0), age(0.0537), age(59.0), age(125.0), age(7_380.0), age(180_000.0), age(math.nan)
    ('0 s', '0.054 s', '59 s', '2 min 05 s', '2 h 03 min', '2 d 02 h', '–')
    """
    if math.isnan(seconds):
        return "–"
    if seconds < 60:
        return f"{seconds:.3f} s" if 0 < seconds < 1 else f"{seconds:.3g} s"
    whole = int(seconds)
    for size, name, part, below in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {name} {whole % size // part:02} {below}"
    raise AssertionError("a minute or more was left")


def _rows(frame: pandas.DataFrame, now: float) -> tuple[Row, ...]:
    return tuple(_row(row, now) for row in frame.itertuples(index=False))


def _row(row: Any, now: float) -> Row:
    under_way = math.isnan(row.latency)
    status = "" if row.status is pandas.NA or row.status == 0 else str(row.status)
    # A reason that begins with the status, such as "410: gone", says both.
    said = row.reason if row.reason.startswith(status) else f"{status}: {row.reason}"
    return Row(
        delivery=row.delivery,
        sent=clock(row.sent),
        event=row.event,
        endpoint=row.endpoint,
        attempt=f"{row.attempt:,}",
        look=UNDER_WAY if under_way else answer(row.status),
        said="under way" if under_way else said,
        latency=age(row.latency),
        snippet=row.snippet,
        next=_when(row.next, now),
    )


def _when(instant: float, now: float) -> str:
    if math.isnan(instant):
        return "–"
    return f"in {age(instant - now)}" if instant > now else f"at {clock(instant)}"
