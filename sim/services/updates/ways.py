"""Who calls: four ways in which a user asks for its updates, and the one in which it is told."""

from __future__ import annotations

import math
from random import Random

import attrs

from sim.flow import CallFlow, Note, Send, Wait
from sim.http import Request
from sim.knobs import knob
from sim.outcome import Outcome
from sim.services.updates.plan import HAPPENED, heard, instants_of, until_of


@attrs.frozen(kw_only=True)
class Poll:
    """Ask every *every* seconds whether there is something new; while an answer is out, no other question."""

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
    instants, until, known = instants_of(request), until_of(request), 0
    outcome: Outcome = Outcome.answered(204)
    yield Note(HAPPENED, str(len(instants)))
    if first:
        now = yield Wait(first)
    attempt, due = 0, now
    while attempt == 0 or now < until:
        attempt += 1
        query = f"/updates?since={known}" + (f"&hold={hold}" if hold else "")
        now, outcome = yield Send(attempt, attrs.evolve(request, path=query))
        count = _count(outcome)
        for instant in instants[known:count]:
            yield heard(request, instant)
        known = max(known, count)
        if now < until and every:  # by the clock: what the answer took is no part of the period
            due += every * max(1, math.ceil((now - due) / every))
            now = yield Wait(max(0.0, due - now))
        elif now < until and not outcome.ok:
            now = yield Wait(1.0)
    # One last look, so that an update of the last moments is heard too.
    while True:
        attempt += 1
        now, outcome = yield Send(attempt, attrs.evolve(request, path=f"/updates?since={known}"))
        if outcome.ok:
            break
        now = yield Wait(1.0)
    for instant in instants[known : _count(outcome)]:
        yield heard(request, instant)
    return outcome


def _count(outcome: Outcome) -> int:
    document = outcome.document()
    return int(document["count"]) if document and outcome.ok else 0


@attrs.frozen(kw_only=True)
class Stream:
    """Hold one connection open and take what is pushed down it; when it breaks, come back after *reconnect* seconds.

    Server-sent events: the user says in `Last-Event-ID` what it had last, unless it does not *resume*: then it hears
    of nothing that came in between.  *two_way*: a WebSocket, which knows no such header: the user acknowledges each
    push, and the server remembers.  *lifetime*: seconds that a connection lasts on average; inf never breaks.
    """

    lifetime: float = knob(600.0, above=0, infinite=True, unit="s", help="how long a connection lasts on average")
    reconnect: float = knob(2.0, low=0, high=3_600, unit="s", help="until it is opened again")
    two_way: bool = knob(False, kind=bool, help="each push is acknowledged up the same connection")
    resume: bool = knob(True, kind=bool, help="says what it had last when it comes back")
    timeout = math.inf
    lossless = True  # what is lost on a connection, TCP sends again

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """Open, hold, and open again until the end."""
        instants, until, known, attempt = instants_of(request), until_of(request), 0, 0
        outcome = Outcome.answered(200)
        yield Note(HAPPENED, str(len(instants)))
        while attempt == 0 or now < until or known < len(instants):
            attempt += 1
            lasts = -math.log1p(-rng.random()) * self.lifetime if self.lifetime < math.inf else math.inf
            now, outcome = yield Send(attempt, self._opening(request, known, lasts))
            known = max(known, _count(outcome))
            if now < until or known < len(instants):
                now = yield Wait(self.reconnect)
        return outcome

    def _opening(self, request: Request, known: int, lasts: float) -> Request:
        headers = {**request.headers, "X-Lifetime": repr(lasts)}
        if self.resume and not self.two_way:
            headers["Last-Event-ID"] = str(known)
        return attrs.evolve(request, path="/socket" if self.two_way else "/stream", headers=headers)


@attrs.frozen(kw_only=True)
class Hook:
    """The other way round: the platform calls the user for each update, and after *again* seconds once more.

    One update of a user at a time, in order: what is not acknowledged holds up the next.
    """

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
            webhook = attrs.evolve(
                request, method="POST", path="/hook", headers={**request.headers, "X-Instant": repr(instant)}
            )
            while True:
                attempt += 1
                now, outcome = yield Send(attempt, webhook)
                if outcome.ok:
                    break
                now = yield Wait(self.again)
        return outcome
