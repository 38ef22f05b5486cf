"""A client with a cache of its own, as a browser has: what it has fresh it does not ask for again."""

from __future__ import annotations

from collections.abc import Generator
from random import Random
from typing import Any

import attrs

from sim.flow import CallFlow, Note, RetryRule, Send, Wait, call_flow, check_method
from sim.http import Request, Response
from sim.outcome import CONNECTION_REFUSED, Outcome
from sim.policies.caching.cache import Cache, Fresh, Stale
from sim.policies.caching.stored import ERRORS, unconditional
from sim.policies.client.retry import Retry


@attrs.define
class CachingClient:
    """Looks into *cache* first, asks under the rule *retry*, and stores what comes.

    A call that is answered from the cache sends nothing and ends at once; it leaves a note "cache: hit", and one whose
    stored response was confirmed by a 304 "cache: validated".  stale-while-revalidate is not used: the call ends with
    its answer, and nobody would be there to fetch the next.  When the origin fails stale-if-error stands in.
    """

    retry: RetryRule = attrs.field(factory=Retry)
    cache: Cache = attrs.field(factory=lambda: Cache(shared=False), kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_method(self.retry, "wait", "attempt", "outcome", "elapsed", "previous", "rng")

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """The flow of one call for *request* that begins at *now*."""
        found = self.cache.lookup(request, now)
        if isinstance(found, Fresh):
            self.cache.touch(request)
            yield Note("cache: hit", request.path)
            return Outcome.of(found.response, now=now)
        if not isinstance(found, Stale) and found.refusal is not None:
            return Outcome.of(found.refusal, now=now)
        stored = found.stored if isinstance(found, Stale) else None
        # The second time without conditions: the 304 to the first may have spoken of something else.
        for forward in (found.forward, unconditional(request)):
            outcome, sent, now = yield from _asked(self.retry, forward, now, rng)
            if outcome.status is None or outcome.status in (CONNECTION_REFUSED, *ERRORS):
                if outcome.status != CONNECTION_REFUSED:  # a write that timed out may have been done
                    self.cache.invalidate(request, Response(outcome.status or 504))
                if not isinstance(found, Stale) or not found.on_error:
                    return outcome
                yield Note("cache: stale on error", request.path)
                return Outcome.of(found.response, now=now)
            response = outcome.response or Response(outcome.status, outcome.retry_after)
            received = self.cache.receive(request, response, requested_at=sent, now=now, stored=stored)
            if response.status != 304:
                return outcome
            if received is not None:
                yield Note("cache: validated", request.path)
                return Outcome.of(received, now=now)
            stored = None
        return outcome


def _asked(
    retry: RetryRule, forward: Request, now: float, rng: Random
) -> Generator[Send | Wait | Note, Any, tuple[Outcome, float, float]]:
    """The outcome of sending *forward* under the rule, when the attempt that brought it was sent, and the time now."""
    flow, sent = call_flow(retry, None, None, now=now, rng=rng), now
    answer: Any = None
    while True:
        try:
            command = flow.send(answer)
        except StopIteration as end:
            return end.value, sent, now
        if isinstance(command, Send):
            sent = now
            now, _ = answer = yield Send(command.attempt, forward)
        else:
            now = answer = yield command
