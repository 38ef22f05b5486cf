"""Auto-disable: when to stop sending to an endpoint that only fails, with warnings first.

The guide warns at 90 % failures in the last hour and disables 24 hours later, while its own schedule goes on for 72:
attempts 12 to 25 then never happen.  A grace longer than the schedule loses nothing that the schedule would deliver.
"""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

import attrs

from sim.knobs import knob

_BUCKETS = 60


@attrs.frozen
class Healthy:
    """Go on."""


@attrs.frozen
class Warn:
    """Write to the owner: warning *number* (1 is the first), it will be disabled at the instant *disable_at*.

    *failures* of *attempts* in the window.
    """

    number: int
    disable_at: float
    failures: int
    attempts: int


@attrs.frozen
class Disable:
    """Send nothing more.  *reason*: one sentence."""

    reason: str


Health: TypeAlias = Healthy | Warn | Disable


def _in_order(shares: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(share) for share in shares)


@attrs.define(kw_only=True)
class AutoDisable:
    """Warns when at least *failure_fraction* of the last *window* seconds' attempts failed, and disables after *grace*.

    *minimum_volume*: attempts in the window below which it does not judge: it neither begins nor ends a bad time.  An
    endpoint on a schedule of hours has one attempt in the window now and then, so the bad time goes on until enough
    attempts say that it is over.  *warnings*: when to write, as shares of the grace; 0.0 is at once.

    Times never run backwards: an attempt that is older than the last one counts with that one.

    >>> rule = AutoDisable(grace=3_600.0)
    >>> for second in range(10):
    ...     rule.record(False, float(second))
    >>> rule.judge(10.0)
    Warn(number=1, disable_at=3610.0, failures=10, attempts=10)
    >>> rule.judge(3_610.0)
    Disable(reason='at least 90% of its attempts have failed for 1.0 h')
    """

    failure_fraction: float = knob(0.9, above=0, high=1, help="share of failures that is a bad time")
    window: float = knob(3_600.0, above=0, high=864_000, unit="s", help="how far back it looks")
    minimum_volume: int = knob(10, kind=int, low=1, high=1_000_000, unit="attempts", help="attempts before it judges")
    grace: float = knob(86_400.0, above=0, unit="s", help="from the first warning to disabling")
    warnings: tuple[float, ...] = attrs.field(default=(0.0, 0.5), converter=_in_order)
    _counts: deque[list[int]] = attrs.field(init=False, factory=deque)  # [bucket, attempts, failures]
    _since: float | None = attrs.field(init=False, default=None)
    _warned: int = attrs.field(init=False, default=0)

    @warnings.validator
    def _check(self, attribute: object, value: tuple[float, ...]) -> None:
        if list(value) != sorted(set(value)) or not all(0.0 <= share < 1.0 for share in value):
            raise ValueError(f"warnings must be shares of the grace from 0 to less than 1, in order, got {value!r}")

    def record(self, ok: bool, now: float) -> None:
        """Count one attempt; the counts are kept in sixtieths of the window."""
        bucket = int(now * _BUCKETS / self.window)
        counts = self._counts
        if not counts or counts[-1][0] < bucket:
            self._forget(now)
            counts.append([bucket, 0, 0])
        counts[-1][1] += 1
        counts[-1][2] += not ok

    def judge(self, now: float) -> Health:
        """What to do at *now*; each warning comes once, and a good time between two bad ones starts them again.

        `Disable` comes once as well, and then everything starts over: whoever enables the endpoint again gives it new
        warnings and a whole grace, or it would be disabled for its past at the next look.
        """
        self._forget(now)
        attempts = sum(one[1] for one in self._counts)
        failures = sum(one[2] for one in self._counts)
        if attempts >= self.minimum_volume:
            if failures < self.failure_fraction * attempts - 1e-9:
                self._since, self._warned = None, 0
            elif self._since is None:
                self._since = now
        if self._since is None:
            return Healthy()
        age = now - self._since
        if age >= self.grace:
            self.start_over()
            return Disable(f"at least {self.failure_fraction:.0%} of its attempts have failed for {age / 3_600:,.1f} h")
        if self._warned < len(self.warnings) and age >= self.warnings[self._warned] * self.grace:
            self._warned += 1
            return Warn(self._warned, self._since + self.grace, failures, attempts)
        return Healthy()

    def start_over(self) -> None:
        """Forget all failures and warnings, because somebody says that the endpoint is repaired."""
        self._counts.clear()
        self._since, self._warned = None, 0

    def _forget(self, now: float) -> None:
        oldest = int((now - self.window) * _BUCKETS / self.window)
        while self._counts and self._counts[0][0] < oldest:
            self._counts.popleft()
