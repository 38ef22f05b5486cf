"""Reports as jobs: start, ask, cancel, fetch, and every request answered."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Effect, Reply, Work
from sim.http import Request
from sim.interleave import explore
from sim.laws import Constant, Exponential
from sim.policies.jobs.job import JobRules
from sim.services.reports import ReportLaw, Reports
from sim.store import MemoryStore

BODY = b'{"title": "Sales 2024"}'


def reports(**law):
    """A service with reports of 60 s."""
    return Reports(MemoryStore(), law=ReportLaw(**law), rules=JobRules(keep=1_000.0))


def ask(service, method, path, *, now=0.0, body=b"", headers=None):
    """The response, and the commands before it."""
    flow = service(Request(method, path, body=body, headers=headers or {}), now)
    commands, command = [], next(flow)
    while not isinstance(command, Reply):
        commands.append(command)
        now += command.seconds if isinstance(command, Work) else 0.0
        command = flow.send(now)
    response = command.response
    commands += list(flow)
    return response, commands


def start(service, *, now=0.0, key="k", caller="ada", body=BODY):
    """Start a report as a job."""
    headers = {"Idempotency-Key": key, "Authorization": caller, "Prefer": "respond-async"}
    return ask(service, "POST", "/reports", now=now, body=body, headers=headers)


def get(service, path, *, now=0.0, caller="ada", method="GET"):
    """Ask for something as *caller*."""
    return ask(service, method, path, now=now, headers={"Authorization": caller})[0]


def test_a_report_runs_its_course():
    """202 with where to ask, 50 % after half the time, then the result, and 410 when it is no longer kept."""
    service = reports()
    accepted, commands = start(service)
    location = accepted.header("Location")
    assert (accepted.status, accepted.header("Retry-After")) == (202, "60")
    assert [type(command) for command in commands].count(Effect) == 1
    assert get(service, location, now=30.0).json()["percent"] == 50
    result = get(service, location, now=60.0).json()["resultUrl"]
    assert get(service, result, now=59.0).status == 404
    assert get(service, result, now=60.0).json()["madeAt"] == 60.0
    assert get(service, location, now=1_060.0).status == get(service, result, now=1_060.0).status == 410


def test_the_same_key_is_the_same_job():
    """A repeated POST finds its job, however far it is, and starts nothing."""
    service = reports()
    first, _ = start(service)
    again, commands = start(service, now=30.0)
    assert again.header("Location") == first.header("Location")
    assert (again.status, again.json()["percent"]) == (202, 50)
    assert not [command for command in commands if isinstance(command, Effect)]
    other, _ = start(service, caller="bob")
    assert other.header("Location") != first.header("Location")


def test_the_same_key_for_another_report_is_a_422():
    """The key was used for another title: nothing is started, and the first job stays."""
    service = reports()
    start(service)
    clash, commands = start(service, body=b'{"title": "Costs"}')
    assert clash.status == 422
    assert not [command for command in commands if isinstance(command, Effect)]


def test_without_a_key_every_post_is_a_job():
    """Two POSTs without a key: two reports are made."""
    service = reports()
    places = {
        ask(service, "POST", "/reports", body=BODY, headers={"Prefer": "respond-async"})[0].header("Location")
        for _ in range(2)
    }
    assert len(places) == 2


def test_nobody_sees_anothers_job():
    """Bob asks for Ada's job, its result, its end: 404 each, as if it were not there."""
    service = reports()
    location = start(service)[0].header("Location")
    result = location.replace("jobs", "reports")
    answers = [get(service, location, caller="bob"), get(service, result, now=99.0, caller="bob")]
    answers.append(get(service, location, caller="bob", method="DELETE"))
    assert [answer.status for answer in answers] == [404, 404, 404]
    assert get(service, location).json()["status"] == "running"


@pytest.mark.parametrize(
    ("wait", "now", "status", "state"),
    [(10.0, 5.0, 204, "cancelled"), (0.0, 5.0, 202, "cancelling"), (0.0, 60.0, 409, None), (0.0, 1_060.0, 410, None)],
)
def test_a_delete_cancels_while_it_can(wait, now, status, state):
    """In the queue 204, at work 202, after the end 409, after its keeping 410; and a second one says the same."""
    service = reports(wait=Constant(wait), stopping=2.0)
    location = start(service)[0].header("Location")
    assert get(service, location, now=now, method="DELETE").status == status
    if state is not None:
        assert get(service, location, now=now).json()["status"] == state
        assert get(service, location, now=now + 2.0).json()["status"] == "cancelled"
        assert get(service, location, now=now + 2.0, method="DELETE").status == 204


def test_failures_say_whether_to_try_again():
    """All fail, half of them for good: the share that says retryable is near a half, and the text fits."""
    service, told = reports(failure=1.0, retryable=0.5), []
    for number in range(200):
        location = start(service, key=f"k{number}")[0].header("Location")
        status = get(service, location, now=60.0).json()
        assert status["status"] == "failed"
        assert (status["error"] == "the report could not be made in time") == status["retryable"]
        told.append(status["retryable"])
    assert 70 < sum(told) < 130


