"""A replica: a read-only copy of the sender's data that is some seconds behind, as most big services read from one.

A webhook that is sent at the commit overtakes the replication, so a re-fetch at once reads the state before the event.
"""

from __future__ import annotations

import copy
import math
from typing import Any

from sim.flow import HandlerFlow
from sim.knobs import Knob
from sim.store import Store

_LAG = Knob(name="lag", low=0, unit="s")


class Replica:
    """What *store* held *lag* seconds ago, for whoever reads with `get`.

    It learns of a document when the writer calls `committed` right after its write, and shows it *lag* seconds later.
    It reads no clock: `reading` tells the time to it while a handler's flow runs.  Left out: a lag that varies, and
    replicas that disagree.

    Raises: `ValueError` or `TypeError` for a lag that is no finite number of seconds, at least 0.

    >>> from sim.store import MemoryStore
    >>> store = MemoryStore()
    >>> replica = Replica(store, lag=2.0)
    >>> store.put("payments", "pay_1", {"sequence": 1})
    >>> replica.committed("payments", "pay_1", now=10.0)
    >>> replica.as_of("payments", "pay_1", now=11.9), replica.as_of("payments", "pay_1", now=12.0)
    (None, {'sequence': 1})
    """

    def __init__(self, store: Store, lag: float) -> None:
        self.lag: float = _LAG.check(lag)
        self._store = store
        self._now = -math.inf
        self._written: dict[tuple[str, str], list[tuple[float, Any]]] = {}

    def committed(self, table: str, key: str, now: float) -> None:
        """The document under *key* was written at *now*: it is on its way here."""
        self._written.setdefault((table, key), []).append((now, self._store.get(table, key)))

    def as_of(self, table: str, key: str, now: float) -> Any:
        """The document that shows at *now*: the last that was written *lag* seconds before, or None."""
        for at, document in reversed(self._written.get((table, key), ())):
            if at + self.lag <= now:
                return copy.deepcopy(document)
        return None

    def get(self, table: str, key: str) -> Any:
        """The document that shows at the instant that `reading` has told last, or None."""
        return self.as_of(table, key, self._now)

    def reading(self, flow: HandlerFlow, now: float) -> HandlerFlow:
        """*flow*, begun at *now*, with the time told to the replica before each of its steps."""
        self._now = now
        command = next(flow, None)
        while command is not None:
            now = yield command
            self._now = now
            try:
                command = flow.send(now)
            except StopIteration:
                return
