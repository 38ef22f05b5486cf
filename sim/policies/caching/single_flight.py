"""Single flight: of all who want the same thing at the same time, one goes for it and the others wait.

The name is that of Go's `singleflight`; nginx has it as `proxy_cache_lock`, Varnish as request coalescing.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import attrs

from sim.knobs import knob


@attrs.frozen
class Lead:
    """*who* goes; report its end as *flight*, by `landed` or `failed`."""

    flight: int
    who: Any


@attrs.frozen
class Follow:
    """Wait: the end of *flight* is reported to those who wait."""

    flight: int


@attrs.define(kw_only=True)
class SingleFlight:
    """Who goes and who waits, for each key.

    *leaders*: most who go in turn for the same followers: when one fails, the first who waits goes next, and when
    the last of them has failed, all who still wait are given the failure.  One flaky answer then does not fail a
    thousand callers, and a dead origin does not keep them waiting for a thousand time-outs one after the other.
    *patience*: seconds after which a flight is given up for lost: the next who comes leads, and takes over those
    who wait.  inf is never.

    >>> flights = SingleFlight()
    >>> flights.join("/products/7", "Ada", 0.0), flights.join("/products/7", "Bob", 0.1)
    (Lead(flight=1, who='Ada'), Follow(flight=1))
    >>> flights.landed(1)
    ('Bob',)
    """

    leaders: int = knob(2, kind=int, low=1, high=1_000_000, unit="leaders", help="most who go in turn")
    patience: float = knob(10.0, above=0, infinite=True, unit="s", help="when a flight is given up for lost")
    _by_key: dict[Hashable, _Flight] = attrs.field(init=False, factory=dict, repr=False)
    _by_number: dict[int, _Flight] = attrs.field(init=False, factory=dict, repr=False)
    _last: int = attrs.field(init=False, default=0)

    def __len__(self) -> int:
        """Flights that are under way."""
        return len(self._by_number)

    def join(self, key: Hashable, who: Any, now: float) -> Lead | Follow:
        """Whether *who*, any object, goes for *key* or waits."""
        flight = self._by_key.get(key)
        if flight is None:
            return self._depart(key, who, [], 1, now)
        if now - flight.departed >= self.patience:
            self._end(flight)
            return self._depart(key, who, flight.followers, 1, now)
        flight.followers.append(who)
        return Follow(flight.number)

    def landed(self, flight: int) -> tuple[Any, ...]:
        """The *flight* has what it went for: those who waited, in the order in which they came.

        Nobody for a flight that was given up: its followers wait for another now.
        """
        ended = self._by_number.get(flight)
        if ended is None:
            return ()
        self._end(ended)
        return tuple(ended.followers)

    def failed(self, flight: int, now: float) -> Lead | tuple[Any, ...]:
        """The *flight* brought nothing: who goes next, or else all who are given the failure."""
        ended = self._by_number.get(flight)
        if ended is None:
            return ()
        self._end(ended)
        if ended.followers and ended.leader < self.leaders:
            return self._depart(ended.key, ended.followers[0], ended.followers[1:], ended.leader + 1, now)
        return tuple(ended.followers)

    def _depart(self, key: Hashable, who: Any, followers: list[Any], leader: int, now: float) -> Lead:
        self._last += 1
        flight = _Flight(self._last, key, followers, leader, now)
        self._by_key[key] = self._by_number[flight.number] = flight
        return Lead(flight.number, who)

    def _end(self, flight: _Flight) -> None:
        del self._by_key[flight.key], self._by_number[flight.number]


@attrs.define
class _Flight:
    number: int
    key: Hashable
    followers: list[Any]
    leader: int
    departed: float
