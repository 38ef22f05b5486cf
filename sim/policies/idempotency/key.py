"""The Idempotency-Key header: as the IETF draft writes it, and as vendors accept it.

The draft makes the value a Structured Field String, so it stands in quotes; the guides and most vendors send it
bare.  The two do not mix: a bare UUID that begins with a digit is not a structured field of any kind, so a strict
server refuses what a vendor's client sends.  A server that takes both must read `"abc"` and `abc` as one key, or a
client that changes its spelling between two attempts pays twice.

Sources: draft-ietf-httpapi-idempotency-key-header-07 §2.1 (expired in April 2026), RFC 9651 §3.3.3 and §4.2.
"""

from __future__ import annotations

import re
from typing import Any

import attrs

from sim.knobs import knob

HEADER = "Idempotency-Key"


@attrs.frozen(kw_only=True)
class KeyFormat:
    """Which values of the header are keys.

    *bare*: a value without quotes is taken as it stands, as vendors do.  *shortest*, *longest*: characters of the
    key itself; 255 is what Stripe takes.

    >>> KeyFormat().read('"8e03978e-40d5"'), KeyFormat().read("8e03978e-40d5")
    ('8e03978e-40d5', '8e03978e-40d5')
    >>> STRICT.read("8e03978e-40d5")
    Traceback (most recent call last):
    ValueError: Idempotency-Key must be one string in quotes, got '8e03978e-40d5'
    """

    bare: bool = knob(True, kind=bool, help="take a value without quotes")
    shortest: int = knob(1, kind=int, low=1, high=255, unit="characters", help="shortest key")
    longest: int = knob(255, kind=int, low=1, high=8_000, unit="characters", help="longest key")

    @longest.validator
    def _in_order(self, attribute: object, value: int) -> None:
        if value < self.shortest:
            raise ValueError(f"longest must be at least shortest = {self.shortest}, got {value}")

    def read(self, value: str | None) -> str:
        """The key that the header's *value* stands for; None is: there is no such header.

        Parameters behind the string are dropped, as RFC 9651 §2 has it for parameters that nobody defined.  Two
        headers arrive joined by a comma, and are refused: which of two keys was meant nobody can know.

        Raises: `ValueError`, one sentence for the problem document.
        """
        if value is None:
            raise ValueError(f"{HEADER} is required for this request")
        value = value.strip(" \t")
        key = _string(value) if value.startswith('"') else _bare(value) if self.bare else None
        if key is None:
            kinds = "one string in quotes, or one bare value without spaces" if self.bare else "one string in quotes"
            raise ValueError(f"{HEADER} must be {kinds}, got {_shortened(value)!r}")
        if not self.shortest <= len(key) <= self.longest:
            raise ValueError(f"{HEADER} must have {self.shortest} to {self.longest} characters, got {len(key)}")
        return key


STRICT = KeyFormat(bare=False)
"""The draft to the letter."""


def quoted(key: str) -> str:
    r"""The header's value for *key*, as the draft has it.

    Raises: `ValueError` when *key* has a character outside of printable ASCII, which a Structured Field String
    cannot carry.

    >>> quoted("8e03978e-40d5"), quoted('say "hi"')
    ('"8e03978e-40d5"', '"say \\"hi\\""')
    """
    if not _PRINTABLE.fullmatch(key):
        raise ValueError(f"a key must be printable ASCII, got {_shortened(key)!r}")
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_PRINTABLE = re.compile(r"[ -~]*")
# Two headers are joined by a comma on the way, and a quote inside tells of a mangled string.
_BARE = re.compile(r"[!-~]+")
_NOT_BARE = frozenset('",')


def _string(value: str) -> str | None:
    import http_sf

    try:
        item: Any = http_sf.parse(value.encode("ascii"), tltype="item")
    except ValueError:
        return None
    return str(item[0])


def _bare(value: str) -> str | None:
    return value if _BARE.fullmatch(value) and not _NOT_BARE.intersection(value) else None


def _shortened(value: str) -> str:
    return value if len(value) <= 40 else f"{value[:37]}..."
