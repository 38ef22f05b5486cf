"""Jobs as tables of (instant, state), and what the server says about them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.jobs.job import TRANSITIONS, Event, Job, JobRules, State, too_late

RULES = JobRules(shortest=1.0, longest=60.0, keep=100.0)


def job(**plan):
    """Asked for at 100 s, 10 s in the queue, 50 s of work."""
    return Job(**{"ident": "7", "created": 100.0, "seconds": 50.0, "wait": 10.0, "stopping": 5.0} | plan)


@pytest.mark.parametrize(
    ("plan", "history"),
    [
        pytest.param(
            {},
            [(100.0, "queued", 0), (110.0, "running", 0), (159.9, "running", 99), (160.0, "succeeded", 100)],
            id="it succeeds",
        ),
        pytest.param(
            {"failure": "no data", "fails_at": 0.5},
            [(134.9, "running", 49), (135.0, "failed", 50), (500.0, "failed", 50)],
            id="it fails half way and says how far it came",
        ),
        pytest.param(
            {"failure": "no data", "fails_at": 1.0}, [(160.0, "failed", 99)], id="a failure at the end is never 100 %"
        ),
        pytest.param(
            {"cancelled": 105.0}, [(104.9, "queued", 0), (105.0, "cancelled", 0)], id="cancelled in the queue: at once"
        ),
        pytest.param(
            {"cancelled": 120.0},
            [(120.0, "cancelling", 20), (124.9, "cancelling", 29), (125.0, "cancelled", 30), (999.0, "cancelled", 30)],
            id="cancelled at work: when it notices",
        ),
        pytest.param(
            {"cancelled": 158.0},
            [(158.0, "cancelling", 96), (160.0, "cancelled", 99)],
            id="cancelled shortly before the end: it ends cancelled, no later than it would have ended",
        ),
        pytest.param({"seconds": 0.0, "wait": 0.0}, [(100.0, "succeeded", 100)], id="no work at all is done at once"),
        pytest.param({}, [(-1e12, "queued", 0), (99.0, "queued", 0)], id="before it was asked for, by a clock astray"),
    ],
)
def test_the_state_is_computed_from_the_plan_and_now(plan, history):
    """At each instant the state and the percent; asking changes nothing."""
    one = job(**plan)
    for now, state, percent in history * 2:
        assert (one.state(now).value, one.percent(now)) == (state, percent), now


plans = st.fixed_dictionaries(
    {
        "seconds": st.floats(0.0, 1e6),
        "wait": st.floats(0.0, 1e6),
        "stopping": st.floats(0.0, 100.0),
        "fails_at": st.floats(0.0, 1.0),
        "failure": st.sampled_from([None, "no"]),
    }
)


@pytest.mark.slow
@settings(max_examples=100)
@given(plans, st.lists(st.floats(0.0, 3e6), min_size=2, max_size=8), st.one_of(st.none(), st.floats(0.0, 2e6)))
def test_progress_never_goes_back_and_ends_stay(plan, instants, cancel_at):
    """Over any instants: the percent never falls, a settled state never changes, and it is 100 only at a success."""
    one = Job(ident="x", created=0.0, **plan)
    if cancel_at is not None:
        one = one.cancel(cancel_at) or one
        instants = [now for now in instants if now >= cancel_at]
    percent, ended = -1, None
    for now in sorted(instants):
        state = one.state(now)
        assert one.percent(now) >= percent
        assert ended is None or state is ended
        assert (one.percent(now) == 100) == (state is State.SUCCEEDED)
        assert (one.estimate(now) is None) == state.settled == (now >= one.settles)
        percent, ended = one.percent(now), state if state.settled else None


@settings(max_examples=100)
@given(plans, st.floats(0.0, 2e6))
def test_a_plan_is_the_same_after_the_store(plan, now):
    """Written as a document and read again, it is equal."""
    one = Job(ident="x", created=0.0, **plan)
    one = one.cancel(now) or one
    assert Job.from_document(one.document()) == one


@pytest.mark.parametrize(
    ("now", "state"), [(105.0, State.CANCELLED), (120.0, State.CANCELLING), (160.0, None), (500.0, None)]
)
def test_a_cancel_follows_the_table(now, state):
    """In the queue it is cancelled, at work it is cancelling, and after the end it is too late."""
    after = job().cancel(now)
    assert (after and after.state(now)) is state
    assert ((job().state(now), Event.CANCEL) in TRANSITIONS) == (state is not None)


def test_a_second_cancel_changes_nothing():
    """DELETE is idempotent: the instant of the first one stays."""
    once = job().cancel(120.0)
    assert once.cancel(123.0) is once
    assert once.cancel(500.0) is once


def test_202_says_where_to_ask_and_when():
    """Location, Retry-After in whole seconds, and the status as the body."""
    response = RULES.accepted(job(), "/jobs/7", 100.0)
    assert response.status == 202
    assert (response.header("Location"), response.header("Retry-After")) == ("/jobs/7", "60")
    assert response.json() == {"id": "7", "status": "queued", "percent": 0, "estimatedSeconds": 60}


@pytest.mark.parametrize(
    ("now", "bias", "retry_after"),
    [(100.0, 1.0, "60"), (130.5, 1.0, "30"), (159.5, 1.0, "1"), (159.9999, 1.0, "1"), (100.0, 100.0, "60")],
)
def test_retry_after_is_the_estimate_within_bounds(now, bias, retry_after):
    """The time left, rounded up, at least 1 s and at most 60 s."""
    assert RULES.status(job(bias=bias), "/reports/7", now).header("Retry-After") == retry_after


def test_retrying_at_the_hinted_instant_finds_an_exact_estimate_done():
    """With an exact estimate, whoever comes back when told to finds the job settled, from any instant."""
    for now in (100.0, 101.3, 110.0, 133.3, 159.99):
        assert job().state(now + JobRules(longest=3_600.0).retry_after(job(), now)) is State.SUCCEEDED


@pytest.mark.parametrize(
    ("plan", "members"),
    [
        ({}, {"status": "succeeded", "percent": 100, "resultUrl": "/reports/7", "settledAt": 160.0}),
        (
            {"failure": "no data", "retryable": False, "fails_at": 0.5},
            {"status": "failed", "percent": 50, "error": "no data", "retryable": False, "settledAt": 135.0},
        ),
        (
            {"failure": "too slow", "retryable": True},
            {"status": "failed", "percent": 99, "error": "too slow", "retryable": True, "settledAt": 160.0},
        ),
        ({"cancelled": 120.0}, {"status": "cancelled", "percent": 30, "settledAt": 125.0}),
    ],
)
def test_a_settled_job_is_a_200_without_retry_after(plan, members):
    """Result, failure with whether to try again, or cancelled; there is nothing to come back for."""
    response = RULES.status(job(**plan), "/reports/7", 200.0)
    assert (response.status, response.header("Retry-After")) == (200, None)
    assert response.json() == {"id": "7"} | members


def test_a_result_is_gone_when_its_time_is_over():
    """Kept for 100 s after its end at 160 s: at 259.9 s a 200, at 260 s a 410."""
    assert RULES.status(job(), "/reports/7", 259.9).status == 200
    gone = RULES.status(job(), "/reports/7", 260.0)
    assert (gone.status, gone.json()["status"]) == (410, 410)
    assert JobRules(keep=float("inf")).status(job(), "/reports/7", 1e15).status == 200


def test_the_answers_to_a_delete():
    """204 when it is cancelled, 202 while it is stopping, 409 with a problem when it is too late."""
    assert RULES.cancelling(job().cancel(105.0), 105.0).status == 204
    stopping = RULES.cancelling(job().cancel(120.0), 120.0)
    assert (stopping.status, stopping.header("Retry-After"), stopping.json()["status"]) == (202, "5", "cancelling")
    assert RULES.cancelling(job().cancel(120.0), 125.0).status == 204
    assert too_late(job(), 160.0).json()["detail"] == "the job has succeeded and cannot be cancelled any more"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: job(seconds=-1.0), "seconds must be at least 0"),
        (lambda: job(fails_at=1.5), "fails_at must be at most 1"),
        (lambda: job(bias=0.0), "bias must be more than 0"),
        (lambda: JobRules(shortest=10.0, longest=5.0), "longest must be at least shortest"),
        (lambda: JobRules(keep=0.0), "keep must be more than 0"),
    ],
)
def test_plans_and_rules_check_their_configuration(make, sentence):
    """The mistake is told at construction."""
    with pytest.raises(ValueError, match=sentence):
        make()
