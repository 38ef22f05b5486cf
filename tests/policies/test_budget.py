"""Retry budgets, as tables of (time, call, expected)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.outcome import Outcome
from sim.policies import FailureShareGate, RetryBudget, RetryQuota

BAD, THROTTLED = Outcome.timed_out(), Outcome.answered(503)


def spends(gate, outcome=BAD, now=0.0, limit=10_000):
    """Retries in a row until it refuses."""
    for number in range(limit):
        if not gate.spend(outcome, now):
            return number
    return limit


def walk(gate, script):
    """Walk through (time, "call" | "spend" | "ok", expected tokens or expected answer)."""
    for step, (now, call, expected) in enumerate(script):
        if call == "spend":
            seen = gate.spend(BAD, now)
        else:
            _ = gate.started(now) if call == "call" else gate.succeeded(1, now)
            seen = gate.tokens
        assert seen == pytest.approx(expected), f"step {step}: {call} at {now}"


@pytest.mark.parametrize(
    ("gate", "script"),
    [
        (RetryBudget(ratio=0.5, capacity=1.0), [(0.0, "spend", True), (0.0, "spend", False), (0.0, "call", 0.5)]),
        (
            RetryBudget(ratio=0.5, capacity=1.0),
            [(0.0, "spend", True), (0.0, "call", 0.5), (0.0, "spend", False), (0.0, "call", 1.0), (0.0, "spend", True)],
        ),
        (RetryBudget(ratio=0.5, capacity=1.0), [(0.0, "call", 1.0), (0.0, "ok", 1.0), (0.0, "call", 1.0)]),
        (
            RetryBudget(ratio=0.0, capacity=2.0, per_second=1.0),
            [
                (0.0, "spend", True),
                (0.0, "spend", True),
                (0.9, "spend", False),
                (1.0, "spend", True),
                (50.0, "call", 2.0),
                (50.0, "spend", True),
            ],
        ),
        (
            RetryBudget(ratio=0.0, capacity=5.0, per_second=1.0),
            [(10.0, "spend", True), (8.0, "call", 4.0), (11.0, "call", 5.0)],
        ),
    ],
    ids=["whole tokens only", "deposits add up", "full stays full", "it trickles", "time never runs back"],
)
def test_retry_budget(gate, script):
    """Deposits per call, one token per retry, and a trickle, as in the table."""
    walk(gate, script)


def test_ten_deposits_of_a_tenth_are_one_retry():
    """Rounding does not cost a retry: after ten calls at a ratio of 0.1 exactly one may be spent."""
    gate = RetryBudget(ratio=0.1)
    assert spends(gate) == 5
    for _ in range(10):
        gate.started(0.0)
    assert spends(gate) == 1


@pytest.mark.parametrize(("ratio", "retries"), [(0.1, 1_005), (0.2, 2_005), (0.0, 5)])
def test_amplification_tends_to_one_plus_the_ratio(ratio, retries):
    """When all of 10,000 calls fail, the retries are the ratio of them and what was saved up."""
    gate, spent = RetryBudget(ratio=ratio, capacity=5.0), 0
    for _ in range(10_000):
        gate.started(0.0)
        spent += sum(gate.spend(BAD, 0.0) for _ in range(3))
    # The first deposit meets a full bucket and is lost.
    assert retries - 1 <= spent <= retries


@pytest.mark.parametrize(
    ("quota", "outcome", "expected"),
    [
        (RetryQuota(), BAD, 35),
        (RetryQuota(), Outcome.answered(500), 35),
        (RetryQuota(), THROTTLED, 100),
        (RetryQuota(), Outcome.answered(429), 100),
        (RetryQuota(cost=5.0), BAD, 100),
    ],
)
def test_the_aws_quota_runs_dry(quota, outcome, expected):
    """B.2: 500 tokens are 35 retries at 14, and 100 at 5 after throttling or in older releases."""
    assert spends(quota, outcome) == expected


def test_the_aws_quota_is_refunded():
    """A first-try success gives 1 back, a success after a retry gives its price back, never above the capacity."""
    quota = RetryQuota()
    quota.succeeded(1, 0.0)
    assert quota.tokens == 500.0
    quota.spend(BAD, 0.0)
    quota.spend(BAD, 0.0)
    assert quota.tokens == 472.0
    quota.succeeded(1, 0.0)
    assert quota.tokens == 473.0
    quota.succeeded(2, 0.0)
    assert quota.tokens == 487.0
    quota.succeeded(3, 0.0)
    assert quota.tokens == 500.0


def test_a_call_costs_the_aws_quota_nothing():
    """Only retries are paid for."""
    quota = RetryQuota()
    for _ in range(1_000):
        quota.started(0.0)
    assert quota.tokens == 500.0


@pytest.mark.parametrize(
    ("threshold", "calls", "allowed"), [(0.1, 0, 0), (0.1, 9, 0), (0.1, 10, 1), (0.5, 10, 5), (0.29, 100, 29)]
)
def test_failure_share_gate(threshold, calls, allowed):
    """Failures are followed by a retry while they are at most the threshold of the calls so far."""
    gate = FailureShareGate(threshold=threshold)
    for _ in range(calls):
        gate.started(0.0)
    assert spends(gate) == allowed


def test_refused_retries_count_as_failures_too():
    """The gate counts every failure, also when it allows no retry: it needs many good calls to open again."""
    gate = FailureShareGate(threshold=0.1)
    for _ in range(10):
        gate.started(0.0)
    assert [gate.spend(BAD, 0.0) for _ in range(3)] == [True, False, False]
    for _ in range(30):
        gate.started(0.0)
        gate.succeeded(1, 0.0)
    assert gate.spend(BAD, 0.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RetryBudget(ratio=-0.1), "ratio must be at least 0, got -0.1"),
        (lambda: RetryBudget(capacity=0.5), "capacity must be at least 1, got 0.5"),
        (lambda: RetryQuota(cost=0.0), "cost must be more than 0, got 0.0"),
        (lambda: FailureShareGate(threshold=1.5), "threshold must be at most 1, got 1.5"),
    ],
)
def test_a_bad_budget_is_refused(make, message):
    """A value out of range is refused with the field, the rule and the value."""
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == message


# The same examples on every machine, and no deadline: a loaded machine is not a fault.
calls = st.lists(st.tuples(st.sampled_from(["call", "spend", "throttled", "ok", "ok late"]), st.floats(0, 5)))


def live(gate, script):
    """Play the script and return the retries allowed and the calls made; watch the tokens on the way."""
    now, allowed, made = 0.0, 0, 0
    for call, pause in script:
        now += pause
        if call == "call":
            gate.started(now)
            made += 1
        elif call in ("spend", "throttled"):
            allowed += gate.spend(BAD if call == "spend" else THROTTLED, now)
        else:
            gate.succeeded(1 if call == "ok" else 2, now)
        assert 0.0 <= gate.tokens <= gate.capacity
    return allowed, made, now


@given(calls, st.floats(0, 2), st.floats(1, 20), st.floats(0, 3))
def test_a_budget_spends_no_more_than_it_was_given(script, ratio, capacity, per_second):
    """Retries are at most the capacity and the deposits, and the tokens stay between 0 and the capacity."""
    gate = RetryBudget(ratio=ratio, capacity=capacity, per_second=per_second)
    allowed, made, now = live(gate, script)
    assert allowed <= capacity + ratio * made + per_second * now + 1e-6


@given(calls, st.floats(1, 200))
def test_a_quota_stays_between_nothing_and_its_capacity(script, capacity):
    """Whatever the order of prices and refunds, the quota's tokens never leave [0, capacity]."""
    live(RetryQuota(capacity=capacity), script)
