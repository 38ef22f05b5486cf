"""Passwords: kept as a slow, salted hash, and compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import Any


def account(password: str, role: str, email: str) -> dict[str, Any]:
    """The document of an account, with its password hashed."""
    salt = hashlib.sha256(email.encode()).hexdigest()[:16]
    return {"salt": salt, "password": _slow_hash(password, salt), "role": role, "email": email}


def is_password(password: str, known: dict[str, Any] | None) -> bool:
    """True when *password* is that of the account *known*; False, after the same work, when there is no account.

    >>> ada = account("sesame", "member", "ada@vault.example")
    >>> is_password("sesame", ada), is_password("Sesame", ada), is_password("sesame", None)
    (True, False, False)
    """
    digest = _slow_hash(password, "" if known is None else known["salt"])
    return known is not None and hmac.compare_digest(digest, known["password"])


@lru_cache(maxsize=4_096)
def _slow_hash(password: str, salt: str) -> str:
    # Real services choose n so that this takes a tenth of a second; the small n and the cache are the model's, whose
    # work takes simulated time.
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt.encode(), n=16, r=8, p=1).hex()
