"""The server: workers, a bounded queue, a service, and what a fault does to them.

A service's `Step` takes `store_delay`, during which other requests go on.  One that waits for a lock keeps its worker
and goes on when the lock is free.  When the process dies, all requests in it are lost, and the service is told of
each, so that its stores roll back what was not committed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from sim.engine import NORMAL, Callbacks, Engine, Timer
from sim.errors import FlowError
from sim.flow import Effect, Handler, HandlerFlow, Note, Reply, Step, Work, is_wait
from sim.http import Response
from sim.laws import Constant
from sim.model.client import Attempt, request_of
from sim.outcome import Outcome
from sim.scenario import Server
from sim.streams import Streams
from sim.trace import ANSWER, APPLIED, ARRIVED, FINISHED, STARTED, LedgerEntry, Mark, Trace


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
        self.releases: list[Response] = []  # what bad releases answer, the newest last
        self.reply: Callable[[Attempt, Outcome, float], None]
        self.tracks = False  # whether anything can end a request before its time, so that they must be known
        self.lost: Callable[[Attempt, float], None] | None = None  # who is told of a request that a crash ended
        self.strikes: Callable[[Attempt, str], bool] | None = None  # whether the process dies right after this step
        self._engine, self._schedule = engine, engine.schedule
        self._cells, self._ledger, self._marks = trace.attempts.cells, trace.ledger, trace.marks
        self._server, self._workers, self._room = server, server.workers, server.queue
        self._handler: Handler = server.make_handler()
        self._full = Outcome.answered(503, server.retry_after)
        self._draw_work, self._draw_failure = streams.keyed("service"), streams.keyed("failure")
        self._draw_store = streams.keyed("store")
        self._steps_take_time = server.store_delay != Constant(0.0)
        self._era = 0
        self._serving: dict[Attempt, None] = {}
        self._waiting: dict[Callable[[], bool], deque[Attempt]] = {}  # by what they wait for
        self._looking = False
        self._dead: list[HandlerFlow] = []
        self._on_work_done: Callbacks = [self._work_done]
        self._on_free: Callbacks = [self._lock_is_free]

    def arrive(self, attempt: Attempt, now: float) -> None:
        """A request reaches the server: it is refused, served, queued or rejected."""
        self._cells[attempt.row + ARRIVED] = now
        self.take(attempt, now)

    def take(self, attempt: Attempt, now: float) -> None:
        """The same for a request that has reached the gateway before."""
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

    @property
    def serving(self) -> tuple[Attempt, ...]:
        """What it works on just now; known only while it `tracks`."""
        return tuple(self._serving)

    def crash(self) -> None:
        """The process dies: what it was serving or had queued is lost, and no client is told."""
        lost = [*self._serving, *self.queue]
        self.lost_in_crash += self.busy + len(self.queue)
        self.queue.clear()
        self.busy = 0
        self._era += 1  # work that was under way belongs to an era that is over
        died = getattr(self._handler, "died", None)
        for attempt in self._serving:
            # A process that dies runs no `finally` block, so its flows must outlive the run.
            self._dead.append(attempt.flow)
            if died is not None:
                died(request_of(attempt))
        self._serving.clear()
        self._waiting.clear()
        if self.lost is not None:
            for attempt in lost:
                self.lost(attempt, self._engine.now)

    def _start(self, attempt: Attempt, now: float) -> None:
        self.busy += 1
        if self.tracks:
            self._serving[attempt] = None
        self._cells[attempt.row + STARTED] = now
        attempt.era = self._era
        failure = self._server.failure
        key = attempt.call.number, attempt.number, attempt.copy
        if failure and self._draw_failure(*key) < failure:
            attempt.flow = _answering(_ERROR)
        elif self.releases:
            attempt.flow = _answering(self.releases[-1])
        else:
            if attempt.request is None:
                attempt.request = request_of(attempt)  # one object, by which a store knows its process
            attempt.flow = self._handler(attempt.request, now)
        self._go_on(attempt, None, now)

    def _work_done(self, attempt: Attempt) -> None:
        if attempt.era == self._era:
            now = self._engine.now
            self._go_on(attempt, now, now)

    def _go_on(self, attempt: Attempt, answer: float | None, now: float) -> None:
        """Drive the handler until it asks for time, waits for a lock, dies or ends."""
        flow: HandlerFlow = attempt.flow
        row = attempt.row
        while True:
            try:
                command = flow.send(answer)  # type: ignore[arg-type]
            except StopIteration:
                break
            if command.__class__ is Work:
                self._pause(attempt, self._seconds(attempt, command.seconds, now))
                return
            if command.__class__ is Reply:
                response: Response = command.response
                self._cells[row + ANSWER] = response.status
                self.replied += 1
                if response.headers or response.body:
                    outcome = Outcome.of(response, now=now)
                else:
                    outcome = Outcome.answered(response.status, response.retry_after)
                self.reply(attempt, outcome, now)
                if attempt.era != self._era:
                    return  # the answer made the gateway renew its cache, and that killed the process
            elif command.__class__ is Effect:
                self.effects += 1
                self._cells[row + APPLIED] = now
                key: str = command.key
                self._ledger.append(LedgerEntry(now, key, attempt.call.number, attempt.number, attempt.copy))
                if self.strikes is not None and self.strikes(attempt, "effect"):
                    return
            elif command.__class__ is Step:
                if self.strikes is not None and self.strikes(attempt, command.name):
                    return
                if command.when is not None and not command.when():
                    self._waiting.setdefault(command.when, deque()).append(attempt)
                    self._wake_one()
                    return
                if self._steps_take_time:
                    self._pause(attempt, self._store_seconds(attempt))
                    return
            elif command.__class__ is Note:
                self._marks.append(Mark(now, command.kind, f"call {attempt.call.number}", command.text))
            else:
                raise FlowError(
                    f"the service yielded {command!r}, which is none of Work, Step, Effect, Reply, Note "
                    f"(call {attempt.call.number}, attempt {attempt.number}, t = {now:g} s)"
                )
            answer = now
        self._cells[row + FINISHED] = now
        self.finished += 1
        self.busy -= 1
        if self.tracks:
            del self._serving[attempt]
        if self._waiting:
            self._wake_one()
        if self.queue:
            self._start(self.queue.pop() if self._server.lifo else self.queue.popleft(), now)

    def _pause(self, attempt: Attempt, seconds: float) -> None:
        attempt.callbacks = self._on_work_done
        self._schedule(attempt, NORMAL, seconds)
        if self._waiting:
            self._wake_one()

    def _wake_one(self) -> None:
        """Look, over the heap, for a lock that is free."""
        if not self._looking:
            self._looking = True
            self._schedule(Timer(self._on_free), NORMAL, 0.0)

    def _lock_is_free(self, timer: Timer) -> None:
        """Let the one go on that has waited longest for it; what it does next makes somebody look again."""
        self._looking = False
        for when, waiting in self._waiting.items():
            if when():
                attempt = waiting.popleft()
                if not waiting:
                    del self._waiting[when]
                self._go_on(attempt, self._engine.now, self._engine.now)
                return

    def _store_seconds(self, attempt: Attempt) -> float:
        u = self._draw_store(attempt.call.number, attempt.number, attempt.copy + 4 * attempt.accesses)
        attempt.accesses += 1
        return self._server.store_delay.quantile(u)

    def _seconds(self, attempt: Attempt, asked: float | None, now: float) -> float:
        """How long a piece of work takes: as asked or drawn, times the slow-downs, plus the price of company."""
        server = self._server
        if asked is None:
            # A handler's second piece of work must not repeat its first: the pieces share the copy's place in the key.
            u = self._draw_work(attempt.call.number, attempt.number, attempt.copy + 4 * attempt.pieces)
            asked = server.service.quantile(u)
            attempt.pieces += 1
        elif not is_wait(asked):
            raise FlowError(
                f"the service yielded Work({asked!r}); it must be finite and at least 0 "
                f"(call {attempt.call.number}, attempt {attempt.number}, t = {now:g} s)"
            )
        for slowdown in self.slowdowns:
            asked *= slowdown(now)
        return asked + server.slope * self.busy if server.slope else asked


_ERROR = Response(500)


def _answering(response: Response) -> HandlerFlow:
    """Work as usual, without an effect, and answer so."""
    yield Work()
    yield Reply(response)
