"""The payload: one envelope for every event, fat (the whole object as it then was) or thin (its id).

Fat needs no further call and may be old when it is read; thin is always fresh, as long as what is fetched is, and costs
a call for each event.  The envelope is the same, so a receiver routes, dedupes and orders without knowing which it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from sim.http import json_body
from sim.knobs import knob

_NAME = re.compile(r"[!-~]{1,255}")


def _named(fact: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(f"{attribute.name} must be 1 to 255 visible ASCII characters, got {value!r}")


@attrs.frozen(kw_only=True)
class Fact:
    """Something that happened, and can be said in a way that a receiver understands.

    *id*: the same in every delivery of it.  *created*: seconds since the epoch; the payload has whole seconds, too
    coarse to order by.  *object*: the resource as it is now.  *previous*: the members that changed, as they were; None
    when it is new.  *sequence*: the number of this change of its object, from 1; None when it has none.  *live*: False
    for a test event.

    Raises: `ValueError` or `TypeError`, one sentence, for what a receiver would have to refuse: it would be sent for 72
    hours, and be refused each time.
    """

    id: str = attrs.field(validator=_named)
    type: str = attrs.field(validator=_named)
    created: float = knob(low=0, high=1e12, unit="s")
    object: Mapping[str, Any]
    previous: Mapping[str, Any] | None = None
    sequence: int | None = knob(None, kind=int, low=1, high=1e12, optional=True)
    live: bool = True


def envelope(fact: Fact, *, version: str, thin: bool = False, id: str | None = None) -> dict[str, Any]:
    """The payload of *fact* in the format *version*; *thin*: the object is its id and nothing else.

    *id*: of the message, where it must differ from the fact's: with dual delivery a receiver that dedupes by id drops
    the second format.

    Raises: `ValueError` when a thin payload is asked for an object that has no id.

    >>> paid = Fact(id="evt_1", type="payment.succeeded", created=7.9, object={"id": "pay_1", "amount": 5})
    >>> envelope(paid, version="2026-01-01", thin=True)["data"]
    {'object': {'id': 'pay_1'}}
    """
    if thin and "id" not in fact.object:
        raise ValueError(f"the object of {fact.id} must have an id to be sent thin, got {sorted(fact.object)!r}")
    document: dict[str, Any] = {
        "id": fact.id if id is None else id, "object": "event", "type": fact.type, "apiVersion": version,
        "created": int(fact.created // 1), "livemode": fact.live,
    }  # fmt: skip
    if fact.sequence is not None:
        document["sequence"] = fact.sequence
    data: dict[str, Any] = {"object": {"id": fact.object["id"]} if thin else dict(fact.object)}
    if fact.previous is not None and not thin:
        data["previousAttributes"] = dict(fact.previous)
    return {**document, "data": data}


def body(fact: Fact, *, version: str, thin: bool = False, id: str | None = None) -> bytes:
    """The bytes of `envelope`: they are what is signed and what is sent, and nobody may write them anew in between."""
    return json_body(envelope(fact, version=version, thin=thin, id=id))
