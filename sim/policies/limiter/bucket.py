"""Token bucket and GCRA: one rule, told twice.

The bucket counts tokens that trickle in; GCRA, the "generic cell rate algorithm" of ATM networks, remembers one
instant, the one at which the bucket will be full again.  They decide alike, always.  Both let *burst* requests through
at once and then *limit* in a *period*: in a time t at most burst + limit·t/period, so twice the limit in the first
period.  That is no mistake, it is what a burst means; but "100 a minute" it is not.
"""

from __future__ import annotations

from typing import Any

import attrs

from sim.knobs import knob
from sim.policies.limiter.decision import Decision, passed
from sim.policies.limiter.keyed import Keyed, seconds_until


@attrs.define(on_setattr=attrs.setters.NO_OP)
class Bursty(Keyed):
    """A limiter with a *burst*: requests that may come at once after a quiet time; None is as many as *limit*."""

    burst: int | None = knob(
        None, kind=int, low=1, high=10**9, optional=True, unit="requests", help="let through at once", kw_only=True
    )
    _size: int = attrs.field(init=False, repr=False)
    _full: int = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._size = self._rate if self.burst is None else int(self.burst)
        # The unit of all that follows: in one nanosecond `rate` of them come in, and `span` of them are one token.
        self._full = self._size * self._span
        self._lifetime = -(-self._full // self._rate)


@attrs.define(on_setattr=attrs.setters.NO_OP)
class TokenBucket(Bursty):
    """A bucket of *burst* tokens, filled with *limit* tokens in every *period* seconds; a request takes its cost.

    In any time of t seconds at most burst + limit·t/period get through.

    >>> bucket = TokenBucket(2, period=1.0)
    >>> [bucket.decide("ada", now).allowed for now in (0.0, 0.0, 0.4, 0.5)]
    [True, True, False, True]
    >>> bucket.peek("ada", 0.6).retry_after
    0.4
    """

    def _judge(self, state: Any, now: float, instant: int, cost: int) -> tuple[Decision, Any]:
        tokens = full = self._full
        if state is not None:
            tokens, last = state
            tokens += (instant - last) * self._rate
            if tokens > full:
                tokens = full
        left = tokens - cost * self._span
        if left < 0:
            return self._refusal(tokens, now, instant, cost), None
        reset = (full - left) / self._rate / 1e9
        return passed((True, self._size, left // self._span, reset, 0.0, 0.0, "")), (left, instant)

    def _refusal(self, tokens: int, now: float, instant: int, cost: int) -> Decision:
        reset = (self._full - tokens) / self._rate / 1e9
        retry = None
        if cost <= self._size:
            retry = seconds_until(instant - (tokens - cost * self._span) // self._rate, now)
        return Decision(False, self._size, tokens // self._span, reset, retry)


@attrs.define(on_setattr=attrs.setters.NO_OP)
class GCRA(Bursty):
    """Remembers for each key when its bucket will be full again, the *theoretical arrival time*; one whole number.

    A request moves that instant on by cost·period/limit, and passes unless it would then lie more than
    burst·period/limit ahead.  Source: ITU-T I.371, annex A; B. Leach, "Rate Limiting, Cells, and GCRA", 2015.

    >>> gcra = GCRA(10, period=1.0, burst=2)
    >>> [gcra.decide("ada", now).allowed for now in (0.0, 0.0, 0.05, 0.1)]
    [True, True, False, True]
    """

    def _judge(self, state: Any, now: float, instant: int, cost: int) -> tuple[Decision, Any]:
        rate, span = self._rate, self._span
        here = instant * rate
        arrival = here if state is None or state < here else state
        after = arrival + cost * span
        room = here + self._full
        if after > room:
            retry = seconds_until(-((self._full - after) // rate), now) if cost <= self._size else None
            return Decision(False, self._size, (room - arrival) // span, (arrival - here) / rate / 1e9, retry), None
        return passed((True, self._size, (room - after) // span, (after - here) / rate / 1e9, 0.0, 0.0, "")), after
