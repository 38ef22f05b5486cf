"""Problem details: an error that a program can branch on, a person can read, and an attacker learns nothing from.

Source: RFC 9457, which replaced RFC 7807 in 2023.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import attrs

from sim.http import Response, json_body

MEDIA_TYPE = "application/problem+json"

_RENAMED = {413: "Content Too Large", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}
"""Names that RFC 9110 gives and that Python's `http` module learned only in 3.13."""


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


def reason_phrase(status: int) -> str:
    """The name that RFC 9110 or a later registration gives *status*.

    >>> reason_phrase(422)
    'Unprocessable Content'
    """
    return _RENAMED.get(status) or HTTPStatus(status).phrase
