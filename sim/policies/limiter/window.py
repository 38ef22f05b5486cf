"""Windows: count what a key has sent in a stretch of time.

The fixed window keeps one counter and forgets it at the boundary, so that twice the limit gets through around it.
The sliding log remembers every request and is exact.  The sliding counter guesses the log from two counters.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import attrs

from sim.policies.limiter.decision import Decision, passed
from sim.policies.limiter.keyed import Keyed, seconds_until


@attrs.define(on_setattr=attrs.setters.NO_OP)
class FixedWindow(Keyed):
    """At most *limit* in each window of *period* seconds; the windows begin at the multiples of the period.

    Every caller can know the boundary, and a burst on either side of it is twice the limit in no time.

    >>> window = FixedWindow(1, period=60.0)
    >>> [window.decide("ada", now).allowed for now in (59.0, 59.9, 60.0)]
    [True, False, True]
    """

    def _judge(self, state: Any, now: float, instant: int, cost: int) -> tuple[Decision, Any]:
        window = instant // self._span
        used = 0
        if state is not None and state[0] == window:
            used = state[1]
        end = (window + 1) * self._span
        left = self._rate - used - cost
        if left < 0:
            retry = seconds_until(end, now) if cost <= self._rate else None
            return Decision(False, self._rate, self._rate - used, (end - instant) / 1e9 if used else 0.0, retry), None
        return passed((True, self._rate, left, (end - instant) / 1e9, 0.0, 0.0, "")), (window, used + cost)


@attrs.define(on_setattr=attrs.setters.NO_OP)
class AnchoredWindow(Keyed):
    """At most *limit* in a window of *period* seconds, which begins with a key's first request.

    The boundary differs from key to key and moves after each quiet time; whoever knows it (a first request is enough)
    can still send twice the limit around it.

    >>> window = AnchoredWindow(1, period=60.0)
    >>> [window.decide("ada", now).allowed for now in (59.0, 60.0, 119.0)]
    [True, False, True]
    """

    def _judge(self, state: Any, now: float, instant: int, cost: int) -> tuple[Decision, Any]:
        if state is None or instant >= state[0] + self._span:
            begun, used = instant, 0
        else:
            begun, used = state
        end = begun + self._span
        left = self._rate - used - cost
        if left < 0:
            retry = seconds_until(end, now) if cost <= self._rate else None
            return Decision(False, self._rate, self._rate - used, (end - instant) / 1e9 if used else 0.0, retry), None
        return passed((True, self._rate, left, (end - instant) / 1e9, 0.0, 0.0, "")), (begun, used + cost)


@attrs.define(on_setattr=attrs.setters.NO_OP)
class SlidingCounter(Keyed):
    """An estimate of the last *period* seconds from two clock-aligned counters, kept below *limit*.

    The window before counts with the share of it that the last *period* seconds still cover, as if its requests had
    come evenly.  They seldom do, so it lets more or less through than the log; never more than twice the limit in
    any period.  The estimate is rounded down to whole requests, as `limits` does.  Source: Cloudflare, "How we built
    rate limiting capable of scaling to millions of domains", 2017.

    >>> counter = SlidingCounter(4, period=60.0)
    >>> [counter.decide("ada", now).allowed for now in (59.0, 59.0, 59.0, 59.0, 60.0, 60.1, 60.1)]
    [True, True, True, True, False, True, False]
    """

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._lifetime = 2 * self._span

    def _judge(self, state: Any, now: float, instant: int, cost: int) -> tuple[Decision, Any]:
        span, limit = self._span, self._rate
        window, elapsed = divmod(instant, span)
        before = used = 0
        if state is not None:
            if state[0] == window:
                _, before, used = state
            elif state[0] == window - 1:
                before = state[2]
        estimate = before * (span - elapsed) // span + used
        left = limit - estimate - cost
        start = instant - elapsed
        if left < 0:
            reset = max(0, self._below(1, start, before, used) - instant) / 1e9
            retry = None
            if cost <= limit:
                retry = seconds_until(self._below(limit - cost + 1, start, before, used), now)
            return Decision(False, limit, max(0, limit - estimate), reset, retry), None
        used += cost
        reset = (self._below(1, start, before, used) - instant) / 1e9
        return passed((True, limit, left, reset, 0.0, 0.0, "")), (window, before, used)

    def _below(self, bound: int, start: int, before: int, used: int) -> int:
        """The first instant of the window that began at *start*, or a later one, with an estimate below *bound*."""
        if used >= bound:  # not in this window, and in the next one these are the ones before
            start, before, used = start + self._span, used, 0
        if not before:
            return start
        # The smallest `elapsed` with before * (span - elapsed) < (bound - used) * span.
        return start + max(0, self._span + 1 + (used - bound) * self._span // before)


@attrs.define(on_setattr=attrs.setters.NO_OP)
class SlidingLog(Keyed):
    """At most *limit* in any *period* seconds: it remembers every request of the last period.

    A request counts for exactly *period* seconds.  Exact, and the price is memory: up to *limit* entries for a key; a
    cost of c is c entries.  All of the limit can still come in one instant.

    >>> log = SlidingLog(1, period=60.0)
    >>> [log.decide("ada", now).allowed for now in (59.0, 60.0, 118.9, 119.0)]
    [True, False, False, True]
    """

    def _judge(self, state: Any, now: float, instant: int, cost: int) -> tuple[Decision, Any]:
        """The state is a list of the requests' instants, oldest first; what has expired is struck out."""
        log = [] if state is None else state
        expired = instant - self._span
        if log and log[0] <= expired:
            del log[: bisect_right(log, expired)]
        left = self._rate - len(log) - cost
        if left < 0:
            return self._refusal(log, 0, now, instant, cost), None
        if cost == 1:
            log.append(instant)
        else:
            log.extend([instant] * cost)
        return passed((True, self._rate, left, self._span / 1e9, 0.0, 0.0, "")), log

    def _look(self, state: Any, now: float, instant: int, cost: int) -> Decision:
        log = [] if state is None else state
        first = bisect_right(log, instant - self._span)
        left = self._rate - (len(log) - first) - cost
        if left < 0:
            return self._refusal(log, first, now, instant, cost)
        return Decision(True, self._rate, left, self._span / 1e9)

    def _refusal(self, log: list[int], first: int, now: float, instant: int, cost: int) -> Decision:
        """*first*: the oldest entry that has not expired."""
        used, retry = len(log) - first, None
        if cost <= self._rate:
            # It fits when as many of the oldest have expired as are too many now.
            retry = seconds_until(log[first + used + cost - self._rate - 1] + self._span, now)
        reset = (log[-1] + self._span - instant) / 1e9 if used else 0.0
        return Decision(False, self._rate, self._rate - used, reset, retry)
