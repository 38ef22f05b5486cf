"""Rate limits: what a window, a bucket and a log let through, what the refused are told, and who counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from sim.claims.claiming import Evidence, Verdict, cite, claim
from sim.claims.measuring import SEEDS, between, on_seeds, span
from sim.http import Request
from sim.interleave import Ending, explore
from sim.policies.limiter import (
    FixedWindow,
    LeakyBucketMeter,
    LeakyBucketQueue,
    RateLimiter,
    TokenBucket,
)
from sim.scenarios.limits import boundary_burst, noisy_neighbour, retry_after_herd, shared_counter
from sim.services.shared_counter import (
    COUNTS,
    ENDINGS,
    SharedCounter,
    get_then_increment,
    get_then_set,
    increment_first,
    increment_then_expire,
)
from sim.store import MemoryStore

Q_19_1 = cite(
    "Q-19.1",
    "X-RateLimit-Limit, -Remaining and -Reset say where one stands; Reset is an instant since the epoch.",
    verdict=Verdict.ONLY_IF,
    why="Only if both clocks agree: the draft's RateLimit says seconds from now. X-RateLimit is nobody's standard.",
    source="draft-ietf-httpapi-ratelimit-headers",
)

Q_19_2 = cite(
    "Q-19.2",
    "With requests remaining the next one passes.",
    verdict=Verdict.WRONG,
    why="The draft forbids to rely on it: others spend from the same quota, and a server may refuse for other reasons.",
    source="draft-ietf-httpapi-ratelimit-headers",
)


@claim(
    "Q-19.3",
    "A 429 comes with Retry-After: 60.",
    verdict=Verdict.ONLY_IF,
    why="Only if it is not the same for all: a constant brings everybody who was refused back in one instant.",
)
def a_constant_is_an_appointment() -> Evidence:
    """300 clients, a limit of 30 a second, 3 seeds: told a constant, all 270 who were refused come back at once; told
    times that are spread, about a second's worth, 30, within a third."""
    runs = on_seeds(retry_after_herd(clients=300, limit=30, constant=10.0), ["constant", "server-spreads"])
    constant, spread = (runs.values(name, "peak of retries") for name in ("constant", "server-spreads"))
    return Evidence(
        f"{span(constant)} come back at once by a constant, {span(spread)} when it is spread",
        "270, and 30",
        set(constant) == {270.0} and between(spread, 20.0, 40.0),
    )


@claim(
    "Q-19.4",
    "A fixed window lets twice its limit through around its edge.",
    verdict=Verdict.ONLY_IF,
    why="Only if the edge is known: the clock's is. A window that begins with one's first request has no such edge.",
)
def the_edge_of_a_window() -> Evidence:
    """A burst in the second around a full minute, limit 100, 3 seeds: exactly 200 within 1 s by the clock's windows,
    exactly 100 by windows that begin with the first request."""
    runs = on_seeds(boundary_burst(flood=0.0), ["fixed-window", "anchored-window"])
    fixed, anchored = (runs.values(name, "most in 1 s") for name in ("fixed-window", "anchored-window"))
    return Evidence(
        f"{span(fixed)} in 1 s by the clock, {span(anchored)} from the first request on",
        "200, and 100",
        set(fixed) == {200.0} and set(anchored) == {100.0},
    )


@claim(
    "Q-19.5",
    "Only a fixed window lets twice the limit through; a token bucket does not.",
    verdict=Verdict.WRONG,
    why="It lets through its burst and its rate, b + rt: nearly twice the limit in a minute, when b is the limit.",
)
def a_bucket_has_its_burst_and_its_rate() -> Evidence:
    """100 a minute, a flood of 100 a second: 199 in a minute and 299 in two (b + the whole tokens of just under t);
    fixed windows 200 in two.  Exact."""
    minute, two = ([number / 100 for number in range(seconds * 100)] for seconds in (60, 120))
    counts = [len(_passed(TokenBucket(100, period=60.0), flood)) for flood in (minute, two)]
    windows = len(_passed(FixedWindow(100, period=60.0), two))
    return Evidence(
        f"{counts[0]} in 60 s, {counts[1]} in 120 s; fixed windows {windows} in 120 s",
        "claimed: 100 and 200",
        counts == [199, 299] and windows == 200,
    )


@claim(
    "Q-19.6",
    "A sliding window is exact and has no burst at an edge.",
    verdict=Verdict.ONLY_IF,
    why="Only if it is a log: a counter takes what it saw for evenly spread. Either lets its limit through at once.",
)
def only_the_log_is_exact() -> Evidence:
    """The burst around an edge and the flood after it, 3 seeds: the log never lets over 100 through in 60 s, the
    counter over 150."""
    runs = on_seeds(boundary_burst(), ["sliding-log", "sliding-counter"])
    log, counter = (runs.values(name, "most in a period") for name in ("sliding-log", "sliding-counter"))
    return Evidence(
        f"most in 60 s: log {span(log)}, counter {span(counter)}",
        "100, and more",
        max(log) <= 100.0 and min(counter) > 150.0,
    )


