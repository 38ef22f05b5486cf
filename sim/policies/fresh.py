"""Every host gets its own copy of a policy: a breaker's or a budget's state belongs to a host."""

from __future__ import annotations

import copy
import inspect
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any

import attrs


def fresh(policy: Any) -> Any:
    """A copy of a policy with its state as new, for one host of one run.

    A tree of attrs objects, tuples among them, is rebuilt from its configuration: fields declared `init=False` are
    state and start again.  Any other object, a list or dict among the configuration too, is deep-copied as it was
    handed in.  What cannot change is returned as it is, because sharing it cannot be seen.

    Raises: `TypeError` when the policy cannot be copied; hand in a function that makes one instead.
    """
    return maker(policy)()


def maker(policy: Any) -> Callable[[], Any]:
    """A function that gives a `fresh` copy at every call; what *policy* is made of is looked at only once."""
    if not _has_state(policy):
        return lambda: policy
    kind = type(policy)
    if attrs.has(kind) and not _own_attributes(policy):
        parts = {field.alias: maker(getattr(policy, field.name)) for field in attrs.fields(kind) if field.init}
        return lambda: kind(**{name: make() for name, make in parts.items()})
    if kind is tuple:
        makers = tuple(map(maker, policy))
        return lambda: tuple(make() for make in makers)
    return lambda: _deep_copy(policy)


def _has_state(value: Any) -> bool:
    kind = type(value)
    if isinstance(value, type) or inspect.isroutine(value):
        return False
    if attrs.has(kind):
        parts = (_has_state(getattr(value, field.name)) for field in attrs.fields(kind))
        return not attrs.inspect(_decorated(kind)).is_frozen or _own_attributes(value) or any(parts)
    if isinstance(value, tuple | frozenset):
        return any(map(_has_state, value))
    if isinstance(value, list | dict | set | bytearray | deque):
        return True
    if kind.__module__ == "builtins" or isinstance(value, Enum):
        return False
    # A __dict__ that is still empty may be filled by the first request: `self.tries += 1` over a class attribute.
    return hasattr(value, "__dict__") or any(vars(base).get("__slots__") for base in kind.__mro__)


def _deep_copy(value: Any) -> Any:
    try:
        copied = copy.deepcopy(value)
        for name, inner in getattr(value, "__dict__", {}).items():
            # The copy protocol of a slotted attrs class forgets what a plain subclass adds.
            if not hasattr(copied, name):
                object.__setattr__(copied, name, copy.deepcopy(inner))
        return copied
    except Exception as error:
        raise TypeError(
            f"{type(value).__name__} cannot be copied for each host ({error}); hand in a function that makes one"
        ) from None


def _decorated(kind: type) -> type:
    """The attrs class behind *kind*: itself, or what a plain `class Mine(Retry)` inherits from."""
    return next(base for base in kind.__mro__ if "__attrs_attrs__" in vars(base))


def _own_attributes(value: Any) -> bool:
    """True when a plain subclass of an attrs class holds more than the fields: then they are not all there is."""
    kind, base = type(value), _decorated(type(value))
    if kind is base:
        return False
    fields = {field.name for field in attrs.fields(base)}
    overridden = any("__init__" in vars(between) for between in kind.__mro__[: kind.__mro__.index(base)])
    return overridden or bool(getattr(value, "__dict__", {}).keys() - fields)
