"""Flows: what one call sends and waits for, step by step, without a clock."""

import inspect
import math
from functools import partial
from random import Random

import pytest

from sim.errors import PolicyError
from sim.flow import Send, Wait, call_flow, check_method, check_wait, describe
from sim.outcome import Outcome
from sim.policies import Fixed, FullJitter, Retry, RetryBudget

OK, BAD = Outcome.answered(200), Outcome.timed_out()


class Diary:
    """A breaker and a budget in one that write down how they were called; the breaker refuses while told to."""

    def __init__(self, refusals=0, retries=100):
        self.lines, self.refusals, self.retries = [], refusals, retries

    def admit(self, now, rng):
        self.lines.append(("admit", now))
        self.refusals -= 1
        return None if self.refusals >= 0 else 7

    def record(self, permit, outcome, now, rng):
        self.lines.append(("record", permit, outcome, now))

    def retry_after(self, now):
        return 2.5

    def started(self, now):
        self.lines.append(("started", now))

    def spend(self, outcome, now):
        self.lines.append(("spend", outcome, now))
        self.retries -= 1
        return self.retries >= 0

    def succeeded(self, attempts, now):
        self.lines.append(("succeeded", attempts, now))


def play(flow, answers):
    """Everything a flow yields, each answered from the list, and its outcome (None while it goes on)."""
    yielded = [next(flow)]
    for answer in answers:
        try:
            yielded.append(flow.send(answer))
        except StopIteration as ended:
            return yielded, ended.value
    return yielded, None


def call(retry, breaker=None, budget=None, now=0.0):
    """One call."""
    return call_flow(retry, breaker, budget, now=now, rng=Random(0))


@pytest.mark.parametrize(
    ("retry", "answers", "yielded", "outcome"),
    [
        (Retry(Fixed(1.0)), [(0.1, OK)], [Send(1)], OK),
        (Retry.never(), [(0.1, BAD)], [Send(1)], BAD),
        (Retry(Fixed(1.0)), [(0.1, BAD), 1.1, (1.2, OK)], [Send(1), Wait(1.0), Send(2)], OK),
        (Retry(Fixed(1.0), attempts=2), [(1.0, BAD), 2.0, (3.0, BAD)], [Send(1), Wait(1.0), Send(2)], BAD),
        (Retry.immediate(attempts=3), [(1.0, BAD), (2.0, BAD), (3.0, BAD)], [Send(1), Send(2), Send(3)], BAD),
        (Retry(Fixed(5.0)), [(1.0, Outcome.answered(404))], [Send(1)], Outcome.answered(404)),
        (Retry(Fixed(1.0)), [(0.1, Outcome.answered(503, 9.0))], [Send(1), Wait(9.0)], None),
    ],
)
def test_one_call(retry, answers, yielded, outcome):
    """A call sends, waits and sends again as its rule says; a wait of 0 is not yielded."""
    assert play(call(retry), answers) == (yielded, outcome)


def test_a_flow_is_a_generator_that_does_nothing_by_itself():
    """Making a flow sends nothing, and it asks for one thing at a time."""
    diary = Diary()
    flow = call(Retry(), diary, diary)
    assert inspect.isgenerator(flow)
    assert diary.lines == []
    assert next(flow) == Send(1)


def test_breaker_and_budget_are_told_in_order():
    """The budget hears of the call, the breaker of each attempt with its permit, the budget of retry and success."""
    diary = Diary()
    play(call(Retry(Fixed(1.0)), diary, diary, now=10.0), [(10.5, BAD), 11.5, (11.7, OK)])
    assert diary.lines == [
        ("started", 10.0),
        ("admit", 10.0),
        ("record", 7, BAD, 10.5),
        ("spend", BAD, 10.5),
        ("admit", 11.5),
        ("record", 7, OK, 11.7),
        ("succeeded", 2, 11.7),
    ]


def test_a_stopped_attempt_is_an_outcome_and_counts():
    """An attempt that the breaker stops is not sent, has failed for certain, and uses up one of the attempts."""
    diary = Diary(refusals=2)
    yielded, outcome = play(call(Retry(Fixed(1.0), attempts=2), diary), [2.5])
    # The breaker asked for 2.5 s, which is longer than the backoff's second.
    assert yielded == [Wait(2.5)]
    assert outcome == Outcome.breaker_open(2.5)
    assert outcome.failed
    assert [line for line in diary.lines if line[0] == "record"] == []


