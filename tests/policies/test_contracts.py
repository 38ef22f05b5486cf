"""The contract suites: every policy of ours passes, and every known slip is named in a sentence."""

import random
import threading

import pytest

from sim.policies import (
    AdaptiveThrottle,
    CircuitBreaker,
    ConsecutiveBreaker,
    DecorrelatedJitter,
    EqualJitter,
    Exponential,
    FailureShareGate,
    Fixed,
    FullJitter,
    Linear,
    ProportionalJitter,
    Retry,
    RetryBudget,
    RetryQuota,
    Table,
)
from sim.policies.catalog import RETRIES
from sim.testing import Report, check_backoff, check_breaker, check_budget, check_retry


@pytest.mark.parametrize(
    "backoff",
    [
        Fixed(0.0),
        Fixed(86_400.0),
        Linear(),
        Exponential(),
        Exponential(factor=100.0),
        FullJitter(),
        EqualJitter(),
        DecorrelatedJitter(),
        DecorrelatedJitter(base=20.0, cap=10.0),
        ProportionalJitter(),
        ProportionalJitter(backoff=FullJitter(), fraction=1.0),
        Table((30, 300, 1_800)),
    ],
    ids=repr,
)
def test_our_backoffs_keep_the_contract(backoff):
    """Every backoff of the course passes the suite that a learner's goes through."""
    assert str(check_backoff(backoff)) == "contract: ok"


@pytest.mark.parametrize("name", RETRIES)
def test_our_retries_keep_the_contract(name):
    """Every named retry passes, also with a deadline and without a limit of attempts."""
    rule = RETRIES[name]()
    assert str(check_retry(rule)) == "contract: ok"
    assert str(check_retry(Retry(rule.backoff, deadline=60.0))) == "contract: ok"


@pytest.mark.parametrize(
    "breaker",
    [
        CircuitBreaker(),
        CircuitBreaker(minimum_volume=1, window=60.0),
        CircuitBreaker(probes=5, successes_to_close=10, open_jitter=1.0),
        CircuitBreaker(open_time=86_400.0),
        ConsecutiveBreaker(),
        ConsecutiveBreaker(failures=1, probes=100),
        AdaptiveThrottle(),
        AdaptiveThrottle(multiplier=1.1, window=5.0),
    ],
    ids=repr,
)
def test_our_breakers_keep_the_contract(breaker):
    """Both circuit breakers and the adaptive throttle pass."""
    assert str(check_breaker(breaker)) == "contract: ok"


@pytest.mark.parametrize(
    "budget",
    [
        RetryBudget(),
        RetryBudget(ratio=0.2, per_second=10.0, capacity=100.0),
        RetryBudget(ratio=0.0, per_second=0.5),
        RetryQuota(),
        RetryQuota(cost=5.0),
        FailureShareGate(),
        FailureShareGate(threshold=1.0),
    ],
    ids=repr,
)
def test_our_budgets_keep_the_contract(budget):
    """Every budget passes."""
    assert str(check_budget(budget)) == "contract: ok"


def test_a_report_reads_as_sentences():
    """A report is ok or a numbered list, the same in print and at the end of a cell."""
    assert repr(Report()) == str(Report()) == "contract: ok"
    assert Report().ok
    found = Report(("one.", "two."))
    assert repr(found) == str(found) == "1. one.\n2. two."
    assert not found.ok
    with pytest.raises(AttributeError):
        found.findings = ()


def backoff(function, name="Mine"):
    """An object whose `delay` is *function*, as a learner would write it."""
    return type(name, (), {"delay": lambda self, attempt, previous, rng: function(attempt, previous, rng)})()


def counter():
    """A delay that remembers, as one that reads a clock would: never twice the same."""
    ticks = iter(range(10**9))
    return lambda attempt, previous, rng: float(next(ticks))


class Address:
    """An object whose repr holds its memory address."""


def recursing(attempt, previous, rng):
    """Never comes to an end by itself."""
    return recursing(attempt, previous, rng)


def seeding(attempt, previous, rng):
    """Seeds the stream that was lent to it."""
    rng.seed(1)
    return rng.random()


