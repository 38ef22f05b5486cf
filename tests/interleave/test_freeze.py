"""Freezing: what will behave alike freezes alike, and what may not does not."""

import threading
from collections import deque
from enum import Enum
from functools import partial
from random import Random

import attrs
import pytest

from sim.flow import Step
from sim.interleave.freeze import freeze
from sim.store import MemoryStore


class Colour(Enum):
    """Two values."""

    RED = 1
    BLUE = 2


@attrs.define
class Slotted:
    """Attributes in slots."""

    value: object


class Plain:
    """Attributes in a dict."""

    def __init__(self, value):
        self.value = value


class Word(str):
    """A text with room for attributes."""


def flow(values):
    """Stops twice, with the same local variables but for one."""
    for value in values:
        yield Step(str(value))


def at(values, steps):
    """The flow after *steps* points."""
    running = flow(values)
    for _ in range(steps):
        next(running)
    return running


def closing_over(value):
    """A function that holds *value*."""
    return lambda: value


def stored(*keys):
    """A store with some keys."""
    store = MemoryStore()
    for key in keys:
        store.put("table", key, 1)
    return store


def iterator(values, steps):
    """A built-in iterator that has been moved on."""
    moved = iter(values)
    for _ in range(steps):
        next(moved)
    return moved


def shared():
    """A list twice, the very same."""
    inner = []
    return [inner, inner]


MAKERS = [
    lambda: None,
    lambda: 1,
    lambda: True,
    lambda: 1.0,
    lambda: "1",
    lambda: b"1",
    lambda: float("nan"),
    lambda: (1, 2),
    lambda: [1, 2],
    lambda: deque([1, 2]),
    lambda: {1, 2},
    lambda: {"a": 1, "b": [2]},
    lambda: {"a": 1, "b": [3]},
    lambda: Colour.RED,
    lambda: Colour.BLUE,
    lambda: Slotted,
    lambda: Slotted(1),
    lambda: Slotted([1]),
    lambda: Plain(1),
    lambda: Plain(Plain(1)),
    lambda: Random(1),
    lambda: Random(2),
    lambda: at([1, 2], 0),
    lambda: at([1, 2], 1),
    lambda: at([1, 2], 2),
    lambda: at([1, 3], 1),
    lambda: closing_over(1),
    lambda: closing_over(2),
    lambda: Plain(1).__init__,
    lambda: stored("a"),
    lambda: stored("a", "b"),
    lambda: iterator([1, 2], 0),
    lambda: iterator([1, 2], 1),
    lambda: [[], []],
    shared,
    lambda: len,
    lambda: threading,
    lambda: Word("a"),
    lambda: Word("b"),
    lambda: ValueError("a"),
    lambda: ValueError("b"),
    lambda: partial(int, "1"),
    lambda: partial(int, "2"),
    lambda: {Plain(1)},
    lambda: {Plain(1), Plain(1)},
    lambda: lambda: 200,
    lambda: lambda: 409,
]


@pytest.mark.parametrize("number", range(len(MAKERS)))
def test_equal_things_freeze_alike_and_different_ones_do_not(number):
    """Made twice it freezes to equal, hashable values, and to nothing that another of the list freezes to."""
    frozen = [freeze(make()) for make in MAKERS]
    assert freeze(MAKERS[number]()) == frozen[number]
    assert hash(freeze(MAKERS[number]())) == hash(frozen[number])
    assert [other for other in range(len(MAKERS)) if frozen[other] == frozen[number]] == [number]


def test_what_cannot_be_seen_through_is_unique():
    """A lock hides its state: nothing is merged."""
    lock = threading.Lock()
    assert freeze(lock) != freeze(lock)


def test_a_circle_comes_to_an_end():
    """An object that holds itself freezes, alike each time."""
    first, second = [1], [1]
    first.append(first)
    second.append(second)
    assert freeze(first) == freeze(second)
    assert freeze(first) != freeze([1, [1]])


def test_an_ended_flow_is_told_from_one_that_runs():
    """After its end a flow has no local variables left."""
    ended = at([1], 1)
    assert next(ended, "end") == "end"
    assert freeze(ended) != freeze(at([1], 1))
