"""What a cache keeps of a response, and what it makes of it again: storing, selecting, validating, updating.

Functions of the request and the response alone.  Source: RFC 9111 §3 and §4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

import attrs

from sim.http import Request, Response, parse_http_date
from sim.policies.caching.cachecontrol import CacheControl, parse_cache_control
from sim.policies.caching.freshness import HEURISTICALLY_CACHEABLE, age_header

ERRORS = frozenset({500, 502, 503, 504})
"""Answers in place of which stale-if-error allows an old one.  RFC 5861 §4."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing, so that what is stored stays true.  RFC 9110 §9.2.1."""


def may_store(request: Request, response: Response, *, shared: bool) -> bool:
    """Whether a cache may keep *response* to *request* at all (§3).

    A *shared* cache keeps nothing private, and of what was asked with Authorization only what says that it is open
    to all, or that it must be validated first (§3.5).
    """
    control = parse_cache_control(response.header("Cache-Control"))
    status = response.status
    if request.method != "GET" or status < 200 or status in (206, 304) or "*" in vary_names(response):
        return False
    understood = control.must_understand and status in HEURISTICALLY_CACHEABLE  # then no-store is for others (§5.2.2.3)
    if (control.no_store and not understood) or parse_cache_control(request.header("Cache-Control")).no_store:
        return False
    open_to_all = control.public or control.must_revalidate or control.s_maxage is not None
    if shared and (control.private or (request.header("Authorization") is not None and not open_to_all)):
        return False
    return (
        status in HEURISTICALLY_CACHEABLE
        or control.public
        or control.max_age is not None
        or response.header("Expires") is not None
        or (control.s_maxage is not None if shared else control.private)
    )


def stored_form(response: Response, control: CacheControl, *, shared: bool) -> Response:
    """*response* without the fields that may not be kept (§3.1).

    Those of one connection, those that `no-cache="…"` names, and in a *shared* cache those that `private="…"` names.
    """
    left_out = _OF_ONE_CONNECTION | control.no_cache_fields | _names(response.header("Connection"))
    if shared:
        left_out |= control.private_fields
    return _without(response, left_out)


def vary_names(response: Response) -> frozenset[str]:
    """The request fields that decided what *response* is, in lower case; "*" stands for anything (§4.1)."""
    return _names(response.header("Vary"))


def vary_values(request: Request, names: Iterable[str]) -> tuple[str | None, ...]:
    """What *request* has in the fields *names*; None for a field that it does not have."""
    values = (request.header(name) for name in names)
    return tuple(None if value is None else value.strip() for value in values)


def passes_by(request: Request) -> bool:
    """True for a request that only the origin can answer.

    Any method but GET and HEAD, a part of the content, and conditions other than the two that caches are made of.
    """
    return request.method not in ("GET", "HEAD") or any(request.header(name) is not None for name in _BEYOND)


def validators(response: Response) -> dict[str, str]:
    """The fields that ask whether *response* is still the right one (§4.3.1); empty when it has no validator."""
    etag, modified = response.header("ETag"), response.header("Last-Modified")
    asked = {"If-None-Match": etag, "If-Modified-Since": modified}
    return {name: value for name, value in asked.items() if value}


def unconditional(request: Request) -> Request:
    """*request* without the conditions that a cache answers itself."""
    kept = {name: value for name, value in request.headers.items() if name.lower() not in _CONDITIONS}
    return attrs.evolve(request, headers=kept)


def revalidation(request: Request, response: Response) -> Request:
    """*request* with the validators of the stored *response* in place of conditions of its own."""
    plain = unconditional(request)
    return attrs.evolve(plain, headers={**plain.headers, **validators(response)})


