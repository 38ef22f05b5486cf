"""Rate limits: what gets through at a window's edge, who comes back when, who pays for whom, and who counts."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any

import attrs

from sim.http import Request
from sim.knobs import Knob
from sim.laws import Exponential
from sim.policies import ClientPolicy, Fixed, FullJitter, Retry
from sim.policies.limiter import (
    GCRA,
    AnchoredWindow,
    ByKey,
    ConstantRetryAfter,
    FixedWindow,
    HeedLimits,
    KeyOf,
    LeakyBucketQueue,
    Level,
    Levels,
    SequentialLevels,
    SlidingCounter,
    SlidingLog,
    SpreadRetryAfter,
    Style,
    TokenBucket,
    by_header,
    by_peer,
    de_facto,
    everyone,
    silent,
    too_many,
    x_ratelimit,
)
from sim.scenario import Clients, Gateway, Scenario, Server, story
from sim.services.shared_counter import (
    SharedCounter,
    compare_and_set,
    get_then_increment,
    get_then_set,
    increment_first,
)
from sim.store import MemoryStore
from sim.workload import AllAtOnce, Poisson

_LIMIT = Knob(low=1, high=100_000, unit="requests", help="requests let through in a period")
_PERIOD = Knob(above=0, high=86_400, unit="s", help="the period that the limit is for")


@story
def boundary_burst(
    *,
    limit: Annotated[int, _LIMIT] = 100,
    period: Annotated[float, _PERIOD] = 60.0,
    burst: Annotated[float, Knob(above=0, high=100_000, unit="calls/s", help="rate in the second at the edge")] = 400.0,
    flood: Annotated[float, Knob(low=0, high=100_000, unit="calls/s", help="rate between two edges")] = 10.0,
    knows_anchor: Annotated[
        bool, Knob(help="the attacker opens a window of its own a period before the first edge")
    ] = False,
) -> Scenario:
    """An attacker sends its burst in the second around a full minute: how much gets through, in 1 s and in 60 s?

    A window of the clock lets twice its limit through at its edge.  One that begins with the first request does not,
    unless the attacker knows when that was.  A token bucket lets its burst through and its rate on top, twice the limit
    in a minute, and a sliding counter that takes the burst for evenly spread does the same.  A log lets never more than
    the limit through, but all of it at once; a queue one by one.
    """
    first, second = period, 2.0 * period
    half = min(0.5, period / 4.0)
    opening = ((0.0, 2.0 / half), (half, 0.0)) if knows_anchor else ((0.0, 0.0),)
    edges = ((first - half, burst), (first + half, flood), (second - half, burst), (second + half, 0.0))
    limiters = {
        "fixed-window": FixedWindow(limit, period=period),
        "anchored-window": AnchoredWindow(limit, period=period),
        "sliding-counter": SlidingCounter(limit, period=period),
        "sliding-log": SlidingLog(limit, period=period),
        "token-bucket": TokenBucket(limit, period=period),
        "small-burst": TokenBucket(limit, period=period, burst=max(1, limit // 10)),
        "leaky-queue": LeakyBucketQueue(limit, period=period, queue=max(1, limit // 10)),
    }
    return Scenario(
        arrivals=Poisson(steps=(*opening, *edges)),
        clients=Clients(timeout=math.inf),
        server=Server(workers=math.inf),
        horizon=second + period,
        policies=tuple(limiters),
        contestants=limiters,
        seat=lambda world, limiter: behind(world, limiter, by_peer),
        client=Retry.never(),
        request=lambda call, client, u: Request(key=str(call), peer="203.0.113.9"),
        figures={
            "let through": lambda trace: float(len(_let_through(trace))),
            "most in 1 s": lambda trace: _most_within(_let_through(trace), 1.0),
            "most in a period": lambda trace: _most_within(_let_through(trace), period),
        },
        columns=("calls", "ok", "let through", "most in 1 s", "most in a period"),
    )


@attrs.frozen(kw_only=True)
class Told:
    """What refused clients are told, and what they make of it: *wrap* changes the limiter's time, *style* says it."""

    wrap: Callable[[ByKey], Any] = lambda gate: gate
    style: Style = de_facto
    client: Any = attrs.field(factory=lambda: Retry(Fixed(1.0), attempts=None))


