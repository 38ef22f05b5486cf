"""Webhooks: signatures, ids that were seen, the order of events, how long to remember."""

from sim.policies.webhooks.inbox import SeenIds
from sim.policies.webhooks.ordering import ArrivalOrder, HigherSequence, NewerTimestamp, NextSequence
from sim.policies.webhooks.retention import Retention, required_retention

__all__ = [
    "ArrivalOrder",
    "HigherSequence",
    "NewerTimestamp",
    "NextSequence",
    "Retention",
    "SeenIds",
    "required_retention",
]