@pytest.mark.parametrize(
    ("delay", "sentence"),
    [
        (lambda a, p, r: -1.0, "delay(1, 0.0, rng) returned -1.0; a delay must be a finite number of seconds"),
        (lambda a, p, r: 3.0 - a, "delay(4, 0.0, rng) returned -1.0; a delay must be a finite number of seconds"),
        (lambda a, p, r: float("nan"), "delay(1, 0.0, rng) returned nan; a delay must be a finite number"),
        (lambda a, p, r: float("inf"), "delay(1, 0.0, rng) returned inf; a delay must be a finite number"),
        (lambda a, p, r: 10 ** (10 * a), "delay(31, 0.0, rng) returned 1000"),
        (lambda a, p, r: 10.0 ** (10 * a), "delay(31, 0.0, rng) raised OverflowError: "),
        (lambda a, p, r: p / (a - 1), "delay(1, 0.0, rng) raised ZeroDivisionError: "),
        (lambda a, p, r: None, "delay(1, 0.0, rng) returned None; a delay must be a finite number of seconds"),
        (lambda a, p, r: "1 s", "delay(1, 0.0, rng) returned '1 s'; a delay must be a finite number of seconds"),
        (lambda a, p, r: True, "delay(1, 0.0, rng) returned True; a delay must be a finite number of seconds"),
        (lambda a, p, r: random.uniform(0, 1), "it draws from the global random module"),  # noqa: TID251
        (lambda a, p, r: random.SystemRandom().random(), "for the same arguments and the same state of rng"),
        (counter(), "for the same arguments and the same state of rng; no clock, no memory"),
        (seeding, "delay(1, 0.0, rng) seeds rng anew"),
        (recursing, "delay(1, 0.0, rng) raised RecursionError"),
        (lambda a, p, r: exit(3), "delay(1, 0.0, rng) raised SystemExit: 3."),
        (lambda a, p, r: Address(), "returned <"),
    ],
)
def test_a_bad_delay_is_named(delay, sentence):
    """Each slip of a backoff gives a finding that names the call and the fault, and nothing is raised."""
    report = check_backoff(backoff(delay))
    assert not report.ok
    assert any(sentence in finding for finding in report.findings), str(report)
    assert all(finding.endswith(".") and "\n" not in finding for finding in report.findings)
    assert " at 0x" not in str(report)


class TwoArguments:
    """A delay that forgot the rng."""

    def delay(self, attempt, previous):
        return 1.0


class Uncopyable:
    """A backoff with a lock inside."""

    def __init__(self):
        self.lock = threading.Lock()

    def delay(self, attempt, previous, rng):
        return 1.0


class Hostile:
    """An object that answers nothing: every look at it fails."""

    def __getattr__(self, name):
        raise RuntimeError(f"no {name} for you")

    def __repr__(self):
        raise RuntimeError("no name either")


class Callable:
    """An object that can be called, too."""

    def __call__(self):
        return 1.0


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        (
            TwoArguments(),
            "TwoArguments must have a method delay(attempt, previous, rng), got delay(attempt, previous).",
        ),
        (object(), "object must be an object with a method delay(attempt, previous, rng)."),
        (None, "NoneType must be an object with a method delay(attempt, previous, rng)."),
        (1.0, "float must be an object with a method delay(attempt, previous, rng)."),
        (FullJitter, "the class FullJitter must be an object with a method delay(attempt, previous, rng)."),
        (Callable(), "Callable must be an object with a method delay(attempt, previous, rng)."),
        (Uncopyable(), "every host needs a copy of its own, but copying it raised TypeError: Uncopyable cannot be"),
        (Hostile(), "raised TypeError: Hostile cannot be copied for each host (no __deepcopy__ for you)"),
        (lambda: 1 / 0, "making one raised ZeroDivisionError: division by zero."),
    ],
    ids=["two arguments", "object", "None", "float", "class", "callable", "uncopyable", "hostile", "bad factory"],
)
@pytest.mark.parametrize("check", [check_backoff, check_retry, check_breaker, check_budget])
def test_what_is_no_policy_at_all_is_named(check, policy, sentence):
    """A wrong signature, a class, a thing that cannot be copied or looked at: a sentence, from every suite."""
    report = check(policy)
    assert not report.ok
    if check is check_backoff or "method" not in sentence:
        assert sentence in str(report)


def test_a_factory_is_called_for_each_copy():
    """What cannot be copied may be handed in as a function that makes one."""
    assert check_backoff(Uncopyable).findings == (
        "the class Uncopyable must be an object with a method delay(attempt, previous, rng).",
    )
    assert check_backoff(lambda: Uncopyable()).ok


def test_the_global_random_stays_as_it_was():
    """A suite leaves the global random module's state alone, also when the policy does not."""
    before = random.getstate()
    check_backoff(backoff(lambda a, p, r: random.random()))  # noqa: TID251
    assert random.getstate() == before


