"""The same request twice: is the second one's state the first one's, and is the answer the same?

These are two questions.  A method is *safe* when the first request changes nothing (RFC 9110 §9.2.1), and *idempotent*
when the second changes nothing more (§9.2.2).  Nothing is promised about the answer: the second DELETE may well be a
404.  And nothing is promised about requests of other people in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from sim.flow import Handler, Reply
from sim.http import Request, Response, json_body
from sim.policies.http.patch import JSON_PATCH, MERGE_PATCH
from sim.services.payments import NoIdempotency, OneTransaction
from sim.services.profiles import IfMatch
from sim.services.profiles.document import JSON, validators_of
from sim.store import MemoryStore


@attrs.frozen
class Twice:
    """What two equal requests, one after the other, did.

    *answers*: both.  *states*: everything in the store before, between and after.
    """

    answers: tuple[Response, Response]
    states: tuple[Any, Any, Any]

    @property
    def safe(self) -> bool:
        """The first changed nothing."""
        return bool(self.states[0] == self.states[1])

    @property
    def idempotent(self) -> bool:
        """The second changed nothing more."""
        return bool(self.states[1] == self.states[2])

    @property
    def same_answer(self) -> bool:
        """Both got the same status and the same body."""
        first, second = self.answers
        return (first.status, first.body) == (second.status, second.body)


@attrs.frozen
class Example:
    """A *request* to be repeated, and the service that it is for: *make* makes one over a store of its own."""

    make: Callable[[MemoryStore], Handler]
    request: Request

    def twice(self) -> Twice:
        """Send it twice to a fresh service in which there is a profile called ada, and nothing else."""
        store = MemoryStore()
        ask(IfMatch(store), _profile("PUT", ADA, kind=JSON, **{"If-None-Match": "*"}))
        service, states, answers = self.make(store), [store.snapshot()], []
        for _ in range(2):
            answers.append(ask(service, self.request))
            states.append(store.snapshot())
        return Twice((answers[0], answers[1]), (states[0], states[1], states[2]))


def ask(service: Handler, request: Request, now: float = 0.0) -> Response:
    """Serve one *request* alone, to its end, with time standing still; its last answer, 500 when it has none."""
    flow, answer = service(request, now), Response(500)
    command = next(flow, None)
    while command is not None:
        if isinstance(command, Reply):
            answer = command.response
        try:
            command = flow.send(now)
        except StopIteration:
            break
    return answer


def unconditional(store: MemoryStore) -> IfMatch:
    """Profiles that may be changed with a precondition or without."""
    return IfMatch(store, required=False)


ADA = {"name": "Ada", "city": "Turin", "tags": ["a"]}
_MORE = [{"op": "add", "path": "/tags/-", "value": "b"}]
_TESTED = [{"op": "test", "path": "/city", "value": "Turin"}, {"op": "remove", "path": "/city"}]


def _profile(method: str, document: Any = None, kind: str = "", name: str = "ada", **headers: str) -> Request:
    body = b"" if document is None else json_body(document)
    named = {**({"Content-Type": kind} if kind else {}), **headers}
    return Request(method, f"/profiles/{name}", headers=named, body=body)


def _payment(**headers: str) -> Request:
    body = json_body({"amount": 2_000, "currency": "INR"})
    return Request("POST", "/payments", headers={"Authorization": "Bearer ada", **headers}, body=body)


def _tag() -> str:
    current = validators_of(ADA)
    assert current is not None
    assert current.etag is not None
    return str(current.etag)


EXAMPLES: Mapping[str, Example] = {
    "GET": Example(unconditional, _profile("GET")),
    "HEAD": Example(unconditional, _profile("HEAD")),
    "OPTIONS": Example(unconditional, _profile("OPTIONS")),
    "PUT, replaces": Example(unconditional, _profile("PUT", {"name": "Ada Lovelace"}, kind=JSON)),
    "PUT, creates": Example(unconditional, _profile("PUT", ADA, kind=JSON, name="bob")),
    "DELETE": Example(unconditional, _profile("DELETE")),
    "POST": Example(NoIdempotency, _payment()),
    "POST, with a key": Example(OneTransaction, _payment(**{"Idempotency-Key": '"k-1"'})),
    "PATCH, absolute": Example(unconditional, _profile("PATCH", {"city": "London"}, kind=MERGE_PATCH)),
    "PATCH, relative": Example(unconditional, _profile("PATCH", _MORE, kind=JSON_PATCH)),
    "PATCH, relative, If-Match": Example(IfMatch, _profile("PATCH", _MORE, kind=JSON_PATCH, **{"If-Match": _tag()})),
    "PATCH, test and remove": Example(unconditional, _profile("PATCH", _TESTED, kind=JSON_PATCH)),
}
"""Each method, and for POST and PATCH what makes the difference."""
