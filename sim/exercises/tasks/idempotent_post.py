"""02-idempotent-post: one payment, however often it is asked for and wherever the process dies."""

from __future__ import annotations

from typing import Any

from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check
from sim.exercises.played import Played, explored
from sim.http import Request, json_body
from sim.interleave import Ending

PLACE = 1
STORY = """
`POST /payments` takes money out of a wallet that is kept in our own database. Clients try again when they hear
nothing, two tries may be under way at once, and the process may die at any point. Take the money **once**.

`pay(request)` is a generator over a store. It yields what is to be done, and is sent what came of it:

| yield | is sent |
|---|---|
| `"get", table, key` | the document, or None |
| `"insert", table, key, document` | True; False when the key is taken |
| `"replace", table, key, expected, document` | True; False when it is not as expected |
| `"put", table, key, document` | None |
| `"delete", table, key` | True; False when it is not there |
| `"add", table, key, amount` | the new total |
| `"together", (...), (...)` | one transaction of the writes above: True, or False and nothing is written |
| `"reply", status, document` | None; the client has its answer |

The request has `request.key` (the idempotency key), `request.headers["Caller"]`, and `request.json()["amount"]`.
The money is taken by adding minus the amount to `"wallets", caller`. Answer 201 with `{"amount": amount}`, to a
repetition the same again; 422 when a key comes again with another amount. Two callers may use the same key.
"""
STUB = """
def pay(request):
    raise NotImplementedError("yield what is to be done; see the table")
    yield
"""


def _post(amount: int = 20, caller: str = "ada", key: str = "k1") -> Request:
    return Request("POST", "/payments", key, {"Caller": caller}, json_body({"amount": amount}))


def _alone(answer: Answer, *requests: Request) -> tuple[list[Any], dict[str, int]]:
    """The requests one after another: their answers, and what is in the wallets."""
    served = Played(answer.make)
    said: list[Any] = []
    for request in requests:
        found = None
        for command in served(request, 0.0):
            response = getattr(command, "response", None)
            if response is not None and found is None:
                found = (response.status, response.json())
        said.append(found)
    return said, {caller: int(total) for caller, total in served.store.rows("wallets")}


def _once(ending: Ending) -> str | None:
    total = dict(ending.service.store.rows("wallets")).get("ada", 0)  # type: ignore[attr-defined]
    paid = any(reply is not None and reply.status == 201 for reply in ending.replies)
    if total < -20:
        return f"the wallet paid {-total} for one payment of 20"
    if paid and total != -20:
        return "the client was told 201, and nothing was taken: the record must not be there without the money"
    last = ending.replies[-1]
    if not ending.died[-1] and (last is None or last.status not in (201, 409)):
        return f"the last try was answered {'not at all' if last is None else last.status}; 201 or 409 is right"
    if not ending.died[-1] and last is not None and last.status == 409 and total == 0 and any(ending.died):
        return (
            "the first try died, nothing was taken, and every later one is told 409: its claim locks the key for ever"
        )
    return None


@check("takes the money and says so")
def pays(answer: Answer, seed: int) -> str:
    """One request."""
    said, wallets = _alone(answer, _post())
    if said != [(201, {"amount": 20})]:
        raise Failed(f'a payment of 20 was answered {said[0]} and not (201, {{"amount": 20}})')
    if wallets != {"ada": -20}:
        raise Failed(f"a payment of 20 by ada left the wallets {wallets}; -20 for ada is right")
    return ""


@check("answers a repetition as before, and takes nothing")
def repeats(answer: Answer, seed: int) -> str:
    """Three times the same."""
    said, wallets = _alone(answer, _post(), _post(), _post())
    if wallets.get("ada") != -20:
        raise Failed(f"the same payment of 20 was asked for three times, and the wallet paid {-wallets.get('ada', 0)}")
    if set(map(str, said)) != {str((201, {"amount": 20}))}:
        raise Failed(f"a repetition was answered {said[1]}; the same answer as the first is right")
    return ""


@check("refuses a key that comes with another amount")
def other_amount(answer: Answer, seed: int) -> str:
    """20, and then 30 under the same key."""
    said, wallets = _alone(answer, _post(20), _post(30))
    if said[1] is None or said[1][0] != 422:
        raise Failed(
            f"20, and then 30 under the same key, was answered {said[1]}; a replay would tell a client that 30 were "
            "paid: 422"
        )
    if wallets != {"ada": -20}:
        raise Failed(f"20, and then 30 under the same key, left the wallets {wallets}")
    return ""


@check("knows whose key it is")
def scope(answer: Answer, seed: int) -> str:
    """Ada's k1 and Bob's k1."""
    said, wallets = _alone(answer, _post(), _post(caller="bob"))
    if wallets != {"ada": -20, "bob": -20} or said[1] is None or said[1][0] != 201:
        raise Failed(f"ada and bob both used the key k1, and the wallets are {wallets}: scope the key by its caller")
    return ""


@check("takes it once when two tries are under way", points=2)
def together(answer: Answer, seed: int) -> str:
    """Every order of two equal requests."""
    return explored(answer.make, [_post(), _post()], _once)


@check("takes it once wherever the process dies", points=2)
def crashes(answer: Answer, seed: int) -> str:
    """Every point of death, and a retry."""
    return explored(answer.make, [_post(), _post()], _once, crashes=1, after={1: 0})


EXERCISE = Exercise(
    id="02-idempotent-post",
    title="A POST that pays once",
    kind=Kind.IMPLEMENT,
    answer="pay",
    story=STORY,
    stub=STUB,
    hints=(
        "What must never be there without the other: the money taken, and the record of it.",
        "One transaction: insert the record under caller and key, add to the wallet. It says False when it was there.",
        "When it says False, get the record: the same amount is answered as before, another with 422. The key of the "
        'record is f"{caller}/{request.key}".',
    ),
    lesson="02_idempotency.ipynb",
    checks=(pays, repeats, other_amount, scope, together, crashes),
)
