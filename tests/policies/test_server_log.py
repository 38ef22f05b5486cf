"""Errors and logs: the traceId in the answer leads to the detail in the log, and nothing internal is in the answer."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Effect, Reply, Step
from sim.http import Request, Response, json_response
from sim.policies.fresh import fresh
from sim.policies.http.problem import FieldError, problem
from sim.policies.http.server_log import Guarded, ServerLog, read_traceparent
from sim.store import MemoryStore, transaction

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
SECRET = "relation users does not exist at db-7.internal:5432 /srv/app/users.py"


def run(service, request=None, now=3.0):
    """Every command that a service yields for a request, and its replies."""
    flow, answer, commands = service(request or Request("GET", "/users/7?token=s3cret", "k"), now), None, []
    while True:
        try:
            commands.append(flow.send(answer))
        except StopIteration:
            break
        answer = now
    return commands, [command.response for command in commands if isinstance(command, Reply)]


def broken(request, now):
    """A handler that fails after a step, deep inside."""

    def query():
        raise KeyError(SECRET)

    yield Step("read")
    query()
    yield Reply(Response(200))


def broken_before(request, now):
    """A service that fails before there is a flow."""
    raise RuntimeError(SECRET)


def broken_after(request, now):
    """A handler that answers and then fails."""
    yield Reply(Response(202))
    raise ValueError(SECRET)


def chained(request, now):
    """A handler that fails because of another error."""
    try:
        raise OSError(SECRET)
    except OSError as error:
        raise RuntimeError("no users") from error
    yield Reply(Response(200))


def clumsy(request, now):
    """A handler whose own handling of an error fails."""
    try:
        raise OSError(SECRET)
    except OSError:
        [].pop()
    yield Reply(Response(200))


@pytest.mark.parametrize("service", [broken, broken_before, chained, clumsy])
def test_an_exception_becomes_a_500_that_tells_nothing(service):
    """The answer is a problem document with a traceId; no word of the exception is in it."""
    log = ServerLog()
    _, (answer,) = run(Guarded(service, log))
    assert answer.status == 500
    assert answer.header("Content-Type") == "application/problem+json"
    said = answer.body.decode()
    assert not any(word in said for word in ("users", "internal", "5432", "srv", "Error:", "query", "token"))


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (broken, ("KeyError", SECRET, "broken > query")),
        (broken_before, ("RuntimeError", SECRET, "broken_before")),
        (broken_after, ("ValueError", SECRET)),
        (chained, ("RuntimeError: no users", f"after OSError: {SECRET}")),
        (clumsy, ("IndexError: pop from empty list", f"after OSError: {SECRET}")),
    ],
)
def test_the_log_tells_everything(service, words):
    """The one row has the exception's type, its text, where it was raised and what it came from."""
    log = ServerLog()
    run(Guarded(service, log))
    (row,) = log.rows
    assert (row.level, row.at) == ("error", 3.0)
    assert all(word in row.detail for word in words)


def test_the_trace_id_leads_from_the_answer_to_the_row():
    """Of two failures, the traceId in each answer finds that answer's row and not the other's."""
    log = ServerLog()
    guarded = Guarded(broken, log)
    (first,), (second,) = run(guarded)[1], run(guarded)[1]
    ids = first.json()["traceId"], second.json()["traceId"]
    assert ids[0] != ids[1]
    assert [log.find(one) for one in ids] == [(log.rows[0],), (log.rows[1],)]
    assert log.find("unknown") == ()


def test_the_same_run_gives_the_same_trace_ids():
    """No clock and no chance: two runs of the same requests have the same ids, and fresh() starts the count again."""
    logs = ServerLog(), ServerLog()
    for log in logs:
        for _ in range(2):
            run(Guarded(broken, log))
    assert logs[0].rows == logs[1].rows
    again = fresh(logs[0])
    assert again.rows == ()
    assert again.trace(Request(key="a")) == ServerLog().trace(Request(key="a"))


