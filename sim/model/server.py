"""The server: workers, a bounded queue, a service, and what a fault does to them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from sim.engine import NORMAL, Callbacks, Engine
from sim.errors import FlowError
from sim.flow import Effect, Handler, HandlerFlow, Reply, Step, Work
from sim.http import Request, Response
from sim.model.client import Attempt
from sim.outcome import Outcome
from sim.scenario import Server
from sim.streams import Streams
from sim.trace import ANSWER, APPLIED, ARRIVED, FINISHED, STARTED, LedgerEntry, Trace


class Service:
    """One server process, with its workers and its queue.

    The server does not know that a client has stopped waiting: it finishes what it has taken in.
    """

    def __init__(self, engine: Engine, trace: Trace, server: Server, streams: Streams) -> None:
        self.queue: deque[Attempt] = deque()
        self.busy = 0
        self.rejected = self.refused = self.replied = self.lost_in_crash = self.finished = self.effects = 0
        self.unreachable = 0  # how many faults keep clients from connecting just now
        self.slowdowns: list[Callable[[float], float]] = []
        self.reply: Callable[[Attempt, Outcome, float], None]
        self._engine, self._schedule = engine, engine.schedule
        self._cells, self._ledger = trace.attempts.cells, trace.ledger
        self._server, self._workers, self._room = server, server.workers, server.queue
        self._handler: Handler = server.make_handler()
        self._full = Outcome.answered(503, server.retry_after)
        self._draw_work, self._draw_failure = streams.keyed("service"), streams.keyed("failure")
        self._era = 0
        self._on_work_done: Callbacks = [self._work_done]

    def arrive(self, attempt: Attempt, now: float) -> None:
        """A request reaches the server: it is refused, served, queued or rejected."""
        self._cells[attempt.row + ARRIVED] = now
        if self.unreachable:
            self.refused += 1
            self.reply(attempt, Outcome.refused(), now)
        elif self.busy < self._workers:
            self._start(attempt, now)
        elif len(self.queue) < self._room:
            self.queue.append(attempt)
        else:
            self.rejected += 1
            self._cells[attempt.row + ANSWER] = 503
            self.reply(attempt, self._full, now)

    def crash(self) -> None:
        """The process dies: what it was serving or had queued is lost, and nobody is told."""
        self.lost_in_crash += self.busy + len(self.queue)
        self.queue.clear()
        self.busy = 0
        self._era += 1  # work that was under way belongs to an era that is over

    def _start(self, attempt: Attempt, now: float) -> None:
        self.busy += 1
        self._cells[attempt.row + STARTED] = now
        attempt.era = self._era
        failure = self._server.failure
        key = attempt.call.number, attempt.number, attempt.copy
        if failure and self._draw_failure(*key) < failure:
            attempt.flow = _failing()
        else:
            attempt.flow = self._handler(Request(key=str(attempt.call.number)), now)
        self._go_on(attempt, None, now)

    def _work_done(self, attempt: Attempt) -> None:
        if attempt.era == self._era:
            now = self._engine.now
            self._go_on(attempt, now, now)

    def _go_on(self, attempt: Attempt, answer: float | None, now: float) -> None:
        """Drive the handler until it asks for time or ends."""
        flow: HandlerFlow = attempt.flow
        row = attempt.row
        while True:
            try:
                command = flow.send(answer)  # type: ignore[arg-type]
            except StopIteration:
                break
            if command.__class__ is Work:
                attempt.callbacks = self._on_work_done
                self._schedule(attempt, NORMAL, self._seconds(attempt, command.seconds, now))
                return
            if command.__class__ is Reply:
                response: Response = command.response
                self._cells[row + ANSWER] = response.status
                self.replied += 1
                self.reply(attempt, Outcome.answered(response.status, response.retry_after), now)
            elif command.__class__ is Effect:
                self.effects += 1
                self._cells[row + APPLIED] = now
                key: str = command.key
                self._ledger.append(LedgerEntry(now, key, attempt.call.number, attempt.number, attempt.copy))
            elif command.__class__ is not Step:
                raise FlowError(
                    f"the service yielded {command!r}, which is none of Work, Step, Effect, Reply "
                    f"(call {attempt.call.number}, attempt {attempt.number}, t = {now:g} s)"
                )
            answer = now
        self._cells[row + FINISHED] = now
        self.finished += 1
        self.busy -= 1
        if self.queue:
            self._start(self.queue.pop() if self._server.lifo else self.queue.popleft(), now)

    def _seconds(self, attempt: Attempt, asked: float | None, now: float) -> float:
        """How long a piece of work takes: as asked or drawn, times the slow-downs, plus the price of company."""
        server = self._server
        if asked is None:
            # A handler's second piece of work must not repeat its first: the pieces share the copy's place in the key.
            u = self._draw_work(attempt.call.number, attempt.number, attempt.copy + 2 * attempt.pieces)
            asked = server.service.quantile(u)
            attempt.pieces += 1
        for slowdown in self.slowdowns:
            asked *= slowdown(now)
        return asked + server.slope * self.busy if server.slope else asked


def _failing() -> HandlerFlow:
    yield Work()
    yield Reply(Response(500))
