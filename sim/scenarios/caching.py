"""Caching: who may keep what for how long, and what happens at the instant when it ends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import accumulate
from typing import Annotated, Any

import attrs

from sim.http import Request
from sim.knobs import Knob
from sim.laws import Constant
from sim.policies.caching.cachecontrol import CacheControl
from sim.policies.caching.edge import EdgeCache
from sim.policies.caching.single_flight import SingleFlight
from sim.policies.caching.stampede import EarlyRefresh, LifetimeJitter
from sim.policies.client.retry import Retry
from sim.scenario import Clients, Gateway, Scenario, Server, story
from sim.services.catalog.clients import Browsers, Shopper
from sim.services.catalog.designs import DESIGNS, CacheDesign
from sim.services.catalog.service import DISCOUNTS, PRODUCTS, Catalog
from sim.store import MemoryStore
from sim.workload import Poisson

_RATE = Knob(above=0, high=100_000, unit="calls/s", help="requests per second")
_LIFETIME = Knob(low=1, high=86_400, unit="s", help="max-age of a page")
_HORIZON = Knob(above=0, high=864_000, unit="s", help="when new calls stop")

_ALONE: Mapping[str, Any] = {"single_flight": None, "serve_stale": False}
PROTECTIONS: Mapping[str, EdgeCache] = {
    "no-protection": EdgeCache(**_ALONE),
    "single-flight": EdgeCache(serve_stale=False),
    "stale-while-revalidate": EdgeCache(single_flight=None),
    "jittered-lifetime": EdgeCache(**_ALONE, jitter=LifetimeJitter(0.2)),
    "early-refresh": EdgeCache(**_ALONE, early=EarlyRefresh()),
    "single-flight+stale": EdgeCache(single_flight=SingleFlight()),
}
"""Gateway caches that differ in what they do when a page that many want has become stale."""


@story
def cache_stampede(
    *,
    rate: Annotated[float, _RATE] = 100.0,
    hot: Annotated[float, Knob(low=0, high=1, help="share of the requests that want the one hot page")] = 0.5,
    pages: Annotated[int, Knob(low=1, high=100_000, unit="pages", help="other pages, wanted evenly")] = 50,
    render: Annotated[float, Knob(above=0, high=60, unit="s", help="time that the origin takes for a page")] = 0.5,
    workers: Annotated[int, Knob(low=1, high=100_000, unit="workers", help="pages that it makes at once")] = 20,
    lifetime: Annotated[int, _LIFETIME] = 10,
    grace: Annotated[int, Knob(low=0, high=86_400, unit="s", help="stale-while-revalidate of a page")] = 10,
    horizon: Annotated[float, _HORIZON] = 120.0,
) -> Scenario:
    """A hot page in a gateway's cache goes stale, and everybody who wants it asks the origin at once.

    Until the first of them has the new page, all of them miss.  Single flight sends one, and the others wait for it;
    stale-while-revalidate lets nobody wait; an early refresh makes the miss rare, and costs some refreshes.  A jittered
    lifetime takes the pages apart that were stored together, and does nothing for the one hot page.  At first the cache
    is empty, and all of this happens to every page at once; "most at once" and "later p99, s" look at what comes after.

    Every second that a page waits for in the origin's queue counts as its age.  A stampede that keeps it there for a
    lifetime brings pages that are stale when they come, and then nothing is cached any more: try fewer workers.
    """
    warm = 0.75 * lifetime
    design = CacheDesign(control=CacheControl(max_age=lifetime, stale_while_revalidate=grace or None))

    def request(call: int, client: int, u: float) -> Request:
        number = 0 if u < hot else 1 + int((u - hot) / (1.0 - hot) * pages)
        return Request("GET", f"/products/{number}", str(call))

    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=10.0),
        server=Server(workers=workers, service=Constant(render), make_handler=lambda: _catalog(pages + 1, design)),
        horizon=horizon,
        policies=tuple(PROTECTIONS),
        contestants=PROTECTIONS,
        seat=lambda world, cache: attrs.evolve(world, gateway=Gateway(cache=cache)),
        client=Retry.never(),
        request=request,
        figures={
            "at the origin": _at_the_origin,
            "most at once": lambda trace: _most_at_once(trace, warm),
            "stale": lambda trace: _marked(trace, "cache: stale"),
            "later p99, s": lambda trace: _p99(trace, warm),
        },
        columns=("calls", "ok", "at the origin", "most at once", "stale", "later p99, s"),
    )


@attrs.frozen(kw_only=True)
class Caching:
    """Who caches: each *client* for itself, a shared *gateway*, and by what *design* of the origin's headers."""

    client: bool = False
    gateway: bool = False
    design: CacheDesign = attrs.field(factory=CacheDesign)


