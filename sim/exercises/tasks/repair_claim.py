"""02-repair-claim: a handler that charges twice, and the provider that lets it."""

from __future__ import annotations

from sim.exercises.exercise import Answer, Exercise, Kind, check
from sim.exercises.played import explored
from sim.http import Request
from sim.interleave import Ending

PLACE = 2
STORY = """
This handler looks whether a payment is known, asks the provider to charge, and then writes it down. The provider
knows no keys: it charges as often as it is asked. Repair the order of things.

Its commands are those of `02-idempotent-post`, and `"charge", key`, which charges the card. Whoever finds a twin
under way answers 409. When the process dies in the middle, nobody may charge a second time: better a payment that
somebody must look into (409) than two.
"""
STUB = """
def pay(request):
    known = yield "get", "payments", request.key
    if known is not None:
        yield "reply", 201, known
        return
    yield "charge", request.key
    yield "put", "payments", request.key, {"state": "paid"}
    yield "reply", 201, {"state": "paid"}
"""
REQUEST = Request("POST", "/payments", "k1")


def _rule(ending: Ending) -> str | None:
    charges = len(ending.effects)
    if charges > 1:
        return f"the card was charged {charges} times for one payment"
    for number, reply in enumerate(ending.replies):
        if reply is None and not ending.died[number]:
            return f"request {number + 1} was not answered"
        if reply is not None and reply.status == 201 and not charges:
            return f"request {number + 1} was told 201, and the card was never charged"
        if reply is not None and reply.status not in (201, 409):
            return f"request {number + 1} was answered {reply.status}; 201 or 409 is right"
    return None


def _alone(ending: Ending) -> str | None:
    statuses = [reply.status if reply is not None else None for reply in ending.replies]
    if len(ending.effects) > 1:
        return f"the card was charged {len(ending.effects)} times for one payment, with no twin and no crash"
    if statuses != [201, 201]:
        return f"a payment and its later repetition were answered {statuses}; 201 both times is right"
    return None


@check("charges, and replays what was paid")
def works(answer: Answer, seed: int) -> str:
    """A request, and one more when the first has ended."""
    return explored(answer.make, [REQUEST, REQUEST], _alone, after={1: 0})


@check("charges once when two tries are under way", points=2)
def twins(answer: Answer, seed: int) -> str:
    """Every order of two; then of three."""
    explored(answer.make, [REQUEST] * 2, _rule)
    return explored(answer.make, [REQUEST] * 3, _rule)


@check("charges once wherever the process dies", points=2)
def crashes(answer: Answer, seed: int) -> str:
    """Every point of death, with a twin and with a retry."""
    explored(answer.make, [REQUEST] * 2, _rule, crashes=1, after={1: 0})
    return explored(answer.make, [REQUEST] * 2, _rule, crashes=1)


EXERCISE = Exercise(
    id="02-repair-claim",
    title="Charge after the claim",
    kind=Kind.REPAIR,
    answer="pay",
    story=STORY,
    stub=STUB,
    hints=(
        "Between the look and the charge another request may look as well.",
        'Claim before you charge, with what only one can do: "insert" says False to the second.',
        'A claim that says "started" is not "paid": answer 409, and never charge for it again.',
    ),
    lesson="02_idempotency.ipynb",
    checks=(works, twins, crashes),
)
