"""Consumers of webhooks: what happens between the signature and the 200.

`Consumer` books each event once, or not, depending on its inbox; `Projector` keeps a copy of the sender's objects, in
the right order, or not, depending on its strategy.
"""

from sim.services.consumers.consumer import Consumer
from sim.services.consumers.doors import PinnedSenders, SkewedClock
from sim.services.consumers.inboxes import (
    AcknowledgeFirst,
    CheckThenRecord,
    DurableInbox,
    Inbox,
    NoInbox,
    OneTransaction,
    ProcessFirst,
    RecordFirst,
)
from sim.services.consumers.orderings import FromPayload, GuardedRefetch, OrderingStrategy, Refetch
from sim.services.consumers.projector import Projector
from sim.services.consumers.reading import Event, event_body
from sim.services.consumers.replica import Replica
from sim.services.consumers.senders import Sender, Teller

__all__ = [
    "AcknowledgeFirst",
    "CheckThenRecord",
    "Consumer",
    "DurableInbox",
    "Event",
    "FromPayload",
    "GuardedRefetch",
    "Inbox",
    "NoInbox",
    "OneTransaction",
    "OrderingStrategy",
    "PinnedSenders",
    "ProcessFirst",
    "Projector",
    "RecordFirst",
    "Refetch",
    "Replica",
    "Sender",
    "SkewedClock",
    "Teller",
    "event_body",
]
