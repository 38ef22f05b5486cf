"""Clients of a versioned API: what they notice, what they keep, and that no answer makes them stumble."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Note, Send, Wait
from sim.http import Request, Response, json_body
from sim.outcome import Outcome
from sim.policies.fresh import fresh
from sim.policies.versions.deprecation import Lifecycle
from sim.scenarios.hypermedia import Visitor
from sim.scenarios.versions import DESIGNS
from sim.services.versions.clients import DAY, Integrator, Reading

NOTICE = Lifecycle(deprecated=0.0, sunset=90 * DAY).headers()
OLD, NEW = {"name": "Ada", "email": "a"}, {"first_name": "A", "last_name": "L", "email": "a", "plan": "pro"}


def talk(client, request, now, answers):
    """The requests that one call of *client* sends, its notes, the waits, and its outcome; *answers* in order."""
    flow, queue = client.converse(request, now, Random(0)), list(answers)
    sent, notes, waits = [], [], []
    command = next(flow)
    while True:
        if isinstance(command, Send):
            sent.append(command.request)
            answer = (now, Outcome.of(queue.pop(0) if queue else Response(500), now=now))
        else:
            answer = now
            if isinstance(command, Note):
                notes.append(command.kind)
            else:
                assert isinstance(command, Wait)
                waits.append(command.seconds)
        try:
            command = flow.send(answer)
        except StopIteration as end:
            return sent, notes, waits, end.value


def spoken(client, draw, now, *answers):
    """The path of the first request of a call."""
    return talk(client, Request("GET", "/users/7", headers={"Draw": repr(draw)}), now, answers)[0][0].path


@pytest.mark.parametrize(
    ("draw", "answer", "moved"),
    [
        pytest.param(0.1, Response(200), False, id="nothing to notice"),
        pytest.param(0.1, Response(200, headers=NOTICE), True, id="a reader sees the header"),
        pytest.param(0.9, Response(200, headers=NOTICE), False, id="the others do not"),
        pytest.param(0.9, Response(410), True, id="everybody sees a failure"),
    ],
)
def test_who_notices_moves(draw, answer, moved):
    """After a year without another word those who have noticed speak version 2, and before that nobody does."""
    client = Integrator(readers=0.4)
    assert spoken(client, draw, 0.0, answer) == "/v1/users/7"
    assert spoken(client, draw, 0.0, Response(200)) == "/v1/users/7"
    assert spoken(client, draw, 365 * DAY, Response(200)) == f"/v{2 if moved else 1}/users/7"
    assert spoken(fresh(client), draw, 365 * DAY, Response(200)) == "/v1/users/7"


def test_a_failure_hurries_a_move_that_was_planned():
    """A reader in no hurry fails, and moves with the alarm's time from then: -3 days times ln(1 - 0.225)."""
    client = Integrator(readers=0.4, notice=30 * DAY, alarm=3 * DAY)
    spoken(client, 0.39, 0.0, Response(200, headers=NOTICE))
    spoken(client, 0.39, DAY, Response(410))
    moves = DAY - 3 * DAY * math.log1p(-0.39 / 0.4)
    assert spoken(client, 0.39, moves - 1.0, Response(200)) == "/v1/users/7"
    assert spoken(client, 0.39, moves, Response(200)) == "/v2/users/7"


@pytest.mark.parametrize(("asked", "waits"), [(3_600.0, [3_600.0]), (2 * DAY, []), (None, [])])
def test_a_503_is_waited_out_when_it_says_for_how_long(asked, waits):
    """Up to a day; after the wait it is asked once more, and a good answer then is all that anybody notices."""
    client = Integrator()
    answers = [Response(503, retry_after=asked), Response(200)]
    sent, _, waited, outcome = talk(client, Request("GET", "/users/7", headers={"Draw": "0.9"}), 0.0, answers)
    assert (len(sent), waited, outcome.ok) == (1 + len(waits), waits, bool(waits))


def test_a_copy_is_kept_by_url():
    """The second reading asks with the tag; told 304 it has the old shape, and that is the wrong one after a move."""
    client = Reading(design=DESIGNS["header+vary-one-etag"], moves_at=60.0)
    request = Request("GET", "/users/7", headers={"Speaks": "1"})
    first = Response(200, headers={"ETag": '"a"'}, body=json_body(OLD))
    sent, notes, _, _ = talk(client, request, 0.0, [first])
    assert (sent[0].header("If-None-Match"), notes) == (None, [])
    sent, notes, _, outcome = talk(client, request, 1.0, [Response(304)])
    assert (sent[0].header("If-None-Match"), notes, outcome.ok) == ('"a"', [], True)
    _, notes, _, _ = talk(client, request, 60.0, [Response(304)])
    assert notes == ["wrong version"]
    _, notes, _, _ = talk(client, request, 61.0, [Response(200, body=json_body(NEW))])
    assert notes == []


CLIENTS = [
    Integrator(),
    Visitor(),
    Visitor(links=False),
    Visitor(fresh=True),
    *(Reading(design=design) for design in DESIGNS.values()),
]


@pytest.mark.slow
@settings(max_examples=100)
@given(
    st.integers(0, len(CLIENTS) - 1),
    st.lists(
        st.builds(
            Response,
            st.sampled_from([200, 201, 304, 404, 409, 410, 503]),
            st.none() | st.floats(0, 1e6),
            st.dictionaries(st.sampled_from(["Deprecation", "Sunset", "Link", "ETag"]), st.text(max_size=9)),
            st.binary(max_size=6) | st.sampled_from([b"[]", b'{"_links":{"pay":{"href":"/x"}}}', b'{"_links":[]}']),
        ),
        max_size=4,
    ),
)
def test_no_answer_makes_a_client_stumble(number, answers):
    """Any statuses, headers and bodies: the call ends with an outcome."""
    request = Request("GET", "/users/7", headers={"Draw": "0.1", "Speaks": "1", "Role": "buyer"})
    _, _, waits, outcome = talk(fresh(CLIENTS[number]), request, 0.0, answers)
    assert isinstance(outcome, Outcome)
    assert all(0.0 <= wait < math.inf for wait in waits)
