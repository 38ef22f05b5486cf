"""The plan of a delivery platform: all that it decides, in one value, so that two platforms can be compared."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import attrs

from sim.flow import Breaker, RetryRule, check_method
from sim.knobs import knob
from sim.policies.client.breaker import CircuitBreaker
from sim.policies.delivery.alerts import Alerts, DeadLettersWaiting, FailureShare, OldestUndelivered
from sim.policies.delivery.health import AutoDisable
from sim.policies.delivery.letters import DeadLetterQueue
from sim.policies.delivery.rules import ResponseRules
from sim.policies.delivery.schedules import guide_schedule
from sim.policies.webhooks.signing import Scheme, StandardScheme


class Queueing(enum.Enum):
    """Where a delivery waits until it may be sent."""

    NONE = "no queue"
    """Nowhere: it is sent by whoever made the event, at once, and so is every retry the moment it is due."""
    SHARED = "one queue"
    """In one queue, first come, first served: a slow endpoint holds up everybody behind it."""
    PER_ENDPOINT = "a queue for each endpoint"
    """In a queue of its endpoint; workers serve the endpoints in turn."""


def endpoint_breaker() -> CircuitBreaker:
    """The guide's breaker for one endpoint: half of the attempts in 60 s, and a minimum volume that it leaves out."""
    return CircuitBreaker(window=60.0, failure_fraction=0.5, minimum_volume=20, open_time=30.0)


@attrs.frozen(kw_only=True)
class DeliveryPlan:
    """What a platform does with the events that it must deliver.

    *queueing*: where deliveries wait.  *workers*: attempts under way at once, over all endpoints; *cap*: to one
    endpoint; with `Queueing.NONE` neither holds, there is nothing that could wait.  *timeout*: seconds until an
    attempt counts as failed; a worker is held that long.

    *rules*: what an answer means.  *schedule*: when the next attempt is due, any retry rule with
    `wait(attempt, outcome, elapsed, previous, rng)`; None from it sends the event to the dead letters.
    *breaker*: one for each endpoint, made from this configuration; while it is open deliveries wait, and use up
    none of their attempts.  Every answer that is not a delivery counts as a failure.  None is none.

    *auto_disable*: judged for each endpoint; None never disables.  *alerts*: rules that write to an endpoint's owner.
    *watch*: seconds between two looks at them.  *dead_letters*: how long failed events are kept.
    *replay_per_second*: the most that a replay brings back in a second; None is all at once: a new herd.

    *scheme*: makes the signature scheme from an endpoint's secrets.  *sign_each_attempt*: False signs once, when the
    event is made, and every retry later than the receiver's tolerance is then refused.  *distinct_ids*: with dual
    delivery, each format has an id of its own.
    """

    queueing: Queueing = attrs.field(default=Queueing.PER_ENDPOINT, validator=attrs.validators.instance_of(Queueing))
    workers: float = knob(100, kind=int, low=1, infinite=True, unit="workers", help="attempts under way at once")
    cap: float = knob(10, kind=int, low=1, infinite=True, unit="attempts", help="at once to one endpoint")
    timeout: float = knob(5.0, above=0, high=86_400, unit="s", help="how long an attempt may take")
    rules: ResponseRules = attrs.field(factory=ResponseRules)
    schedule: RetryRule = attrs.field(factory=guide_schedule)
    breaker: Breaker | None = None
    auto_disable: AutoDisable | None = None
    alerts: tuple[Any, ...] = attrs.field(
        factory=lambda: (FailureShare(), OldestUndelivered(), DeadLettersWaiting()), converter=tuple
    )
    watch: float = knob(60.0, above=0, high=86_400, unit="s", help="time between two looks at the endpoints' health")
    dead_letters: DeadLetterQueue = attrs.field(factory=DeadLetterQueue)
    replay_per_second: float | None = knob(
        None, above=0, optional=True, unit="events/s", help="the most that a replay brings back"
    )
    scheme: Callable[[tuple[str, ...]], Scheme] = StandardScheme
    sign_each_attempt: bool = knob(True, kind=bool, help="a new signature, with a new time, for each attempt")
    distinct_ids: bool = knob(False, kind=bool, help="with two formats, two ids")

    def __attrs_post_init__(self) -> None:
        check_method(self.schedule, "wait", "attempt", "outcome", "elapsed", "previous", "rng")
        check_method(self.rules, "judge", "outcome")
        if self.breaker is not None:
            check_method(self.breaker, "admit", "now", "rng")
            check_method(self.breaker, "record", "permit", "outcome", "now", "rng")
            check_method(self.breaker, "retry_after", "now")
        Alerts(rules=self.alerts)  # refuses what is no rule, and two of one name
