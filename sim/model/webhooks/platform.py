"""The platform at work: it queues deliveries, sends attempts, and decides what comes of each answer."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Sequence
from random import Random

from sim.engine import NORMAL, Callbacks, Engine, Timer
from sim.errors import EventBudgetError
from sim.flow import check_wait
from sim.model.client import ATTEMPTS_PER_CALL, SPARE_ATTEMPTS, Attempt
from sim.model.webhooks.lanes import Delivery, Lane, Try
from sim.model.webhooks.topic import Topic
from sim.outcome import Kind, Outcome
from sim.policies.delivery import Action, DeadLetter, Queueing
from sim.policies.fresh import fresh
from sim.streams import Streams
from sim.trace import (
    C_ATTEMPTS,
    C_ENDED,
    C_FATE,
    C_OK,
    C_REASON,
    C_STATUS,
    NAN,
    NEXT,
    PREVIOUS,
    REASON,
    SETTLED,
    SNIPPET,
    STATUS,
    Fate,
    Mark,
    Origin,
    WebhookTrace,
)  # fmt: skip
from sim.webhooks import Webhooks, event_id

_DELIVERED, _FAILED = Outcome.answered(200), Outcome.answered(500)
_INSIDE = Outcome(Kind.FAILED, None, None, "private address")
SNIPPET_BYTES = 120
"""How much of an answer's body the log keeps."""


