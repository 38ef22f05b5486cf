"""The client's side: read what the server says about its limits, and do not send what would be refused."""

from __future__ import annotations

from random import Random

import attrs

from sim.knobs import knob
from sim.outcome import Outcome
from sim.policies.limiter.reading import read_limit

_ASKED_TO_WAIT = frozenset({429, 503})


@attrs.define(kw_only=True)
class HeedLimits:
    """Holds back what the server would refuse; it stands where a circuit breaker stands.

    Told that n requests are left until a reset, it sends n more, those in flight among them, and then none before the
    reset; told to wait by a 429 or a 503, it sends none before that.  Each answer corrects what it knew.  It believes
    no answer for longer than *longest* seconds, because a header may be wrong or hostile, and trusts no promise:
    `remaining` says what would have been let through, not what will be.

    A token bucket's reset is the instant at which it is full again, so before a bucket this waits longer than it must.
    *spread*: a time at which it may send again is put off by up to this share of the wait, at random, so that hosts
    which were told the same do not come together.

    >>> from sim.http import Response
    >>> heed, rng = HeedLimits(), Random(0)
    >>> said = Response(headers={"RateLimit": '"default";r=0;t=30'})
    >>> heed.record(heed.admit(0.0, rng), Outcome.of(said, now=0.0), 0.0, rng)
    >>> heed.admit(29.9, rng), heed.retry_after(29.0), heed.admit(30.0, rng)
    (None, 1.0, 0)
    """

    longest: float = knob(3_600.0, above=0, high=86_400, unit="s", help="longest that one answer holds it back")
    spread: float = knob(0.0, low=0, high=10, help="a wait is stretched by up to this share")

    _until: float = attrs.field(init=False, default=float("-inf"))
    _left: int | None = attrs.field(init=False, default=None)
    _in_flight: int = attrs.field(init=False, default=0)

    def admit(self, now: float, rng: Random) -> int | None:
        """A permit (always 0), or None while the server would refuse."""
        if now >= self._until:
            self._left = None
        if self._left is not None:
            if self._left == 0:
                return None
            self._left -= 1
        self._in_flight += 1
        return 0

    def record(self, permit: int, outcome: Outcome, now: float, rng: Random) -> None:
        """Learn what the answer says about the limit."""
        self._in_flight -= 1
        if outcome.status in _ASKED_TO_WAIT and outcome.retry_after is not None:
            self._know(0, outcome.retry_after, now, rng)
            return
        said = None if outcome.response is None else read_limit(outcome.response, now=now)
        if said is not None and said.reset_after is not None:
            self._know(max(0, said.remaining - self._in_flight), said.reset_after, now, rng)

    def retry_after(self, now: float) -> float:
        """Seconds until it sends again; 0 when it may send now."""
        return max(0.0, self._until - now) if self._left == 0 else 0.0

    def _know(self, left: int, wait: float, now: float, rng: Random) -> None:
        stretch = 1.0 + rng.random() * self.spread if self.spread and not left else 1.0
        self._left, self._until = left, now + min(wait, self.longest) * stretch
