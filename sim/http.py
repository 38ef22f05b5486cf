"""The few HTTP facts that the course needs: requests, responses, and the Retry-After header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import attrs


@attrs.frozen
class Request:
    """One HTTP request, as a service handler sees it.

    *key* names the intent: every attempt and every copy of it on the wire carries the same key, which is what an
    `Idempotency-Key` header is for.
    """

    method: str = "POST"
    path: str = "/"
    key: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: Any = None


@attrs.frozen
class Response:
    """One HTTP response.

    *retry_after*: seconds, None when the header is absent.

    >>> Response(503, retry_after=2.0).status
    503
    """

    status: int = 200
    retry_after: float | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: Any = None


def parse_retry_after(value: str, *, now: float) -> float | None:
    """Seconds to wait that a `Retry-After` header asks for, or None when the header says nothing valid.

    *value*: delta seconds ("120") or an HTTP-date.  *now*: seconds since the epoch, to turn a date into a wait;
    a date in the past is a wait of 0.  A value that is neither is None, because a client must fall back to its
    own backoff, not crash (curl does the same; urllib3 raises).  Source: RFC 9110 §10.2.3.

    >>> parse_retry_after("120", now=0.0), parse_retry_after("soon", now=0.0)
    (120.0, None)
    >>> parse_retry_after("Thu, 01 Jan 1970 00:01:00 GMT", now=30.0)
    30.0
    """
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,308}", value):  # more digits than a float can hold say nothing valid
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:  # "-0000" and no zone at all; an HTTP-date is always GMT (RFC 9110 §5.6.7)
        return None
    return max(0.0, moment.timestamp() - now)
