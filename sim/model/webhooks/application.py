"""The application that makes the events: it commits orders, and publishes an event for each, one way or another."""

from __future__ import annotations

import attrs

from sim.engine import NORMAL, Engine, Timer
from sim.http import Request
from sim.model import faults
from sim.model.client import Attempt
from sim.model.network import Wire
from sim.model.server import Service
from sim.model.webhooks.platform import Platform
from sim.outcome import Outcome
from sim.scenario import Network
from sim.services.publishing import OUTBOX, Publisher
from sim.store import MemoryStore
from sim.streams import Streams
from sim.trace import Trace
from sim.webhooks import Source, event_id

_RELAY = -1  # the relay's requests are attempts of this "call"


class _Order:
    """What the parts of the model ask of a call."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.client = 0
        self.request: Request | None = None


class Application:
    """One process with a database, and a topic that is no part of its transactions.

    Its rows are in a trace of their own, *trace*: a row of `attempts` is an order, or a run of the outbox's relay
    (call -1); an entry of the ledger is an order that is committed for good.
    """

    def __init__(self, engine: Engine, platform: Platform, source: Source, streams: Streams) -> None:
        self._engine, self._platform, self._source = engine, platform, source
        self.trace = Trace()
        self.trace.marks = platform.trace.marks
        self.store = MemoryStore()
        self.publications = 0
        self.busy = False  # True while orders are to come
        self._created: dict[int, float] = {}
        self._rolls_back = streams.keyed("rollback")
        self._relays = 0
        server = attrs.evolve(source.server, make_handler=self._publisher)
        self.service = Service(engine, self.trace, server, streams)
        self.service.tracks = True
        self.service.reply = self._answer
        self.wire = Wire(engine, self.trace, Network(), streams)
        for fault in source.faults:
            faults.arrange(fault, engine, platform.trace, self.service, self.wire, where="application")
        faults.lie_in_wait(source.faults, engine, platform.trace, self.service, streams, where="application")
        self._tick(Timer([]))

    def _publisher(self) -> Publisher:
        return Publisher(self.store, self, self._source.design)

    def begin(self, number: int) -> None:
        """Order *number* comes in."""
        self._created[number] = self._engine.now
        rolls_back = self._rolls_back(number, 0, 0) < self._source.rollback
        self._ask(
            number, 1, Request("POST", "/orders", event_id(number), body=b'{"rollback":true}' if rolls_back else b"{}")
        )

    def publish(self, event: str) -> None:
        """The topic: it takes what it is given, twice if it is given it twice."""
        number = int(event.removeprefix("evt_"))
        self.publications += 1
        # The handler is in the middle of a step: what the platform makes of it begins with an event of its own.
        self._engine.schedule(Timer([self._arrived], number), NORMAL, 0.0)

    def unpublished(self) -> frozenset[int]:
        """Events that wait in the outbox, and those of orders that are being worked on."""
        waiting = {int(key.removeprefix("evt_")) for key, _ in self.store.rows(OUTBOX)}
        return frozenset(waiting | {attempt.call.number for attempt in self.service.serving} - {_RELAY})

    def _arrived(self, timer: Timer) -> None:
        number: int = timer.subject
        self._platform.publish(number, self._created[number])

    def _ask(self, number: int, attempt: int, request: Request) -> None:
        now = self._engine.now
        row = self.trace.attempts.append(number, 0, attempt, 0, now)
        asked = Attempt(_Order(number), attempt, row)  # type: ignore[arg-type]
        asked.request = request
        self.service.arrive(asked, now)

    def _answer(self, attempt: Attempt, outcome: Outcome, now: float) -> None:
        """Whoever ordered is left out of this world."""

    def _tick(self, timer: Timer) -> None:
        """The scheduler of the outbox's relay; it goes on while orders come or rows wait."""
        if self._relays == 0 or self.busy or self.service.busy or self.store.rows(OUTBOX):
            self._relays += 1
            if self._engine.now > 0.0:
                self._ask(_RELAY, self._relays, Request("POST", "/relay"))
            self._engine.schedule(Timer([self._tick]), NORMAL, self._source.relay_every)
