"""A knob: one declaration of a parameter gives its check, its unit, its help, its CLI option and its slider.

A class declares its knobs with `knob(...)` in place of `attrs.field(...)`; a scenario function declares them in
its signature, `clients: Annotated[int, Knob(...)] = 10_000`.  Both are read back with `knobs_of`.
"""

from __future__ import annotations

import inspect
import math
import sys
import typing
from collections.abc import Callable, Mapping
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Knob:
    """What a parameter may be.

    *low* and *high* are the inclusive ends of the range, *above* an exclusive lower end; None means no limit on
    that side.  *unit* is printed beside the value ("s", "clients", "requests/s").  *optional*: None is allowed,
    and *help* says what it means.  *infinite*: an infinite value is allowed.
    """

    low: float | None = None
    high: float | None = None
    above: float | None = None
    unit: str = ""
    help: str = ""
    optional: bool = False
    infinite: bool = False
    name: str = ""
    type: type = float
    default: Any = None

    def check(self, value: Any, name: str | None = None) -> Any:
        """The *value*, if the knob admits it.  *name*: what to call the knob in a message; None is its own name.

        Raises: `TypeError` or `ValueError`, one sentence with the knob, the rule and the value.
        """
        name = self.name if name is None else name
        if value is None and self.optional:
            return value
        if self.type is bool:
            if not isinstance(value, bool):
                raise TypeError(f"{name} must be true or false, got {value!r}")
            return value
        if self.type not in (int, float):
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} must be a number, got {value!r}")
        # False for NaN, for -inf, and for a whole number too large for a float, which math.isnan would choke on.
        if not (abs(value) <= sys.float_info.max or (self.infinite and value == math.inf)):
            raise ValueError(f"{name} must be a finite number, got {value!r}")
        if self.type is int and value != math.inf and value != int(value):
            raise ValueError(f"{name} must be a whole number, got {value!r}")
        if self.low is not None and value < self.low:
            raise ValueError(f"{name} must be at least {_plain(self.low)}, got {value!r}")
        if self.above is not None and value <= self.above:
            raise ValueError(f"{name} must be more than {_plain(self.above)}, got {value!r}")
        if self.high is not None and value > self.high:
            raise ValueError(f"{name} must be at most {_plain(self.high)}, got {value!r}")
        return int(value) if self.type is int and value != math.inf else float(value)

    def parse(self, text: str) -> Any:
        """The value that *text* (from a terminal) stands for, checked.

        >>> Knob(name="clients", type=int, low=1).parse("2_000")
        2000
        """
        lowered = text.strip().lower()
        if self.optional and lowered == "none":
            return None
        if self.type is bool and lowered in ("true", "false"):
            return lowered == "true"
        if self.type in (int, float):
            try:
                value = float(lowered) if self.type is float else _whole(lowered)
            except ValueError:
                raise ValueError(f"{self.name} must be a number, got {text!r}") from None
            return self.check(value)
        return self.check(text)

    def __call__(self, instance: Any, attribute: Any, value: Any) -> None:
        """Check a value as an attrs validator does."""
        self.check(value, attribute.name)


def knob(default: Any = attrs.NOTHING, *, kind: type = float, kw_only: bool = False, **rules: Any) -> Any:
    """An attrs field with a `Knob`: *kind* is int, float or bool, *rules* are the fields of `Knob`.

    >>> @attrs.frozen(kw_only=True)
    ... class Door:
    ...     width: float = knob(1.0, above=0, unit="m", help="how wide")
    >>> Door(width=-1.0)
    Traceback (most recent call last):
    ValueError: width must be more than 0, got -1.0
    """
    declared = Knob(type=kind, default=None if default is attrs.NOTHING else default, **rules)
    return attrs.field(default=default, validator=declared, metadata={"knob": declared}, kw_only=kw_only)


def knobs_of(owner: Any) -> Mapping[str, Knob]:
    """The knobs of a class made with `knob` or of a function whose parameters are `Annotated[..., Knob(...)]`.

    Returns a mapping from name to `Knob`, in the order of declaration, each with its name, type and default.
    """
    if attrs.has(owner if isinstance(owner, type) else type(owner)):
        cls = owner if isinstance(owner, type) else type(owner)
        fields = {field.name: field for field in attrs.fields(cls)}
        return {
            name: attrs.evolve(field.metadata["knob"], name=name)
            for name, field in fields.items()
            if "knob" in field.metadata
        }
    hints = typing.get_type_hints(owner, include_extras=True)
    found = {}
    for name, parameter in inspect.signature(owner).parameters.items():
        for extra in getattr(hints.get(name), "__metadata__", ()):
            if isinstance(extra, Knob):
                kind = _base_type(typing.get_args(hints[name])[0])
                found[name] = attrs.evolve(extra, name=name, type=kind, default=parameter.default)
    return found


def check_arguments(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The *arguments* of a scenario function, completed with its defaults and checked knob by knob."""
    return {name: knob.check(arguments.get(name, knob.default)) for name, knob in knobs_of(function).items()}


def _base_type(hint: Any) -> type:
    options = [option for option in typing.get_args(hint) if option is not type(None)]
    chosen = options[0] if options else hint
    return chosen if isinstance(chosen, type) else str


def _whole(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _plain(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) and abs(number) >= 10_000 else f"{number:g}"
