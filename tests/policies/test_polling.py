"""Waiting for a job: when each client asks, how late it learns of the end, and what it does when nothing comes."""

from random import Random

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import PolicyError
from sim.flow import Note, Send, Wait
from sim.http import Request, Response, json_response
from sim.outcome import Outcome
from sim.policies import Exponential, Fixed, Retry
from sim.policies.jobs.job import Job, JobRules
from sim.policies.jobs.polling import AwaitCallback, PollJob, settled

POST = Request("POST", "/reports", body=b"{}", headers={"Idempotency-Key": "k"})
RULES = JobRules(shortest=1.0, longest=60.0)


@attrs.define
class Server:
    """One job, answered for at once; *faults* are answers that come first, *callback* when its callback arrives."""

    job: Job = attrs.field(factory=lambda: Job(ident="7", created=0.0, seconds=42.0))
    faults: list = attrs.field(factory=list)
    callback: float | None = None
    asked: list = attrs.field(factory=list)

    def answer(self, request, now):
        """What comes of *request*, and when."""
        self.asked.append((now, request.method, request.path))
        if request.path == "/inbox":
            if self.callback is None or self.callback > now + 20.0:
                return now + 20.0, Outcome.of(Response(204, headers={"X": "nothing"}), now=now)
            now = max(now, self.callback)
            return now, Outcome.of(RULES.status(self.job, "/reports/7", now), now=now)
        if self.faults:
            return now, self.faults.pop(0)
        if request.method == "POST":
            return now, Outcome.of(RULES.accepted(self.job, "/jobs/7", now), now=now)
        return now, Outcome.of(RULES.status(self.job, "/reports/7", now), now=now)


def waited(client, server, request=POST):
    """Drive one call: the outcome, the instant of its end, and the notes."""
    flow, now, notes, answer = client.converse(request, 0.0, Random(0)), 0.0, [], None
    while True:
        try:
            command = flow.send(answer)
        except StopIteration as end:
            return end.value, now, notes
        if isinstance(command, Send):
            now, outcome = server.answer(command.request, now)
            answer = now, outcome
        elif isinstance(command, Wait):
            now += command.seconds
            answer = now
        else:
            assert isinstance(command, Note)
            notes.append((command.kind, command.text))
            answer = now


@pytest.mark.parametrize(
    ("client", "polled"),
    [
        pytest.param(PollJob(Fixed(10.0)), [10.0, 20.0, 30.0, 40.0, 50.0], id="fixed"),
        pytest.param(PollJob(Exponential(base=2.0, cap=30.0)), [2.0, 6.0, 14.0, 30.0, 60.0], id="exponential"),
        pytest.param(PollJob(Fixed(10.0), hinted=True), [42.0], id="hinted by an exact estimate"),
    ],
)
def test_each_schedule_asks_when_it_says(client, polled):
    """42 s of work: polls at these instants, the last one learns of the end, and notes how late that is."""
    server = Server()
    outcome, now, notes = waited(client, server)
    assert outcome.ok
    assert outcome.response.json()["resultUrl"] == "/reports/7"
    assert [at for at, method, _ in server.asked if method == "GET"] == polled
    assert now == polled[-1]
    assert notes == [("poll", "")] * len(polled) + [("known", f"{polled[-1] - 42.0:.6f}")]


def test_a_hint_that_is_wrong_costs_polls_and_not_the_result():
    """The server believes it needs half the time: the client comes back early each time, nearer every time."""
    server = Server(job=Job(ident="7", created=0.0, seconds=42.0, bias=0.5))
    _, now, notes = waited(PollJob(hinted=True), server)
    assert [at for at, method, _ in server.asked if method == "GET"] == [21.0, 32.0, 37.0, 40.0, 41.0, 42.0]
    assert now == 42.0
    assert notes[-1] == ("known", "0.000000")


def test_spread_keeps_clients_from_asking_in_one_instant():
    """With a spread of a half, hinted waits are stretched by up to a half, never shortened."""
    server = Server()
    waited(PollJob(hinted=True, spread=0.5), server)
    first = next(at for at, method, _ in server.asked if method == "GET")
    assert 42.0 < first < 63.0


@pytest.mark.parametrize("fault", [Outcome.timed_out(), Outcome.answered(503, 5.0), Outcome.refused()])
def test_a_poll_that_fails_is_no_end(fault):
    """A lost or refused question says nothing about the job: the client asks again."""
    server = Server(faults=[Outcome.of(RULES.accepted(Server().job, "/jobs/7", 0.0), now=0.0), fault, fault])
    outcome, now, _ = waited(PollJob(Fixed(30.0)), server)
    assert outcome.ok
    assert now == 90.0


def test_a_lost_post_is_repeated_with_its_key():
    """No answer to the POST: it is sent again, the same request with the same Idempotency-Key, and then polled."""
    server = Server(faults=[Outcome.timed_out(), Outcome.answered(503)])
    assert waited(PollJob(Fixed(50.0), retry=Retry(Fixed(1.0))), server)[0].ok
    assert [method for _, method, _ in server.asked] == ["POST", "POST", "POST", "GET"]


