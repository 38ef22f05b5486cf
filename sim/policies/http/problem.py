"""Problem details: an error that a program can branch on, a person can read, and an attacker learns nothing from.

Both sides are here: `problem` writes the document, `read_problem` reads one that a stranger wrote.

Source: RFC 9457, which replaced RFC 7807 in 2023.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from sim.http import Response, json_body
from sim.policies.http.status import reason_phrase

__all__ = ["MEDIA_TYPE", "FieldError", "Problem", "problem", "read_problem", "reason_phrase", "unexpected"]

MEDIA_TYPE = "application/problem+json"


@attrs.frozen
class FieldError:
    """What is wrong with one member of the request's body.

    *pointer*: where, as a JSON Pointer ("/email", RFC 6901).  *detail*: what to do about it, in one sentence.
    """

    pointer: str
    detail: str


def problem(
    status: int,
    detail: str = "",
    *,
    kind: str = "about:blank",
    title: str = "",
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    retry_after: float | None = None,
    **extensions: Any,
) -> Response:
    """An error response with a problem document.

    *detail*: what went wrong this time, for a person; never the text of an exception.  *kind*: a URI that names the
    type of the problem, "about:blank" when the status says it all.  *title*: the type in words, the status's own
    name when none is given.  *errors*: every wrong field at once.  *retry_after*: seconds, see `Response`.
    *extensions*: further members, None is left out.

    >>> problem(404, "there is no order 7").json()
    {'type': 'about:blank', 'title': 'Not Found', 'status': 404, 'detail': 'there is no order 7'}
    """
    document: dict[str, Any] = {"type": kind, "title": title or reason_phrase(status), "status": status}
    if detail:
        document["detail"] = detail
    document |= {name: value for name, value in extensions.items() if value is not None}
    if errors:
        document["errors"] = [attrs.asdict(error) for error in errors]
    return Response(status, retry_after, {"Content-Type": MEDIA_TYPE, **(headers or {})}, json_body(document))


def unexpected(trace_id: str) -> Response:
    """A 500 for an error that nobody foresaw: it says where in the log to look, and nothing else.

    There is no parameter for the exception, so that its text cannot slip out.

    >>> unexpected("4bf92f3577b34da6a3ce929d0e0e4736").json()["detail"]
    'something broke on our side; quote the traceId when you report it'
    """
    return problem(500, "something broke on our side; quote the traceId when you report it", traceId=trace_id)


@attrs.frozen(kw_only=True)
class Problem:
    """A problem document as its reader sees it.  *kind*: its `type`.  *extensions*: all members not named here."""

    status: int
    kind: str = "about:blank"
    title: str = ""
    detail: str = ""
    instance: str = ""
    errors: tuple[FieldError, ...] = ()
    extensions: Mapping[str, Any] = attrs.field(factory=dict)


def read_problem(response: Response) -> Problem | None:
    """The problem that *response* tells of, or None when it is no problem document or a malformed one.

    A member of the wrong type is read as if it were absent (RFC 9457 §3.1).  The status is that of the response: the
    one in the document is advisory, because a proxy may have changed the other (§3.1.2).

    >>> read_problem(problem(422, errors=[FieldError("/email", "must be an address")])).errors[0].pointer
    '/email'
    >>> read_problem(Response(502, headers={"Content-Type": "text/html"}, body=b"<h1>Bad Gateway</h1>"))
    """
    if (response.header("Content-Type") or "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        return None
    try:
        document = response.json()
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    texts = {name: document[name] for name in _TEXTS if isinstance(document.get(name), str)}
    rest = {name: value for name, value in document.items() if name not in {"type", "status", "errors", *_TEXTS}}
    kind = document.get("type")
    return Problem(
        status=response.status,
        kind=kind if isinstance(kind, str) else "about:blank",
        errors=tuple(_field_errors(document.get("errors"))),
        extensions=rest,
        **texts,
    )


_TEXTS = ("title", "detail", "instance")


def _field_errors(rows: Any) -> list[FieldError]:
    return [
        FieldError(row["pointer"], row["detail"])
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and isinstance(row.get("pointer"), str) and isinstance(row.get("detail"), str)
    ]
