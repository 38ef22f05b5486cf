"""Bulk: ten thousand rows for a batch endpoint, what one bad row does to all, and a batch that outgrows its timeout."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from random import Random
from typing import Annotated, Any

import attrs

from sim.http import Request, json_body
from sim.knobs import Knob
from sim.laws import Constant
from sim.policies import Fixed, Retry
from sim.policies.batches.batch import BatchRules
from sim.policies.batches.bulk import BulkImport
from sim.policies.batches.jobs import BulkJob
from sim.policies.jobs.polling import PollJob
from sim.scenario import Clients, Network, Scenario, Server, story
from sim.services.users_batch import UsersBatch
from sim.store import MemoryStore
from sim.workload import AllAtOnce

_BAD = Knob(low=0, high=1, help="share of the rows that can never be taken")
_DELAY = Knob(low=0, high=60, unit="s", help="one way over the network")


@story
def bulk_import(
    *,
    rows: Annotated[int, Knob(low=1, high=100_000, unit="rows", help="rows of each import")] = 500,
    imports: Annotated[int, Knob(low=1, high=1_000, unit="clients", help="clients that import at once")] = 2,
    chunk: Annotated[int, Knob(low=1, high=1_000, unit="rows", help="rows in one request")] = 100,
    busy: Annotated[float, Knob(low=0, high=0.9, help="share of the rows that fail for now, at each try")] = 0.02,
    bad: Annotated[float, _BAD] = 0.004,
    delay: Annotated[float, _DELAY] = 0.025,
    reply_loss: Annotated[float, Knob(low=0, high=0.9, help="share of the answers that are lost")] = 0.01,
) -> Scenario:
    """Clients import rows: one by one, in chunks that are all sent again, or only what failed, or all or nothing.

    One by one costs a round trip a row.  A chunk in which two rows in a hundred are busy is hardly ever atomic at
    first, and each try throws everything away.  With a result for each row only the failed ones go again.  What a
    lost answer leaves open is sent again as well, and the `clientId` keeps it from being taken twice.  The course's
    10,000 rows are scaled down to 500.
    """
    retry = Retry(Fixed(0.5), attempts=8)
    clients = {
        "one-by-one": BulkImport(chunk=1, retry=retry),
        "chunks-all-again": BulkImport(chunk=chunk, failed_only=False, retry=retry),
        "chunks-failed-only": BulkImport(chunk=chunk, retry=retry),
        "chunks-atomic": BulkImport(chunk=chunk, atomic=True, retry=retry),
    }
    return Scenario(
        arrivals=AllAtOnce(clients=imports),
        clients=Clients(timeout=5.0),
        network=Network(request_delay=Constant(delay), reply_delay=Constant(delay), reply_loss=reply_loss),
        server=Server(workers=8, make_handler=lambda: _endpoint(busy)),
        policies=tuple(clients),
        contestants=clients,
        request=lambda call, client, u: _import(rows, bad, call, u),
        figures={
            "round trips": lambda trace: len(trace.attempts) / imports,
            "rows sent": lambda trace: _sent(trace) / imports,
            "rows created": lambda trace: len(trace.ledger) / imports,
            "rows created twice": lambda trace: float(len(trace.ledger) - len({entry.key for entry in trace.ledger})),
        },
        columns=("calls", "round trips", "rows sent", "rows created", "rows created twice", "drain_seconds"),
    )


@story
def atomic_batch(
    *,
    batches: Annotated[int, Knob(low=1, high=10_000, unit="batches", help="one of each client")] = 100,
    rows: Annotated[int, Knob(low=1, high=1_000, unit="rows", help="in one batch")] = 50,
    bad: Annotated[float, _BAD] = 0.01,
    delay: Annotated[float, _DELAY] = 0.025,
) -> Scenario:
    """Batches with a few bad rows: all or nothing, or row by row, or all or nothing once the bad ones are out.

    With n rows of which each is bad with probability p an atomic batch succeeds with (1 - p)**n: the more rows, the
    surer it fails.  One that names every bad row at once succeeds at the second try.
    """
    clients = {
        "atomic": BulkImport(chunk=rows, atomic=True, retry=Retry.never()),
        "atomic-without-the-bad": BulkImport(chunk=rows, atomic=True, retry=Retry(Fixed(0.5), attempts=2)),
        "partial": BulkImport(chunk=rows, retry=Retry.never()),
    }
    return Scenario(
        arrivals=AllAtOnce(clients=batches),
        clients=Clients(timeout=math.inf),
        network=Network(request_delay=Constant(delay), reply_delay=Constant(delay)),
        server=Server(workers=8, make_handler=lambda: _endpoint(0.0)),
        policies=tuple(clients),
        contestants=clients,
        request=lambda call, client, u: _import(rows, bad, call, u),
        figures={
            "share of batches taken": lambda trace: trace.calls.column("ok").count(1.0) / len(trace.calls),
            "share of rows created": lambda trace: len(trace.ledger) / (batches * rows),
            "round trips": lambda trace: len(trace.attempts) / len(trace.calls),
        },
        columns=("calls", "share of rows created", "share of batches taken", "round trips"),
    )


@story
def outgrown_batch(
    *,
    rows: Annotated[int, Knob(low=1, high=10_000, unit="rows", help="rows of each import")] = 1_000,
    imports: Annotated[int, Knob(low=1, high=1_000, unit="clients", help="clients that import at once")] = 2,
    chunk: Annotated[int, Knob(low=1, high=10_000, unit="rows", help="in one request of the one who cuts")] = 200,
    row_seconds: Annotated[float, Knob(low=0, high=10, unit="s", help="work for one row")] = 0.01,
    timeout: Annotated[float, Knob(above=0, high=3_600, unit="s", help="of one request")] = 5.0,
    delay: Annotated[float, _DELAY] = 0.025,
) -> Scenario:
    """A batch takes longer than its client waits: sent whole again and again, in chunks, or as a job that is asked for.

    The server does the work each time, down to the last row; only the answer comes too late.  Rows that are known
    again by their `clientId` are not created twice, and the client still gives up on an import that is long done.
    Chunks that fit end it, and so does a 202, which needs one request and a few questions whatever the size.
    """
    retry = Retry(Fixed(0.5), attempts=4)
    clients = {
        "one-request": BulkImport(chunk=rows, retry=retry),
        "chunks": BulkImport(chunk=chunk, retry=retry),
        "job": BulkJob(PollJob(Fixed(1.0), hinted=True, retry=retry)),
    }
    return Scenario(
        arrivals=AllAtOnce(clients=imports),
        clients=Clients(timeout=timeout),
        network=Network(request_delay=Constant(delay), reply_delay=Constant(delay)),
        server=Server(workers=8, make_handler=lambda: _endpoint(0.0, work_per_item=row_seconds, most=10_000)),
        policies=tuple(clients),
        contestants=clients,
        request=lambda call, client, u: _import(rows, 0.0, call, u),
        figures={
            "imports known done": lambda trace: sum(trace.calls.column("ok")),
            "imports done": lambda trace: len(trace.ledger) / rows,
            "round trips": lambda trace: len(trace.attempts) / imports,
            "rows sent": lambda trace: _sent(trace) / imports,
            "worker seconds": lambda trace: _worked(trace) / imports,
        },
        columns=("calls", "imports known done", "imports done", "round trips", "worker seconds", "drain_seconds"),
    )


def _endpoint(busy: float, *, work_per_item: float = 0.0002, most: int = 1_000) -> UsersBatch:
    """The batch endpoint: 5 ms for a request, 0.2 ms for a row in it, and rows that are *busy* now and then."""
    rules = BatchRules(max_items=most)
    return UsersBatch(MemoryStore(), rules=rules, unavailable=_Busy(busy), work=0.005, work_per_item=work_per_item)


@attrs.define
class _Busy:
    """Tells of a row whether it fails this time; a try after the other, each with the same chance."""

    share: float
    tries: Counter[str] = attrs.field(init=False, factory=Counter)

    def __call__(self, email: str) -> bool:
        """Whether the row with this *email* is busy at this try."""
        if not self.share:
            return False
        self.tries[email] += 1
        digest = hashlib.blake2b(f"{email} {self.tries[email]}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) < self.share * 2**64


def _import(rows: int, bad: float, call: int, u: float) -> Request:
    """One import: its rows follow from *u*, so that every client meets the same ones."""
    rng = Random(u)
    items = [
        {
            "clientId": f"row {row}",
            "email": f"user{row}.{rng.getrandbits(40):x}@example.com",
            "name": "" if rng.random() < bad else "Ada",
        }
        for row in range(rows)
    ]
    headers = {"Authorization": f"client {call}"}
    return Request("POST", "/users/batch", str(call), headers, json_body({"mode": "partial", "items": items}))


def _sent(trace: Any) -> float:
    return float(sum(int(mark.note) for mark in trace.marks if mark.kind == "sent"))


def _worked(trace: Any) -> float:
    """Seconds that workers spent on the requests."""
    columns = (trace.attempts.column(name) for name in ("started", "finished"))
    return float(sum(finished - started for started, finished in zip(*columns, strict=True) if finished == finished))
