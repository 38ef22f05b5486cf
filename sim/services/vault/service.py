"""The vault: documents, accounts, files and a search, with no protection of its own.

It asks the `Visit` for everything that keeps it safe: what the caller may do, how a statement is made, how text is
written into a page.  A visit comes with all of that off, and each layer (see `sim.services.vault.layers`) puts its part
on, so a layer that is taken away leaves a service that works as well as before and is open in one place.

Errors in a body come back all at once; every write goes with its audit row in one transaction or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from posixpath import normpath
from typing import Any, Protocol, TypeAlias

from sim.flow import Effect, HandlerFlow, Note, Reply, Step, Work
from sim.http import BODY_LIMIT, Request, Response, json_response, read_json
from sim.policies.http.problem import FieldError, problem
from sim.policies.http.validation import Members, Number, Text, field_errors, number_in
from sim.policies.security.authorisation import Facts, forbidden, hidden
from sim.policies.security.input_guard import NO_MARKUP, ONE_LINE, PROSE, contained, safe_name
from sim.services.routes import Routes
from sim.services.vault.audit_trail import AuditTrail
from sim.services.vault.passwords import is_password
from sim.services.vault.visit import Visit
from sim.store import Store, transaction

_NAME = ONE_LINE & NO_MARKUP
_YEAR = Number(low=1900, high=2100, whole=True, optional=True)
DOCUMENT = Members(
    {
        "title": Text(longest=80, format=_NAME),
        "text": Text(longest=10_000, format=PROSE),
        "year": _YEAR,
        "shared_with": Text(longest=40, format=_NAME, optional=True),
    }
)
"""A title has no use for markup; a text has: "if a < b" is a good sentence."""
ACCOUNT_CHANGE = Members({"email": Text(longest=100, format=_NAME)})
LOGIN = Members({"account": Text(longest=100, format=ONE_LINE), "password": Text(longest=100, format=ONE_LINE)})
SEARCH = Members({"q": Text(longest=100, format=ONE_LINE), "year": _YEAR})


class Search(Protocol):
    """A search for documents by words in their title, written in both ways (see `sim.live.search`)."""

    def add(self, ident: str, document: dict[str, Any]) -> None:
        """Make a document findable."""
        ...

    def find(self, owner: str, words: str, year: str | None) -> list[dict[str, Any]]:
        """Documents of *owner*, by a statement whose parameters are bound.  Raises: `ValueError`."""
        ...

    def find_pasted(self, owner: str, words: str, year: str | None) -> list[dict[str, Any]]:
        """The same by a statement that the words are pasted into.  Raises: `ValueError`."""
        ...


class Vault:
    """The service.  *issue*: makes the token of an account that has logged in.  *witness*: a store that is elsewhere.

    Notes that it yields: "guess checked", "guess right" and "guess refused", with the account and the address.
    """

    def __init__(
        self,
        store: Store,
        *,
        issue: Callable[[str, float], str],
        witness: Store,
        search: Search | None = None,
    ) -> None:
        self.store, self.witness, self.search, self._issue = store, witness, search, issue
        self._trail = AuditTrail(store, witness)
        self._routes = Routes(
            {
                "POST /sessions": self._log_in,
                "POST /documents": self._create,
                "GET /documents/{ident}": self._read,
                "GET /documents/{ident}/page": self._show,
                "PATCH /accounts/{name}": self._change_account,
                "GET /search": self._find,
                "GET /files/{name}": self._file,
                "GET /audit": self._audit,
                "GET /internal/config": self._config,
            }
        )

    def serve(self, visit: Visit, now: float) -> HandlerFlow:
        """Handle one visit, protected by what stands in it."""
        return self._routes(visit, now)

    def died(self, request: Request) -> None:
        """Roll back what the process that served *request* had not committed."""
        self.store.died(request)
        self.witness.died(request)

    def _log_in(self, visit: Visit, now: float) -> HandlerFlow:
        body = yield from _body(visit, LOGIN)
        if isinstance(body, Response):
            yield from self._answer(visit, now, body)
            return
        account, password = str(body.get("account")), str(body.get("password"))
        who = f"{account} from {visit.peer}"
        if visit.guesses is not None:
            verdict = visit.guesses.admit(account, visit.peer, now)
            if not verdict.allowed:
                yield Note("guess refused", who)
                wait = math.ceil(verdict.retry_after)
                yield from self._answer(visit, now, problem(429, "too many attempts to log in", retry_after=wait,
                                                            headers={"Retry-After": str(wait)}))  # fmt: skip
                return
        admitted = now
        known = self.store.get("accounts", account)
        yield Step("read the account")
        now = yield Work()
        yield Note("guess checked", who)
        # An unknown account costs the same work and gets the same answer.
        if not is_password(password, known):
            answer = problem(
                401, "account or password is not right", headers={"WWW-Authenticate": 'Bearer realm="api"'}
            )
            yield from self._answer(visit, now, answer)
            return
        if visit.guesses is not None:
            visit.guesses.succeeded(account, visit.peer, admitted)
        yield Note("guess right", who)
        yield from self._answer(visit, now, json_response({"token": self._issue(account, now)}, 201))

    def _create(self, visit: Visit, now: float) -> HandlerFlow:
        body = yield from _body(visit, DOCUMENT)
        if isinstance(body, Response):
            yield from self._answer(visit, now, body)
            return
        owner = "" if visit.caller is None else visit.caller.name
        refusal = yield from self._refusal(visit, "documents:write", {"owner": owner}, forbidden())
        if refusal is not None:
            yield from self._answer(visit, now, refusal)
            return
        now = yield Work()
        document = {**body, "owner": owner}
        tx = yield from transaction(self.store, visit.request)
        ident = str(tx.add("counters", "documents"))
        yield Step("count documents")
        tx.insert("documents", ident, document)
        yield Step("insert the document")
        yield from self._trail.commit(tx, visit, now, 201)
        yield Effect(visit.key)
        if self.search is not None:
            self.search.add(ident, document)
            yield Step("make it findable")
        yield Reply(json_response({"id": ident}, 201, {"Location": f"/documents/{ident}"}))

    def _read(self, visit: Visit, now: float, ident: str) -> HandlerFlow:
        document = self.store.get("documents", ident)
        yield Step("read the document")
        refusal = yield from self._refusal(visit, "documents:read", document, hidden())
        if refusal is None:
            yield Work()
        yield Reply(refusal or json_response({"id": ident, **document}))

    def _show(self, visit: Visit, now: float, ident: str) -> HandlerFlow:
        document = self.store.get("documents", ident)
        yield Step("read the document")
        refusal = yield from self._refusal(visit, "documents:read", document, hidden())
        if refusal is not None:
            yield Reply(refusal)
            return
        yield Work()
        title, text = (visit.encode(str(document.get(name, ""))) for name in ("title", "text"))
        page = f"<!doctype html><title>{title}</title><h1>{title}</h1><p>{text}</p>"
        yield Reply(Response(200, headers={"Content-Type": "text/html; charset=utf-8"}, body=page.encode()))

    def _change_account(self, visit: Visit, now: float, name: str) -> HandlerFlow:
        body = yield from _body(visit, ACCOUNT_CHANGE)
        if isinstance(body, Response):
            yield from self._answer(visit, now, body)
            return
        account = self.store.get("accounts", name)
        yield Step("read the account")
        owned = None if account is None else {"owner": name}
        refusal = yield from self._refusal(visit, "accounts:write", owned, hidden())
        if refusal is not None:
            yield from self._answer(visit, now, refusal)
            return
        now = yield Work()
        tx = yield from transaction(self.store, visit.request)
        account = tx.get("accounts", name)
        yield Step("read the account again")
        # Whatever comes in goes in: `ACCOUNT_CHANGE` is what keeps `role` out.
        tx.put("accounts", name, {**(account or {}), **body})
        yield Step("write the account")
        yield from self._trail.commit(tx, visit, now, 204)
        yield Effect(visit.key)
        yield Reply(Response(204))

    def _find(self, visit: Visit, now: float) -> HandlerFlow:
        if self.search is None:
            yield Reply(hidden())
            return
        query = visit.query
        # A query is text: its number is parsed before it is judged.
        asked = {name: number_in(value) if name == "year" else value for name, value in query.items()}
        if visit.checked and (errors := field_errors(SEARCH, asked)):
            yield _INVALID
            yield Reply(problem(400, "the query is not right", errors=errors))
            return
        owner = "" if visit.caller is None else visit.caller.name
        refusal = yield from self._refusal(visit, "documents:read", {"owner": owner}, forbidden())
        if refusal is not None:
            yield Reply(refusal)
            return
        yield Work()
        find = self.search.find if visit.bound else self.search.find_pasted
        try:
            found = find(owner, query.get("q", ""), query.get("year"))
        except ValueError as error:
            found, refusal = [], problem(400, str(error))
        yield Step("search")
        yield Reply(refusal or json_response({"documents": found}))

    def _file(self, visit: Visit, now: float, name: str) -> HandlerFlow:
        if visit.checked:
            wrong = safe_name(name)
            if wrong is not None or contained("public", name) is None:
                yield _INVALID
                yield Reply(problem(400, "the name is not right", errors=[FieldError("/name", str(wrong))]))
                return
        refusal = yield from self._refusal(visit, "files:read", {"public": True}, hidden())
        found = self.store.get("files", normpath(f"public/{name}"))
        yield Step("read the file")
        yield Work()
        if refusal is not None or found is None:
            yield Reply(hidden())
            return
        yield Reply(Response(200, headers={"Content-Type": "text/plain; charset=utf-8"}, body=str(found).encode()))

    def _audit(self, visit: Visit, now: float) -> HandlerFlow:
        refusal = yield from self._refusal(visit, "audit:read", {}, forbidden())
        if refusal is not None:
            yield Reply(refusal)
            return
        told = self.witness.get("witness", "log")
        yield Step("ask the witness")
        rows = [row for _, row in self.store.rows("audit")]
        yield Step("read the log")
        yield Work()
        witness = None if told is None else (told[0], told[1])
        findings = [] if visit.sealed is None else visit.sealed.findings(rows, witness)
        yield Reply(json_response({"rows": rows, "findings": findings}))

    def _config(self, visit: Visit, now: float) -> HandlerFlow:
        # Written for colleagues on the same network; nobody thought of asking who calls.
        yield Work()
        yield Reply(json_response({"database": "vault-db", "password": "not for everyone"}))

    def _refusal(self, visit: Visit, action: str, resource: Any, missing: Response) -> _Refused:
        """The answer to what the rules do not allow, or None; *missing* is the answer when there is no such thing."""
        if resource is None:
            return missing
        if visit.rules is None:
            return None
        if visit.caller is None:
            return forbidden("this needs a caller who is known")
        account = self.store.get("accounts", visit.caller.name)
        yield Step("read the caller's role")
        role = "" if account is None else account.get("role", "")
        subject = {"name": visit.caller.name, "role": role, "scopes": visit.caller.scopes}
        verdict = visit.rules.decide(Facts(subject=subject, action=action, resource=resource))
        if verdict.allowed:
            return None
        yield Note("refused", f"resource authorisation: {verdict.reason}")
        return missing

    def _answer(self, visit: Visit, now: float, answer: Response) -> HandlerFlow:
        """Answer a write that changed nothing; it stands in the log all the same."""
        if visit.sealed is not None:
            tx = yield from transaction(self.store, visit.request)
            yield from self._trail.commit(tx, visit, now, answer.status)
        yield Reply(answer)


_Refused: TypeAlias = Generator[Step | Note, float, Response | None]
_Body: TypeAlias = Generator[Note, float, dict[str, Any] | Response]
_INVALID = Note("refused", "input validation")


def _body(visit: Visit, members: Members) -> _Body:
    """The body's members, or the answer that says everything that is wrong with it."""
    media = (visit.header("Content-Type") or "").partition(";")[0].strip().lower()
    if visit.checked and media != "application/json":
        yield _INVALID
        return problem(415, "the body must be application/json")
    try:
        document = read_json(visit.body)
    except ValueError as error:
        return problem(413 if len(visit.body) > BODY_LIMIT else 400, str(error))
    errors = field_errors(members, document) if visit.checked else []
    if errors:
        yield _INVALID
        return problem(422, "the body has fields that are not right", errors=errors)
    return document if isinstance(document, dict) else problem(400, "the body must be a JSON object")