def test_a_post_that_fails_for_good_is_not_polled():
    """A 422 is the end."""
    server = Server(faults=[Outcome.answered(422)])
    assert waited(PollJob(), server)[0].status == 422
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [404, 410, 403])
def test_a_job_that_is_gone_ends_the_polling(status):
    """The status resource is not there, or not any more: nothing will ever come."""
    accepted = Outcome.of(RULES.accepted(Server().job, "/jobs/7", 0.0), now=0.0)
    outcome, _, _ = waited(PollJob(Fixed(1.0)), Server(faults=[accepted, Outcome.answered(status)]))
    assert (outcome.status, outcome.failed) == (status, True)


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ({"failure": "too slow", "retryable": True}, "job failed, retryable"),
        ({"failure": "no data"}, "job failed"),
        ({"cancelled": 10.0}, "job cancelled"),
    ],
)
def test_a_job_that_did_not_succeed_is_a_failed_call(plan, reason):
    """The status is a 200, and the call has failed all the same, with the reason."""
    server = Server(job=Job(ident="7", created=0.0, seconds=42.0, **plan))
    outcome, _, _ = waited(PollJob(hinted=True), server)
    assert (outcome.status, outcome.failed, outcome.reason) == (200, True, reason)


def test_patience_ends():
    """100 s of patience for a job of 1,000 s: the call ends indeterminate, and no poll is later than that."""
    server = Server(job=Job(ident="7", created=0.0, seconds=1_000.0))
    outcome, now, _ = waited(PollJob(Fixed(30.0), patience=100.0), server)
    assert (outcome.indeterminate, outcome.reason, now) == (True, "gave up waiting", 90.0)


def test_an_answer_that_is_no_job_is_the_answer():
    """A server that made the report at once says 200, or 202 without a Location: there is nothing to poll."""
    for response in (json_response({"id": 7}), Response(202), Response(202, headers={"Location": "https://evil.x/"})):
        outcome, _, notes = waited(PollJob(), Server(faults=[Outcome.of(response, now=0.0)]))
        assert (outcome.status, notes) == (response.status, [])


INBOX = Request("GET", "/inbox")
CALLBACK = AwaitCallback(lambda monitor: INBOX, patience=100.0, pause=0.0, fallback=PollJob(Fixed(10.0)))


def test_a_callback_tells_without_a_single_poll():
    """The callback arrives at 43 s: known 1 s after the end, no poll."""
    server = Server(callback=43.0)
    outcome, now, notes = waited(CALLBACK, server)
    assert (outcome.ok, now, notes) == (True, 43.0, [("known", "1.000000")])
    assert not [path for _, _, path in server.asked if path == "/jobs/7"]


def test_a_lost_callback_is_found_by_the_fallback():
    """Nothing comes for 100 s: the client asks after 10 s more, and is told at once."""
    outcome, now, notes = waited(CALLBACK, Server())
    assert (outcome.ok, now) == (True, 110.0)
    assert notes == [("fallback", ""), ("poll", ""), ("known", "68.000000")]


def test_a_lost_callback_without_a_fallback_is_never_known():
    """The job succeeded, and the client will never learn of it."""
    outcome, now, notes = waited(attrs.evolve(CALLBACK, fallback=None), Server())
    assert (outcome.indeterminate, outcome.reason, now, notes) == (True, "no callback came", 100.0, [])


def test_an_inbox_that_answers_at_once_is_looked_into_with_a_pause():
    """A receiver that answers 204 without waiting is asked once a second: ten times in 10 s."""

    class Busy(Server):
        def answer(self, request, now):
            if request.path == "/inbox":
                self.asked.append((now, request.method, request.path))
                return now, Outcome.answered(204)
            return super().answer(request, now)

    server = Busy()
    waited(attrs.evolve(CALLBACK, fallback=None, patience=10.0, pause=1.0), server)
    assert len(server.asked) == 1 + 10


bodies = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"[]", b"7", b'{"status": 7}', b'{"status": "failed", "retryable": "yes"}', b'{"status": "done"}']
    ),
)


@settings(max_examples=100)
@given(st.sampled_from([200, 202, 204, 404, 500, 503]), bodies)
def test_any_status_document_is_read(status, body):
    """Fuzzed answers are no end of the job, or a clean failure; never an exception out of the client."""
    ended = settled(Outcome.of(Response(status, body=body), now=0.0))
    assert ended is None or ended.failed or ended.ok
    faults = [Outcome.of(RULES.accepted(Server().job, "/jobs/7", 0.0), now=0.0)]
    faults.append(Outcome.of(Response(status, body=body), now=0.0))
    assert waited(PollJob(Fixed(100.0)), Server(faults=faults))[0].status is not None


@settings(max_examples=100)
@given(st.one_of(st.text(max_size=30), st.sampled_from(["//x", "https://[", "jobs/7", "?x", "", "/jobs/7#a"])))
def test_any_location_is_read(location):
    """A fuzzed Location is polled on our own host, or not at all."""
    accepted = Outcome.of(Response(202, headers={"Location": location}), now=0.0)
    server = Server(faults=[accepted])
    waited(PollJob(Fixed(100.0)), server)
    assert all(path.startswith("/") for _, _, path in server.asked)


@pytest.mark.parametrize("make", [lambda: PollJob(5.0), lambda: AwaitCallback(lambda r: r, retry=7)])
def test_a_part_without_its_method_is_refused(make):
    """A number is no schedule, and no retry rule."""
    with pytest.raises(TypeError, match="must be an object with a method"):
        make()


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), "soon"])
def test_a_schedule_that_is_no_wait_is_named(seconds):
    """A schedule that answers with something that is no number of seconds gets the blame by its name."""

    class Mine:
        def delay(self, attempt, previous, rng):
            return seconds

    with pytest.raises(PolicyError, match=r"Mine returned .* after attempt 1"):
        waited(PollJob(Mine()), Server())
