"""Optimistic concurrency on one row: read the version, come back, and write only if nobody was faster.

The world of AWS's article on backoff and jitter: however many clients contend, one of them gets through at a time.
"""

from __future__ import annotations

from sim.flow import Effect, Handler, HandlerFlow, Reply, Step, Work
from sim.http import Request, Response

_BETWEEN = Work()
_WON = Reply(Response(200))
_LOST = Reply(Response(409))


def contended_row() -> Handler:
    """A handler over one fresh row: read its version, let the client's round trip pass, write on condition.

    Answers 200 and has its effect, or answers 409 when another write came between.
    """
    version = 0

    def handle(request: Request, now: float) -> HandlerFlow:
        nonlocal version
        seen = version
        yield Step("read the version")
        yield _BETWEEN
        if version != seen:
            yield _LOST
            return
        version += 1
        yield Step("write if the version is unchanged")
        yield Effect(request.key)
        yield _WON

    return handle
