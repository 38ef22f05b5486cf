"""Audit: who did what, when, from where, in rows that cannot be changed without it showing.

Each row carries the seal of the row before and is sealed itself with a key that the database does not know.  Whoever
can write to the table can still destroy it, but not mend the chain: a row that is changed, moved or removed no longer
fits its neighbours.  The end of the log needs one thing more, because a chain that stops early is a good chain: the
number and the seal of the newest row are told to a *witness* elsewhere.

The payload stands in the log as a keyed digest: a plain hash of a short payload, a PIN or a yes, is soon guessed.
Source: B. Schneier and J. Kelsey, "Secure Audit Logs to Support Computer Forensics", 1999; RFC 2104 (HMAC).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

import attrs

START = "0" * 64
"""What stands in the first row where the others have the seal of the row before."""


@attrs.frozen(kw_only=True)
class Event:
    """What is written down.

    *who*: the caller's name, empty when nobody was recognised.  *where*: the address.  *when*: seconds since the
    epoch.  *what*: method and path.  *status*: the answer.  *payload*: the body, which the log keeps a digest of.
    """

    who: str
    where: str
    when: float
    what: str
    status: int
    payload: bytes = b""


@attrs.frozen(kw_only=True)
class AuditChain:
    """Makes rows, and finds out whether rows are as they were made.

    *key*: at least 32 random bytes, kept where the log is not.

    >>> chain = AuditChain(key=bytes(32))
    >>> one = chain.row(Event(who="ada", where="192.0.2.7", when=1.0, what="PUT /documents/7", status=200))
    >>> two = chain.row(Event(who="bob", where="192.0.2.8", when=2.0, what="DELETE /documents/7", status=204), one)
    >>> chain.findings([one, two])
    []
    >>> chain.findings([two])
    ['row 1 is missing: the log goes on with row 2']
    >>> chain.findings([one], witness=chain.witness(two))
    ['the log ends with row 1, and its witness has seen row 2']
    """

    key: bytes = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        if len(self.key) < 32:
            raise ValueError(f"key must have at least 32 bytes, got {len(self.key)}")

    def row(self, event: Event, previous: dict[str, Any] | None = None) -> dict[str, Any]:
        """The row for *event* that follows *previous*; None when it is the first."""
        row = {
            "number": 1 if previous is None else previous["number"] + 1,
            "who": event.who,
            "where": event.where,
            "when": event.when,
            "what": event.what,
            "status": event.status,
            "payload": self._mac(b"payload", event.payload),
            "previous": START if previous is None else previous["seal"],
        }
        return {**row, "seal": self._seal(row)}

    def witness(self, row: dict[str, Any]) -> tuple[int, str]:
        """What to tell the witness about the newest *row*: its number and its seal."""
        return row["number"], row["seal"]

    def matches(self, row: dict[str, Any], payload: bytes) -> bool:
        """True when *payload* is what the caller sent at the time."""
        return hmac.compare_digest(str(row.get("payload")).encode(), self._mac(b"payload", payload).encode())

    def findings(self, rows: Sequence[Any], witness: tuple[int, str] | None = None) -> list[str]:
        """Sentences about what is wrong with *rows*, in the order of the log; empty when nothing is.

        *witness*: number and seal of the newest row that was ever told to it; None when there is no witness, and
        then rows that were cut off at the end do not show.
        """
        found, expected, seal = [], 1, START
        seals: dict[int, str] = {}
        for row in rows:
            if not isinstance(row, dict) or not isinstance(row.get("number"), int):
                found.append(f"what stands after row {expected - 1} is no row")
                continue
            number = row["number"]
            if not _equal(row.get("seal"), self._seal({name: row[name] for name in row if name != "seal"})):
                found.append(f"row {number} was changed, or was not written by the service")
            if number > expected:
                gap = f"row {expected} is" if number == expected + 1 else f"rows {expected} to {number - 1} are"
                found.append(f"{gap} missing: the log goes on with row {number}")
            elif number < expected:
                found.append(f"row {number} is not in its place")
            elif not _equal(row.get("previous"), seal):
                found.append(f"row {number} does not follow the row before it")
            seals[number] = seal = str(row.get("seal"))
            expected = number + 1
        if witness is not None:
            number, told = witness
            if expected <= number:
                found.append(f"the log ends with row {expected - 1}, and its witness has seen row {number}")
            elif number and not _equal(seals.get(number, told), told):
                found.append(f"row {number} is not the one that its witness has seen")
        return found

    def _seal(self, row: dict[str, Any]) -> str:
        return self._mac(b"row", json.dumps(row, sort_keys=True).encode())

    def _mac(self, purpose: bytes, data: bytes) -> str:
        # The purpose keeps the two uses of the key apart: no payload can be made to look like a row.
        return hmac.new(self.key, purpose + b"\0" + data, hashlib.sha256).hexdigest()


def _equal(one: Any, two: str) -> bool:
    return hmac.compare_digest(str(one).encode("utf-8", "surrogatepass"), two.encode())
