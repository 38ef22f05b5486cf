"""A bulk import as a job: one request, questions, and what the results say in the end."""

import json
from random import Random

import attrs
import pytest

from sim.flow import Note, Send, Wait
from sim.http import Request, json_body, json_response
from sim.outcome import Kind, Outcome
from sim.policies import Fixed, Retry
from sim.policies.batches import BulkJob
from sim.policies.jobs.polling import PollJob

REQUEST = Request(
    "POST", "/users/batch", body=json_body({"mode": "partial", "items": [{"clientId": "a"}, {"clientId": "b"}]})
)


@attrs.define
class Jobs:
    """Takes a batch as a job, once *lost* 202s got lost, and has it done at the second question."""

    statuses: tuple = (201, 201)
    lost: int = 0
    asked: list = attrs.field(factory=list)

    def answer(self, request):
        """What comes of one request."""
        self.asked.append((request.method, request.path))
        if request.method == "POST":
            assert json.loads(request.body)["mode"] == "async"
            self.lost -= 1
            if self.lost >= 0:
                return Outcome.timed_out()
            response = json_response({"id": "7"}, 202, {"Location": "/users/batch/jobs/7", "Retry-After": "3"})
            return Outcome.of(response, now=0.0)
        if self.asked.count((request.method, request.path)) < 2:
            return Outcome.of(
                json_response({"status": "running", "results": []}, headers={"Retry-After": "4"}), now=0.0
            )
        results = [{"clientId": name, "status": status} for name, status in zip("ab", self.statuses, strict=True)]
        return Outcome.of(json_response({"status": "succeeded", "results": results}), now=0.0)


def converse(client, jobs):
    """The outcome, the notes, and the waits."""
    flow, notes, waits, answer = client.converse(REQUEST, 0.0, Random(0)), [], [], None
    while True:
        try:
            command = flow.send(answer)
        except StopIteration as end:
            return end.value, notes, waits
        match command:
            case Send():
                answer = 0.0, jobs.answer(command.request)
            case Wait():
                waits.append(command.seconds)
                answer = 0.0
            case Note():
                notes.append((command.kind, command.text))
                answer = 0.0


def test_it_asks_when_it_was_told_to_and_ends_with_the_job():
    """One request with two items, two questions at the server's own times, and it is ok."""
    jobs = Jobs()
    outcome, notes, waits = converse(BulkJob(), jobs)
    assert outcome.ok
    assert jobs.asked == [("POST", "/users/batch")] + [("GET", "/users/batch/jobs/7")] * 2
    assert waits == [3.0, 4.0]
    assert [text for kind, text in notes if kind == "sent"] == ["2"]
    assert [kind for kind, _ in notes].count("poll") == 2


def test_a_202_that_got_lost_is_asked_for_again():
    """The same request again, after the pause of its retry rule."""
    jobs = Jobs(lost=1)
    outcome, _, waits = converse(BulkJob(PollJob(Fixed(9.0), retry=Retry(Fixed(0.5)))), jobs)
    assert outcome.ok
    assert jobs.asked[:2] == [("POST", "/users/batch")] * 2
    assert waits == [0.5, 9.0, 9.0]


@pytest.mark.parametrize(("statuses", "lost"), [((201, 409), 1), ((422, 409), 2)])
def test_a_job_that_succeeded_may_hold_rows_that_did_not(statuses, lost):
    """The import has failed by so many items, whatever the job's own state says."""
    outcome, notes, _ = converse(BulkJob(), Jobs(statuses=statuses))
    assert outcome.kind is Kind.FAILED
    assert outcome.reason == f"{lost} items were not taken"
    assert notes.count(("lost", "")) == lost
