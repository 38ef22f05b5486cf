"""09-inbox: an event that comes twice, and a consumer that dies."""

from __future__ import annotations

from sim.exercises.exercise import Answer, Exercise, Kind, check
from sim.exercises.played import explored
from sim.http import Request, json_body
from sim.interleave import Ending

PLACE = 4
STORY = """
`invoice.paid` adds 20 to a balance. The sender delivers it at least once: when our 200 is lost, it comes again. Our
process may die at any point, and then it comes again too.

`receive(request)` is a generator with the commands of `02-idempotent-post`. The event's id is
`request.headers["webhook-id"]`, what it is worth is `request.json()["amount"]`; book it with `"add", "balance",
"total", amount`. Answer 200 when it is booked, now or before. Once 200 was said it is booked, and never twice.
"""
STUB = """
def receive(request):
    raise NotImplementedError("book the event once, and answer 200")
    yield
"""


def _event(message: str = "msg_1") -> Request:
    return Request("POST", "/webhooks", message, {"webhook-id": message}, json_body({"amount": 20}))


def _rule(ending: Ending) -> str | None:
    total = dict(ending.service.store.rows("balance")).get("total", 0)  # type: ignore[attr-defined]
    if total > 20:
        return f"one event of 20 was booked as {total}: it was booked again"
    for number, reply in enumerate(ending.replies):
        if reply is not None and reply.status == 200 and total != 20:
            return f"delivery {number + 1} was told 200, and the event is not booked: it will never come again"
        if reply is None and not ending.died[number]:
            return f"delivery {number + 1} was not answered"
        if reply is not None and reply.status != 200:
            return f"delivery {number + 1} was answered {reply.status}; the sender would try for three days"
    return None


def _two(ending: Ending) -> str | None:
    total = dict(ending.service.store.rows("balance")).get("total", 0)  # type: ignore[attr-defined]
    return None if total == 40 else f"two events of 20 were booked as {total}; each id is an event of its own"


@check("books each event once")
def once(answer: Answer, seed: int) -> str:
    """Twice the same, and two different ones."""
    explored(answer.make, [_event(), _event("msg_2")], _two)
    return explored(answer.make, [_event()] * 3, _rule, after={1: 0, 2: 1})


@check("books it once when two deliveries meet", points=2)
def meet(answer: Answer, seed: int) -> str:
    """Every order of two, and of three."""
    explored(answer.make, [_event()] * 2, _rule)
    return explored(answer.make, [_event()] * 3, _rule)


@check("neither loses nor repeats it when the process dies", points=2)
def dies(answer: Answer, seed: int) -> str:
    """Every point of death; then the same with the next delivery, which comes only when no 200 was heard."""
    explored(answer.make, [_event()], _rule, crashes=1)
    return explored(answer.make, [_event()] * 2, _rule, crashes=1, after={1: 0})


EXERCISE = Exercise(
    id="09-inbox",
    title="An inbox",
    kind=Kind.IMPLEMENT,
    answer="receive",
    story=STORY,
    stub=STUB,
    hints=(
        "Record first and die: it is lost. Book first and die: it is booked again.",
        "The id and the booking are in one database: one transaction.",
        'yield "together", ("insert", "inbox", id, {}), ("add", ...) and then 200, whether it said True or False.',
    ),
    lesson="09c_webhook_consumers.ipynb",
    checks=(once, meet, dies),
)
