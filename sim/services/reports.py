"""Reports: jobs that take minutes, with percent, an estimate, a failure that says whether to try again, and a cancel.

How long a report takes and whether it fails follow from its id alone, so that a run can be repeated and no process
has to be there while it is made: what a status says is computed from the plan in the store and from `now`.
"""

from __future__ import annotations

import hashlib
from typing import Any

import attrs

from sim.flow import Effect, HandlerFlow, Reply, Step, Work
from sim.http import BODY_LIMIT, Request, Response, json_response, read_json
from sim.knobs import knob
from sim.laws import Constant, Law
from sim.policies.http.problem import FieldError, problem
from sim.policies.jobs.callback import check_callback
from sim.policies.jobs.job import Job, JobRules, State, too_late
from sim.services.routes import Routes
from sim.store import Store

TITLE_LIMIT = 200
"""Characters of the longest title of a report."""
KEY_LIMIT = 255
"""Characters of the longest Idempotency-Key that is taken."""


@attrs.frozen(kw_only=True)
class ReportLaw:
    """How the work goes: *seconds* of it, *wait* in the queue, and which share of the reports fails.

    *failure*: share that fails; of these *retryable* is the share that may succeed when asked for again.  *bias*: the
    law of the factor by which a server's estimate is wrong.  *stopping*: seconds until a cancel is noticed.
    """

    seconds: Law = attrs.field(factory=lambda: Constant(60.0))
    wait: Law = attrs.field(factory=lambda: Constant(0.0))
    bias: Law = attrs.field(factory=lambda: Constant(1.0))
    failure: float = knob(0.0, low=0, high=1, help="share of the reports that fail")
    retryable: float = knob(0.5, low=0, high=1, help="share of the failures that may succeed the next time")
    stopping: float = knob(2.0, low=0, unit="s", help="until running work notices a cancel")

    def plan(self, ident: str, *, owner: str, now: float, callback: str | None) -> Job:
        """The job *ident*, asked for at *now*: the same plan for the same id."""
        fails = _share(ident, "fails") < self.failure
        retryable = _share(ident, "retryable") < self.retryable
        why = "the report could not be made in time" if retryable else "there is no data for this report"
        return Job(
            ident=ident,
            created=now,
            seconds=self.seconds.quantile(_share(ident, "seconds")),
            wait=self.wait.quantile(_share(ident, "wait")),
            failure=why if fails else None,
            fails_at=_share(ident, "fails at"),
            retryable=fails and retryable,
            stopping=self.stopping,
            bias=max(0.01, self.bias.quantile(_share(ident, "bias"))),
            owner=owner,
            callback=callback,
        )


