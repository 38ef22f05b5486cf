"""Users by the batch: one by one, all or nothing, as a job; and two batches at once in every order."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.experiment import run
from sim.flow import Effect, Reply
from sim.http import Request, json_body
from sim.interleave import explore
from sim.policies import Fixed
from sim.policies.batches.batch import BatchRules
from sim.policies.jobs.polling import PollJob
from sim.scenario import Clients, Scenario, Server
from sim.services.users_batch import CheckThenInsert, UsersBatch
from sim.store import MemoryStore
from sim.workload import AllAtOnce


def user(ident, email=None, name="Ada"):
    """An item."""
    return {"clientId": ident, "email": f"{ident}@example.com" if email is None else email, "name": name}


def batch(*items, mode="partial", caller="ada"):
    """A request for a batch."""
    body = json_body({"mode": mode, "items": list(items)})
    return Request("POST", "/users/batch", body=body, headers={"Authorization": caller})


def ask(service, request):
    """The response, and everything else that the handler yields."""
    commands = list(service(request, 0.0))
    (response,) = [command.response for command in commands if isinstance(command, Reply)]
    return response, [command.key for command in commands if isinstance(command, Effect)]


def emails(service):
    """Who is there."""
    response, _ = ask(service, Request("GET", "/users"))
    return [row["email"] for row in response.json()["items"]]


def fresh(kind=UsersBatch, **options):
    """A service over a new store."""
    return kind(MemoryStore(), **options)


def test_a_partial_batch_keeps_what_is_right():
    """One right, one without a name, one email taken in the batch before it: 201, 422, 409, in the order sent."""
    service = fresh()
    response, effects = ask(service, batch(user("a"), user("b", name=""), user("c", email="a@example.com")))
    assert response.status == 207
    assert [(row["clientId"], row["status"]) for row in response.json()["results"]] == [
        ("a", 201),
        ("b", 422),
        ("c", 409),
    ]
    assert effects == emails(service) == ["a@example.com"]


def test_an_atomic_batch_keeps_all_or_nothing():
    """With one wrong item nothing is kept; without it everything is, in one answer."""
    service = fresh()
    response, effects = ask(service, batch(user("a"), user("b", name=""), mode="atomic"))
    assert (response.status, effects, emails(service)) == (422, [], [])
    assert [row["clientId"] for row in response.json()["results"]] == ["b"]
    response, effects = ask(service, batch(user("a"), user("b"), mode="atomic"))
    assert (response.status, effects) == (201, ["a@example.com", "b@example.com"])
    assert emails(service) == effects


@pytest.mark.parametrize("mode", ["partial", "atomic"])
def test_an_item_sent_again_is_answered_from_its_record(mode):
    """The same clientId and content from the same caller: the same id, marked as replayed, and no second effect."""
    service = fresh()
    first, _ = ask(service, batch(user("a"), mode=mode))
    again, effects = ask(service, batch(user("a"), user("b"), mode=mode))
    assert effects == ["b@example.com"]
    row = again.json()["results"][0]
    assert (row["status"], row["id"], row["replayed"]) == (201, first.json()["results"][0]["id"], True)


def test_a_client_id_belongs_to_its_caller_and_its_content():
    """Another content is a 422; another caller with the same clientId is another item, and the email a 409."""
    service = fresh()
    ask(service, batch(user("a")))
    changed, _ = ask(service, batch(user("a", name="Bob")))
    assert changed.json()["results"][0]["status"] == 422
    other, _ = ask(service, batch(user("a"), caller="bob"))
    assert other.json()["results"][0]["status"] == 409


def test_an_item_that_fails_for_now_is_a_503_and_works_the_next_time():
    """A shard is down for one email: the others are kept, and the retry of that one item alone completes them."""
    down = {"b@example.com"}
    service = fresh(unavailable=lambda email: email in down)
    response, _ = ask(service, batch(user("a"), user("b")))
    assert [row["status"] for row in response.json()["results"]] == [201, 503]
    assert ask(service, batch(user("b"), user("c"), mode="atomic"))[0].status == 503
    assert emails(service) == ["a@example.com"]
    down.clear()
    assert ask(service, batch(user("b")))[1] == ["b@example.com"]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"email": "x", "name": "n"}, "the email must be an address"),
        ({"email": "a@b", "name": "n"}, "the email must be an address"),
        ({"email": "a b@example.com", "name": "n"}, "the email must be an address"),
        ({"email": "a" * 250 + "@example.com", "name": "n"}, "the email must be an address"),
        ({"email": 7, "name": "n"}, "the email must be an address"),
        ({"email": "Ada@example.com", "name": "n"}, "lower case"),
        ({"email": "a@example.com"}, "the name must be"),
        ({"email": "a@example.com", "name": "x" * 201}, "the name must be"),
        ({"email": "a@example.com", "name": "n", "isAdmin": True}, "there is no member 'isAdmin'"),
    ],
)
def test_an_item_that_can_never_be_a_user_is_a_422(item, words):
    """Its own content is wrong: whatever the state of the store, the same answer."""
    response, effects = ask(fresh(), batch({"clientId": "a", **item}))
    (row,) = response.json()["results"]
    assert (row["status"], effects) == (422, [])
    assert words in row["detail"]


def test_a_large_batch_becomes_a_job():
    """202 with a place to ask, then all items, and the results in the status, for the caller alone."""
    service = fresh()
    response, effects = ask(service, batch(*[user(f"u{n}") for n in range(30)], user("bad", name=""), mode="async"))
    assert (response.status, len(effects)) == (202, 30)
    location = response.header("Location")
    status, _ = ask(service, Request("GET", location, headers={"Authorization": "ada"}))
    assert (status.json()["status"], status.json()["percent"], status.header("Retry-After")) == ("succeeded", 100, None)
    assert [row["status"] for row in status.json()["results"]] == [201] * 30 + [422]
    assert ask(service, Request("GET", location))[0].status == 404


def test_a_job_left_by_a_process_that_died_is_taken_up_again():
    """The process dies after three of ten items: the job is running at 30 %, and the same batch completes it."""
    service, request = fresh(), batch(*[user(f"u{n}") for n in range(10)], mode="async")
    flow, effects = service(request, 0.0), []
    while len(effects) < 4:
        command = next(flow)
        effects += [command.key] if isinstance(command, Effect) else []
    flow.close()
    service.died(request)
    again, more = ask(service, request)
    status, _ = ask(service, Request("GET", again.header("Location"), headers={"Authorization": "ada"}))
    assert (status.json()["percent"], len(effects + more), len(set(effects + more))) == (100, 10, 10)
    assert [row.get("replayed", False) for row in status.json()["results"]] == [True] * 4 + [False] * 6


def test_the_progress_of_a_job_is_visible_on_the_way():
    """Ten items, asked in the middle: a whole percent between, and a Retry-After."""
    service, request = fresh(), batch(*[user(f"u{n}") for n in range(10)], mode="async")
    flow, effects, location = service(request, 0.0), 0, None
    while effects < 4:
        command = next(flow)
        effects += isinstance(command, Effect)
        location = command.response.header("Location") if isinstance(command, Reply) else location
    status, _ = ask(service, Request("GET", location, headers={"Authorization": "ada"}))
    assert (status.json()["percent"], status.json()["status"], status.header("Retry-After")) == (30, "running", "1")


@pytest.mark.slow
def test_a_client_polls_an_async_batch_to_its_end():
    """In simulated time: 40 items of 0.1 s each, polled every second: known after 5 polls, and all are created."""
    world = Scenario(
        arrivals=AllAtOnce(clients=1),
        clients=Clients(timeout=0.5),
        server=Server(make_handler=lambda: fresh(work_per_item=0.1), workers=4),
        request=lambda call, client, u: batch(*[user(f"u{n}") for n in range(40)], mode="async"),
    )
    one = run(world, PollJob(Fixed(1.0)), seed=0)
    assert one.summary()["ok"] == 1
    assert [mark.kind for mark in one.trace.marks].count("poll") == 5
    assert len(one.trace.ledger) == 40


def created_once(ending):
    """The invariant: no email has its effect twice."""
    twice = [key for key in ending.effects if ending.effects.count(key) > 1]
    return f"created {twice[0]} twice" if twice else None


def told_the_truth(ending):
    """Created once, and an item that was told to be there is there, with the id that the answer names."""
    wrong = created_once(ending)
    if wrong is not None:
        return wrong
    there = {user["id"] for _, user in ending.service.store.rows("users")}
    for reply in ending.replies:
        for row in [] if reply is None else reply.json().get("results", []):
            if row["status"] == 201 and row["id"] not in there:
                return f"{row['clientId']} was reported and is not there"
    return None


def test_the_naive_batch_creates_a_user_twice():
    """Check, then insert: two overlapping batches both find the email free, and the explorer shows how."""
    found = explore(lambda: fresh(CheckThenInsert), [batch(user("a")), batch(user("a"), caller="bob")], created_once)
    assert not found.ok
    assert "created a@example.com twice" in found.sentence


@pytest.mark.slow
@pytest.mark.parametrize("crashes", [0, 1])
@pytest.mark.parametrize("modes", [("partial", "partial"), ("atomic", "atomic"), ("atomic", "partial")])
def test_two_overlapping_batches_never_create_a_user_twice(modes, crashes):
    """All schedules of two batches that share an email, with a crash at any point: created once, and told truly."""
    first, second = modes
    requests = [batch(user("a"), user("b"), mode=first), batch(user("b"), mode=second, caller="bob")]
    found = explore(fresh, requests, told_the_truth, crashes=crashes)
    assert found.ok, str(found)


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "idents"), [("partial", "a"), ("atomic", "ab")])
def test_a_batch_and_its_retry_never_create_a_user_twice(mode, idents):
    """A timeout sends the same batch while the first is still at work, and one of the two may die."""
    found = explore(fresh, [batch(*map(user, idents), mode=mode)] * 2, told_the_truth, crashes=1)
    assert found.ok, str(found)


@pytest.mark.slow
@pytest.mark.parametrize("crashes", [0, 1])
def test_an_atomic_batch_is_never_half_visible(crashes):
    """A reader at any point of any schedule, and the store at the end: both users or neither."""

    def all_or_nothing(ending):
        reply = ending.replies[1]
        seen = [len(ending.service.store.rows("users"))] + ([] if reply is None else [len(reply.json()["items"])])
        return None if set(seen) <= {0, 2} else "one of two users was seen"

    requests = [batch(user("a"), user("b"), mode="atomic"), Request("GET", "/users")]
    found = explore(fresh, requests, all_or_nothing, crashes=crashes)
    assert found.ok, str(found)
    # The same reader does see a partial batch half done: the invariant is able to fail.
    requests[0] = batch(user("a"), user("b"))
    assert not explore(fresh, requests, all_or_nothing, crashes=crashes).ok


@pytest.mark.slow
def test_an_async_batch_and_its_retry_never_create_a_user_twice():
    """The same job taken up twice at once, or after a process that died at any point: each user once."""
    found = explore(fresh, [batch(user("a"), mode="async")] * 2, created_once)
    assert found.ok, str(found)
    found = explore(fresh, [batch(user("a"), user("b"), mode="async")] * 2, created_once, crashes=1, after={1: 0})
    assert found.ok, str(found)


@pytest.mark.slow
@settings(max_examples=150)
@given(
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    path=st.one_of(st.sampled_from(["/users/batch", "/users", "/users/batch/jobs/x"]), st.text(max_size=20)),
    body=st.one_of(
        st.binary(max_size=30),
        st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "clientId": st.one_of(st.text(max_size=3), st.none()),
                    "email": st.sampled_from(["a@example.com", "x", None, 7, ["a"], "\ud7ff@a.b"]),
                    "name": st.one_of(st.text(max_size=3), st.integers()),
                },
            ),
            max_size=4,
        ).map(
            lambda items: json.dumps({"mode": ["partial", "atomic", "async"][len(items) % 3], "items": items}).encode()
        ),
    ),
    headers=st.dictionaries(st.sampled_from(["Authorization", "Prefer"]), st.text(max_size=9)),
)
def test_any_request_is_answered(method, path, body, headers):
    """Fuzzed batches: an answer, every error a problem document, and no effect without a kept user."""
    service = fresh(rules=BatchRules(max_items=3, max_async_items=3))
    response, effects = ask(service, Request(method, path, body=body, headers=headers))
    assert response.status in (200, 201, 202, 207, 400, 404, 405, 409, 413, 422)
    if response.status >= 400:
        assert json.loads(response.body)["status"] == response.status
    assert sorted(effects) == emails(service)
