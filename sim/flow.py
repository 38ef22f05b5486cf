"""Flows: generators that yield what they want done and are sent what came of it.

A flow does no I/O and reads no clock, so the same flow runs in simulated time, on real sockets, and under the
explorer that tries every order.  The vocabulary has two halves:

- the client's: `Send` (answered with `(now, outcome)`) and `Wait` (answered with `now`);
- the server's: `Work`, `Step`, `Effect` and `Reply`, each answered with `now`;
- and `Note`, which both may yield, answered with `now`.

The idea is httpx's `Auth.auth_flow`: a policy as a generator, driven by a sync and an async loop of a few lines.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import attrs

from sim.errors import PolicyError
from sim.http import Response
from sim.outcome import Outcome

if TYPE_CHECKING:
    from sim.http import Request


@attrs.frozen
class Send:
    """Send attempt number *attempt* (1 is the first) and tell what came of it.

    *request*: what to send when it is not the request that the call began with: the next page, a poll for a job.
    """

    attempt: int
    request: Request | None = None


@attrs.define
class Wait:
    """Let *seconds* pass."""

    seconds: float


@attrs.define
class Work:
    """Let the server work for *seconds*, times its present slow-down; None is one draw from its service law."""

    seconds: float | None = None


@attrs.define
class Step:
    """An access to a store was made: another request may run here, or the process may die here.

    *when*: the request goes on only when this returns True: it waits for a lock.  It may have to wait again, because
    another request can be faster: ask for the lock in a loop.
    """

    name: str
    when: Callable[[], bool] | None = None


@attrs.define
class Effect:
    """The thing that must happen once has happened, for the intent *key*: it goes into the ledger."""

    key: str


@attrs.define
class Reply:
    """Answer the client.  The handler may go on working afterwards (acknowledge first)."""

    response: Response


@attrs.define
class Note:
    """Something worth counting happened, of the given *kind* ("stale read", "cache hit"): a mark in the trace.

    *text*: what exactly.  A client's flow may yield it as well as a handler; it takes no time.
    """

    kind: str
    text: str = ""


# Sends are values, and a retry storm makes millions of the same few.
_MANY = 32
_SENDS = tuple(Send(attempt) for attempt in range(_MANY))

CallFlow: TypeAlias = Generator[Send | Wait | Note, Any, Outcome]
HandlerFlow: TypeAlias = Generator[Work | Step | Effect | Reply | Note, float, None]
Handler: TypeAlias = Callable[["Request", float], HandlerFlow]
"""A service: a function or an object that makes a flow for each request.

