"""The platform's books: every event and every delivery ends as something that has a name."""

from __future__ import annotations

import math
from collections import Counter

from sim.model import conservation
from sim.model.conservation import law
from sim.model.webhooks.application import Application
from sim.model.webhooks.desk import Desk
from sim.model.webhooks.platform import Platform
from sim.trace import Fate, Origin


def check(platform: Platform, desk: Desk, application: Application | None) -> None:
    """Compare both sides of every law.

    Raises: `ConservationError`, naming the law and both sides.
    """
    trace = platform.trace
    fates = Counter(trace.calls.column("fate"))
    names = ("delivered", "dead-lettered", "dropped by a rule", "in flight", "in a queue")
    there = [fates[fate] for fate in (Fate.DELIVERED, Fate.DEAD, Fate.DROPPED, Fate.IN_FLIGHT, Fate.QUEUED)]
    law(f"deliveries = {' + '.join(names)}", len(trace.calls), sum(there))
    queued = len(platform.shared) + sum(len(lane.queue) for lane in platform.lanes)
    here = (
        platform.delivered, len(platform.letters), platform.dropped, platform.busy,
        queued + platform.waiting + desk.returning,
    )  # fmt: skip
    for name, left, right in zip(names, there, here, strict=True):
        law(f"deliveries {name} in the trace = {name} in the platform", left, right)
    ok = list(trace.calls.column("ok"))
    law("deliveries that ended well = delivered", ok.count(1.0), fates[Fate.DELIVERED])
    law("deliveries that ended badly = dead-lettered + dropped", ok.count(0.0), fates[Fate.DEAD] + fates[Fate.DROPPED])
    columns = (trace.attempts.column(name) for name in ("copy", "settled"))
    law(
        "attempts under way in the trace = workers that hold one",
        sum(not copy and math.isnan(settled) for copy, settled in zip(*columns, strict=True)),
        platform.busy,
    )
    law(
        "workers that hold an attempt = attempts at the endpoints",
        platform.busy,
        sum(lane.in_flight for lane in platform.lanes),
    )
    sent = Counter(trace.calls.column("kind"))[float(Origin.EVENT)]
    law("deliveries of events = deliveries that the topic made", sent, int(sum(trace.events.column("deliveries"))))
    conservation.check_messages(
        trace, platform, [lane.wire for lane in platform.lanes], [lane.service for lane in platform.lanes],
        unsent=platform.unsent,
    )  # fmt: skip
    if application is not None:
        _check_source(platform, application)


def _check_source(platform: Platform, application: Application) -> None:
    trace = platform.trace
    law("publications by the application = events in the topic", application.publications, len(trace.events))
    if trace.flaw is None:
        law("events lost by a sound way of publishing = 0", len(trace.lost()), 0)
        law("events invented by a sound way of publishing = 0", len(trace.invented()), 0)
