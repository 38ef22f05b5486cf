"""The grader's secret: seeds that no learner knows."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

SEEDS = 5
BYTES = 32


def load(path: Path, folder: Path) -> bytes:
    """The secret in *path*, made on first use and readable to its owner alone.

    Raises: `ValueError` when it lies within the submissions' *folder*, or is too short to be one.
    """
    if path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"--secret-file must lie outside the submissions, got {str(path)!r}")
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = path.read_bytes().strip()
        if len(secret) < BYTES:
            raise ValueError(f"--secret-file must hold at least {BYTES} bytes, {path.name} has {len(secret)}") from None
        return secret
    with os.fdopen(handle, "wb") as file:
        secret = secrets.token_hex(BYTES).encode()
        file.write(secret + b"\n")
    return secret


def seeds(secret: bytes, exercise: str) -> list[int]:
    """The seeds of an exercise: the same for every learner, and for the same secret always."""
    return [
        int.from_bytes(hmac.digest(secret, f"{exercise}/{number}".encode(), hashlib.sha256)[:4], "big")
        for number in range(SEEDS)
    ]


def fingerprint(secret: bytes) -> str:
    """A name for the secret that says nothing about it."""
    return hmac.digest(secret, b"fingerprint", hashlib.sha256).hex()[:16]
