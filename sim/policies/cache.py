"""An HTTP cache as a decision object: what may be stored, what may be reused, and what must be asked first.

It holds responses to GET and answers HEAD from them.  Partial content, responses to POST and the updating of stored
responses by HEAD are left out: such requests pass it by, which RFC 9111 always allows.  Source: RFC 9111.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from sim.http import Request, Response
from sim.knobs import knob
from sim.policies.cachecontrol import CacheControl, parse_cache_control
from sim.policies.freshness import Freshness, freshness
from sim.policies.problem import problem
from sim.policies.shelf import Place, Shelf, place_of
from sim.policies.stored import (
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

ERRORS = frozenset({500, 502, 503, 504})
"""Answers in place of which stale-if-error allows an old one.  RFC 5861 §4."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing, so that what is stored stays true.  RFC 9110 §9.2.1."""


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
    """There is a *response*, but the origin must be asked: send *forward*, which carries the stored validators.

    *while_revalidating*: the response may be served at once meanwhile.  *on_error*: it may be served if the origin
    fails.
    """

    response: Response
    forward: Request
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
        strict = self._strict(control) or asked.no_cache
        if not (control.no_cache or asked.no_cache) and _suits(asked, age, left, strict=strict):
            return Fresh(response=response, left=left, cost=entry.cost)
        insists = strict or asked.max_age is not None or asked.min_fresh is not None
        meanwhile = not insists and _within(-left, control.stale_while_revalidate)
        on_error = not strict and (_within(-left, control.stale_if_error) or _within(-left, asked.stale_if_error))
        useless = not (meanwhile or on_error or validators(entry.response))
        if useless or asked.only_if_cached or request.method == "HEAD":
            return _nothing(request, asked)
        return Stale(
            response=response,
            forward=revalidation(request, entry.response),
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
        allowed = (control.stale_while_revalidate or control.stale_if_error) and not self._strict(control)
        fresh = entry.freshness.left(now) > 0 and not control.no_cache
        if not (fresh or allowed or validators(response)):
            return False
        self._shelf.put(entry.place, entry)
        return True

    def freshen(
        self, request: Request, answer: Response, *, requested_at: float, now: float, shorten: float = 0.0
    ) -> Response | None:
        """What to serve to *request*, now that its revalidation was answered by *answer*, a 304 (§4.3.4).

        The stored response takes the fields of the 304 and is fresh again, or goes if these forbid to keep it.  None
        when the 304 does not speak of what is stored (it was dropped, or replaced by another version): send the
        `unconditional` request instead.  Only the response that this request selects is freshened, so that
        one tag used for two variants does no harm.
        """
        entry = self._newest(request)
        if request.method != "GET" or entry is None or not same_version(entry.response, answer):
            return None
        response = updated(entry.response, answer)
        self._shelf.drop(entry.place)
        fresher = self._entry(request, response, requested_at, now, shorten)
        if may_store(request, response, shared=self.shared):
            self._shelf.put(fresher.place, fresher)
        return served(response, request, fresher.freshness.age(now))

    def receive(
        self, request: Request, answer: Response, *, requested_at: float, now: float, shorten: float = 0.0
    ) -> Response | None:
        """What to serve to *request*, now that *answer* came for what was sent in its place.

        A 304 freshens (None: see `freshen`); an unsafe method that went well makes the cache forget; everything else
        is kept if it may be, in place of what was there.  An error is handed on as it is: whether something older may
        stand in for it is said by `Stale.on_error`.
        """
        if passes_by(request):
            self.invalidate(request, answer)
            return answer
        if answer.status == 304:
            return self.freshen(request, answer, requested_at=requested_at, now=now, shorten=shorten)
        kept = self.store(request, answer, requested_at=requested_at, now=now, shorten=shorten)
        if not kept and request.method == "GET" and (answer.status < 400 or answer.status in _GONE):
            entry = self._newest(request)
            if entry is not None:  # the origin has put something in its place that may not be kept
                self._shelf.drop(entry.place)
        return conditioned(request, answer)

    def invalidate(self, request: Request, answer: Response) -> frozenset[str]:
        """Forget what *request* with *answer* may have changed (§4.4), and return the paths of it.

        Nothing when the method is safe or the answer an error.
        """
        if request.method in SAFE_METHODS or not 200 <= answer.status < 400:
            return frozenset()
        paths = targets(request, answer)
        for path in paths:
            self._shelf.drop_path(path)
        return paths

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

    def _strict(self, control: CacheControl) -> bool:
        """Whether the response forbids every stale use (§4.2.4); s-maxage does so in a shared cache (§5.2.2.10)."""
        shared_only = control.proxy_revalidate or control.s_maxage is not None
        return control.no_cache or control.must_revalidate or (self.shared and shared_only)


@attrs.frozen(kw_only=True)
class _Entry:
    place: Place
    response: Response
    freshness: Freshness
    cost: float


_GONE = (404, 410)


def _suits(asked: CacheControl, age: float, left: float, *, strict: bool) -> bool:
    """Whether a response of this age suits what the request asked for (§5.2.1); max-stale takes stale ones too."""
    if asked.max_age is not None and age > asked.max_age:
        return False
    if asked.min_fresh is not None and left < asked.min_fresh:
        return False
    return left > 0.0 or (not strict and asked.max_stale is not None and -left <= asked.max_stale)


def _within(behind: float, allowed: int | None) -> bool:
    """Whether a response that went stale *behind* seconds ago is within what is *allowed*."""
    return allowed is not None and behind < allowed


def _nothing(request: Request, asked: CacheControl) -> Miss:
    refusal = problem(504, "nothing usable is stored, and the request forbids to ask further")
    return Miss(
        forward=request if passes_by(request) else unconditional(request),
        refusal=refusal if asked.only_if_cached else None,
    )
