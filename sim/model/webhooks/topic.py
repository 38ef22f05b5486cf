"""The topic: events come in, and each becomes a delivery for every endpoint and format that wants it.

Deliveries are numbered in the order in which they are made, so that the same event meets the same fate on the wire
under every plan.
"""

from __future__ import annotations

import heapq
import itertools
from bisect import bisect_right
from collections.abc import Sequence

import attrs

from sim.engine import Engine
from sim.http import Request
from sim.model.webhooks.lanes import Delivery, Event, Lane
from sim.policies.delivery import Fact, body
from sim.streams import Streams
from sim.trace import C_EVENT, C_FATE, C_KIND, C_VERSION, Fate, Origin, WebhookTrace
from sim.webhooks import Webhooks, event_id


class Topic:
    """All events of a run, and the deliveries made of them."""

    def __init__(
        self, engine: Engine, trace: WebhookTrace, webhooks: Webhooks, lanes: Sequence[Lane], streams: Streams
    ) -> None:
        self.deliveries: list[Delivery] = []
        self._engine, self._trace, self._webhooks, self._lanes = engine, trace, webhooks, tuple(lanes)
        self._customer, self._says = streams.keyed("customer"), streams.keyed("fact")
        self._shares = list(itertools.accumulate(lane.endpoint.share for lane in lanes))
        self._by_type = any(lane.endpoint.types for lane in lanes)

    def publish(self, number: int, created: float) -> list[Delivery]:
        """Event *number* is here now: its deliveries, not yet queued."""
        event = Event(number, created, None)
        lanes = self._lanes
        if not self._webhooks.fan_out and len(lanes) > 1:
            place = bisect_right(self._shares, self._customer(number, 0, 0) * self._shares[-1])
            lanes = (lanes[min(place, len(lanes) - 1)],)
        if self._by_type:
            fact = self.fact(event)
            lanes = tuple(lane for lane in lanes if lane.subscription.wants(fact))
        made = [
            self.deliver(lane, event, version, Origin.EVENT) for lane in lanes for version in lane.subscription.versions
        ]
        self._trace.events.append(number, created, self._engine.now, len(made))
        return made

    def fact(self, event: Event) -> Fact:
        """What *event* says; made when somebody wants to know."""
        if event.fact is None:
            fact = self._webhooks.fact(event.number, event.created, self._says(event.number, 0, 0))
            if fact.id != event_id(event.number):
                raise ValueError(f"event {event.number} must have the id {event_id(event.number)!r}, got {fact.id!r}")
            event.fact = fact
        return event.fact

    def deliver(self, lane: Lane, event: Event, version: str, kind: Origin) -> Delivery:
        """A new delivery, not yet queued."""
        now, number = self._engine.now, len(self.deliveries)
        row = self._trace.calls.append(number, lane.number, lane.number, now)
        cells = self._trace.calls.cells
        cells[row + C_EVENT] = event.number
        cells[row + C_FATE] = Fate.QUEUED
        cells[row + C_VERSION] = self._trace.word(version)
        cells[row + C_KIND] = kind
        delivery = Delivery(number, lane, event, version, kind, row, now)
        self.deliveries.append(delivery)
        heapq.heappush(lane.undelivered, (now, number, delivery))
        return delivery

    def request(self, delivery: Delivery, now: float) -> Request:
        """What is sent for *delivery* at *now*: the body is made once, the signature for each attempt or once."""
        plan, lane, fact = self._webhooks.plan, delivery.lane, self.fact(delivery.event)
        both = plan.distinct_ids and len(lane.subscription.versions) > 1
        message = f"{fact.id}-{delivery.version}" if both else fact.id
        if delivery.body is None:
            shown = fact
            if self._webhooks.chain is not None:
                shown = attrs.evolve(fact, object=self._webhooks.chain.down(dict(fact.object), to=delivery.version))
            delivery.body = body(shown, version=delivery.version, thin=lane.subscription.thin, id=message)
        signed = now if plan.sign_each_attempt else delivery.event.created
        headers = {"Content-Type": "application/json", **lane.scheme.sign(delivery.body, message, signed)}
        peer = lane.subscription.senders[0] if lane.subscription.senders else ""
        return Request("POST", "/webhooks", fact.id, headers, delivery.body, peer)
