"""Jobs: how a client learns that slow work is done, and what it costs both sides until then."""

from __future__ import annotations

import hashlib
import math
from random import Random
from typing import Annotated, Any

import attrs

from sim.flow import CallFlow, HandlerFlow, Note, Reply, RetryRule, Send, Wait
from sim.http import Request, Response
from sim.knobs import Knob
from sim.laws import Constant, LogNormal, Uniform
from sim.outcome import Outcome
from sim.policies import Exponential as Doubling
from sim.policies import Fixed, Retry
from sim.policies.jobs.job import Job, JobRules
from sim.policies.jobs.polling import AwaitCallback, PollJob
from sim.scenario import Clients, Network, Scenario, Server, story
from sim.services.reports import ReportLaw, Reports
from sim.store import MemoryStore
from sim.workload import Poisson

_RATE = Knob(above=0, high=1_000, unit="reports/s", help="reports that are asked for")
_SECONDS = Knob(above=0, high=3_600, unit="s", help="the usual time that a report takes")
_HORIZON = Knob(above=0, high=86_400, unit="s", help="when nobody asks for reports any more")


@attrs.frozen
class HoldConnection:
    """A client that wants its report in the answer, however long that takes, and tries again when it times out."""

    retry: RetryRule = attrs.field(factory=lambda: Retry(Fixed(1.0), attempts=6))

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """The flow of one report: the POST without `Prefer: respond-async`, again and again with one key."""
        headers = {name: value for name, value in request.headers.items() if name != "Prefer"}
        request, began, attempt, previous = attrs.evolve(request, headers=headers), now, 0, 0.0
        outcome: Outcome
        while True:
            attempt += 1
            now, outcome = yield Send(attempt, request)
            if outcome.ok:
                made = (outcome.document() or {}).get("madeAt", now)
                yield Note("known", f"{now - made:.6f}")
                return outcome
            wait = self.retry.wait(attempt, outcome, now - began, previous, rng)
            if wait is None:
                return outcome
            now, previous = (yield Wait(wait)), wait


