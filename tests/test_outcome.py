"""Outcomes: ok, failed or indeterminate, and which answers are which."""

import attrs
import pytest

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
