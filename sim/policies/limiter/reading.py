"""What a client reads in a server's headers about its limits; None for what is malformed.

A client that reads nothing falls back to its own backoff, which is better than believing something wrong.
`Retry-After` is read by `sim.http.parse_retry_after`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeGuard

import attrs

from sim.http import Response
from sim.policies.limiter.headers import PRINTABLE, QuotaPolicy

_DIGITS = re.compile(r"[0-9]{1,15}")


@attrs.frozen(kw_only=True)
class ServiceLimit:
    """What a client learns about one limit.  None: not said.

    *remaining*: requests left; no promise, the server may refuse sooner.  *reset_after*: seconds until there are more.
    *limit*: requests that a quiet client has.  *name*: of the limit, in the draft's form.
    """

    remaining: int
    reset_after: float | None = None
    limit: int | None = None
    name: str = ""


def read_limit(response: Response, *, now: float) -> ServiceLimit | None:
    """The tightest limit that *response* speaks of at the instant *now*; None when it speaks of none.

    The draft's `RateLimit` goes first, because its times need no common clock; then the de-facto headers.
    """
    value = response.header("RateLimit")
    said = None if value is None else read_ratelimit(value)
    if said is not None:
        return min(said, key=lambda limit: (limit.remaining, -(limit.reset_after or 0.0)))
    return read_x_ratelimit(response, now=now)


def read_x_ratelimit(response: Response, *, now: float) -> ServiceLimit | None:
    """What the `X-RateLimit-*` headers of *response* say at the instant *now*; None when missing or malformed.

    The reset is taken for seconds since the epoch; one in the past is a wait of 0.  A limit or a reset that is not
    there is None; one that is there and malformed makes all of it None.

    >>> read_x_ratelimit(Response(headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "90"}), now=60.0)
    ServiceLimit(remaining=0, reset_after=30.0, limit=None, name='')
    """
    said = [response.header(f"X-RateLimit-{name}") for name in ("Remaining", "Reset", "Limit")]
    if said[0] is None or not all(value is None or _DIGITS.fullmatch(value) for value in said):
        return None
    remaining, reset, limit = (None if value is None else int(value) for value in said)
    assert remaining is not None
    reset_after = None if reset is None else max(0.0, reset - now)
    return ServiceLimit(remaining=remaining, reset_after=reset_after, limit=limit)


def read_ratelimit(value: str) -> tuple[ServiceLimit, ...] | None:
    """The limits of a `RateLimit` header; None when it is malformed.

    >>> read_ratelimit('"default";r=50;t=30')
    (ServiceLimit(remaining=50, reset_after=30.0, limit=None, name='default'),)
    >>> read_ratelimit('limit=100, remaining=50, reset=30')  # an older draft's form
    """
    found = []
    for name, said in _members(value) or ():
        remaining, reset = said.get("r"), said.get("t")
        if not _is_count(remaining) or not (reset is None or _is_count(reset)):
            return None
        found.append(ServiceLimit(remaining=remaining, reset_after=None if reset is None else float(reset), name=name))
    return tuple(found) or None


def read_policies(value: str) -> tuple[QuotaPolicy, ...] | None:
    """The policies of a `RateLimit-Policy` header; None when it is malformed.

    >>> read_policies('"burst";q=10;w=1')
    (QuotaPolicy(name='burst', quota=10, window=1, unit='requests'),)
    >>> read_policies("100;w=60")
    """
    found = []
    for name, said in _members(value) or ():
        quota, window, unit = said.get("q"), said.get("w"), said.get("qu", "requests")
        if not _is_count(quota) or not (window is None or _is_count(window)) or not _is_text(unit):
            return None
        found.append(QuotaPolicy(name=name, quota=quota, window=window, unit=unit))
    return tuple(found) or None


def _members(value: str) -> list[tuple[str, Mapping[str, Any]]] | None:
    """The members of a structured-field list of strings, with their parameters; None when it is none."""
    import http_sf  # 45 ms

    try:
        members: Any = http_sf.parse(value.encode("ascii"), tltype="list")
    except ValueError:
        return None
    if not all(isinstance(member, tuple) and _is_text(member[0]) for member in members):
        return None
    return list(members)


def _is_text(value: Any) -> bool:
    return value.__class__ is str and PRINTABLE.fullmatch(value) is not None


def _is_count(value: Any) -> TypeGuard[int]:
    return value.__class__ is int and value >= 0
