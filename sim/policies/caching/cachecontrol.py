"""Cache-Control: what a response allows a cache to do with it, and what a request asks of one.

Source: RFC 9111 §5.2; stale-while-revalidate and stale-if-error RFC 5861; immutable RFC 8246.
"""

from __future__ import annotations

import re
from math import inf
from typing import Any

import attrs

from sim.knobs import knob

LONGEST = 2**31
"""Seconds that stand for every longer time.  RFC 9111 §1.2.2."""


def _seconds_knob(text: str) -> Any:
    return knob(None, kind=int, low=0, high=LONGEST, optional=True, unit="s", help=text)


@attrs.frozen(kw_only=True)
class CacheControl:
    """The directives of one `Cache-Control` header.  `str()` writes the header.

    Times are whole seconds, None is: not stated.  *max_stale* is inf when the request takes any age.
    *no_cache_fields*, *private_fields*: the header fields, in lower case, that the qualified forms
    `no-cache="set-cookie"` and `private="set-cookie"` name; *no_cache* and *private* are the unqualified ones.

    >>> str(CacheControl(max_age=60, private=True))
    'max-age=60, private'
    """

    max_age: int | None = _seconds_knob("fresh for so long")
    s_maxage: int | None = _seconds_knob("the same, for shared caches only")
    stale_while_revalidate: int | None = _seconds_knob("may be served stale so long, while it is fetched again")
    stale_if_error: int | None = _seconds_knob("may be served stale so long, while the origin fails")
    max_stale: float | None = knob(
        None, low=0, infinite=True, optional=True, unit="s", help="a request takes it so long after it went stale"
    )
    min_fresh: int | None = _seconds_knob("a request wants it fresh for so much longer")
    no_store: bool = False
    no_cache: bool = False
    private: bool = False
    public: bool = False
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    must_understand: bool = False
    no_transform: bool = False
    only_if_cached: bool = False
    immutable: bool = False
    no_cache_fields: frozenset[str] = frozenset()
    private_fields: frozenset[str] = frozenset()

    def __str__(self) -> str:
        said = []
        for name in (*_LIFETIMES, *_ALLOWANCES):
            seconds = getattr(self, _attribute(name))
            if seconds is not None:
                said.append(name if seconds == inf else f"{name}={seconds:.0f}")
        said += [name for name in (*_RESTRICTIONS, *_PERMISSIONS) if getattr(self, _attribute(name))]
        for name in _QUALIFIED:
            fields = getattr(self, f"{_attribute(name)}_fields")
            if fields:
                said.append(f'{name}="{", ".join(sorted(fields))}"')
        return ", ".join(said)


def parse_cache_control(value: str | None) -> CacheControl:
    """The directives in the header's *value*; None, and whatever cannot be read, say nothing.

    Names ignore case; an argument may be a token or a quoted string (§5.2).  What is wrong is read in the careful
    direction, and never raises:

    - a lifetime that is no whole number of seconds is 0, because the response must then be taken as stale (§4.2.1);
    - an allowance (stale-while-revalidate, max-stale, …) that is no number allows nothing;
    - of a directive that comes twice the first counts (§4.2.1), and a plain `private` goes before a qualified one;
    - a restriction with an argument that it does not take (`no-store=1`) restricts; a permission (`public=1`) is void;
    - fields that are not named as they must be (`private=x`, `private="x`, `private="x y"`) are taken as the plain
      form, which restricts more.

    >>> parse_cache_control('Max-Age="60", private').max_age, parse_cache_control("max-age=1.5").max_age
    (60, 0)
    >>> sorted(parse_cache_control('private="Set-Cookie, X-User"').private_fields)
    ['set-cookie', 'x-user']
    """
    if not value:
        return _NOTHING
    found: dict[str, object] = {}
    for name, argument, quoted in _directives(value):
        attribute = _attribute(name)
        if name in _QUALIFIED and quoted and (fields := _fields(argument)):
            attribute += "_fields"
            found[attribute] = frozenset(found.get(attribute, ())) | fields  # type: ignore[call-overload]
        elif name in _LIFETIMES:
            found.setdefault(attribute, _seconds(argument) or 0)
        elif name in _ALLOWANCES:
            bare = inf if name == "max-stale" and argument is None else None
            found.setdefault(attribute, _seconds(argument) if bare is None else bare)
        elif name in _RESTRICTIONS or (name in _PERMISSIONS and argument is None):
            found[attribute] = True
    return CacheControl(**found)  # type: ignore[arg-type]


def parse_delta_seconds(text: str) -> int | None:
    """Whole seconds, at most `LONGEST`, or None for anything but digits.  RFC 9111 §1.2.2.

    >>> parse_delta_seconds("99999999999999999999"), parse_delta_seconds("-1"), parse_delta_seconds(" 5 ")
    (2147483648, None, 5)
    """
    text = text.strip(" \t")
    if not re.fullmatch(r"[0-9]+", text):
        return None
    digits = text.lstrip("0")  # a number of a million digits must not cost a million steps squared
    return LONGEST if len(digits) > 10 else min(int(digits or "0"), LONGEST)


_NOTHING = CacheControl()
_LIFETIMES = ("max-age", "s-maxage")
_ALLOWANCES = ("stale-while-revalidate", "stale-if-error", "max-stale", "min-fresh")
_QUALIFIED = ("no-cache", "private")
_RESTRICTIONS = ("no-store", "no-cache", "private", "must-revalidate", "proxy-revalidate", "no-transform",
                 "only-if-cached")  # fmt: skip
_PERMISSIONS = ("public", "immutable", "must-understand")

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
_DIRECTIVE = re.compile(
    rf"""(?P<name>{_TOKEN.pattern})
        (?:[ \t]*=[ \t]*
            (?: "(?P<quoted>(?:[^"\\]|\\.)*)(?P<end>"?)   # a quoted string, which may not end
              | (?P<token>[^",]*) ) )?""",
    re.VERBOSE | re.DOTALL,
)


def _directives(value: str) -> list[tuple[str, str | None, bool]]:
    """(name, argument or None, whether it is a whole quoted string) of each directive, in order."""
    found, place = [], 0
    while place < len(value):
        match = _DIRECTIVE.match(value, place)
        if match is None:
            place += 1
            continue
        quoted = match["quoted"]
        argument = match["token"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        found.append((match["name"].lower(), argument, bool(match["end"])))
        # Whatever stands between a directive and the next comma belongs to no directive.
        comma = value.find(",", match.end())
        place = len(value) if comma < 0 else comma + 1
    return found


def _attribute(name: str) -> str:
    return name.replace("-", "_")


def _seconds(argument: str | None) -> int | None:
    return None if argument is None else parse_delta_seconds(argument)


def _fields(argument: str | None) -> frozenset[str]:
    """The names in a quoted list, in lower case; none at all when one of them is no name."""
    names = frozenset(name for part in (argument or "").split(",") if (name := part.strip(" \t").lower()))
    return names if all(_TOKEN.fullmatch(name) for name in names) else frozenset()