@story
def retry_after_herd(
    *,
    clients: Annotated[int, Knob(low=1, high=100_000, unit="clients", help="who call at the same instant")] = 1_000,
    limit: Annotated[int, _LIMIT] = 100,
    period: Annotated[float, _PERIOD] = 1.0,
    constant: Annotated[float, Knob(above=0, high=3_600, unit="s", help="the constant Retry-After")] = 30.0,
) -> Scenario:
    """A thousand clients meet a limit of a hundred a second; what they are told decides when they come back.

    Told the end of the window, all come back at that instant, and nine in ten in vain; told a constant, they do the
    same and are served a window's worth in every such pause.  Jitter does not help a client that waits *at least* as
    long as it was asked.  Times that are spread over as long as it takes to serve everybody do, whether the server
    spreads them or the clients, who put off what they were told by a share of it.
    """
    serve_all = max(period, clients / limit * period)
    patient = Retry(FullJitter(), attempts=None)
    contestants: dict[str, Any] = {
        "same-instant": Told(client=patient),
        "constant": Told(wrap=partial(ConstantRetryAfter, seconds=constant), client=patient),
        "server-spreads": Told(wrap=partial(SpreadRetryAfter, over=serve_all), client=patient),
        "clients-spread": Told(client=lambda: ClientPolicy(patient, HeedLimits(spread=serve_all / period))),
        "untold": Told(style=silent, client=patient),
        "ignored": Told(client=Retry(Fixed(0.1), attempts=None, respect_retry_after=False)),
    }
    return Scenario(
        arrivals=AllAtOnce(clients=clients),
        clients=Clients(timeout=math.inf),
        server=Server(workers=math.inf),
        policies=tuple(contestants),
        contestants=contestants,
        seat=lambda world, told: _tell(world, told, FixedWindow(limit, period=period)),
        client=patient,
        figures={"peak of retries": _peak_of_retries, "refused": _refused},
        columns=("calls", "ok", "attempts", "peak of retries", "refused", "p50", "p99"),
    )


@story
def noisy_neighbour(
    *,
    quiet: Annotated[int, Knob(low=1, high=10_000, unit="clients", help="who call now and then")] = 20,
    rate: Annotated[float, Knob(above=0, high=1_000, unit="calls/s", help="calls of one quiet client")] = 0.5,
    times: Annotated[int, Knob(low=0, high=1_000, help="the noisy one calls this many times as often as all")] = 15,
    noisy_keys: Annotated[int, Knob(low=1, high=10_000, unit="keys", help="API keys that it takes in turn")] = 1,
    workers: Annotated[int, Knob(low=1, high=1_000, unit="workers", help="calls served at once, 0.1 s each")] = 5,
    horizon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="when new calls stop")] = 60.0,
) -> Scenario:
    """One client calls fifteen times as often as all others together; who pays for it, it or they?

    Without a limit all wait in one queue.  One limit for all protects the server and leaves the quiet ones next to
    nothing of it.  A limit for each key does, until somebody has many keys; then it takes one for the address as well.
    Levels that are asked one after the other, the common one first, are used up by requests that the next one refuses.
    """
    capacity = max(1, round(0.8 * workers / 0.1))
    fair = max(1, math.ceil(4.0 * rate))

    def levels(kind: type[Levels] | type[SequentialLevels]) -> Any:
        return kind(
            [
                Level("all", GCRA(capacity, period=1.0), everyone),
                Level("address", GCRA(fair, period=1.0), by_peer),
                Level("key", GCRA(fair, period=1.0), by_header("X-Api-Key")),
            ]
        )

    def request(call: int, client: int, u: float) -> Request:
        if client % (times + 1) == 0:
            number = client // (times + 1)
            return Request(key=str(call), headers={"X-Api-Key": f"quiet {number}"}, peer=f"10.0.0.{number}")
        return Request(key=str(call), headers={"X-Api-Key": f"noisy {int(u * noisy_keys)}"}, peer="203.0.113.9")

    gates: dict[str, Any] = {
        "no-limit": None,
        "one-for-all": ByKey(GCRA(capacity, period=1.0), key=everyone),
        "per-key": ByKey(GCRA(fair, period=1.0), key=by_header("X-Api-Key")),
        "levels": levels(Levels),
        "one-by-one": levels(SequentialLevels),
    }
    return Scenario(
        arrivals=Poisson.steady(quiet * rate * (times + 1)),
        clients=Clients(timeout=1.0, pool=quiet * (times + 1)),
        server=Server(workers=workers, service=Exponential(0.1), queue=100),
        horizon=horizon,
        policies=tuple(gates),
        contestants=gates,
        seat=lambda world, gate: behind(world, gate, by_header("X-Api-Key")),
        client=Retry.never(),
        request=request,
        figures={
            "quiet ok": lambda trace: _share_ok(trace, times + 1, quiet=True),
            "noisy ok": lambda trace: _share_ok(trace, times + 1, quiet=False),
        },
        columns=("calls", "ok", "quiet ok", "noisy ok", "p50", "p99"),
    )


