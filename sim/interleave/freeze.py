"""Any object as a hashable value: two that freeze alike will behave alike.

The explorer merges two paths that lead to the same state.  What a request has read so far is in its generator's
local variables, so they are part of the state and a handler need not declare its reads.  Where an object cannot be
seen through, it freezes to something unique: nothing is merged then, which costs time and never hides a schedule.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from enum import Enum
from functools import lru_cache
from random import Random
from types import BuiltinFunctionType, CellType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any, cast

_PLAIN = frozenset({str, bytes, int, complex, bool, type(None)})


def freeze(*values: Any, known: Sequence[Any] = ()) -> Hashable:
    """The *values* and all that they refer to, as one hashable value.

    An object with a `snapshot()` freezes to that.  Objects that several parts share are told apart from equal copies.
    *known*: objects that never change and are the same in every state; they are not looked into.

    >>> freeze({"a": [1, 2]}) == freeze({"a": [1, 2]}), freeze([1]) == freeze([True])
    (True, False)
    """
    return _Freezer(known).all(values)


class _Freezer:
    def __init__(self, known: Sequence[Any]) -> None:
        self._seen: dict[int, int] = {id(value): number for number, value in enumerate(known)}
        self._kept: list[Any] = []  # an object that dies would lend its id to another

    def all(self, values: Any) -> Hashable:
        # A plain value stands for itself beside its type: 1, 1.0 and True are equal, and here they are not alike.
        return tuple([(type(value), value) if type(value) in _PLAIN else self.one(value) for value in values])

    def one(self, value: Any) -> Hashable:
        kind = type(value)
        if kind is float:
            return kind, value if value == value else "nan"  # which equals nothing, itself included
        if kind in _PLAIN:
            return kind, value
        number = self._seen.get(id(value))
        if number is not None:
            return _Freezer, number
        self._seen[id(value)] = len(self._seen)
        self._kept.append(value)
        return kind, _reader(kind)(self, value)  # type: ignore[arg-type]


def _sequence(freezer: _Freezer, value: Any) -> Hashable:
    return freezer.all(value)


def _mapping(freezer: _Freezer, value: Any) -> Hashable:
    # In its own order: sorting would move the numbers by which shared objects are known.
    return freezer.all(value), freezer.all(value.values())


def _set(freezer: _Freezer, value: Any) -> Hashable:
    return frozenset(map(freezer.one, value))


def _generator(freezer: _Freezer, flow: Any) -> Hashable:
    frame = flow.gi_frame
    if frame is None:
        return "ended"
    # The point where it stands, what it knows there, and the flow that it is waiting for.
    return flow.gi_code.co_qualname, frame.f_lasti, freezer.one(frame.f_locals), freezer.one(flow.gi_yieldfrom)


def _function(freezer: _Freezer, value: Any) -> Hashable:
    return value.__qualname__, freezer.all(value.__closure__ or ()), freezer.one(value.__defaults__)


def _method(freezer: _Freezer, value: Any) -> Hashable:
    return value.__func__.__qualname__, freezer.one(value.__self__)


def _cell(freezer: _Freezer, value: Any) -> Hashable:
    try:
        return freezer.one(value.cell_contents)
    except ValueError:  # a cell that is still empty
        return None


def _itself(freezer: _Freezer, value: Any) -> Hashable:
    return cast(Hashable, value)


def _built_in(freezer: _Freezer, value: Any) -> Hashable:
    """A function in C is itself; a method in C, such as `[].append`, belongs to an object that cannot be seen."""
    return value if isinstance(value.__self__, ModuleType | type | type(None)) else object()


def _chance(freezer: _Freezer, value: Any) -> Hashable:
    return cast(Hashable, value.getstate())


def _snapshot(freezer: _Freezer, value: Any) -> Hashable:
    snapshot = value.snapshot()
    try:
        hash(snapshot)
    except TypeError:
        return freezer.one(snapshot)
    return cast(Hashable, snapshot)


def _attributes(freezer: _Freezer, value: Any) -> Hashable:
    slots = _slots(type(value))  # type: ignore[arg-type]
    state = getattr(value, "__dict__", None)
    if state is None and not slots:
        return _reduced(freezer, value)
    held = {name: getattr(value, name) for name in slots if hasattr(value, name)} | (state or {})
    return tuple(held), freezer.all(held.values())


def _reduced(freezer: _Freezer, value: Any) -> Hashable:
    """What a built-in without attributes (an iterator, a counter) would be rebuilt from."""
    try:
        return freezer.one(value.__reduce_ex__(4)[1:])
    except Exception:  # a lock, a socket, a database: nobody can see into it
        return object()


_Reader = Callable[[_Freezer, Any], Hashable]
_READERS: tuple[tuple[tuple[type, ...], _Reader], ...] = (
    ((list, tuple, deque), _sequence),
    ((dict,), _mapping),
    ((set, frozenset), _set),
    ((GeneratorType,), _generator),
    ((FunctionType,), _function),
    ((MethodType,), _method),
    ((CellType,), _cell),
    ((Enum, type, ModuleType, re.Pattern), _itself),
    ((BuiltinFunctionType,), _built_in),
    ((Random,), _chance),
)


@lru_cache(maxsize=1_024)
def _reader(kind: type) -> _Reader:
    for kinds, read in _READERS:
        if issubclass(kind, kinds):
            return read
    return _snapshot if hasattr(kind, "snapshot") else _attributes


@lru_cache(maxsize=1_024)
def _slots(kind: type) -> tuple[str, ...]:
    found: list[str] = []
    for base in kind.__mro__:
        slots = vars(base).get("__slots__", ())
        own = f"_{base.__name__.lstrip('_')}"
        names = (slots,) if isinstance(slots, str) else slots
        found += [own + name if name.startswith("__") and not name.endswith("__") else name for name in names]
    return tuple(name for name in found if name not in ("__weakref__", "__dict__"))
