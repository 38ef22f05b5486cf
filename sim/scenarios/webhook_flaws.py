"""Webhooks that go wrong: a bad release, an event that was never published, a signature that expired, a late replay."""

from __future__ import annotations

import functools
import math
from collections import Counter
from typing import Annotated, Any

import attrs

from sim.deliveries import delays, share
from sim.flow import Handler
from sim.knobs import Knob
from sim.laws import Constant, Exponential
from sim.metrics import percentile
from sim.policies.delivery import (
    FAST_FAIL,
    NONE,
    RETRY_ALL_BUT_GONE,
    STANDARD_WEBHOOKS,
    Action,
    DeliveryPlan,
    guide_schedule,
)
from sim.policies.webhooks.retention import DAY, GUIDE, HOUR, Retention, required_retention
from sim.policies.webhooks.signing import Scheme
from sim.scenario import BadRelease, Network, Outage, Partition, Scenario, Server, StepCrash, story
from sim.services.consumers import Consumer, OneTransaction, SkewedClock
from sim.services.publishing import COMMIT, ENQUEUE, PUBLISH, EnqueueAfterCommit, EnqueueBeforeCommit, Outbox
from sim.store import MemoryStore
from sim.trace import Fate, WebhookTrace
from sim.webhooks import Endpoint, ReplayAt, Source, Webhooks, with_plan
from sim.workload import Poisson

_RATE = Knob(above=0, high=1_000, unit="events/s", help="events each second")


@story
def bad_release(
    *,
    status: Annotated[int, Knob(low=400, high=499, help="what the bad release answers")] = 401,
    minutes: Annotated[float, Knob(above=0, high=10_000, unit="min", help="until it is rolled back")] = 60.0,
    rate: Annotated[float, _RATE] = 0.2,
) -> Scenario:
    """The endpoint deploys a release that answers 401 to everything, and rolls it back an hour later: which rule loses?

    Events come for three hours, the bad release is out in the second.  A rule that takes a 4xx for final gives up each
    event of that hour at its first attempt.
    """
    plan = DeliveryPlan(alerts=(), watch=HOUR)
    contestants = {
        "fast-fail": attrs.evolve(plan, rules=FAST_FAIL),
        "drop-4xx": attrs.evolve(plan, rules=STANDARD_WEBHOOKS.with_row("4xx", Action.DROP)),
        "retry-all-but-gone": attrs.evolve(plan, rules=RETRY_ALL_BUT_GONE),
        "standard-webhooks": attrs.evolve(plan, rules=STANDARD_WEBHOOKS),
    }
    return Scenario(
        arrivals=Poisson.steady(rate),
        horizon=3 * HOUR,
        drain=100 * HOUR,
        policies=tuple(contestants),
        contestants=contestants,
        seat=with_plan,
        figures={
            "delivered share": lambda trace: share(trace, Fate.DELIVERED),
            "dead": lambda trace: _count(trace, Fate.DEAD),
            "dropped": lambda trace: _count(trace, Fate.DROPPED),
            "p99 delay, h": lambda trace: percentile(delays(trace), 0.99) / HOUR,
        },
        columns=("delivered share", "dead", "dropped", "p99 delay, h"),
        webhooks=Webhooks(
            endpoints=(
                Endpoint(
                    name="shop",
                    server=Server(workers=math.inf, service=Constant(0.05)),
                    faults=(BadRelease(start=HOUR, length=minutes * 60.0, status=status),),
                ),
            )
        ),
    )


