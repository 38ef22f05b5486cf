"""Worlds of webhooks as data: the endpoints, where events come from, and what people do while it runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import attrs

from sim.flow import Handler
from sim.knobs import knob
from sim.policies.delivery import DeliveryPlan, Fact
from sim.policies.versions.payloads import Chain
from sim.policies.webhooks.signing import Scheme
from sim.scenario import Fault, Network, Scenario, Server
from sim.services.publishing import Outbox, PublishingDesign

VERSION = "2026-01-01"
"""The version of payloads where a world does not say otherwise."""


@attrs.frozen(kw_only=True)
class Endpoint:
    """One consumer's address, and the machine behind it.

    *name*: how it is called in logs and charts.  *owner*: who gets its messages; "" is its name again.  *share*: its
    part of the events when each belongs to one customer (see `Webhooks.fan_out`).  *types*: the event types that it
    wants, () is all.  *versions*: the payload formats that it is sent, two during a migration.  *thin*: ids only.

    *server*, *network*, *faults*: as in `Scenario`.  *consumer*: makes its service from the signature scheme with its
    secrets; None is the server's own `make_handler`, and bodies and signatures are left out, because nobody reads
    them.  *url*: checked when it registers.  *addresses*: what its name resolves to, as (from instant, address), in
    order of time; looked at before each attempt.
    """

    name: str
    owner: str = ""
    share: float = knob(1.0, low=0, help="part of the events that are its own")
    types: tuple[str, ...] = ()
    versions: tuple[str, ...] = (VERSION,)
    thin: bool = knob(False, kind=bool, help="ids only")
    server: Server = attrs.field(factory=lambda: Server(workers=math.inf))
    network: Network = attrs.field(factory=Network)
    faults: tuple[Fault, ...] = ()
    consumer: Callable[[Scheme], Handler] | None = None
    url: str = ""
    addresses: tuple[tuple[float, str], ...] = ()

    def __attrs_post_init__(self) -> None:
        if not self.name:
            raise ValueError("an endpoint must have a name, got ''")
        if not 1 <= len(set(self.versions)) == len(self.versions) <= 2:
            raise ValueError(f"versions of {self.name} must be one, or two during a migration, got {self.versions!r}")
        instants = [at for at, _ in self.addresses]
        if instants != sorted(instants):
            raise ValueError(f"addresses of {self.name} must be in order of time, got {instants!r}")


@attrs.frozen(kw_only=True)
class Source:
    """The application whose orders make the events: it commits an order and publishes its event.

    *design*: the outbox, or one of the two broken ways.  *server*: its machine; with a `store_delay` a crash can come
    between two steps.  *faults*: `StepCrash` at the steps of `sim.services.publishing`.  *rollback*: share of the
    orders that are rolled back.  *relay_every*: seconds between two runs of the outbox's relay.
    """

    design: PublishingDesign = attrs.field(factory=Outbox)
    server: Server = attrs.field(factory=lambda: Server(workers=math.inf))
    faults: tuple[Fault, ...] = ()
    rollback: float = knob(0.0, low=0, high=1, help="share of the orders that are rolled back")
    relay_every: float = knob(1.0, above=0, high=86_400, unit="s", help="time between two runs of the relay")


@attrs.frozen(kw_only=True)
class ReplayAt:
    """At *at*, somebody replays the dead letters of *endpoint* (None is all), or those of *reason*."""

    at: float = knob(low=0, unit="s")
    endpoint: str | None = None
    reason: str | None = None


@attrs.frozen(kw_only=True)
class ResendAt:
    """At *at*, somebody presses Resend for the delivery with the number *delivery*."""

    at: float = knob(low=0, unit="s")
    delivery: int = knob(kind=int, low=0)


@attrs.frozen(kw_only=True)
class TestAt:
    """At *at*, somebody sends a test event to *endpoint*."""

    __test__ = False  # not a test for pytest

    at: float = knob(low=0, unit="s")
    endpoint: str


@attrs.frozen(kw_only=True)
class EnableAt:
    """At *at*, somebody enables *endpoint* again."""

    at: float = knob(low=0, unit="s")
    endpoint: str


Action: TypeAlias = ReplayAt | ResendAt | TestAt | EnableAt


def event_id(number: int) -> str:
    """The id of event *number*; below 0 it is a test event.

    >>> event_id(7), event_id(-1)
    ('evt_7', 'evt_test_1')
    """
    return f"evt_{number}" if number >= 0 else f"evt_test_{-number}"


def payment_succeeded(number: int, created: float, u: float) -> Fact:
    """The event of most worlds: payment *number* succeeded, an amount for one of ten accounts."""
    return Fact(
        id=event_id(number),
        type="payment.succeeded",
        created=created,
        object={"id": f"pay_{number}", "account": f"acct_{number % 10}", "amount": 5, "status": "succeeded"},
        previous={"status": "pending"},
    )


@attrs.frozen(kw_only=True)
class Webhooks:
    """A platform and its endpoints.

    *plan*: what the platform decides.  *fan_out*: True sends every event to every endpoint that wants its type; False
    gives each event to one customer, drawn by the endpoints' shares.  *fact*: makes the event from its number, the
    instant, and a uniform number on 0..1 that is keyed by the number; its id is `event_id(number)`.  *chain*: turns its
    object into the older formats; None is one shape for all.  *source*: the application; None is a topic where events
    are already, safe and committed.  *actions*: what people do, and when.
    """

    plan: DeliveryPlan = attrs.field(factory=DeliveryPlan)
    endpoints: tuple[Endpoint, ...] = attrs.field()
    fan_out: bool = knob(False, kind=bool, help="every event to every endpoint")
    fact: Callable[[int, float, float], Fact] = payment_succeeded
    chain: Chain | None = None
    source: Source | None = None
    actions: tuple[Action, ...] = ()

    @endpoints.validator
    def _check(self, attribute: object, value: tuple[Endpoint, ...]) -> None:
        names = [endpoint.name for endpoint in value]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"endpoints must be at least one, each with a name of its own, got {names!r}")
        if not sum(endpoint.share for endpoint in value) > 0:
            raise ValueError("shares of the endpoints must add up to more than 0")

    def __attrs_post_init__(self) -> None:
        names = {endpoint.name for endpoint in self.endpoints}
        for action in self.actions:
            endpoint = getattr(action, "endpoint", None)
            if endpoint is not None and endpoint not in names:
                raise ValueError(f"there is no endpoint {endpoint!r}; there are {', '.join(sorted(names))}")


def with_plan(world: Scenario, plan: DeliveryPlan) -> Scenario:
    """The seat of the stories about webhooks: *world* with another plan."""
    if not isinstance(plan, DeliveryPlan):
        raise TypeError(f"the seat of {world.name} is for a DeliveryPlan, got {plan!r}")
    return attrs.evolve(world, webhooks=attrs.evolve(world.webhooks, plan=plan))
