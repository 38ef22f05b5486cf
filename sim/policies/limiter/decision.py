"""What a rate limiter answers, and what it must be able to do.

A limiter is asked about a key (an address, an API key, a user) and a cost (how many requests this one counts as).
`decide` spends; `peek` gives the same answer and spends nothing.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, Protocol

from sim.http import Request


class Decision(NamedTuple):  # one is made for every request, and a frozen attrs class takes over twice as long to make
    """Whether a request may pass, and what to tell its sender.

    *limit*: the most that a quiet key can have at once.  *remaining*: how much of it is left after this request,
    never below 0.  *reset_after*: seconds until all of it is back, if nothing more is sent.  *retry_after*: seconds
    after which the same request would pass, 0 when it passes now; None when waiting does not help, because its cost
    is more than the limiter ever lets through.  *delay*: seconds that a request which passes must wait before it is
    let through; only a queue asks for that.  *level*: the name of the limit that decided, when there are several.

    *retry_after* is exact: the same request at the instant `now + retry_after`, added as floats, passes.  *delay* and
    *reset_after* are counted on the limiter's clock, which never goes back; *reset_after* but for the last bit.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_after: float
    retry_after: float | None = 0.0
    delay: float = 0.0
    level: str = ""


passed = partial(tuple.__new__, Decision)
"""A decision from a tuple of all seven fields, without checks: for the path that most requests take."""


class RateLimiter(Protocol):
    """Decides by key.

    *now*: seconds on any clock, finite.  Time that goes back counts as standing still: the limiter's bound holds on
    the latest instant it has seen.  *cost*: a whole number, at least 1.
    """

    def decide(self, key: str, now: float, cost: int = 1) -> Decision:
        """Whether a request of *key* may pass; if it may, its cost is spent.  A refused request spends nothing."""
        ...

    def peek(self, key: str, now: float, cost: int = 1) -> Decision:
        """What `decide` would answer; nothing is spent and nothing is remembered."""
        ...


class RequestLimiter(Protocol):
    """Decides by request: what a gateway asks."""

    def decide(self, request: Request, now: float) -> Decision:
        """Whether *request* may pass; if it may, its cost is spent."""
        ...
