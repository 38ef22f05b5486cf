"""Idempotency keys: how they are read, and what a repeated request is answered."""

from sim.policies.idempotency.key import STRICT, KeyFormat, quoted
from sim.policies.idempotency.rules import (
    Fingerprint,
    Idempotency,
    InFlight,
    Mismatch,
    New,
    Record,
    Replay,
    retry_horizon,
    scope,
)

__all__ = [
    "STRICT",
    "Fingerprint",
    "Idempotency",
    "InFlight",
    "KeyFormat",
    "Mismatch",
    "New",
    "Record",
    "Replay",
    "quoted",
    "retry_horizon",
    "scope",
]
