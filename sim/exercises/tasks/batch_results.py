"""06-batch-results: a result for each row, and no row twice."""

from __future__ import annotations

from typing import Any

from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check
from sim.exercises.played import Played, explored
from sim.http import Request, json_body
from sim.interleave import Ending

PLACE = 1
STORY = """
`POST /users/batch` takes `{"items": [{"id": "r1", "email": "ada@example.org"}, ...]}`. Some rows are bad, some
clients send a batch again because they heard nothing. Write the handler.

`batch(request)` is a generator with the commands of `02-idempotent-post`. It replies 207 with `{"results": [{"id":
..., "status": ...}, ...]}`, one for each item and in their order: **201** the user was made, **422** the email has
no `@`, **409** another row has that email. One bad row spoils no other. Sent again, an item gets the status that it
got before, and makes no second user: its `id` is the client's and says which it is. Users are `"insert"`ed into
`users` under their email.
"""
STUB = """
def batch(request):
    items = request.json()["items"]
    raise NotImplementedError("a result for each item")
    yield
"""


def _post(*items: tuple[str, str]) -> Request:
    rows = [{"id": name, "email": email} for name, email in items]
    return Request("POST", "/users/batch", "b1", {}, json_body({"items": rows}))


def _served(answer: Answer, *requests: Request) -> tuple[list[list[tuple[str, int]]], list[str]]:
    played, said = Played(answer.make), []
    for request in requests:
        reply: Any = None
        for command in played(request, 0.0):
            reply = getattr(command, "response", None) or reply
        if reply is None or reply.status != 207:
            raise Failed(f"a batch was answered {'not at all' if reply is None else reply.status}; 207 is right")
        results = reply.json().get("results")
        try:
            said.append([(str(one["id"]), int(one["status"])) for one in results])
        except (TypeError, KeyError, ValueError):
            raise Failed(f"results is {results!r}; a list of id and status is wanted"[:200]) from None
    return said, [key for key, _ in played.store.rows("users")]


@check("has a result for each item, in their order")
def each(answer: Answer, seed: int) -> str:
    """Three good ones."""
    said, users = _served(answer, _post(("r3", "c@x.org"), ("r1", "a@x.org"), ("r2", "b@x.org")))
    if said[0] != [("r3", 201), ("r1", 201), ("r2", 201)]:
        raise Failed(f"three good rows r3, r1, r2 were answered {said[0]}")
    if users != ["a@x.org", "b@x.org", "c@x.org"]:
        raise Failed(f"three good rows were answered 201, and the users are {users}")
    return ""


@check("lets one bad row spoil no other")
def bad(answer: Answer, seed: int) -> str:
    """A bad email, and one that is taken."""
    said, users = _served(answer, _post(("r1", "a@x.org"), ("r2", "nonsense"), ("r3", "a@x.org"), ("r4", "d@x.org")))
    if said[0] != [("r1", 201), ("r2", 422), ("r3", 409), ("r4", 201)]:
        raise Failed(f"good, no @, taken, good were answered {said[0]}; 201, 422, 409, 201 is right")
    if users != ["a@x.org", "d@x.org"]:
        raise Failed(f"good, no @, taken, good made the users {users}")
    return ""


@check("answers a repetition as before")
def repeats(answer: Answer, seed: int) -> str:
    """The same batch again, and an item of it in another batch."""
    batch = _post(("r1", "a@x.org"), ("r2", "nonsense"))
    said, _ = _served(answer, batch, batch, _post(("r1", "a@x.org"), ("r9", "i@x.org")))
    if said[1] != said[0]:
        raise Failed(
            f"the same batch was answered {said[1]} and not {said[0]}: an item that was made is found as taken by "
            "itself; remember the result by the item's id"
        )
    if said[2] != [("r1", 201), ("r9", 201)]:
        raise Failed(f"item r1 came again in another batch, and was answered {said[2][0]}")
    return ""


def _rule(ending: Ending) -> str | None:
    users = [key for key, _ in ending.service.store.rows("users")]  # type: ignore[attr-defined]
    for number, reply in enumerate(ending.replies):
        if reply is None:
            continue
        statuses = [one["status"] for one in reply.json()["results"]]
        if statuses != [201]:
            return f"request {number + 1} was told {statuses[0]} for its own user; 201 is right, twice or not"
        if users != ["a@x.org"]:
            return f"request {number + 1} was told 201, and the users are {users}"
    return None


@check("does so when two are under way, and when the process dies", points=3)
def orders(answer: Answer, seed: int) -> str:
    """Every order of two equal batches of one row; every point of death and a retry."""
    one = _post(("r1", "a@x.org"))
    explored(answer.make, [one, one], _rule, crashes=1, after={1: 0})
    return explored(answer.make, [one, one], _rule)


EXERCISE = Exercise(
    id="06-batch-results",
    title="A result for each row",
    kind=Kind.IMPLEMENT,
    answer="batch",
    story=STORY,
    stub=STUB,
    hints=(
        "Go through the items one by one; a bad one has its status and nothing else happens.",
        "The user and the record of its id belong together: one transaction that says False when either is there.",
        'When it says False, get "items" by the id: there, so answer as before; not there, so the email is taken.',
    ),
    lesson="06_bulk_operations.ipynb",
    checks=(each, bad, repeats, orders),
)
