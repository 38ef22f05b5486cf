"""Problem documents: what is written, what is read back, and what never gets out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Response, json_body
from sim.policies.http.problem import MEDIA_TYPE, FieldError, Problem, problem, read_problem, unexpected

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab/~", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=3), inner, max_size=3),
    max_leaves=6,
)


def document(**members):
    """A response whose problem document has these members."""
    return Response(409, headers={"Content-Type": MEDIA_TYPE}, body=json_body(members))


def test_all_field_errors_come_at_once():
    """Three wrong fields are three entries of one answer, each with its JSON Pointer."""
    errors = [FieldError("/email", "is missing"), FieldError("/age", "must be at least 0"), FieldError("/a~1b", "no")]
    answer = problem(422, "3 fields are wrong", errors=errors)
    assert [entry["pointer"] for entry in answer.json()["errors"]] == ["/email", "/age", "/a~1b"]
    assert read_problem(answer).errors == tuple(errors)


def test_the_status_stands_in_both_places():
    """The document repeats the status of the response (RFC 9457 §3.1.2), and the media type says what it is."""
    answer = problem(404, "there is no order 7")
    assert (answer.status, answer.json()["status"], answer.json()["title"]) == (404, 404, "Not Found")
    assert answer.header("content-type") == "application/problem+json"


def test_what_is_not_said_is_left_out():
    """No detail, no errors and extensions of None leave no members behind."""
    assert problem(500, balance=None).json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
    }


def test_a_problem_reads_as_it_was_written():
    """Type, title, detail, extensions and Retry-After come back; members that the reader does not know are kept."""
    answer = problem(
        403, "you have 30", kind="/problems/credit", title="Not enough credit", retry_after=2.0, balance=30
    )
    assert read_problem(answer) == Problem(
        status=403,
        kind="/problems/credit",
        title="Not enough credit",
        detail="you have 30",
        extensions={"balance": 30},
    )
    assert answer.retry_after == 2.0


@pytest.mark.parametrize(
    "response",
    [
        Response(500),
        Response(502, headers={"Content-Type": "text/html"}, body=b"<h1>502</h1>"),
        Response(500, headers={"Content-Type": "application/json"}, body=b'{"title": "no"}'),
        Response(500, headers={"Content-Type": MEDIA_TYPE}),
        Response(500, headers={"Content-Type": MEDIA_TYPE}, body=b"{"),
        Response(500, headers={"Content-Type": MEDIA_TYPE}, body=b"[]"),
        Response(500, headers={"Content-Type": MEDIA_TYPE}, body=b'"text"'),
        Response(500, headers={"Content-Type": MEDIA_TYPE}, body=b"\xff\xfe"),
        Response(500, headers={"Content-Type": MEDIA_TYPE}, body=b"[" * 100_000),
        Response(500, headers={"Content-Type": MEDIA_TYPE}, body=b'{"title": 1, "title": 2}'),
        Response(500, headers={"Content-Type": MEDIA_TYPE}, body=b" " * 2_000_000),
    ],
)
def test_what_is_no_problem_document_is_none(response):
    """Another media type, no body, no JSON, no object: the client falls back to the status."""
    assert read_problem(response) is None


def test_members_of_the_wrong_type_are_ignored():
    """RFC 9457 §3.1: a member whose type is wrong is read as if it were not there; the others count."""
    told = read_problem(
        document(
            type=7, title=["x"], detail="kept", status="409", instance=None, errors={"pointer": "/a"}, traceId=TRACE
        )
    )
    assert told == Problem(status=409, detail="kept", extensions={"traceId": TRACE})


def test_the_status_in_the_document_is_advisory():
    """When the two differ, the reader believes the response."""
    assert read_problem(document(status=200)).status == 409


def test_malformed_field_errors_are_skipped():
    """Of a list with good and bad entries the good ones are read."""
    rows = [{"pointer": "/a", "detail": "x"}, {"pointer": 1, "detail": "x"}, "x", None, {"detail": "x"}]
    assert read_problem(document(errors=rows)).errors == (FieldError("/a", "x"),)


def test_media_type_parameters_and_case_do_not_matter():
    """`Application/Problem+JSON; charset=utf-8` is the same media type."""
    answer = Response(400, headers={"content-type": "Application/Problem+JSON; charset=utf-8"}, body=b"{}")
    assert read_problem(answer) == Problem(status=400)


def test_an_unexpected_error_has_a_trace_id_and_nothing_else():
    """The 500 for the unforeseen carries its traceId; there is no way to hand it the exception's text."""
    answer = unexpected(TRACE)
    assert answer.status == 500
    assert set(answer.json()) == {"type", "title", "status", "detail", "traceId"}
    assert answer.json()["traceId"] == TRACE
    assert unexpected("x").json() | {"traceId": TRACE} == answer.json()


@pytest.mark.slow
@settings(max_examples=150)
@given(
    JSON_VALUES | st.fixed_dictionaries({}, optional=dict.fromkeys(["type", "title", "status", "errors"], JSON_VALUES))
)
def test_no_document_crashes_the_reader(value):
    """Whatever JSON stands there, the answer is None or a problem of the right types."""
    told = read_problem(Response(422, headers={"Content-Type": MEDIA_TYPE}, body=json_body(value)))
    assert (told is None) == (not isinstance(value, dict))
    if told is not None:
        assert all(isinstance(text, str) for text in (told.kind, told.title, told.detail, told.instance))
        assert all(isinstance(error, FieldError) for error in told.errors)


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_no_bytes_crash_the_reader(body):
    """Bytes that are not JSON are no problem document."""
    told = read_problem(Response(500, headers={"Content-Type": MEDIA_TYPE}, body=body))
    assert told is None or isinstance(told, Problem)
