"""Bad input ends in one clear sentence: before the run where the configuration shows it, else at that event."""

import math

import attrs
import pytest

from sim.errors import CapacityError, EventBudgetError, FlowError, PolicyError
from sim.experiment import compare, run
from sim.flow import Send, Wait
from sim.laws import Constant, Exponential, Mixture, Uniform
from sim.model.client import STEPS_AT_ONE_INSTANT
from sim.policies import CircuitBreaker, ClientPolicy, Fixed, FullJitter, Retry, RetryBudget
from sim.scenario import BrownOut, Clients, Crash, Network, Outage, Scenario, Server
from sim.scenarios.herds import plain_queue, thundering_herd
from sim.workload import AllAtOnce, ClosedLoop, Poisson, Ramp, Replay

SMALL = Scenario(arrivals=AllAtOnce(clients=3))
DOWN = attrs.evolve(SMALL, faults=(Outage(start=0.0, length=1e6),))
CALL = r"\(call \d+, client \d+, t = .* s\)$"
KNOBS = [
    (AllAtOnce, "clients", {}),
    (AllAtOnce, "at", {}),
    (ClosedLoop, "clients", {}),
    (Ramp, "to_per_second", {}),
    (Clients, "timeout", {}),
    (Clients, "per_host", {}),
    (Network, "request_loss", {}),
    (Network, "duplication", {}),
    (Server, "workers", {}),
    (Server, "queue", {}),
    (Server, "slope", {}),
    (Server, "failure", {}),
    (Server, "retry_after", {}),
    (Outage, "start", {"length": 1.0}),
    (Outage, "length", {"start": 1.0}),
    (BrownOut, "slowdown", {"start": 1.0, "length": 1.0}),
    (Crash, "cold_start", {"start": 1.0, "length": 1.0}),
    (Scenario, "horizon", {}),
    (Scenario, "drain", {}),
    (Exponential, "mean", {}),
    (Constant, "value", {}),
    (Fixed, "seconds", {}),
    (FullJitter, "base", {}),
    (Retry, "attempts", {}),
    (Retry, "deadline", {}),
    (CircuitBreaker, "window", {}),
    (CircuitBreaker, "probes", {}),
    (RetryBudget, "ratio", {}),
]
MAY_BE_INFINITE = {"timeout", "workers", "queue", "probes"}


@pytest.mark.parametrize(
    ("owner", "knob", "others"), KNOBS, ids=[f"{owner.__name__}.{knob}" for owner, knob, _ in KNOBS]
)
def test_a_knob_that_is_negative_not_a_number_or_infinite_is_refused(owner, knob, others):
    """The sentence names the knob, the rule and the value."""
    for value, rule in ((-1.0, "must be (at least|more than)"), (math.nan, "must be a finite number, got nan")):
        with pytest.raises(ValueError, match=rf"^{knob} {rule}"):
            owner(**others, **{knob: value})
    for value in ("3", True, [1]):
        with pytest.raises(TypeError, match=rf"^{knob} must be a number, got "):
            owner(**others, **{knob: value})
    if knob not in MAY_BE_INFINITE:
        with pytest.raises(ValueError, match=rf"^{knob} must be a finite number, got inf"):
            owner(**others, **{knob: math.inf})


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: AllAtOnce(clients=10**9), "clients must be at most 10,000,000, got 1000000000"),
        (lambda: AllAtOnce(clients=0), "clients must be at least 1, got 0"),
        (lambda: AllAtOnce(clients=2.5), "clients must be a whole number, got 2.5"),
        (lambda: Network(reply_loss=1.5), "reply_loss must be at most 1, got 1.5"),
        (lambda: Fixed(1e300), "seconds must be at most 86,400, got 1e+300"),
        (lambda: Retry(attempts=10**6), "attempts must be at most 10,000, got 1000000"),
        (lambda: Retry(attempts=0), "attempts must be at least 1, got 0"),
        (lambda: Uniform(2.0, 1.0), "high must be at least low (2), got 1.0"),
        (lambda: Mixture(laws=(Constant(1.0),), weights=(0.5,)), "weights must be more than 0 and sum to 1"),
        (lambda: Poisson(steps=((1.0, 2.0),)), "steps must begin at 0 and grow in time, got [1.0]"),
        (lambda: Poisson.steady(math.inf), "steps must have finite rates of at least 0, got inf"),
        (lambda: Poisson.steady(-1.0), "steps must have finite rates of at least 0, got -1.0"),
        (lambda: Replay([2.0, 1.0]), "at must hold finite instants of at least 0 in order"),
        (lambda: Replay([math.nan]), "at must hold finite instants of at least 0 in order"),
        (lambda: thundering_herd(clients=-5), "clients must be at least 1, got -5"),
        (lambda: thundering_herd(service=math.inf), "service must be a finite number, got inf"),
        (lambda: thundering_herd(client=5), "thundering_herd has no knob 'client'; its knobs are clients,"),
        (lambda: SMALL.with_knobs(clients=5), "scenario 'unnamed' was made by hand; use attrs.evolve to change it"),
    ],
)
def test_an_absurd_value_is_refused_where_it_is_written(make, sentence):
    """Nothing is run: the configuration itself is refused."""
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("policies", [[], {}, ()])
def test_an_empty_list_of_policies_is_refused(policies):
    """compare says what it must hold."""
    with pytest.raises(ValueError, match=r"^policies must hold at least one policy, got none$"):
        compare(SMALL, policies)


