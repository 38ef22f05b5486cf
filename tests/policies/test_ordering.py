"""Ordering rules: what is right for snapshots, what is right for deltas, and what a gap costs."""

import itertools
import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies import fresh
from sim.policies.webhooks.ordering import (
    Applied,
    ArrivalOrder,
    Change,
    Dropped,
    HigherSequence,
    NewerTimestamp,
    NextSequence,
    Projection,
    Refused,
)

RULES = [ArrivalOrder(), NewerTimestamp(), HigherSequence(), NextSequence()]
NAMES = [type(rule).__name__ for rule in RULES]
CREATED = Change(sequence=1, at=1_000.0, status="pending", delta=1)
SUCCEEDED = Change(sequence=2, at=1_005.0, status="succeeded", delta=10)
REFUNDED = Change(sequence=3, at=1_009.0, status="refunded", delta=100)
CHANGES = (CREATED, SUCCEEDED, REFUNDED)


def play(rule, changes):
    """The projection after *changes*, in this order, and the kinds of the rulings."""
    present, kinds = Projection(), []
    for change in changes:
        ruling = rule.apply(present, change)
        kinds.append(type(ruling))
        if isinstance(ruling, Applied):
            present = ruling.projection
    return present, kinds


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_in_order_every_rule_is_right(rule):
    """When nothing is overtaken there is nothing to decide."""
    present, kinds = play(rule, CHANGES)
    assert (present.status, present.sequence, present.total, present.waiting) == ("refunded", 3, 111, ())
    assert kinds == [Applied] * 3


@pytest.mark.parametrize(
    ("rule", "status", "total"),
    [
        (ArrivalOrder(), "pending", 11),
        (NewerTimestamp(), "succeeded", 10),
        (HigherSequence(), "succeeded", 10),
        (NextSequence(), "succeeded", 11),
    ],
    ids=NAMES,
)
def test_the_guides_success_before_created(rule, status, total):
    """Arrival order goes back to pending; the two guards keep the status and lose the delta; waiting keeps both."""
    present, _ = play(rule, [SUCCEEDED, CREATED])
    assert (present.status, present.total) == (status, total)


@pytest.mark.parametrize("order", list(itertools.permutations(CHANGES)), ids=str)
def test_what_each_rule_promises_holds_in_every_order(order):
    """Newest wins keeps the status, adding up keeps the total, and only the next-in-line rule keeps both."""
    ends = {name: play(rule, order)[0] for name, rule in zip(NAMES, RULES, strict=True)}
    assert ends["ArrivalOrder"].total == 111
    assert ends["NewerTimestamp"].status == ends["HigherSequence"].status == "refunded"
    assert (ends["NextSequence"].status, ends["NextSequence"].total) == ("refunded", 111)
    assert ends["NextSequence"].waiting == ()


def test_newest_wins_loses_every_late_delta():
    """Q-24.2: of three changes in reverse order, one delta of three is left."""
    assert play(HigherSequence(), reversed(CHANGES))[0].total == REFUNDED.delta
    assert play(NewerTimestamp(), reversed(CHANGES))[0].total == REFUNDED.delta


def test_two_changes_in_one_second_tie():
    """Q-24.1: with whole-second stamps the later of two is not newer, and strictly newer drops it."""
    tied = Change(sequence=2, at=CREATED.at, status="succeeded")
    ruling = NewerTimestamp().apply(Projection().after(CREATED), tied)
    assert ruling == Dropped("its timestamp 1000 is not newer than 1000")
    assert isinstance(HigherSequence().apply(Projection().after(CREATED), tied), Applied)


@pytest.mark.parametrize("apart", [0.05, 0.2, 0.5, 0.9, 1.0, 1.5])
def test_the_share_of_ties_is_one_minus_the_distance(apart):
    """Q-24.1: over all phases of the clock, changes d seconds apart tie with a share of 1 - d: 80 % for 0.2 s."""
    phases = 2_000
    dropped = 0
    for number in range(phases):
        at = 1_000 + (number + 0.5) / phases
        present = Projection().after(Change(sequence=1, at=math.floor(at), status="pending"))
        later = Change(sequence=2, at=math.floor(at + apart), status="succeeded")
        dropped += isinstance(NewerTimestamp().apply(present, later), Dropped)
    assert dropped / phases == pytest.approx(max(0.0, 1.0 - apart), abs=1 / phases)


