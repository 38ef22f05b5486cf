"""An HTTP cache as a decision object: what may be stored, what may be reused, and what must be asked first.

It holds responses to GET and answers HEAD from them.  Partial content, responses to POST and the updating of stored
responses by HEAD are left out: such requests pass it by, which RFC 9111 always allows.  Source: RFC 9111.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from sim.http import Request, Response
from sim.knobs import knob
from sim.policies.caching.cachecontrol import CacheControl, parse_cache_control
from sim.policies.caching.freshness import Freshness, forbids_stale, freshness, suits, within
from sim.policies.caching.shelf import Place, Shelf, place_of
from sim.policies.caching.stored import (
    SAFE_METHODS,
    conditioned,
    may_store,
    passes_by,
    revalidation,
    same_version,
    served,
    stored_form,
    targets,
    unconditional,
    updated,
    validators,
    vary_names,
)
from sim.policies.http.problem import problem


@attrs.frozen(kw_only=True)
class Fresh:
    """Serve *response*; nobody need be asked.

    *left*: seconds for which it stays fresh, below 0 when the request takes a stale one (max-stale).
    *cost*: seconds that fetching it took.
    """

    response: Response
    left: float
    cost: float


@attrs.frozen(kw_only=True)
class Stale:
    """There is a *response*, but the origin must be asked: send *forward*, which carries the validators of *stored*.

    *stored*: the response as it stands in the cache.  *while_revalidating*: the response may be served at once
    meanwhile.  *on_error*: it may be served if the origin fails.
    """

    response: Response
    forward: Request
    stored: Response
    while_revalidating: bool
    on_error: bool


@attrs.frozen(kw_only=True)
class Miss:
    """There is nothing to reuse: send *forward*, the request without conditions of the client's own.

    The cache answers those itself, so that what comes can be stored.  *refusal*: when not None, answer this and send
    nothing, because the request says only-if-cached (504).
    """

    forward: Request
    refusal: Response | None = None


Lookup: TypeAlias = Fresh | Stale | Miss


@attrs.define(kw_only=True)
class Cache:
    """The stored responses of one cache.

    *shared*: True for a gateway or a CDN between many users and the origin, False for one user's own.  *entries*:
    the most it holds; each variant of a resource counts, and the one that was not used for the longest time goes
    first.  *heuristic*: share of the time since Last-Modified for which a response that says nothing else is taken
    as fresh; 0 is never.

    Ask with `lookup`, forward if it must be, hand the answer to `receive`, and serve what that returns.

    >>> cache, request = Cache(), Request("GET", "/products/7")
    >>> type(cache.lookup(request, 0.0)).__name__
    'Miss'
    >>> cache.store(request, Response(200, headers={"Cache-Control": "max-age=60"}), requested_at=0.0, now=0.0)
    True
    >>> cache.lookup(request, 59.0).response.header("Age"), type(cache.lookup(request, 60.0)).__name__
    ('59', 'Miss')
    """

    shared: bool = knob(True, kind=bool, help="between many users and the origin")
    entries: int = knob(10_000, kind=int, low=1, high=10_000_000, unit="responses", help="the most it holds")
    heuristic: float = knob(0.0, low=0, high=1, help="share of the time since the last change; 0 is never")
    _shelf: Shelf[_Entry] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._shelf = Shelf(self.entries)

    def __len__(self) -> int:
        """Responses that are stored now."""
        return len(self._shelf)

    def lookup(self, request: Request, now: float) -> Lookup:
        """What to do about *request* at the instant *now*.  Changes nothing; tell of a use with `touch`."""
        asked = parse_cache_control(request.header("Cache-Control"))
        entry = None if passes_by(request) else self._newest(request)
        if entry is None:
            return _nothing(request, asked)
        control, age, left = entry.freshness.control, entry.freshness.age(now), entry.freshness.left(now)
        response = served(entry.response, request, age)
        strict = forbids_stale(control, shared=self.shared) or asked.no_cache
        if not (control.no_cache or asked.no_cache) and suits(asked, age=age, left=left, strict=strict):
            return Fresh(response=response, left=left, cost=entry.cost)
        insists = strict or asked.max_age is not None or asked.min_fresh is not None
        meanwhile = not insists and within(-left, control.stale_while_revalidate)
        on_error = not strict and (within(-left, control.stale_if_error) or within(-left, asked.stale_if_error))
        useless = not (meanwhile or on_error or validators(entry.response))
        if useless or asked.only_if_cached or request.method == "HEAD":
            return _nothing(request, asked)
        return Stale(
            response=response,
            forward=revalidation(request, entry.response),
            stored=entry.response,
            while_revalidating=meanwhile,
            on_error=on_error,
        )

    def variant(self, request: Request) -> Place:
        """What tells *request* from others, as far as is known: two with equal variants may share one answer.

        Its path, and what it has in each field that a stored response of that path varies by.
        """
        return self._shelf.variant(request)

    def touch(self, request: Request) -> None:
        """The stored response to *request* was used: it is now the last to be dropped for want of room."""
        entry = self._newest(request)
        if entry is not None:
            self._shelf.touch(entry.place)

    def store(
        self, request: Request, response: Response, *, requested_at: float, now: float, shorten: float = 0.0
    ) -> bool:
        """Keep *response*, which answers *request*, if it may be kept and can be of use; True when it is kept.

        *requested_at*: when the request was sent.  *shorten*: this share, 0 to 1, is taken off its lifetime; a cache
        may always ask earlier than it must.
        """
        if not may_store(request, response, shared=self.shared):
            return False
        entry = self._entry(request, response, requested_at, now, shorten)
        control = entry.freshness.control
        # Stale as it comes and without a validator, only the two allowances of RFC 5861 can make use of it.
        allowed = (control.stale_while_revalidate or control.stale_if_error) and not forbids_stale(
            control, shared=self.shared
        )
        fresh = entry.freshness.left(now) > 0 and not control.no_cache
        if not (fresh or allowed or validators(response)):
            return False
        self._shelf.put(entry.place, entry)
        return True

    def receive(
        self,
        request: Request,
        answer: Response,
        *,
        requested_at: float,
        now: float,
        stored: Response | None = None,
        shorten: float = 0.0,
        keep: bool = True,
    ) -> Response | None:
        """What to serve to *request*, now that *answer* came for what was forwarded in its place.

        A 304 makes *stored* (see `Stale`) fresh again, also when it was dropped meanwhile; an unsafe method makes the
        cache forget what it may have changed; everything else is kept if it may be, in place of what was there.  An
        error is handed on as it is: whether something older may stand in for it is said by `Stale.on_error`.  *keep*:
        False serves it and keeps nothing, because a write came between.

        None: the 304 speaks of something else than what it was asked about.  What is stored is then dropped, since
        asking about it leads nowhere, and the request must be sent again.
        """
        if passes_by(request):
            self.invalidate(request, answer)
            return answer
        if answer.status == 304:
            return self._validated(request, answer, requested_at, now, stored, shorten, keep)
        kept = keep and self.store(request, answer, requested_at=requested_at, now=now, shorten=shorten)
        if keep and not kept and request.method == "GET" and (answer.status < 400 or answer.status in _GONE):
            self._replace(self._newest(request), None)  # what the origin has put in its place may not be kept
        return conditioned(request, answer)

    def invalidate(self, request: Request, answer: Response) -> frozenset[str]:
        """Forget what *request* with *answer* may have changed (§4.4), and return the paths of it.

        Nothing when the method is safe, or when a 4xx says that nothing was done.  After a 5xx nobody knows, a 504
        least of all, so it forgets: that is more than the RFC asks for, and always allowed.
        """
        if request.method in SAFE_METHODS or answer.status < 200 or 400 <= answer.status < 500:
            return frozenset()
        paths = targets(request, answer)
        for path in paths:
            self._shelf.drop_path(path)
        return paths

    def _validated(
        self,
        request: Request,
        answer: Response,
        requested_at: float,
        now: float,
        stored: Response | None,
        shorten: float,
        keep: bool,
    ) -> Response | None:
        """What a 304 makes of *stored*, or of what this request selects; other variants are left alone (§4.3.4)."""
        entry = self._newest(request)
        known = entry.response if stored is None and entry is not None else stored
        if known is None or not same_version(known, answer):
            self._replace(entry, None)
            return None
        response = updated(known, answer)
        fresher = self._entry(request, response, requested_at, now, shorten)
        overtaken = entry is not None and not same_version(entry.response, answer)  # by a newer version
        if keep and not overtaken:
            self._replace(entry, fresher if may_store(request, response, shared=self.shared) else None)
        return conditioned(request, response)  # without an Age: that is for what was not validated (§5.1)

    def _replace(self, entry: _Entry | None, successor: _Entry | None) -> None:
        if entry is not None:
            self._shelf.drop(entry.place)
        if successor is not None:
            self._shelf.put(successor.place, successor)

    def _newest(self, request: Request) -> _Entry | None:
        """The newest stored response that suits the request's fields (§4.1)."""
        return max(self._shelf.suiting(request), key=lambda entry: entry.freshness.received, default=None)

    def _entry(self, request: Request, response: Response, requested_at: float, now: float, shorten: float) -> _Entry:
        judged = freshness(
            response, shared=self.shared, requested_at=requested_at, received=now, heuristic=self.heuristic
        )
        names = tuple(sorted(vary_names(response)))
        return _Entry(
            place=place_of(request, names),
            response=stored_form(response, judged.control, shared=self.shared),
            freshness=attrs.evolve(judged, lifetime=judged.lifetime * (1.0 - shorten)),
            cost=max(0.0, now - requested_at),
        )


@attrs.frozen(kw_only=True)
class _Entry:
    place: Place
    response: Response
    freshness: Freshness
    cost: float


_GONE = (404, 410)


def _nothing(request: Request, asked: CacheControl) -> Miss:
    refusal = problem(504, "nothing usable is stored, and the request forbids to ask further")
    return Miss(
        forward=request if passes_by(request) else unconditional(request),
        refusal=refusal if asked.only_if_cached else None,
    )
