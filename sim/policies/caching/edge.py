"""The cache in a gateway's seat: for each request whether to serve, to forward or to wait, stampedes considered.

`GatewayCache` is all that a gateway needs to know.  It stays as dumb as this:

    def met(client, decision):
        if isinstance(decision, Serve):
            reply(client, decision.response)
            if decision.refresh is not None:
                send_upstream(decision.refresh)      # nobody waits for it
        elif isinstance(decision, Forward):
            send_upstream(decision)
        # Wait: keep the client open; the cache hands it back later

    met(client, cache.ask(request, client, now, rng))            # when a request arrives
    for client, decision in cache.answered(forward.number, response, now, rng):
        met(client, decision)                                    # when the upstream answers, or the gateway gives up
"""

from __future__ import annotations

import math
from random import Random
from typing import Any, Protocol, TypeAlias

import attrs

from sim.http import Request, Response
from sim.knobs import knob
from sim.policies.caching.cache import Cache, Fresh, Lookup, Miss, Stale
from sim.policies.caching.shelf import Place
from sim.policies.caching.single_flight import Follow, Lead, SingleFlight
from sim.policies.caching.stampede import EarlyRefresh, LifetimeJitter
from sim.policies.caching.stored import ERRORS, passes_by, revalidation, unconditional
from sim.policies.http.problem import problem


@attrs.frozen(kw_only=True)
class Serve:
    """Answer the client with *response*.

    *how*: a word for counting: "hit" (fresh from the cache), "stale" (while it is fetched again), "stale on error",
    "shared" (another client's fetch), "origin" (its own fetch, also a failed one) or "refused" (only-if-cached).
    *refresh*: when not None, send this upstream too; no client waits for it.
    """

    response: Response
    how: str
    refresh: Forward | None = None


@attrs.frozen(kw_only=True)
class Forward:
    """Send *request* upstream, and hand its answer to `answered` under this *number*."""

    request: Request
    number: int


@attrs.frozen
class Wait:
    """Another client's fetch is under way: this one comes back from `answered` when that has ended."""


Decision: TypeAlias = Serve | Forward | Wait


class GatewayCache(Protocol):
    """What a gateway asks of its cache.  Every request goes through it, writes too: they make it forget."""

    def ask(self, request: Request, client: Any, now: float, rng: Random) -> Decision:
        """What to do about a *request* that has arrived.

        *client*: whatever the gateway needs to answer it later; the cache only keeps it and hands it back.
        """
        ...

    def answered(self, number: int, response: Response, now: float, rng: Random) -> list[tuple[Any, Decision]]:
        """What to do now that the request forwarded under *number* has its *response*.

        Call it once for each `Forward`, also when the upstream is down, was too slow or refused: with the 502, 503
        or 504 that the gateway would send.  Returns clients, each with what to do about it: the one that forwarded,
        unless it was a refresh, and those that waited.  `Forward` may be among it for one that waited, `Wait` is not:
        no client is forwarded twice.
        """
        ...


