"""What a client decides: how long to wait, whether to try again, whether to send at all."""

from sim.policies.client.backoff import (
    Backoff,
    DecorrelatedJitter,
    EqualJitter,
    Exponential,
    Fixed,
    FullJitter,
    Linear,
    ProportionalJitter,
    Table,
)
from sim.policies.client.breaker import CircuitBreaker, ConsecutiveBreaker, State
from sim.policies.client.budget import FailureShareGate, RetryBudget, RetryQuota
from sim.policies.client.retry import ClientPolicy, Retry, transient
from sim.policies.client.throttle import AdaptiveThrottle

__all__ = [
    "AdaptiveThrottle",
    "Backoff",
    "CircuitBreaker",
    "ClientPolicy",
    "ConsecutiveBreaker",
    "DecorrelatedJitter",
    "EqualJitter",
    "Exponential",
    "FailureShareGate",
    "Fixed",
    "FullJitter",
    "Linear",
    "ProportionalJitter",
    "Retry",
    "RetryBudget",
    "RetryQuota",
    "State",
    "Table",
    "transient",
]
