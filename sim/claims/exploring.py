"""Every order and every crash of the deliveries of one event, for the claims about inboxes."""

from __future__ import annotations

import functools
from collections.abc import Callable

from sim.flow import Handler
from sim.http import Request
from sim.interleave import explore
from sim.interleave.exploration import Ending, Exploration
from sim.services.consumers import Consumer, Event, Inbox, event_body
from sim.services.consumers.inboxes import QUEUE
from sim.store import MemoryStore

_EVENT = Event("evt_1", "payment.succeeded", 0, None, {"account": "ada", "amount": 5})
_DELIVERY = Request(path="/webhooks", body=event_body(_EVENT))


def once(ending: Ending) -> str | None:
    """The event has its effect at most once, and when it was acknowledged it has had it or waits in a durable queue."""
    times = len(ending.effects)
    if times > 1:
        return f"processed {times} times"
    acknowledged = any(reply is not None and reply.status == 200 for reply in ending.replies)
    assert isinstance(ending.service, Consumer)
    return "lost" if acknowledged and not times and not ending.service.store.rows(QUEUE) else None


def explored(
    inbox: Inbox, deliveries: int, rule: Callable[[Ending], str | None] = once, *, crashes: int = 0
) -> Exploration:
    """Every schedule of one event's *deliveries*; with *crashes* the second comes when the first has ended or died."""
    after = {1: 0} if crashes and deliveries == 2 else None
    make: Callable[[], Handler] = functools.partial(_consumer, inbox)
    return explore(make, [_DELIVERY] * deliveries, rule, crashes=crashes, after=after)


def word(found: Exploration) -> str:
    """What is wrong in the shortest violation, or that nothing is."""
    return found.sentence or "never lost or twice"


def _consumer(inbox: Inbox) -> Consumer:
    return Consumer(MemoryStore(), inbox)