@story
def lost_events(
    *,
    rate: Annotated[float, _RATE] = 10.0,
    crash_share: Annotated[
        float, Knob(low=0, high=0.5, help="share of the orders at which the process dies, at each of three steps")
    ] = 0.02,
    rollback: Annotated[float, Knob(low=0, high=1, help="share of the orders that are rolled back")] = 0.05,
    horizon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="when new orders stop")] = 120.0,
) -> Scenario:
    """An order is committed and its event published, now and then the process dies: which are lost, which invented?

    The process dies right after a commit, an enqueue, or a publication by the outbox's relay, and is back after half a
    second.  Orders that come in the meantime are turned away and are nobody's event.
    """
    return Scenario(
        arrivals=Poisson.steady(rate),
        horizon=horizon,
        drain=HOUR,
        policies=("enqueue-after-commit", "enqueue-before-commit", "outbox"),
        contestants={
            "enqueue-after-commit": EnqueueAfterCommit(),
            "enqueue-before-commit": EnqueueBeforeCommit(),
            "outbox": Outbox(),
        },
        seat=_publish_with,
        figures={
            "orders": lambda trace: float(len(trace.source.ledger)),
            "events lost": lambda trace: float(len(trace.lost())),
            "events invented": lambda trace: float(len(trace.invented())),
            "published twice": lambda trace: float(
                sum(times - 1 for times in Counter(trace.events.column("event")).values())
            ),
            "p50 to publish, s": _median_publishing,
        },
        columns=("orders", "events lost", "events invented", "published twice", "p50 to publish, s"),
        webhooks=Webhooks(
            plan=DeliveryPlan(alerts=()),
            endpoints=(Endpoint(name="shop", server=Server(workers=math.inf, service=Constant(0.05))),),
            source=Source(
                server=Server(workers=math.inf, service=Constant(0.0), store_delay=Exponential(0.005)),
                rollback=rollback,
                faults=tuple(
                    StepCrash(step=step, share=crash_share, length=0.5)
                    for step in (COMMIT, ENQUEUE, PUBLISH)
                    if crash_share
                ),
            ),
        ),
    )


def _publish_with(world: Scenario, contestant: Any) -> Scenario:
    webhooks = world.webhooks
    source = attrs.evolve(webhooks.source, design=contestant)
    return attrs.evolve(world, webhooks=attrs.evolve(webhooks, source=source))


def _median_publishing(trace: WebhookTrace) -> float:
    columns = (trace.events.column(name) for name in ("created", "queued"))
    return percentile(sorted(queued - created for created, queued in zip(*columns, strict=True)), 0.5)


@story
def expired_signatures(
    *,
    minutes: Annotated[float, Knob(low=0, high=10_000, unit="min", help="how long the endpoint is down")] = 20.0,
    rate: Annotated[float, _RATE] = 0.5,
    skew: Annotated[
        float, Knob(low=-86_400, high=86_400, unit="s", help="how far the receiver's clock is ahead")
    ] = 0.0,
) -> Scenario:
    """The endpoint is down for a while and checks signatures that are good for 300 s: who signs each attempt anew?

    A signature carries a time.  With the event's, each attempt from the third on is refused, and the retries are for
    nothing; with the attempt's, every retry is as good as the first.  Events come for ten minutes from the start.
    """
    plan = DeliveryPlan(alerts=(), watch=HOUR, schedule=guide_schedule(jitter=NONE))
    return Scenario(
        arrivals=Poisson.steady(rate),
        horizon=600.0,
        drain=80 * HOUR,
        policies=("signed-once", "signed-each-attempt"),
        contestants={
            "signed-once": attrs.evolve(plan, sign_each_attempt=False),
            "signed-each-attempt": attrs.evolve(plan, sign_each_attempt=True),
        },
        seat=with_plan,
        figures={
            "delivered share": lambda trace: share(trace, Fate.DELIVERED),
            "dead share": lambda trace: share(trace, Fate.DEAD),
            "refused attempts": lambda trace: float(sum(answer == 401 for answer in trace.attempts.column("answer"))),
        },
        columns=("delivered share", "dead share", "refused attempts", "attempts"),
        webhooks=Webhooks(
            endpoints=(
                Endpoint(
                    name="shop",
                    server=Server(workers=math.inf, service=Constant(0.05)),
                    consumer=functools.partial(_consumer, Retention(), skew),
                    faults=(Outage(start=0.0, length=minutes * 60.0),) if minutes else (),
                ),
            )
        ),
    )


