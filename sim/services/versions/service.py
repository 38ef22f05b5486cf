"""One users API in three versions over one store: it stores the newest shape, and transforms on the way in and out.

The mistakes that a cache in front turns into wrong answers are switches.  *vary* off: the header that chose the version
is not named, and one version is handed to everybody.  `one_etag`: every version of a user has the same tag, and a
client that changes its version is told "not modified" and keeps the old shape.  A URI that names the version needs
neither.  Left out: PUT, which would let an old client delete what its version cannot express.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import attrs

from sim.flow import Effect, HandlerFlow, Reply, Step, Work
from sim.http import BODY_LIMIT, Request, Response, json_body, json_response, read_json
from sim.policies.http.conditional import ETag, Validators, Verdict, etag_of, evaluate, not_modified
from sim.policies.http.problem import problem
from sim.policies.versions.deprecation import Retirement
from sim.policies.versions.payloads import Chain, Transformer
from sim.policies.versions.shapes import Reader, Shape
from sim.policies.versions.versioning import Unknown, VersionSelector, version_refusal
from sim.services.answers import rewritten
from sim.services.routes import Routes
from sim.store import Store

TABLE = "users"
VERSIONS = ("1", "2", "3")

_TEXT: Shape = {"type": "string"}
_PLAN: Shape = {"type": "string", "enum": ["free", "pro"]}
_NAME: Shape = {"type": "object", "properties": {"first": _TEXT, "last": _TEXT}, "required": ["first", "last"]}
_EMAILS: Shape = {"type": "array", "items": _TEXT}


def _shape(**members: Shape) -> Shape:
    return {"type": "object", "properties": {"id": _TEXT, **members}, "required": list(members)}


SHAPES: Mapping[str, Shape] = {
    "1": _shape(name=_TEXT, email=_TEXT),
    "2": _shape(first_name=_TEXT, last_name=_TEXT, email=_TEXT, plan=_PLAN),
    "3": _shape(name=_NAME, emails=_EMAILS, plan=_PLAN),
}
"""What a user looks like in each version; `id` is given by the server."""


def _down_to_1(user: dict[str, Any]) -> dict[str, Any]:
    name = f"{user['first_name']} {user['last_name']}".strip()
    return {**_id(user), "name": name, "email": user["email"]}


def _up_from_1(user: dict[str, Any]) -> dict[str, Any]:
    first, _, last = user["name"].partition(" ")
    return {**_id(user), "first_name": first, "last_name": last, "email": user["email"], "plan": "free"}


def _down_to_2(user: dict[str, Any]) -> dict[str, Any]:
    first, last = user["name"]["first"], user["name"]["last"]
    email = user["emails"][0] if user["emails"] else ""
    return {**_id(user), "first_name": first, "last_name": last, "email": email, "plan": user["plan"]}


def _up_from_2(user: dict[str, Any]) -> dict[str, Any]:
    name = {"first": user["first_name"], "last": user["last_name"]}
    return {**_id(user), "name": name, "emails": [user["email"]], "plan": user["plan"]}


def _id(user: dict[str, Any]) -> dict[str, Any]:
    return {"id": user["id"]} if "id" in user else {}


CHAIN = Chain(
    [
        Transformer(older="1", newer="2", down=_down_to_1, up=_up_from_1, why="the name has two parts, and a plan"),
        Transformer(older="2", newer="3", down=_down_to_2, up=_up_from_2, why="a name is an object, e-mails are many"),
    ]
)

Tags: TypeAlias = Callable[[dict[str, Any], bytes, str], ETag]
"""The ETag of a user: from the stored document, the body in the asked version, and the version."""


def own_etag(user: dict[str, Any], body: bytes, version: str) -> ETag:
    """Each version has a tag of its own: a tag names a representation, not a row.  RFC 9110 §8.8.3."""
    return etag_of(body, variant=version)


def one_etag(user: dict[str, Any], body: bytes, version: str) -> ETag:
    """One tag for the row in all versions.  Kept to be broken."""
    return etag_of(json_body(user))


class VersionedUsers:
    """The users API; *selector* says where a request names its version.

    *max_age*: seconds for which a cache may reuse an answer.  *vary*, *tags*: see the module.  *retirements*: by
    version, how it ends.
    """

    def __init__(
        self,
        store: Store,
        selector: VersionSelector,
        *,
        max_age: int = 60,
        vary: bool = True,
        tags: Tags = own_etag,
        retirements: Mapping[str, Retirement] | None = None,
    ) -> None:
        self.store = store
        self.selector = selector
        self.max_age = max_age
        self.vary = vary
        self.tags = tags
        self.retirements = retirements or {}
        self._routes = {
            version: Routes(
                {
                    "GET /users/{user}": partial(self._get, version),
                    "POST /users": partial(self._post, version),
                }
            )
            for version in VERSIONS
        }

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve one request in the version that it asks for."""
        yield Work()
        selected = self.selector.select(request)
        if isinstance(selected, Unknown):
            yield Reply(self._varied(version_refusal(selected, self.selector)))
            return
        retirement = self.retirements.get(selected.version)
        refused = None if retirement is None else retirement.refuse(now)
        marks = {**self.selector.mark(selected), **({} if retirement is None else retirement.headers())}

        def marked(response: Response) -> Response:
            # A problem document keeps its own media type, and a 304 has none.
            kept = {name: marks[name] for name in marks if name != "Content-Type" or response.status < 300}
            return self._varied(attrs.evolve(response, headers={**response.headers, **kept}))

        if refused is not None:
            yield Reply(marked(refused))
            return
        yield from rewritten(self._routes[selected.version](selected.request, now), marked)

    def _varied(self, response: Response) -> Response:
        if self.vary:
            return response
        return attrs.evolve(response, headers={k: v for k, v in response.headers.items() if k.lower() != "vary"})

    def _get(self, version: str, request: Request, now: float, user: str) -> HandlerFlow:
        found = self.store.get(TABLE, user)
        yield Step("read the user")
        if found is None:
            yield Reply(problem(404, "there is no such user"))
            return
        shown = json_response(CHAIN.down(found, to=version))
        etag = self.tags(found, shown.body, version)
        headers = {**shown.headers, "ETag": str(etag), "Cache-Control": f"max-age={self.max_age}"}
        full = attrs.evolve(shown, headers=headers)
        unchanged = evaluate(request, Validators(etag)) is Verdict.NOT_MODIFIED
        yield Reply(not_modified(full) if unchanged else full)

    def _post(self, version: str, request: Request, now: float) -> HandlerFlow:
        wanted = _read_user(request, version)
        if isinstance(wanted, Response):
            yield Reply(wanted)
            return
        number = self.store.add("counters", TABLE)
        yield Step("take a number")
        user = {**CHAIN.up(wanted, of=version), "id": str(number)}
        self.store.insert(TABLE, str(number), user)
        yield Effect(f"user {number}")
        yield Step("insert the user")
        # Relative to the request's own URI, so that it stays in the version of a path: /v2/users leads to /v2/users/7.
        yield Reply(json_response(CHAIN.down(user, to=version), 201, {"Location": f"users/{number}"}))


def _read_user(request: Request, version: str) -> dict[str, Any] | Response:
    """The user in the body, in the shape of *version*, or the refusal with every wrong member at once."""
    if len(request.body) > BODY_LIMIT:
        return problem(413, f"the body must be at most {BODY_LIMIT:,} bytes")
    try:
        wanted = read_json(request.body)
    except ValueError as error:
        return problem(400, str(error))
    errors = Reader(SHAPES[version]).errors(wanted)
    if errors:
        return problem(422, f"it is not a user of version {version}", errors=errors)
    known = SHAPES[version]["properties"]
    return {name: value for name, value in wanted.items() if name in known and name != "id"}
