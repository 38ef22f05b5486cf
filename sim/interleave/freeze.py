"""Any object as a hashable value: two that freeze alike will behave alike.

The explorer merges two paths that lead to the same state.  What a request has read so far is in its generator's
variables and on its stack, so they are part of the state and a handler need not declare its reads.  Where an object
cannot be seen through, it freezes to something unique: nothing is merged then, which costs time and never hides a
schedule.
"""

from __future__ import annotations

import gc
import re
from collections import Counter, deque
from collections.abc import Callable, Hashable, Sequence
from enum import Enum
from functools import lru_cache
from random import Random
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
)
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
    # Counted: two different members may freeze alike.
    return frozenset(Counter(map(freezer.one, value)).items())


def _generator(freezer: _Freezer, flow: Any) -> Hashable:
    frame = flow.gi_frame
    if frame is None:
        return "ended"
    # The point where it stands, what it knows there, and the flow that it is waiting for.  A loop's iterator and a
    # half-evaluated expression are on the frame's stack, which only the garbage collector can see.
    known = frame.f_locals
    held = [one for one in gc.get_referents(flow) if one is not known and not isinstance(one, CodeType | FrameType)]
    return flow.gi_code, frame.f_lasti, freezer.one(known), freezer.all(held), freezer.one(flow.gi_yieldfrom)


def _function(freezer: _Freezer, value: Any) -> Hashable:
    parts = value.__closure__ or (), value.__defaults__, value.__kwdefaults__, vars(value)
    return value.__code__, freezer.all(parts)


def _method(freezer: _Freezer, value: Any) -> Hashable:
    return freezer.one(value.__func__), freezer.one(value.__self__)


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


def _unique(freezer: _Freezer, value: Any) -> Hashable:
    return object()


def _is_named_tuple(kind: type) -> bool:
    return issubclass(kind, tuple) and hasattr(kind, "_fields")


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
    if (state is None and not slots) or _is_from_c(type(value)):  # type: ignore[arg-type]
        return _reduced(freezer, value)
    held = {name: getattr(value, name) for name in slots if hasattr(value, name)} | (state or {})
    return tuple(held), freezer.all(held.values())


def _reduced(freezer: _Freezer, value: Any) -> Hashable:
    """What a built-in without attributes (an iterator, a counter) would be rebuilt from."""
    try:
        arguments, state, members, items = (*value.__reduce_ex__(4)[1:5], None, None, None)[:4]
        return freezer.all((arguments, state, list(members or ()), list(items or ())))
    except Exception:  # a lock, a socket, a database: nobody can see into it
        return object()


_CONTAINERS: tuple[type, ...] = (list, tuple, deque)
_Reader = Callable[[_Freezer, Any], Hashable]
_READERS: tuple[tuple[tuple[type, ...], _Reader], ...] = (
    (_CONTAINERS, _sequence),
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
def _is_from_c(kind: type) -> bool:
    """True when a class of C, other than `object`, holds a part of what it is: a str, an exception, a partial."""
    bases = [base for base in kind.__mro__[:-1] if not base.__flags__ & _HEAP or base.__module__ in _BUILT_IN_MODULES]
    return any(base.__basicsize__ > object.__basicsize__ or base.__itemsize__ for base in bases)


_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: classes made by a class statement have it, most of C's have not
_BUILT_IN_MODULES = frozenset(("functools", "_functools", "_io", "io"))


@lru_cache(maxsize=1_024)
def _reader(kind: type) -> _Reader:
    for kinds, read in _READERS:
        if issubclass(kind, kinds):
            # A subclass of a container may hold attributes beside its members: nothing is lost if nothing is merged.
            plain = kind in kinds or kinds not in (_CONTAINERS, (dict,), (set, frozenset)) or _is_named_tuple(kind)
            return read if plain else _unique
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
