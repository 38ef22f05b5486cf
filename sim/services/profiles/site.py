"""A site whose pages link to each other, and the machines that follow links: a crawler, and a browser that prefetches.

They send GET because GET is safe: it asks for nothing to be changed, so nobody has to ask before it is sent
(RFC 9110 §9.2.1).  A site that removes something on GET has promised otherwise.
"""

from __future__ import annotations

import enum
from collections import deque
from random import Random

import attrs

from sim.flow import CallFlow, Effect, HandlerFlow, Reply, Send, Step, Wait
from sim.http import Request, Response, json_response
from sim.knobs import knob
from sim.outcome import Outcome
from sim.policies.http.problem import problem
from sim.services.profiles.designs import TABLE
from sim.services.routes import Endpoint, Routes
from sim.store import Store


class Removal(enum.Enum):
    """How a profile is removed."""

    GET = "by following a link"
    CONFIRMED_GET = "by following a link to a page with a second link, 'yes, remove it'"
    DELETE = "by DELETE"


class Site:
    """Pages of profiles, as JSON with links: /profiles lists them, /profiles/{profile} shows one.

    *removal*: how one is removed; the first two are kept to be broken.
    """

    def __init__(self, store: Store, removal: Removal = Removal.DELETE) -> None:
        self.store = store
        self.removal = removal
        routes: dict[str, Endpoint] = {"GET /profiles": self._list, "GET /profiles/{profile}": self._show}
        if removal is Removal.DELETE:
            routes["DELETE /profiles/{profile}"] = self._remove
        else:
            routes["GET /profiles/{profile}/removal"] = self._remove
        if removal is Removal.CONFIRMED_GET:
            routes["GET /profiles/{profile}/removal"] = self._ask
            routes["GET /profiles/{profile}/removal/yes"] = self._remove
        self._routes = Routes(routes)

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve one request."""
        return self._routes(request, now)

    def _list(self, request: Request, now: float) -> HandlerFlow:
        rows = self.store.rows(TABLE)
        yield Step("read all profiles")
        yield Reply(_page([f"/profiles/{name}" for name, _ in rows]))

    def _show(self, request: Request, now: float, profile: str) -> HandlerFlow:
        present = self.store.get(TABLE, profile)
        yield Step("read the profile")
        if present is None:
            yield Reply(problem(404, "there is no such profile"))
            return
        here = f"/profiles/{profile}"
        yield Reply(_page(["/profiles", here if self.removal is Removal.DELETE else f"{here}/removal"]))

    def _ask(self, request: Request, now: float, profile: str) -> HandlerFlow:
        yield Reply(_page([f"/profiles/{profile}", f"/profiles/{profile}/removal/yes"]))

    def _remove(self, request: Request, now: float, profile: str) -> HandlerFlow:
        removed = self.store.delete(TABLE, profile)
        yield Step("remove the profile")
        if not removed:
            yield Reply(problem(404, "there is no such profile"))
            return
        yield Effect(f"{profile} removed")
        yield Reply(Response(204))


@attrs.frozen(kw_only=True)
class Surfer:
    """Somebody who opens one page, or a crawler that starts there.

    What the request's `Follows` header says is how deep the links are followed: 0 is a person who reads one page, 1 a
    browser that prefetches what the page links to, more is a crawler.  *pause*: seconds between two requests.
    *pages*: most pages of one visit.
    """

    pause: float = knob(0.1, low=0, unit="s", help="between two requests of one visit")
    pages: int = knob(1_000, kind=int, low=1, high=100_000, unit="pages", help="most pages of one visit")

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """One visit: it is ok when its first page was."""
        depth = int(request.header("Follows") or 0)
        known, waiting = {request.path}, deque([(request.path, 0)])
        first: Outcome | None = None
        fetched = 0
        while waiting and fetched < self.pages:
            path, deep = waiting.popleft()
            if fetched:
                yield Wait(self.pause)
            fetched += 1
            answer: tuple[float, Outcome] = yield Send(fetched, attrs.evolve(request, path=path))
            first = first or answer[1]
            if deep < depth:
                fresh = [link for link in _links(answer[1]) if link not in known]
                known |= set(fresh)
                waiting += [(link, deep + 1) for link in fresh]
        assert first is not None
        return first


def _page(links: list[str]) -> Response:
    return json_response({"links": links})


def _links(outcome: Outcome) -> list[str]:
    """The links of a page; [] when it has none, or is none."""
    links: list[str] = (outcome.document() or {}).get("links", [])
    return links
