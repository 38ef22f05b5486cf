"""Outcomes: ok, failed or indeterminate, and which answers are which."""

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import BODY_LIMIT, Response
from sim.outcome import CONNECTION_REFUSED, Kind, Outcome


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        *[(Outcome.answered(status), Kind.OK) for status in (200, 201, 202, 204, 299)],
        *[
            (Outcome.answered(status), Kind.FAILED)
            for status in (100, 199, 300, 304, 400, 401, 404, 408, 409, 410, 422, 429, 500, 501, 503, 505)
        ],
        (Outcome.answered(502), Kind.INDETERMINATE),
        (Outcome.answered(504), Kind.INDETERMINATE),
        (Outcome.timed_out(), Kind.INDETERMINATE),
        (Outcome.refused(), Kind.FAILED),
        (Outcome.breaker_open(), Kind.FAILED),
    ],
)
def test_the_kind_of_an_outcome(outcome, kind):
    """2xx is ok; a timeout, a 502 and a 504 leave open whether the work was done; everything else failed."""
    assert outcome.kind is kind


@pytest.mark.parametrize("outcome", [Outcome.answered(200), Outcome.answered(500), Outcome.timed_out()])
def test_exactly_one_of_three(outcome):
    """Of ok, failed and indeterminate one is true and two are not."""
    assert [outcome.ok, outcome.failed, outcome.indeterminate].count(True) == 1
    assert getattr(outcome, outcome.kind.value)


@pytest.mark.parametrize(
    ("outcome", "status", "retry_after", "reason"),
    [
        (Outcome.answered(503, 2.0), 503, 2.0, "answered"),
        (Outcome.answered(429), 429, None, "answered"),
        (Outcome.timed_out(), None, None, "timed out"),
        (Outcome.refused(), CONNECTION_REFUSED, None, "refused"),
        (Outcome.breaker_open(5.0), None, 5.0, "breaker open"),
    ],
)
def test_what_an_outcome_carries(outcome, status, retry_after, reason):
    """Status, the wait that was asked for, and a word for people."""
    assert (outcome.status, outcome.retry_after, outcome.reason) == (status, retry_after, reason)


def test_an_outcome_is_a_value():
    """Outcomes are equal by their parts, can be put in a set, and cannot be changed."""
    assert Outcome.answered(503, 1.0) == Outcome(Kind.FAILED, 503, 1.0)
    assert len({Outcome.timed_out(), Outcome.timed_out(), Outcome.refused()}) == 2
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Outcome.timed_out().status = 200


def test_the_cache_mixes_nothing_up():
    """Answers with the same status and another Retry-After are other outcomes."""
    assert [Outcome.answered(503, wait).retry_after for wait in (None, 0.0, 1.0, 2.5)] == [None, 0.0, 1.0, 2.5]


@pytest.mark.parametrize(
    ("outcome", "document"),
    [
        *[(Outcome.of(Response(status, body=b'{"id": 7}'), now=0.0), {"id": 7}) for status in (200, 404, 503)],
        (Outcome.of(Response(200, body=b"{}"), now=0.0), {}),
        *[
            (Outcome.of(Response(200, headers={"X": "y"}, body=body), now=0.0), None)
            for body in (
                b"", b"{", b"[]", b'"x"', b"7", b"null", b"<h1>", b"\xff", b'{"a": NaN}', b"[" * 100_000,
                b" " * BODY_LIMIT + b"{}",
            )
        ],
        *[(outcome, None) for outcome in (Outcome.answered(204), Outcome.timed_out(), Outcome.breaker_open())],
    ],
)  # fmt: skip
def test_the_document_of_an_outcome(outcome, document):
    """A JSON object comes out of an answer of any status; whatever else came, or did not come, is None."""
    assert outcome.document() == document


@settings(max_examples=100)
@given(st.binary(max_size=30) | st.text(st.sampled_from('{}[]":,a1 '), max_size=12).map(str.encode))
def test_no_body_makes_the_document_raise(body):
    """Whatever a server sends, the client reads an object or nothing."""
    document = Outcome.of(Response(200, body=body), now=0.0).document()
    assert document is None or isinstance(document, dict)