@story
def private_cache(
    *,
    clients: Annotated[int, Knob(low=1, high=1_000_000, unit="clients", help="who share the requests")] = 100,
    calls_per_hour: Annotated[float, Knob(above=0, high=1e9, unit="calls/h", help="requests of all")] = 500.0,
    lifetime: Annotated[int, _LIFETIME] = 3_600,
    size: Annotated[float, Knob(above=0, high=1e6, unit="KB", help="size of the page, for the bytes sent")] = 50.0,
    hours: Annotated[float, Knob(above=1, high=1_000, unit="h", help="how long; the first hour is not counted")] = 21.0,
) -> Scenario:
    """One page for an hour: the bytes saved depend on who asks again, and on which side of the CDN one counts.

    A private cache hits when the same client comes again within the lifetime: a share of λT / (1 + λT), with λ the
    rate of one client who comes at random.  A CDN takes the requests off the origin, and not one byte off the way to
    the clients.  A 304 saves the bytes and not the round trip; its own few bytes are not counted.  The page that is
    really served is small; *size* is what each full answer counts for.
    """
    from_start = 3_600.0
    counted = hours - 1.0
    validated = CacheDesign(control=CacheControl(no_cache=True))
    dated = CacheDesign(control=CacheControl(max_age=lifetime), tags=False)
    both = attrs.evolve(dated, tags=True)

    def megabytes(trace: Any) -> float:
        full = sum(status == 200.0 for _, status in _sent(trace, from_start))
        return full * size / 1_000.0 / counted

    return Scenario(
        arrivals=Poisson.steady(calls_per_hour / 3_600.0),
        clients=Clients(timeout=math.inf, pool=1),
        server=Server(workers=math.inf, service=Constant(0.05)),
        horizon=hours * 3_600.0,
        policies=("nobody", "etag", "max-age", "max-age+etag", "cdn", "cdn+max-age"),
        contestants={
            "nobody": Caching(),
            "etag": Caching(client=True, design=validated),
            "max-age": Caching(client=True, design=dated),
            "max-age+etag": Caching(client=True, design=both),
            "cdn": Caching(gateway=True, design=dated),
            "cdn+max-age": Caching(client=True, gateway=True, design=dated),
        },
        seat=_seat_caches,
        request=lambda call, client, u: Request("GET", "/products/0", str(call), {"User": str(int(u * clients))}),
        figures={
            "MB per hour": megabytes,
            "round trips": lambda trace: float(len(_sent(trace, from_start))),
            "at the origin": lambda trace: _at_the_origin(trace, from_start),
        },
        columns=("calls", "ok", "MB per hour", "round trips", "at the origin", "p50"),
    )


def _seat_caches(world: Scenario, caching: Caching) -> Scenario:
    return attrs.evolve(
        world,
        server=attrs.evolve(world.server, make_handler=lambda: _catalog(1, caching.design)),
        gateway=Gateway(cache=EdgeCache) if caching.gateway else None,
        client=Browsers() if caching.client else Retry.never(),
    )


MISTAKES: Mapping[str, CacheDesign] = {
    "right": DESIGNS["max-age"],
    "no-store": DESIGNS["no-store"],
    "no-vary": DESIGNS["no Vary"],
    "vary-without-version": DESIGNS["Vary without the version"],
    "public-for-all": DESIGNS["public for all"],
}
"""What a catalogue tells a shared cache: right, too careful, and wrong in three ways."""


