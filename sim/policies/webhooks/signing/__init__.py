"""Signed webhooks: who sent this, were the bytes changed, is it fresh, and has it come before?

Four questions, four parts.  A *scheme* signs and verifies raw bytes with a shared secret: `StripeScheme` is the
guide's `t=…,v1=…`, `StandardScheme` is Standard Webhooks.  The signed timestamp bounds how long a captured message
stays useful, and a `ReplayGuard` remembers the messages of that time, because inside it they verify again and again.
"""

from sim.policies.webhooks.signing.compare import Compared, Guessed, full_equal, guess, naive_equal
from sim.policies.webhooks.signing.replay import ReplayGuard
from sim.policies.webhooks.signing.scheme import Rejected, Scheme, Verified
from sim.policies.webhooks.signing.standard import StandardScheme
from sim.policies.webhooks.signing.stripe import StripeScheme

__all__ = [
    "Compared",
    "Guessed",
    "Rejected",
    "ReplayGuard",
    "Scheme",
    "StandardScheme",
    "StripeScheme",
    "Verified",
    "full_equal",
    "guess",
    "naive_equal",
]
