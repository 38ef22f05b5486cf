"""The status codes as a table: what each one means, whose fault it is, whether to try again, what it must carry.

A status is read by programs long before a person reads the body: by the client's retry loop, the cache, the proxy,
the alarm.  The two columns that they act on, *fault* and *again*, are therefore part of the table.

Source: RFC 9110 §15 and the documents named in each row.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from http import HTTPStatus

import attrs

from sim.http import Response


class Fault(enum.Enum):
    """Who has to change something before such an answer stops."""

    NOBODY = "nobody"
    CLIENT = "client"
    SERVER = "server"
    UPSTREAM = "a server behind the gateway"


class Again(enum.Enum):
    """Whether sending the same request again makes sense."""

    NEVER = "no"
    CHANGED = "changed"
    """Only a different request can succeed: another body, fresh credentials, the present version."""
    LATER = "later"
    """The same request may succeed later; wait as long as Retry-After asks."""
    IF_IDEMPOTENT = "if idempotent"
    """The work may have been done: try again only what may be done twice."""


@attrs.frozen
class Status:
    """One row.  *name*: as registered.  *source*: document and section.  *when*: what the sender says with it.

    *must*: headers without which the response breaks its specification.  *may*: headers that make it useful.
    *content*: False when the response never has a body.
    """

    code: int
    name: str
    source: str
    when: str
    fault: Fault = Fault.NOBODY
    again: Again = Again.NEVER
    must: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    may: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    content: bool = attrs.field(default=True, kw_only=True)


def status(code: int) -> Status:
    """The row of *code*.

    Raises: `ValueError` when the table has none.

    >>> status(422).name, status(422).fault.value, status(503).again.value
    ('Unprocessable Content', 'client', 'later')
    """
    if code not in STATUSES:
        raise ValueError(f"the table of statuses has no {code!r}; it has {', '.join(map(str, STATUSES))}")
    return STATUSES[code]


def reason_phrase(code: int) -> str:
    """The registered name of *code*; of one outside of the table, the name that Python's `http` module knows.

    Raises: `ValueError` for a number that is no status at all.

    >>> reason_phrase(413), reason_phrase(100)
    ('Content Too Large', 'Continue')
    """
    row = STATUSES.get(code)
    return HTTPStatus(code).phrase if row is None else row.name


def missing_headers(response: Response) -> tuple[str, ...]:
    """The headers that *response* must carry by its status and does not.

    >>> missing_headers(Response(405))
    ('Allow',)
    """
    row = STATUSES.get(response.status)
    return () if row is None else tuple(name for name in row.must if response.header(name) is None)


_CLIENT, _SERVER, _UPSTREAM = Fault.CLIENT, Fault.SERVER, Fault.UPSTREAM
_CHANGED, _LATER, _IF_IDEMPOTENT = Again.CHANGED, Again.LATER, Again.IF_IDEMPOTENT

_ROWS = (
    Status(200, "OK", "RFC 9110 §15.3.1", "It worked, and here is the result.", may=("ETag", "Cache-Control")),
    Status(201, "Created", "RFC 9110 §15.3.2", "A new resource exists.", may=("Location", "ETag")),
    Status(202, "Accepted", "RFC 9110 §15.3.3", "Taken in, not done: ask at the Location how far it is.",
           may=("Location", "Retry-After")),
    Status(204, "No Content", "RFC 9110 §15.3.5", "It worked, and there is nothing to show.", may=("ETag",),
           content=False),
    Status(206, "Partial Content", "RFC 9110 §15.3.7", "Here is the part that Range asked for.",
           may=("Content-Range", "ETag")),
    Status(207, "Multi-Status", "RFC 4918 §11.1", "Several things were asked; each has a status in the body."),
    Status(301, "Moved Permanently", "RFC 9110 §15.4.2", "It has a new address; clients may turn a POST into a GET.",
           _CLIENT, _CHANGED, may=("Location",)),
    Status(302, "Found", "RFC 9110 §15.4.3", "It is elsewhere for now; clients may turn a POST into a GET.",
           _CLIENT, _CHANGED, may=("Location",)),
    Status(303, "See Other", "RFC 9110 §15.4.4", "The answer is at the Location; fetch it with GET.",
           may=("Location",)),
    Status(304, "Not Modified", "RFC 9110 §15.4.5", "What you have is still right; use it.",
           may=("ETag", "Cache-Control", "Vary"), content=False),
    Status(307, "Temporary Redirect", "RFC 9110 §15.4.8", "It is elsewhere for now; repeat with the same method.",
           _CLIENT, _CHANGED, may=("Location",)),
    Status(308, "Permanent Redirect", "RFC 9110 §15.4.9", "It has a new address; repeat with the same method.",
           _CLIENT, _CHANGED, may=("Location",)),
    Status(400, "Bad Request", "RFC 9110 §15.5.1", "I cannot read this: malformed syntax or framing.",
           _CLIENT, _CHANGED),
    Status(401, "Unauthorized", "RFC 9110 §15.5.2", "Who are you? No credentials, or none that are valid.",
           _CLIENT, _CHANGED, must=("WWW-Authenticate",)),
    Status(403, "Forbidden", "RFC 9110 §15.5.4", "I know who you are, and you may not.", _CLIENT),
    Status(404, "Not Found", "RFC 9110 §15.5.5", "There is nothing here, or nothing that you may know of.", _CLIENT),
    Status(405, "Method Not Allowed", "RFC 9110 §15.5.6", "This resource does not take this method.",
           _CLIENT, _CHANGED, must=("Allow",)),
    Status(406, "Not Acceptable", "RFC 9110 §15.5.7", "I have no form of it that your Accept headers allow.",
           _CLIENT, _CHANGED),
    Status(408, "Request Timeout", "RFC 9110 §15.5.9", "Your request did not arrive in time.", _CLIENT, _LATER),
    Status(409, "Conflict", "RFC 9110 §15.5.10", "The present state forbids it: a duplicate, or a twin in flight.",
           _CLIENT, _CHANGED, may=("Retry-After",)),
    Status(410, "Gone", "RFC 9110 §15.5.11", "It was here, and it will most likely not come back.", _CLIENT),
    Status(412, "Precondition Failed", "RFC 9110 §15.5.13", "It is no longer what your If-Match says: read it again.",
           _CLIENT, _CHANGED, may=("ETag",)),
    Status(413, "Content Too Large", "RFC 9110 §15.5.14", "The body is larger than I read.", _CLIENT, _CHANGED,
           may=("Retry-After",)),
    Status(415, "Unsupported Media Type", "RFC 9110 §15.5.16", "I do not read this format for this method.",
           _CLIENT, _CHANGED, may=("Accept", "Accept-Patch")),
    Status(416, "Range Not Satisfiable", "RFC 9110 §15.5.17", "The range lies outside of it.", _CLIENT, _CHANGED,
           may=("Content-Range",)),
    Status(422, "Unprocessable Content", "RFC 9110 §15.5.21", "I can read this, and its content is wrong.",
           _CLIENT, _CHANGED),
    Status(425, "Too Early", "RFC 8470 §5.2", "It came in early data, which can be replayed; send it again.",
           Fault.NOBODY, _LATER),
    Status(428, "Precondition Required", "RFC 6585 §3", "Say which version you changed: send If-Match.",
           _CLIENT, _CHANGED),
    Status(429, "Too Many Requests", "RFC 6585 §4", "You are over your rate.", _CLIENT, _LATER, may=("Retry-After",)),
    Status(431, "Request Header Fields Too Large", "RFC 6585 §5", "The headers are larger than I read.",
           _CLIENT, _CHANGED),
    Status(500, "Internal Server Error", "RFC 9110 §15.6.1", "Something unexpected broke; the details are in my log.",
           _SERVER, _IF_IDEMPOTENT),
    Status(501, "Not Implemented", "RFC 9110 §15.6.2", "I do not know this method for any resource.", _SERVER),
    Status(502, "Bad Gateway", "RFC 9110 §15.6.3", "The server behind me gave no valid answer.",
           _UPSTREAM, _IF_IDEMPOTENT),
    Status(503, "Service Unavailable", "RFC 9110 §15.6.4", "Overloaded or under maintenance; not begun.",
           _SERVER, _LATER, may=("Retry-After",)),
    Status(504, "Gateway Timeout", "RFC 9110 §15.6.5", "The server behind me did not answer in time.",
           _UPSTREAM, _IF_IDEMPOTENT),
)  # fmt: skip

STATUSES: Mapping[int, Status] = {row.code: row for row in _ROWS}
"""The table, by code, in ascending order."""
