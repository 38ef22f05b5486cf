"""06-what-to-resend: the failed rows, and those of which nothing was heard."""

from __future__ import annotations

from random import Random

from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check

PLACE = 2
FINAL, AGAIN = (200, 201, 400, 409, 422), (408, 429, 500, 502, 503, 504)
STORY = """
A chunk of rows was sent, and the answer has a result for each. What is sent again?

`again(rows, results)` returns the list of the rows to send once more, in their order. *rows* is a list of dicts
with an `id`; *results* a dict from id to status, or None when no answer came at all. A row without a result counts
as unheard. Each row has an id of its own that the server remembers, so sending it twice does no harm; but what is
done is done, and what is wrong stays wrong.
"""
STUB = """
def again(rows, results):
    raise NotImplementedError("return the rows to send once more")
"""


def _told(answer: Answer, statuses: list[int | None], heard: bool = True) -> list[int | None]:
    rows = [{"id": f"r{number}", "email": f"{number}@example.org"} for number in range(len(statuses))]
    results = {row["id"]: status for row, status in zip(rows, statuses, strict=True) if status is not None}
    told = answer.make(rows, results if heard else None)
    if not isinstance(told, list) or any(one not in rows for one in told):
        raise Failed(f"again returned {told!r}; a list of some of the rows is wanted"[:200])
    return [statuses[rows.index(one)] for one in told]


@check("leaves alone what is done and what is wrong")
def final(answer: Answer, seed: int) -> str:
    """2xx and 4xx."""
    for status in _told(answer, [*FINAL]):
        why = "it is done" if status in (200, 201) else "it will be refused for the same reason every time"
        raise Failed(f"a row with {status} is sent again: {why}")
    return ""


@check("sends again what may work next time")
def failed(answer: Answer, seed: int) -> str:
    """Busy, late and broken servers."""
    told = _told(answer, [*AGAIN])
    for status in AGAIN:
        if status not in told:
            raise Failed(f"a row with {status} is given up: it says nothing against the row, only about just now")
    return ""


@check("sends again what nothing was heard of")
def unheard(answer: Answer, seed: int) -> str:
    """No answer, and an answer that leaves a row out."""
    if len(_told(answer, [None, None], heard=False)) != 2:
        raise Failed("no answer came, and not all rows are sent again; a lost answer says nothing about any row")
    if _told(answer, [201, None, 201]) != [None]:
        raise Failed("an answer had no result for a row, and that row is not the one that is sent again")
    return ""


@check("brings every good row in, and sends little twice", points=2, seeds=3)
def imports(answer: Answer, seed: int) -> str:
    """500 rows in chunks of 100; 2 % busy each time, 1 % bad for good, one answer in ten lost."""
    rng = Random(seed)
    rows = [{"id": f"r{number}", "email": f"{number}@example.org"} for number in range(500)]
    bad = {row["id"] for row in rows if rng.random() < 0.01}
    done: set[str] = set()
    sent = 0
    for start in range(0, 500, 100):
        left = rows[start : start + 100]
        for _ in range(12):
            if not left:
                break
            sent += len(left)
            results = {}
            for row in left:
                busy = rng.random() < 0.02
                results[row["id"]] = 422 if row["id"] in bad else 503 if busy else 201
                if results[row["id"]] == 201:
                    done.add(row["id"])
            left = answer.make(left, None if rng.random() < 0.1 else results)
    if len(done) != 500 - len(bad):
        raise Failed(f"{500 - len(bad) - len(done)} good rows are still out after twelve tries")
    if sent > 900:
        raise Failed(f"{sent:,} rows were sent for 500; only what failed for now, or was not heard of, goes again")
    return f"{sent} rows sent for 500"


EXERCISE = Exercise(
    id="06-what-to-resend",
    title="What to send again",
    kind=Kind.IMPLEMENT,
    answer="again",
    story=STORY,
    stub=STUB,
    hints=(
        "Three groups: done, wrong for good, and everything else.",
        "429 is a 4xx and 408 is too, and both say: later.",
        "status is None or status in (408, 429) or status >= 500.",
    ),
    lesson="06_bulk_operations.ipynb",
    checks=(final, failed, unheard, imports),
)
