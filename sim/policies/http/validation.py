"""Validation: what a JSON document must look like, written down as data, and everything that is wrong with one.

The rules yield their complaints one by one, so the same rules serve the server that lists them all and the one that
stops at the first.  With k wrong fields the second kind costs its client k round trips more.

A document that breaks a rule is a 422: it was read, and its content is wrong (RFC 9110 §15.5.21).  One that is not
JSON at all is a 400, see `sim.http.read_json`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

import attrs

from sim.http import Response
from sim.knobs import knob
from sim.policies.http.problem import FieldError, problem

MOST_ERRORS = 100
"""Complaints listed at most: a list with a million wrong items must not be answered with a million sentences."""

MOST_UNKNOWN = 10
"""Unknown members of one object that are named at most, each by `LONGEST_NAME` characters at most.

A member that nobody asked for is written by the caller, so an answer that names them all would grow with the attack.
"""

LONGEST_NAME = 100
"""Characters of an unknown member's name that stand in a complaint."""


class Rule(Protocol):
    """What one value must look like."""

    @property
    def optional(self) -> bool:
        """True when the member may be absent."""
        ...

    def complaints(self, value: Any, at: str) -> Iterator[FieldError]:
        """What is wrong with *value*, which stands at the JSON Pointer *at*; one at a time."""
        ...


def field_errors(rule: Rule, document: Any, *, first_only: bool = False) -> list[FieldError]:
    """Everything that *rule* finds wrong with *document*, in the order of the rule; [] when it is fine.

    *first_only*: stop at the first, as many servers do; kept to be measured.  At most `MOST_ERRORS` are listed.

    >>> person = Members({"name": Text(), "age": Number(low=0, whole=True)})
    >>> [error.pointer for error in field_errors(person, {"age": -1, "nmae": "Ada"})]
    ['/name', '/age', '/nmae']
    """
    return list(islice(rule.complaints(document, ""), 1 if first_only else MOST_ERRORS))


def refusal(errors: Sequence[FieldError]) -> Response:
    """The 422 that lists *errors*."""
    count = "one field is" if len(errors) == 1 else f"{len(errors)} fields are"
    return problem(422, f"{count} wrong", errors=errors)


