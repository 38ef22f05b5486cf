"""Any object as a hashable value: two that freeze alike will behave alike.

The explorer merges two paths that lead to the same state.  What a request has read so far is in its generator's
local variables, so they are part of the state and a handler need not declare its reads.  Where an object cannot be
seen through, it freezes to something unique: nothing is merged then, which costs time and never hides a schedule.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Generator, Hashable, Sequence
from enum import Enum
from functools import lru_cache
from random import Random
from types import BuiltinFunctionType, CellType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

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
        # Exact types first: this runs for every part of every state.
        if kind is tuple or kind is list:
            return kind, self.all(value)
        if kind is dict:
            return kind, self.all(value), self.all(value.values())
        return kind, self._inside(value)

    def _inside(self, value: Any) -> Hashable:
        if isinstance(value, list | tuple | deque):
            return self.all(value)
        if isinstance(value, dict):
            return self.all(value), self.all(value.values())
        if isinstance(value, set | frozenset):
            return frozenset(map(self.one, value))
        if isinstance(value, Generator):
            return self._generator(value)
        if isinstance(value, FunctionType):
            return value.__qualname__, self.all(value.__closure__ or ()), self.one(value.__defaults__)
        if isinstance(value, MethodType):
            return value.__func__.__qualname__, self.one(value.__self__)
        if isinstance(value, CellType):
            try:
                return self.one(value.cell_contents)
            except ValueError:  # a cell that is still empty
                return None
        if isinstance(value, Enum | type | ModuleType) or (
            isinstance(value, BuiltinFunctionType) and not _bound(value)
        ):
            return value
        if isinstance(value, Random):
            return value.getstate()
        if hasattr(value, "snapshot"):
            return self.one(value.snapshot())
        return self._attributes(value)

    def _generator(self, flow: Any) -> Hashable:
        if not isinstance(flow, GeneratorType):
            return object()
        if flow.gi_frame is None:
            return "ended"
        return flow.gi_code.co_qualname, flow.gi_frame.f_lasti, self.one(flow.gi_frame.f_locals), self.one(
            flow.gi_yieldfrom
        )  # fmt: skip

    def _attributes(self, value: Any) -> Hashable:
        slots = _slots(type(value))
        state = getattr(value, "__dict__", None)
        if state is None and not slots:
            return self._reduced(value)
        held = {name: getattr(value, name) for name in slots if hasattr(value, name)} | (state or {})
        return tuple(held), self.all(held.values())

    def _reduced(self, value: Any) -> Hashable:
        """What a built-in without attributes (an iterator, a counter) would be rebuilt from."""
        try:
            return self.one(value.__reduce_ex__(4)[1:])
        except Exception:  # a lock, a socket, a database: nobody can see into it
            return object()


@lru_cache(maxsize=1_024)
def _slots(kind: type) -> tuple[str, ...]:
    found: list[str] = []
    for base in kind.__mro__:
        slots = vars(base).get("__slots__", ())
        own = f"_{base.__name__.lstrip('_')}"
        names = (slots,) if isinstance(slots, str) else slots
        found += [own + name if name.startswith("__") and not name.endswith("__") else name for name in names]
    return tuple(name for name in found if name not in ("__weakref__", "__dict__"))


def _bound(value: Any) -> bool:
    """True for a method of an object that is written in C, such as `[].append`."""
    return inspect.isbuiltin(value) and not isinstance(value.__self__, ModuleType | type | type(None))
