"""Hearing of an update: five ways, on one workload.  Poll, long poll, stream (SSE), socket, webhook.

Every user has updates of its own at random instants, which both sides draw from the same number, so that all five ways
are compared on the very same updates.  `Mailbox` is what is called, and the other classes are who calls.
"""

from sim.services.updates.mailbox import Mailbox
from sim.services.updates.plan import HAPPENED, HEARD, PUSHED, ask_for_updates, instants_of
from sim.services.updates.ways import Hook, LongPoll, Poll, Stream

__all__ = [
    "HAPPENED",
    "HEARD",
    "PUSHED",
    "Hook",
    "LongPoll",
    "Mailbox",
    "Poll",
    "Stream",
    "ask_for_updates",
    "instants_of",
]
