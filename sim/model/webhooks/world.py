"""One run of a platform: put the parts together, let time pass, check the books."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from sim.engine import Engine
from sim.model.webhooks import books
from sim.model.webhooks.application import Application
from sim.model.webhooks.desk import Desk
from sim.model.webhooks.lanes import Lane
from sim.model.webhooks.platform import Platform
from sim.model.webhooks.watch import Watch
from sim.policies.delivery import Registry
from sim.scenario import Scenario
from sim.streams import Streams
from sim.trace import Mark, WebhookTrace
from sim.webhooks import Endpoint, Webhooks
from sim.workload import ClosedLoop


class World:
    """A platform with its endpoints, at an instant of virtual time; it can be led on step by step.

    Raises: `ValueError` when the scenario has no webhooks, a closed workload, or an endpoint that may not register.
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        webhooks: Webhooks | None = scenario.webhooks
        if webhooks is None:
            raise ValueError(f"{scenario.name} must have webhooks to run a platform, got none")
        if isinstance(scenario.arrivals, ClosedLoop):
            raise ValueError(f"events of {scenario.name} come from an open workload, got {scenario.arrivals!r}")
        self.scenario, self.end = scenario, scenario.horizon + scenario.drain
        streams = Streams(seed)
        self.engine = Engine()
        endpoints = webhooks.endpoints
        self.trace = WebhookTrace(
            [endpoint.name for endpoint in endpoints], [endpoint.owner or endpoint.name for endpoint in endpoints]
        )
        registry = Registry(versions=_versions(endpoints))
        secrets = streams.sequence("secrets")
        lanes = []
        for number, endpoint in enumerate(endpoints):
            subscription = registry.register(
                endpoint.url or f"https://{_host(endpoint.name)}.example.com/webhooks",
                owner=endpoint.owner or endpoint.name, types=endpoint.types, version=endpoint.versions[0],
                thin=endpoint.thin, resolved=[address for at, address in endpoint.addresses[:1]], rng=secrets,
            )  # fmt: skip
            for version in endpoint.versions[1:]:
                subscription = registry.migrate(subscription.id, version)
            lanes.append(Lane(number, endpoint, subscription, webhooks.plan, self.engine, self.trace, streams))
        self.platform = Platform(self.engine, self.trace, webhooks, lanes, streams)
        self.watch = Watch(self.platform)
        self.desk = Desk(self.platform, self.watch)
        self.application: Application | None = None
        if webhooks.source is not None:
            self.application = Application(self.engine, self.platform, webhooks.source, streams)
            self.trace.source, self.trace.flaw = self.application.trace, webhooks.source.design.flaw
        for action in webhooks.actions:
            self.desk.arrange(action)
        self.engine.process(self._events(streams))

    def run_until(self, instant: float) -> None:
        """Let time pass until *instant*, seconds; what is to happen at that very instant is still to come."""
        self.engine.run_until(instant)

    def close(self, *, check: bool = True) -> WebhookTrace:
        """Let time pass until the end, mark the breakers' changes, check the books."""
        if self.engine.now < self.end:
            self.run_until(self.end)
        trace = self.trace
        for lane in self.platform.lanes:
            for at, state in getattr(lane.breaker, "changes", ()):
                trace.marks.append(Mark(at, "breaker", lane.name, state.value))
        trace.marks.sort(key=lambda mark: mark.at)
        if self.application is not None:
            trace.unpublished = self.application.unpublished()
        if check:
            books.check(self.platform, self.desk, self.application)
        return trace

    def _events(self, streams: Streams) -> Generator[Any, Any, None]:
        engine, platform, application = self.engine, self.platform, self.application
        self.watch.busy = True
        if application is not None:
            application.busy = True
        self.watch.start()
        assert not isinstance(self.scenario.arrivals, ClosedLoop)
        for number, instant in enumerate(
            self.scenario.arrivals.instants(streams.sequence("arrivals"), self.scenario.horizon)
        ):
            if instant > engine.now:
                yield engine.timeout(instant - engine.now)
            if application is None:
                platform.publish(number, engine.now)
            else:
                application.begin(number)
        self.watch.busy = False
        if application is not None:
            application.busy = False


def simulate(scenario: Scenario, seed: int, *, check: bool = True) -> WebhookTrace:
    """Run the platform of *scenario* once and return its trace.

    Raises: `ConservationError` when the books do not balance, `EventBudgetError` when it would never end.
    """
    return World(scenario, seed).close(check=check)


def _versions(endpoints: tuple[Endpoint, ...]) -> tuple[str, ...]:
    return tuple(sorted({version for endpoint in endpoints for version in endpoint.versions}))


def _host(name: str) -> str:
    """A host's label made from an endpoint's name."""
    label = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower()).strip("-")
    return label or "endpoint"
