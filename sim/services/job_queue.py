"""Where an accepted job waits for a worker, and what a crash makes of it.  A 202 is a promise.

| queue | the process dies with the job in hand | the work is slower than the lease |
|---|---|---|
| `InMemory` | every accepted job is lost | - |
| `TakeAndDelete` | that job is lost | - |
| `Leased` | done again, perhaps twice | done twice |
| `LeasedOnce` | done again, its effect once | its effect once |

`POST /jobs` takes the job that the request's key names, and says 202.  `POST /worker` is one turn of a worker: take a
job, work, write the result.  The result is a row in the same database, which is what makes "once" possible.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Protocol, TypeVar

import attrs

from sim.flow import Effect, HandlerFlow, Reply, Step, Work
from sim.http import Request, Response, json_response
from sim.knobs import knob
from sim.policies.http.problem import problem
from sim.services.routes import Routes
from sim.store import Store, Transaction, transaction

QUEUE, RESULTS = "queued jobs", "results"
ACCEPT, TAKE, WORKED, WRITE = "accept the job", "take the job", "work on it", "write the result"
DELETE = "delete the job"

T = TypeVar("T")


class JobQueue(Protocol):
    """Where jobs wait."""

    def accept(self, jobs: Jobs, request: Request, now: float) -> Generator[Step, float, None]:
        """Keep the job that *request* names."""
        ...

    def turn(self, jobs: Jobs, request: Request, now: float) -> HandlerFlow:
        """Take one job, if there is one, and do it."""
        ...


@attrs.frozen
class InMemory:
    """A list in the process: quick, and gone with it, after the client was told 202."""

    def accept(self, jobs: Jobs, request: Request, now: float) -> Generator[Step, float, None]:
        """Append."""
        if request.key not in jobs.memory:
            jobs.memory.append(request.key)
        yield Step(ACCEPT)

    def turn(self, jobs: Jobs, request: Request, now: float) -> HandlerFlow:
        """Pop, work, write."""
        if not jobs.memory:
            return
        job = jobs.memory.pop(0)
        yield Step(TAKE)
        yield Work()
        yield Step(WORKED)
        jobs.store.put(RESULTS, job, {})
        yield Effect(job)
        yield Step(WRITE)


@attrs.frozen
class _Durable:
    """A row for each job."""

    def accept(self, jobs: Jobs, request: Request, now: float) -> Generator[Step, float, None]:
        """Insert, under the job's own key: a repeated POST is the same job."""
        yield from _write(jobs.store, request, lambda tx: tx.insert(QUEUE, request.key, {"taken": None}))
        yield Step(ACCEPT)


@attrs.frozen
class TakeAndDelete(_Durable):
    """Delete the row and do the job: whoever dies in between takes the job along."""

    def turn(self, jobs: Jobs, request: Request, now: float) -> HandlerFlow:
        """Look, delete, work, write."""
        waiting = jobs.store.rows(QUEUE)
        yield Step("look into the queue")
        for job, _ in waiting:
            taken = yield from _write(jobs.store, request, _deletion(job))
            yield Step(TAKE)
            if taken:
                yield Work()
                yield Step(WORKED)
                yield from _write(jobs.store, request, _result(job))
                yield Effect(job)
                yield Step(WRITE)
                return


@attrs.frozen(kw_only=True)
class Leased(_Durable):
    """Take the job for *lease* seconds: whoever comes after that may take it again.

    Nothing is lost.  Done twice is what dies between the result and the end of the lease, and what takes longer than
    the lease: at least once.
    """

    lease: float = knob(30.0, low=0, high=86_400, unit="s", help="how long a taken job is left alone")

    def turn(self, jobs: Jobs, request: Request, now: float) -> HandlerFlow:
        """Look, take, work, write, delete."""
        job = yield from self.take(jobs, request, now)
        if job is None:
            return
        yield Work()
        yield Step(WORKED)
        yield from _write(jobs.store, request, _result(job))
        yield Effect(job)
        yield Step(WRITE)
        yield from _write(jobs.store, request, _deletion(job))
        yield Step(DELETE)

    def take(self, jobs: Jobs, request: Request, now: float) -> Generator[Step, float, str | None]:
        """A job that nobody has taken lately, by compare-and-set; None when there is none."""
        waiting = jobs.store.rows(QUEUE)
        yield Step("look into the queue")
        for job, row in waiting:
            if row["taken"] is not None and now - row["taken"] < self.lease:
                continue
            taken = yield from _write(jobs.store, request, _lease(job, row, now))
            yield Step(TAKE)
            if taken:
                return job
        return None


@attrs.frozen(kw_only=True)
class LeasedOnce(Leased):
    """The same, with the result and the job's end in one transaction: done as often as it takes, written once."""

    def turn(self, jobs: Jobs, request: Request, now: float) -> HandlerFlow:
        """Look, take, work; begin, delete the job, write, commit."""
        job = yield from self.take(jobs, request, now)
        if job is None:
            return
        yield Work()
        yield Step(WORKED)
        tx = yield from transaction(jobs.store, request)
        mine = tx.delete(QUEUE, job)  # False when somebody else has written the result meanwhile
        yield Step(DELETE)
        if mine:
            tx.put(RESULTS, job, {})
            yield Step(WRITE)
        tx.commit()
        if mine:
            yield Effect(job)
        yield Step("commit")


def _write(store: Store, request: Request, change: Callable[[Transaction], T]) -> Generator[Step, float, T]:
    """One *change* in a transaction of its own: it waits for those of others."""
    tx = yield from transaction(store, request)
    changed = change(tx)
    tx.commit()
    return changed


def _deletion(job: str) -> Callable[[Transaction], bool]:
    return lambda tx: tx.delete(QUEUE, job)


def _result(job: str) -> Callable[[Transaction], None]:
    return lambda tx: tx.put(RESULTS, job, {})


def _lease(job: str, row: Any, now: float) -> Callable[[Transaction], bool]:
    return lambda tx: tx.replace(QUEUE, job, row, {"taken": now})


class Jobs:
    """The service.  *memory*: what its process keeps beside the *store*."""

    def __init__(self, store: Store, queue: JobQueue) -> None:
        self.store = store
        self.queue = queue
        self.memory: list[str] = []
        self._routes = Routes({"POST /jobs": self._accept, "POST /worker": self._turn})

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve *request*."""
        return self._routes(request, now)

    def died(self, request: Request) -> None:
        """The process is dead: its memory is gone, and what it had not committed is undone."""
        self.memory.clear()
        self.store.died(request)

    def _accept(self, request: Request, now: float) -> HandlerFlow:
        if not request.key:
            yield Reply(problem(422, "a job must have a key"))
            return
        yield from self.queue.accept(self, request, now)
        yield Reply(json_response({"status": "queued"}, 202, {"Location": f"/jobs/{request.key}"}))

    def _turn(self, request: Request, now: float) -> HandlerFlow:
        yield from self.queue.turn(self, request, now)
        yield Reply(Response(204))
