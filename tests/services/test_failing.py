"""A database that is down: what a client learns of it, behind a framework that talks and behind one that does not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request
from sim.policies.http.server_log import Guarded, ServerLog
from sim.services.alone import serve
from sim.services.failing import INTERNALS, FailingUsers, Talkative, leaked
from sim.store import MemoryStore


def users():
    """The service with one user."""
    store = MemoryStore()
    store.insert("users", "1", {"id": "1", "email": "ada@example.org"})
    return FailingUsers(store)


def asked(service, path="/users/42", method="GET"):
    """The answer to one request."""
    return serve(service, Request(method, path)).response


def test_a_talkative_framework_tells_everything():
    """All six words of the exception are in the 500."""
    answer = asked(Talkative(users()))
    assert answer.status == 500
    assert leaked(answer) == INTERNALS


def test_a_guarded_one_tells_where_to_look():
    """The answer has no word of it but the trace id, and the row under that id has all of them."""
    log = ServerLog()
    answer = asked(Guarded(users(), log))
    assert (answer.status, leaked(answer)) == (500, ())
    (row,) = log.find(answer.json()["traceId"])
    assert row.level == "error"
    assert all(word in row.detail for word in INTERNALS)


@pytest.mark.parametrize("around", [Talkative, lambda service: Guarded(service, ServerLog())])
@pytest.mark.parametrize(("path", "status"), [("/users/1", 200), ("/users/2", 404), ("/users/no", 404), ("/", 404)])
def test_what_was_foreseen_passes(around, path, status):
    """Good answers and meant errors are the service's own."""
    assert asked(around(users()), path).status == status


def test_a_service_that_dies_is_told():
    """`died` goes on to the service when it wants to know, and is no error when it does not."""

    class Listening(FailingUsers):
        def died(self, request):
            self.dead = request.path

    listening = Listening(MemoryStore())
    Talkative(listening).died(Request(path="/users/1"))
    Talkative(users()).died(Request(path="/users/1"))
    assert listening.dead == "/users/1"


@settings(max_examples=60)
@given(st.sampled_from(["GET", "HEAD", "PUT", "DELETE"]), st.text(max_size=30))
def test_no_request_breaks_either(method, path):
    """Whatever is asked for: an answer, never an exception."""
    for service in (Talkative(users()), Guarded(users(), ServerLog())):
        assert 200 <= asked(service, f"/users/{path}", method).status < 600