def test_the_work_follows_from_the_id():
    """Two services and one key: the same plan; the seconds follow their law over many keys."""
    law = {"seconds": Exponential(60.0)}
    ends = []
    for number in range(400):
        location = start(reports(**law), key=f"k{number}")[0].header("Location")
        twin = reports(**law)
        start(twin, key=f"k{number}")
        ends.append(get(twin, location, now=900.0).json()["settledAt"])
    assert 52 < sum(ends) / 400 < 68


def test_without_respond_async_the_connection_is_held():
    """The answer comes 60 s later, with the report; and a job that fails is a 500 or a 422."""
    response, commands = ask(reports(), "POST", "/reports", body=BODY)
    assert response.json()["madeAt"] == 60.0
    assert max(command.seconds for command in commands if isinstance(command, Work)) == 60.0
    assert ask(reports(failure=1.0, retryable=1.0), "POST", "/reports", body=BODY)[0].status == 500
    assert ask(reports(failure=1.0, retryable=0.0), "POST", "/reports", body=BODY)[0].status == 422


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "no bytes"),
        (b"{", 400, "JSON"),
        (b"[]", 422, "JSON object"),
        (b"{}", 422, "/title"),
        (b'{"title": ""}', 422, "/title"),
        (b'{"title": 7, "colour": "red"}', 422, "/colour"),
        (b'{"title": "x", "callbackUrl": "http://example.com"}', 422, "absolute https URL"),
        (b'{"title": "x", "callbackUrl": "https://169.254.169.254/"}', 422, "public address"),
        (b'{"title": "' + b"x" * 1_000_000 + b'"}', 413, "at most 1,000,000 bytes"),
    ],
)
def test_a_bad_body_is_a_problem_and_starts_nothing(body, status, words):
    """400 for what is no JSON, 413 for too much, 422 for the rest, with every field that is wrong."""
    service = reports()
    response, commands = start(service, body=body)
    assert response.status == status == response.json()["status"]
    assert words in response.body.decode()
    assert commands == []
    assert service.store.rows("jobs") == []


def test_every_wrong_field_is_told_at_once():
    """A title that is missing and a callback into our network: both are in the errors."""
    response, _ = start(reports(), body=b'{"callbackUrl": "https://localhost/"}')
    assert [error["pointer"] for error in response.json()["errors"]] == ["/title", "/callbackUrl"]


@pytest.mark.parametrize("key", ["", "x" * 256, "ä", "a\nb"])
def test_a_bad_idempotency_key_is_a_400(key):
    """Empty, too long, or not printable ASCII."""
    assert start(reports(), key=key)[0].status == 400


def one_job(ending):
    """The invariant: one report is started for one key, and every answer names it."""
    if len(ending.effects) > 1:
        return f"started {len(ending.effects)} reports for one key"
    places = {reply.header("Location") for reply in ending.replies if reply is not None}
    return None if len(places) <= 1 else "two answers name two jobs"


@pytest.mark.parametrize("crashes", [0, 1])
def test_two_posts_with_one_key_start_one_report_in_every_order(crashes):
    """All schedules of a POST and its retry, with a crash anywhere: never two reports."""
    headers = {"Idempotency-Key": "k", "Prefer": "respond-async"}
    post = Request("POST", "/reports", key="k", body=BODY, headers=headers)
    found = explore(reports, [post, post], one_job, crashes=crashes)
    assert found.ok, str(found)


@pytest.mark.slow
def test_two_deletes_agree_in_every_order():
    """A cancel is compare-and-set: two at once both answer 204, and one cancel is kept."""

    def waiting():
        service = reports(wait=Constant(10.0))
        start(service)
        return service

    probe = reports(wait=Constant(10.0))
    path = start(probe)[0].header("Location")
    delete = Request("DELETE", path, headers={"Authorization": "ada"})
    found = explore(waiting, [delete, delete], lambda ending: None if _both(ending, 204) else "not both 204")
    assert found.ok, str(found)


def _both(ending, status):
    return [reply.status for reply in ending.replies] == [status, status]


@pytest.mark.slow
@settings(max_examples=150)
@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "PUT"]),
    path=st.one_of(st.sampled_from(["/reports", "/jobs/x", "/reports/x", "/jobs/%ff"]), st.text(max_size=20)),
    body=st.one_of(st.binary(max_size=40), st.sampled_from([BODY, b"null", b'{"title": {}}', b'{"callbackUrl": []}'])),
    headers=st.dictionaries(
        st.sampled_from(["Idempotency-Key", "Prefer", "Authorization"]), st.text(max_size=20), max_size=3
    ),
    now=st.sampled_from([-1e12, 0.0, 1e15]),
)
def test_any_request_is_answered(method, path, body, headers, now):
    """Fuzzed requests, at instants far away: an answer, and every error is a problem document."""
    response, _ = ask(reports(), method, path, body=body, headers=headers, now=now)
    assert response.status in (200, 202, 400, 404, 405, 422)
    if response.status >= 400:
        assert json.loads(response.body)["status"] == response.status
