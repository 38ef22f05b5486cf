"""Policies: decision objects without I/O.  `now` and `rng` are arguments; any object with the method will do."""

from sim.policies.backoff import (
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
from sim.policies.breaker import CircuitBreaker, ConsecutiveBreaker, State
from sim.policies.budget import FailureShareGate, RetryBudget, RetryQuota
from sim.policies.catalog import named
from sim.policies.fresh import fresh
from sim.policies.retry import ClientPolicy, Retry, transient
from sim.policies.throttle import AdaptiveThrottle

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
    "fresh",
    "named",
    "transient",
]
