"""What a client knows after one attempt: ok, failed, or indeterminate.

A timeout is *indeterminate*: the work may have been done.  Treating it as a failure is the mistake behind
every double charge, so the three kinds are kept apart from the first line of the course to the last.
"""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import Any

import attrs

from sim.http import Response

CONNECTION_REFUSED = 0
"""Status written for an attempt that reached no server, as curl prints 000: nothing was sent, so it failed."""


class Kind(enum.Enum):
    """The three things a client can know about one attempt."""

    OK = "ok"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"


@attrs.frozen
class Outcome:
    """What came of one attempt, as the client sees it.

    *status*: the HTTP status, 0 when the connection was refused, None when no answer came or none was asked for.
    *retry_after*: seconds the other side asked to wait, None when it did not ask.
    *reason*: a word for people and for retry rules: "answered", "timed out", "refused" or "breaker open".
    *response*: the whole answer, for clients that read headers and bodies; None when it had neither, or none came.

    >>> Outcome.answered(503).kind, Outcome.timed_out().indeterminate
    (<Kind.FAILED: 'failed'>, True)
    """

    kind: Kind
    status: int | None = None
    retry_after: float | None = None
    reason: str = "answered"
    response: Response | None = attrs.field(default=None, eq=False, repr=False)

    @property
    def ok(self) -> bool:
        """True when the work was done and the client knows it."""
        return self.kind is Kind.OK

    @property
    def failed(self) -> bool:
        """True when the client knows that the work was not done."""
        return self.kind is Kind.FAILED

    @property
    def indeterminate(self) -> bool:
        """True when the client cannot know whether the work was done."""
        return self.kind is Kind.INDETERMINATE

    def document(self) -> dict[str, Any] | None:
        """The JSON object that the answer brought, whatever its status; None when it brought none, or none came.

        No JSON, or JSON that is a list or a value, is None too.  It never raises: a server may send anything.

        >>> Outcome.of(Response(200, body=b'{"id":7}'), now=0.0).document()
        {'id': 7}
        >>> Outcome.of(Response(502, body=b"<h1>Bad Gateway</h1>"), now=0.0).document() is None
        True
        """
        if self.response is None:
            return None
        try:
            document = self.response.json()
        except ValueError:
            return None
        return document if isinstance(document, dict) else None

    @staticmethod
    @lru_cache(maxsize=4096)
    def answered(status: int, retry_after: float | None = None) -> Outcome:
        """The outcome of an HTTP answer: 2xx is ok, everything else failed.

        A gateway's 502 and 504 say only that *it* got no usable answer: the work behind it may have been done,
        so they are indeterminate.  Source: RFC 9110 §15.6.3 and §15.6.5.
        """
        if 200 <= status < 300:
            return Outcome(Kind.OK, status, retry_after)
        kind = Kind.INDETERMINATE if status in (502, 504) else Kind.FAILED
        return Outcome(kind, status, retry_after)

    @staticmethod
    def of(response: Response, *, now: float) -> Outcome:
        """The outcome of a whole *response* that came at the instant *now*."""
        bare = Outcome.answered(response.status, response.wait(now=now))
        return attrs.evolve(bare, response=response) if response.headers or response.body else bare

    @staticmethod
    def timed_out() -> Outcome:
        """No answer within the client's timeout: indeterminate."""
        return _TIMED_OUT

    @staticmethod
    def refused() -> Outcome:
        """The connection was refused: nothing was sent, so it certainly failed."""
        return _REFUSED

    @staticmethod
    def breaker_open(retry_after: float | None = None) -> Outcome:
        """The client's own circuit breaker stopped the attempt before it was sent."""
        return Outcome(Kind.FAILED, None, retry_after, "breaker open")


_TIMED_OUT = Outcome(Kind.INDETERMINATE, reason="timed out")
_REFUSED = Outcome(Kind.FAILED, CONNECTION_REFUSED, reason="refused")
