"""Payments: one API, five designs, from one that charges for every retry to two that never charge twice.

| design | two at once | crash after the charge | twin in flight |
|---|---|---|---|
| `NoIdempotency` | charges twice | the retry charges again | charges |
| `CheckThenAct` | charges twice | the retry charges again | charges |
| `AtomicClaim` | charges once | locked for the lease, then charges again | 409 |
| `OneTransaction` | charges once | rolled back, the retry charges once | waits, then replays |
| `RecoveryPoint` | charges once | locked for the lease, then resumes | 409 |
"""

from sim.services.payments.claims import AtomicClaim
from sim.services.payments.intent import CURRENCIES, Intent
from sim.services.payments.one_transaction import OneTransaction
from sim.services.payments.recovery import Provider, RecoveryPoint
from sim.services.payments.skeleton import Payments
from sim.services.payments.unsafe import CheckThenAct, NoIdempotency

__all__ = [
    "CURRENCIES",
    "AtomicClaim",
    "CheckThenAct",
    "Intent",
    "NoIdempotency",
    "OneTransaction",
    "Payments",
    "Provider",
    "RecoveryPoint",
]
