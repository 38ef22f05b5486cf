"""Conditional requests: do it only if the resource still is what I think it is.

With If-None-Match a reader saves the body (304).  With If-Match a writer makes sure that it overwrites what it has
read and nothing newer (412).  The order in which the headers count is a small table, and it is in `evaluate`.

Source: RFC 9110 §8.8.3 (entity tags) and §13 (preconditions); RFC 6585 §3 (428).
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Callable

import attrs

from sim.http import Request, Response, http_date, parse_http_date
from sim.policies.http.problem import problem

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_ELEMENT = re.compile(_TAG.pattern + r"(?=[ \t]*(?:,|\Z))")
_SAFE = frozenset({"GET", "HEAD"})
_UNCONDITIONAL = frozenset({"CONNECT", "OPTIONS", "TRACE"})
_GUARDED = frozenset({"PUT", "PATCH", "DELETE"})
_KEPT_BY_304 = frozenset({"cache-control", "content-location", "date", "etag", "expires", "vary", "last-modified"})


@attrs.frozen
class ETag:
    """The name of one version of one representation.  *opaque*: what stands between the quotes.

    *weak*: two versions that mean the same may share the tag, so it says nothing about bytes.

    >>> str(ETag("v1")), str(ETag("v1", weak=True))
    ('"v1"', 'W/"v1"')
    """

    opaque: str = attrs.field()
    weak: bool = attrs.field(default=False, kw_only=True)

    @opaque.validator
    def _check(self, attribute: object, value: str) -> None:
        if _TAG.fullmatch(f'"{value}"') is None:
            raise ValueError(f"opaque must have no quotes, spaces or control characters, got {value!r}")

    def __str__(self) -> str:
        return f'{"W/" if self.weak else ""}"{self.opaque}"'

    def strongly_equals(self, other: ETag) -> bool:
        """True when both are strong and the same: the bytes are the same.  RFC 9110 §8.8.3.2."""
        return not self.weak and not other.weak and self.opaque == other.opaque

    def weakly_equals(self, other: ETag) -> bool:
        """True when the opaque parts are the same: a reader may use one for the other.  RFC 9110 §8.8.3.2."""
        return self.opaque == other.opaque


class AnyTag(enum.Enum):
    """The `*` of If-Match and If-None-Match: whatever version there is."""

    ANY = "*"


ANY = AnyTag.ANY


@attrs.frozen
class Validators:
    """What the present representation is known by; *modified* in seconds since the epoch, None when it is not known."""

    etag: ETag | None = None
    modified: float | None = None


class Verdict(enum.Enum):
    """What the preconditions of a request say."""

    PROCEED = "carry it out"
    NOT_MODIFIED = "304"
    FAILED = "412"
    REQUIRED = "428"
    MALFORMED = "400"


def etag_of(content: bytes, *, variant: str = "") -> ETag:
    """A strong tag made of the bytes.  *variant*: which form of the resource ("gzip", "v2"), when there are several.

    Two forms must not share a tag, else a cache that holds one is told to use it for the other.

    >>> etag_of(b"hello") == etag_of(b"hello"), etag_of(b"hello") == etag_of(b"hello", variant="gzip")
    (True, False)
    """
    digest = hashlib.blake2b(content, digest_size=10, person=hashlib.blake2b(variant.encode(), digest_size=8).digest())
    return ETag(digest.hexdigest())


def parse_etag(value: str) -> ETag | None:
    """The one tag that a header such as `ETag` holds, or None when it is malformed.  `W/` is upper case.

    >>> parse_etag('W/"7"'), parse_etag('7')
    (ETag(opaque='7', weak=True), None)
    """
    match = _TAG.fullmatch(value.strip(" \t"))
    return None if match is None else ETag(match[2], weak=match[1] is not None)


def parse_etags(value: str) -> tuple[ETag, ...] | AnyTag | None:
    """The tags of an If-Match or If-None-Match header, or `ANY`, or None when any part of it is malformed.

    Empty elements of the list are skipped (RFC 9110 §5.6.1.2), a list of nothing else is malformed.

    >>> parse_etags('"a", W/"b"')
    (ETag(opaque='a', weak=False), ETag(opaque='b', weak=True))
    """
    value = value.strip(" \t")
    if value == "*":
        return ANY
    tags, at = [], 0
    while at < len(value):
        if value[at] in " \t,":
            at += 1
            continue
        match = _ELEMENT.match(value, at)
        if match is None:
            return None
        tags.append(ETag(match[2], weak=match[1] is not None))
        at = match.end()
    return tuple(tags) or None


def evaluate(request: Request, current: Validators | None, *, required: bool = False) -> Verdict:
    """What the preconditions of *request* say about the *current* representation; None is: there is none.

    Ask only when the request would otherwise succeed: a 404 or a 400 comes first (RFC 9110 §13.2.1).  The steps are
    those of §13.2.2; Range is left out.

    *required*: a PUT, PATCH or DELETE of something that exists must carry If-Match, or If-Unmodified-Since where the
    resource has a date; `If-Match: *` counts, as its sender's word that any version will do.

    A malformed tag list is ignored by a GET, which then sends too much, but makes any other method a 400: a writer
    that asked for a guard must not be served without one.  A date that is none is ignored, as §13.1.3 and §13.1.4
    demand.
    """
    if request.method in _UNCONDITIONAL:
        return Verdict.PROCEED
    safe = request.method in _SAFE
    modified = None if current is None or current.modified is None else current.modified // 1

    if_match, broken_match = _tags(request, "If-Match")
    if_none_match, broken_none = _tags(request, "If-None-Match")
    if (broken_match or broken_none) and not safe:
        return Verdict.MALFORMED
    unmodified_since = _date(request, "If-Unmodified-Since")
    modified_since = _date(request, "If-Modified-Since")

    # Steps 1 and 2: is it still what the writer has read?
    if if_match is not None:
        if not _names(if_match, current, ETag.strongly_equals):
            return Verdict.FAILED
    elif unmodified_since is not None and modified is not None and modified > unmodified_since:
        return Verdict.FAILED

    # Steps 3 and 4: has the reader got it already?  Is the place of the creator taken?
    if if_none_match is not None:
        if _names(if_none_match, current, ETag.weakly_equals):
            return Verdict.NOT_MODIFIED if safe else Verdict.FAILED
    elif safe and modified_since is not None and modified is not None and modified <= modified_since:
        return Verdict.NOT_MODIFIED

    guarded = if_match is not None or (unmodified_since is not None and modified is not None)
    if required and not guarded and current is not None and request.method in _GUARDED:
        return Verdict.REQUIRED
    return Verdict.PROCEED


def refusal(verdict: Verdict, current: Validators | None = None) -> Response | None:
    """The response that *verdict* asks for, None for `PROCEED`.

    A 412 and a 428 carry the present tag, when there is one, so that its reader can tell that it is out of date.  The
    304 here is bare; `not_modified` makes the one for a GET that has its 200 at hand.
    """
    tags = {} if current is None or current.etag is None else {"ETag": str(current.etag)}
    if verdict is Verdict.NOT_MODIFIED:
        return Response(304, headers=tags)
    if verdict is Verdict.FAILED:
        return problem(412, "it is not what your precondition says; read it again and repeat your change", headers=tags)
    if verdict is Verdict.REQUIRED:
        return problem(428, "send If-Match with the ETag of the version that you changed", headers=tags)
    if verdict is Verdict.MALFORMED:
        return problem(400, 'If-Match and If-None-Match are * or a list of tags in quotes, like "v1", W/"v2"')
    return None


def not_modified(full: Response) -> Response:
    """The 304 that stands for the *full* 200: its validators and caching headers, and no body.

    Source: RFC 9110 §15.4.5.
    """
    return Response(304, headers={name: value for name, value in full.headers.items() if name.lower() in _KEPT_BY_304})


def validator_headers(current: Validators) -> dict[str, str]:
    """The headers that tell a client what to put into its next precondition.

    >>> validator_headers(Validators(ETag("v1"), 0.0))
    {'ETag': '"v1"', 'Last-Modified': 'Thu, 01 Jan 1970 00:00:00 GMT'}
    """
    headers = {} if current.etag is None else {"ETag": str(current.etag)}
    if current.modified is not None:
        headers["Last-Modified"] = http_date(current.modified)
    return headers


def _tags(request: Request, name: str) -> tuple[tuple[ETag, ...] | AnyTag | None, bool]:
    """The tags in the header *name*, None when there are none, and whether it was there and malformed."""
    value = request.header(name)
    tags = None if value is None else parse_etags(value)
    return tags, value is not None and tags is None


def _date(request: Request, name: str) -> float | None:
    value = request.header(name)
    return None if value is None else parse_http_date(value)


def _names(tags: tuple[ETag, ...] | AnyTag, current: Validators | None, equals: Callable[[ETag, ETag], bool]) -> bool:
    """Whether *tags* name the *current* representation."""
    if isinstance(tags, AnyTag):
        return current is not None
    etag = None if current is None else current.etag
    return etag is not None and any(equals(tag, etag) for tag in tags)