class Reports:
    """`POST /reports`, and for the job that it starts `GET` and `DELETE /jobs/{id}` and `GET /reports/{id}`.

    With `Prefer: respond-async` (RFC 7240 §4.1) a report is a job: 202 at once.  Without it the server holds the
    connection until the report is made: what the job is there to avoid.  An `Idempotency-Key` makes a repeated POST
    the same job; the caller is whoever the `Authorization` header says, and nobody sees another one's jobs.

    *law*: how the work goes.  *rules*: how the server talks about it.  *work*: seconds that an answer takes.
    """

    def __init__(
        self, store: Store, *, law: ReportLaw | None = None, rules: JobRules | None = None, work: float = 0.0
    ) -> None:
        self.store = store
        self._law, self._rules, self._work = law or ReportLaw(), rules or JobRules(), Work(work)
        self._routes = Routes(
            {
                "POST /reports": self._create,
                "GET /reports/{ident}": self._result,
                "GET /jobs/{ident}": self._status,
                "DELETE /jobs/{ident}": self._cancel,
            }
        )

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve one request."""
        return self._routes(request, now)

    def _create(self, request: Request, now: float) -> HandlerFlow:
        checked = _checked(request)
        if isinstance(checked, Response):
            yield Reply(checked)
            return
        title, callback, key = checked
        now = yield self._work
        owner = _caller(request)
        if key is None:
            number = self.store.add("counters", "reports")
            now = yield Step("count a report")
            key = f"report {number}"
        else:
            key = f"key {key}"
        job = self._law.plan(_ident(owner, key), owner=owner, now=now, callback=callback)
        record = {"job": job.document(), "asked": [title, callback]}
        fresh = self.store.insert("jobs", job.ident, record)
        now = yield Step("insert the job")
        if fresh:
            yield Effect(job.ident)
        else:
            record = self.store.get("jobs", job.ident)
            now = yield Step("read the job")
            if record["asked"] != [title, callback]:
                yield Reply(problem(422, "this Idempotency-Key was used for another report"))
                return
            job = Job.from_document(record["job"])
        if "respond-async" in (request.header("Prefer") or "").lower():
            yield Reply(self._rules.accepted(job, f"/jobs/{job.ident}", now))
            return
        now = yield Work(max(0.0, job.settles - now))  # the connection is held all this time
        if job.failure is None:
            yield Reply(_report(job))
        else:
            yield Reply(problem(500 if job.retryable else 422, job.failure))

    def _status(self, request: Request, now: float, ident: str) -> HandlerFlow:
        now = yield self._work
        job = self._mine(request, ident)
        now = yield Step("read the job")
        if job is None:
            yield Reply(_no_job())
            return
        yield Reply(self._rules.status(job, f"/reports/{job.ident}", now))

    def _result(self, request: Request, now: float, ident: str) -> HandlerFlow:
        now = yield self._work
        job = self._mine(request, ident)
        now = yield Step("read the job")
        if job is None or (job.state(now) is not State.SUCCEEDED and not self._rules.expired(job, now)):
            yield Reply(problem(404, "there is no such report, or not yet"))
        elif self._rules.expired(job, now):
            yield Reply(problem(410, "this report is no longer kept; ask for a new one"))
        else:
            yield Reply(_report(job))

    def _cancel(self, request: Request, now: float, ident: str) -> HandlerFlow:
        now = yield self._work
        while True:
            record = self.store.get("jobs", ident)
            now = yield Step("read the job")
            job = None if record is None else Job.from_document(record["job"])
            if job is None or job.owner != _caller(request):
                yield Reply(_no_job())
                return
            if self._rules.expired(job, now):
                yield Reply(self._rules.status(job, "", now))
                return
            cancelled = job.cancel(now)
            if cancelled is None:
                yield Reply(too_late(job, now))
                return
            written = self.store.replace("jobs", ident, record, record | {"job": cancelled.document()})
            now = yield Step("cancel the job if it is unchanged")
            if written:
                yield Reply(self._rules.cancelling(cancelled, now))
                return

    def _mine(self, request: Request, ident: str) -> Job | None:
        record = self.store.get("jobs", ident)
        job = None if record is None else Job.from_document(record["job"])
        return job if job is not None and job.owner == _caller(request) else None


def _checked(request: Request) -> tuple[str, str | None, str | None] | Response:
    """The title, the callback URL and the Idempotency-Key of a request for a report, or why it has none."""
    if len(request.body) > BODY_LIMIT:
        return problem(413, f"the body must be at most {BODY_LIMIT:,} bytes")
    key = request.header("Idempotency-Key")
    if key is not None and not (0 < len(key) <= KEY_LIMIT and key.isascii() and key.isprintable()):
        return problem(400, f"Idempotency-Key must be 1 to {KEY_LIMIT} printable characters of ASCII")
    try:
        document = read_json(request.body)
    except ValueError as error:  # its text is made for the client
        return problem(400, str(error))
    if not isinstance(document, dict):
        return problem(422, "the body must be a JSON object with a title")
    errors = [
        FieldError(f"/{name.replace('~', '~0').replace('/', '~1')}", "there is no such member")
        for name in document
        if name not in ("title", "callbackUrl")
    ]
    title, callback = document.get("title"), document.get("callbackUrl")
    if not isinstance(title, str) or not 0 < len(title) <= TITLE_LIMIT:
        errors.append(FieldError("/title", f"the title must be a text of 1 to {TITLE_LIMIT} characters"))
    if callback is not None:
        try:
            check_callback(callback)
        except ValueError as error:
            errors.append(FieldError("/callbackUrl", str(error)))
    if errors:
        return problem(422, "the report cannot be made as it is asked for", errors=errors)
    assert isinstance(title, str)
    return title, callback, key


def _caller(request: Request) -> str:
    # Only a digest is kept: a token has no place in a store of jobs.
    return _hash("caller", request.header("Authorization") or "")


def _ident(owner: str, key: str) -> str:
    return _hash("job", owner, key)


def _hash(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _share(ident: str, what: str) -> float:
    """A number from 0 to 1 that follows from the job's id: what chance would decide."""
    digest = hashlib.blake2b(f"{ident} {what}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53  # 53 bits, so that it never rounds up to 1


def _report(job: Job) -> Response:
    document: dict[str, Any] = {"id": job.ident, "madeAt": job.settles}
    return json_response(document)


def _no_job() -> Response:
    return problem(404, "there is no such job")
