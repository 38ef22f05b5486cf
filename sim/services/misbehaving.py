"""Endpoints that nobody would want: silent, garbled, redirecting for ever, slow.  To test isolation."""

from __future__ import annotations

import attrs

from sim.flow import HandlerFlow, Reply, Work
from sim.http import Request, Response
from sim.knobs import knob

FOR_EVER = 10 * 365 * 86_400.0
"""Seconds that a silent endpoint holds a connection: longer than any run."""


@attrs.frozen
class NeverAnswers:
    """Takes the request and says nothing; the connection stays open."""

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Hold it."""
        yield Work(FOR_EVER)


@attrs.frozen
class Slow:
    """Answers 200 after *seconds*."""

    seconds: float = knob(30.0, low=0, unit="s", help="how long it takes")

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Take its time."""
        yield Work(self.seconds)
        yield Reply(Response(200))


@attrs.frozen
class RedirectsForEver:
    """Answers 302 with its own address."""

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Send it round in a circle."""
        yield Work()
        yield Reply(Response(302, headers={"Location": "https://loop.example.com/webhooks"}))


_GARBAGE = (
    Response(42, body=b"\xff\xfe\x00\x01\x1b[31m not text"),
    Response(999, body=b"<script>alert('hello')</script>"),
    Response(200_000, headers={"Content-Type": "?"}, body=b"{" * 100_000),
    Response(599, retry_after=1e300, body=b"x" * 10_000_000),
    Response(500, headers={"Retry-After": "the day after tomorrow"}, body="\u202e".encode() * 50),
)


@attrs.define
class Garbage:
    """Answers with numbers that are no status, bytes that are no text, ten megabytes, and a wait of 1e300 s."""

    turn: int = attrs.field(init=False, default=0)

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """The next kind of garbage."""
        response = _GARBAGE[self.turn % len(_GARBAGE)]
        self.turn += 1
        yield Work()
        yield Reply(response)
