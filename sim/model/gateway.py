"""The gateway: limits first, then the cache, then the server, with a patience of its own.

It tells three failures apart: a server that refuses or dies under a request is a 502, one that takes too long is a
504, and the server's own 503 passes through.  Sources: RFC 9110 §15.6.3 to §15.6.5, RFC 6585 §4 for 429.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import attrs

from sim.engine import NORMAL, Callbacks, Engine, Timer
from sim.flow import check_method
from sim.http import Request, Response
from sim.model.client import Attempt, request_of
from sim.model.server import Service
from sim.outcome import CONNECTION_REFUSED, Outcome
from sim.policies.caching.edge import Forward, Serve
from sim.policies.fresh import fresh
from sim.policies.http.problem import problem
from sim.scenario import Gateway
from sim.trace import ANSWER, ARRIVED, Mark, Trace

REFRESH = 2
"""The copy number of a request that the gateway itself sends to renew its cache: no client waits for it."""


class Front:
    """One gateway in front of one server.

    What the conservation laws need to know: *turned_away* by the limiter, *held* back by it just now, *waiting* in the
    cache's hands just now, *served* without the server, *own* answers that no answer of the server stands behind, and
    answers of the server that were *absorbed* because nobody was waiting for them.
    """

    def __init__(self, engine: Engine, trace: Trace, gateway: Gateway, service: Service, rng: Random) -> None:
        self.turned_away = self.held = self.waiting = self.served = self.own = self.absorbed = 0
        self.reply: Callable[[Attempt, Outcome, float], None]
        self._engine, self._schedule = engine, engine.schedule
        self._table, self._cells, self._marks = trace.attempts, trace.attempts.cells, trace.marks
        self._gateway, self._service, self._rng = gateway, service, rng
        self._limiter, self._cache = _own(gateway.limiter), _own(gateway.cache)
        if self._limiter is not None:
            check_method(self._limiter, "decide", "request", "now")
        if self._cache is not None:
            check_method(self._cache, "ask", "request", "client", "now", "rng")
            check_method(self._cache, "answered", "number", "response", "now", "rng")
        self._upstream: dict[Attempt, int] = {}  # what the server has in hand, by the cache's number
        self._added: dict[Attempt, Mapping[str, str]] = {}  # headers for the answer
        self._on_expire: Callbacks = [self._expire]
        self._on_release: Callbacks = [self._release]
        self._on_forward: Callbacks = [self._forward_later]

    def arrive(self, attempt: Attempt, now: float) -> None:
        """A client's request reaches the gateway."""
        self._cells[attempt.row + ARRIVED] = now
        if self._limiter is None:
            self._admit(attempt, now)
            return
        decision = self._limiter.decide(request_of(attempt), now)
        if not decision.allowed:
            self.turned_away += 1
            self.own += 1
            self._send(attempt, self._gateway.refusal(decision, now), now)
            return
        if self._gateway.headers is not None:
            self._added[attempt] = self._gateway.headers(decision, now)
        delay = getattr(decision, "delay", 0.0)
        if delay > 0.0:
            self.held += 1
            self._schedule(Timer(self._on_release, attempt), NORMAL, delay)
        else:
            self._admit(attempt, now)

    def answered(self, attempt: Attempt, outcome: Outcome, now: float) -> None:
        """The server has answered, or refused the connection."""
        if attempt not in self._upstream:
            self.absorbed += 1  # the gateway had given up
            return
        self.absorbed += attempt.copy == REFRESH
        if outcome.status == CONNECTION_REFUSED:
            self._settle(attempt, _bad_gateway(), now)
        else:
            assert outcome.status is not None
            self._settle(attempt, outcome.response or Response(outcome.status, outcome.retry_after), now)

    def lost(self, attempt: Attempt, now: float) -> None:
        """The server died under a request, and the connection with it."""
        if attempt in self._upstream:
            self.own += attempt.copy != REFRESH
            self._settle(attempt, _bad_gateway(), now)

    def _expire(self, timer: Timer) -> None:
        attempt: Attempt = timer.subject
        if attempt in self._upstream:
            self.own += attempt.copy != REFRESH
            self._settle(attempt, problem(504, "the server behind the gateway took too long"), self._engine.now)

    def _release(self, timer: Timer) -> None:
        self.held -= 1
        self._admit(timer.subject, self._engine.now)

    def _admit(self, attempt: Attempt, now: float) -> None:
        if self._cache is None:
            self._forward(attempt, request_of(attempt), 0, now)
            return
        self.waiting += 1
        decision = self._cache.ask(request_of(attempt), attempt, now, self._rng)
        if isinstance(decision, Serve):
            self._serve(attempt, decision, now)
        elif isinstance(decision, Forward):
            self.waiting -= 1
            self._forward(attempt, decision.request, decision.number, now)

    def _settle(self, attempt: Attempt, response: Response, now: float) -> None:
        """A request that was upstream has come to its end there: tell the cache, and answer whom it names."""
        number = self._upstream.pop(attempt)
        if self._cache is None:
            self._send(attempt, response, now)
            return
        for client, decision in self._cache.answered(number, response, now, self._rng):
            if isinstance(decision, Serve):
                self._serve(client, decision, now)
            else:
                # Over the heap: a server that refuses at once would else be asked by each of them within the last.
                self._schedule(Timer(self._on_forward, (client, decision)), NORMAL, 0.0)

    def _serve(self, attempt: Attempt, decision: Serve, now: float) -> None:
        self._marks.append(Mark(now, f"cache: {decision.how}", f"call {attempt.call.number}", ""))
        if not attempt.forwarded:
            self.waiting -= 1
            self.served += 1
            self.own += 1
        self._send(attempt, decision.response, now)
        if decision.refresh is not None:
            self._refresh(attempt, decision.refresh, now)

    def _refresh(self, attempt: Attempt, forward: Forward, now: float) -> None:
        row = self._table.append(attempt.call.number, attempt.call.client, attempt.number, REFRESH, now)
        self._cells[row + ARRIVED] = now
        mine = Attempt(attempt.call, attempt.number, row)
        mine.copy = REFRESH
        self._forward(mine, forward.request, forward.number, now)

    def _forward_later(self, timer: Timer) -> None:
        attempt, forward = timer.subject
        self.waiting -= 1
        self._forward(attempt, forward.request, forward.number, self._engine.now)

    def _forward(self, attempt: Attempt, request: Request, number: int, now: float) -> None:
        assert not attempt.forwarded, "a cache forwards a request once"
        attempt.forwarded = True
        attempt.request = request
        self._upstream[attempt] = number
        if self._gateway.upstream_timeout < _FOREVER:
            self._schedule(Timer(self._on_expire, attempt), NORMAL, self._gateway.upstream_timeout)
        self._service.take(attempt, now)

    def _send(self, attempt: Attempt, response: Response, now: float) -> None:
        added = self._added.pop(attempt, None)
        if added:
            response = attrs.evolve(response, headers={**response.headers, **added})
        self._cells[attempt.row + ANSWER] = response.status
        self.reply(attempt, Outcome.of(response, now=now), now)


_FOREVER = float("inf")


def _own(part: Any) -> Any:
    """A limiter or a cache of this run's own: copied with new state, or made by the function that was handed in."""
    works = hasattr(part, "decide") or hasattr(part, "ask")
    return part() if callable(part) and (isinstance(part, type) or not works) else fresh(part)


def _bad_gateway() -> Response:
    return problem(502, "the server behind the gateway cannot be reached")
