"""What the platform keeps: an event, its deliveries, and a lane for each endpoint."""

from __future__ import annotations

import bisect
import heapq
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

import attrs

from sim.engine import Engine, Timer
from sim.http import Request
from sim.model import faults
from sim.model.client import Attempt
from sim.model.network import Wire
from sim.model.server import Service
from sim.policies.delivery import AutoDisable, DeliveryPlan, Fact, Subscription
from sim.policies.fresh import fresh
from sim.policies.jobs.callback import check_callback
from sim.scenario import Crash, Partition, StepCrash
from sim.services.plain import plain
from sim.streams import Streams
from sim.trace import Fate, Origin, WebhookTrace
from sim.webhooks import Endpoint

BUCKET = 60.0
"""Seconds in which attempts are counted together for the failure share of the last hour."""


_UNDER_WAY = (Fate.QUEUED, Fate.IN_FLIGHT)


class Event:
    """One event in the topic.  *fact*: what it says; made when somebody reads it."""

    __slots__ = ("created", "fact", "number", "type")

    def __init__(self, number: int, created: float, fact: Fact | None) -> None:
        self.number = number
        self.created = created
        self.fact = fact


class Delivery(Timer):
    """One event on its way to one endpoint in one format: a call.  It is its own timer while it waits for its time."""

    fate = Fate.QUEUED
    sent = 0  # attempts in all
    tries = 0  # attempts since its budget was fresh
    previous = 0.0  # the last wait
    last_row = -1
    body: bytes | None = None
    request: Request | None = None

    def __init__(self, number: int, lane: Lane, event: Event, version: str, kind: Origin, row: int, now: float) -> None:
        self.number = number
        self.client = lane.number
        self.lane = lane
        self.event = event
        self.version = version
        self.kind = kind
        self.row = row
        self.made = self.begun = now


class Try(Attempt):
    """One attempt at a delivery.  *permit*: of the endpoint's breaker."""

    permit: int = 0


class Lane:
    """Everything about one endpoint: its subscription, its queue, its breaker, its health, its wire and its machine."""

    def __init__(
        self, number: int, endpoint: Endpoint, subscription: Subscription, plan: DeliveryPlan, engine: Engine,
        trace: WebhookTrace, streams: Streams,
    ) -> None:  # fmt: skip
        self.number, self.endpoint, self.name = number, endpoint, endpoint.name
        self.owner = endpoint.owner or endpoint.name
        self.subscription = subscription
        self.scheme = plan.scheme(subscription.secrets)
        self.breaker: Any = fresh(plan.breaker)
        self.health: AutoDisable | None = fresh(plan.auto_disable)
        self.queue: deque[Delivery] = deque()
        self.undelivered: list[tuple[float, int, Delivery]] = []  # a heap, by when each was made
        self.recent: deque[list[int]] = deque()  # [bucket, attempts, failures]
        self.in_flight = 0
        self.listed = self.waking = self.disabled = False
        self.reads = endpoint.consumer is not None or endpoint.server.make_handler() is not plain
        self.wire = Wire(engine, trace, endpoint.network, streams)
        server = endpoint.server
        if endpoint.consumer is not None:
            make, scheme = endpoint.consumer, self.scheme
            server = attrs.evolve(server, make_handler=lambda: make(scheme))
        self.service = Service(engine, trace, server, streams)
        self.service.tracks = any(isinstance(fault, Crash | StepCrash) for fault in endpoint.faults)
        for fault in endpoint.faults:
            faults.arrange(fault, engine, trace, self.service, self.wire, where=self.name)
        faults.lie_in_wait(endpoint.faults, engine, trace, self.service, streams, where=self.name)
        self._instants = [at for at, _ in endpoint.addresses]
        self._private: dict[str, bool] = {}

    def connect(self, answer: Callable[[Attempt, Any, float], None]) -> None:
        """Join platform, wire and machine; a wire on which nothing can happen is left out."""
        wire, service = self.wire, self.service
        wire.arrive, wire.deliver = service.arrive, answer
        plain_wire = wire.is_plain and not any(isinstance(fault, Partition) for fault in self.endpoint.faults)
        self.request = service.arrive if plain_wire else wire.request
        service.reply = answer if plain_wire else wire.reply

    def permit(self, now: float, rng: Random) -> int | None:
        """The breaker's permit for one attempt; None when it may not be sent just now."""
        if self.breaker is None:
            return 0
        permit: int | None = self.breaker.admit(now, rng)
        return permit

    def leads_inside(self, now: float) -> bool:
        """True when the endpoint's name resolves to an address that our machines must not call (SSRF)."""
        place = bisect.bisect_right(self._instants, now) - 1
        if place < 0:
            return False
        address = self.endpoint.addresses[place][1]
        private = self._private.get(address)
        if private is None:
            try:
                check_callback(self.subscription.url, resolved=[address])
                private = False
            except ValueError:
                private = True
            self._private[address] = private
        return private

    def count(self, delivered: bool, now: float) -> None:
        """Count one settled attempt for the failure share, and for the rule that disables."""
        bucket = int(now / BUCKET)
        recent = self.recent
        if not recent or recent[-1][0] != bucket:
            recent.append([bucket, 0, 0])
        recent[-1][1] += 1
        recent[-1][2] += not delivered
        if self.health is not None:
            self.health.record(delivered, now)

    def lately(self, now: float, window: float) -> tuple[int, int]:
        """Attempts settled and attempts failed in the last *window* seconds, to the nearest bucket."""
        oldest = int((now - window) / BUCKET)
        while self.recent and self.recent[0][0] < oldest:
            self.recent.popleft()
        return sum(one[1] for one in self.recent), sum(one[2] for one in self.recent)

    def oldest(self, now: float) -> float | None:
        """Age in seconds of the oldest delivery that is under way, since it was made; None when there is none."""
        waiting = self.undelivered
        while waiting and waiting[0][2].fate not in _UNDER_WAY:
            heapq.heappop(waiting)
        return now - waiting[0][0] if waiting else None