def pointer(*parts: str | int) -> str:
    """The JSON Pointer to the member that *parts* lead to; none is the whole document.  Source: RFC 6901 §3.

    >>> pointer("lines", 0, "a/b~c"), pointer()
    ('/lines/0/a~1b~0c', '')
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


@attrs.frozen(kw_only=True)
class Format:
    """A shape of text.  *name*: what to call it in a complaint.  *accepts*: True for a text that has the shape.

    Two shapes joined by & are one that keeps both.

    >>> short = Format(name="short", accepts=lambda text: len(text) < 5)
    >>> field_errors(Text(format=short & Format(name="lower case", accepts=str.islower)), "Ada")
    [FieldError(pointer='', detail='must be short and lower case')]
    """

    name: str
    accepts: Callable[[str], bool]

    def __and__(self, other: Format) -> Format:
        """The shape of a text that has this shape and *other* as well."""
        return Format(
            name=f"{self.name} and {other.name}", accepts=lambda text: self.accepts(text) and other.accepts(text)
        )


@attrs.frozen(kw_only=True)
class Text:
    """A string of *shortest* to *longest* characters, of *format* when there is one; None has no shape to keep.

    *nullable*: JSON's null is allowed.  *optional*: the member may be absent.
    """

    shortest: int = knob(1, kind=int, low=0, unit="characters")
    longest: int = knob(200, kind=int, low=0, unit="characters")
    format: Format | None = None
    optional: bool = False
    nullable: bool = False

    def complaints(self, value: Any, at: str) -> Iterator[FieldError]:
        """At most one complaint: a text that is too long is not judged for its shape as well."""
        if value is None and self.nullable:
            return
        if not isinstance(value, str):
            yield FieldError(at, "must be a text")
        elif not self.shortest <= len(value) <= self.longest:
            yield FieldError(at, f"must have {self.shortest} to {self.longest} characters, has {len(value)}")
        elif self.format is not None and not self.format.accepts(value):
            yield FieldError(at, f"must be {self.format.name}")


@attrs.frozen(kw_only=True)
class Number:
    """A number from *low* to *high*, both included, None is no limit; *whole*: without a fraction, 3.0 is fine."""

    low: float | None = None
    high: float | None = None
    whole: bool = False
    optional: bool = False
    nullable: bool = False

    def complaints(self, value: Any, at: str) -> Iterator[FieldError]:
        """At most one complaint."""
        if value is None and self.nullable:
            return
        if isinstance(value, bool) or not isinstance(value, int | float) or value in _NO_NUMBERS or value != value:
            yield FieldError(at, "must be a number")
        elif self.whole and value != value // 1:
            yield FieldError(at, "must be a whole number")
        elif self.low is not None and value < self.low:
            yield FieldError(at, f"must be at least {self.low:g}")
        elif self.high is not None and value > self.high:
            yield FieldError(at, f"must be at most {self.high:g}")


_NO_NUMBERS = (math.inf, -math.inf)


def number_in(text: str) -> int | str:
    """The whole number that a query parameter writes, for `Number` to judge; *text* itself when it writes none.

    ASCII digits, 16 at most, with or without a minus; what stays a text is then "must be a number".

    >>> number_in("2024"), number_in("1 OR 1=1")
    (2024, '1 OR 1=1')
    """
    return int(text) if _WHOLE.fullmatch(text) else text


_WHOLE = re.compile(r"-?[0-9]{1,16}")


@attrs.frozen(kw_only=True)
class Flag:
    """True or false."""

    optional: bool = False

    def complaints(self, value: Any, at: str) -> Iterator[FieldError]:
        """At most one complaint."""
        if not isinstance(value, bool):
            yield FieldError(at, "must be true or false")


@attrs.frozen
class OneOf:
    """One of a few texts."""

    values: Sequence[str]
    optional: bool = attrs.field(default=False, kw_only=True)

    def complaints(self, value: Any, at: str) -> Iterator[FieldError]:
        """At most one complaint."""
        if not isinstance(value, str) or value not in self.values:
            yield FieldError(at, f"must be one of {', '.join(self.values)}")


@attrs.frozen
class Items:
    """A list whose items all keep *rule*, *most* of them at most."""

    rule: Rule
    most: int = knob(100, kind=int, low=0, unit="items", kw_only=True)
    optional: bool = attrs.field(default=False, kw_only=True)

    def complaints(self, value: Any, at: str) -> Iterator[FieldError]:
        """The complaints about each item in turn; a list that is too long is not looked into."""
        if not isinstance(value, list):
            yield FieldError(at, "must be a list")
        elif len(value) > self.most:
            yield FieldError(at, f"must have at most {self.most} items, has {len(value)}")
        else:
            for index, item in enumerate(value):
                yield from self.rule.complaints(item, at + pointer(index))


@attrs.frozen
class Members:
    """An object with these members and no others.

    A member that nobody asked for is refused, not ignored: it is a misspelt name, or somebody who hopes that the code
    copies whatever comes into the record ("role": "admin", mass assignment).

    *together*: rules across members, asked only when each member is right: they take the object and return a
    complaint about it (its pointer relative to the object), or None.
    """

    rules: Mapping[str, Rule]
    together: Sequence[Callable[[Mapping[str, Any]], FieldError | None]] = attrs.field(default=(), kw_only=True)
    optional: bool = attrs.field(default=False, kw_only=True)

    def complaints(self, value: Any, at: str) -> Iterator[FieldError]:
        """The complaints about each member in turn, then the unknown members, then the rules across members."""
        if not isinstance(value, dict):
            yield FieldError(at, "must be an object")
            return
        fine = True
        for complaint in self._of_members(value, at):
            fine = False
            yield complaint
        if fine:
            for rule in self.together:
                found = rule(value)
                if found is not None:
                    yield FieldError(at + found.pointer, found.detail)

    def _of_members(self, value: dict[str, Any], at: str) -> Iterator[FieldError]:
        for name, rule in self.rules.items():
            if name in value:
                yield from rule.complaints(value[name], at + pointer(name))
            elif not rule.optional:
                yield FieldError(at + pointer(name), "is missing")
        for name in islice((name for name in value if name not in self.rules), MOST_UNKNOWN):
            yield FieldError(at + pointer(name[:LONGEST_NAME]), "is not a member that I know")


def _is_email(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    labels = domain.split(".")
    return (
        len(local) <= 64
        and _ATOMS.fullmatch(local) is not None
        and len(labels) >= 2
        and all(_LABEL.fullmatch(label) is not None for label in labels)
    )


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    year, month, day = map(int, match.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return 1 <= month <= 12 and 1 <= day <= lengths[month - 1]


_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")

EMAIL = Format(name="an email address", accepts=_is_email)
"""local@domain with at least one dot in the domain: dot-atom and host names of RFC 5322 §3.4.1, no quoted forms."""

DATE = Format(name="a date like 2024-02-29", accepts=_is_date)
"""A day that exists, as RFC 3339 §5.6 writes it (full-date)."""
