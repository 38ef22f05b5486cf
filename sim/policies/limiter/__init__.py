"""Rate limiters: how many requests of a key get through, when the rest may come again, and how both sides say so."""

from sim.policies.limiter.bucket import GCRA, TokenBucket
from sim.policies.limiter.decision import Decision, RateLimiter, RequestLimiter
from sim.policies.limiter.headers import (
    DraftHeaders,
    QuotaPolicy,
    Style,
    announce,
    de_facto,
    retry_after_date,
    retry_after_seconds,
    silent,
    x_ratelimit,
)
from sim.policies.limiter.heed import HeedLimits
from sim.policies.limiter.leaky import LeakyBucketMeter, LeakyBucketQueue
from sim.policies.limiter.levels import (
    ByKey,
    CostOf,
    KeyOf,
    Level,
    Levels,
    SequentialLevels,
    by_endpoint,
    by_header,
    by_peer,
    everyone,
    one,
)
from sim.policies.limiter.reading import ServiceLimit, read_limit, read_policies, read_ratelimit, read_x_ratelimit
from sim.policies.limiter.refusal import ConstantRetryAfter, SpreadRetryAfter, too_many
from sim.policies.limiter.window import AnchoredWindow, FixedWindow, SlidingCounter, SlidingLog

__all__ = [
    "GCRA",
    "AnchoredWindow",
    "ByKey",
    "ConstantRetryAfter",
    "CostOf",
    "Decision",
    "DraftHeaders",
    "FixedWindow",
    "HeedLimits",
    "KeyOf",
    "LeakyBucketMeter",
    "LeakyBucketQueue",
    "Level",
    "Levels",
    "QuotaPolicy",
    "RateLimiter",
    "RequestLimiter",
    "SequentialLevels",
    "ServiceLimit",
    "SlidingCounter",
    "SlidingLog",
    "SpreadRetryAfter",
    "Style",
    "TokenBucket",
    "announce",
    "by_endpoint",
    "by_header",
    "by_peer",
    "de_facto",
    "everyone",
    "one",
    "read_limit",
    "read_policies",
    "read_ratelimit",
    "read_x_ratelimit",
    "retry_after_date",
    "retry_after_seconds",
    "silent",
    "too_many",
    "x_ratelimit",
]
