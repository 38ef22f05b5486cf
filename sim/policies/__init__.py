"""Policies: decision objects without I/O.  `now` and `rng` are arguments; any object with the method will do.

Here are those that take a seat in a run: what clients decide, and what limits them.  The others are found by their
topic: `sim.policies.idempotency.rules`, `.webhooks`, `.http`, `.caching`, `.paging`, `.jobs`, `.batches`, `.versions`,
`.security`.
"""

from sim.policies.catalog import named
from sim.policies.client import (
    AdaptiveThrottle,
    Backoff,
    CircuitBreaker,
    ClientPolicy,
    ConsecutiveBreaker,
    DecorrelatedJitter,
    EqualJitter,
    Exponential,
    FailureShareGate,
    Fixed,
    FullJitter,
    Linear,
    ProportionalJitter,
    Retry,
    RetryBudget,
    RetryQuota,
    State,
    Table,
    transient,
)
from sim.policies.fresh import fresh
from sim.policies.limiter import (
    GCRA,
    AnchoredWindow,
    ByKey,
    FixedWindow,
    HeedLimits,
    LeakyBucketMeter,
    LeakyBucketQueue,
    Levels,
    SlidingCounter,
    SlidingLog,
    TokenBucket,
)

__all__ = [
    "GCRA",
    "AdaptiveThrottle",
    "AnchoredWindow",
    "Backoff",
    "ByKey",
    "CircuitBreaker",
    "ClientPolicy",
    "ConsecutiveBreaker",
    "DecorrelatedJitter",
    "EqualJitter",
    "Exponential",
    "FailureShareGate",
    "Fixed",
    "FixedWindow",
    "FullJitter",
    "HeedLimits",
    "LeakyBucketMeter",
    "LeakyBucketQueue",
    "Levels",
    "Linear",
    "ProportionalJitter",
    "Retry",
    "RetryBudget",
    "RetryQuota",
    "SlidingCounter",
    "SlidingLog",
    "State",
    "Table",
    "TokenBucket",
    "fresh",
    "named",
    "transient",
]
