"""The mailbox: held answers, streams that break and go on, sockets that are acknowledged, and what cannot be read."""

import math

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Note, Reply, Work
from sim.http import Request
from sim.services.updates import HEARD, PUSHED, Mailbox, ask_for_updates, instants_of

USER = ask_for_updates(7, 0.25, rate=0.1, until=100.0)
INSTANTS = instants_of(USER)


def ask(mailbox, path, *, now=0.0, method="GET", **headers):
    """The response, when it came, and the marks before it as pairs of instant and kind."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = attrs.evolve(USER, method=method, path=path, headers={**USER.headers, **names})
    flow, marks = mailbox(request, now), []
    command = next(flow)
    while not isinstance(command, Reply):
        if isinstance(command, Work):
            now += command.seconds
        else:
            assert isinstance(command, Note)
            marks.append((now, command.kind))
        command = flow.send(now)
    assert next(flow, None) is None
    return command.response, now, marks


def times(marks, kind):
    """The instants of the marks of one kind."""
    return [at for at, what in marks if what == kind]


def test_both_sides_draw_the_same_updates_and_every_user_its_own():
    """The instants follow from the request alone: in order, inside the time, and others for another draw."""
    assert instants_of(USER) == INSTANTS == sorted(INSTANTS)
    assert 3 < len(INSTANTS) < 25
    assert all(0.0 < instant < 100.0 for instant in INSTANTS)
    assert instants_of(ask_for_updates(7, 0.26, rate=0.1, until=100.0)) != INSTANTS


def test_a_poll_is_answered_at_once():
    """204 when there is nothing new, else how many there are."""
    mailbox = Mailbox(one_way=0.0)
    response, at, _ = ask(mailbox, "/updates?since=0", now=INSTANTS[0] - 0.01)
    assert (response.status, at) == (204, INSTANTS[0] - 0.01)
    assert ask(mailbox, "/updates?since=0", now=INSTANTS[2])[0].json() == {"count": 3}
    assert ask(mailbox, "/updates?since=3", now=INSTANTS[2])[0].status == 204


def test_a_long_poll_is_held_until_the_next_update_or_the_limit():
    """Answered at the very instant of the update, or empty after `hold` seconds, and never after the end."""
    mailbox = Mailbox(one_way=0.0)
    response, at, _ = ask(mailbox, "/updates?since=1&hold=1000", now=INSTANTS[0])
    assert (response.json(), at) == ({"count": 2}, pytest.approx(INSTANTS[1]))
    gap = INSTANTS[1] - INSTANTS[0]
    response, at, _ = ask(mailbox, f"/updates?since=1&hold={gap / 2}", now=INSTANTS[0])
    assert (response.status, at) == (204, pytest.approx(INSTANTS[0] + gap / 2))
    assert ask(mailbox, f"/updates?since={len(INSTANTS)}&hold=1000", now=99.0)[1] == pytest.approx(100.0)


def test_several_pushes_are_on_the_way_at_once():
    """With 50 s one way each push still arrives 50 s after its update: a stream does not wait for the last one."""
    _, _, marks = ask(Mailbox(one_way=50.0), "/stream", Last_Event_ID="0")
    assert times(marks, HEARD) == pytest.approx([instant + 50.0 for instant in INSTANTS])


def test_what_was_waiting_is_pushed_together():
    """Whoever connects late has all that happened before one way later, not one after the other."""
    _, _, marks = ask(Mailbox(one_way=2.0), "/stream", now=INSTANTS[3], Last_Event_ID="0")
    assert times(marks, HEARD)[:4] == pytest.approx([INSTANTS[3] + 2.0] * 4)


def test_a_stream_that_breaks_loses_what_is_on_the_way_and_goes_on_from_the_last_id():
    """The break comes between an update and its arrival; the next stream pushes it, and everything is heard once."""
    mailbox, lifetime = Mailbox(one_way=0.5), INSTANTS[2] + 0.25
    response, at, first = ask(mailbox, "/stream", X_Lifetime=repr(lifetime), Last_Event_ID="0")
    assert (response.json(), at) == ({"count": 2}, pytest.approx(lifetime))
    response, at, second = ask(mailbox, "/stream", now=lifetime + 2.0, Last_Event_ID="2")
    assert (response.json(), at) == ({"count": len(INSTANTS)}, pytest.approx(max(100.0, INSTANTS[-1] + 0.5)))
    assert len(times(first + second, HEARD)) == len(INSTANTS)


def test_without_a_last_id_the_stream_begins_now():
    """What came between the two streams is not pushed."""
    response, _, marks = ask(Mailbox(one_way=0.0), "/stream", now=INSTANTS[2])
    assert len(times(marks, HEARD)) == len(INSTANTS) - 3
    assert response.json() == {"count": len(INSTANTS)}


def test_a_socket_pushes_again_what_was_not_acknowledged_and_the_user_knows_it():
    """The push arrived and its acknowledgement did not: pushed twice, heard once."""
    mailbox, lifetime = Mailbox(one_way=0.5), INSTANTS[0] + 0.75
    _, _, first = ask(mailbox, "/socket", X_Lifetime=repr(lifetime))
    assert (len(times(first, HEARD)), len(times(first, PUSHED))) == (1, 2)
    _, _, second = ask(mailbox, "/socket", now=lifetime + 2.0)
    assert len(times(second, PUSHED)) == 2 * len(INSTANTS)
    assert len(times(second, HEARD)) == len(INSTANTS) - 1


def test_a_socket_goes_on_after_the_last_acknowledgement():
    """The acknowledgement came: the server remembers, though the user says nothing when it is back."""
    mailbox, lifetime = Mailbox(one_way=0.125), INSTANTS[0] + 0.75
    ask(mailbox, "/socket", X_Lifetime=repr(lifetime))
    _, _, second = ask(mailbox, "/socket", now=lifetime + 2.0)
    assert len(times(second, PUSHED)) == 2 * (len(INSTANTS) - 1)


def test_a_webhook_that_comes_twice_is_heard_once_and_acknowledged_twice():
    """200 both times."""
    mailbox = Mailbox(one_way=0.0)
    answers = [ask(mailbox, "/hook", method="POST", now=now, X_Instant=repr(INSTANTS[0])) for now in (10.0, 40.0)]
    assert [response.status for response, _, _ in answers] == [200, 200]
    assert [times(marks, HEARD) for _, _, marks in answers] == [[10.0], []]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/updates?since=-1", {}, 400),
        ("GET", "/updates?since=²", {}, 400),
        ("GET", f"/updates?since={'9' * 5_000}", {}, 400),
        ("GET", "/updates?hold=nan", {}, 400),
        ("GET", "/updates?hold=inf", {}, 400),
        ("GET", "/updates", {"X-Rate": "0"}, 400),
        ("GET", "/updates", {"X-Rate": "1e300"}, 400),
        ("GET", "/updates", {"X-Until": "soon"}, 400),
        ("GET", "/stream", {"Last-Event-ID": "evt_1"}, 400),
        ("GET", "/stream", {"X-Lifetime": "-1"}, 400),
        ("GET", "/socket", {"X-Lifetime": "nan"}, 400),
        ("POST", "/hook", {}, 400),
        ("POST", "/hook", {"X-Instant": "inf"}, 400),
        ("GET", "/hook", {}, 405),
        ("GET", "/nowhere", {}, 404),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_problem(method, path, headers, status):
    """The right status, a problem document, and nothing heard."""
    request = Request(method, path, "7", {**USER.headers, **headers})
    (reply,) = Mailbox(one_way=0.0)(request, 0.0)
    assert reply.response.status == reply.response.json()["status"] == status


def test_a_request_without_its_draw_is_refused():
    """Nothing says which updates it is about."""
    (reply,) = Mailbox(one_way=0.0)(Request("GET", "/updates"), 0.0)
    assert reply.response.status == 400


@settings(max_examples=150)
@given(
    path=st.sampled_from(["/updates", "/stream", "/socket", "/hook"]),
    query=st.text(max_size=30),
    headers=st.dictionaries(
        st.sampled_from(["X-Until", "X-Lifetime", "X-Instant", "Last-Event-ID"]), st.text(max_size=12)
    ),
    now=st.floats(0.0, 200.0),
)
def test_whatever_comes_in_is_answered(path, query, headers, now):
    """No exception leaves the mailbox, and it never works for ever."""
    method = "POST" if path == "/hook" else "GET"
    request = Request(method, f"{path}?since={query}&hold={query}", "7", {**USER.headers, **headers})
    flow, answers = Mailbox(one_way=0.5)(request, now), []
    command = next(flow)
    while command is not None:
        if isinstance(command, Work):
            assert 0.0 <= command.seconds < math.inf
            now += command.seconds
        elif isinstance(command, Reply):
            answers.append(command.response.status)
        try:
            command = flow.send(now)
        except StopIteration:
            break
    assert len(answers) == 1
