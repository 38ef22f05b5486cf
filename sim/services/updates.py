"""Hearing of an update: five ways, on one workload.  Poll, long poll, stream (SSE), socket, webhook.

Every user has updates of its own at random instants, which both sides draw from the same number, so that all five ways
are compared on the very same updates.  Whoever learns of an update notes it (`HEARD`) with its instant.

One attempt of the model has one answer, so a stream is one attempt that is held open; what is pushed down it is noted
at the instant at which the user has it, *one way* after the update.
"""

from __future__ import annotations

import bisect
import math
from random import Random
from typing import Any

import attrs

from sim.flow import CallFlow, HandlerFlow, Note, Reply, Send, Wait, Work
from sim.http import Request, Response, json_response
from sim.knobs import knob
from sim.outcome import Outcome

HEARD, HAPPENED, PUSHED = "heard", "happened", "pushed"


def ask_for_updates(user: int, u: float, *, rate: float, until: float) -> Request:
    """The request that a user begins with: it carries what its updates are drawn from.

    *u*: the user's own number on 0..1.  *rate*: updates a second.  *until*: seconds, the last instant.
    """
    return Request("GET", "/updates", str(user), {"X-Draw": repr(u), "X-Rate": repr(rate), "X-Until": repr(until)})


def instants_of(request: Request) -> list[float]:
    """When the user of *request* has updates: a Poisson process."""
    rng, rate, until = Random(request.headers["X-Draw"]), float(request.headers["X-Rate"]), _until(request)
    instants: list[float] = []
    now = 0.0
    while True:
        now += -math.log1p(-rng.random()) / rate
        if now >= until:
            return instants
        instants.append(now)


def _until(request: Request) -> float:
    return float(request.headers["X-Until"])


def _heard(request: Request, instant: float) -> Note:
    return Note(HEARD, f"{request.key} {instant!r}")


