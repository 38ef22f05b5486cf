"""Reading a webhook: how large, who signed it, what it says.  Nothing is stored before all three are answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from sim.http import BODY_LIMIT, Request, Response, json_body, json_response, read_json
from sim.knobs import Knob
from sim.policies.http.problem import FieldError, problem
from sim.policies.webhooks.signing import Rejected, Scheme

RECEIVED = json_response({"received": True})
"""The acknowledgement: the sender need not come again."""

_SECONDS = Knob(low=0, high=1e12)


@attrs.frozen
class Event:
    """One webhook, in the guide's shape.

    *id*: the same for every delivery of it.  *created*: seconds since the epoch.  *sequence*: the number of this
    change of its object, None when the sender gives none.  *data*: the member `data.object`.
    """

    id: str
    type: str
    created: float
    sequence: int | None
    data: Mapping[str, Any]


def event_body(event: Event) -> bytes:
    """The body that carries *event*.

    >>> event_body(Event("evt_1", "payment.succeeded", 1700000000, None, {"account": "ada", "amount": 5}))
    b'{"id":"evt_1","type":"payment.succeeded","created":1700000000,"data":{"object":{"account":"ada","amount":5}}}'
    """
    document = {"id": event.id, "type": event.type, "created": event.created}
    if event.sequence is not None:
        document["sequence"] = event.sequence
    return json_body({**document, "data": {"object": dict(event.data)}})


def receive(
    request: Request, now: float, scheme: Scheme | None, check: Callable[[Event], list[FieldError]]
) -> Event | Response:
    """The event in *request*, or the answer that refuses it.

    413 for a body that is too large, before it is hashed; 401 for a signature that does not fit and 409 for a message
    that came before, before a byte of it is parsed; 400 for what is not JSON; 422 with every wrong member at once.
    *scheme*: None is: anybody is believed.  *check*: what this consumer asks of the event beyond its shape.

    What the sender makes of a 401 is another matter: one that takes every 4xx for final drops the event for good.
    """
    if len(request.body) > BODY_LIMIT:
        return problem(413, f"the body must be at most {BODY_LIMIT:,} bytes, got {len(request.body):,}")
    if scheme is not None:
        verdict = scheme.verify(request, now)
        if isinstance(verdict, Rejected):
            if verdict.replayed:
                return problem(409, verdict.reason)
            return problem(401, verdict.reason, headers={"WWW-Authenticate": "Webhook-Signature"})
    try:
        document = read_json(request.body)
    except ValueError as error:
        return problem(400, str(error))
    if not isinstance(document, dict):
        return problem(422, "the body must be an event", errors=[FieldError("", "must be an object")])
    errors = _shape(document)
    if not errors:
        event = Event(
            document["id"],
            document["type"],
            document["created"],
            document.get("sequence"),
            document["data"]["object"],
        )
        errors = check(event)
        if not errors:
            return event
    return problem(422, "the event cannot be understood", errors=errors)


def is_name(value: Any) -> bool:
    """True for a text of 1 to 255 visible ASCII characters: an id, a type, an account."""
    return isinstance(value, str) and re.fullmatch(r"[!-~]{1,255}", value) is not None


def is_whole(value: Any, *, low: int, high: int = 10**12) -> bool:
    """True for a whole number from *low* to *high*; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _shape(document: Mapping[str, Any]) -> list[FieldError]:
    errors = [
        FieldError(f"/{name}", "must be a text of 1 to 255 visible ASCII characters")
        for name in ("id", "type")
        if not is_name(document.get(name))
    ]
    try:
        _SECONDS.check(document.get("created"), "created")
    except (TypeError, ValueError):
        errors.append(FieldError("/created", "must be the seconds since the epoch, at least 0"))
    if document.get("sequence") is not None and not is_whole(document["sequence"], low=1):
        errors.append(FieldError("/sequence", "must be a whole number, at least 1"))
    data = document.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("object"), dict):
        errors.append(FieldError("/data/object", "must be an object"))
    return errors
