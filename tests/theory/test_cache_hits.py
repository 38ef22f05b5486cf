"""Hit rates of a cache with a lifetime, against the renewal formula λT/(1 + λT)."""

import math
from itertools import accumulate
from random import Random
from statistics import mean, stdev

import pytest

from sim.http import Request, Response
from sim.policies.caching.cache import Cache, Fresh


def visit(cache, request, lifetime, now):
    """One request through *cache* before an origin that answers at once; True for a hit."""
    if isinstance(cache.lookup(request, now), Fresh):
        return True
    answer = Response(200, headers={"Cache-Control": f"max-age={lifetime}"})
    cache.receive(request, answer, requested_at=now, now=now)
    return False


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "lifetime", "published"), [(1, 1, 0.5), (0.1, 60, 0.8571), (2, 30, 0.9836)])
def test_the_hit_rate_of_one_key(rate, lifetime, published):
    """Poisson requests at λ and a lifetime T hit with λT/(1 + λT), within three standard errors.

    Every miss opens a cycle with a Poisson number of hits, which gives the standard error of their ratio.
    """
    cache, rng, now, visits, request = Cache(), Random(3), 0.0, 8_000, Request("GET", "/hot")
    hits = 0
    for _ in range(visits):
        now += rng.expovariate(rate)
        hits += visit(cache, request, lifetime, now)
    load = rate * lifetime
    expected = load / (1 + load)
    cycles = visits / (1 + load)
    error = (1 - expected) * math.sqrt(load / cycles) / (1 + load)
    assert round(expected, 4) == published
    assert abs(hits / visits - expected) < 3 * error


@pytest.mark.slow
def test_the_hit_rate_of_a_thousand_keys():
    """Zipf(1) over 1,000 keys, 100 requests a second, T = 60 s: 0.8919, within three standard errors of 8 batches."""
    weights = [1 / rank for rank in range(1, 1_001)]
    loads = [100 * 60 * weight / sum(weights) for weight in weights]
    expected = sum(load * load / (1 + load) for load in loads) / sum(loads)
    assert round(expected, 4) == 0.8919
    cache, rng, now, batches = Cache(), Random(4), 0.0, []
    requests = [Request("GET", f"/{rank}") for rank in range(1_000)]
    bounds = list(accumulate(weights))
    for _ in range(10):
        hits = 0
        for request in rng.choices(requests, cum_weights=bounds, k=4_000):
            now += rng.expovariate(100)
            hits += visit(cache, request, 60, now)
        batches.append(hits / 4_000)
    warm = batches[2:]
    assert abs(mean(warm) - expected) < 3 * stdev(warm) / math.sqrt(len(warm))


@pytest.mark.parametrize(("clients", "megabytes"), [(1, 0.05), (100, 5.0), (1_000, 45.5), (10_000, 250.0)])
def test_a_private_cache_saves_only_what_a_client_repeats(clients, megabytes):
    """Q-14.2: 10,000 requests an hour for 50 KB, T = 1 h: what is left of the 500 MB depends on who repeats.

    With one client nearly nothing; with ten thousand, each of whom comes once an hour, half of it.
    """
    load = 10_000 / clients  # requests of one client in one lifetime
    sent = 10_000 * 0.05 / (1 + load)
    assert sent == pytest.approx(megabytes, rel=0.011)
