"""SeenIds: bounded memory of what has come, as a table and against a memory without bounds."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies import fresh
from sim.policies.webhooks.inbox import SeenIds


def test_an_id_is_new_once_in_its_window():
    """A table of (time, id, new): known up to the end of the window, and new again after it."""
    seen = SeenIds(window=10.0)
    script = [
        (0.0, "a", True),
        (0.0, "a", False),
        (5.0, "b", True),
        (10.0, "a", False),
        (10.5, "a", True),
        (15.0, "b", False),
        (15.5, "b", True),
        (20.5, "a", False),
    ]
    assert [(now, key, seen.admit(key, now)) for now, key, _ in script] == script


def test_a_repetition_does_not_prolong_the_memory():
    """Known from the first time: a sender that repeats every five seconds is processed again after the window."""
    seen = SeenIds(window=10.0)
    assert [seen.admit("a", now) for now in (0.0, 5.0, 10.0, 15.0)] == [True, False, False, True]


def test_memory_is_bounded_and_says_what_it_forgot():
    """Past its capacity the oldest goes first, and is counted."""
    seen = SeenIds(window=10.0, capacity=3)
    assert all(seen.admit(key, 0.0) for key in "abcd")
    assert (len(seen), seen.forgotten) == (3, 1)
    assert [seen.knows(key, 0.0) for key in "abcd"] == [False, True, True, True]


def test_what_expired_is_dropped_and_not_counted_as_forgotten():
    """Old ids make room of themselves: a steady stream needs rate times window, however long it lasts."""
    seen = SeenIds(window=10.0, capacity=1_000)
    for number in range(5_000):
        seen.admit(str(number), number * 0.1)
    assert len(seen) <= 10.0 / 0.1 + 1
    assert seen.forgotten == 0


def test_an_endless_window_is_bounded_by_the_capacity():
    """With window=inf nothing expires; only the capacity bounds it."""
    seen = SeenIds(window=float("inf"), capacity=10)
    assert all(seen.admit(str(number), number * 1e6) for number in range(25))
    assert (len(seen), seen.forgotten) == (10, 15)
    assert not seen.admit("24", 1e12)


def test_asking_changes_nothing():
    """`knows` may be asked at any time, in the future too, without a trace."""
    seen, silent = SeenIds(window=10.0), SeenIds(window=10.0)
    for memory in (seen, silent):
        memory.admit("a", 0.0)
    assert [seen.knows("a", now) for now in (0.0, 10.0, 10.1, 1e9)] == [True, True, False, False]
    assert seen == silent
    assert not seen.admit("a", 10.0)


def test_copies_are_independent():
    """A fresh copy keeps the configuration and none of the memory."""
    seen = SeenIds(window=7.0, capacity=5)
    seen.admit("a", 0.0)
    copy = fresh(seen)
    assert (copy.window, copy.capacity, len(copy)) == (7.0, 5, 0)
    assert copy.admit("a", 0.0)
    assert not seen.admit("a", 0.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": -1}, "window must be at least 0, got -1"),
        ({"window": float("nan")}, "window must be a finite number"),
        ({"capacity": 0}, "capacity must be at least 1, got 0"),
        ({"capacity": 1.5}, "capacity must be a whole number, got 1.5"),
    ],
)
def test_useless_settings_are_refused(settings, message):
    """Checked at construction, with one sentence."""
    with pytest.raises(ValueError, match=message):
        SeenIds(**settings)


@settings(max_examples=200)
@given(seed=st.integers(0, 10**6), window=st.sampled_from([0.0, 1.0, 5.0]), keys=st.integers(1, 8))
def test_it_decides_as_a_memory_without_bounds_would(seed, window, keys):
    """While it has room, it decides as a list of all first times does."""
    rng, seen, first, now = Random(seed), SeenIds(window=window), {}, 0.0
    for _ in range(60):
        now += rng.choice([0.0, 0.5, 1.0, 1.0, 4.0])
        key = str(rng.randrange(keys))
        new = key not in first or first[key] < now - window
        if new:
            first[key] = now
        assert seen.admit(key, now) is new
