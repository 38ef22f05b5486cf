"""The leaky bucket, which is two things under one name.

As a **meter** it measures: water comes in with each request, leaks out at a constant rate, and a request that would
make it overflow is refused.  It decides like a token bucket turned upside down.  As a **queue** it holds requests back
and lets them out one by one at a constant rate, like nginx's `limit_req` without `nodelay`: the output is smooth and
the price is waiting.
"""

from __future__ import annotations

from typing import Any

import attrs

from sim.knobs import knob
from sim.policies.limiter.bucket import Bursty
from sim.policies.limiter.decision import Decision, passed
from sim.policies.limiter.keyed import Keyed, seconds_until


@attrs.define(on_setattr=attrs.setters.NO_OP)
class LeakyBucketMeter(Bursty):
    """A bucket that holds *burst* requests' water and leaks *limit* of them in every *period* seconds.

    In any time of t seconds at most burst + limit·t/period get through, as through a token bucket.

    >>> meter = LeakyBucketMeter(1, period=1.0, burst=2)
    >>> [meter.decide("ada", now).allowed for now in (0.0, 0.0, 0.5, 1.0)]
    [True, True, False, True]
    """

    def _judge(self, state: Any, now: float, instant: int, cost: int) -> tuple[Decision, Any]:
        water = 0
        if state is not None:
            water, last = state
            water -= (instant - last) * self._rate
            if water < 0:
                water = 0
        risen = water + cost * self._span
        over = risen - self._full
        if over > 0:
            retry = seconds_until(instant - -over // self._rate, now) if cost <= self._size else None
            empty = water / self._rate / 1e9
            return Decision(False, self._size, (self._full - water) // self._span, empty, retry), None
        empty = risen / self._rate / 1e9
        return passed((True, self._size, -over // self._span, empty, 0.0, 0.0, "")), (risen, instant)


@attrs.define(on_setattr=attrs.setters.NO_OP)
class LeakyBucketQueue(Keyed):
    """A queue of *queue* places that lets *limit* requests out in every *period* seconds, evenly spaced.

    A request that passes must wait for `Decision.delay` seconds; whoever asked lets it through then, and two of one
    key are never let through closer than period/limit.  One that finds the queue full is refused.  A request of cost c
    takes c turns, so the largest that ever passes costs queue + 1, which is also the decision's *limit*.

    >>> queue = LeakyBucketQueue(10, period=1.0, queue=2)
    >>> [(queue.decide("ada", 0.0).allowed, queue.peek("ada", 0.0).delay) for _ in range(4)]
    [(True, 0.1), (True, 0.2), (True, 0.0), (False, 0.0)]
    """

    queue: int = knob(10, kind=int, low=0, high=10**9, unit="requests", help="places to wait", kw_only=True)
    _size: int = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._size = int(self.queue) + 1
        self._lifetime = -(-self._size * self._span // self._rate)

    def _judge(self, state: Any, now: float, instant: int, cost: int) -> tuple[Decision, Any]:
        # As in GCRA an instant is counted in units of which `rate` pass in a nanosecond and `span` are one turn.
        rate, span = self._rate, self._span
        here = instant * rate
        turn = here if state is None or state < here else state  # when the queue has let out all that it holds
        after = turn + cost * span
        room = here + self._size * span
        if after > room:
            retry = seconds_until(-((self._size * span - after) // rate), now) if cost <= self._size else None
            return Decision(False, self._size, (room - turn) // span, (turn - here) / rate / 1e9, retry), None
        delay = 0.0
        if turn > here:
            if round(now * 1e9) < instant:  # a clock that was set back must not make anybody wait longer
                now = instant / 1e9
            delay = seconds_until(-(-turn // rate), now)
        reset = (after - here) / rate / 1e9
        return passed((True, self._size, (room - after) // span, reset, 0.0, delay, "")), after
