"""How a client waits for a job: when it asks again, and what it does when it is told.

`PollJob` asks by a schedule, or when the server's Retry-After says so; `AwaitCallback` lets the server tell it, and
asks all the same when nothing comes, because callbacks get lost.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from random import Random
from typing import Any
from urllib.parse import urljoin, urlsplit

import attrs

from sim.flow import CallFlow, Note, RetryRule, Send, Wait, check_method, check_wait
from sim.http import Request
from sim.knobs import knob
from sim.outcome import Kind, Outcome
from sim.policies.client.backoff import Backoff, Fixed
from sim.policies.client.retry import Retry


@attrs.frozen
class PollJob:
    """Ask for a job, then ask for its status until it is settled.

    *schedule*: seconds between two questions, any backoff.  *hinted*: when the server says Retry-After, go by that
    and not by the schedule.  *spread*: the wait is stretched by up to this share, so that jobs of one minute do not
    ask in one second.  *patience*: seconds after which it gives up.  *retry*: for the request that starts the job,
    which must carry an Idempotency-Key to be repeated safely.  It notes every "poll", and how late the end was
    "known", in seconds.

    Returns the last outcome: failed, with the reason "job failed" or the like, when the job did not succeed.
    """

    schedule: Backoff = attrs.field(factory=lambda: Fixed(5.0))
    hinted: bool = knob(False, kind=bool, help="go by the server's Retry-After", kw_only=True)
    spread: float = knob(0.0, low=0, high=10, help="the wait is stretched by up to this share", kw_only=True)
    patience: float = knob(3_600.0, above=0, unit="s", help="how long it waits for a job", kw_only=True)
    retry: RetryRule = attrs.field(factory=Retry, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_method(self.schedule, "delay", "attempt", "previous", "rng")
        check_method(self.retry, "wait", "attempt", "outcome", "elapsed", "previous", "rng")

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """The flow of one job: `POST`, then `GET` its status."""
        began = now
        asked = yield from _start(request, self.retry, now, rng)
        if asked.monitor is None:
            return asked.outcome
        return (
            yield from self.poll(
                asked.monitor, asked.outcome, attempt=asked.attempts, began=began, now=asked.now, rng=rng
            )
        )

    def poll(
        self, monitor: Request, outcome: Outcome, *, attempt: int, began: float, now: float, rng: Random
    ) -> CallFlow:
        """Ask the *monitor* until the job is settled; *outcome* is the last answer, after *attempt* attempts."""
        polls, previous = 0, 0.0
        while True:
            polls += 1
            wait = previous = self.schedule.delay(polls, previous, rng)
            check_wait(wait, self.schedule, polls)
            if self.hinted and outcome.retry_after is not None:
                wait = outcome.retry_after
            if self.spread:
                wait *= 1.0 + self.spread * rng.random()
            if now + wait - began > self.patience:
                return attrs.evolve(outcome, kind=Kind.INDETERMINATE, reason="gave up waiting")
            now = yield Wait(wait)
            attempt += 1
            yield Note("poll")
            now, outcome = yield Send(attempt, monitor)
            if outcome.failed and outcome.status in (401, 403, 404, 410):
                return outcome
            ended = settled(outcome)
            if ended is not None:
                yield _known(outcome, now)
                return ended


@attrs.frozen
class AwaitCallback:
    """Ask for a job with a callback URL, and wait to be told.

    *inbox*: from the status monitor to the request that takes a callback out of our own inbox, or is answered with
    204.  *pause*: seconds until we look there again; 0 for an inbox that holds the answer back until something comes.
    *fallback*: asks for the status all the same when *patience* seconds have passed without a callback; None gives
    up instead.
    """

    inbox: Callable[[Request], Request]
    fallback: PollJob | None = attrs.field(factory=PollJob, kw_only=True)
    patience: float = knob(60.0, above=0, unit="s", help="how long it waits to be told", kw_only=True)
    pause: float = knob(1.0, low=0, unit="s", help="between two looks into the inbox", kw_only=True)
    retry: RetryRule = attrs.field(factory=Retry, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_method(self.retry, "wait", "attempt", "outcome", "elapsed", "previous", "rng")

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """The flow of one job: `POST`, then our own inbox."""
        began = now
        asked = yield from _start(request, self.retry, now, rng)
        if asked.monitor is None:
            return asked.outcome
        now, attempt, outcome = asked.now, asked.attempts, asked.outcome
        inbox = self.inbox(asked.monitor)
        while now - began < self.patience:
            attempt += 1
            now, outcome = yield Send(attempt, inbox)
            ended = settled(outcome)
            if ended is not None:
                yield _known(outcome, now)
                return ended
            if self.pause:
                now = yield Wait(self.pause)
        if self.fallback is None:
            return attrs.evolve(outcome, kind=Kind.INDETERMINATE, reason="no callback came")
        yield Note("fallback")
        return (
            yield from self.fallback.poll(asked.monitor, asked.outcome, attempt=attempt, began=began, now=now, rng=rng)
        )


def settled(outcome: Outcome) -> Outcome | None:
    """What a status document says about its job, as an outcome; None when it is not settled, or no such document.

    >>> from sim.http import json_response
    >>> settled(Outcome.of(json_response({"status": "failed", "retryable": True}), now=0.0)).reason
    'job failed, retryable'
    """
    document = outcome.document() or {}
    state = document.get("status")
    if not outcome.ok or state not in ("succeeded", "failed", "cancelled"):
        return None
    if state == "succeeded":
        return outcome
    again = ", retryable" if document.get("retryable") is True else ""
    return attrs.evolve(outcome, kind=Kind.FAILED, reason=f"job {state}{again}")


@attrs.frozen
class _Asked:
    """What came of asking for a job: the *monitor* to ask, None when there is none, and the attempts it took."""

    outcome: Outcome
    monitor: Request | None
    attempts: int
    now: float


def _start(request: Request, retry: RetryRule, now: float, rng: Random) -> Generator[Send | Wait | Note, Any, _Asked]:
    began, previous, attempt = now, 0.0, 0
    outcome: Outcome
    while True:
        attempt += 1
        now, outcome = yield Send(attempt, request)
        if outcome.ok:
            return _Asked(outcome, _monitor(request, outcome), attempt, now)
        wait = retry.wait(attempt, outcome, now - began, previous, rng)
        if wait is None:
            return _Asked(outcome, None, attempt, now)
        check_wait(wait, retry, attempt)
        now, previous = (yield Wait(wait)), wait


def _monitor(request: Request, outcome: Outcome) -> Request | None:
    """Where a 202 says that the status is; None when the answer was final, or points to another host."""
    location = None if outcome.response is None else outcome.response.header("Location")
    if outcome.status != 202 or location is None:
        return None
    try:
        parts = urlsplit(urljoin(f"https://here.example{request.path}", location))
    except ValueError:
        return None
    if parts.netloc != "here.example":
        return None
    return attrs.evolve(request, method="GET", path=parts.path + (f"?{parts.query}" if parts.query else ""), body=b"")


def _known(outcome: Outcome, now: float) -> Note:
    at = (outcome.document() or {}).get("settledAt")
    return Note("known", f"{now - at:.6f}" if isinstance(at, int | float) else "")
