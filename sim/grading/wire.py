"""Plain data on the way between the judge and a learner's process: one JSON line a message.

Numbers, texts, True, False, None and lists are themselves.  Everything else is an object with one member that says
what it is: a tuple, a map, bytes, a source of chance, one of the words of the course (`WORDS`), or an object that
stays where it is and is named by its number.  Nothing else crosses, and what arrives is built from these kinds only.
"""

from __future__ import annotations

import base64
import enum
import json
from collections.abc import Callable
from random import Random
from typing import Any

import attrs

from sim.http import Request, Response
from sim.outcome import Kind, Outcome

LONGEST = 1_000_000
"""Bytes of one message; nothing that the course asks for is a hundredth of it."""

WORDS: dict[str, type] = {one.__name__: one for one in (Kind, Outcome, Request, Response)}
"""The types of the course that cross as they are."""


@attrs.frozen
class Held:
    """An object that stays in the learner's process: its *number*, the name of its type, and its *methods*."""

    number: int
    kind: str = ""
    methods: tuple[str, ...] = ()


def dumps(value: Any) -> bytes:
    """One line for *value*.

    Raises: `TypeError` for what is no plain data, `ValueError` when the line is longer than `LONGEST`.

    >>> dumps({"wait": (1.5, b"a")})
    b'{"map":[["wait",{"tuple":[1.5,{"bytes":"YQ=="}]}]]}\\n'
    """
    line = json.dumps(_plain(value), separators=(",", ":")).encode() + b"\n"
    if len(line) > LONGEST:
        raise ValueError(f"a message must have at most {LONGEST:,} bytes, got {len(line):,}")
    return line


def loads(line: bytes) -> Any:
    """What a line says.

    Raises: `ValueError`, one sentence, for a line that `dumps` would not write, whoever wrote it.

    >>> loads(dumps([(1, 2), {"a": b"x"}, float("inf")]))
    [(1, 2), {'a': b'x'}, inf]
    """
    try:
        return _value(json.loads(line))
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError) as error:
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"a message must be plain data: {said}") from None


def _plain(value: Any) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is list:
        return [_plain(one) for one in value]
    if kind is tuple:
        return {"tuple": [_plain(one) for one in value]}
    if kind is dict:
        return {"map": [[_plain(key), _plain(one)] for key, one in value.items()]}
    if kind is bytes:
        return {"bytes": base64.b64encode(value).decode()}
    if kind is Held:
        return {"object": [value.number, value.kind, *value.methods]}
    if isinstance(value, Random):
        # The learner draws from a source of its own, which the judge's stream has seeded: repeatable, and nothing of
        # the stream itself is known over there.
        return {"rng": value.getrandbits(64)}
    if WORDS.get(kind.__name__) is kind:
        return {kind.__name__: value.value if isinstance(value, enum.Enum) else [_plain(one) for one in _parts(value)]}
    raise TypeError(f"only plain data can be an answer, got {kind.__name__}")


def _parts(word: Any) -> list[Any]:
    if isinstance(word, tuple):
        return list(word)
    return [getattr(word, field.name) for field in attrs.fields(type(word)) if field.init]


def _value(plain: Any) -> Any:
    if isinstance(plain, list):
        return [_value(one) for one in plain]
    if not isinstance(plain, dict):
        return plain
    (tag, content), *more = plain.items()
    if more:
        raise ValueError(f"an object must have one member, got {len(plain)}")
    if tag in _READ:
        return _READ[tag](content)
    word: Any = WORDS[tag]
    if issubclass(word, enum.Enum):
        return word(content)
    values = [_value(one) for one in content]
    if issubclass(word, tuple):
        return word(*values)
    names = [field.alias for field in attrs.fields(word) if field.init]
    return word(**dict(zip(names, values, strict=True)))


_READ: dict[str, Callable[[Any], Any]] = {
    "tuple": lambda content: tuple(_value(one) for one in content),
    "map": lambda content: {_value(key): _value(one) for key, one in content},
    "bytes": lambda content: base64.b64decode(content, validate=True),
    "object": lambda content: Held(int(content[0]), str(content[1]), tuple(map(str, content[2:]))),
    "rng": lambda content: Random(int(content)),
}