def test_an_empty_budget_ends_the_call():
    """When the budget has no retry left the call ends with the last outcome, before the wait."""
    assert play(call(Retry(Fixed(1.0)), budget=Diary(retries=0)), [(0.5, BAD)]) == ([Send(1)], BAD)


def test_a_retry_that_is_not_wanted_is_not_paid_for():
    """The rule is asked before the budget: giving up costs no token."""
    budget = RetryBudget()
    play(call(Retry.never(), budget=budget), [(0.5, BAD)])
    assert budget.tokens == 5.0


def test_previous_is_the_last_wait():
    """The rule is given 0 first and then the wait before, and the seconds since the call began."""
    seen = []

    class Rule:
        def wait(self, attempt, outcome, elapsed, previous, rng):
            seen.append((attempt, elapsed, previous))
            return float(attempt)

    play(call(Rule(), now=100.0), [(100.5, BAD), 101.5, (102.0, BAD), 104.0, (104.5, BAD)])
    assert seen == [(1, 0.5, 0.0), (2, 2.0, 1.0), (3, 4.5, 2.0)]


def test_many_attempts_have_their_numbers():
    """Attempt numbers go on past the ones that are kept ready."""
    flow = call(Retry.immediate(attempts=100))
    yielded, outcome = play(flow, [(float(number), BAD) for number in range(1, 101)])
    assert [send.attempt for send in yielded] == list(range(1, 101))
    assert outcome is BAD


@pytest.mark.parametrize("wait", [-1.0, -1, math.nan, math.inf, -math.inf, "1", [1.0], 1j])
def test_a_wait_that_is_none_is_the_policys_fault(wait):
    """Anything but a finite number of seconds, at least 0, names the policy, the attempt and what it returned."""

    class Mine:
        def wait(self, attempt, outcome, elapsed, previous, rng):
            return wait

    with pytest.raises(PolicyError) as caught:
        play(call(Mine()), [(0.5, BAD)])
    assert str(caught.value) == (
        f"Mine returned {wait!r} after attempt 1; a wait must be a finite number of seconds, at least 0"
    )


@pytest.mark.parametrize("wait", [0, 0.0, 3, 2.5, True])
def test_a_number_of_seconds_is_a_wait(wait):
    """Whole numbers do as well."""
    assert check_wait(wait, Retry(), 1) is None


def function(attempt):
    """A plain function."""


class Calling:
    """An object that can be called."""

    def __call__(self):
        return None


@pytest.mark.parametrize(
    ("policy", "name"),
    [
        (FullJitter(), "FullJitter"),
        (FullJitter, "the class FullJitter"),
        (function, "function"),
        (3.0, "float"),
        (None, "NoneType"),
        (Calling(), "Calling"),
        (partial(function), "partial"),
        (len, "len"),
        (Diary().admit, "admit"),
    ],
)
def test_a_policy_is_described_without_its_address(policy, name):
    """A class is called a class, a function by its name, any object by its class."""
    assert describe(policy) == name


class Methods:
    """Methods that take what they should in several ways, and some that do not."""

    def exact(self, now, rng):
        """Takes both."""

    def renamed(self, a, b):
        """Takes both by other names: the call is positional."""

    def with_default(self, now, rng, extra=1):
        """Takes one more, which need not be given."""

    def anything(self, *arguments):
        """Takes whatever comes."""

    def too_few(self, now):
        """Takes one."""

    def too_many(self, now, rng, extra):
        """Takes three."""

    def by_name_only(self, *, now, rng):
        """Cannot be called by position."""

    number = 3


@pytest.mark.parametrize("method", ["exact", "renamed", "with_default", "anything"])
def test_a_method_that_can_be_called_is_admitted(method):
    """Names do not matter, only that the arguments fit."""
    assert check_method(Methods(), method, "now", "rng") is None


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("too_few", "Methods must have a method too_few(now, rng), got too_few(now)"),
        ("too_many", "Methods must have a method too_many(now, rng), got too_many(now, rng, extra)"),
        ("by_name_only", "Methods must have a method by_name_only(now, rng), got by_name_only(*, now, rng)"),
        ("number", "Methods must be an object with a method number(now, rng)"),
        ("missing", "Methods must be an object with a method missing(now, rng)"),
    ],
)
def test_a_method_that_cannot_be_called_is_refused(method, message):
    """The message shows what the method must take and what it takes."""
    with pytest.raises(TypeError) as caught:
        check_method(Methods(), method, "now", "rng")
    assert str(caught.value) == message
