"""The clients: they drive the flow of every call, and write what they see into the trace."""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator
from random import Random
from typing import Any

from sim.engine import NORMAL, Callbacks, Engine, Timer
from sim.errors import EventBudgetError, FlowError, PolicyError, SimError
from sim.flow import CallFlow, HandlerFlow, Note, Send, Wait, describe, is_wait
from sim.http import Request
from sim.outcome import Kind, Outcome
from sim.trace import (
    C_ATTEMPTS,
    C_ENDED,
    C_OK,
    C_STATUS,
    NAN,
    SETTLED,
    STATUS,
    Mark,
    Trace,
)

STEPS_AT_ONE_INSTANT = 10_000
"""How often one call may act without the clock moving: as often as the most patient `Retry` may try."""
INSTANT = 1e-6
"""Seconds below which the clock is held to stand still."""
ATTEMPTS_PER_CALL, SPARE_ATTEMPTS = 200, 1_000_000
"""The event budget of a run: this many attempts for every call begun, and some to spare."""

_FOREVER = float("inf")
_OK = Kind.OK


class Call(Timer):
    """One intent of one client.  It is its own timer: a call either waits or has an attempt out, never both."""

    sent = 0
    next_attempt = 0
    spins = 0
    spun_at = -1.0
    request: Request | None = None
    next_request: Request | None = None

    flow: CallFlow

    def __init__(self, number: int, client: int, policy: Any, row: int) -> None:
        self.number = number
        self.client = client
        self.policy = policy
        self.row = row


class Attempt(Timer):
    """One try at a call, or the network's copy of one.  It is its own timer on the way there and in the server."""

    awaited = True
    forwarded = False  # by the gateway, to the server
    copy = era = pieces = accesses = 0
    request: Request | None = None  # None is the plain one, made when it is needed
    flow: HandlerFlow
    duplicate: Attempt | None = None
    original: Attempt | None = None

    def __init__(self, call: Call, number: int, row: int) -> None:
        self.call = call
        self.number = number
        self.row = row