SPENDING: Mapping[str, Any] = {
    "get-then-set": get_then_set,
    "get-then-increment": get_then_increment,
    "increment-first": increment_first,
    "compare-and-set": compare_and_set,
}
"""Ways to spend from a counter that many gateways share."""


@story
def shared_counter(
    *,
    rate: Annotated[float, Knob(above=0, high=100_000, unit="calls/s", help="requests of one caller")] = 500.0,
    length: Annotated[float, Knob(above=0, high=60, unit="s", help="for how long")] = 1.0,
    limit: Annotated[int, _LIMIT] = 100,
    store: Annotated[float, Knob(above=0, high=1, unit="s", help="mean time of one access to the store")] = 0.02,
) -> Scenario:
    """Many gateways count one caller's requests in one store: how many get past a limit of a hundred?

    Read, decide and write, and whoever reads before the others have written passes with them.  Adding first and
    deciding by the sum lets exactly the limit through; so does writing only over what was read, with more accesses.
    """

    def seat(world: Scenario, spend: Any) -> Scenario:
        def make() -> SharedCounter:
            return SharedCounter(MemoryStore(), spend, limit=limit, period=3_600.0)

        return attrs.evolve(world, server=attrs.evolve(world.server, make_handler=make))

    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=math.inf),
        server=Server(workers=math.inf, store_delay=Exponential(store)),
        horizon=length,
        policies=tuple(SPENDING),
        contestants=SPENDING,
        seat=seat,
        client=Retry.never(),
        request=lambda call, client, u: Request(key=str(call), peer="203.0.113.9"),
        figures={"over the limit": lambda trace: max(0.0, len(trace.ledger) - float(limit))},
        columns=("calls", "ok", "over the limit", "p50", "p99"),
    )


def behind(world: Scenario, limiter: Any, key: KeyOf) -> Scenario:
    """The world behind a *limiter*, of requests or of keys; None is no limiter."""
    if limiter is None:
        return attrs.evolve(world, gateway=None)
    return attrs.evolve(world, gateway=Gateway(limiter=_gate(limiter, key), refusal=too_many, headers=x_ratelimit))


def _gate(limiter: Any, key: KeyOf) -> Any:
    if not hasattr(limiter, "decide"):  # a function that makes one
        return lambda: _gate(limiter(), key)
    try:
        return ByKey(limiter, key=key)
    except TypeError:  # it decides about requests
        return limiter


def _tell(world: Scenario, told: Any, limiter: FixedWindow) -> Scenario:
    """The world in which refused clients are *told* so; a limiter of somebody's own takes the place of ours."""
    if not isinstance(told, Told):
        return behind(world, told, everyone)
    refusal = partial(too_many, style=told.style)
    gate = told.wrap(ByKey(limiter, key=everyone))
    return attrs.evolve(world, gateway=Gateway(limiter=gate, refusal=refusal), client=told.client)


def _let_through(trace: Any) -> list[float]:
    """When the server began to work on each request that got to it, in order."""
    return sorted(started for started in trace.attempts.column("started") if started == started)


def _most_within(instants: list[float], length: float) -> float:
    """The most of *instants*, which are in order, in any stretch of *length* seconds."""
    return float(
        max((number + 1 - bisect_right(instants, at - length) for number, at in enumerate(instants)), default=0)
    )


def _peak_of_retries(trace: Any) -> float:
    """Most attempts in one tenth of a second, the first ones not counted."""
    sent, attempt = trace.attempts.column("sent"), trace.attempts.column("attempt")
    tenths = Counter(int(at * 10.0) for at, number in zip(sent, attempt, strict=True) if number > 1)
    return float(max(tenths.values(), default=0))


def _refused(trace: Any) -> float:
    return float(sum(status == 429.0 for status in trace.attempts.column("status")))


def _share_ok(trace: Any, stride: int, *, quiet: bool) -> float:
    """Share of the calls that ended ok: of the quiet clients, or of the noisy one."""
    clients, ok = trace.calls.column("client"), trace.calls.column("ok")
    ends = [end for client, end in zip(clients, ok, strict=True) if (client % stride == 0) is quiet]
    return sum(end == 1.0 for end in ends) / len(ends) if ends else math.nan
