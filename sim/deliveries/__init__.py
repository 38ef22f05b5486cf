"""What a platform shows its users, and what it comes to.

Everything is computed from the rows of a `WebhookTrace`, of a run that has ended or of a platform that is running.
"""

from sim.deliveries.figures import (
    attempts_failed,
    delays,
    delivered_by,
    drained,
    peak_at_once,
    peak_per_second,
    per_second,
    share,
)
from sim.deliveries.log import fates, health, history, letters, log, messages

__all__ = [
    "attempts_failed",
    "delays",
    "delivered_by",
    "drained",
    "fates",
    "health",
    "history",
    "letters",
    "log",
    "messages",
    "peak_at_once",
    "peak_per_second",
    "per_second",
    "share",
]
