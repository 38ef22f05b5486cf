"""Input: what no text may hide on the way in, and what is encoded on the way out.

*Validation* asks whether a value can mean anything here: a title has a length, a limit is a number, a body has no
members that nobody asked for.  `sim.policies.http.validation` does that; from here come the shapes of text that it
asks about where safety is meant, and the names of files.  It stops what is senseless, not what is dangerous:
"O'Brien" and "a < b" are good text.

*Encoding* makes any text harmless for the one place it is about to stand in: HTML, a URL, a header, a statement.  It
is done where the text goes out, because only there the place is known.  For SQL the encoding is a parameter.

Sources: OWASP Input Validation and XSS Prevention cheat sheets.
"""

from __future__ import annotations

import html
import re
from posixpath import normpath

from sim.policies.http.validation import Format


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


_MARKUP = re.compile(r"[<>&]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CONTROL_OR_BREAK = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")

PROSE = Format(name="free of control characters", accepts=lambda text: _CONTROL.search(text) is None)
"""Text of many lines: tabs and line breaks may stand in it, other control characters and half surrogates may not."""

ONE_LINE = Format(
    name="one line, free of control characters", accepts=lambda text: _CONTROL_OR_BREAK.search(text) is None
)
"""Text of one line, whatever it is that breaks a line: LF, CR, NEL, U+2028 and U+2029 are refused as well."""

NO_MARKUP = Format(name="free of markup (< > &)", accepts=lambda text: _MARKUP.search(text) is None)
"""Text without "<", ">" and "&": a name or a title has no use for them, prose has.

>>> from sim.policies.http.validation import Text, field_errors
>>> field_errors(Text(format=ONE_LINE & NO_MARKUP), "<script>")[0].detail
'must be one line, free of control characters and free of markup (< > &)'
"""