@claim(
    "Q-19.7",
    "A leaky bucket is a queue, and its output is constant.",
    verdict=Verdict.ONLY_IF,
    why="Only if it makes requests wait. The form that counts and refuses is a token bucket, seen from below.",
)
def two_leaky_buckets() -> Evidence:
    """A burst of six at 10 a second with five places: released 0.1 s apart.  And 2,000 random arrivals on 3 seeds: the
    meter and the token bucket of the same rate and burst never disagree.  Exact."""
    queue = LeakyBucketQueue(10, period=1.0, queue=5)
    waits = [decision.delay for decision in (queue.decide("ada", 0.0) for _ in range(6)) if decision.allowed]
    differ = 0
    for seed in SEEDS:
        rng, now = Random(seed), 0.0
        meter, bucket = LeakyBucketMeter(10, period=1.0, burst=5), TokenBucket(10, period=1.0, burst=5)
        for _ in range(2_000):
            now += rng.expovariate(15.0)
            differ += meter.decide("ada", now).allowed != bucket.decide("ada", now).allowed
    return Evidence(
        f"released after {', '.join(f'{wait:.1f}' for wait in waits)} s; {differ} of 6,000 decisions differ",
        "0.1 s apart; 0",
        [round(wait, 9) for wait in waits] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5] and differ == 0,
    )


@claim(
    "Q-19.8",
    "With Redis's atomic increments a count over many servers is right.",
    verdict=Verdict.ONLY_IF,
    why="Only if one adds first and decides by the sum, and the end of the window is not a command of its own.",
)
def add_first_then_decide() -> Evidence:
    """Two requests, a limit of one, every order: reading first lets two through, whether one then sets or increments,
    adding first never; and a crash before the expiry leaves a count without an end.  Then 500 requests against 100,
    3 seeds: over 200 too many by get and set, none by adding first."""
    broken = [_explored(spend, _over) for spend in (get_then_set, get_then_increment)]
    exact, endless = _explored(increment_first, _over), _explored(increment_then_expire, _endless, crashes=1)
    runs = on_seeds(shared_counter(), ["get-then-set", "increment-first"])
    over, none = (runs.values(name, "over the limit") for name in ("get-then-set", "increment-first"))
    return Evidence(
        f"get and set: {span(over)} too many; add first: {span(none)}; with the expiry apart {endless}",
        "some; 0; a count that never ends",
        all(broken) and not exact and min(over) > 200.0 and set(none) == {0.0} and bool(endless),
    )


@claim(
    "Q-19.9",
    "Limit by address, key, user and endpoint, one level after the other.",
    verdict=Verdict.ONLY_IF,
    why="Only if who is refused at one level has spent nothing at another; else the noisy use up what all share.",
)
def levels_are_asked_together() -> Evidence:
    """One client that calls fifteen times as often as twenty others, 3 seeds: with levels decided together over 95 % of
    the quiet calls are served, one by one under half of them."""
    runs = on_seeds(noisy_neighbour(horizon=15.0), ["levels", "one-by-one"])
    together, apart = (runs.values(name, "quiet ok") for name in ("levels", "one-by-one"))
    return Evidence(
        f"{span(together, '.0%')} of the quiet calls served together, {span(apart, '.0%')} one by one",
        "nearly all, under half",
        min(together) > 0.95 and max(apart) < 0.5,
    )


def _passed(limiter: RateLimiter, instants: Sequence[float]) -> list[float]:
    return [now for now in instants if limiter.decide("ada", now).allowed]


def _explored(spend: Callable[..., Any], rule: Callable[[Ending], str | None], crashes: int = 0) -> str:
    """The first violation by two requests under a limit of one, "" when there is none."""
    requests = [Request("POST", "/orders", key=f"order {number}", peer="203.0.113.9") for number in range(2)]
    return explore(lambda: SharedCounter(MemoryStore(), spend, limit=1), requests, rule, crashes=crashes).sentence


def _over(ending: Ending) -> str | None:
    return "two passed a limit of one" if len(ending.effects) > 1 else None


def _endless(ending: Ending) -> str | None:
    assert isinstance(ending.service, SharedCounter)
    counted, ended = ({name for name, _ in ending.service.store.rows(table)} for table in (COUNTS, ENDINGS))
    return "a count never ends" if counted - ended else None
