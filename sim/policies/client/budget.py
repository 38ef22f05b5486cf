"""Retry budgets: how many retries all calls of a host may spend together.

A per-call limit of three retries multiplies the load on a server that is down by four.  A budget ties the retries
to the calls instead: when most calls fail, most retries are not made.
"""

from __future__ import annotations

import attrs

from sim.knobs import knob
from sim.outcome import Outcome


@attrs.define(kw_only=True)
class RetryBudget:
    """A token bucket across calls: every call deposits *ratio* tokens, every retry takes one.

    *capacity*: most tokens it holds; it starts full.  *per_second*: tokens that trickle in whatever the traffic,
    so that a quiet client can retry at all (Finagle's reserve; 0 is none).  A retry needs a whole token.

    With every attempt failing, the amplification tends to 1 + ratio.  Sources: M. Brooker, "Fixing retries with
    token buckets and circuit breakers", 2022; Finagle's `RetryBudget` (20 % and 10 per second).

    >>> budget = RetryBudget(ratio=0.5, capacity=1.0)
    >>> budget.spend(Outcome.timed_out(), now=0.0), budget.spend(Outcome.timed_out(), now=0.0)
    (True, False)
    """

    ratio: float = knob(0.1, low=0, high=10, help="retries earned per call")
    capacity: float = knob(5.0, low=1, high=1_000_000, unit="tokens", help="retries that can be saved up")
    per_second: float = knob(0.0, low=0, high=1_000_000, unit="tokens/s", help="retries earned per second")
    tokens: float = attrs.field(init=False)
    _seen: float = attrs.field(init=False, default=0.0)

    def __attrs_post_init__(self) -> None:
        self.tokens = self.capacity

    def started(self, now: float) -> None:
        """Deposit for one new call."""
        self._trickle(now)
        self.tokens = min(self.capacity, self.tokens + self.ratio)

    def spend(self, outcome: Outcome, now: float) -> bool:
        """Take one token, if there is a whole one."""
        self._trickle(now)
        # Ten deposits of 0.1 sum to a hair under 1 in floating point; a hair must not cost a retry.
        if self.tokens < 1.0 - 1e-9:
            return False
        self.tokens = max(0.0, self.tokens - 1.0)
        return True

    def succeeded(self, attempts: int, now: float) -> None:
        """A success earns nothing extra here: the deposit was made when the call began."""

    def _trickle(self, now: float) -> None:
        if self.per_second:
            self.tokens = min(self.capacity, self.tokens + self.per_second * max(0.0, now - self._seen))
            self._seen = max(self._seen, now)


@attrs.define(kw_only=True)
class RetryQuota:
    """The quota of the AWS SDKs' standard mode: a retry costs tokens, a success gives some back.

    *cost*: tokens a retry takes; *throttled_cost*: the same after a throttling answer (429 or 503).  *refund*: a
    first-try success gives back *refund* tokens, a success after retries the cost of the last one.  Defaults as in
    botocore 1.44: 500 tokens, 14, 5, 1; older releases charged 5.
    """

    capacity: float = knob(500.0, low=1, high=1_000_000, unit="tokens", help="tokens at the start")
    cost: float = knob(14.0, above=0, unit="tokens", help="price of a retry")
    throttled_cost: float = knob(5.0, above=0, unit="tokens", help="price of a retry after throttling")
    refund: float = knob(1.0, low=0, unit="tokens", help="given back by a first-try success")
    tokens: float = attrs.field(init=False)
    _last_cost: float = attrs.field(init=False, default=0.0)

    def __attrs_post_init__(self) -> None:
        self.tokens = self.capacity

    def started(self, now: float) -> None:
        """A new call changes nothing."""

    def spend(self, outcome: Outcome, now: float) -> bool:
        """Pay for one retry after *outcome*, if the tokens suffice."""
        price = self.throttled_cost if outcome.status in (429, 503) else self.cost
        if price > self.tokens:
            return False
        self.tokens -= price
        self._last_cost = price
        return True

    def succeeded(self, attempts: int, now: float) -> None:
        """Give back the last price after retries, *refund* after a first-try success; never above the capacity."""
        back = self._last_cost if attempts > 1 else self.refund
        self.tokens = min(self.capacity, self.tokens + back)


@attrs.define(kw_only=True)
class FailureShareGate:
    """Stops retries (never first tries) while failed attempts exceed *threshold* of all calls ever made.

    Counted over a lifetime, as in the published experiment it comes from: it therefore trips at about half the
    failure rate that one would expect, because retries that fail count too.  Source: M. Brooker, "Fixing retries
    with token buckets and circuit breakers", 2022.
    """

    threshold: float = knob(0.1, above=0, high=1, help="failed attempts per call above which no retry is made")
    calls: int = attrs.field(init=False, default=0)
    failures: int = attrs.field(init=False, default=0)

    def started(self, now: float) -> None:
        """Count a call."""
        self.calls += 1

    def spend(self, outcome: Outcome, now: float) -> bool:
        """Count a failure; True while failures per call are within the threshold."""
        self.failures += 1
        # 0.29 * 100 is a hair under 29 in floating point.
        return self.failures <= self.threshold * self.calls + 1e-9

    def succeeded(self, attempts: int, now: float) -> None:
        """A success changes neither count."""