def same_version(stored: Response, answer: Response) -> bool:
    """Whether *answer*, a 304, speaks of the *stored* response (§4.3.4).

    A strong tag must be equal, a weak one equal but for its mark.  A 304 without any validator is taken at its word,
    since it answers ours: that is more than the RFC says and what every cache does.
    """
    etag, kept = answer.header("ETag"), stored.header("ETag")
    if etag is not None:
        return kept is not None and (_opaque(kept) == _opaque(etag) if etag.startswith("W/") else kept == etag)
    modified = answer.header("Last-Modified")
    if modified is not None:
        return stored.header("Last-Modified") == modified
    return bool(validators(stored))


def updated(stored: Response, answer: Response) -> Response:
    """The *stored* response with the fields of *answer*, a 304 (§3.2).

    The 304's fields win, save those that describe the stored body.  The old Age and Date go in any case: they say
    how old the response was when it came, and it has just been confirmed.
    """
    news = _without(answer, _OF_THE_BODY)
    old = _without(stored, {name.lower() for name in news.headers} | {"age", "date"})
    return attrs.evolve(old, headers={**old.headers, **news.headers})


def served(stored: Response, request: Request, age: float) -> Response:
    """What to answer *request* from *stored*, which is *age* seconds old: with an Age, without a body for HEAD."""
    headers = {**_without(stored, {"age"}).headers, "Age": age_header(age)}
    response = attrs.evolve(stored, headers=headers, body=b"" if request.method == "HEAD" else stored.body)
    return conditioned(request, response)


def conditioned(request: Request, response: Response) -> Response:
    """*response*, or a 304 when it is what the client says that it has (§4.3.2)."""
    if response.status != 200 or not _unchanged(request, response):
        return response
    return attrs.evolve(_without(response, _OF_THE_BODY), status=304, body=b"")


def targets(request: Request, answer: Response) -> frozenset[str]:
    """The paths that an unsafe *request* with *answer* may have changed (§4.4).

    Its own, and those that Location and Content-Location name, unless they lie on another host: one site must not
    empty another's cache.

    >>> sorted(targets(Request("POST", "/orders"), Response(201, headers={"Location": "orders/7"})))
    ['/orders', '/orders/7']
    """
    found = {request.path}
    for name in ("Location", "Content-Location"):
        place = answer.header(name)
        if place is not None:
            try:
                parts = urlsplit(urljoin(request.path, place))
            except ValueError:
                continue
            if not parts.netloc or parts.netloc.lower() == (request.header("Host") or "").lower():
                found.add(parts.path + (f"?{parts.query}" if parts.query else ""))
    return frozenset(found)


_OF_ONE_CONNECTION = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authentication-info", "proxy-authorization",
    "proxy-connection", "te", "transfer-encoding", "upgrade",
})  # fmt: skip
_OF_THE_BODY = frozenset({"content-encoding", "content-type", "content-range", "content-length"})
_CONDITIONS = frozenset({"if-none-match", "if-modified-since"})
_BEYOND = ("Range", "If-Range", "If-Match", "If-Unmodified-Since")


def _unchanged(request: Request, stored: Response) -> bool:
    """Whether the client's own condition says that it has what is *stored* (RFC 9110 §13.1.2 and §13.1.3)."""
    match, etag = request.header("If-None-Match"), stored.header("ETag")
    if match is not None:
        return match.strip() == "*" or (etag is not None and _opaque(etag) in _tags(match))
    since, modified = request.header("If-Modified-Since"), stored.header("Last-Modified")
    if since is None or modified is None:
        return False
    known, changed = parse_http_date(since), parse_http_date(modified)
    return known is not None and changed is not None and changed <= known


def _tags(value: str) -> list[str]:
    """The entity tags of a list without their marks; a comma may stand inside the quotes."""
    return re.findall(r'"[^"]*"', value)


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/")


def _names(value: str | None) -> frozenset[str]:
    return frozenset(name for part in (value or "").split(",") if (name := part.strip().lower()))


def _without(response: Response, names: Iterable[str]) -> Response:
    left_out = frozenset(names)
    kept = {name: value for name, value in response.headers.items() if name.lower() not in left_out}
    return attrs.evolve(response, headers=kept)
