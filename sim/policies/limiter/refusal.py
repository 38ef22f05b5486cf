"""What a request over the limit is told: a 429 with a problem document, and how long to stay away.

The time is the delicate part.  Everyone who was refused in one window is told the same instant and comes back in it,
however well they jitter, because a client waits *at least* as long as it was asked.  A server that spreads the times it
tells spreads the herd.
"""

from __future__ import annotations

import math

import attrs

from sim.http import Request, Response
from sim.knobs import knob
from sim.policies.http.problem import problem
from sim.policies.limiter.decision import Decision, RequestLimiter
from sim.policies.limiter.headers import Style, de_facto

_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


def too_many(decision: Decision, now: float, style: Style = de_facto) -> Response:
    """The 429 for a refused request, with a problem document and the headers of *style*.  Source: RFC 6585 §4.

    *now*: seconds since the epoch.  The document names the level that refused, when there are several, and nothing
    else of how the limit works.

    >>> answer = too_many(Decision(False, 100, 0, 29.5, 29.5, level="user"), 0.0)
    >>> answer.status, answer.header("Retry-After"), answer.json()["detail"]
    (429, '30', 'too many requests for this user; try again in 30 s')
    """
    whose = f" for this {decision.level}" if decision.level else ""
    if decision.retry_after is None:
        detail = f"this request counts for more than is ever let through{whose}; trying again does not help"
    else:
        detail = f"too many requests{whose}; try again in {math.ceil(decision.retry_after)} s"
    return problem(429, detail, headers=style(decision, now))


@attrs.frozen
class ConstantRetryAfter:
    """Tells every refused request to come back after *seconds*, whatever *limiter* knows: "Retry-After: 60"."""

    limiter: RequestLimiter
    seconds: float = knob(60.0, above=0, high=86_400, unit="s", help="what every refusal says", kw_only=True)

    def decide(self, request: Request, now: float) -> Decision:
        """The limiter's decision, with a constant time in a refusal that waiting helps."""
        decision = self.limiter.decide(request, now)
        if decision.allowed or decision.retry_after is None:
            return decision
        return decision._replace(retry_after=self.seconds)


@attrs.define
class SpreadRetryAfter:
    """Spreads the times that refused requests are told evenly over *over* seconds from the earliest right one.

    Not by chance: the n-th refusal gets the fractional part of n times the golden ratio, which fills any stretch
    evenly, however many there are.

    >>> from sim.policies.limiter import ByKey, FixedWindow
    >>> gate = SpreadRetryAfter(ByKey(FixedWindow(1, period=60.0)), over=10.0)
    >>> [round(gate.decide(Request(), 0.0).retry_after, 1) for _ in range(4)]
    [0.0, 66.2, 62.4, 68.5]
    """

    limiter: RequestLimiter
    over: float = knob(
        60.0, above=0, high=86_400, unit="s", help="the stretch that refusals are spread over", kw_only=True
    )
    _refused: int = attrs.field(init=False, default=0)

    def decide(self, request: Request, now: float) -> Decision:
        """The limiter's decision, with a time of its own in each refusal."""
        decision = self.limiter.decide(request, now)
        if decision.allowed or decision.retry_after is None:
            return decision
        self._refused += 1
        return decision._replace(retry_after=decision.retry_after + self._refused * _GOLDEN % 1.0 * self.over)
