"""A service whose database is down, and a framework that tells the world about it.

What a driver writes into an exception is for the people who run the server: the statement, the host, the path, the
account.  `Talkative` puts it into the answer, as some frameworks do unless they are told not to; it is kept to be
broken.  `sim.policies.http.server_log.Guarded` puts it into the log and a `traceId` into the answer.
"""

from __future__ import annotations

from collections.abc import Iterable

from sim.flow import Handler, HandlerFlow, Reply, Step
from sim.http import Request, Response, json_response
from sim.policies.http.problem import problem
from sim.services.routes import Routes
from sim.store import Store

INTERNALS = ("SELECT", "users", "db-7.internal", "5432", "svc_profiles", "/srv/app/users.py")
"""Words of the exception that nobody outside has to know: a statement, a table, a host, a port, an account, a path."""

_TOLD = (
    "SELECT id, email FROM users WHERE id = 42 failed: could not connect to db-7.internal:5432 "
    "as svc_profiles (/srv/app/users.py:118)"
)


class FailingUsers:
    """GET /users/{user} over a store; the rows of users beyond the first three are on a database that is down."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._routes = Routes({"GET /users/{user}": self._get})

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve one request."""
        return self._routes(request, now)

    def _get(self, request: Request, now: float, user: str) -> HandlerFlow:
        if not user.isascii() or not user.isdigit():
            yield Reply(problem(404, "there is no such user"))
            return
        if len(user) > 1 or int(user) > 3:
            raise ConnectionError(_TOLD)
        row = self.store.get("users", user)
        yield Step("read the user")
        yield Reply(problem(404, "there is no such user") if row is None else json_response(row))


class Talkative:
    """A service whose unforeseen errors become a 500 with the exception's text.  Kept to be broken."""

    def __init__(self, service: Handler) -> None:
        self.service = service

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve *request*; its exception, if there is one, is the answer."""
        flow = self.service(request, now)
        answer: float | None = None
        while True:
            try:
                command = flow.send(answer)  # type: ignore[arg-type]
            except StopIteration:
                return
            except Exception as error:
                yield Reply(problem(500, f"{type(error).__name__}: {error}"))
                return
            answer = yield command

    def died(self, request: Request) -> None:
        """The process that served *request* is gone: the service's stores roll back."""
        told = getattr(self.service, "died", None)
        if told is not None:
            told(request)


def leaked(answer: Response, words: Iterable[str] = INTERNALS) -> tuple[str, ...]:
    """Which of the *words* stand in the answer's body, for everybody to read.

    >>> leaked(problem(500, "could not connect to db-7.internal:5432"))
    ('db-7.internal', '5432')
    """
    body = answer.body.decode(errors="replace")
    return tuple(word for word in words if word in body)
