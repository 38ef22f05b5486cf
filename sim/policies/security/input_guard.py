"""Input: what is validated on the way in, and what is encoded on the way out.

*Validation* asks whether a value can mean anything here: a title has a length, a limit is a number, a body has no
members that nobody asked for.  It ends in a list of every wrong field at once, and it stops what is senseless, not
what is dangerous: "O'Brien" and "a < b" are good text.

*Encoding* makes any text harmless for the one place it is about to stand in: HTML, a URL, a header, a statement.  It
is done where the text goes out, because only there the place is known.  For SQL the encoding is a parameter.

Sources: OWASP Input Validation and XSS Prevention cheat sheets; RFC 9457 §3 (all errors of one type at once).
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from posixpath import normpath
from typing import Any

import attrs

from sim.knobs import knob
from sim.policies.http.problem import FieldError


@attrs.frozen(kw_only=True)
class Text:
    """A text field of at most *longest* characters, and at least *shortest*.

    *one_line*: no line breaks.  *markup*: "<", ">" and "&" may stand in it; a name or a title has no use for them,
    prose has.  Other control characters may never.  *required*: the field must be there.
    """

    longest: int = knob(200, kind=int, low=1, high=1_000_000, unit="characters", help="most of them")
    shortest: int = knob(1, kind=int, low=0, high=1_000_000, unit="characters", help="fewest of them")
    one_line: bool = knob(True, kind=bool, help="no line breaks")
    markup: bool = knob(False, kind=bool, help="angle brackets and ampersands may stand in it")
    required: bool = knob(True, kind=bool, help="it must be there")

    def wrong(self, value: Any) -> str | None:
        """What is wrong with *value*, in one sentence, or None."""
        if not isinstance(value, str):
            return "must be a text"
        if not self.shortest <= len(value) <= self.longest:
            return f"must have {self.shortest} to {self.longest:,} characters, got {len(value):,}"
        if (_CONTROL if not self.one_line else _CONTROL_OR_BREAK).search(value):
            return "must have no line breaks" if self.one_line and "\n" in value else "must have no control characters"
        if not self.markup and _MARKUP.search(value):
            return "must have no markup: < > &"
        return None


@attrs.frozen(kw_only=True)
class Number:
    """A whole number from *low* to *high*, as JSON or as the text of a query parameter."""

    low: int = knob(0, kind=int, low=-(2**53), high=2**53)
    high: int = knob(2**53, kind=int, low=-(2**53), high=2**53)
    required: bool = knob(True, kind=bool, help="it must be there")

    def wrong(self, value: Any) -> str | None:
        """What is wrong with *value*, in one sentence, or None."""
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,16}", value, re.ASCII):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            return "must be a whole number"
        return None if self.low <= value <= self.high else f"must be {self.low:,} to {self.high:,}"


@attrs.frozen
class Schema:
    """The fields that a body may have, and no others.

    A member that nobody asked for is refused, not ignored: it is a misspelt field, or somebody who hopes that the
    code copies whatever comes into the record ("role": "admin", mass assignment).

    >>> Schema({"title": Text()}).errors({"titel": "Plan", "role": "admin"})
    [FieldError(pointer='/title', detail='must be there'), FieldError(pointer='/role', detail='is not a field here'), \
FieldError(pointer='/titel', detail='is not a field here')]
    """

    fields: Mapping[str, Text | Number]

    def errors(self, document: Any) -> list[FieldError]:
        """Everything that is wrong with *document*, in a fixed order; empty when it is fine.

        Of many unknown members the first ten are named: an answer must not grow with the attack.
        """
        if not isinstance(document, dict):
            return [FieldError("", "must be a JSON object")]
        found = []
        for name, field in self.fields.items():
            if name not in document:
                sentence = "must be there" if field.required else None
            else:
                sentence = field.wrong(document[name])
            if sentence is not None:
                found.append(FieldError(_pointer(name), sentence))
        unknown = sorted(set(document) - set(self.fields))[:_NAMED]
        return found + [FieldError(_pointer(name), "is not a field here") for name in unknown]


def safe_name(name: str) -> str | None:
    """What is wrong with *name* as the name of one file in one folder, or None: a list of what may be, not of tricks.

    Letters, digits, dot, dash and underscore, and no dot in front.  "..", "/", "\\\\", "%2e" and NUL fall by
    themselves, in whatever way they were encoded.

    >>> safe_name("report-2024.pdf"), safe_name("../private/payroll.csv")
    (None, 'must be letters, digits, dots, dashes and underscores, with no dot in front')
    """
    if _NAME.fullmatch(name):
        return None
    return "must be letters, digits, dots, dashes and underscores, with no dot in front"


def contained(root: str, name: str) -> str | None:
    """The path of *name* under *root*, or None when it leads out of it: the check after the path is resolved.

    A check of the text before that is not enough, because "a/../../b" begins well.

    >>> contained("public", "a/../b.txt"), contained("public", "../private/b.txt"), contained("public", "/etc/hosts")
    ('public/b.txt', None, None)
    """
    if "\0" in name or "\\" in name or name.startswith("/"):
        return None
    path = normpath(f"{root}/{name}")
    return path if path.startswith(f"{normpath(root)}/") else None


def as_html(text: str) -> str:
    """*text* as the content of an HTML element or of a quoted attribute: it shows, and runs nowhere.

    For a script, a style or an unquoted attribute it is the wrong encoding; put no foreign text there.

    >>> as_html('<script>alert("x")</script>')
    '&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;'
    """
    return html.escape(text, quote=True)


_NAMED = 10
_MARKUP = re.compile(r"[<>&]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CONTROL_OR_BREAK = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


def _pointer(name: str) -> str:
    # A JSON Pointer (RFC 6901 §3); the name comes from the caller, so it is cut short.
    return "/" + name[:100].replace("~", "~0").replace("/", "~1")
