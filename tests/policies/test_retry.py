"""Retry and ClientPolicy: whether to try again, and what a slip in a signature says."""

from random import Random

import pytest

from sim.outcome import Outcome
from sim.policies import CircuitBreaker, ClientPolicy, Fixed, Retry, RetryBudget, transient

TIMED_OUT = Outcome.timed_out()


def asked(seconds):
    """A 503 that asks for a pause."""
    return Outcome.answered(503, seconds)


@pytest.mark.parametrize(
    ("retry", "attempt", "outcome", "elapsed", "expected"),
    [
        (Retry(Fixed(1.0)), 1, TIMED_OUT, 0.0, 1.0),
        (Retry(Fixed(1.0)), 5, TIMED_OUT, 0.0, 1.0),
        (Retry(Fixed(1.0)), 6, TIMED_OUT, 0.0, None),
        (Retry(Fixed(1.0), attempts=1), 1, TIMED_OUT, 0.0, None),
        (Retry(Fixed(1.0), attempts=None), 10**6, TIMED_OUT, 1e9, 1.0),
        (Retry(Fixed(1.0), deadline=3.0), 1, TIMED_OUT, 2.0, 1.0),
        (Retry(Fixed(1.0), deadline=3.0), 1, TIMED_OUT, 2.1, None),
        (Retry(Fixed(1.0), deadline=3.0), 1, asked(3.5), 0.0, None),
        (Retry(Fixed(1.0)), 1, asked(7.0), 0.0, 7.0),
        (Retry(Fixed(1.0)), 1, asked(0.5), 0.0, 1.0),
        (Retry(Fixed(1.0)), 1, asked(0.0), 0.0, 1.0),
        (Retry(Fixed(1.0), respect_retry_after=False), 1, asked(7.0), 0.0, 1.0),
        (Retry(Fixed(1.0)), 1, Outcome.breaker_open(4.0), 0.0, 4.0),
        (Retry(Fixed(1.0)), 1, Outcome.answered(404), 0.0, None),
        (Retry(Fixed(1.0), on=lambda outcome: outcome.status == 404), 1, Outcome.answered(404), 0.0, 1.0),
        (Retry(Fixed(1.0), on=lambda outcome: outcome.status == 404), 1, TIMED_OUT, 0.0, None),
        (Retry.immediate(), 5, TIMED_OUT, 0.0, 0.0),
        (Retry.immediate(attempts=2), 2, TIMED_OUT, 0.0, None),
        (Retry.never(), 1, TIMED_OUT, 0.0, None),
    ],
)
def test_wait_or_give_up(retry, attempt, outcome, elapsed, expected):
    """Attempts, deadline, Retry-After and the kind of outcome decide as the table says."""
    assert retry.wait(attempt, outcome, elapsed, 0.0, Random(0)) == expected


@pytest.mark.parametrize(
    ("outcome", "worth_it"),
    [
        (Outcome.timed_out(), True),
        (Outcome.refused(), True),
        (Outcome.breaker_open(), True),
        *[(Outcome.answered(status), True) for status in (408, 409, 425, 429, 500, 502, 503, 504)],
        *[(Outcome.answered(status), False) for status in (200, 201, 301, 400, 401, 403, 404, 410, 422, 501, 505)],
    ],
)
def test_transient_outcomes(outcome, worth_it):
    """What may be different next time is tried again: no answer, a refusal, an open breaker, and nine statuses."""
    assert transient(outcome) is worth_it


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Retry(attempts=0), "attempts must be at least 1, got 0"),
        (lambda: Retry(attempts=2.5), "attempts must be a whole number, got 2.5"),
        (lambda: Retry(attempts=True), "attempts must be a number, got True"),
        (lambda: Retry(deadline=0.0), "deadline must be more than 0, got 0.0"),
        (lambda: Retry(respect_retry_after=1), "respect_retry_after must be true or false, got 1"),
        (lambda: Retry(3.0), "float must be an object with a method delay(attempt, previous, rng)"),
        (lambda: Retry(Fixed), "the class Fixed must be an object with a method delay(attempt, previous, rng)"),
    ],
)
def test_a_bad_retry_is_refused(make, message):
    """A slip in the configuration is refused at once, with the field, the rule and the value."""
    with pytest.raises((TypeError, ValueError)) as caught:
        make()
    assert str(caught.value) == message


class Forgetful:
    """A backoff that forgot its rng."""

    def delay(self, attempt, previous):
        """One second."""
        return 1.0


class NoReading:
    """A breaker that cannot say when to ask again."""

    def admit(self, now, rng):
        """Always."""
        return 0

    def record(self, permit, outcome, now, rng):
        """Nothing."""


class Stingy:
    """A budget whose spend takes one argument too few."""

    def started(self, now):
        """Nothing."""

    def spend(self, now):
        """Never."""
        return False

    def succeeded(self, attempts, now):
        """Nothing."""


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Retry(Forgetful()),
            "Forgetful must have a method delay(attempt, previous, rng), got delay(attempt, previous)",
        ),
        (
            lambda: ClientPolicy(Fixed(1.0)),
            "Fixed must be an object with a method wait(attempt, outcome, elapsed, previous, rng)",
        ),
        (
            lambda: ClientPolicy(Retry),
            "the class Retry must be an object with a method wait(attempt, outcome, elapsed, previous, rng)",
        ),
        (
            lambda: ClientPolicy(Retry(), NoReading()),
            "NoReading must be an object with a method retry_after(now)",
        ),
        (
            lambda: ClientPolicy(Retry(), budget=Stingy()),
            "Stingy must have a method spend(outcome, now), got spend(now)",
        ),
        (
            lambda: ClientPolicy(Retry(), RetryBudget()),
            "RetryBudget must be an object with a method admit(now, rng)",
        ),
    ],
)
def test_a_wrong_signature_shows_before_the_run(make, message):
    """An object without the method, or with other parameters, is refused with what it should have and has."""
    with pytest.raises(TypeError) as caught:
        make()
    assert str(caught.value) == message


def test_a_client_policy_is_a_retry_a_breaker_and_a_budget():
    """With nothing given it is full jitter alone; the breaker may be positional, the budget is named."""
    assert ClientPolicy() == ClientPolicy(Retry(), None, budget=None)
    policy = ClientPolicy(Retry.never(), CircuitBreaker(), budget=RetryBudget())
    assert policy.breaker.state.value == "closed"
    assert policy.budget.tokens == 5.0


def test_a_call_begins_when_it_is_told():
    """The flow of a call counts its deadline from the instant it began, not from zero."""
    flow = ClientPolicy(Retry(Fixed(1.0), deadline=2.0)).call(100.0, Random(0))
    next(flow)
    assert flow.send((100.5, TIMED_OUT)).seconds == 1.0
    flow.send(101.5)
    with pytest.raises(StopIteration) as ended:
        flow.send((101.6, TIMED_OUT))
    assert ended.value.value is TIMED_OUT