@attrs.define(kw_only=True)
class EdgeCache:
    """A `GatewayCache` made of its parts, so that a story can leave one out.

    *cache*: what is stored.  *single_flight*: who goes and who waits; None is that everybody goes.  *jitter*, *early*:
    see `sim.policies.caching.stampede`; None is without.  *serve_stale*: use stale-while-revalidate where a response
    allows it.  *patience*: seconds after which a refresh that nobody waits for is given up for lost; there is one at a
    time for each variant, with or without a single flight.

    Only plain GETs fly together: a request with a Cache-Control of its own goes alone, and in a shared cache one with
    Authorization does.  Those who waited are served from what was stored and from nothing else, so that no private
    response reaches a second user; when it may not be stored, each then goes alone, having waited in vain.
    """

    cache: Cache = attrs.field(factory=Cache)
    single_flight: SingleFlight | None = attrs.field(factory=SingleFlight)
    jitter: LifetimeJitter | None = None
    early: EarlyRefresh | None = None
    serve_stale: bool = knob(True, kind=bool, help="serve stale while it is fetched again, where that is allowed")
    patience: float = knob(10.0, above=0, infinite=True, unit="s", help="when a refresh is given up for lost")
    _trips: dict[int, _Trip] = attrs.field(init=False, factory=dict, repr=False)
    _refreshing: dict[Place, float] = attrs.field(init=False, factory=dict, repr=False)
    _last: int = attrs.field(init=False, default=0)

    def ask(self, request: Request, client: Any, now: float, rng: Random) -> Decision:
        """What to do about a *request* that has arrived; see `GatewayCache`."""
        found = self.cache.lookup(request, now)
        served = self._from_cache(request, found, now, "hit", rng)
        if served is not None:
            return served
        flight = None
        if self.single_flight is not None and self._may_fly_together(request):
            joined = self.single_flight.join(self.cache.variant(request), (client, request), now)
            if isinstance(joined, Follow):
                return Wait()
            flight = joined.flight
        return self._go(request, client, now, flight, found)

    def answered(self, number: int, response: Response, now: float, rng: Random) -> list[tuple[Any, Decision]]:
        """What to do now that the request forwarded under *number* has its *response*; see `GatewayCache`."""
        trip = self._trips.pop(number, None)
        if trip is None:
            return []
        if trip.refreshes is not None and self._refreshing.get(trip.refreshes) == trip.sent:
            del self._refreshing[trip.refreshes]
        self._overtake(trip.request, response)
        if response.status in ERRORS:
            return self._failed(trip, response, now)
        received = self.cache.receive(
            trip.request,
            response,
            requested_at=trip.sent,
            now=now,
            stored=trip.stored,
            shorten=0.0 if self.jitter is None else self.jitter.shorten(rng),
            keep=not trip.overtaken,
        )
        if received is None:
            return self._failed(trip, problem(502, "the origin answered 304 to what it was not asked about"), now)
        decisions: list[tuple[Any, Decision]] = []
        if trip.refreshes is None:
            decisions.append((trip.client, Serve(response=received, how="origin")))
        if trip.flight is not None and self.single_flight is not None:
            for client, request in self.single_flight.landed(trip.flight):
                found = self.cache.lookup(request, now)
                served = self._from_cache(request, found, now, "shared", None)
                decisions.append((client, served or self._go(request, client, now, None, found)))
        return decisions

    def _from_cache(self, request: Request, found: Lookup, now: float, how: str, rng: Random | None) -> Serve | None:
        """What can be served without asking; None when the origin must be asked first."""
        if isinstance(found, Miss):
            return None if found.refusal is None else Serve(response=found.refusal, how="refused")
        if isinstance(found, Fresh):
            self.cache.touch(request)
            soon = rng is not None and self.early is not None and self.early.now(rng, left=found.left, cost=found.cost)
            return Serve(response=found.response, how=how, refresh=self._refresh(request, found, now) if soon else None)
        if found.while_revalidating and self.serve_stale:
            self.cache.touch(request)
            return Serve(response=found.response, how="stale", refresh=self._refresh(request, found, now))
        return None

    def _may_fly_together(self, request: Request) -> bool:
        personal = self.cache.shared and request.header("Authorization") is not None
        return not (personal or request.method != "GET" or passes_by(request) or request.header("Cache-Control"))

    def _go(self, request: Request, client: Any, now: float, flight: int | None, found: Lookup) -> Forward:
        stored = found.stored if isinstance(found, Stale) else None
        trip = _Trip(request=request, client=client, sent=now, flight=flight, stored=stored)
        return self._depart(trip, unconditional(request) if isinstance(found, Fresh) else found.forward)

    def _refresh(self, request: Request, found: Fresh | Stale, now: float) -> Forward | None:
        place = self.cache.variant(request)
        if now - self._refreshing.get(place, -math.inf) < self.patience:
            return None
        self._refreshing[place] = now
        trip = _Trip(request=unconditional(request), client=None, sent=now, refreshes=place)
        return self._depart(trip, revalidation(request, found.response))

    def _depart(self, trip: _Trip, request: Request) -> Forward:
        self._last += 1
        self._trips[self._last] = trip
        return Forward(request=request, number=self._last)

    def _failed(self, trip: _Trip, response: Response, now: float) -> list[tuple[Any, Decision]]:
        """The origin failed: something stale may stand in, somebody else may try, or all hear of it."""
        decisions: list[tuple[Any, Decision]] = []
        instead = self._on_error(trip.request, now)
        if trip.refreshes is None:
            decisions.append((trip.client, instead or Serve(response=response, how="origin")))
        if trip.flight is None or self.single_flight is None:
            return decisions
        ended = self.single_flight.landed(trip.flight) if instead else self.single_flight.failed(trip.flight, now)
        if isinstance(ended, Lead):
            client, request = ended.who
            return [*decisions, (client, self._go(request, client, now, ended.flight, self.cache.lookup(request, now)))]
        # The failure's body was written for another user; those who waited get one that says nothing.
        plain = problem(
            response.status, "the request that this one waited for failed", retry_after=response.retry_after
        )
        for client, request in ended:
            decisions.append((client, self._on_error(request, now) or Serve(response=plain, how="shared")))
        return decisions

    def _on_error(self, request: Request, now: float) -> Serve | None:
        found = self.cache.lookup(request, now)
        if isinstance(found, Fresh):
            return Serve(response=found.response, how="hit")
        if isinstance(found, Stale) and found.on_error:
            return Serve(response=found.response, how="stale on error")
        return None

    def _overtake(self, request: Request, response: Response) -> None:
        """A write has ended: what was asked for before may show the state before it, and is not kept."""
        changed = self.cache.invalidate(request, response)
        for trip in self._trips.values() if changed else ():
            trip.overtaken |= trip.request.path in changed


@attrs.define(kw_only=True)
class _Trip:
    """One request on its way to the origin and back."""

    request: Request
    client: Any
    sent: float
    flight: int | None = None
    refreshes: Place | None = None
    stored: Response | None = None
    overtaken: bool = False
