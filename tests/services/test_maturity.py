"""Richardson's levels: one outcome, and what each level shows and asks to be known."""

import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Effect, Note, Reply, Send
from sim.http import Request, Response, json_body
from sim.outcome import Outcome
from sim.services.maturity import KNOWLEDGE, OPERATIONS, SERVICE, Leveled, Shopper
from sim.services.orders import TABLE
from sim.store import MemoryStore

LEVELS = (0, 1, 2, 3)


def served(service, request):
    """The response to one request, and its effects."""
    commands, flow = [], service(request, 0.0)
    command = next(flow)
    while command is not None:
        commands.append(command)
        try:
            command = flow.send(0.0)
        except StopIteration:
            command = None
    (response,) = [command.response for command in commands if isinstance(command, Reply)]
    return response, [command.key for command in commands if isinstance(command, Effect)]


def shop(client, service):
    """What a client notes, the requests that it sends, and its last outcome."""
    flow, notes, sent = client.converse(Request("GET", "/users/ada", key="1"), 0.0, Random(0)), [], []
    command = next(flow)
    while True:
        answer = 0.0
        if isinstance(command, Note):
            notes.append((command.kind, command.text))
        elif isinstance(command, Send):
            sent.append(command.request)
            answer = (0.0, Outcome.of(served(service, command.request)[0], now=0.0))
        try:
            command = flow.send(answer)
        except StopIteration as end:
            return notes, sent, end.value


@pytest.mark.parametrize("level", LEVELS)
def test_the_outcome_is_the_same_at_every_level(level):
    """After the task there is one order in the store, and it is paid."""
    store = MemoryStore()
    notes, _, outcome = shop(Shopper(level=level), Leveled(store, level))
    assert [note[0] for note in notes] == ["task done"]
    assert outcome.ok
    assert store.rows(TABLE) == [("ada/1", {"id": "1", "user": "ada", "amount": 2_000, "status": "paid"})]


@pytest.mark.parametrize(
    ("level", "requests", "methods", "paths", "facts"),
    [
        (0, 3, {"POST"}, 1, 10),
        (1, 3, {"POST"}, 2, 11),
        (2, 3, {"POST", "PUT", "GET"}, 3, 11),
        (3, 4, {"POST", "PUT", "GET"}, 4, 9),
    ],
)
def test_what_a_task_costs_and_what_must_be_known(level, requests, methods, paths, facts):
    """Links cost one request to begin with; they save knowing the paths and the rules, not the relations."""
    _, sent, _ = shop(Shopper(level=level), Leveled(MemoryStore(), level))
    assert len(sent) == requests
    assert {request.method for request in sent} == methods
    assert len({request.path for request in sent}) == paths
    assert KNOWLEDGE[level].facts == facts


def test_only_from_level_2_on_can_a_proxy_see_what_happens():
    """Looking at a missing order: 200 with the error inside at levels 0 and 1, 404 above."""
    look = {"operation": "look", "user": "ada", "order": "9"}
    answers = [
        served(Leveled(MemoryStore(), 0), Request("POST", SERVICE, body=json_body(look)))[0],
        served(Leveled(MemoryStore(), 1), Request("POST", "/users/ada/orders/9", body=json_body(look)))[0],
        served(Leveled(MemoryStore(), 2), Request("GET", "/users/ada/orders/9"))[0],
    ]
    assert [answer.status for answer in answers] == [200, 200, 404]
    assert answers[0].json() == answers[1].json() == {"ok": False, "error": answers[2].json()}


@pytest.mark.parametrize(("level", "survives"), [(0, True), (1, False), (2, False), (3, True)])
def test_who_survives_a_new_path(level, survives):
    """The collection is renamed: level 0 has no paths, level 3 is led to the new one, the two between get 404."""
    notes, _, _ = shop(Shopper(level=level), Leveled(MemoryStore(), level, collection="purchases"))
    assert notes[0][0] == ("task done" if survives else "task failed")


def test_a_level_is_one_of_four():
    """Anything else is refused at construction."""
    with pytest.raises(ValueError, match="level must be 0 to 3"):
        Leveled(MemoryStore(), 4)
    with pytest.raises(ValueError, match="level must be at most 3"):
        Shopper(level=4)


@pytest.mark.parametrize(
    "wanted",
    [
        None, [], {}, {"operation": "steal"}, {"operation": []}, {"operation": "pay"}, {"operation": "pay", "user": 1},
        {"operation": "pay", "user": "a/b", "order": "1"}, {"operation": "pay", "user": "ada", "order": {}},
        {"operation": "pay", "user": "ada", "order": "9"}, {"operation": "place", "user": "ada", "amount": -1},
    ],
)  # fmt: skip
def test_a_bad_operation_is_an_error_in_the_body(wanted):
    """Level 0 answers 200 and ok: false, with a problem inside, and nothing has happened."""
    response, effects = served(Leveled(MemoryStore(), 0), Request("POST", SERVICE, body=json_body(wanted)))
    assert (response.status, response.json()["ok"], effects) == (200, False, [])
    assert response.json()["error"]["status"] in (400, 404, 422)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["ada", "1", *OPERATIONS]) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["operation", "user", "order", "amount", "id", "ok", "result"]), inner)
    ),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=120)
@given(st.sampled_from(LEVELS), st.sampled_from([SERVICE, "/users/ada/orders", "/users/ada/orders/1"]), JSON)
def test_no_operation_breaks_a_level(level, path, document):
    """Any JSON posted to any path of any level: an answer with JSON inside, never an exception."""
    response, _ = served(Leveled(MemoryStore(), level), Request("POST", path, body=json_body(document)))
    assert isinstance(json.loads(response.body), dict)


@pytest.mark.slow
@settings(max_examples=80)
@given(
    st.sampled_from(LEVELS),
    st.lists(st.tuples(st.sampled_from([200, 201, 404, 500]), st.binary(max_size=8) | JSON.map(json_body)), max_size=4),
)
def test_no_answer_breaks_a_shopper(level, answers):
    """Whatever the server answers, the client ends with one note."""
    queue = list(answers)

    def strange(request, now):
        status, body = queue.pop(0) if queue else (500, b"")
        yield Reply(Response(status, body=body, headers={"Content-Type": "application/json"}))

    notes, _, _ = shop(Shopper(level=level), strange)
    assert len(notes) == 1
