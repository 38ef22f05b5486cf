"""One request through a cache to a service behind it, with time standing still: who answered, and what was asked.

The smallest loop around `sim.policies.caching.cache.Cache`: look, ask the service if it must be, hand the answer in.
What a gateway adds (waiting, flying together, refreshing) is `sim.policies.caching.edge`.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from sim.flow import Handler, HandlerFlow, Reply
from sim.http import Request, Response
from sim.policies.caching.cache import Cache, Fresh, Stale
from sim.policies.caching.stored import conditioned, unconditional
from sim.services.alone import serve


@attrs.frozen(kw_only=True)
class Visit:
    """What came of one request.

    *response*: what the client got.  *asked*: what the service was asked, None when the cache knew.  *status*: what
    the service answered, None when it was not asked.
    """

    response: Response
    asked: Request | None = None
    status: int | None = None

    @property
    def how(self) -> str:
        """ "hit" was not asked for, "validated" was confirmed by a 304, "fetched" came in full."""
        return "hit" if self.asked is None else "validated" if self.status == 304 else "fetched"


def visit(cache: Cache, service: Handler, request: Request, now: float) -> Visit:
    """Serve *request* from *cache*, or from *service* through it.

    >>> cache, page = Cache(), Unchanging({"Cache-Control": "max-age=60", "ETag": '"v1"'})
    >>> [visit(cache, page, Request("GET", "/"), now).how for now in (0.0, 59.0, 60.0)]
    ['fetched', 'hit', 'validated']
    """
    found = cache.lookup(request, now)
    if isinstance(found, Fresh):
        cache.touch(request)
        return Visit(response=found.response)
    if not isinstance(found, Stale) and found.refusal is not None:
        return Visit(response=found.refusal)
    stored = found.stored if isinstance(found, Stale) else None
    forward = found.forward
    answer = serve(service, forward, now).response
    received = cache.receive(request, answer, requested_at=now, now=now, stored=stored)
    if received is None:  # a 304 about something else: once more, without conditions
        forward = unconditional(request)
        answer = serve(service, forward, now).response
        received = cache.receive(request, answer, requested_at=now, now=now) or answer
    return Visit(response=received, asked=forward, status=answer.status)


@attrs.frozen
class Unchanging:
    """A service that answers everybody with the same *headers* and a body, or with a 304 to who has it already.

    With *own* the body names the customer of the request's Authorization, as a page with a price of one's own does.
    """

    headers: Mapping[str, str]
    own: bool = False

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve one request."""
        name = request.header("Authorization") or "everybody"
        body = f"made for {name if self.own else 'everybody'}".encode()
        yield Reply(conditioned(request, Response(200, headers=self.headers, body=body)))


def asked(headers: Mapping[str, str], *, shared: bool, authorization: bool = False, times: int = 3) -> list[str]:
    """How each of *times* requests, a second apart, is answered by a cache in front of a page with these *headers*.

    *authorization*: each comes with credentials of its own.

    >>> asked({"Cache-Control": "private, max-age=60"}, shared=False)
    ['fetched', 'hit', 'hit']
    """
    cache, service = Cache(shared=shared), Unchanging(headers, own=authorization)
    found = []
    for number in range(times):
        own = {"Authorization": f"customer-{number}"} if authorization else {}
        found.append(visit(cache, service, Request("GET", "/page", str(number), own), float(number)).how)
    return found
