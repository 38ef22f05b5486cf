"""One limit for many gateways: a counter in a store that they share, spent in five ways.

Each way is right when nobody comes between its two accesses to the store.  Somebody does:

- `get_then_set` reads the count and writes the next one.  Two that read the same count write the same count.
- `get_then_increment` adds atomically, and still decides by what it read before.
- `increment_first` adds, and decides by the sum it gets back: exact, with any number of gateways.
- `compare_and_set` writes only over what it has read, and reads again when somebody was faster: exact as well, and
  good for any state, a token bucket's too, which no counter can hold.
- `increment_then_expire` decides as exactly, but its window ends by a second command: a process that dies between the
  two leaves a counter that never ends, and its caller is locked out for ever.

In the others the window's number is part of the counter's key, so no window has to be ended.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias

from sim.flow import Effect, HandlerFlow, Reply, Step, Work
from sim.http import Request, Response
from sim.policies.limiter import Decision, KeyOf, by_peer, too_many
from sim.store import Store

Spending: TypeAlias = Generator[Step, float, int | None]
"""Returns the count with this request in it; None when the request is refused."""

Spend: TypeAlias = Callable[[Store, str, int, float, float], Spending]
"""A way to spend: *store*, the caller's *name*, the *limit*, *now*, and the *period* of a window in seconds."""

COUNTS = "counts"
ENDINGS = "endings"


class SharedCounter:
    """A service that lets *limit* requests of a key through in each *period* seconds, counted in *store*.

    *spend*: one of the ways above.  *key*: whose request it is.  What is let through has its effect and a 200; the rest
    is a 429 with the headers of a limiter.
    """

    def __init__(
        self, store: Store, spend: Spend, *, limit: int = 100, period: float = 60.0, key: KeyOf = by_peer
    ) -> None:
        self.store, self._spend, self._limit, self._period, self._key = store, spend, limit, period, key

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Count *request*, and do its work or refuse it."""
        count = yield from self._spend(self.store, self._key(request), self._limit, now, self._period)
        if count is None:
            wait = self._period - now % self._period
            now = yield Reply(too_many(Decision(False, self._limit, 0, wait, wait), now))
            return
        yield Work()
        yield Effect(request.key)
        yield Reply(Response(200))

    def died(self, request: Request) -> None:
        """The process that served *request* is dead."""
        self.store.died(request)


def get_then_set(store: Store, name: str, limit: int, now: float, period: float) -> Spending:
    """Read the count, write the next: two at once are counted as one, and any number can pass together."""
    window = _window(name, now, period)
    count = store.get(COUNTS, window) or 0
    yield Step("get the count")
    if count >= limit:
        return None
    store.put(COUNTS, window, count + 1)
    yield Step("set the count")
    return int(count + 1)


def get_then_increment(store: Store, name: str, limit: int, now: float, period: float) -> Spending:
    """Read the count, add one atomically: nobody is lost from the count, and all who read in time have passed."""
    window = _window(name, now, period)
    count = store.get(COUNTS, window) or 0
    yield Step("get the count")
    if count >= limit:
        return None
    count = store.add(COUNTS, window)
    yield Step("increment the count")
    return int(count)


def increment_first(store: Store, name: str, limit: int, now: float, period: float) -> Spending:
    """Add one atomically and decide by the sum: exactly the limit passes, in every order.

    Refused requests are counted too; the sum of a window says how many came.
    """
    count = store.add(COUNTS, _window(name, now, period))
    yield Step("increment the count")
    return count if count <= limit else None


def compare_and_set(store: Store, name: str, limit: int, now: float, period: float) -> Spending:
    """Write the next count only over the one that was read, and begin again when that has changed."""
    window = _window(name, now, period)
    while True:
        seen = store.get(COUNTS, window)
        yield Step("get the count")
        count = (seen or 0) + 1
        if count > limit:
            return None
        written = store.replace(COUNTS, window, seen, count)
        yield Step("set it if it has not changed")
        if written:
            return int(count)


def increment_then_expire(store: Store, name: str, limit: int, now: float, period: float) -> Spending:
    """Add one, and when it is the first of its window say when the window ends: the two commands of many a tutorial.

    A process that dies between them leaves a count without an end.
    """
    ending = store.get(ENDINGS, name)
    if ending is not None and ending <= now:  # the store itself drops what has expired, before it looks at it
        store.delete(ENDINGS, name)
        store.delete(COUNTS, name)
    count = store.add(COUNTS, name)
    yield Step("increment the count")
    if count == 1:
        store.put(ENDINGS, name, now + period)
        yield Step("say when it expires")
    return count if count <= limit else None


def _window(name: str, now: float, period: float) -> str:
    return f"{name} {int(now // period)}"