def test_no_seeds_are_refused():
    """compare says what it must hold."""
    with pytest.raises(ValueError, match=r"^seeds must hold at least one seed, got none$"):
        compare(SMALL, ["fixed"], seeds=[])


def test_an_unknown_policy_lists_the_near_ones():
    """A slip of the pen is answered with what was meant."""
    with pytest.raises(ValueError, match=r"^unknown policy 'ful-jitter'; did you mean full-jitter"):
        run(SMALL, "ful-jitter")


class Delay:
    """A backoff that returns whatever it was given."""

    def __init__(self, seconds):
        self.seconds = seconds

    def delay(self, attempt, previous, rng):
        return self.seconds


class ShortSignature:
    def delay(self, attempt):
        return 1.0

    def wait(self, attempt):
        return 1.0

    def call(self, now):
        return 1.0


class OnlyWait:
    def wait(self, attempt):
        return 1.0


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        (lambda: Retry(ShortSignature()), "must have a method delay(attempt, previous, rng), got delay(attempt)"),
        (lambda: run(SMALL, ShortSignature()), "must have a method call(now, rng), got call(now)"),
        (
            lambda: run(SMALL, OnlyWait()),
            "must have a method wait(attempt, outcome, elapsed, previous, rng), got wait(attempt)",
        ),
        (
            lambda: Retry(FullJitter),
            "the class FullJitter must be an object with a method delay(attempt, previous, rng)",
        ),
        (lambda: ClientPolicy(Retry(), object()), "must be an object with a method admit(now, rng)"),
        (lambda: run(SMALL, OnlyWait), "a policy must be a name, a Retry, a ClientPolicy or an object with wait"),
        (lambda: run(SMALL, 7), "a policy must be a name, a Retry, a ClientPolicy or an object with wait"),
        (lambda: run(SMALL, lambda: 5), "must make a policy for each host, got 5"),
    ],
)
def test_a_policy_with_the_wrong_signature_is_refused_before_the_run(use, sentence):
    """The sentence names the policy, the method and what it must take."""
    with pytest.raises(TypeError) as caught:
        use()
    assert sentence in str(caught.value)


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -1.0, "soon", [1.0]])
def test_a_wait_that_is_no_wait_names_the_policy_the_attempt_and_the_call(seconds):
    """The rule and the value stand in the sentence."""
    with pytest.raises(PolicyError, match="a wait must be a finite number of seconds, at least 0 " + CALL) as caught:
        run(DOWN, Retry(Delay(seconds), attempts=3))
    assert str(caught.value).startswith(f"Retry returned {seconds!r} after attempt 1; ")


def flow_of(*commands):
    """A policy whose flow yields *commands*."""

    class Odd:
        def call(self, now, rng):
            for command in commands:  # noqa: UP028 - a tuple takes no send
                yield command

    return Odd()


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("hello", "Odd yielded 'hello', which is none of Send, Wait, Note "),
        (None, "Odd yielded None, which is none of Send, Wait, Note "),
        (Send, "Odd yielded <class 'sim.flow.Send'>, which is none of Send, Wait, Note "),
        (Wait(-1.0), r"Odd yielded Wait\(-1.0\); it must be finite and at least 0 "),
        (Wait(math.nan), r"Odd yielded Wait\(nan\); it must be finite and at least 0 "),
    ],
)
def test_a_flow_that_yields_something_unknown_is_named_with_the_call(command, sentence):
    """What was yielded, what is allowed, which call, and when."""
    with pytest.raises(FlowError, match=f"^{sentence}{CALL}"):
        run(SMALL, flow_of(command))


def test_a_flow_that_returns_no_outcome_is_named():
    """A flow must end with what came of the call."""
    with pytest.raises(FlowError, match="^Odd returned None instead of an Outcome " + CALL):
        run(SMALL, flow_of(Send(1)))


def test_a_policy_that_raises_is_named_with_its_own_error():
    """A learner's slip is their own error, with the policy and the call in front of it."""

    class Slip(Delay):
        def delay(self, attempt, previous, rng):
            return 1 / 0

    with pytest.raises(PolicyError, match=r"^Retry\(Slip\) raised ZeroDivisionError: division by zero " + CALL):
        run(DOWN, Retry(Slip(0.0)))


@pytest.mark.parametrize("seconds", [0.0, 5e-324, 1e-18, 1e-9])
def test_a_policy_that_does_not_let_the_clock_advance_is_stopped_and_named(seconds):
    """No limit of attempts and no wait to speak of: stopped within the same instant, not after a million events."""
    rule = f"acted {STEPS_AT_ONE_INSTANT + 1:,} times without letting the clock advance "
    with pytest.raises(EventBudgetError, match=r"^Retry\(Delay\) " + rule + CALL):
        run(DOWN, Retry(Delay(seconds), attempts=None))