@attrs.frozen(kw_only=True)
class ReportsThatTell:
    """The reports, and beside them the clients' inboxes: where a callback arrives *delay* after the end, or is lost.

    The inbox stands for an endpoint of the client's own.  Looking into it is a request here only because a flow can
    wait for nothing else; it is no load on the server and is counted as no poll.
    """

    reports: Reports
    loss: float = 0.0
    delay: float = 0.5

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve one request to the reports, or one look into an inbox."""
        if not request.resource.startswith("/inbox/"):
            yield from self.reports(request, now)
            return
        ident = request.resource.removeprefix("/inbox/")
        record = self.reports.store.get("jobs", ident)
        job = None if record is None else Job.from_document(record["job"])
        if job is None or now < job.settles + self.delay or _share(ident) < self.loss:
            yield Reply(Response(204))
            return
        # A callback carries the document that the status resource would answer.
        yield Reply(JobRules(keep=math.inf).status(job, f"/reports/{ident}", now))


def inbox_of(monitor: Request) -> Request:
    """Where the callback for a job arrives, given the request that asks for its status."""
    return attrs.evolve(monitor, path=monitor.path.replace("/jobs/", "/inbox/"))


@story
def slow_job(
    *,
    rate: Annotated[float, _RATE] = 0.5,
    seconds: Annotated[float, _SECONDS] = 40.0,
    workers: Annotated[int, Knob(low=1, high=10_000, unit="workers", help="requests served at once")] = 20,
    timeout: Annotated[float, Knob(above=0, high=3_600, unit="s", help="how long a connection is held")] = 30.0,
    interval: Annotated[float, Knob(above=0, high=3_600, unit="s", help="of the fixed polls and the fallback")] = 5.0,
    wrong: Annotated[float, Knob(low=0, high=0.9, help="how far the server's estimate is off, at most")] = 0.3,
    horizon: Annotated[float, _HORIZON] = 240.0,
) -> Scenario:
    """Reports take a minute: hold the connection, poll by a clock, poll ever more slowly, poll when told, or be told.

    Held connections take up the workers until nobody else is served, and the longer ones time out and come back.  A
    fixed poll learns of the end half an interval late and asks all the time; the server's hint asks a few times; a
    callback asks not at all.  Left out: who makes the reports, as many at once as there are.
    """
    schedules: dict[str, Any] = {
        "hold": HoldConnection(),
        "poll-fixed": PollJob(Fixed(interval)),
        "poll-exponential": PollJob(Doubling(base=1.0, cap=60.0)),
        "poll-hinted": PollJob(Fixed(interval), hinted=True),
        "callback": AwaitCallback(inbox_of, patience=600.0, fallback=PollJob(Fixed(interval))),
    }
    law = ReportLaw(seconds=LogNormal(median=seconds, sigma=0.5), bias=Uniform(1.0 - wrong, 1.0 + wrong))
    return _world(schedules, law=law, rate=rate, workers=workers, timeout=timeout, horizon=horizon)


@story
def job_callback(
    *,
    rate: Annotated[float, _RATE] = 1.0,
    seconds: Annotated[float, _SECONDS] = 20.0,
    loss: Annotated[float, Knob(low=0, high=1, help="share of the callbacks that are lost")] = 0.1,
    patience: Annotated[float, Knob(above=0, high=3_600, unit="s", help="until a client asks by itself")] = 60.0,
    interval: Annotated[float, Knob(above=0, high=3_600, unit="s", help="of the polls")] = 5.0,
    failure: Annotated[float, Knob(low=0, high=1, help="share of the reports that fail")] = 0.0,
    horizon: Annotated[float, _HORIZON] = 200.0,
) -> Scenario:
    """Some callbacks are lost: a client that has nothing else never learns of its report, one that polls late does.

    The share that is never known is the share that is lost.  The fallback makes it none, for one or two polls per
    lost callback, and still saves nearly all the polls of a client that has no callback at all.
    """
    told = AwaitCallback(inbox_of, patience=patience, fallback=None)
    schedules: dict[str, Any] = {
        "callback": told,
        "callback-and-poll": attrs.evolve(told, fallback=PollJob(Fixed(interval))),
        "poll-fixed": PollJob(Fixed(interval)),
    }
    law = ReportLaw(seconds=Uniform(0.5 * seconds, 1.5 * seconds), failure=failure)
    return _world(schedules, law=law, rate=rate, loss=loss, horizon=horizon)


def _world(
    schedules: dict[str, Any],
    *,
    law: ReportLaw,
    rate: float,
    horizon: float,
    workers: float = math.inf,
    timeout: float = 30.0,
    loss: float = 0.0,
) -> Scenario:
    """Clients that each want one report, and learn of its end in one of several ways."""

    def make() -> ReportsThatTell:
        reports = Reports(MemoryStore(), law=law, rules=JobRules(shortest=1.0, longest=60.0), work=0.02)
        return ReportsThatTell(reports=reports, loss=loss)

    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=timeout),
        network=Network(request_delay=Constant(0.02), reply_delay=Constant(0.02)),
        server=Server(workers=workers, queue=100, make_handler=make),
        horizon=horizon,
        policies=tuple(schedules),
        contestants=schedules,
        request=lambda call, client, u: Request(
            "POST",
            "/reports",
            str(call),
            headers={"Idempotency-Key": f"{call} {u!r}", "Prefer": "respond-async", "Authorization": str(client)},
            body=b'{"title":"Sales","callbackUrl":"https://client.example.com/done"}',
        ),
        figures={
            "polls per job": lambda trace: _count(trace, "poll") / max(1, len(trace.calls)),
            "seconds to know": _seconds_to_know,
            "timeouts": lambda trace: float(sum(map(_timed_out, trace.attempts.column("status")))),
            "never known": lambda trace: 1.0 - _count(trace, "known") / max(1, len(trace.calls)),
            "held seconds per job": _held,
        },
        columns=("calls", "ok", "polls per job", "seconds to know", "timeouts", "never known", "held seconds per job"),
    )


def _count(trace: Any, kind: str) -> int:
    return sum(mark.kind == kind for mark in trace.marks)


def _seconds_to_know(trace: Any) -> float:
    """Mean time from the end of a job to the instant at which its client knows."""
    late = [float(mark.note) for mark in trace.marks if mark.kind == "known" and mark.note]
    return sum(late) / len(late) if late else math.nan


def _timed_out(status: float) -> bool:
    return status != status


def _held(trace: Any) -> float:
    """Seconds that the server worked on the requests of one job, or kept them open."""
    columns = (trace.attempts.column(name) for name in ("started", "finished"))
    spans = [finished - started for started, finished in zip(*columns, strict=True) if finished == finished]
    return float(sum(spans)) / max(1, len(trace.calls))


def _share(ident: str) -> float:
    """A number from 0 to 1 that follows from the job: whether its callback is lost."""
    return (int.from_bytes(hashlib.blake2b(f"callback {ident}".encode(), digest_size=8).digest()) >> 11) / 2**53
