"""Jobs: work that takes longer than anybody should hold a connection.  202 now, and a status resource to ask.

    queued   --start-->    running     running  --finish-->  succeeded
    queued   --cancel-->   cancelled   running  --fail-->    failed
    running  --cancel-->   cancelling  cancelling --stop-->  cancelled

A `Job` is a plan: when it starts, when it would end and how.  Its state at an instant is computed from the plan and
`now`, so that reading never changes it and nobody has to wake up for it.  Sources: RFC 9110 §15.3.3 (202 points to a
status monitor), §10.2.3 (Retry-After), §15.5.11 (410).
"""

from __future__ import annotations

import enum
import math
from typing import Any

import attrs

from sim.http import Response, json_response
from sim.knobs import knob
from sim.policies.http.problem import problem


class State(enum.Enum):
    """What a job can be."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def settled(self) -> bool:
        """True when nothing will change any more."""
        return self in (State.SUCCEEDED, State.FAILED, State.CANCELLED)


class Event(enum.Enum):
    """What can happen to a job."""

    START = "start"
    FINISH = "finish"
    FAIL = "fail"
    CANCEL = "cancel"
    STOP = "stop"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.QUEUED, Event.START): State.RUNNING,
    (State.QUEUED, Event.CANCEL): State.CANCELLED,
    (State.RUNNING, Event.FINISH): State.SUCCEEDED,
    (State.RUNNING, Event.FAIL): State.FAILED,
    (State.RUNNING, Event.CANCEL): State.CANCELLING,
    (State.CANCELLING, Event.STOP): State.CANCELLED,
}
"""Every transition there is; a cancel that finds no row here is a 409."""


@attrs.frozen(kw_only=True)
class Job:
    """The plan of one job.  All instants are seconds on the clock of `now`.

    *created*: when it was asked for.  *seconds*: of work, if nothing goes wrong.  *wait*: seconds in the queue.
    *failure*: why it will fail, for a person; None is: it will not.  *fails_at*: the share of the work after which it
    fails.  *retryable*: whether the same job may succeed when it is asked for again.  *cancelled*: when somebody
    asked to cancel it, None is never.  *stopping*: seconds until running work notices a cancel.  *bias*: the factor
    by which its estimate of the time left is wrong.  *owner*: who may ask for it.  *callback*: the URL to tell.

    >>> job = Job(ident="7", created=0.0, seconds=100.0, wait=10.0)
    >>> [job.state(now).value for now in (0.0, 10.0, 110.0)], job.percent(60.0), job.estimate(60.0)
    (['queued', 'running', 'succeeded'], 50, 50.0)
    """

    ident: str
    created: float
    seconds: float = knob(low=0, unit="s", help="work, if nothing goes wrong")
    wait: float = knob(0.0, low=0, unit="s", help="time in the queue")
    failure: str | None = None
    fails_at: float = knob(1.0, low=0, high=1, help="share of the work after which it fails")
    retryable: bool = False
    cancelled: float | None = None
    stopping: float = knob(0.0, low=0, unit="s", help="until running work notices a cancel")
    bias: float = knob(1.0, above=0, high=1_000, help="factor on its estimate of the time left")
    owner: str = ""
    callback: str | None = None

    @property
    def starts(self) -> float:
        """When the work begins."""
        return self.created + self.wait

    @property
    def settles(self) -> float:
        """When nothing will change any more: the end of the work, its failure, or the stop after a cancel."""
        end = self.starts + self.seconds * (1.0 if self.failure is None else self.fails_at)
        if self.cancelled is None:
            return end
        return self.cancelled if self.cancelled < self.starts else min(end, self.cancelled + self.stopping)

    def history(self, now: float) -> list[tuple[float, Event]]:
        """What has happened to it by *now*, in order."""
        end = Event.FINISH if self.failure is None else Event.FAIL
        if self.cancelled is not None and self.cancelled < self.starts:
            happened = [(self.cancelled, Event.CANCEL)]
        elif self.cancelled is not None:
            # Work that ends before it notices the cancel is stopped all the same: it was told to be.
            happened = [(self.starts, Event.START), (self.cancelled, Event.CANCEL), (self.settles, Event.STOP)]
        else:
            happened = [(self.starts, Event.START), (self.settles, end)]
        return [(at, event) for at, event in happened if at <= now]

    def state(self, now: float) -> State:
        """Its state at *now*, by the table."""
        state = State.QUEUED
        for _, event in self.history(now):
            state = TRANSITIONS[state, event]
        return state

    def percent(self, now: float) -> int:
        """The share of the work that is done, in whole percent, rounded down; 100 only when it succeeded."""
        if self.state(now) is State.SUCCEEDED:
            return 100
        worked = min(now, self.settles) - self.starts
        return 0 if worked <= 0.0 or self.seconds == 0.0 else min(99, int(100.0 * worked / self.seconds))

    def estimate(self, now: float) -> float | None:
        """Seconds until the work is done, as far as the server can tell; None when it is settled."""
        if self.state(now).settled:
            return None
        return max(0.0, self.starts + self.seconds - now) * self.bias

    def cancel(self, now: float) -> Job | None:
        """The job after a cancel at *now*; itself when it was cancelled already; None when it is too late for one."""
        if self.cancelled is not None:
            return self
        return attrs.evolve(self, cancelled=now) if (self.state(now), Event.CANCEL) in TRANSITIONS else None

    def document(self) -> dict[str, Any]:
        """The plan as a document for a store."""
        return attrs.asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Job:
        """The plan that `document` wrote."""
        return cls(**document)


@attrs.frozen(kw_only=True)
class JobRules:
    """How a server talks about its jobs.

    *shortest*, *longest*: bounds in seconds on the Retry-After of a status, which is the estimate of the time left
    in between.  *keep*: seconds that a settled job can be asked for; after that it is gone, 410.
    """

    shortest: float = knob(1.0, low=0, unit="s", help="soonest that a client is asked to come back")
    longest: float = knob(60.0, above=0, unit="s", help="latest that a client is asked to come back")
    keep: float = knob(86_400.0, above=0, infinite=True, unit="s", help="how long a result is kept")

    def __attrs_post_init__(self) -> None:
        if self.longest < self.shortest:
            raise ValueError(f"longest must be at least shortest ({self.shortest:g}), got {self.longest!r}")

    def retry_after(self, job: Job, now: float) -> int:
        """Whole seconds, rounded up, until it is worth asking again."""
        left = job.estimate(now) or 0.0
        return math.ceil(min(max(left, self.shortest), self.longest))

    def expired(self, job: Job, now: float) -> bool:
        """True when the job was settled so long ago that it is forgotten."""
        return now >= job.settles + self.keep

    def accepted(self, job: Job, location: str, now: float) -> Response:
        """The 202: not done, and *location* is where to ask."""
        headers = {"Location": location, "Retry-After": str(self.retry_after(job, now))}
        return json_response(_status(job, now), 202, headers)

    def status(self, job: Job, result: str, now: float) -> Response:
        """The answer of the status resource.

        It is a 200 even when the job failed: the question was answered.  *result*: where the result is, told once
        there is one.
        """
        if self.expired(job, now):
            return problem(410, "this job is over and its result is no longer kept; ask for a new one")
        state, document = job.state(now), _status(job, now)
        if state is State.SUCCEEDED:
            document["resultUrl"] = result
        if state is State.FAILED:
            document |= {"error": job.failure, "retryable": job.retryable}
        if state.settled:
            return json_response(document | {"settledAt": job.settles})
        return json_response(document, headers={"Retry-After": str(self.retry_after(job, now))})

    def cancelling(self, job: Job, now: float) -> Response:
        """The answer to a DELETE, given the job as it is after it; see `Job.cancel` for when it is too late (409)."""
        if job.state(now) is State.CANCELLED:
            return Response(204)
        return json_response(_status(job, now), 202, {"Retry-After": str(math.ceil(max(0.0, job.settles - now)))})


def too_late(job: Job, now: float) -> Response:
    """The 409 for a job that cannot be cancelled any more."""
    return problem(409, f"the job has {job.state(now).value} and cannot be cancelled any more")


def _status(job: Job, now: float) -> dict[str, Any]:
    document: dict[str, Any] = {"id": job.ident, "status": job.state(now).value, "percent": job.percent(now)}
    left = job.estimate(now)
    if left is not None:
        document["estimatedSeconds"] = math.ceil(left)
    return document
