"""Asking a policy: an exception, or an answer of the wrong kind, is a finding."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, TypeGuard

from sim.testing.report import FindingError
from sim.testing.wording import call, raised, shown


def ask(policy: Any, method: str, *arguments: Any) -> Any:
    """What *method* of *policy* answers; an exception is a finding."""
    # Formatting the call costs more than most calls, so it is done only when there is something to say.
    try:
        return getattr(policy, method)(*arguments)
    except (Exception, SystemExit) as error:
        raise FindingError(f"{call(method, *arguments)} raised {raised(error)}") from None


def guarded(what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What *function* returns; an exception is a finding that begins with *what*."""
    try:
        return function(*arguments)
    except (Exception, SystemExit) as error:
        raise FindingError(f"{what} raised {raised(error)}") from None


def seconds(what: str, value: Any, method: str, *arguments: Any) -> float:
    """*value* as a float; a finding unless it is a finite number of seconds, at least 0."""
    try:
        if is_number(value) and 0.0 <= float(value) < float("inf"):
            return float(value)
    except OverflowError:  # a whole number too large for a float
        pass
    raise FindingError(
        f"{call(method, *arguments)} returned {shown(value)}; {what} must be a finite number of seconds, at least 0"
    )


def same(method: str, arguments: tuple[Any, ...], one: Any, two: Any) -> None:
    """A finding unless *one* and *two*, the answers to the same question, are equal (or both NaN)."""
    if one != two and not (one != one and two != two):
        raise FindingError(
            f"{call(method, *arguments)} returned {shown(one)} and then {shown(two)} for the same arguments and the "
            "same state of rng; no clock, no memory and no other chance may count"
        )


def is_number(value: Any) -> TypeGuard[float]:
    """True for a real number that is not a bool."""
    return isinstance(value, Real) and not isinstance(value, bool)