class Platform:
    """Queues, workers and rules between the topic and the endpoints."""

    def __init__(
        self, engine: Engine, trace: WebhookTrace, webhooks: Webhooks, lanes: Sequence[Lane], streams: Streams
    ) -> None:
        plan = webhooks.plan
        self.engine, self.trace, self.plan, self.lanes = engine, trace, plan, tuple(lanes)
        self.letters = fresh(plan.dead_letters)
        self.topic = Topic(engine, trace, webhooks, lanes, streams)
        self.deliveries = self.topic.deliveries
        self.settled = self.timed_out = self.answers_ignored = 0
        self.busy = self.unsent = self.delivered = self.dropped = self.waiting = 0
        self.shared: deque[Delivery] = deque()
        self._rules, self._schedule_rule = plan.rules, fresh(plan.schedule)
        at_once = plan.queueing is Queueing.NONE
        self._per_endpoint = plan.queueing is not Queueing.SHARED
        self._workers = math.inf if at_once else plan.workers
        self._cap = math.inf if at_once else plan.cap
        self._timeout = plan.timeout
        self._rng: Random = streams.sequence("schedule")
        self._ready: deque[Lane] = deque()
        self._pumping = False
        self._counts = bool(plan.alerts) or plan.auto_disable is not None
        self._guards = any(lane.endpoint.addresses for lane in lanes)
        self._on_due: Callbacks = [self._due]
        self._on_soon: Callbacks = [self._pump_soon]
        self._soon, self._pumping_soon = Timer(self._on_soon), False
        self._on_expire: Callbacks = [self._expire]
        for lane in lanes:
            lane.connect(self.answer)

    def publish(self, number: int, created: float) -> None:
        """Event *number* is in the topic now: its deliveries are queued."""
        now = self.engine.now
        for delivery in self.topic.publish(number, created):
            self.enqueue(delivery, now)

    # Queues

    def enqueue(self, delivery: Delivery, now: float) -> None:
        """*delivery* may be sent from now on."""
        lane = delivery.lane
        if (
            lane.disabled and delivery.kind is not Origin.TEST
        ):  # a test is how its owner finds out whether it works again
            self.bury(delivery, "endpoint disabled", now)
            return
        if self._per_endpoint:
            lane.queue.append(delivery)
            self._list(lane)
        else:
            self.shared.append(delivery)
        self.pump(now)

    def pump(self, now: float) -> None:
        """Send whatever may be sent: from the shared queue first, then the endpoints in turn."""
        if self._pumping:
            return  # an endpoint that answers at once must not recurse
        self._pumping = True
        shared, ready = self.shared, self._ready
        while shared and self.busy < self._workers:
            delivery = shared[0]
            lane = delivery.lane
            if lane.in_flight >= self._cap:
                break
            shared.popleft()
            if lane.disabled and delivery.kind is not Origin.TEST:
                self.bury(delivery, "endpoint disabled", now)
                continue
            permit = lane.permit(now, self._rng)
            if permit is None:
                lane.queue.append(delivery)  # put aside, so that the others can pass
                self._hold(lane, now)
            else:
                self._send(lane, delivery, permit, now)
        while ready and self.busy < self._workers:
            lane = ready.popleft()
            lane.listed = False
            if not lane.queue or lane.in_flight >= self._cap:
                continue
            permit = lane.permit(now, self._rng)
            if permit is None:
                self._hold(lane, now)
                continue
            self._send(lane, lane.queue.popleft(), permit, now)
            self._list(lane)
        self._pumping = False

    def _pump_soon(self, timer: Timer) -> None:
        self._pumping_soon = False
        self.pump(self.engine.now)

    def _list(self, lane: Lane) -> None:
        if not lane.listed and lane.queue:
            lane.listed = True
            self._ready.append(lane)

    def _hold(self, lane: Lane, now: float) -> None:
        """The breaker says no: come back when it may say yes.  While probes are out, their answers will tell."""
        seconds = lane.breaker.retry_after(now)
        if seconds > 0.0 and not lane.waking:
            lane.waking = True
            self.engine.schedule(Timer([self._wake], lane), NORMAL, seconds)

    def _wake(self, timer: Timer) -> None:
        lane: Lane = timer.subject
        lane.waking = False
        self._list(lane)
        self.pump(self.engine.now)

    def _due(self, delivery: Delivery) -> None:
        self.waiting -= 1
        self.enqueue(delivery, self.engine.now)

    # Attempts

    def _send(self, lane: Lane, delivery: Delivery, permit: int, now: float) -> None:
        attempts = self.trace.attempts
        cells = attempts.cells
        row = len(cells)
        if row > (SPARE_ATTEMPTS + ATTEMPTS_PER_CALL * len(self.deliveries)) * attempts.width:
            raise EventBudgetError(
                f"the platform was still sending after {len(attempts):,} attempts "
                f"(delivery {delivery.number}, endpoint {lane.name}, t = {now:g} s)"
            )
        delivery.sent += 1
        delivery.tries += 1
        cells.frombytes(attempts.known(delivery.number, lane.number, delivery.sent, 0, now) + attempts.unknown)
        if delivery.last_row >= 0:
            cells[row + PREVIOUS] = delivery.last_row // attempts.width
        delivery.last_row = row
        delivery.fate = Fate.IN_FLIGHT
        self.trace.calls.cells[delivery.row + C_FATE] = Fate.IN_FLIGHT
        lane.in_flight += 1
        self.busy += 1
        attempt = Try(delivery, delivery.sent, row)  # type: ignore[arg-type]
        attempt.permit = permit
        if self._guards and lane.leads_inside(now):
            self.unsent += 1
            attempt.awaited = False
            self._settle(attempt, _INSIDE, now)
            return
        if lane.reads:
            attempt.request = self.topic.request(delivery, now)
        lane.request(attempt, now)
        if attempt.awaited:
            self.engine.schedule(Timer(self._on_expire, attempt), NORMAL, self._timeout)

    def _expire(self, timer: Timer) -> None:
        attempt: Try = timer.subject
        if attempt.awaited:
            self.timed_out += 1
            self.answer(attempt, Outcome.timed_out(), self.engine.now)

    def answer(self, attempt: Attempt, outcome: Outcome, now: float) -> None:
        """What came of an attempt: news if it is still awaited, else ignored."""
        if attempt.original is not None:
            attempt = attempt.original
        if not attempt.awaited:
            self.answers_ignored += 1
            return
        attempt.awaited = False
        self.settled += 1
        self._settle(attempt, outcome, now)

    def _settle(self, attempt: Attempt, outcome: Outcome, now: float) -> None:
        assert isinstance(attempt, Try)
        delivery: Delivery = attempt.call  # type: ignore[assignment]
        lane, row, cells = delivery.lane, attempt.row, self.trace.attempts.cells
        ruling = self._rules.judge(outcome)
        status = NAN if outcome.status is None else outcome.status
        for written in (row,) if attempt.duplicate is None else (row, attempt.duplicate.row):
            cells[written + SETTLED] = now
            cells[written + STATUS] = status
        cells[row + REASON] = self.trace.word(ruling.reason)
        if outcome.response is not None and outcome.response.body:
            cells[row + SNIPPET] = self.trace.word(snippet(outcome.response.body))
        lane.in_flight -= 1
        self.busy -= 1
        delivered = ruling.action is Action.DELIVERED
        if lane.breaker is not None:
            lane.breaker.record(attempt.permit, _DELIVERED if delivered else _FAILED, now, self._rng)
        if self._counts:
            lane.count(delivered, now)
        self.trace.calls.cells[delivery.row + C_STATUS] = status
        if delivered:
            self.delivered += 1
            self._end(delivery, Fate.DELIVERED, ruling.reason, now)
        elif ruling.action is Action.RETRY:
            self._again(delivery, row, outcome, ruling.retry_after, ruling.reason, now)
        elif ruling.action is Action.DROP:
            self.dropped += 1
            self._end(delivery, Fate.DROPPED, ruling.reason, now)
        else:
            self.bury(delivery, ruling.reason, now)
            if ruling.action is Action.DISABLE:
                self.disable(lane, ruling.reason, now)
        self._list(lane)
        if not self._pumping_soon:
            # Over the heap: the machine that answers is still at it, and its place is free only when it has ended.
            self._pumping_soon = True
            self._soon.callbacks = self._on_soon
            self.engine.schedule(self._soon, NORMAL, 0.0)

    def _again(
        self, delivery: Delivery, row: int, outcome: Outcome, asked: float | None, reason: str, now: float
    ) -> None:
        tries = delivery.tries
        wait = self._schedule_rule.wait(tries, outcome, now - delivery.begun, delivery.previous, self._rng)
        if wait is None:
            self.bury(delivery, f"retries used up: {reason}", now)
            return
        check_wait(wait, self._schedule_rule, tries)
        delivery.previous = wait
        if asked is not None and asked > wait:
            wait = asked
        self.trace.attempts.cells[row + NEXT] = now + wait
        self._queued(delivery)
        self.waiting += 1
        delivery.callbacks = self._on_due
        self.engine.schedule(delivery, NORMAL, wait)

    def _queued(self, delivery: Delivery) -> None:
        delivery.fate = Fate.QUEUED
        self.trace.calls.cells[delivery.row + C_FATE] = Fate.QUEUED

    # Ends

    def bury(self, delivery: Delivery, reason: str, now: float) -> None:
        """Put *delivery* among the dead letters."""
        lane = delivery.lane
        self._end(delivery, Fate.DEAD, reason, now)
        event = event_id(delivery.event.number)
        self.letters.add(DeadLetter(delivery.number, event, lane.name, reason, now, delivery.sent))
        self.trace.marks.append(Mark(now, "dead letter", lane.name, reason))

    def revive(self, delivery: Delivery, now: float) -> None:
        """Take *delivery* back from the dead letters, with a fresh budget of attempts; not yet queued."""
        delivery.tries, delivery.previous, delivery.begun = 0, 0.0, now
        cells, row = self.trace.calls.cells, delivery.row
        cells[row + C_ENDED] = cells[row + C_OK] = cells[row + C_REASON] = NAN
        self._queued(delivery)
        heapq.heappush(delivery.lane.undelivered, (delivery.made, delivery.number, delivery))

    def drop(self, delivery: Delivery, reason: str, now: float) -> None:
        """A dead letter is forgotten."""
        self.dropped += 1
        self._end(delivery, Fate.DROPPED, reason, now)

    def disable(self, lane: Lane, reason: str, now: float) -> None:
        """Send nothing more to the endpoint; what waits for it goes to the dead letters, and so does what comes."""
        if lane.disabled:
            return
        lane.disabled = True
        self.trace.marks.append(Mark(now, "disabled", lane.name, reason))
        while lane.queue:
            self.bury(lane.queue.popleft(), "endpoint disabled", now)

    def _end(self, delivery: Delivery, fate: Fate, reason: str, now: float) -> None:
        delivery.fate = fate
        delivery.body = None
        cells, row = self.trace.calls.cells, delivery.row
        cells[row + C_ENDED] = now
        cells[row + C_OK] = fate is Fate.DELIVERED
        cells[row + C_ATTEMPTS] = delivery.sent
        cells[row + C_FATE] = fate
        cells[row + C_REASON] = self.trace.word(reason)


def snippet(received: bytes) -> str:
    """How a body begins, safe to print: what is no text shows as \\ufffd, what is no letter or sign as a blank."""
    text = received[:SNIPPET_BYTES].decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text)
