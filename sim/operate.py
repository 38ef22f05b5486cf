"""Operate a platform while it runs: let time pass, press its buttons, look at its log, and go on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sim.experiment import Run, seated
from sim.model.webhooks.world import World
from sim.scenario import Scenario
from sim.trace import WebhookTrace


class Platform:
    """A delivery platform at an instant of virtual time.

    Made by `sim.platform`.  Its rows are in `trace` as they are written; `sim.deliveries` shows them.
    """

    def __init__(self, scenario: Scenario, plan: str, seed: int) -> None:
        self.scenario, self.plan, self.seed = scenario, plan, seed
        self._world = World(scenario, seed)
        self._finished: Run | None = None

    @property
    def now(self) -> float:
        """The present instant, seconds."""
        return float(self._world.engine.now)

    @property
    def end(self) -> float:
        """The instant at which the scenario ends, seconds."""
        return self._world.end

    @property
    def trace(self) -> WebhookTrace:
        """The rows so far."""
        return self._world.trace

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The names of its endpoints."""
        return self._world.trace.endpoints

    @property
    def disabled(self) -> tuple[str, ...]:
        """The endpoints that it sends nothing to."""
        return tuple(lane.name for lane in self._world.platform.lanes if lane.disabled)

    def run_until(self, instant: float) -> None:
        """Let time pass until *instant*.

        Raises: `ValueError` when that is not after the present or after the scenario's end.
        """
        self._open()
        if not self.now < instant <= self.end:
            raise ValueError(f"instant must be after {self.now:g} s and at most {self.end:g} s, got {instant!r}")
        self._world.run_until(instant)

    def resend(self, delivery: int) -> int:
        """Send the event of *delivery* once more, under the same event id; returns the number of the new delivery.

        Raises: `ValueError` when there is no such delivery.
        """
        self._open()
        return self._world.desk.resend(delivery)

    def replay(
        self, *, endpoint: str | None = None, deliveries: Iterable[int] | None = None, reason: str | None = None,
        per_second: float | None = None,
    ) -> int:  # fmt: skip
        """Bring dead letters back with a fresh budget, all or a selection; returns how many.

        *per_second*: the most that come back in a second; None is the plan's cap, and where it has none, all at once.

        Raises: `ValueError` for an unknown endpoint or a rate that is not more than 0.
        """
        self._open()
        return self._world.desk.replay(endpoint=endpoint, deliveries=deliveries, reason=reason, per_second=per_second)

    def send_test(self, endpoint: str) -> int:
        """Send a test event to *endpoint*, also to a disabled one; returns the number of its delivery.

        Raises: `ValueError` when there is no such endpoint.
        """
        self._open()
        return self._world.desk.send_test(endpoint)

    def enable(self, endpoint: str) -> None:
        """Send to *endpoint* again.

        Raises: `ValueError` when there is no such endpoint.
        """
        self._open()
        self._world.desk.enable(endpoint)

    def finish(self) -> Run:
        """Let time pass until the scenario's end, check the books, and return the run."""
        if self._finished is None:
            self._finished = Run(self.scenario, self.plan, self.seed, self._world.close())
        return self._finished

    def _open(self) -> None:
        if self._finished is not None:
            raise ValueError("this platform has run to its end; make another one with sim.platform")

    def __repr__(self) -> str:
        return f"Platform({self.scenario.name}, {self.plan}, t = {self.now:g} s, {len(self.trace.attempts):,} attempts)"


def platform(scenario: Scenario, plan: Any = None, *, seed: int = 0) -> Platform:
    """A running platform of a story about webhooks, at the instant 0.

    *plan*: one of the story's contestants by name, or a `DeliveryPlan`; None is the story's first.

    Raises: `ValueError` when the story is not about webhooks.
    """
    name, _, world = seated(scenario, plan)
    return Platform(world, name, seed)
