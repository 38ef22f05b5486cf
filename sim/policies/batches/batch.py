"""Batches: many items in one request, and the truth about each of them in one answer.

An *atomic* batch is all or nothing, so with n items that each fail with probability p it succeeds with (1 - p)**n.
A *partial* one reports item by item.  Items carry a `clientId`, unique for the caller: the results can be matched by
it, and an item that is sent again is the same item, in whatever batch it comes.

One rule for the status of an item: 422 when it can never succeed as it is written, 409 when it is right in itself and
the present state of the store is against it (the email is taken), 503 when it may succeed the next time.
Sources: RFC 9110 §15.5.10, §15.5.21; RFC 4918 §13 for 207, whose body is XML there and JSON in everybody's practice.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from sim.http import BODY_LIMIT, Response, json_response, read_json
from sim.knobs import knob
from sim.policies.http.problem import FieldError, problem, reason_phrase

CLIENT_ID_LIMIT = 64
"""Characters of the longest `clientId`."""


class Mode(enum.Enum):
    """How a batch is taken."""

    ATOMIC = "atomic"
    PARTIAL = "partial"
    ASYNC = "async"


@attrs.frozen
class Item:
    """One item of a batch: its *client_id* and the rest of its members."""

    client_id: str
    content: Mapping[str, Any]


@attrs.frozen
class ItemResult:
    """What became of one item.  *detail*: for a person, when it failed.  *ident*: of what was made, else None."""

    client_id: str
    status: int
    detail: str = ""
    ident: str | None = None
    replayed: bool = False

    @property
    def ok(self) -> bool:
        """True when what the item asks for is there."""
        return 200 <= self.status < 300

    def document(self) -> dict[str, Any]:
        """The result as it stands in the answer."""
        document: dict[str, Any] = {"clientId": self.client_id, "status": self.status}
        if self.ident is not None:
            document["id"] = self.ident
        if self.replayed:
            document["replayed"] = True
        if not self.ok:
            document["title"] = reason_phrase(self.status)
            document["detail"] = self.detail
        return document


@attrs.frozen(kw_only=True)
class BatchRules:
    """What a batch may be.  *max_items*: in one request that is answered with its results; more is a 413.

    *max_async_items*: in one request that is answered with a job.

    >>> BatchRules().read(b'{"mode": "atomic", "items": [{"clientId": "a", "email": "ada@example.com"}]}')
    (<Mode.ATOMIC: 'atomic'>, [Item(client_id='a', content={'email': 'ada@example.com'})])
    >>> BatchRules().read(b'{"items": []}').status
    422
    """

    max_items: int = knob(1_000, kind=int, low=1, high=1_000_000, unit="items", help="in a batch that is answered")
    max_async_items: int = knob(10_000, kind=int, low=1, high=1_000_000, unit="items", help="in a batch that is a job")

    def read(self, body: bytes) -> tuple[Mode, list[Item]] | Response:
        """The mode and the items in *body*, or the answer that says everything that is wrong with them.

        Two items with one `clientId` are refused as a whole: their results could not be told apart.
        """
        if len(body) > BODY_LIMIT:
            return problem(413, f"the body must be at most {BODY_LIMIT:,} bytes")
        try:
            document = read_json(body)
        except ValueError as error:  # its text is made for the client
            return problem(400, str(error))
        if not isinstance(document, dict):
            return problem(422, "the body must be a JSON object with a mode and items")
        errors = [FieldError("", f"there is no member {name[:40]!a}") for name in document.keys() - {"mode", "items"}]
        mode: Any = document.get("mode", "partial")
        items: Any = document.get("items")
        modes = [known.value for known in Mode]
        if mode not in modes:
            errors.append(FieldError("/mode", f"the mode must be one of {', '.join(modes)}"))
        if not isinstance(items, list) or not items:
            errors.append(FieldError("/items", "the items must be a list of at least one item"))
        if errors:
            return problem(422, "the batch cannot be taken as it is", errors=errors)
        limit = self.max_async_items if mode == Mode.ASYNC.value else self.max_items
        if len(items) > limit:
            return problem(413, f"a batch in this mode must have at most {limit:,} items, got {len(items):,}")
        errors = _item_errors(items)
        if errors:
            return problem(422, "the batch cannot be taken as it is", errors=errors)
        return Mode(mode), [
            Item(item["clientId"], {k: v for k, v in item.items() if k != "clientId"}) for item in items
        ]


def atomic_success(items: int, failure: float) -> float:
    """The probability that an atomic batch succeeds: (1 - *failure*) ** *items*, each item failing on its own.

    >>> round(atomic_success(10_000, 1e-4), 3)
    0.368
    """
    return float((1.0 - failure) ** items)


def multi_status(results: Sequence[ItemResult]) -> Response:
    """The answer to a partial batch: always 207, the results in the order of the items, and their sums.

    The batch itself worked, whatever became of its items; one status for every mix gives the client one path.
    """
    done = sum(result.ok for result in results)
    document = {
        "succeeded": done,
        "failed": len(results) - done,
        "results": [result.document() for result in results],
    }
    return json_response(document, 207)


def atomic_answer(results: Sequence[ItemResult]) -> Response:
    """The answer to an atomic batch: 201 and every result, or the failure, when nothing at all was done.

    *results*: of the items that were tried.  A 422 among them decides, because sending the batch again is useless
    then; else a 409; else it is a 503, and the same batch may succeed.
    """
    failed = [result for result in results if not result.ok]
    if not failed:
        document = {"succeeded": len(results), "failed": 0, "results": [result.document() for result in results]}
        return json_response(document, 201)
    statuses = {result.status for result in failed}
    status = next((status for status in (422, 409) if status in statuses), 503)
    documents = [result.document() for result in failed]
    return problem(status, "nothing was done, because not every item can be", results=documents)


def _item_errors(items: list[Any]) -> list[FieldError]:
    errors, seen = [], set()
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            errors.append(FieldError(f"/items/{index}", "an item must be a JSON object"))
            continue
        client_id = item.get("clientId")
        if not isinstance(client_id, str) or not 0 < len(client_id) <= CLIENT_ID_LIMIT or not client_id.isprintable():
            detail = f"the clientId must be a printable text of 1 to {CLIENT_ID_LIMIT} characters"
            errors.append(FieldError(f"/items/{index}/clientId", detail))
        elif client_id in seen:
            errors.append(FieldError(f"/items/{index}/clientId", "the clientId comes twice in this batch"))
        else:
            seen.add(client_id)
    return errors
