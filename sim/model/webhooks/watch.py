"""The watch: from time to time it looks at every endpoint, writes to owners, disables, and forgets old dead letters."""

from __future__ import annotations

from sim.engine import NORMAL, Callbacks, Timer
from sim.model.webhooks.lanes import Lane
from sim.model.webhooks.platform import Platform
from sim.policies.delivery import Alerts, Disable, EndpointView, Warn
from sim.trace import Mark


class Watch:
    """Looks every `DeliveryPlan.watch` seconds, as long as there is something to look at."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._alerts = Alerts(rules=platform.plan.alerts) if platform.plan.alerts else None
        self._ticking = False
        self._on_tick: Callbacks = [self._tick]
        self.busy = False  # True while more events are to come

    def start(self) -> None:
        """Begin to look, or go on looking."""
        if not self._ticking:
            self._ticking = True
            self._platform.engine.schedule(Timer(self._on_tick), NORMAL, self._platform.plan.watch)

    def _tick(self, timer: Timer) -> None:
        platform, now = self._platform, self._platform.engine.now
        self._ticking = False
        for letter in platform.letters.expire(now):
            platform.drop(platform.deliveries[letter.delivery], "dead letter expired", now)
        for lane in platform.lanes:
            self._look_at(lane, now)
        if self.busy or platform.busy or platform.waiting or len(platform.letters) or _queued(platform):
            self.start()

    def _look_at(self, lane: Lane, now: float) -> None:
        platform = self._platform
        if self._alerts is not None:
            attempts, failures = lane.lately(now, self._alerts.window)
            view = EndpointView(
                endpoint=lane.name, owner=lane.owner, attempts=attempts, failures=failures,
                oldest_undelivered=lane.oldest(now), dead_letters=platform.letters.count(lane.name),
            )  # fmt: skip
            for alert in self._alerts.check(view, now):
                change = "raised" if alert.raised else "cleared"
                platform.trace.marks.append(Mark(now, "alert", lane.name, f"{alert.rule} {change}"))
                self._write(lane, alert.text, now)
        if lane.health is not None and not lane.disabled:
            ruling = lane.health.judge(now)
            if isinstance(ruling, Warn):
                text = (
                    f"{ruling.failures:,} of {ruling.attempts:,} attempts failed lately. "
                    f"Your endpoint {lane.name} will be disabled at t = {ruling.disable_at:,.0f} s"
                )
                self._write(lane, text, now)
            elif isinstance(ruling, Disable):
                platform.disable(lane, ruling.reason, now)
                self._write(lane, f"your endpoint {lane.name} is disabled: {ruling.reason}", now)

    def _write(self, lane: Lane, text: str, now: float) -> None:
        self._platform.trace.marks.append(Mark(now, "message", lane.owner, text))


def _queued(platform: Platform) -> bool:
    return bool(platform.shared) or any(lane.queue for lane in platform.lanes)
