"""Profiles: replace, change, read and delete one document, while others do the same.

Three designs of the same API.  `LastWriteWins` looks at no precondition.  `CheckThenWrite` compares If-Match with what
it has just read, and then writes: what happens in between it does not see.  `IfMatch` writes by compare-and-set, so
that the check and the write are one step of the store.  The first two are kept to be broken.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import attrs

from sim.flow import Effect, HandlerFlow, Reply, Step
from sim.http import Request, Response
from sim.policies.http.conditional import evaluate, not_modified, refusal, validator_headers
from sim.policies.http.negotiation import best_media_type, not_acceptable
from sim.policies.http.problem import problem
from sim.services.profiles.document import (
    JSON,
    Edit,
    is_profile_name,
    patch_edit,
    put_edit,
    representation,
    validators_of,
)
from sim.services.routes import Routes
from sim.store import Store

TABLE = "profiles"

Change = Generator[Step, float, "Response | tuple[Any, Any]"]
"""A flow that changes a profile: it returns the profile before and after, or the response that refuses the change."""


class _Profiles:
    """The API: GET, HEAD, PUT, PATCH and DELETE of /profiles/{profile}.  What differs is how `_change` writes."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._routes = Routes(
            {
                "GET /profiles/{profile}": self._get,
                "PUT /profiles/{profile}": self._put,
                "PATCH /profiles/{profile}": self._patch,
                "DELETE /profiles/{profile}": self._delete,
            }
        )

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve one request."""
        return self._routes(request, now)

    def _change(self, request: Request, profile: str, edit: Edit | None) -> Change:
        """Apply *edit* to the profile; None removes it."""
        raise AssertionError("a design says itself how it writes")

    def _read(self, profile: str) -> Any:
        return self.store.get(TABLE, profile) or None

    def _write(self, profile: str, after: Any) -> None:
        if after is None:
            self.store.delete(TABLE, profile)
        else:
            self.store.put(TABLE, profile, after)

    def _get(self, request: Request, now: float, profile: str) -> HandlerFlow:
        present = self._read(profile)
        yield Step("read the profile")
        if present is None:
            answer = problem(404, "there is no such profile")
        elif best_media_type(request.header("Accept"), [JSON]) is None:
            answer = not_acceptable([JSON])
        else:
            answer = _shown(present)
            current = validators_of(present)
            refused = refusal(evaluate(request, current), current)
            if refused is not None:
                answer = not_modified(answer) if refused.status == 304 else refused
        yield Reply(_without_body(request, answer))

    def _put(self, request: Request, now: float, profile: str) -> HandlerFlow:
        return self._written(request, profile, put_edit(request))

    def _patch(self, request: Request, now: float, profile: str) -> HandlerFlow:
        return self._written(request, profile, patch_edit(request))

    def _written(self, request: Request, profile: str, edit: Edit | Response) -> HandlerFlow:
        if not is_profile_name(profile):
            edit = problem(404, "there is no such profile, and there can be none of this name")
        if isinstance(edit, Response):
            yield Reply(edit)
            return
        result = yield from self._change(request, profile, edit)
        if isinstance(result, Response):
            yield Reply(result)
            return
        yield Effect(request.key)
        before, after = result
        made = before is None
        yield Reply(_shown(after, 201 if made else 200, {"Location": request.resource} if made else {}))

    def _delete(self, request: Request, now: float, profile: str) -> HandlerFlow:
        result = yield from self._change(request, profile, None)
        if isinstance(result, Response):
            yield Reply(result)
            return
        yield Effect(request.key)
        yield Reply(Response(204))


class LastWriteWins(_Profiles):
    """No preconditions: whoever writes last wins, and nobody is told.

    A PATCH is what an object-relational mapper makes of it: load the row, change a field, save the whole row.
    """

    def _change(self, request: Request, profile: str, edit: Edit | None) -> Change:
        before = self._read(profile)
        yield Step("read the profile")
        after = _applied(edit, before)
        if isinstance(after, Response):
            return after
        self._write(profile, after)
        yield Step("write the profile")
        return before, after


class CheckThenWrite(_Profiles):
    """If-Match is required and checked, and then the profile is written, whatever it has become by then."""

    def _change(self, request: Request, profile: str, edit: Edit | None) -> Change:
        before = self._read(profile)
        yield Step("read the profile")
        after = _allowed(request, edit, before, required=True)
        if isinstance(after, Response):
            return after
        self._write(profile, after)
        yield Step("write the profile")
        return before, after


class IfMatch(_Profiles):
    """The check and the write are one compare-and-set: if the profile has changed since the check, check again.

    *required*: a writer without If-Match gets a 428; False lets it through, and its change is still applied to what
    is there at that instant, so that two patches of different fields both survive.
    """

    def __init__(self, store: Store, *, required: bool = True) -> None:
        super().__init__(store)
        self.required = required

    def _change(self, request: Request, profile: str, edit: Edit | None) -> Change:
        while True:
            row = self.store.get(TABLE, profile)
            before = row or None
            yield Step("read the profile")
            after = _allowed(request, edit, before, required=self.required)
            if isinstance(after, Response):
                return after
            written = self.store.replace(TABLE, profile, row, _GONE if after is None else after)
            yield Step("write the profile if it is unchanged" if written else "find the profile changed")
            if written:
                return before, after


_GONE: dict[str, Any] = {}
"""The row of a profile that was deleted by compare-and-set: no profile is empty, and a store swaps rows only."""


def _allowed(request: Request, edit: Edit | None, present: Any, *, required: bool) -> Any:
    """What the profile becomes (None: nothing), or the response that refuses the change.

    A 404 comes before the preconditions, a patch that does not fit after them (RFC 9110 §13.2.1).
    """
    after = _applied(edit, present)
    if isinstance(after, Response) and after.status == 404:
        return after
    current = validators_of(present)
    return refusal(evaluate(request, current, required=required), current) or after


def _applied(edit: Edit | None, present: Any) -> Any:
    if edit is not None:
        return edit(present)
    return problem(404, "there is no such profile") if present is None else None


def _shown(profile: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    current = validators_of(profile)
    assert current is not None
    body = representation(profile)
    facts = {"Content-Type": JSON, "Content-Length": str(len(body)), **validator_headers(current)}
    return Response(status, headers={**facts, **(headers or {})}, body=body)


def _without_body(request: Request, response: Response) -> Response:
    """A HEAD gets the headers of the GET and nothing else."""
    return response if request.method != "HEAD" else attrs.evolve(response, body=b"")
