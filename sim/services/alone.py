"""One request, alone: run through a service to its end, with time standing still and nobody beside it."""

from __future__ import annotations

import attrs

from sim.flow import Effect, Handler, Note, Reply
from sim.http import Request, Response


@attrs.frozen
class Served:
    """What a handler made of one request: its *response*, its *notes* as (kind, text), and its *effects*."""

    response: Response
    notes: tuple[tuple[str, str], ...] = ()
    effects: tuple[str, ...] = ()


def serve(handler: Handler, request: Request, now: float = 0.0) -> Served:
    """Run one request through *handler* to its end, alone, with time standing still."""
    flow, response, notes, effects = handler(request, now), Response(500), [], []
    command = next(flow, None)
    while command is not None:
        match command:
            case Reply():
                response = command.response
            case Note():
                notes.append((command.kind, command.text))
            case Effect():
                effects.append(command.key)
        try:
            command = flow.send(now)
        except StopIteration:
            break
    return Served(response, tuple(notes), tuple(effects))
