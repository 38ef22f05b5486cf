"""Delivery: what a platform decides about webhooks, from registration to the dead-letter queue."""

from sim.policies.delivery.alerts import (
    Alert,
    Alerts,
    DeadLettersWaiting,
    EndpointView,
    FailureShare,
    OldestUndelivered,
)
from sim.policies.delivery.envelope import Fact, body, envelope
from sim.policies.delivery.health import AutoDisable, Disable, Health, Healthy, Warn
from sim.policies.delivery.letters import DeadLetter, DeadLetterQueue
from sim.policies.delivery.plan import DeliveryPlan, Queueing, endpoint_breaker
from sim.policies.delivery.registration import Registry, Subscription, new_secret
from sim.policies.delivery.rules import (
    FAST_FAIL,
    RETRY_ALL_BUT_GONE,
    STANDARD_WEBHOOKS,
    Action,
    ResponseRules,
    Ruling,
)
from sim.policies.delivery.schedules import (
    EQUAL,
    FULL,
    GUIDE_GAPS,
    NONE,
    PROPORTIONAL,
    Jitter,
    Spread,
    exponential_schedule,
    guide_schedule,
    instants,
    schedule,
    standard_schedule,
)

__all__ = [
    "EQUAL",
    "FAST_FAIL",
    "FULL",
    "GUIDE_GAPS",
    "NONE",
    "PROPORTIONAL",
    "RETRY_ALL_BUT_GONE",
    "STANDARD_WEBHOOKS",
    "Action",
    "Alert",
    "Alerts",
    "AutoDisable",
    "DeadLetter",
    "DeadLetterQueue",
    "DeadLettersWaiting",
    "DeliveryPlan",
    "Disable",
    "EndpointView",
    "Fact",
    "FailureShare",
    "Health",
    "Healthy",
    "Jitter",
    "OldestUndelivered",
    "Queueing",
    "Registry",
    "ResponseRules",
    "Ruling",
    "Spread",
    "Subscription",
    "Warn",
    "body",
    "endpoint_breaker",
    "envelope",
    "exponential_schedule",
    "guide_schedule",
    "instants",
    "new_secret",
    "schedule",
    "standard_schedule",
]
