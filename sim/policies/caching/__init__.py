"""HTTP caching: what may be stored, what may be served, and what happens when it ends."""

from sim.policies.caching.cache import Cache
from sim.policies.caching.cachecontrol import CacheControl, parse_cache_control
from sim.policies.caching.compression import Compressor
from sim.policies.caching.edge import EdgeCache, GatewayCache
from sim.policies.caching.private_cache import CachingClient
from sim.policies.caching.single_flight import SingleFlight
from sim.policies.caching.stampede import EarlyRefresh, LifetimeJitter

__all__ = [
    "Cache",
    "CacheControl",
    "CachingClient",
    "Compressor",
    "EarlyRefresh",
    "EdgeCache",
    "GatewayCache",
    "LifetimeJitter",
    "SingleFlight",
    "parse_cache_control",
]
