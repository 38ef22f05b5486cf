"""The consumer's memory of what it has received: has this id come before?

Here for one process, in memory and bounded.  What must survive a crash is a row in the database, in one transaction
with the effect: `sim.services.consumers`.
"""

from __future__ import annotations

from collections import OrderedDict

import attrs

from sim.knobs import knob


@attrs.define(kw_only=True)
class SeenIds:
    """Remembers ids for *window* seconds, at most *capacity* of them.

    An id that is exactly *window* seconds old is still remembered.  When there are more than *capacity*, the oldest
    is forgotten before its time and counted in `forgotten`: a bound on memory is a bound on what can be recognised.
    When the clock steps back, what was dropped before stays forgotten.

    >>> seen = SeenIds(window=300.0)
    >>> seen.admit("evt_1", 0.0), seen.admit("evt_1", 300.0), seen.admit("evt_1", 301.0)
    (True, False, True)
    """

    window: float = knob(600.0, low=0, infinite=True, unit="s", help="how long an id is remembered")
    capacity: int = knob(100_000, kind=int, low=1, high=100_000_000, unit="ids", help="ids remembered at most")
    forgotten: int = attrs.field(init=False, default=0)
    _first: OrderedDict[str, float] = attrs.field(init=False, factory=OrderedDict)

    def __len__(self) -> int:
        """How many ids it holds, those that have expired but were not yet dropped among them."""
        return len(self._first)

    def knows(self, message_id: str, now: float) -> bool:
        """True when the id came in the last *window* seconds.  Asking changes nothing."""
        first = self._first.get(message_id)
        return first is not None and first >= now - self.window

    def admit(self, message_id: str, now: float) -> bool:
        """True when the id is new, and then it is remembered from *now* on; False when it was seen before.

        A repetition does not make the memory longer: it counts from the first time.
        """
        self._drop(now)
        if self.knows(message_id, now):
            return False
        self._first[message_id] = now
        self._first.move_to_end(message_id)
        if len(self._first) > self.capacity:
            self._first.popitem(last=False)
            self.forgotten += 1
        return True

    def _drop(self, now: float) -> None:
        first = self._first
        while first:
            oldest = next(iter(first))
            if first[oldest] >= now - self.window:
                return
            del first[oldest]
