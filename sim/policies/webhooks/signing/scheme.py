"""What every signature scheme answers, and the checks that they share."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeAlias

import attrs

from sim.http import Request

HEADER_LIMIT = 4_096
"""Characters of the longest signature header that is looked at: some dozens of signatures."""


@attrs.frozen
class Verified:
    """The sender knows the secret and signed these bytes.

    *timestamp*: when it signed, seconds since the epoch.  *message_id*: the id that the scheme signs with the body,
    the same for every retry; empty when the scheme has none (then the id is in the body).  *fingerprint*: of all that
    was signed; two messages have the same one only when they are one message, sent twice.
    """

    timestamp: int
    message_id: str
    fingerprint: str


@attrs.frozen
class Rejected:
    """The request must not be believed.  *reason*: one sentence for the sender's log; it says nothing of the secret.

    *replayed*: the signature is good, but this very message was received before.
    """

    reason: str
    replayed: bool = False


Verdict: TypeAlias = Verified | Rejected


class Scheme(Protocol):
    """Signs a body and verifies a request."""

    @property
    def window(self) -> float:
        """For how many seconds one message can verify, counted from the first instant at which it does."""
        ...

    def sign(self, body: bytes, message_id: str, now: float) -> dict[str, str]:
        """The headers that go with *body* when it is sent at *now*."""
        ...

    def verify(self, request: Request, now: float) -> Verdict:
        """Whether *request*, received at *now*, was signed with one of the secrets, lately."""
        ...


def read_timestamp(text: str) -> int | None:
    """The whole seconds that *text* stands for, or None: 1 to 12 digits and nothing else.

    >>> read_timestamp("1700000000"), read_timestamp("1_700_000_000"), read_timestamp("1.7e9")
    (1700000000, None, None)
    """
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else None


def stale(timestamp: int, now: float, *, past: float, future: float) -> Rejected | None:
    """The rejection of a *timestamp* that is too far from *now* on either side; None when it is near enough.

    Exactly *past* seconds old, or *future* seconds ahead, is still near enough.
    """
    if timestamp > now + future:
        return Rejected(f"the signature's timestamp is more than {future:g} s in the future")
    if not timestamp >= now - past:  # also when *now* is not a number: when in doubt, no
        return Rejected(f"the signature's timestamp is more than {past:g} s old")
    return None


def mac(key: bytes, signed: bytes) -> bytes:
    """HMAC-SHA256 of the *signed* bytes.  Source: RFC 2104."""
    return hmac.new(key, signed, hashlib.sha256).digest()


def any_equal(expected: Sequence[str], got: Iterable[str]) -> bool:
    """True when one of *got* is one of *expected*, in a time that tells nothing of where they differ.

    The texts are compared as bytes: `hmac.compare_digest` raises for text that is not ASCII, and what comes from
    outside may be anything.
    """
    candidates = [text.encode("utf-8", "replace") for text in got]
    return any(hmac.compare_digest(one.encode(), other) for one in expected for other in candidates)


def fingerprint(signed: bytes) -> str:
    """What tells one message from another.

    Not the signature that matched: a message that was signed with two secrets could be sent again with the other
    signature alone, and would look new.
    """
    return hashlib.sha256(signed).hexdigest()


def one_or_more(value: Any) -> Any:
    """One secret as a tuple of one, anything else as it is: `converter` of the field `secrets`."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


def check_secrets(instance: Any, attribute: Any, value: Any) -> None:
    """Refuse anything but a tuple of texts with something in them; the message never shows a secret.

    Raises: `TypeError` or `ValueError`.
    """
    if not isinstance(value, tuple) or not all(isinstance(secret, str) for secret in value):
        raise TypeError("secrets must be a text or a tuple of texts, the newest first")
    if not value:
        raise ValueError("secrets must hold at least one secret, got none")
    if not all(secret.strip() for secret in value):
        raise ValueError("secrets must not be empty: everybody knows the empty secret")


def check_body(body: Any) -> None:
    """Refuse a body that is not bytes.  Raises: `TypeError`."""
    if not isinstance(body, bytes):
        raise TypeError(f"body must be the raw bytes, as they came off the wire, got {type(body).__name__}")
