"""Freshness: for how long a response may be reused without asking, how old it is by now, and whether stale will do.

All of it in floating seconds; the headers carry whole ones.  Source: RFC 9111 §4.2.
"""

from __future__ import annotations

import math

import attrs

from sim.http import Response, parse_http_date
from sim.policies.caching.cachecontrol import CacheControl, parse_cache_control, parse_delta_seconds

HEURISTICALLY_CACHEABLE = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
"""Statuses that may be stored though nothing says for how long.  RFC 9110 §15.1, without the partial 206."""


@attrs.frozen(kw_only=True)
class Freshness:
    """How long a stored response stays fresh, and how old it was when it came.

    *lifetime*: seconds for which it is fresh, 0 when it must always be validated first.  *initial_age*: its age at
    the instant *received*.  *control*: its Cache-Control.

    >>> page = Response(200, headers={"Cache-Control": "max-age=60", "Age": "10"})
    >>> judged = freshness(page, shared=True, requested_at=0.0, received=2.0)
    >>> judged.age(5.0), judged.left(5.0)
    (15.0, 45.0)
    """

    lifetime: float
    initial_age: float
    received: float
    control: CacheControl

    def age(self, now: float) -> float:
        """Seconds since the origin made or last confirmed it.  A clock that went back makes nothing younger."""
        return self.initial_age + max(0.0, now - self.received)

    def left(self, now: float) -> float:
        """Seconds for which it is still fresh; 0 and less is stale (§4.2: fresh while the lifetime exceeds the age)."""
        return self.lifetime - self.age(now)


def freshness(
    response: Response, *, shared: bool, requested_at: float, received: float, heuristic: float = 0.0
) -> Freshness:
    """The `Freshness` of a *response* that was asked for at *requested_at* and came at *received*.

    *shared*: for a cache between many users and the origin, which obeys s-maxage.  *heuristic*: see `lifetime`.
    """
    control = parse_cache_control(response.header("Cache-Control"))
    stated = lifetime(response, control, shared=shared, received=received, heuristic=heuristic)
    return Freshness(
        lifetime=stated or 0.0,
        initial_age=initial_age(response, requested_at=requested_at, received=received),
        received=received,
        control=control,
    )


def lifetime(
    response: Response, control: CacheControl, *, shared: bool, received: float, heuristic: float = 0.0
) -> float | None:
    """Seconds for which the *response* is fresh, counted from its making; None when nothing says so.

    In this order (§4.2.1): s-maxage in a shared cache, max-age, Expires less Date (an Expires that is no date lies
    in the past, §5.3), and last the *heuristic*: this share of the time since Last-Modified, 0 for never; RFC 9111
    §4.2.2 suggests 0.1, and many surprises come from it.

    >>> page = Response(200, headers={"Expires": "0"})
    >>> lifetime(page, CacheControl(), shared=False, received=0.0)
    0.0
    """
    if shared and control.s_maxage is not None:
        return float(control.s_maxage)
    if control.max_age is not None:
        return float(control.max_age)
    made = _instant(response, "Date")
    made = received if made is None else made
    expires = response.header("Expires")
    if expires is not None:
        end = parse_http_date(expires)
        return 0.0 if end is None else max(0.0, end - made)
    changed = _instant(response, "Last-Modified")
    if heuristic and changed is not None and (control.public or response.status in HEURISTICALLY_CACHEABLE):
        return max(0.0, heuristic * (made - changed))
    return None


def initial_age(response: Response, *, requested_at: float, received: float) -> float:
    """How old a *response* was when it came: corrected_initial_age of §4.2.3.

    The larger of two guesses: the time since its Date, and its Age plus the whole round trip, because nobody knows
    when on the way that Age was written.  A response without Date was made when it came (RFC 9110 §6.6.1); one
    without a readable Age came from the origin, and its age is the time on the way.
    """
    made = _instant(response, "Date")
    apparent = 0.0 if made is None else max(0.0, received - made)
    return max(apparent, _age_value(response) + max(0.0, received - requested_at))


def forbids_stale(control: CacheControl, *, shared: bool) -> bool:
    """Whether the response may never be served stale without asking (§4.2.4).

    s-maxage forbids it to a *shared* cache as proxy-revalidate does (§5.2.2.10): `s-maxage=60,
    stale-while-revalidate=30` allows a CDN nothing, though many take it to.
    """
    shared_only = control.proxy_revalidate or control.s_maxage is not None
    return control.no_cache or control.must_revalidate or (shared and shared_only)


def suits(asked: CacheControl, *, age: float, left: float, strict: bool) -> bool:
    """Whether a response of this *age*, with so much *left*, suits what the request asked for (§5.2.1).

    *strict*: it may not be served stale, whatever the request would take.
    """
    if asked.max_age is not None and age > asked.max_age:
        return False
    if asked.min_fresh is not None and left < asked.min_fresh:
        return False
    return left > 0.0 or (not strict and asked.max_stale is not None and -left <= asked.max_stale)


def within(behind: float, allowed: int | None) -> bool:
    """Whether a response that went stale *behind* seconds ago is within the seconds that are *allowed* (RFC 5861)."""
    return allowed is not None and behind < allowed


def age_header(age: float) -> str:
    """The value of an Age header: whole seconds, rounded up, so that the next cache takes nothing for younger.

    >>> age_header(0.0), age_header(0.2)
    ('0', '1')
    """
    return str(math.ceil(age))


def _age_value(response: Response) -> float:
    """The Age header's first value; what is no number is ignored (§5.1)."""
    value = response.header("Age")
    return float((value and parse_delta_seconds(value.partition(",")[0])) or 0)


def _instant(response: Response, name: str) -> float | None:
    value = response.header(name)
    return None if value is None else parse_http_date(value)