def test_immediate_retries_without_a_limit_are_stopped():
    """The bare loop around a request, against a server that is down."""
    with pytest.raises(
        EventBudgetError, match=r"^Retry\(Fixed\) acted .* times without letting the clock advance " + CALL
    ):
        run(DOWN, Retry.immediate(attempts=None))


def test_immediate_retries_behind_an_open_breaker_are_stopped():
    """Attempts that the breaker stops take no event; without a limit they must not spin for ever either."""
    policy = ClientPolicy(Retry(Fixed(0.0), attempts=None, respect_retry_after=False), CircuitBreaker(minimum_volume=1))
    with pytest.raises(
        EventBudgetError, match=r"^Retry\(Fixed\) acted .* times without letting the clock advance " + CALL
    ):
        run(DOWN, policy)


def test_a_flow_that_only_waits_for_nothing_is_stopped():
    """Wait(0) for ever is no progress."""
    with pytest.raises(EventBudgetError, match="^Odd acted .* times without letting the clock advance " + CALL):
        run(SMALL, flow_of(*[Wait(0.0)] * (STEPS_AT_ONE_INSTANT + 1)))


class Raises:
    def call(self, now, rng):
        raise KeyError("lost")


class ReturnsNothing:
    def call(self, now, rng):
        return None


@pytest.mark.parametrize(
    ("policy", "error", "sentence"),
    [
        (flow_of(Wait("soon")), FlowError, r"^Odd yielded Wait\('soon'\); it must be finite and at least 0 "),
        (flow_of(Send("first")), FlowError, r"^Odd yielded Send\('first'\); an attempt is a whole number "),
        (Raises(), PolicyError, r"^Raises raised KeyError: 'lost' "),
        (
            ReturnsNothing(),
            FlowError,
            r"^ReturnsNothing returned None from call\(now, rng\), which is not a generator ",
        ),
    ],
)
def test_a_broken_flow_is_named_with_its_call(policy, error, sentence):
    """Whatever a flow does wrong, the message names the policy and the call."""
    with pytest.raises(error, match=sentence + CALL):
        run(SMALL, policy)


def test_a_factory_that_raises_is_named():
    """A function that cannot make a policy is refused before the run, with its own error."""
    with pytest.raises(TypeError, match=r"^<lambda> must make a policy .*; it raised ZeroDivisionError"):
        run(SMALL, lambda: 1 / 0)


@pytest.mark.slow
def test_waits_of_nothing_by_many_calls_share_one_budget():
    """Many calls that spin together are stopped by what they spend together, in seconds and not in minutes."""
    herd = attrs.evolve(DOWN, arrivals=AllAtOnce(clients=2_000))
    with pytest.raises(EventBudgetError, match=r"^Retry\(Fixed\) "):
        run(herd, Retry.immediate(attempts=None))


@pytest.mark.slow
def test_a_call_that_never_ends_is_stopped_by_the_budget_of_the_run():
    """Small but honest waits for ever: the clock moves, and the attempts of the run are counted instead."""
    with pytest.raises(EventBudgetError, match=r"^Retry\(Delay\) was still sending after 1,000,\d+ attempts " + CALL):
        run(DOWN, Retry(Delay(1e-3), attempts=None))


@pytest.mark.parametrize("attempts", [200, STEPS_AT_ONE_INSTANT])
def test_rejections_at_once_never_recurse(attempts):
    """Hundreds of rejections at one instant, each answered by the next try: no recursion, every attempt is a row."""
    figures = run(DOWN, Retry.immediate(attempts=attempts)).summary()
    assert (figures["attempts"], figures["gave_up"], figures["drain_seconds"]) == (3 * attempts, 3, 0.0)


def test_ten_thousand_rejections_of_one_call_do_not_grow_the_stack():
    """Far more rejections than Python's recursion limit, spread a millisecond apart."""
    one = attrs.evolve(DOWN, arrivals=AllAtOnce(clients=1))
    assert run(one, Retry(Fixed(0.001), attempts=10_000)).summary()["attempts"] == 10_000


@pytest.mark.parametrize(
    "world",
    [
        plain_queue(rate=1_000_000.0, horizon=10_000_000.0),
        Scenario(name="ramp", arrivals=Ramp(to_per_second=1e12)),
    ],
    ids=["plain-queue", "ramp"],
)
def test_more_clients_than_memory_is_refused_before_the_run(world):
    """The sentence names the scenario, the calls, the memory they would take, and what there is."""
    sentence = (
        rf"^{world.name} would begin [\d,]+ calls, about [\d,.]+ GB; it must fit into the free memory, [\d,.]+ GB$"
    )
    with pytest.raises(CapacityError, match=sentence):
        run(world, "no-retry")
    with pytest.raises(CapacityError, match=sentence):
        compare(world, ["no-retry"], seeds=[0])
