"""Any object as a hashable value: two that freeze alike will behave alike.

The explorer merges two paths that lead to the same state.  What a request has read so far is in its generator's
local variables, so they are part of the state and a handler need not declare its reads.  Where an object cannot be
seen through, it freezes to something unique: nothing is merged then, which costs time and never hides a schedule.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Generator, Hashable
from enum import Enum
from random import Random
from types import BuiltinFunctionType, CellType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

_PLAIN = (str, bytes, int, float, complex, bool, type(None))


def freeze(*values: Any) -> Hashable:
    """The *values* and all that they refer to, as one hashable value.

    An object with a `snapshot()` freezes to that.  Objects that several parts share are told apart from equal copies.

    >>> freeze({"a": [1, 2]}) == freeze({"a": [1, 2]}), freeze([1]) == freeze([True])
    (True, False)
    """
    return _Freezer().all(values)


class _Freezer:
    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []  # an object that dies would lend its id to another

    def all(self, values: Any) -> Hashable:
        return tuple(self.one(value) for value in values)

    def one(self, value: Any) -> Hashable:
        kind = type(value)
        if kind in _PLAIN:
            return kind.__name__, repr(value) if value != value else value
        if isinstance(value, Enum | type | ModuleType | BuiltinFunctionType) and not _is_bound(value):
            return value
        number = self._seen.get(id(value))
        if number is not None:
            return "seen", number
        self._seen[id(value)] = len(self._seen)
        self._kept.append(value)
        return kind.__qualname__, self._inside(value)

    def _inside(self, value: Any) -> Hashable:
        if isinstance(value, list | tuple | deque):
            return self.all(value)
        if isinstance(value, dict):
            return tuple((self.one(key), self.one(inner)) for key, inner in value.items())
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
        slots = [name for base in type(value).__mro__ for name in _slots(base)]
        state = getattr(value, "__dict__", None)
        if state is None and not slots:
            return self._reduced(value)
        held = {name: getattr(value, name) for name in slots if hasattr(value, name)} | (state or {})
        return tuple((name, self.one(inner)) for name, inner in held.items())

    def _reduced(self, value: Any) -> Hashable:
        """What a built-in without attributes (an iterator, a counter) would be rebuilt from."""
        try:
            return self.one(value.__reduce_ex__(4)[1:])
        except Exception:  # a lock, a socket, a database: nobody can see into it
            return object()


def _slots(base: type) -> tuple[str, ...]:
    slots = vars(base).get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    mangled = (f"_{base.__name__.lstrip('_')}{name}" if name.startswith("__") else name for name in names)
    return tuple(
        name for name in mangled if name not in ("__weakref__", "__dict__") and not name.endswith("__weakref__")
    )


def _is_bound(value: Any) -> bool:
    """True for a method of an object that is written in C, such as `[].append`."""
    return inspect.isbuiltin(value) and not isinstance(value.__self__, ModuleType | type | type(None))
