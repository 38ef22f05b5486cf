"""Whether a change of a payload's shape breaks those who read it: "adding a field is safe" as a check.

`compare_shapes` lists the changes between two shapes (plain data, see `sim.policies.versions.shapes`), each with *whom*
it breaks, because that depends on the reader: a strict one refuses members it does not know, a tolerant one ignores
them, and even that one stumbles over a new value of an enumeration unless it has a default for it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

import attrs

from sim.policies.versions.shapes import Breaks, Shape, below, check_shape, either, types_of


class Direction(enum.Enum):
    """Who writes in the new shape while the other side still has the old one."""

    RESPONSE = "response"
    """The server writes: answers and webhooks.  A consumer reads with the shape that it was built for."""
    REQUEST = "request"
    """The client writes: bodies of requests.  The new server reads what an old client sends."""


@attrs.frozen
class ShapeChange:
    """One change.  *pointer*: where, as a JSON Pointer, "" is the top.  *sentence*: what, and what it does."""

    pointer: str
    breaks: Breaks
    sentence: str

    @property
    def breaking(self) -> bool:
        """True when a tolerant reader breaks: the change needs a new version."""
        return self.breaks >= Breaks.CLOSED


@attrs.frozen
class ShapeChanges:
    """All changes between two shapes, the worst first."""

    changes: tuple[ShapeChange, ...] = ()

    @property
    def breaks(self) -> Breaks:
        """Whom the worst change breaks."""
        return max((change.breaks for change in self.changes), default=Breaks.NOBODY)

    @property
    def breaking(self) -> bool:
        """True when the new shape needs a new version."""
        return any(change.breaking for change in self.changes)

    def __str__(self) -> str:
        return "\n".join(f"{change.breaks.name.lower()}: {change.sentence}" for change in self.changes) or "no change"


def compare_shapes(old: Shape, new: Shape, direction: Direction = Direction.RESPONSE) -> ShapeChanges:
    """What changes from the shape *old* to *new*, and whom it breaks.

    Raises: `ValueError` when one of them is not a shape.

    >>> user = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    >>> print(compare_shapes(user, {**user, "properties": {**user["properties"], "email": {"type": "string"}}}))
    strict: /email is new: tolerant readers ignore it, strict ones refuse the document
    >>> print(compare_shapes(user, {"type": "object", "properties": {"title": {"type": "string"}}}))
    everybody: /name is gone: it looks renamed to /title, and whoever reads it finds nothing
    strict: /title is new: tolerant readers ignore it, strict ones refuse the document
    """
    check_shape(old)
    check_shape(new)
    found = sorted(_walk(old, new, "", direction), key=lambda change: (-change.breaks, change.pointer, change.sentence))
    return ShapeChanges(tuple(found))


def _walk(old: Shape, new: Shape, pointer: str, direction: Direction) -> Iterator[ShapeChange]:
    yield from _types(old, new, pointer, direction)
    yield from _values(old, new, pointer, direction)
    if "object" in types_of(old) & types_of(new):
        yield from _members(old, new, pointer, direction)
    if "array" in types_of(old) & types_of(new):
        yield from _items(old, new, pointer, direction)


def _types(old: Shape, new: Shape, pointer: str, direction: Direction) -> Iterator[ShapeChange]:
    before, after = types_of(old), types_of(new)
    if before == after:
        return
    writer, reader = (after, before) if direction is Direction.RESPONSE else (before, after)
    # Every integer is a number, so a writer may narrow a number to an integer and a reader may widen it.
    missed = {name for name in writer - reader if not (name == "integer" and "number" in reader)}
    change = f"{pointer or 'the document'} was {either(before)} and is {either(after)}"
    if missed:
        yield ShapeChange(pointer, Breaks.EVERYBODY, f"{change}: {_who(direction)} cannot read {either(missed)}")
    else:
        yield ShapeChange(pointer, Breaks.NOBODY, f"{change}: {_who(direction)} could read that already")


def _values(old: Shape, new: Shape, pointer: str, direction: Direction) -> Iterator[ShapeChange]:
    writer, reader = (new, old) if direction is Direction.RESPONSE else (old, new)
    at = pointer or "the document"
    if "enum" in reader and "enum" in writer:
        for value in sorted(set(writer["enum"]) - set(reader["enum"])):
            what = f"{at} has the new value" if direction is Direction.RESPONSE else f"{at} no longer takes the value"
            yield ShapeChange(
                pointer, Breaks.CLOSED, f"{what} {value!r}: {_who(direction)} needs a default to live with it"
            )
        for value in sorted(set(reader["enum"]) - set(writer["enum"])):
            what = f"{at} no longer has the value" if direction is Direction.RESPONSE else f"{at} takes the new value"
            yield ShapeChange(pointer, Breaks.NOBODY, f"{what} {value!r}")
    elif "enum" in reader and "string" in types_of(writer):
        yield ShapeChange(
            pointer, Breaks.CLOSED, f"{at} may be any text for the writer, and {_who(direction)} has a list"
        )
    elif "enum" in writer and "string" in types_of(reader):
        yield ShapeChange(pointer, Breaks.NOBODY, f"{at} is now one of a list for the writer")


def _items(old: Shape, new: Shape, pointer: str, direction: Direction) -> Iterator[ShapeChange]:
    if "items" in old and "items" in new:
        yield from _walk(old["items"], new["items"], f"{pointer}/*", direction)
        return
    writer, reader = (new, old) if direction is Direction.RESPONSE else (old, new)
    if "items" in reader and "items" not in writer:
        what = f"{pointer or 'the document'} may hold anything now, and {_who(direction)} has a shape for its items"
        yield ShapeChange(pointer, Breaks.EVERYBODY, what)


def _members(old: Shape, new: Shape, pointer: str, direction: Direction) -> Iterator[ShapeChange]:
    before, after = old.get("properties", {}), new.get("properties", {})
    was, must = set(old.get("required", [])), set(new.get("required", []))
    gone, added = [name for name in before if name not in after], [name for name in after if name not in before]
    for name in gone:
        alike = [other for other in added if after[other] == before[name]]
        renamed = below(pointer, alike[0]) if len(alike) == 1 else None
        yield _gone(below(pointer, name), renamed, direction)
    for name in added:
        yield _added(below(pointer, name), name in must, direction)
    for name in before:
        if name in after:
            if (name in was) != (name in must):
                yield _needed(below(pointer, name), name in must, direction)
            yield from _walk(before[name], after[name], below(pointer, name), direction)


def _gone(at: str, renamed: str | None, direction: Direction) -> ShapeChange:
    guess = f"it looks renamed to {renamed}, and " if renamed else ""
    if direction is Direction.RESPONSE:
        return ShapeChange(at, Breaks.EVERYBODY, f"{at} is gone: {guess}whoever reads it finds nothing")
    return ShapeChange(at, Breaks.STRICT, f"{at} is gone: {guess}a strict server refuses what old clients still send")


def _added(at: str, required: bool, direction: Direction) -> ShapeChange:
    if direction is Direction.RESPONSE:
        return ShapeChange(
            at, Breaks.STRICT, f"{at} is new: tolerant readers ignore it, strict ones refuse the document"
        )
    if required:
        return ShapeChange(at, Breaks.EVERYBODY, f"{at} is new and required: old clients do not send it")
    return ShapeChange(at, Breaks.NOBODY, f"{at} is new and optional: old clients need not send it")


def _needed(at: str, required: bool, direction: Direction) -> ShapeChange:
    now = "required" if required else "optional"
    if direction is Direction.RESPONSE:
        if required:
            return ShapeChange(at, Breaks.NOBODY, f"{at} is {now} now: it is always there")
        return ShapeChange(at, Breaks.EVERYBODY, f"{at} is {now} now: it may be missing, and readers counted on it")
    if required:
        return ShapeChange(at, Breaks.EVERYBODY, f"{at} is {now} now: old clients may leave it out")
    return ShapeChange(at, Breaks.NOBODY, f"{at} is {now} now: old clients still send it")


def _who(direction: Direction) -> str:
    return "a reader" if direction is Direction.RESPONSE else "the server"