def test_a_trace_that_began_elsewhere_is_carried_on():
    """A well-formed traceparent gives its trace id to the answer and to the row."""
    log = ServerLog()
    _, (answer,) = run(Guarded(broken, log), Request("GET", "/", "k", {"Traceparent": PARENT}))
    assert answer.json()["traceId"] == TRACE
    assert len(log.find(TRACE)) == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (PARENT, TRACE),
        (f"01-{TRACE}-00f067aa0ba902b7-01-more", TRACE),
        (f"cc-{TRACE}-00f067aa0ba902b7-00", TRACE),
        (f"00-{TRACE}-00f067aa0ba902b7-01-more", None),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", None),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE[:-1]}-00f067aa0ba902b7-01", None),
        (f" {PARENT}", None),
        (f"{PARENT}\n", None),
        ("", None),
        ("00", None),
    ],
)
def test_traceparent(value, expected):
    """Only what W3C Trace Context calls well formed is a trace id."""
    assert read_traceparent(value) == expected


def test_a_foreseen_error_gets_a_trace_id_and_a_warning():
    """A 422 keeps its body, gains a traceId, and leaves a row with the wrong fields."""

    def refusing(request, now):
        yield Reply(problem(422, "one field is wrong", errors=[FieldError("/email", "is missing")], headers={"X": "1"}))

    log = ServerLog()
    _, (answer,) = run(Guarded(refusing, log))
    (row,) = log.rows
    assert answer.json() == {
        "type": "about:blank",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "one field is wrong",
        "errors": [{"pointer": "/email", "detail": "is missing"}],
        "traceId": row.trace_id,
    }
    assert answer.header("X") == "1"
    assert (row.level, row.detail) == ("warning", "422 Unprocessable Content: one field is wrong; /email: is missing")


def test_what_goes_well_passes_unchanged():
    """Steps, effects and replies of a healthy service come through as they are, and nothing is logged."""

    def fine(request, now):
        yield Step("read")
        yield Effect(request.key)
        yield Reply(json_response({"now": now}))

    log = ServerLog()
    assert run(Guarded(fine, log))[0] == run(fine)[0]
    assert log.rows == ()


def test_after_the_reply_there_is_only_the_row():
    """A handler that fails after its answer does not answer twice."""
    log = ServerLog()
    _, replies = run(Guarded(broken_after, log))
    assert [reply.status for reply in replies] == [202]
    assert len(log.rows) == 1


def test_a_transaction_that_was_open_is_rolled_back():
    """The lock of a handler that failed is free again, and what it had written is gone."""

    class Service:
        def __init__(self):
            self.store = MemoryStore()

        def __call__(self, request, now):
            tx = yield from transaction(self.store, request)
            tx.put("t", "k", 1)
            yield Step("write")
            raise RuntimeError(SECRET)

        def died(self, request):
            self.store.died(request)

    service = Service()
    _, (answer,) = run(Guarded(service, ServerLog()))
    assert answer.status == 500
    assert service.store.is_free()
    assert service.store.get("t", "k") is None


def test_a_row_has_no_query_and_one_line():
    """The query, where tokens end up, is not logged; a line break in the path cannot forge a second row."""
    log = ServerLog()
    run(Guarded(broken, log), Request("GET", "/a\nERROR forged?token=s3cret"))
    assert log.rows[0].request == "GET /a\\nERROR forged"


def test_the_log_keeps_its_last_rows():
    """At its limit the oldest row goes."""
    log = ServerLog(limit=2)
    for text in "abc":
        log.write(text, "error", Request(), 0.0, text)
    assert [row.trace_id for row in log.rows] == ["b", "c"]
    with pytest.raises(ValueError, match="limit must be at least 1"):
        ServerLog(limit=0)


@settings(max_examples=200)
@given(st.text(max_size=80), st.text(max_size=40), st.text(max_size=10))
def test_no_request_breaks_the_guard(traceparent, path, key):
    """Whatever stands in header, path and key, the answer is a 500 with a trace id of 32 hex digits."""
    log = ServerLog()
    _, (answer,) = run(Guarded(broken, log), Request("GET", path, key, {"traceparent": traceparent}))
    assert re.fullmatch(r"[0-9a-f]{32}", answer.json()["traceId"])
    assert "\n" not in log.rows[0].request