def test_a_clock_that_is_wrong_turns_the_order_round():
    """A second server whose clock is 10 s behind writes the later change with the earlier stamp: it is dropped."""
    behind = Change(sequence=2, at=SUCCEEDED.at - 10, status="succeeded")
    assert play(NewerTimestamp(), [CREATED, behind])[0].status == "pending"
    assert play(HigherSequence(), [CREATED, behind])[0].status == "succeeded"


def test_a_gap_is_told():
    """A sequence that jumps says how many changes are missing; one that follows says none."""
    ruling = HigherSequence().apply(Projection().after(CREATED), Change(sequence=5, at=2_000, status="refunded"))
    assert ruling.missing == 3
    assert HigherSequence().apply(Projection().after(CREATED), SUCCEEDED).missing == 0


def test_waiting_fills_the_gap():
    """A table of (sequence, applied up to, held back, missing)."""
    present, rule = Projection(), NextSequence()
    for sequence, applied, waiting, missing in [
        (3, 0, [3], 2),
        (5, 0, [3, 5], 3),
        (1, 1, [3, 5], 2),
        (2, 3, [5], 1),
        (4, 5, [], 0),
        (6, 6, [], 0),
    ]:
        ruling = rule.apply(present, Change(sequence=sequence, at=0.0, status=f"s{sequence}", delta=1))
        present = ruling.projection
        assert (present.sequence, [held.sequence for held in present.waiting]) == (applied, waiting)
        assert (ruling.missing, present.total) == (missing, applied)


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        (1, Dropped("sequence 1 was applied before")),
        (3, Dropped("sequence 3 is already waiting")),
        (4, Refused("sequence 2 is missing and 1 changes wait for it")),
    ],
)
def test_repetitions_and_a_full_waiting_room(sequence, expected):
    """What came before is dropped, held back or not; past `hold` the sender is asked to come again."""
    present = Projection(sequence=1, waiting=(REFUNDED,))
    assert NextSequence(hold=1).apply(present, Change(sequence=sequence, at=0.0, status="x")) == expected


def test_what_is_next_is_never_refused():
    """The change that closes the gap passes also when the waiting room is full, or has no places at all."""
    present = Projection(sequence=1, waiting=(REFUNDED,))
    ruling = NextSequence(hold=1).apply(present, SUCCEEDED)
    assert (ruling.projection.sequence, ruling.projection.waiting) == (3, ())
    assert isinstance(NextSequence(hold=0).apply(Projection(), CREATED), Applied)
    assert isinstance(NextSequence(hold=0).apply(Projection(), SUCCEEDED), Refused)


@settings(max_examples=150)
@given(length=st.integers(1, 12), seed=st.integers(0, 10**6))
def test_waiting_is_right_in_any_order_with_any_repetition(length, seed):
    """Every order of any number of changes, some of them twice: the last status, the whole total, nothing waits."""
    rng = Random(seed)
    changes = [Change(sequence=number, at=0.0, status=f"s{number}", delta=2**number) for number in range(1, length + 1)]
    arrivals = changes + [rng.choice(changes) for _ in range(rng.randrange(4))]
    rng.shuffle(arrivals)
    present, _ = play(NextSequence(), arrivals)
    assert (present.status, present.total) == (f"s{length}", sum(change.delta for change in changes))
    assert present.waiting == ()


@settings(max_examples=150)
@given(
    rule=st.sampled_from(RULES),
    changes=st.lists(
        st.builds(
            Change,
            sequence=st.integers(1, 9),
            at=st.integers(0, 9).map(float),
            status=st.sampled_from("abc"),
            delta=st.integers(-5, 5),
        ),
        max_size=12,
    ),
)
def test_a_rule_decides_by_its_arguments_alone(rule, changes):
    """Asked twice it says the same, it leaves its arguments as they are, and a document keeps everything."""
    present = Projection()
    for change in changes:
        kept = Projection.of(present.document())
        assert kept == present
        ruling = rule.apply(present, change)
        assert rule.apply(kept, change) == ruling
        assert present == kept
        if isinstance(ruling, Applied):
            assert ruling.missing >= 0
            present = ruling.projection


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_rules_have_no_state(rule):
    """A rule is configuration; a copy for another host is the same."""
    assert fresh(rule) == rule


def test_hold_is_checked():
    """One sentence with the field, the rule and the value."""
    with pytest.raises(ValueError, match="hold must be at least 0, got -1"):
        NextSequence(hold=-1)
