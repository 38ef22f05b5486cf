"""The plainest service: do one piece of work, have one effect, answer 200."""

from __future__ import annotations

from sim.flow import Effect, HandlerFlow, Reply, Work
from sim.http import Request, Response

_ONE_PIECE = Work()
_DONE = Reply(Response(200))


def plain(request: Request, now: float) -> HandlerFlow:
    """Work once, then the effect and the answer at the same instant: nothing can come between them."""
    yield _ONE_PIECE
    yield Effect(request.key)
    yield _DONE
