"""Answers on their way: a small change to each that a service gives, and the document in one that a client got."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.flow import HandlerFlow, Reply
from sim.http import Response
from sim.outcome import Outcome


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


def document_of(outcome: Outcome) -> Any:
    """The JSON document that a good answer brought; None when it was no good answer, or no JSON.

    >>> document_of(Outcome.of(Response(200, body=b'{"id":7}'), now=0.0)), document_of(Outcome.timed_out())
    ({'id': 7}, None)
    """
    if not outcome.ok or outcome.response is None:
        return None
    try:
        return outcome.response.json()
    except ValueError:
        return None
