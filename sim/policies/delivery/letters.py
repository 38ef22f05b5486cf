"""The dead-letter queue: what could not be delivered waits here for somebody to repair the endpoint and replay it.

Not a bin: a letter keeps the reason, and its delivery keeps every attempt, in the log.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from itertools import islice

import attrs

from sim.knobs import Knob, knob
from sim.policies.webhooks.retention import DAY


@attrs.frozen
class DeadLetter:
    """One *delivery* that is given up for now: its *event*, *endpoint*, the *reason*, when, after how many attempts."""

    delivery: int
    event: str
    endpoint: str
    reason: str
    at: float
    attempts: int


_LIMIT = Knob(low=0, type=int, optional=True, name="limit")


@attrs.define(kw_only=True)
class DeadLetterQueue:
    """Keeps letters for *retention* seconds, in the order in which they came.

    A letter that is exactly *retention* seconds old is still kept.  The guide says 30 days at least; whoever receives
    must know ids for longer than that, or a late replay is done twice (`sim.policies.webhooks.required_retention`).

    >>> queue = DeadLetterQueue(retention=60.0)
    >>> queue.add(DeadLetter(1, "evt_1", "shop", "timed out", 0.0, 25))
    >>> queue.expire(60.0), len(queue.expire(61.0)), len(queue)
    ([], 1, 0)
    """

    retention: float = knob(30 * DAY, above=0, infinite=True, unit="s", help="how long a dead letter is kept")
    _letters: OrderedDict[int, DeadLetter] = attrs.field(init=False, factory=OrderedDict)
    _counts: Counter[str] = attrs.field(init=False, factory=Counter)

    def __len__(self) -> int:
        """How many letters it holds."""
        return len(self._letters)

    def count(self, endpoint: str | None = None) -> int:
        """How many letters of *endpoint* it holds, None is all; without looking through them."""
        return len(self._letters) if endpoint is None else self._counts[endpoint]

    def add(self, letter: DeadLetter) -> None:
        """Keep *letter*; it is not older than the last one.

        Raises: `ValueError` when its delivery is here already.
        """
        if letter.delivery in self._letters:
            raise ValueError(f"delivery {letter.delivery} is among the dead letters already")
        self._letters[letter.delivery] = letter
        self._counts[letter.endpoint] += 1

    def letters(self, endpoint: str | None = None) -> tuple[DeadLetter, ...]:
        """The letters of *endpoint*, None is all; the oldest first."""
        return tuple(letter for letter in self._letters.values() if endpoint in (None, letter.endpoint))

    def expire(self, now: float) -> list[DeadLetter]:
        """Forget the letters that are older than the retention, and say which; the oldest first."""
        old = []
        while self._letters:
            letter = next(iter(self._letters.values()))
            if now - letter.at <= self.retention:
                break
            old.append(self._remove(letter.delivery))
        return old

    def take(
        self, *, deliveries: Iterable[int] | None = None, endpoint: str | None = None, reason: str | None = None,
        limit: int | None = None,
    ) -> list[DeadLetter]:  # fmt: skip
        """Remove letters and return them, the oldest first: all, or those that fit everything that is given.

        *deliveries*: numbers; one that is not here is passed over.  *reason*: a part of the letter's.  *limit*: at
        most so many, None is all.

        Raises: `ValueError` or `TypeError` for a *limit* that is no whole number, at least 0.

        >>> queue = DeadLetterQueue()
        >>> for number in range(5):
        ...     queue.add(DeadLetter(number, f"evt_{number}", "shop", "timed out", 0.0, 25))
        >>> [letter.delivery for letter in queue.take(limit=2)], len(queue)
        ([0, 1], 3)
        """
        limit = _LIMIT.check(limit)
        wanted = None if deliveries is None else set(deliveries)
        chosen = (
            number
            for number in self._among(wanted)
            if (endpoint is None or self._letters[number].endpoint == endpoint)
            and (reason is None or reason in self._letters[number].reason)
        )
        return [self._remove(number) for number in list(islice(chosen, limit))]

    def _among(self, wanted: set[int] | None) -> Iterator[int]:
        """The deliveries here, or those that are *wanted*, the oldest first; it stops at the last one wanted."""
        if wanted is None:
            yield from self._letters
            return
        left = sum(number in self._letters for number in wanted)
        numbers = iter(self._letters)
        while left:
            number = next(numbers)
            if number in wanted:
                left -= 1
                yield number

    def _remove(self, delivery: int) -> DeadLetter:
        letter = self._letters.pop(delivery)
        self._counts[letter.endpoint] -= 1
        return letter