@story
def wrong_body(
    *,
    rate: Annotated[float, _RATE] = 40.0,
    clients: Annotated[
        int, Knob(low=4, high=100_000, unit="clients", help="half of them have a price of their own")
    ] = 40,
    pages: Annotated[int, Knob(low=1, high=100_000, unit="pages", help="products, wanted evenly")] = 20,
    horizon: Annotated[float, _HORIZON] = 120.0,
) -> Scenario:
    """Through one shared cache: two versions, two codings and prices of one's own; who gets a page made for another?

    Vary tells the cache what decides the page, private what belongs to one customer.  Leave either out, and the cache
    does what it was told: it hands on the wrong version, a coding that the client cannot read, or a price and a name
    that belong to somebody else.  no-store is never wrong, and no cache either.
    """

    def request(call: int, client: int, u: float) -> Request:
        headers = {"Accept-Version": "12"[client % 2]}
        if client % 4 >= 2:
            headers["Authorization"] = f"Bearer customer-{client}"
        if client % 3:
            headers["Accept-Encoding"] = "gzip"
        return Request("GET", f"/products/{int(u * pages)}", str(call), headers)

    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=math.inf, pool=clients),
        server=Server(workers=math.inf, service=Constant(0.05)),
        gateway=Gateway(cache=EdgeCache),
        horizon=horizon,
        policies=tuple(MISTAKES),
        contestants=MISTAKES,
        seat=lambda world, design: _seat_design(world, design, pages, clients),
        client=Shopper(),
        request=request,
        figures={
            "wrong bodies": lambda trace: _marked(trace, "wrong body"),
            "leaks": lambda trace: _marked(trace, "leak"),
            "at the origin": _at_the_origin,
        },
        columns=("calls", "ok", "wrong bodies", "leaks", "at the origin"),
    )


def _seat_design(world: Scenario, design: CacheDesign, pages: int, clients: int) -> Scenario:
    server = attrs.evolve(world.server, make_handler=lambda: _catalog(pages, design, clients, words=300))
    return attrs.evolve(world, server=server)


def _catalog(pages: int, design: CacheDesign, customers: int = 0, *, words: int = 0) -> Catalog:
    store = MemoryStore()
    for number in range(pages):
        price = {"amount": 1_000 + number, "currency": "EUR"}
        store.insert(PRODUCTS, str(number), {"name": f"Lamp {number}", "description": "light " * words, "price": price})
    for number in range(customers):
        store.insert(DISCOUNTS, f"customer-{number}", number % 30)
    return Catalog(store, design=design)


def _marked(trace: Any, kind: str) -> float:
    return float(sum(mark.kind == kind for mark in trace.marks))


def _sent(trace: Any, start: float) -> list[tuple[float, float]]:
    """When it was sent and the status that the client saw, of each client's request from *start* on."""
    columns = (trace.attempts.column(name) for name in ("sent", "status", "copy"))
    return [(sent, status) for sent, status, copy in zip(*columns, strict=True) if sent >= start and copy == 0.0]


def _at_the_origin(trace: Any, start: float = 0.0) -> float:
    """Requests that the origin worked on."""
    return float(sum(began >= start for began in trace.attempts.column("started")))


def _most_at_once(trace: Any, start: float) -> float:
    """Most requests that were at the origin at one instant, served or queued, of those that came from *start* on."""
    columns = (trace.attempts.column(name) for name in ("arrived", "started", "finished"))
    edges: list[tuple[float, int]] = []
    for arrived, began, finished in zip(*columns, strict=True):
        if began == began and arrived >= start:
            edges += [(arrived, 1), (finished if finished == finished else math.inf, -1)]
    return float(max(accumulate(step for _, step in sorted(edges)), default=0))


def _p99(trace: Any, start: float) -> float:
    """The seconds that 99 of 100 calls that began from *start* on did not exceed; NaN when there were none."""
    columns = (trace.calls.column(name) for name in ("started", "ended", "ok"))
    took = sorted(ended - begun for begun, ended, ok in zip(*columns, strict=True) if begun >= start and ok == 1.0)
    return took[math.ceil(0.99 * len(took)) - 1] if took else math.nan
