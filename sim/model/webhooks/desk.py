"""The desk: what people do to a running platform.  Resend, replay, test, enable."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from sim.engine import NORMAL, Timer
from sim.model.webhooks.lanes import Delivery, Event, Lane
from sim.model.webhooks.platform import Platform
from sim.model.webhooks.watch import Watch
from sim.policies.delivery import Fact
from sim.trace import Mark, Origin
from sim.webhooks import Action, EnableAt, ReplayAt, ResendAt, event_id


class Desk:
    """Buttons.  Each acts now and answers at once; what comes of it, time will tell."""

    def __init__(self, platform: Platform, watch: Watch) -> None:
        self._platform, self._watch = platform, watch
        self._returning: deque[Delivery] = deque()
        self._per_second: float | None = None
        self._tests = 0

    @property
    def returning(self) -> int:
        """Dead letters that a replay has taken and not yet queued, because its rate is capped."""
        return len(self._returning)

    def lane(self, endpoint: str) -> Lane:
        """The lane of *endpoint*.

        Raises: `ValueError` when there is none.
        """
        for lane in self._platform.lanes:
            if lane.name == endpoint:
                return lane
        raise ValueError(f"there is no endpoint {endpoint!r}; there are {', '.join(self._platform.trace.endpoints)}")

    def arrange(self, action: Action) -> None:
        """Put an action of the scenario on the heap."""

        def act(timer: Timer) -> None:
            if isinstance(action, ReplayAt):
                self.replay(endpoint=action.endpoint, reason=action.reason)
            elif isinstance(action, ResendAt):
                self.resend(action.delivery)
            elif isinstance(action, EnableAt):
                self.enable(action.endpoint)
            else:
                self.send_test(action.endpoint)

        self._platform.engine.schedule(Timer([act]), NORMAL, action.at - self._platform.engine.now)

    def resend(self, delivery: int) -> int:
        """Send the event of *delivery* to its endpoint once more, whatever came of it; returns the new number.

        The event keeps its id: a consumer that knows ids does its work once.

        Raises: `ValueError` when there is no such delivery.
        """
        platform = self._platform
        if not (isinstance(delivery, int) and 0 <= delivery < len(platform.deliveries)):
            raise ValueError(f"delivery must be a number from 0 to {len(platform.deliveries) - 1:,}, got {delivery!r}")
        old = platform.deliveries[delivery]
        new = platform.topic.deliver(old.lane, old.event, old.version, Origin.RESENT)
        self._mark("resend", old.lane.name, f"delivery {delivery} as {new.number}")
        self._go(new)
        return new.number

    def send_test(self, endpoint: str) -> int:
        """Send a test event to *endpoint*: `livemode` is false, and no order is behind it; returns its number."""
        lane, platform = self.lane(endpoint), self._platform
        self._tests += 1
        now = platform.engine.now
        fact = Fact(
            id=event_id(-self._tests), type="payment.succeeded", created=now, live=False,
            object={"id": f"pay_test_{self._tests}", "account": "acct_test", "amount": 1, "status": "succeeded"},
            previous={"status": "pending"},
        )  # fmt: skip
        new = platform.topic.deliver(lane, Event(-self._tests, now, fact), lane.subscription.versions[0], Origin.TEST)
        self._mark("test", endpoint, fact.id)
        self._go(new)
        return new.number

    def replay(
        self, *, endpoint: str | None = None, deliveries: Iterable[int] | None = None, reason: str | None = None,
        per_second: float | None = None,
    ) -> int:  # fmt: skip
        """Bring dead letters back, the oldest first, each with a fresh budget; returns how many.

        *endpoint*, *deliveries*, *reason*: only these; None is all.  *per_second*: the most that come back in a
        second; None is the plan's own cap, and where it has none, all at once.

        Raises: `ValueError` for an unknown endpoint or a rate that is not more than 0.
        """
        platform, now = self._platform, self._platform.engine.now
        if endpoint is not None:
            self.lane(endpoint)
        rate = platform.plan.replay_per_second if per_second is None else per_second
        if rate is not None and not rate > 0:
            raise ValueError(f"per_second must be more than 0, got {rate!r}")
        letters = platform.letters.take(deliveries=deliveries, endpoint=endpoint, reason=reason)
        back = [platform.deliveries[letter.delivery] for letter in letters]
        self._mark("replay", endpoint or "all endpoints", f"{len(back):,} events")
        for delivery in back:
            platform.revive(delivery, now)
        if rate is None:
            for delivery in back:
                self._go(delivery)
            return len(back)
        idle = not self._returning
        self._returning.extend(back)
        self._per_second = rate
        if idle and back:
            self._bring(Timer([]))
        return len(back)

    def enable(self, endpoint: str) -> None:
        """Send to *endpoint* again; its dead letters stay where they are until they are replayed."""
        lane = self.lane(endpoint)
        lane.disabled = False
        if lane.health is not None:
            lane.health.start_over()  # or the bad time that is over would disable it at the next look
        self._mark("enabled", endpoint, "by hand")

    def _bring(self, timer: Timer) -> None:
        self._go(self._returning.popleft())
        if self._returning:
            assert self._per_second is not None
            self._platform.engine.schedule(Timer([self._bring]), NORMAL, 1.0 / self._per_second)

    def _go(self, delivery: Delivery) -> None:
        self._platform.enqueue(delivery, self._platform.engine.now)
        self._watch.start()

    def _mark(self, kind: str, subject: str, note: str) -> None:
        self._platform.trace.marks.append(Mark(self._platform.engine.now, kind, subject, note))
