"""Delivering webhooks: backlogs, slow neighbours, outages and dead letters."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Annotated

import attrs

from sim.deliveries import attempts_failed, delays, delivered_by, drained, peak_at_once, peak_per_second, share
from sim.flow import Handler
from sim.knobs import Knob
from sim.laws import Constant, Exponential
from sim.metrics import percentile
from sim.policies.client.backoff import DecorrelatedJitter, Fixed
from sim.policies.delivery import (
    EQUAL,
    FULL,
    NONE,
    PROPORTIONAL,
    AutoDisable,
    DeliveryPlan,
    Fact,
    Queueing,
    endpoint_breaker,
    exponential_schedule,
    guide_schedule,
    schedule,
    standard_schedule,
)
from sim.policies.webhooks.retention import HOUR
from sim.scenario import Outage, Partition, Scenario, Server, story
from sim.services.misbehaving import Garbage, NeverAnswers, RedirectsForEver
from sim.trace import Fate, WebhookTrace
from sim.webhooks import Endpoint, ReplayAt, Webhooks, event_id, with_plan
from sim.workload import AllAtOnce, Poisson, Replay

_EVENTS = Knob(low=1, high=1_000_000, unit="events", help="how many events there are")
_WORKERS = Knob(low=1, high=100_000, unit="workers", help="attempts under way at once")
_CAP = Knob(low=1, high=100_000, unit="attempts", help="attempts at once to one endpoint")

BACK = 600.0
"""Seconds after which the endpoint of the backlog is back."""
BACKLOG, NEIGHBOUR = "back-at-ten", "neighbour"


@story
def webhook_backlog(
    *,
    events: Annotated[int, _EVENTS] = 5_000,
    workers: Annotated[int, _WORKERS] = 500,
    cap: Annotated[int, _CAP] = 40,
    neighbour_rate: Annotated[
        float, Knob(above=0, high=100, unit="events/s", help="events of the healthy neighbour, for an hour")
    ] = 1.0,
) -> Scenario:
    """An endpoint is down, and its events pile up; it comes back after ten minutes with its usual capacity.

    It works on 50 requests at once, 0.2 s each on average, and queues 5,000 more, which takes longer than the platform
    waits for an answer: what it finishes then counts for nothing.  While it is down nothing answers at all.  A healthy
    neighbour gets its own events meanwhile.  Each plan adds one thing to the one before.  Left out: payloads,
    signatures, and new events for the endpoint that was down.
    """
    direct = DeliveryPlan(
        queueing=Queueing.NONE, workers=workers, cap=math.inf, schedule=guide_schedule(jitter=NONE), alerts=()
    )
    capped = attrs.evolve(direct, queueing=Queueing.PER_ENDPOINT, cap=cap)
    broken = attrs.evolve(capped, breaker=endpoint_breaker())
    contestants = {
        "direct": direct,
        "one-queue": attrs.evolve(direct, queueing=Queueing.SHARED),
        "queue-per-endpoint": attrs.evolve(direct, queueing=Queueing.PER_ENDPOINT),
        "concurrency-cap": capped,
        "breaker": broken,
        "jitter": attrs.evolve(broken, schedule=guide_schedule(jitter=FULL)),
    }
    theirs = [number / neighbour_rate for number in range(1, int(HOUR * neighbour_rate) + 1)]
    machine = Server(workers=50, queue=5_000, service=Exponential(0.2))
    return Scenario(
        arrivals=Replay((0.0,) * events + tuple(theirs)),
        horizon=HOUR,
        drain=3 * HOUR,
        policies=tuple(contestants),
        contestants=contestants,
        seat=with_plan,
        figures={
            "delivered by 1 h": lambda trace: delivered_by(trace, HOUR, endpoint=BACKLOG),
            "last delivered, min": lambda trace: drained(trace, endpoint=BACKLOG) / 60.0,
            "failed attempts": lambda trace: attempts_failed(trace, endpoint=BACKLOG),
            "peak at once": lambda trace: peak_at_once(trace, endpoint=BACKLOG),
            "neighbour p99, s": lambda trace: percentile(delays(trace, endpoint=NEIGHBOUR), 0.99),
        },
        columns=("delivered by 1 h", "last delivered, min", "failed attempts", "peak at once", "neighbour p99, s"),
        webhooks=Webhooks(
            endpoints=(
                Endpoint(name=BACKLOG, types=(BACKLOG,), server=machine, faults=(Partition(start=0.0, length=BACK),)),
                Endpoint(name=NEIGHBOUR, types=(NEIGHBOUR,), server=machine),
            ),
            fan_out=True,
            fact=functools.partial(_of_the_backlog, events),
        ),
    )


def _of_the_backlog(events: int, number: int, created: float, u: float) -> Fact:
    return Fact(
        id=event_id(number), type=BACKLOG if number < events else NEIGHBOUR, created=created, object={"id": str(number)}
    )


@story
def retry_wave(
    *,
    events: Annotated[int, _EVENTS] = 10_000,
    wait: Annotated[float, Knob(above=0, high=86_400, unit="s", help="the wait before the second attempt")] = 30.0,
) -> Scenario:
    """All events fail at one instant and are tried again after the same wait: how high is the wave with each jitter?

    Nothing holds the retries back but their jitter: no queue, no cap.  The endpoint is back before the second attempt.
    """
    direct = DeliveryPlan(queueing=Queueing.NONE, alerts=())
    contestants = {
        name: attrs.evolve(direct, schedule=schedule(backoff, attempts=2))
        for name, backoff in {
            "no-jitter": Fixed(wait),
            "proportional-jitter": PROPORTIONAL.over(Fixed(wait)),
            "equal-jitter": EQUAL.over(Fixed(wait)),
            "full-jitter": FULL.over(Fixed(wait)),
            "decorrelated-jitter": DecorrelatedJitter(base=wait / 3.0, cap=wait),
        }.items()
    }
    return Scenario(
        arrivals=AllAtOnce(clients=events),
        drain=2.0 * wait + 60.0,
        policies=tuple(contestants),
        contestants=contestants,
        seat=with_plan,
        figures={
            "peak second": lambda trace: peak_per_second(trace, since=1e-9),
            "mean wait, s": lambda trace: sum(waits) / len(waits) if (waits := delays(trace)) else math.nan,
        },
        columns=("peak second", "mean wait, s", "attempts"),
        webhooks=Webhooks(
            endpoints=(
                Endpoint(
                    name="shop",
                    server=Server(workers=math.inf, service=Constant(0.0)),
                    faults=(Outage(start=0.0, length=1e-9),),
                ),
            )
        ),
    )


HEALTHY = ("shop-1", "shop-2", "shop-3")
ROGUES = ("silent", "garbled", "circular", "inside")


@story
def rogue_endpoints(
    *,
    rate: Annotated[float, Knob(above=0, high=1_000, unit="events/s", help="events each second")] = 28.0,
    workers: Annotated[int, _WORKERS] = 50,
    cap: Annotated[int, _CAP] = 5,
    horizon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="when new events stop")] = 200.0,
) -> Scenario:
    """Four endpoints misbehave: one is silent, one garbled, one redirects for ever, one leads into our own network.

    Three others are healthy, and each of the seven has the same share of the events.  What do the healthy ones notice?
    The address of "inside" is public when it registers and private from the tenth second on.
    """
    plan = DeliveryPlan(
        queueing=Queueing.PER_ENDPOINT, workers=workers, cap=cap, schedule=exponential_schedule(attempts=6), alerts=()
    )
    contestants = {
        "one-queue": attrs.evolve(plan, queueing=Queueing.SHARED, cap=math.inf),
        "queue-per-endpoint": attrs.evolve(plan, cap=math.inf),
        "concurrency-cap": plan,
        "breaker": attrs.evolve(plan, breaker=endpoint_breaker()),
    }
    quick = Server(workers=math.inf, service=Exponential(0.1))
    rogues: dict[str, Callable[[], Handler]] = {
        "silent": NeverAnswers,
        "garbled": Garbage,
        "circular": RedirectsForEver,
    }
    return Scenario(
        arrivals=Poisson.steady(rate),
        horizon=horizon,
        drain=2 * HOUR,
        policies=tuple(contestants),
        contestants=contestants,
        seat=with_plan,
        figures={
            "healthy p50, s": lambda trace: percentile(_all_delays(trace, HEALTHY), 0.50),
            "healthy p99, s": lambda trace: percentile(_all_delays(trace, HEALTHY), 0.99),
            "healthy delivered": lambda trace: min(share(trace, Fate.DELIVERED, endpoint=shop) for shop in HEALTHY),
            "attempts to rogues": lambda trace: sum(attempts_failed(trace, endpoint=name) for name in ROGUES),
        },
        columns=("healthy p50, s", "healthy p99, s", "healthy delivered", "attempts to rogues"),
        webhooks=Webhooks(
            endpoints=(
                *(Endpoint(name=name, server=quick) for name in HEALTHY),
                *(
                    Endpoint(name=name, server=attrs.evolve(quick, make_handler=rogue))
                    for name, rogue in rogues.items()
                ),
                Endpoint(name="inside", server=quick, addresses=((0.0, "198.51.7.9"), (10.0, "10.0.0.7"))),
            )
        ),
    )


def _all_delays(trace: WebhookTrace, endpoints: tuple[str, ...]) -> list[float]:
    return sorted(delay for name in endpoints for delay in delays(trace, endpoint=name))


@story
def webhook_outage(
    *,
    hours: Annotated[float, Knob(low=0, high=720, unit="h", help="how long the endpoint is down")] = 8.0,
    failure: Annotated[float, Knob(low=0, high=1, help="share of the attempts that fail before and after")] = 0.0,
    rate: Annotated[float, Knob(above=0, high=100, unit="events/s", help="events each second, for an hour")] = 0.1,
    replay_after: Annotated[
        float, Knob(low=0, high=720, unit="h", help="when somebody replays the dead letters; 0 is never")
    ] = 0.0,
    per_second: Annotated[
        float, Knob(above=0, high=1_000, unit="events/s", help="the most that a replay brings back")
    ] = 10.0,
) -> Scenario:
    """An endpoint is down for hours.  Which schedule delivers its events, how late, and with how many attempts?

    Events come for an hour, and the outage begins with the first.  A dead letter is kept for 30 days.
    """
    plan = DeliveryPlan(alerts=(), watch=HOUR, replay_per_second=per_second)
    contestants = {
        "guide": attrs.evolve(plan, schedule=guide_schedule()),
        "standard-webhooks": attrs.evolve(plan, schedule=standard_schedule()),
        "exponential-4h": attrs.evolve(plan, schedule=exponential_schedule()),
        "doubling": attrs.evolve(plan, schedule=exponential_schedule(cap=86_400.0, attempts=14)),
        "five-attempts": attrs.evolve(plan, schedule=exponential_schedule(attempts=5)),
        "guide+auto-disable": attrs.evolve(plan, schedule=guide_schedule(), auto_disable=AutoDisable()),
    }
    down = (Outage(start=0.0, length=hours * HOUR),) if hours else ()
    return Scenario(
        arrivals=Poisson.steady(rate),
        horizon=HOUR,
        drain=max(100.0, hours + replay_after + 100.0) * HOUR,
        policies=tuple(contestants),
        contestants=contestants,
        seat=with_plan,
        figures={
            "delivered share": lambda trace: share(trace, Fate.DELIVERED),
            "dead share": lambda trace: share(trace, Fate.DEAD),
            "median delay, h": lambda trace: percentile(delays(trace), 0.5) / HOUR,
            "attempts per event": lambda trace: len(trace.attempts) / max(1, len(trace.calls)),
        },
        columns=("delivered share", "dead share", "median delay, h", "attempts per event"),
        webhooks=Webhooks(
            endpoints=(
                Endpoint(
                    name="shop",
                    server=Server(workers=math.inf, service=Constant(0.05), failure=failure),
                    faults=down,
                ),
            ),
            actions=(ReplayAt(at=replay_after * HOUR),) if replay_after else (),
        ),
    )