When the process that serves a request dies, drivers call the service's `died(request)`, if it has one, so that its
stores roll back what that process had not committed.
"""


class RetryRule(Protocol):
    """Whether and when to try again."""

    def wait(self, attempt: int, outcome: Outcome, elapsed: float, previous: float, rng: Random) -> float | None:
        """Seconds to wait before the next attempt, or None to give up."""
        ...


class Breaker(Protocol):
    """Whether an attempt may be sent at all; a circuit breaker or an adaptive throttle."""

    def admit(self, now: float, rng: Random) -> int | None:
        """A permit for one attempt, or None when it may not be sent."""
        ...

    def record(self, permit: int, outcome: Outcome, now: float, rng: Random) -> None:
        """Learn what came of the attempt that holds *permit*."""
        ...

    def retry_after(self, now: float) -> float:
        """Seconds until it is worth asking again, 0 when that is not known."""
        ...


class RetryGate(Protocol):
    """Whether a retry may be spent, judged over many calls: a retry budget."""

    def started(self, now: float) -> None:
        """A new call begins."""
        ...

    def spend(self, outcome: Outcome, now: float) -> bool:
        """True when one retry after *outcome* may be spent, and then it is spent."""
        ...

    def succeeded(self, attempts: int, now: float) -> None:
        """A call ended well, after *attempts* attempts."""
        ...


def call_flow(
    retry: RetryRule, breaker: Breaker | None, budget: RetryGate | None, *, now: float, rng: Random
) -> CallFlow:
    """One call: send, learn, wait and send again, until it is ok or the retry rule gives up.

    The breaker stands inside the retry, as in resilience4j: an attempt that it stops is an outcome like any
    other, known to have failed, and counts as one of the attempts.  A `Wait` is yielded only when it is longer
    than 0, or when the breaker stopped the attempt.

    Returns the last outcome.  Raises `PolicyError` when the retry rule answers with something that is not a wait.
    """
    started, previous, attempt = now, 0.0, 1
    if budget is not None:
        budget.started(now)
    while True:
        permit = breaker.admit(now, rng) if breaker is not None else 0
        if permit is None:
            assert breaker is not None
            outcome = Outcome.breaker_open(breaker.retry_after(now))
        else:
            now, outcome = yield _SENDS[attempt] if attempt < _MANY else Send(attempt)
            if breaker is not None:
                breaker.record(permit, outcome, now, rng)
        if outcome.kind is _OK:
            if budget is not None:
                budget.succeeded(attempt, now)
            return outcome
        wait = retry.wait(attempt, outcome, now - started, previous, rng)
        if wait is None or (budget is not None and not budget.spend(outcome, now)):
            return outcome
        if wait.__class__ is not float or not 0.0 <= wait < _FOREVER:  # spares a call for every attempt
            check_wait(wait, retry, attempt)
        if wait > 0.0 or permit is None:  # an attempt that was not sent took no event: let the driver count it
            now = yield Wait(wait)
        previous = wait
        attempt += 1


_OK = Outcome.answered(200).kind


def check_wait(wait: Any, policy: Any, attempt: int) -> None:
    """Refuse a *wait* that is not a finite number of seconds >= 0, in the name of the *policy*.

    Raises: `PolicyError`.
    """
    if not is_wait(wait):
        raise PolicyError(
            f"{describe(policy)} returned {wait!r} after attempt {attempt}; "
            "a wait must be a finite number of seconds, at least 0"
        )


def is_wait(seconds: Any) -> bool:
    """True for a finite number of seconds, at least 0.

    >>> is_wait(0.5), is_wait(float("nan")), is_wait("soon"), is_wait(10**400)
    (True, False, False, False)
    """
    try:
        return bool(0.0 <= seconds <= sys.float_info.max)
    except TypeError:
        return False


_FOREVER = float("inf")


def check_method(policy: Any, method: str, *parameters: str) -> None:
    """Check that *policy* has a *method* that takes *parameters*, so that a slip shows before the run.

    Raises: `TypeError`, naming the policy, the method and the parameters it must take.
    """
    wanted = f"{method}({', '.join(parameters)})"
    function = getattr(policy, method, None)
    if isinstance(policy, type) or not callable(function):
        raise TypeError(f"{describe(policy)} must be an object with a method {wanted}")
    # Every host gets a copy of its policy, so the same functions come by ten thousand times.
    got = _misfit(getattr(function, "__func__", function), inspect.ismethod(function), parameters)
    if got is not None:
        raise TypeError(f"{describe(policy)} must have a method {wanted}, got {method}{got}")


@lru_cache(maxsize=1_024)
def _misfit(function: Any, bound: bool, parameters: tuple[str, ...]) -> str | None:
    """The signature of *function* when it does not take *parameters*, None when it does."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a built-in without a signature: only the call itself can tell
        return None
    if bound:
        signature = signature.replace(parameters=list(signature.parameters.values())[1:])
    try:
        signature.bind(*parameters)
    except TypeError:
        return str(signature)
    return None


def describe(policy: Any) -> str:
    """A short name for a policy in a message: its class, never a memory address."""
    if isinstance(policy, type):
        return f"the class {policy.__name__}"
    return policy.__name__ if inspect.isroutine(policy) else type(policy).__name__
