"""When a failed delivery is tried again.  A schedule is a retry rule; which answers deserve a retry, a table says.

Gaps, not instants: a row of the guide's table is the wait *before* that attempt.
"""

from __future__ import annotations

import itertools
from random import Random

import attrs

from sim.flow import RetryRule, check_method
from sim.knobs import knob
from sim.outcome import Outcome
from sim.policies.client.backoff import Backoff, Exponential, Table
from sim.policies.client.retry import Retry
from sim.policies.webhooks.retention import STANDARD_WEBHOOKS_SCHEDULE

HOURS_72 = 72 * 3_600.0

_BEGINNING = (30.0, 300.0, 1_800.0, 7_200.0)
_LEFT = 20

GUIDE_GAPS = (*_BEGINNING, *((HOURS_72 - sum(_BEGINNING)) / _LEFT,) * _LEFT)
"""Seconds before attempts 2 to 25 of the guide's schedule, 72 h in all.

The guide gives four gaps, "exponential", 25 attempts and 72 h, and these cannot all be true.  After the fourth gap 20
are left to fill 69.4 h: 3.47 h each.  Doubling on from 2 h passes 72 h with attempt 10 (126.6 h); to end at 72 h each
gap could only be 1.05 times the last.  So the tail is filled with equal gaps, the plainest that keeps 25 and 72 h.
"""


def _check_order(low: float, high: float) -> None:
    if high < low:
        raise ValueError(f"high must be at least low ({low:g}), got {high!r}")


@attrs.frozen
class Spread:
    """Another backoff's wait, times U(*low*, *high*): every kind of jitter that has no memory.

    >>> 0.0 <= Spread(Table((30.0,)), low=0.0, high=1.0).delay(1, 0.0, Random(7)) <= 30.0
    True
    """

    backoff: Backoff
    low: float = knob(1.0, low=0, high=10, help="smallest factor", kw_only=True)
    high: float = knob(1.0, low=0, high=10, help="largest factor", kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_method(self.backoff, "delay", "attempt", "previous", "rng")
        _check_order(self.low, self.high)

    def delay(self, attempt: int, previous: float, rng: Random) -> float:
        """The inner wait times a factor drawn evenly from *low* to *high*."""
        factor = self.low + rng.random() * (self.high - self.low) if self.high > self.low else self.low
        return self.backoff.delay(attempt, previous, rng) * factor


@attrs.frozen
class Jitter:
    """A kind of jitter: the wait is multiplied by a factor drawn evenly from *low* to *high*, both from 0 to 10.

    `DecorrelatedJitter` is none of these: it is a backoff of its own, because it remembers the last wait.

    Raises: `ValueError` when *high* is less than *low*.
    """

    low: float = knob(low=0, high=10)
    high: float = knob(low=0, high=10)

    def __attrs_post_init__(self) -> None:
        _check_order(self.low, self.high)

    def over(self, backoff: Backoff) -> Backoff:
        """*backoff* with this jitter."""
        return backoff if self.low == self.high == 1.0 else Spread(backoff, low=self.low, high=self.high)


NONE = Jitter(1.0, 1.0)
"""All that failed together come back together."""
PROPORTIONAL = Jitter(1.0, 1.2)
"""The guide's: base * (1 + U(0, 0.2)).  Never early, and a herd comes back within a fifth of the wait."""
EQUAL = Jitter(0.5, 1.0)
"""At least half of the wait.  Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015, as the next."""
FULL = Jitter(0.0, 1.0)
"""Anything from no wait to the whole."""


def always(outcome: Outcome) -> bool:
    """A retry is worth while whatever came: the table of rules has already said so."""
    return True


def schedule(backoff: Backoff, *, attempts: int) -> Retry:
    """A retry rule with the waits of *backoff*, *attempts* in all; Retry-After is left to the table of rules."""
    return Retry(backoff, attempts=attempts, on=always, respect_retry_after=False)


def guide_schedule(*, jitter: Jitter = PROPORTIONAL) -> Retry:
    """The guide's 25 attempts over 72 h; with its own jitter they end after 79.2 h on average, 86.4 h at most."""
    return schedule(jitter.over(Table(GUIDE_GAPS)), attempts=len(GUIDE_GAPS) + 1)


def standard_schedule(*, jitter: Jitter = PROPORTIONAL) -> Retry:
    """The example of Standard Webhooks 1.0.0, "Deliverability and reliability": 10 attempts over 75 h 35 min 5 s.

    It asks for "some level of random jitter" and names none; *jitter* is the guide's unless another is given.
    """
    return schedule(jitter.over(Table(STANDARD_WEBHOOKS_SCHEDULE)), attempts=len(STANDARD_WEBHOOKS_SCHEDULE) + 1)


def exponential_schedule(
    *, base: float = 30.0, cap: float = 14_400.0, attempts: int = 25, jitter: Jitter = FULL
) -> Retry:
    """Doubling from *base* to *cap* seconds, *attempts* in all."""
    return schedule(jitter.over(Exponential(base=base, cap=cap)), attempts=attempts)


def instants(rule: RetryRule, *, limit: int = 100) -> list[float]:
    """Seconds from the first attempt to each, the first is 0, when every attempt fails at once.

    With jitter, one draw of it.  At most *limit* attempts.

    >>> instants(guide_schedule(jitter=NONE))[:5]
    [0.0, 30.0, 330.0, 2130.0, 9330.0]
    """
    rng, failed = Random(0), Outcome.answered(500)
    gaps, elapsed, previous = [0.0], 0.0, 0.0
    for attempt in range(1, limit):
        wait = rule.wait(attempt, failed, elapsed, previous, rng)
        if wait is None:
            break
        gaps.append(wait)
        elapsed, previous = elapsed + wait, wait
    return list(itertools.accumulate(gaps))
