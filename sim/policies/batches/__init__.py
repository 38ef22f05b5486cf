"""Many items in one request: the batch, and a client that sends what failed again."""

from sim.policies.batches.batch import BatchRules, Item, ItemResult, Mode, atomic_answer, atomic_success, multi_status
from sim.policies.batches.bulk import BulkImport
from sim.policies.batches.jobs import BulkJob

__all__ = [
    "BatchRules",
    "BulkImport",
    "BulkJob",
    "Item",
    "ItemResult",
    "Mode",
    "atomic_answer",
    "atomic_success",
    "multi_status",
]