class Mailbox:
    """The server of the four ways in which the user calls, and the user's receiver in the fifth.

    `GET /updates?since=N` answers at once with how many updates there are; with `&hold=S` it waits up to S seconds for
    one more.  `GET /stream?since=N` pushes them as they come until *lifetime* is over or the connection breaks.
    `POST /hook` is the user's receiver.  *one_way*: seconds that a push takes.
    """

    def __init__(self, *, one_way: float) -> None:
        self.one_way = one_way
        self._instants: dict[str, list[float]] = {}
        self._received: set[tuple[str, str]] = set()

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve *request*."""
        if request.resource == "/hook":
            return self._hook(request)
        if request.resource == "/stream":
            return self._stream(request, now)
        return self._updates(request, now)

    def _of(self, request: Request) -> list[float]:
        found = self._instants.get(request.key)
        if found is None:
            found = self._instants[request.key] = instants_of(request)
        return found

    def _updates(self, request: Request, now: float) -> HandlerFlow:
        instants, since = self._of(request), int(request.query.get("since", 0))
        hold = float(request.query.get("hold", 0))
        count = bisect.bisect_right(instants, now)
        if count <= since and hold > 0.0:
            following = instants[since] if since < len(instants) else math.inf
            now = yield Work(max(0.0, min(following - now, hold, _until(request) - now)))
            count = bisect.bisect_right(instants, now)
        yield Reply(json_response({"count": count}) if count > since else Response(204))

    def _stream(self, request: Request, now: float) -> HandlerFlow:
        instants, sent = self._of(request), int(request.query["since"])
        breaks = now + float(request.query["lifetime"])
        for instant in instants[sent:]:
            arrives = max(instant, now) + self.one_way if instant <= now else instant + self.one_way
            if arrives >= breaks:
                break
            if arrives > now:
                now = yield Work(arrives - now)
            yield _heard(request, instant)
            yield Note(PUSHED, request.key)
            sent += 1
        if breaks > now:
            yield Work(breaks - now)
        yield Reply(json_response({"count": sent}))

    def _hook(self, request: Request) -> HandlerFlow:
        instant = request.headers["X-Instant"]
        if (request.key, instant) not in self._received:
            self._received.add((request.key, instant))
            yield _heard(request, float(instant))
        yield Reply(Response(200))


def _with(request: Request, path: str, **more: str) -> Request:
    return attrs.evolve(request, path=path, headers={**request.headers, **more})


@attrs.frozen(kw_only=True)
class Poll:
    """Ask every *every* seconds whether there is something new."""

    every: float = knob(5.0, above=0, high=86_400, unit="s", help="time between two polls")
    timeout = 10.0

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """Begin somewhere in the first period, and ask until the end."""
        return _ask(request, now, first=rng.random() * self.every, every=self.every, hold=0.0)


@attrs.frozen(kw_only=True)
class LongPoll:
    """Ask, and let the server hold the answer back until there is something new, at most *hold* seconds."""

    hold: float = knob(30.0, above=0, high=3_600, unit="s", help="the longest wait of the server")

    @property
    def timeout(self) -> float:
        """A little longer than the server may hold the answer back."""
        return self.hold + 10.0

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """Ask again as soon as there is an answer."""
        return _ask(request, now, first=0.0, every=0.0, hold=self.hold)


def _ask(request: Request, now: float, *, first: float, every: float, hold: float) -> CallFlow:
    instants, until, known = instants_of(request), _until(request), 0
    outcome: Outcome = Outcome.answered(204)
    yield Note(HAPPENED, str(len(instants)))
    if first:
        now = yield Wait(first)
    attempt = 0
    while attempt == 0 or now < until:
        attempt += 1
        query = f"/updates?since={known}" + (f"&hold={hold}" if hold else "")
        now, outcome = yield Send(attempt, _with(request, query))
        count = _count(outcome)
        for instant in instants[known:count]:
            yield _heard(request, instant)
        known = max(known, count)
        if now < until and (every or not outcome.ok):
            now = yield Wait(every or 1.0)
    # One last look, so that an update of the last moments is heard too.
    while True:
        attempt += 1
        now, outcome = yield Send(attempt, _with(request, f"/updates?since={known}"))
        if outcome.ok:
            break
        now = yield Wait(1.0)
    for instant in instants[known : _count(outcome)]:
        yield _heard(request, instant)
    return outcome


def _count(outcome: Outcome) -> int:
    document = outcome.document()
    return int(document["count"]) if document else 0


@attrs.frozen(kw_only=True)
class Stream:
    """Hold one connection open and take what is pushed down it; when it breaks, come back with what was seen last.

    Server-sent events do so with `Last-Event-ID` (HTML standard, "Server-sent events").  *lifetime*: seconds that a
    connection lasts on average; inf never breaks.  *reconnect*: seconds until it is opened again.  *two_way*: a
    WebSocket: the user acknowledges each push up the same connection.
    """

    lifetime: float = knob(600.0, above=0, infinite=True, unit="s", help="how long a connection lasts on average")
    reconnect: float = knob(2.0, low=0, high=3_600, unit="s", help="until it is opened again")
    two_way: bool = knob(False, kind=bool, help="each push is acknowledged up the same connection")
    timeout = math.inf
    lossless = True  # what is lost on a connection, TCP sends again

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """Open, hold, and open again until the end."""
        instants, until, known, attempt = instants_of(request), _until(request), 0, 0
        outcome = Outcome.answered(200)
        yield Note(HAPPENED, str(len(instants)))
        while attempt == 0 or now < until or known < len(instants):
            attempt += 1
            lasts = -math.log1p(-rng.random()) * self.lifetime if self.lifetime < math.inf else until
            lasts = max(min(lasts, until - now), 1.0)
            now, outcome = yield Send(attempt, _with(request, f"/stream?since={known}&lifetime={lasts!r}"))
            heard = _count(outcome)
            if self.two_way:
                for _ in range(heard - known):
                    yield Note(PUSHED, request.key)
            known = max(known, heard)
            if now < until or known < len(instants):
                now = yield Wait(self.reconnect)
        return outcome


@attrs.frozen(kw_only=True)
class Hook:
    """The other way round: the platform calls the user for each update, and again after *again* seconds if need be."""

    again: float = knob(30.0, above=0, high=86_400, unit="s", help="until the next attempt")
    timeout = 5.0

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """Wait for the next update, send it, go on when it is acknowledged."""
        instants = instants_of(request)
        outcome = Outcome.answered(200)
        yield Note(HAPPENED, str(len(instants)))
        attempt = 0
        for instant in instants:
            if instant > now:
                now = yield Wait(instant - now)
            while True:
                attempt += 1
                now, outcome = yield Send(attempt, _with(request, "/hook", **{"X-Instant": repr(instant)}))
                if outcome.ok:
                    break
                now = yield Wait(self.again)
        return outcome


WAYS: dict[str, Any] = {
    "polling": Poll(),
    "long-polling": LongPoll(),
    "sse": Stream(),
    "websocket": Stream(two_way=True),
    "webhook": Hook(),
}
