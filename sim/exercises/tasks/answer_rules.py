"""09-answer-rules: what a consumer's answer means for the delivery."""

from __future__ import annotations

from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check

PLACE = 9
STORY = """
A webhook was sent, and something came back, or nothing. What now?

`rule(status, retry_after)` returns `(what, wait)`: what is `"delivered"`, `"retry"` or `"disable"`, and wait the
seconds to wait at least (0.0 when nothing was asked for). *status* is the answer's, None when none came in time;
*retry_after* the text of its header, or None. A customer whose release is broken answers 401 to everything for an
hour and then rolls back: nothing may be lost. Only **410** means that nobody wants these any more. Redirects are
not followed, and a 3xx is no delivery. Seconds in `Retry-After` are heeded, but nobody may make us wait for more
than a day; what cannot be read is nothing.
"""
STUB = """
def rule(status, retry_after):
    raise NotImplementedError('return ("delivered" | "retry" | "disable", seconds)')
"""


def _what(answer: Answer, status: int | None, right: str, why: str) -> None:
    told = answer.make(status, None)
    if not isinstance(told, list | tuple) or len(told) != 2:
        raise Failed(f"rule returned {told!r}; (what, seconds) is wanted"[:200])
    if told[0] != right:
        raise Failed(f"{'no answer' if status is None else status} is {told[0]!r} and not {right!r}: {why}"[:300])


@check("knows a delivery")
def delivered(answer: Answer, seed: int) -> str:
    """Every 2xx, and nothing else."""
    for status in (200, 201, 202, 204, 299):
        _what(answer, status, "delivered", "every 2xx says that it was taken")
    for status in (301, 302, 307, 308):
        _what(answer, status, "retry", "a redirect is not followed, and nobody has taken the event")
    return ""


@check("gives nothing up that may come right", points=2)
def again(answer: Answer, seed: int) -> str:
    """No answer, 5xx, and the 4xx of a broken release."""
    _what(answer, None, "retry", "a timeout says nothing about what became of it")
    for status in (500, 502, 503, 504, 429, 408):
        _what(answer, status, "retry", "it is about now, not about the event")
    for status in (400, 401, 403, 404, 422):
        _what(answer, status, "retry", "a 4xx says that the receiver is broken as often as that the event is")
    return ""


@check("stops only at 410")
def gone(answer: Answer, seed: int) -> str:
    """The wish not to be called any more."""
    _what(answer, 410, "disable", "Gone is a wish: nobody wants these any more")
    return ""


@check("heeds Retry-After within reason")
def asked(answer: Answer, seed: int) -> str:
    """Seconds, nonsense, years."""
    for text, right in (("120", 120.0), ("0", 0.0), (None, 0.0), ("soon", 0.0), ("-5", 0.0), ("", 0.0), ("nan", 0.0)):
        _, wait = answer.make(503, text)
        if wait != right:
            raise Failed(
                f"Retry-After {text!r}: a wait of {wait!r}, and {right} is right; what cannot be read is nothing"
            )
    _, wait = answer.make(503, "99999999")
    if wait != 86_400.0:
        raise Failed(f"Retry-After of three years: a wait of {wait!r}; nobody may make us wait for more than a day")
    return ""


EXERCISE = Exercise(
    id="09-answer-rules",
    title="What an answer means",
    kind=Kind.IMPLEMENT,
    answer="rule",
    story=STORY,
    stub=STUB,
    hints=(
        "Three groups, and the largest is retry.",
        "Which single status is a wish and not a failure?",
        "text.isdigit() before int(text), and min(…, 86400.0).",
    ),
    lesson="09a_webhook_delivery.ipynb",
    checks=(delivered, again, gone, asked),
)