def test_the_object_itself_is_left_alone():
    """The suite works on copies: the breaker that was handed in is still closed and unused."""
    breaker, budget = CircuitBreaker(minimum_volume=1), RetryBudget()
    assert check_breaker(breaker).ok
    assert check_budget(budget).ok
    assert (breaker, budget) == (CircuitBreaker(minimum_volume=1), RetryBudget())


def rule(function):
    """A retry rule whose `wait` is *function* of attempt, outcome and elapsed."""
    return type("Mine", (), {"wait": lambda self, a, outcome, elapsed, previous, rng: function(a, outcome, elapsed)})()


@pytest.mark.parametrize(
    ("wait", "sentence"),
    [
        (lambda a, o, e: -0.5, "wait(1, Outcome.timed_out(), 0.0, 0.0, rng) returned -0.5; a wait must be"),
        (lambda a, o, e: False, "wait(1, Outcome.timed_out(), 0.0, 0.0, rng) returned False; a wait must be"),
        (lambda a, o, e: o.retry_after * 2, "wait(1, Outcome.timed_out(), 0.0, 0.0, rng) raised TypeError"),
        (
            lambda a, o, e: 1.0 if o.status is None else 10.0 - o.status,
            "wait(1, Outcome.answered(500), 0.0, 0.0, rng) returned -490.0; a wait must be",
        ),
        (lambda a, o, e: 0.0, "after 10,001 attempts at one instant it neither waited nor gave up"),
        (lambda a, o, e: random.random(), "it draws from the global random module"),  # noqa: TID251
        (lambda a, o, e: 5.0 - e, "returned -"),
    ],
)
def test_a_bad_wait_is_named(wait, sentence):
    """Each slip of a retry rule gives a finding that shows the call with its outcome, or says that it never ends."""
    report = check_retry(rule(wait))
    assert any(sentence in finding for finding in report.findings), str(report)


def test_a_rule_that_never_retries_keeps_the_contract():
    """Giving up at once is a rule, and so is one that retries for ever but waits."""
    assert check_retry(rule(lambda a, o, e: None)).ok
    assert check_retry(rule(lambda a, o, e: 0.1)).ok


class Plain:
    """A circuit breaker as a learner writes it, right in every part; the bad ones differ in one."""

    limit = 1

    def __init__(self):
        self.failures, self.until, self.era, self.out, self.state = 0, 0.0, 0, 0, "closed"

    def admit(self, now, rng):
        if self.state == "open":
            if now < self.until:
                return None
            self.state, self.era, self.out = "half-open", self.era + 1, 0
        if self.state == "half-open":
            if self.out >= self.limit:
                return None
            self.out += 1
        return self.era

    def record(self, permit, outcome, now, rng):
        if self.is_late(permit):
            return
        good = outcome.ok
        if self.state == "half-open" and good:
            self.state, self.era, self.failures = "closed", self.era + 1, 0
        elif not good:
            self.failures += 1
            if self.state == "half-open" or self.failures >= 5:
                self.state, self.era, self.until = "open", self.era + 1, now + 5.0

    def is_late(self, permit):
        return permit != self.era

    def retry_after(self, now):
        return max(0.0, self.until - now) if self.state == "open" else 0.0


class BornOpen(Plain):
    def admit(self, now, rng):
        return None


class NeverOpens(Plain):
    def record(self, permit, outcome, now, rng):
        return None


class NeverAsks(Plain):
    def admit(self, now, rng):
        return None if self.state == "open" else 0


class Stampede(Plain):
    limit = 10**9


class Leaky(Plain):
    """Believes every answer."""

    def is_late(self, permit):
        return False


class LeakyForFailures(Plain):
    """Ignores late successes but not late failures."""

    def record(self, permit, outcome, now, rng):
        super().record(self.era if not outcome.ok else permit, outcome, now, rng)


class ClosesWhileOpen(Plain):
    def record(self, permit, outcome, now, rng):
        super().record(permit, outcome, now, rng)
        if outcome.ok:
            self.state, self.failures = "closed", 0


class ReadingMoves(Plain):
    """Becomes half-open by being looked at, and counts the looks."""

    def retry_after(self, now):
        self.failures += 1
        return super().retry_after(now)


class NegativeReading(Plain):
    def retry_after(self, now):
        return self.until - now


class Chancy(Plain):
    def admit(self, now, rng):
        return None if random.SystemRandom().random() < 0.2 else super().admit(now, rng)


class Breaks(Plain):
    def record(self, permit, outcome, now, rng):
        raise KeyError("nobody")


def test_a_learners_right_breaker_keeps_the_contract():
    """A plain object with the three methods passes, so what the bad ones lack is what the findings name."""
    assert str(check_breaker(Plain())) == "contract: ok"


