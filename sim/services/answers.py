"""Answers on their way: a small change to each that a service gives."""

from __future__ import annotations

from collections.abc import Callable

from sim.flow import HandlerFlow, Reply
from sim.http import Response


def rewritten(flow: HandlerFlow, change: Callable[[Response], Response]) -> HandlerFlow:
    """The same flow, with *change* made to each response that it replies."""
    command = next(flow, None)
    while command is not None:
        if isinstance(command, Reply):
            command = Reply(change(command.response))
        now = yield command
        try:
            command = flow.send(now)
        except StopIteration:
            return
