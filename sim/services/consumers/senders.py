"""The other end: who delivers webhooks, and who starts the consumer's background job.  As client flows."""

from __future__ import annotations

from random import Random

import attrs

from sim.flow import CallFlow, Send, Wait, call_flow
from sim.http import Request
from sim.knobs import knob
from sim.outcome import Outcome
from sim.policies.client.retry import Retry

JOB = Request(path="/worker")
"""The background job of a `Consumer`."""


@attrs.frozen(kw_only=True)
class Sender:
    """Delivers events with *retry*; and, as the consumer's scheduler, starts its background job until *until*."""

    retry: Retry
    until: float = knob(600.0, above=0, unit="s", help="when the scheduler stops")
    every: float = knob(5.0, above=0, unit="s", help="seconds between two runs of the job")

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """Deliver until it is acknowledged; the job again and again."""
        if request.path != JOB.path:
            return (yield from call_flow(self.retry, None, None, now=now, rng=rng))
        outcome: Outcome
        attempt = 1
        while True:
            now, outcome = yield Send(attempt)
            if now >= self.until and outcome.ok:
                return outcome
            yield Wait(self.every)
            attempt += 1


@attrs.frozen(kw_only=True)
class Teller:
    """The sender's side of one change: moves the payment on at the source, then tells of it until it is taken in.

    *attempts*: how often it tells at most.
    """

    attempts: int = knob(100, kind=int, low=1, high=10_000, unit="attempts", help="how often it tells at most")

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """Advance; send the webhook that the source answered with; again when it is asked to come again."""
        outcome: Outcome
        _, outcome = yield Send(1)
        if not outcome.ok or outcome.response is None:
            return outcome
        webhook = Request(path="/webhooks", key=request.key, body=outcome.response.body)
        for attempt in range(2, self.attempts + 2):
            _, outcome = yield Send(attempt, webhook)
            if outcome.ok:
                break
            yield Wait(1.0 if outcome.retry_after is None else outcome.retry_after)
        return outcome