class Clients:
    """All clients of a run."""

    def __init__(
        self,
        engine: Engine,
        trace: Trace,
        *,
        timeout: float,
        per_host: int,
        policy_for: Callable[[int], Any],
        rng: Random,
        request: Callable[[Attempt, float], None],
        make_request: Callable[[int, int], Request] | None = None,
    ) -> None:
        self.in_flight = self.successes = 0
        self.conversing: set[int] = set()  # calls whose flow may send several requests
        self.settled = self.timed_out = self.answers_ignored = 0
        self.ended: Callable[[Call, float], None] | None = None
        self._engine, self._schedule = engine, engine.schedule
        self._attempts, self._calls = trace.attempts, trace.calls
        self._cells = trace.attempts.cells
        self._known, self._unknown = trace.attempts.known, trace.attempts.unknown
        self._timeout, self._per_host = timeout, per_host
        self._policy_for, self._rng = policy_for, rng
        self.request, self._make_request = request, make_request
        self._marks = trace.marks
        self._begun = self._spins = 0
        self._last_row = SPARE_ATTEMPTS * trace.attempts.width
        self._on_wake: Callbacks = [self._wake]
        self._on_resend: Callbacks = [self._resend]
        self._on_expire: Callbacks = [self._expire]

    def begin(self, client: int) -> None:
        """A new call of *client*, now."""
        now = self._engine.now
        host = client // self._per_host
        policy = self._policy_for(host)
        number = self._begun
        self._begun += 1
        self._last_row += ATTEMPTS_PER_CALL * self._attempts.width
        self.in_flight += 1
        row = self._calls.append(number, client, host, now)
        call = Call(number, client, policy, row)
        if self._make_request is not None:
            call.request = self._make_request(number, client)
        try:
            if hasattr(policy, "converse"):
                self.conversing.add(number)
                call.flow = policy.converse(request_of(call), now, self._rng)
            else:
                call.flow = policy.call(now, self._rng)
        except Exception as error:
            raise _blame(call, error, now) from error
        if not isinstance(call.flow, Generator):
            method = "converse(request, now, rng)" if number in self.conversing else "call(now, rng)"
            raise FlowError(_of(call, f"returned {call.flow!r} from {method}, which is not a generator", now))
        self._go_on(call, None, now, False)

    def answer(self, attempt: Attempt, outcome: Outcome, now: float) -> None:
        """What came of an attempt: news if it is still awaited, else ignored."""
        if attempt.original is not None:
            attempt = attempt.original
        if not attempt.awaited:
            self.answers_ignored += 1
            return
        attempt.awaited = False
        self.settled += 1
        self.successes += outcome.kind is _OK
        row, cells = attempt.row, self._cells
        status = NAN if outcome.status is None else outcome.status
        cells[row + SETTLED] = now
        cells[row + STATUS] = status
        if attempt.duplicate is not None:
            row = attempt.duplicate.row
            cells[row + SETTLED] = now
            cells[row + STATUS] = status
        self._go_on(attempt.call, (now, outcome), now, True)

    def _go_on(self, call: Call, answer: Any, now: float, answered: bool) -> None:
        """Send *answer* into the flow and carry out what it asks for next."""
        try:
            command = call.flow.send(answer)
            while command.__class__ is Note:
                self._marks.append(Mark(now, command.kind, f"call {call.number}", command.text))
                self._count_spin(call, now)
                command = call.flow.send(now)
        except StopIteration as end:
            self._end(call, end.value, now)
            return
        except EventBudgetError:
            raise
        except Exception as error:
            raise _blame(call, error, now) from error
        if command.__class__ is Wait:
            seconds = command.seconds
            if (seconds.__class__ is not float and not is_wait(seconds)) or not 0.0 <= seconds < _FOREVER:
                raise FlowError(_of(call, f"yielded Wait({seconds!r}); it must be finite and at least 0", now))
            if seconds < INSTANT:
                self._count_spin(call, now)
            call.callbacks = self._on_wake
            self._schedule(call, NORMAL, seconds)
        elif command.__class__ is Send:
            if answered:
                self._count_spin(call, now)
                call.next_attempt, call.next_request = command.attempt, command.request
                call.callbacks = self._on_resend
                self._schedule(call, NORMAL, 0.0)
            else:
                self._send(call, command.attempt, command.request, now)
        else:
            raise FlowError(_of(call, f"yielded {command!r}, which is none of Send, Wait, Note", now))

    def _wake(self, call: Call) -> None:
        now = self._engine.now
        self._go_on(call, now, now, False)

    def _resend(self, call: Call) -> None:
        self._send(call, call.next_attempt, call.next_request, self._engine.now)

    def _send(self, call: Call, number: int, request: Request | None, now: float) -> None:
        cells = self._cells
        row = len(cells)
        if row > self._last_row:
            raise EventBudgetError(_of(call, f"was still sending after {row // self._attempts.width:,} attempts", now))
        try:
            # What `Table.append` does, without the price of a call: this line runs for every attempt of every run.
            cells.frombytes(self._known(call.number, call.client, number, 0, now) + self._unknown)
        except struct.error:
            raise FlowError(_of(call, f"yielded Send({number!r}); an attempt is a whole number", now)) from None
        call.sent += 1
        attempt = Attempt(call, number, row)
        attempt.request = call.request if request is None else request
        self.request(attempt, now)
        # An attempt that was answered within the same instant needs no alarm.
        if attempt.awaited and self._timeout != _FOREVER:
            self._schedule(Timer(self._on_expire, attempt), NORMAL, self._timeout)

    def _expire(self, timer: Timer) -> None:
        attempt: Attempt = timer.subject
        if attempt.awaited:
            self.timed_out += 1
            self.answer(attempt, Outcome.timed_out(), self._engine.now)

    def _end(self, call: Call, outcome: Any, now: float) -> None:
        if outcome.__class__ is not Outcome:
            raise FlowError(_of(call, f"returned {outcome!r} instead of an Outcome", now))
        self.in_flight -= 1
        cells, row = self._calls.cells, call.row
        cells[row + C_ENDED] = now
        cells[row + C_OK] = outcome.kind is _OK
        cells[row + C_ATTEMPTS] = call.sent
        cells[row + C_STATUS] = NAN if outcome.status is None else outcome.status
        if self.ended is not None:
            self.ended(call, now)

    def _count_spin(self, call: Call, now: float) -> None:
        call.spins = call.spins + 1 if now - call.spun_at < INSTANT else 1
        call.spun_at = now
        self._spins += 1
        if call.spins > STEPS_AT_ONE_INSTANT or self._spins * self._attempts.width > self._last_row:
            raise EventBudgetError(_of(call, f"acted {call.spins:,} times without letting the clock advance", now))


def request_of(of: Call | Attempt) -> Request:
    """The request of a call or an attempt; the plain one has nothing but its key."""
    if of.request is None:
        return Request(key=str(of.call.number if isinstance(of, Attempt) else of.number))
    return of.request


def _blame(call: Call, error: Exception, now: float) -> SimError:
    if isinstance(error, PolicyError):
        return PolicyError(f"{error} (call {call.number}, client {call.client}, t = {now:g} s)")
    return PolicyError(_of(call, f"raised {type(error).__name__}: {error}", now))


def _of(call: Call, what: str, now: float) -> str:
    policy = call.policy
    name = describe(getattr(policy, "retry", policy))
    inner = getattr(getattr(policy, "retry", None), "backoff", None)
    if inner is not None:
        name = f"{name}({describe(inner)})"
    return f"{name} {what} (call {call.number}, client {call.client}, t = {now:g} s)"