@story
def late_replay(
    *,
    days: Annotated[float, Knob(above=0, high=30, unit="days", help="when the dead letters are replayed")] = 10.0,
    hours: Annotated[float, Knob(above=0, high=720, unit="h", help="how long no answer gets back")] = 90.0,
    rate: Annotated[float, Knob(above=0, high=10, unit="events/s", help="events each second, for an hour")] = 0.02,
) -> Scenario:
    """Events are processed, but no answer gets back to the platform; their dead letters are replayed days later.

    How long must the consumer know the ids?  The guide says 72 hours, its own retry window; its retries end at 86 hours
    at most, its dead letters are kept for 30 days, and a replay has a fresh set of retries: 37.2 days.
    """
    needed = required_retention(retry_window=72 * HOUR, jitter=0.2, dead_letters=30 * DAY)
    plan = DeliveryPlan(alerts=(), watch=HOUR, replay_per_second=1.0)
    return Scenario(
        arrivals=Poisson.steady(rate),
        horizon=HOUR,
        drain=max(days * DAY, hours * HOUR) + 5 * DAY,
        policies=("72-hours", "37-days", "for-ever"),
        contestants={"72-hours": Retention(GUIDE), "37-days": Retention(needed), "for-ever": Retention()},
        seat=functools.partial(_remember_for, plan),
        figures={
            "events": lambda trace: float(len(trace.events)),
            "replayed": lambda trace: float(sum(mark.kind == "dead letter" for mark in trace.marks)),
            "done twice": lambda trace: float(
                sum(times > 1 for times in Counter(entry.key for entry in trace.ledger).values())
            ),
        },
        columns=("events", "replayed", "done twice"),
        webhooks=Webhooks(
            plan=plan,
            endpoints=(
                Endpoint(
                    name="shop",
                    server=Server(workers=math.inf, service=Constant(0.0), store_delay=Constant(0.001)),
                    consumer=functools.partial(_consumer, Retention(), 0.0),
                    faults=(Partition(start=0.0, length=hours * HOUR, requests=False),),
                ),
            ),
            actions=(ReplayAt(at=days * DAY),),
        ),
    )


def _remember_for(plan: DeliveryPlan, world: Scenario, retention: Retention) -> Scenario:
    (endpoint,) = world.webhooks.endpoints
    remembering = attrs.evolve(endpoint, consumer=functools.partial(_consumer, retention, 0.0))
    return attrs.evolve(world, webhooks=attrs.evolve(world.webhooks, endpoints=(remembering,)))


@story
def lost_acknowledgements(
    *,
    lost_acks: Annotated[float, Knob(low=0, high=0.9, help="share of the acknowledgements that are lost")] = 0.2,
    rate: Annotated[float, _RATE] = 2.0,
    horizon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="when new events stop")] = 600.0,
) -> Scenario:
    """Answers get lost on their way back, which the platform cannot tell from a failure: how often is each event sent?

    1 / (1 - q) times on average when a share q of the answers is lost; a consumer that knows ids works once.
    """
    plan = DeliveryPlan(alerts=(), watch=HOUR, schedule=guide_schedule())
    return Scenario(
        arrivals=Poisson.steady(rate),
        horizon=horizon,
        drain=90 * HOUR,
        policies=("knows-ids", "knows-nothing"),
        contestants={"knows-ids": Retention(), "knows-nothing": Retention(0.0)},
        seat=functools.partial(_remember_for, plan),
        figures={
            "deliveries per event": lambda trace: _ratio(len(trace.attempts), len(trace.calls)),
            "effects per event": lambda trace: _ratio(len(trace.ledger), len(trace.calls)),
        },
        columns=("deliveries per event", "effects per event"),
        webhooks=Webhooks(
            plan=plan,
            endpoints=(
                Endpoint(
                    name="shop",
                    server=Server(workers=math.inf, service=Constant(0.0), store_delay=Constant(0.001)),
                    network=Network(
                        request_delay=Exponential(0.02), reply_delay=Exponential(0.02), reply_loss=lost_acks
                    ),
                    consumer=functools.partial(_consumer, Retention(), 0.0),
                ),
            ),
        ),
    )


def _consumer(retention: Retention, skew: float, scheme: Scheme) -> Handler:
    """A consumer that checks signatures and books each event in one transaction with its id."""
    consumer = Consumer(MemoryStore(), OneTransaction(retention), scheme=scheme)
    return SkewedClock(consumer, skew) if skew else consumer


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _count(trace: WebhookTrace, fate: Fate) -> float:
    return float(sum(one == fate for one in trace.calls.column("fate")))
