"""The shape of a payload as plain data, and what consumers who were built for it can read.

A shape is a small part of JSON Schema: `type` (a name or a list of names), `properties`, `required`, `items` and
`enum`.  What it does not say is what a consumer does with members it does not know: that is the consumer's choice, and
it decides whether "adding a field is safe" (see `sim.policies.versions.compatibility`).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from sim.policies.http.problem import FieldError

Shape = Mapping[str, Any]


class Breaks(enum.IntEnum):
    """Whom a change breaks; each kind of reader is broken by what stands in its line and below."""

    NOBODY = 0
    STRICT = 1
    """Readers that refuse members they do not know: `additionalProperties: false`, `extra="forbid"`."""
    CLOSED = 2
    """Readers without a default for a value that they do not know, too."""
    EVERYBODY = 3
    """Every reader."""


@attrs.frozen
class Reader:
    """A consumer that was built for *shape*.

    *unknown_members*: it ignores members it does not know (Postel's "be liberal"); False refuses the document.
    *unknown_values*: it has a default for a value of an enumeration it does not know; False refuses.

    >>> plan = {"type": "object", "properties": {"plan": {"type": "string", "enum": ["free", "pro"]}}}
    >>> Reader(plan).refusals({"plan": "pro", "seats": 3}), Reader.strict(plan).refusals({"plan": "pro", "seats": 3})
    ((), ('/seats is unknown',))
    >>> Reader(plan).refusals({"plan": "team"})
    ("/plan is 'team', which is none of free, pro",)
    """

    shape: Shape
    unknown_members: bool = attrs.field(default=True, kw_only=True)
    unknown_values: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_shape(self.shape)

    @classmethod
    def strict(cls, shape: Shape) -> Reader:
        """One that refuses whatever it does not know: pydantic's `extra="forbid"`, a dataclass called with `**json`."""
        return cls(shape, unknown_members=False)

    @classmethod
    def tolerant(cls, shape: Shape) -> Reader:
        """One that ignores unknown members and has a default for unknown values."""
        return cls(shape, unknown_values=True)

    def refusals(self, document: Any) -> tuple[str, ...]:
        """Why it cannot read *document*, one sentence for each place; empty when it can."""
        return tuple(f"{error.pointer or 'the document'} {error.detail}" for error in self.errors(document))

    def errors(self, document: Any) -> tuple[FieldError, ...]:
        """The same for a problem document."""
        return tuple(self._errors(self.shape, document, ""))

    def broken_by(self, breaks: Breaks) -> bool:
        """True when a change of this kind can break it."""
        if breaks is Breaks.STRICT:
            return not self.unknown_members
        if breaks is Breaks.CLOSED:
            return not self.unknown_values
        return breaks is Breaks.EVERYBODY

    def _errors(self, shape: Shape, value: Any, pointer: str) -> Iterator[FieldError]:
        if not any(_TYPES[name](value) for name in types_of(shape)):
            yield FieldError(pointer, f"is not of the type {either(types_of(shape))}")
        elif isinstance(value, str) and "enum" in shape and value not in shape["enum"]:
            if not self.unknown_values:
                yield FieldError(pointer, f"is {value[:40]!r}, which is none of {', '.join(shape['enum'])}")
        elif isinstance(value, Mapping):
            properties = shape.get("properties", {})
            for name in shape.get("required", []):
                if name not in value:
                    yield FieldError(below(pointer, name), "is missing")
            for name, part in value.items():
                if name in properties:
                    yield from self._errors(properties[name], part, below(pointer, name))
                elif not self.unknown_members:
                    yield FieldError(below(pointer, name), "is unknown")
        elif isinstance(value, list) and "items" in shape:
            for number, part in enumerate(value):
                yield from self._errors(shape["items"], part, f"{pointer}/{number}")


def check_shape(shape: Any, pointer: str = "") -> None:
    """Check that *shape* is one.

    Raises: `ValueError`, one sentence that says where and what.
    """
    at = pointer or "the top"
    if pointer.count("/") > _DEPTH:
        raise ValueError(f"a shape must be at most {_DEPTH} deep, got more at {at[:80]}")
    if not isinstance(shape, Mapping):
        raise ValueError(f"a shape must be an object, got {type(shape).__name__} at {at}")
    strange = [key for key in shape if key not in _KEYS]
    if strange:
        raise ValueError(f"a shape has {', '.join(_KEYS)}, got {strange[0]!r} at {at}")
    if not types_of(shape) or not types_of(shape) <= _TYPES.keys():
        raise ValueError(f"type must be among {', '.join(_TYPES)}, got {shape.get('type')!r} at {at}")
    properties, required, values = shape.get("properties", {}), shape.get("required", []), shape.get("enum", [""])
    if not isinstance(properties, Mapping) or not all(isinstance(name, str) for name in properties):
        raise ValueError(f"properties must be an object of shapes, got {properties!r} at {at}")
    if not isinstance(required, list) or not all(isinstance(name, str) and name in properties for name in required):
        raise ValueError(f"required must list names that stand in properties, got {required!r} at {at}")
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise ValueError(f"enum must list at least one text, got {values!r} at {at}")
    if "enum" in shape and not types_of(shape) <= {"string", "null"}:
        raise ValueError(f"enum is for texts, got the type {shape['type']!r} at {at}")
    for name, part in properties.items():
        check_shape(part, below(pointer, name))
    if "items" in shape:
        check_shape(shape["items"], f"{pointer}/*")


def types_of(shape: Shape) -> frozenset[str]:
    """The names of the types that *shape* allows; an integer is a number too."""
    named = shape.get("type")
    names = named if isinstance(named, list) else [named]
    return (
        frozenset(name for name in names if isinstance(name, str))
        if all(isinstance(name, str) for name in names)
        else frozenset()
    )


def below(pointer: str, name: str) -> str:
    """The JSON Pointer of the member *name* of what *pointer* points to.  RFC 6901 §3.

    >>> below("/a", "b/c~d")
    '/a/b~1c~0d'
    """
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def either(names: frozenset[str] | set[str]) -> str:
    """The names in words, in order."""
    return " or ".join(sorted(names))


_DEPTH = 30
_KEYS = ("type", "properties", "required", "items", "enum")
_TYPES: dict[str, Any] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: not isinstance(value, bool) and isinstance(value, int),
    "number": lambda value: not isinstance(value, bool) and isinstance(value, int | float),
    "null": lambda value: value is None,
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
}
