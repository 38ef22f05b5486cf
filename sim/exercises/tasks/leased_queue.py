"""05-leased-queue: a worker that loses jobs when it dies."""

from __future__ import annotations

from typing import Any

from sim.exercises.exercise import Answer, Exercise, Kind, check
from sim.exercises.played import Played, explored
from sim.http import Request
from sim.interleave import Ending

PLACE = 1
STORY = """
A job waits in the table `queue` under the key `"job"`, as `{"state": "waiting"}`. A worker takes it out, does it,
and counts the result: `"add", "results", "done", 1`. When the process dies in between, the job is gone, though its
client was told 202.

Repair `work(request)`: whatever happens, once a worker has come through, the job is done, and counted **once**. The
commands are those of `02-idempotent-post`. A worker that finds nothing to do answers 204, one that did it 200.
"""
STUB = """
def work(request):
    job = yield "get", "queue", "job"
    if job is None:
        yield "reply", 204, {}
        return
    yield "delete", "queue", "job"
    yield "add", "results", "done", 1
    yield "reply", 200, {"state": "done"}
"""
WORKER = Request("POST", "/worker", "w")


def _filled(handle: Any) -> Played:
    played = Played(handle)
    played.store.put("queue", "job", {"state": "waiting"})
    return played


def _rule(ending: Ending) -> str | None:
    done = dict(ending.service.store.rows("results")).get("done", 0)  # type: ignore[attr-defined]
    if done > 1:
        return f"the job was done and counted {done} times"
    if not all(ending.died) and not done:
        return "a worker came through, and the job was never done: it is lost"
    if any(reply is not None and reply.status == 200 for reply in ending.replies) and not done:
        return "a worker said 200, and the job was not done"
    for number, reply in enumerate(ending.replies):
        if reply is not None and reply.status not in (200, 204):
            return f"worker {number + 1} answered {reply.status}; 200 or 204 is right"
    return None


@check("does a job, and does it once")
def works(answer: Answer, seed: int) -> str:
    """Two workers one after the other."""
    return explored(answer.make, [WORKER] * 2, _rule, after={1: 0}, service=_filled)


@check("does it once when two workers meet", points=2)
def meet(answer: Answer, seed: int) -> str:
    """Every order of two, and of three."""
    explored(answer.make, [WORKER] * 2, _rule, service=_filled)
    return explored(answer.make, [WORKER] * 3, _rule, service=_filled)


@check("loses nothing when one dies", points=2)
def dies(answer: Answer, seed: int) -> str:
    """Every point of death; the next worker comes afterwards."""
    return explored(answer.make, [WORKER] * 2, _rule, crashes=1, after={1: 0}, service=_filled)


EXERCISE = Exercise(
    id="05-leased-queue",
    title="A job in the hand",
    kind=Kind.REPAIR,
    answer="work",
    story=STORY,
    stub=STUB,
    hints=(
        "What is taken out before it is done is in nobody's hand when the process dies.",
        "The end of the job and its result belong together: one transaction.",
        'Two workers may be at it. "replace" says False to the second: waiting becomes done, together with the count.',
    ),
    lesson="05_async_operations.ipynb",
    checks=(works, meet, dies),
)
