"""A cursor: where a page ended, as a text that the client hands back and cannot read anything into.

Base64 alone is no secret and no seal: whoever decodes it can write another one.  A signed cursor carries a version,
the position, the direction, an expiry and the list it belongs to, under an HMAC; whatever is wrong with it is one
sentence, for a 400 problem, and never an exception of the decoder.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
from typing import Any, Protocol, TypeAlias

import attrs

from sim.http import json_body, read_json
from sim.knobs import knob

Scalar: TypeAlias = int | float | str
Position: TypeAlias = tuple[Scalar, ...]
"""The sort key of one row, its tie-breaker last: `(created_at, id)`."""

LONGEST = 8_192
"""Characters of the longest cursor that is looked at: more than any position needs, less than a server's URL limit."""

_VERSION = 1
_SEAL = 16  # bytes: half of SHA-256, as RFC 2104 §5 allows; nobody guesses 128 bits
_INTEGERS = range(-(2**63), 2**63)
_TEXT = 300  # characters: sort by something short


@attrs.frozen
class Cursor:
    """The edge of a page: the *position* of its row, and whether to go *backward* from there.

    Raises: `ValueError` for a position that no row of a database can have.
    """

    position: Position = attrs.field()
    backward: bool = False

    @position.validator
    def _check(self, attribute: object, value: Any) -> None:
        if not isinstance(value, tuple) or not 1 <= len(value) <= 3 or not all(map(_is_scalar, value)):
            raise ValueError(f"position must hold one to three numbers or texts of up to {_TEXT} characters")


class CursorCodec(Protocol):
    """Anything that writes a cursor as text and reads it back."""

    def write(self, cursor: Cursor, scope: str, now: float) -> str:
        """The text for *cursor*; *scope* names the list it belongs to: its filters, its order, its owner."""
        ...

    def read(self, text: str, scope: str, now: float) -> Cursor:
        """The cursor that *text* stands for.  Raises: `ValueError`, one sentence for the client."""
        ...


@attrs.frozen(kw_only=True)
class SignedCursors:
    """Opaque cursors: versioned, sealed with HMAC-SHA256, bound to their list, and good for *lifetime* seconds.

    *secrets*: the first one signs, all of them verify, so that a secret can be replaced while cursors are out.
    *lifetime*: None is for ever.

    >>> cursors = SignedCursors(secrets=(b"not so secret",))
    >>> text = cursors.write(Cursor((1700000000, 42)), "newest", now=0.0)
    >>> cursors.read(text, "newest", now=1.0)
    Cursor(position=(1700000000, 42), backward=False)
    >>> cursors.read(text, "cheapest", now=1.0)
    Traceback (most recent call last):
    ValueError: the cursor belongs to another list; keep the filters and the order it was given out with
    """

    secrets: tuple[bytes, ...] = attrs.field(repr=False)
    lifetime: float | None = knob(86_400.0, above=0, optional=True, unit="s", help="how long a cursor is good for")

    @secrets.validator
    def _check(self, attribute: object, value: Any) -> None:
        if not isinstance(value, tuple) or not value or not all(isinstance(one, bytes) and one for one in value):
            raise ValueError("secrets must be a tuple of at least one secret, each some bytes")

    def write(self, cursor: Cursor, scope: str, now: float) -> str:
        """The text for *cursor*, in the alphabet of URLs (RFC 4648 §5), without padding."""
        expires = None if self.lifetime is None else now + self.lifetime
        content = json_body([cursor.backward, expires, _digest(scope), *cursor.position])
        return _text(bytes([_VERSION]) + _seal(self.secrets[0], content) + content)

    def read(self, text: str, scope: str, now: float) -> Cursor:
        """The cursor that *text* stands for, if it is ours, whole, for this list and in time.

        Raises: `ValueError`, which says which of these it is not.
        """
        raw = _bytes(text)
        if raw[0] != _VERSION:
            raise ValueError("the cursor is of a version that is not known here; begin again with the first page")
        seal, content = raw[1 : 1 + _SEAL], raw[1 + _SEAL :]
        # All secrets are tried, whichever fits: how long it takes tells nothing.
        if not sum(hmac.compare_digest(seal, _seal(secret, content)) for secret in self.secrets):
            raise ValueError("the cursor is damaged, or was not given out here; begin again with the first page")
        backward, expires, home, *position = read_json(content)
        if home != _digest(scope):
            raise ValueError("the cursor belongs to another list; keep the filters and the order it was given out with")
        if expires is not None and now >= expires:
            raise ValueError("the cursor has expired; begin again with the first page")
        return Cursor(tuple(position), backward)


@attrs.frozen
class PlainCursors:
    """Base64 of the position, and nothing else.  Kept to be broken: anybody can write one, for any list.

    >>> text = PlainCursors().write(Cursor((5, 7)), "mine", now=0.0)
    >>> base64.urlsafe_b64decode(text)
    b'[false,5,7]'
    """

    def write(self, cursor: Cursor, scope: str, now: float) -> str:
        """The position as a JSON array in Base64; *scope* and *now* are not kept."""
        return base64.urlsafe_b64encode(json_body([cursor.backward, *cursor.position])).decode()

    def read(self, text: str, scope: str, now: float) -> Cursor:
        """Whatever position *text* holds.  Raises: `ValueError` when it holds none."""
        try:
            backward, *position = read_json(_bytes(text.rstrip("=")))
            if not isinstance(backward, bool):
                raise ValueError("the direction must be true or false")
            return Cursor(tuple(position), backward)
        except (TypeError, ValueError):
            raise ValueError("the cursor does not hold a position; begin again with the first page") from None


def _is_scalar(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return value in _INTEGERS
    if isinstance(value, str):
        return len(value) <= _TEXT
    return isinstance(value, float) and math.isfinite(value)


def _seal(secret: bytes, content: bytes) -> bytes:
    return hmac.digest(secret, bytes([_VERSION]) + content, "sha256")[:_SEAL]


def _digest(scope: str) -> str:
    return hashlib.blake2b(scope.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """The bytes behind *text*, at least one; only the one text that `_text` writes for them is taken."""
    try:
        if not 0 < len(text) <= LONGEST:
            raise ValueError("too short or too long")
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        if _text(raw) != text:  # stray characters, or bits in the last one that no byte needs
            raise ValueError("not canonical")
    except (ValueError, binascii.Error):
        raise ValueError("the cursor is damaged, or was not given out here; begin again with the first page") from None
    return raw
