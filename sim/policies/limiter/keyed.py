"""What all limiters share: whole nanoseconds, a state for every key, and keys that are forgotten when they are idle.

**Whole numbers.**  Floats refuse a good part of the retries that come at the very instant they were told, because
0.1 + 0.2 is not 0.3.  Inside a limiter an instant is a whole number of nanoseconds, and a rate is a pair of whole
numbers, so nothing is ever rounded but the instant itself; a wait is rounded up until the float sum
`now + wait` is not too early, even for seconds since 1970, where neighbouring floats are 240 ns apart.

**Time that goes back.**  A limiter's clock is the latest instant it has seen, so a clock that is set back gives nothing
back, and everybody waits until it has caught up.  An instant far in the future therefore stops the limiter: whoever
calls it must trust its own clock.

**Two generations.**  A key's state is written when it spends, and *lifetime* nanoseconds later it no longer matters:
the bucket is full again, the window is over.  So states are kept in two dicts.  New ones go into the young one; when
it is a lifetime old it becomes the old one, and the old one before it is dropped whole.  No key is looked for, no
clock is read, no timer runs, and each decision costs the same but for the one that turns the page.

**The bound.**  A limiter holds the keys that spent something in the last two lifetimes before its latest decision,
and no others.  A key that only was refused is not held.
"""

from __future__ import annotations

import math
from typing import Any

import attrs

from sim.knobs import knob
from sim.policies.limiter.decision import Decision

_LONG_AGO = -(10**40)


@attrs.define(on_setattr=attrs.setters.NO_OP)  # state is set with every request, and checked once, when made
class Keyed:
    """A limiter made of one function: `_judge` says what is decided about the state of one key.

    *limit* requests in *period* seconds.
    """

    limit: int = knob(100, kind=int, low=1, high=10**9, unit="requests", help="requests let through in a period")
    period: float = knob(60.0, low=1e-6, high=1e9, unit="s", help="the period that the limit is for", kw_only=True)

    _rate: int = attrs.field(init=False, repr=False)
    _span: int = attrs.field(init=False, repr=False)
    _lifetime: int = attrs.field(init=False, repr=False)
    _young: dict[str, Any] = attrs.field(init=False, repr=False, factory=dict)
    _old: dict[str, Any] = attrs.field(init=False, repr=False, factory=dict)
    _turn: int = attrs.field(init=False, repr=False, default=_LONG_AGO)
    _latest: int = attrs.field(init=False, repr=False, default=_LONG_AGO)

    def __attrs_post_init__(self) -> None:
        self._rate = int(self.limit)
        self._span = self._lifetime = nanoseconds(self.period)

    def decide(self, key: str, now: float, cost: int = 1) -> Decision:
        """Whether a request of *key* may pass; if it may, its cost is spent.

        Raises: `ValueError` for a cost that is not a whole number of at least 1.
        """
        if cost.__class__ is not int or cost < 1:
            raise ValueError(f"cost must be a whole number, at least 1, got {cost!r}")
        instant = round(now * 1e9)
        if instant > self._latest:
            self._latest = instant
            if instant >= self._turn:
                self._turn_the_page(instant)
        elif instant < self._latest:
            instant = self._latest
        state = self._young.get(key)
        if state is None:
            state = self._old.get(key)
        decision, state = self._judge(state, now, instant, cost)
        if state is not None:
            self._young[key] = state
        return decision

    def peek(self, key: str, now: float, cost: int = 1) -> Decision:
        """What `decide` would answer; nothing changes."""
        if cost.__class__ is not int or cost < 1:
            raise ValueError(f"cost must be a whole number, at least 1, got {cost!r}")
        state = self._young.get(key)
        if state is None:
            state = self._old.get(key)
        return self._look(state, now, max(nanoseconds(now), self._latest), cost)

    @property
    def keys_held(self) -> int:
        """How many states it holds; a key that spent in both generations counts twice."""
        return len(self._young) + len(self._old)

    def numbers_held(self, key: str) -> int:
        """How many numbers it holds for *key*: what a store that many servers share would have to keep for it.

        >>> from sim.policies.limiter import SlidingLog, TokenBucket
        >>> limiters = (TokenBucket(100), SlidingLog(100))
        >>> [limiter.decide("ada", 0.0, 70).allowed for limiter in limiters]
        [True, True]
        >>> [limiter.numbers_held("ada") for limiter in limiters]
        [2, 70]
        """
        state = self._young.get(key, self._old.get(key))
        return 0 if state is None else 1 if isinstance(state, int) else len(state)

    def _judge(self, state: Any, now: float, instant: int, cost: int) -> tuple[Decision, Any]:
        """The decision, and the key's new state; None when it stays as it is.  *state*: None for an idle key.

        *instant*: the time to judge by.  *now*: the caller's, from which waits are counted.
        """
        raise AssertionError("a limiter says itself what it decides")

    def _look(self, state: Any, now: float, instant: int, cost: int) -> Decision:
        """The decision alone, and nothing changes; for a state that `_judge` writes into, say it anew."""
        return self._judge(state, now, instant, cost)[0]

    def _turn_the_page(self, instant: int) -> None:
        # After a gap of a whole lifetime the young ones do not matter either.
        self._old = self._young if instant < self._turn + self._lifetime else {}
        self._young = {}
        self._turn = instant + self._lifetime


def nanoseconds(seconds: float) -> int:
    """The whole number of nanoseconds nearest to *seconds*.

    Raises: `ValueError` or `OverflowError` when it is not finite.

    >>> nanoseconds(0.1 + 0.2)
    300000000
    """
    return round(seconds * 1e9)


def seconds_until(target: int, now: float) -> float:
    """Seconds from *now* to the instant *target*, rounded up so that the float `now + seconds` is not before it.

    *target*: nanoseconds, not before *now*.

    >>> seconds_until(nanoseconds(1.7e9) + 1, 1.7e9)  # the sum is the next float after 1.7e9
    2.394185791015625e-07
    """
    wait = (target - round(now * 1e9)) / 1e9
    while round((now + wait) * 1e9) < target:
        wait += math.ulp(max(abs(now), wait))
    return wait