@pytest.mark.parametrize(
    ("breaker", "sentence"),
    [
        (BornOpen(), "admit(0.0, rng) refused the first attempt of all"),
        (NeverOpens(), "it admitted 10,000 attempts in a row though every one timed out; it never opens."),
        (NeverAsks(), "once open it refused every attempt for 40 days"),
        (Stampede(), "it admitted 11 attempts at one instant; half-open lets at most 10 probes through."),
        (Leaky(), "in half-open it took late answers to attempts from before it opened for its probes' answers."),
        (LeakyForFailures(), "its probe was ok and yet it refused the next attempt"),
        (ClosesWhileOpen(), "while open it took the late answer to an attempt from before as a reason to close."),
        (ReadingMoves(), "reading retry_after(now) changed what admit decided later"),
        (NegativeReading(), "retry_after(0.01) returned -0.01; a time to ask again must be a finite number"),
        (Chancy(), "two copies with the same rng and the same answers decided differently"),
        (Breaks(), "record(0, Outcome.timed_out(), 0.01, rng) raised KeyError: 'nobody'."),
        (CircuitBreaker(probes=float("inf")), "half-open lets at most 10 probes through."),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_bad_breaker_is_named(breaker, sentence):
    """Each slip of a breaker gives the finding that names it."""
    report = check_breaker(breaker)
    assert any(sentence in finding for finding in report.findings), str(report)


def test_a_breakers_own_limit_goes_first():
    """A breaker that says it takes 3 probes may not let 4 through; one that says 50 may let 50."""

    class Says(Plain):
        probes, limit = 3, 4

    assert "half-open lets at most 3 probes through" in str(check_breaker(Says()))
    assert check_breaker(CircuitBreaker(probes=50)).ok
    assert "at most 1 probe through" in str(check_breaker(Stampede(), probes=1))


class Bucket:
    """A budget as a learner writes it, right in every part; the bad ones differ in one."""

    capacity, ratio, price = 5.0, 0.2, 1.0

    def __init__(self):
        self.tokens = self.capacity

    def started(self, now):
        self.tokens = min(self.capacity, self.tokens + self.ratio)

    def spend(self, outcome, now):
        if self.tokens < self.price:
            return False
        self.tokens -= self.price
        return True

    def succeeded(self, attempts, now):
        return None


class Overdrawn(Bucket):
    def spend(self, outcome, now):
        self.tokens -= 1.0
        return self.tokens > -3.0


class Overfull(Bucket):
    def started(self, now):
        self.tokens += 1.0


class Bottomless(Bucket):
    price = 0.0


class Generous:
    """Allows everything, and shows no tokens."""

    def started(self, now):
        return None

    def spend(self, outcome, now):
        return True

    def succeeded(self, attempts, now):
        return None


class RefilledByEveryCall(Generous):
    """Twenty retries for every call: a limit for one call, none for all."""

    def __init__(self):
        self.left = 20

    def started(self, now):
        self.left = 20

    def spend(self, outcome, now):
        self.left -= 1
        return self.left >= 0


class NeverEarns(Bucket):
    ratio = 0.0


class Vague(Bucket):
    def spend(self, outcome, now):
        return None


class Raises(Bucket):
    def succeeded(self, attempts, now):
        raise ValueError("not my success")


class Gambler(Generous):
    def spend(self, outcome, now):
        return random.SystemRandom().random() < 0.5


def test_a_learners_right_budget_keeps_the_contract():
    """A plain object with the three methods passes, so what the bad ones lack is what the findings name."""
    assert str(check_budget(Bucket())) == "contract: ok"


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [
        (Overdrawn(), "its tokens are -1.0; a budget never goes below 0."),
        (Overfull(), "its tokens are 6.0, above its capacity of 5.0."),
        (Bottomless(), "spend(Outcome.timed_out(), 0.0) allowed a retry and took no token for it."),
        (Generous(), "it allowed 10,000 retries in a row without a new call; a budget must run dry."),
        (RefilledByEveryCall(), "600 calls failed and it allowed all 20 retries of each; it limits nothing."),
        (NeverEarns(), "once dry it refused a retry even after 10,000 good calls; it must earn again."),
        (Vague(), "spend(Outcome.timed_out(), 0.0) returned None; it must be True or False."),
        (Raises(), "succeeded(1, 1.0) raised ValueError: not my success."),
        (Gambler(), "two copies that saw the same calls decided differently"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_bad_budget_is_named(budget, sentence):
    """Each slip of a budget gives the finding that names it."""
    report = check_budget(budget)
    assert any(sentence in finding for finding in report.findings), str(report)
