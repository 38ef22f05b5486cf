"""Forms and those who fill them in."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Reply, Send, Wait
from sim.http import Request, json_body
from sim.outcome import Outcome
from sim.policies.http.problem import problem, read_problem
from sim.services.profiles.form import RIGHT, Form, FormFiller


def judged(form, body):
    """The answer to a form, or to bytes."""
    body = body if isinstance(body, bytes) else json_body(body)
    (answer,) = [
        command.response for command in form(Request("POST", "/forms", body=body), 0.0) if isinstance(command, Reply)
    ]
    return answer


def filled(filler, form, document):
    """How many forms are sent, how many seconds pass, and the last status."""
    flow, sent, seconds, answer = (
        filler.converse(Request("POST", "/forms", body=json_body(document)), 0.0, Random(0)),
        0,
        0.0,
        None,
    )
    try:
        while True:
            command = flow.send(answer)
            if isinstance(command, Send):
                sent += 1
                assert command.attempt == sent
                answer = (0.0, Outcome.of(form(command.request), now=0.0))
            else:
                assert isinstance(command, Wait)
                seconds += command.seconds
                answer = 0.0
    except StopIteration as end:
        return sent, seconds, end.value.status


def document(wrong, fields=6):
    """A form whose first *wrong* fields are wrong."""
    return {f"field{number}": "wrong" if number < wrong else RIGHT for number in range(fields)}


@pytest.mark.parametrize("wrong", range(7))
def test_one_at_a_time_takes_k_more(wrong):
    """k wrong fields: k + 1 forms when told the first, two when told all (one when there is nothing to tell)."""
    patient = FormFiller(patience=100)
    first_only, all_at_once = Form(6, first_only=True), Form(6)
    assert filled(patient, lambda request: judged(first_only, request.body), document(wrong)) == (
        wrong + 1, 8.0 * wrong, 204,
    )  # fmt: skip
    assert filled(patient, lambda request: judged(all_at_once, request.body), document(wrong)) == (
        min(wrong, 1) + 1, 3.0 * wrong + 5.0 * min(wrong, 1), 204,
    )  # fmt: skip


def test_patience_ends():
    """After so many forms the filler goes, and the last answer is what the call ended with."""
    form = Form(6, first_only=True)
    sent, _, status = filled(FormFiller(patience=3), lambda request: judged(form, request.body), document(5))
    assert (sent, status) == (3, 422)


@pytest.mark.parametrize("answer", [problem(500), problem(422)])
def test_an_answer_that_names_no_field_is_the_end(answer):
    """Without pointers there is nothing to correct."""
    assert filled(FormFiller(), lambda request: answer, document(2))[0] == 1


def test_what_is_no_json_is_a_400():
    """Bytes that are no JSON are not judged field by field."""
    assert judged(Form(2), b"{").status == 400
    assert judged(Form(2), b"").status == 400
    assert read_problem(judged(Form(2), [])).errors[0].pointer == ""


@pytest.mark.slow
@settings(max_examples=100)
@given(
    st.binary(max_size=20)
    | st.dictionaries(st.sampled_from(["field0", "field1", "x"]), st.integers() | st.text(max_size=3))
)
def test_no_body_crashes_the_form(body):
    """Any body is a 204, a 400 or a 422."""
    assert judged(Form(2), body).status in (204, 400, 422)
