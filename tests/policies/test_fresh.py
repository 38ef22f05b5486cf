"""fresh: every host gets its own copy, and the policy that was handed in stays as it was."""

import threading
from random import Random

import attrs
import pytest

from sim.outcome import Outcome
from sim.policies import (
    CircuitBreaker,
    ClientPolicy,
    Exponential,
    FullJitter,
    ProportionalJitter,
    Retry,
    RetryBudget,
    State,
    fresh,
)


def worn():
    """A policy with an open breaker and a spent budget, and a little configuration of its own."""
    breaker, budget, rng = CircuitBreaker(minimum_volume=1, open_time=7.0), RetryBudget(capacity=3.0), Random(0)
    breaker.record(breaker.admit(0.0, rng), Outcome.timed_out(), 0.0, rng)
    budget.spend(Outcome.timed_out(), 0.0)
    return ClientPolicy(Retry(ProportionalJitter(backoff=Exponential(base=0.3)), attempts=4), breaker, budget=budget)


def test_a_tree_of_attrs_objects_begins_anew():
    """State starts again, configuration is kept, all the way down the tree."""
    copy = fresh(worn())
    assert (copy.breaker.state, copy.breaker.changes, copy.budget.tokens) == (State.CLOSED, [], 3.0)
    assert (copy.breaker.open_time, copy.breaker.minimum_volume, copy.retry.attempts) == (7.0, 1, 4)
    assert copy.retry.backoff.backoff == Exponential(base=0.3)


def test_the_original_is_never_touched():
    """Neither copying nor the life of a copy changes the policy that was handed in."""
    original = worn()
    before = attrs.asdict(original, recurse=True)
    copy = fresh(original)
    copy.breaker.record(copy.breaker.admit(0.0, Random(0)), Outcome.timed_out(), 0.0, Random(0))
    copy.budget.spend(Outcome.timed_out(), 0.0)
    assert attrs.asdict(original, recurse=True) == before


def test_two_copies_share_nothing_that_changes():
    """What one host learns another does not know."""
    policy = ClientPolicy(Retry(), CircuitBreaker(minimum_volume=1), budget=RetryBudget())
    one, other = fresh(policy), fresh(policy)
    one.breaker.record(one.breaker.admit(0.0, Random(0)), Outcome.timed_out(), 0.0, Random(0))
    one.budget.spend(Outcome.timed_out(), 0.0)
    assert one.breaker.state is State.OPEN
    assert (other.breaker.state, other.budget.tokens) == (State.CLOSED, 5.0)


def test_what_has_no_state_is_shared():
    """A retry rule of frozen parts is handed back as it is: sharing it cannot be seen."""
    rule = Retry(ProportionalJitter(), on=lambda outcome: True)
    assert fresh(rule) is rule


class Counting:
    """A learner's plain object with a list inside."""

    def __init__(self):
        self.seen = [1]

    def delay(self, attempt, previous, rng):
        """Remembers every attempt."""
        self.seen.append(attempt)
        return 0.0


def test_a_plain_object_is_copied_as_it_is():
    """An object that is not attrs is deep-copied as it was handed in, also inside a retry."""
    mine = Counting()
    copy = fresh(Retry(mine)).backoff
    copy.delay(9, 0.0, Random(0))
    assert (mine.seen, copy.seen) == ([1], [1, 9])


class Slotted:
    __slots__ = ("count",)

    def __init__(self):
        self.count = 0


@attrs.define
class Counter:
    count: int = 0


@attrs.frozen
class Holder:
    seen: list = attrs.field(factory=list)


@pytest.mark.parametrize("original", [Slotted(), Counter(), Holder(), Holder([1])], ids=lambda one: type(one).__name__)
def test_whatever_can_change_is_not_shared(original):
    """Slots, attrs classes that are not frozen, and lists inside frozen ones: each host gets its own."""
    copy = fresh(original)
    assert copy is not original
    if isinstance(original, Holder):
        assert copy.seen == original.seen
        assert copy.seen is not original.seen


class Locked:
    """An object that cannot be copied."""

    def __init__(self):
        self.lock = threading.Lock()


def test_what_cannot_be_copied_says_what_to_do():
    """An object with a lock inside is refused, by its name and with the way out."""
    with pytest.raises(TypeError, match=r"^Locked cannot be copied for each host \(.*\); hand in a function"):
        fresh(Locked())


class TwiceAsLong(FullJitter):
    """A learner's subclass, without a decorator."""

    def delay(self, attempt, previous, rng):
        return 2 * super().delay(attempt, previous, rng)


class Remembering(FullJitter):
    """The same with a state of its own."""

    def __init__(self):
        super().__init__()
        object.__setattr__(self, "asked", [])


class Impatient(CircuitBreaker):
    """A subclass of a policy with state that adds none."""


def test_a_plain_subclass_of_a_policy_is_copied_like_the_policy():
    """No decorator is needed: fields are rebuilt, state begins anew, and attributes of its own are copied."""
    frozen = TwiceAsLong(base=3.0)
    assert fresh(frozen) is frozen
    counting = Remembering()
    counting.asked.append(1)
    assert fresh(counting).asked == [1]
    assert fresh(counting).asked is not counting.asked
    breaker = Impatient(minimum_volume=1)
    breaker.record(breaker.admit(0.0, Random(0)), Outcome.timed_out(), 0.0, Random(0))
    assert breaker.state is State.OPEN
    assert (fresh(breaker).state, fresh(breaker).minimum_volume) == (State.CLOSED, 1)
    assert type(fresh(Retry(frozen)).backoff) is TwiceAsLong


def test_an_object_that_has_not_been_used_yet_is_copied_too():
    """`self.tries += 1` over a class attribute: the first run must not be seen by the second."""

    class Counted:
        tries = 0

        def delay(self, attempt, previous, rng):
            self.tries += 1
            return 0.0

    mine = Counted()
    fresh(mine).delay(1, 0.0, Random(0))
    assert mine.tries == 0
