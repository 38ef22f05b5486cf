"""Client-side throttling: send only a little more than what is being accepted.

It stands where a circuit breaker stands, without the cliff between closed and open.
"""

from __future__ import annotations

from collections import deque
from random import Random

import attrs

from sim.knobs import knob
from sim.outcome import Outcome


@attrs.define(kw_only=True)
class AdaptiveThrottle:
    """Refuses locally with probability max(0, (requests - K * accepts) / (requests + 1)).

    *requests* counts what the callers wanted in the last *window* seconds, refused ones too; *accepts* what the
    server took.  In the steady state min(offered, K * capacity) is sent.  Source: "Site Reliability Engineering",
    2016, chapter 21, equation 21-1 (window of two minutes, K of 2).
    """

    multiplier: float = knob(2.0, low=1, high=100, help="K: requests sent per request accepted")
    window: float = knob(120.0, above=0, high=86_400, unit="s", help="how far back it counts")
    _requests: deque[float] = attrs.field(init=False, factory=deque)
    _accepts: deque[float] = attrs.field(init=False, factory=deque)

    def admit(self, now: float, rng: Random) -> int | None:
        """A permit (always 0), or None when this attempt is refused locally."""
        requests, accepts = self._requests, self._accepts
        horizon = now - self.window
        for instants in (requests, accepts):
            while instants and instants[0] <= horizon:
                instants.popleft()
        surplus = (len(requests) - self.multiplier * len(accepts)) / (len(requests) + 1)
        requests.append(now)
        return None if surplus > 0.0 and rng.random() < surplus else 0

    def record(self, permit: int, outcome: Outcome, now: float, rng: Random) -> None:
        """Count an accept: any answer that is neither an overload (429, 503) nor a failure of the server."""
        status = outcome.status
        if status and status < 500 and status != 429:
            self._accepts.append(now)

    def retry_after(self, now: float) -> float:
        """0: it may be worth asking again at once."""
        return 0.0
