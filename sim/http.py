"""The HTTP facts that the whole course shares: requests, responses, JSON bodies and the Retry-After header.

Bodies are bytes, as on the wire: a signature covers them, a cache stores them and a compressor shrinks them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from email.utils import formatdate, parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

BODY_LIMIT = 1_000_000
"""Bytes of the largest body that a service of the course reads; more is a 413."""


@attrs.frozen
class Request:
    """One HTTP request, as a service handler sees it.

    *path*: with its query, "/orders?page=2".  *key* names the intent: every attempt and every copy of it on the
    wire carries the same key; it is the model's bookkeeping, not a header.  *headers*: read them with `header`,
    whose names ignore case.  *body*: the raw bytes.  *peer*: the address that the connection came from.
    """

    method: str = "POST"
    path: str = "/"
    key: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""
    peer: str = ""

    def header(self, name: str) -> str | None:
        """The header called *name*, in whatever case it was written; None when there is none."""
        return _header(self.headers, name)

    def json(self) -> Any:
        """The body as a document.  Raises: `ValueError` when it is not JSON."""
        return read_json(self.body)

    @property
    def resource(self) -> str:
        """The path without its query."""
        return self.path.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of one that comes twice, the last.

        >>> Request("GET", "/products?limit=20&after=abc").query
        {'limit': '20', 'after': 'abc'}
        """
        if "?" not in self.path:
            return {}
        return dict(parse_qsl(self.path.partition("?")[2], keep_blank_values=True))


@attrs.frozen
class Response:
    """One HTTP response.

    *retry_after*: seconds the other side is asked to wait, None when it is not asked; a `Retry-After` header among
    *headers* says the same as text.  *body*: the raw bytes.

    >>> Response(503, retry_after=2.0).status
    503
    """

    status: int = 200
    retry_after: float | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The header called *name*, in whatever case it was written; None when there is none."""
        return _header(self.headers, name)

    def json(self) -> Any:
        """The body as a document.  Raises: `ValueError` when it is not JSON."""
        return read_json(self.body)

    def wait(self, *, now: float) -> float | None:
        """Seconds it asks to wait: *retry_after*, else what its `Retry-After` header says at the instant *now*."""
        if self.retry_after is not None or not self.headers:
            return self.retry_after
        value = self.header("Retry-After")
        return None if value is None else parse_retry_after(value, now=now)


def json_response(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response with *document* as its JSON body and the media type that belongs to it.

    >>> json_response({"id": 7}, 201).body
    b'{"id":7}'
    """
    return Response(status, headers={"Content-Type": "application/json", **(headers or {})}, body=json_body(document))


def json_body(document: Any) -> bytes:
    """*document* as compact JSON in UTF-8, its members in the order they stand in."""
    return _ENCODER.encode(document).encode()


def read_json(body: bytes, *, limit: int = BODY_LIMIT) -> Any:
    """The document in *body*, at most *limit* bytes.

    Stricter than `json.loads`, as RFC 8259 is: no NaN or Infinity, no byte order mark, no half of a surrogate pair,
    and no member that comes twice, because two parsers would then read two different documents.

    Raises: `ValueError`, one sentence for the problem document.

    >>> read_json(b'{"amount": 2000}')
    {'amount': 2000}
    >>> read_json(b'')
    Traceback (most recent call last):
    ValueError: the body must be a JSON document, got no bytes
    """
    if len(body) > limit:
        raise ValueError(f"the body must be at most {limit:,} bytes, got {len(body):,}")
    if not body:
        raise ValueError("the body must be a JSON document, got no bytes")
    try:
        document = _DECODER.decode(body.decode())
        if b"\\u" in body:
            json_body(document)  # half of a surrogate pair, which UTF-8 cannot say, comes as an escape only
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else _first_line(error)
        raise ValueError(f"the body must be a JSON document: {reason}") from None
    return document


def http_date(seconds: float) -> str:
    """The instant *seconds* (since the epoch) as an HTTP-date, rounded down.  Source: RFC 9110 §5.6.7.

    >>> http_date(784111777.9)
    'Sun, 06 Nov 1994 08:49:37 GMT'
    """
    return formatdate(int(seconds // 1), usegmt=True)


def parse_http_date(value: str) -> float | None:
    """Seconds since the epoch that an HTTP-date stands for, or None when it is not one.  RFC 9110 §5.6.7.

    >>> parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), parse_http_date("yesterday")
    (784111777.0, None)
    """
    try:
        moment = parsedate_to_datetime(value)
        # "-0000" and no zone at all give no tzinfo; an HTTP-date is always GMT.
        return None if moment.tzinfo is None else moment.timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


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
    moment = parse_http_date(value)
    return None if moment is None else max(0.0, moment - now)


def origin_of(url: str) -> str:
    """Scheme, host and port of *url*, in lower case: what CORS calls its origin.

    >>> origin_of("https://Shop.example/cart?x=1")
    'https://shop.example'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _header(headers: Mapping[str, str], name: str) -> str | None:
    if name in headers:
        return headers[name]
    lowered = name.lower()
    return next((value for key, value in headers.items() if key.lower() == lowered), None)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"member {twice!r} comes twice")
    return document


# `json.dumps` and `json.loads` with options would make these anew for every body.
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_members)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
