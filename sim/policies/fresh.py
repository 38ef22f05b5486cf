"""Every host gets its own copy of a policy: a breaker's or a budget's state belongs to a host."""

from __future__ import annotations

import copy
from typing import Any

import attrs


def fresh(policy: Any) -> Any:
    """A copy of a policy with its state as new, for one host of one run.

    A tree of attrs objects is rebuilt from its configuration: fields declared `init=False` are state and start
    again.  Any other object is deep-copied as it was handed in.  What has no state is returned as it is, because
    sharing it cannot be seen.

    Raises: `TypeError` when the policy cannot be copied; hand in a function that makes one instead.
    """
    return _rebuild(policy) if _has_state(policy) else policy


def _has_state(value: Any) -> bool:
    if isinstance(value, type) or (callable(value) and not hasattr(value, "__dict__")):
        return False
    if attrs.has(type(value)):
        return any(not field.init or _has_state(getattr(value, field.name)) for field in attrs.fields(type(value)))
    return type(value).__module__ != "builtins" and bool(getattr(value, "__dict__", None))


def _rebuild(value: Any) -> Any:
    if not _has_state(value):
        return value
    if attrs.has(type(value)):
        configuration = {
            field.alias: _rebuild(getattr(value, field.name)) for field in attrs.fields(type(value)) if field.init
        }
        return type(value)(**configuration)
    try:
        return copy.deepcopy(value)
    except Exception as error:
        raise TypeError(
            f"{type(value).__name__} cannot be copied for each host ({error}); hand in a function that makes one"
        ) from None
