"""Retry: whether to try again, and after how long.

`Retry` decides for one call; `RetryBudget` and its kin decide across calls (see `sim.policies.client.budget`), and a
circuit breaker decides whether anything is sent at all.  `ClientPolicy` is the three together.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import attrs

from sim.flow import Breaker, CallFlow, RetryGate, RetryRule, call_flow, check_method
from sim.knobs import knob
from sim.outcome import Outcome
from sim.policies.client.backoff import Backoff, Fixed, FullJitter

TRANSIENT_STATUSES = frozenset({0, 408, 409, 425, 429, 500, 502, 503, 504})
"""Answers that may be different next time; 0 is a refused connection.

RFC 9110 §15.5.9 (408), §15.6 (5xx), RFC 6585 §4 (429), RFC 8470 §5.2 (425); 409 as Stripe's clients do: a twin
request is still in flight.
"""


def transient(outcome: Outcome) -> bool:
    """True when trying again makes sense: an unknown end, an open breaker, or a status that may change.

    Whether trying again is *safe* is another question, and the answer is idempotency.
    """
    return outcome.status in TRANSIENT_STATUSES or outcome.indeterminate or outcome.reason == "breaker open"


@attrs.frozen
class Retry:
    """Try again after *backoff*, up to *attempts* tries in total, within *deadline* seconds of the call's start.

    *attempts*: counts the first try; None is no limit.  *deadline*: a retry that would start later is not made;
    None is no limit.  *on*: which outcomes are worth a retry.  *respect_retry_after*: wait at least as long as
    the other side asked.

    >>> Retry(Fixed(1.0), attempts=2).wait(1, Outcome.timed_out(), elapsed=0.0, previous=0.0, rng=Random(0))
    1.0
    >>> Retry(Fixed(1.0), attempts=2).wait(2, Outcome.timed_out(), elapsed=2.0, previous=1.0, rng=Random(0))
    """

    backoff: Backoff = attrs.field(factory=FullJitter)
    attempts: int | None = knob(
        6, kind=int, low=1, high=10_000, optional=True, unit="attempts", help="tries in total", kw_only=True
    )
    deadline: float | None = knob(
        None, above=0, optional=True, unit="s", help="no retry starts later than this", kw_only=True
    )
    on: Callable[[Outcome], bool] = attrs.field(default=transient, kw_only=True)
    respect_retry_after: bool = knob(True, kind=bool, help="wait at least as long as asked", kw_only=True)

    @backoff.validator
    def _check(self, attribute: object, value: Backoff) -> None:
        check_method(value, "delay", "attempt", "previous", "rng")

    @classmethod
    def immediate(cls, attempts: int | None = 6) -> Retry:
        """Try again at once: what a bare loop around a request does."""
        return cls(Fixed(0.0), attempts=attempts)

    @classmethod
    def never(cls) -> Retry:
        """One attempt, whatever comes of it."""
        return cls(Fixed(0.0), attempts=1)

    def wait(self, attempt: int, outcome: Outcome, elapsed: float, previous: float, rng: Random) -> float | None:
        """Seconds to wait before attempt *attempt* + 1, or None to give up.

        *elapsed*: seconds since the call began.  *previous*: the last wait, 0 at first.
        """
        limit = self.attempts
        if (limit is not None and attempt >= limit) or not self.on(outcome):
            return None
        delay = self.backoff.delay(attempt, previous, rng)
        asked = outcome.retry_after
        if asked is not None and asked > delay and self.respect_retry_after:
            delay = asked
        if self.deadline is not None and elapsed + delay > self.deadline:
            return None
        return delay


@attrs.frozen
class ClientPolicy:
    """All that a client decides: *retry*, and for all calls of a host together, *breaker* and *budget*.

    None for *breaker* or *budget* is: there is none.
    """

    retry: RetryRule = attrs.field(factory=Retry)
    breaker: Breaker | None = None
    budget: RetryGate | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_method(self.retry, "wait", "attempt", "outcome", "elapsed", "previous", "rng")
        if self.breaker is not None:
            check_method(self.breaker, "admit", "now", "rng")
            check_method(self.breaker, "record", "permit", "outcome", "now", "rng")
            check_method(self.breaker, "retry_after", "now")
        if self.budget is not None:
            check_method(self.budget, "started", "now")
            check_method(self.budget, "spend", "outcome", "now")
            check_method(self.budget, "succeeded", "attempts", "now")

    def call(self, now: float, rng: Random) -> CallFlow:
        """The flow of one call that begins at *now*."""
        return call_flow(self.retry, self.breaker, self.budget, now=now, rng=rng)
