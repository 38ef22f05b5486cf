"""08-repair-counter: a limit that two requests pass at once."""

from __future__ import annotations

from sim.exercises.exercise import Answer, Exercise, Kind, check
from sim.exercises.played import explored
from sim.http import Request
from sim.interleave import Ending

PLACE = 4
STORY = """
Ten gateways share one counter in a store: a limit of 2 for each window. This one reads it, compares, and writes it
back. Under load more than two get through, and nobody finds a line that is wrong.

Repair `serve(request)`. The commands are those of `02-idempotent-post`. Reply 200 to who is let through, 429 to the
others. The counter is `"counters", "w1"`. However many come at once, no more than two are let through, and when two
or more have come, two are.
"""
STUB = """
LIMIT = 2


def serve(request):
    row = yield "get", "counters", "w1"
    count = row["count"] if row else 0
    if count >= LIMIT:
        yield "reply", 429, {}
        return
    yield "put", "counters", "w1", {"count": count + 1}
    yield "reply", 200, {}
"""
REQUEST = Request("GET", "/things", "r")


def _rule(ending: Ending) -> str | None:
    statuses = [reply.status for reply in ending.replies if reply is not None]
    if set(statuses) - {200, 429}:
        return f"a request was answered {min(set(statuses) - {200, 429})}; 200 or 429 is right"
    if statuses.count(200) > 2:
        return f"the limit is 2, and {statuses.count(200)} of {len(statuses)} were let through"
    if statuses.count(200) < min(2, len(statuses)):
        return f"the limit is 2, and only {statuses.count(200)} of {len(statuses)} was let through"
    return None


@check("lets two through, one after the other, and no third")
def alone(answer: Answer, seed: int) -> str:
    """Three in a row."""
    return explored(answer.make, [REQUEST] * 3, _rule, after={1: 0, 2: 1})


@check("lets no third one through, in any order", points=3)
def orders(answer: Answer, seed: int) -> str:
    """Every order of three, and of four."""
    explored(answer.make, [REQUEST] * 3, _rule)
    return explored(answer.make, [REQUEST] * 4, _rule)


EXERCISE = Exercise(
    id="08-repair-counter",
    title="A counter that all share",
    kind=Kind.REPAIR,
    answer="serve",
    story=STORY,
    stub=STUB,
    hints=(
        "Two requests may read the same number before either writes.",
        '"add" reads and writes in one step, and says what it came to.',
        "Count first, and then judge by the number that came back: up to 2 may pass.",
    ),
    lesson="08_rate_limiting.ipynb",
    checks=(alone, orders),
)
