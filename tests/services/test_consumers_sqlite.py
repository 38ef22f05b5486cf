"""Inboxes on a real SQLite file: the explorer sees the same as in memory, and real threads agree with the explorer."""

from contextlib import closing

import pytest

from sim.http import Request
from sim.interleave import explore
from sim.live.sqlite import SQLiteStore
from sim.live.threads import one_at_a_time, serve
from sim.services.consumers import (
    AcknowledgeFirst,
    CheckThenRecord,
    Consumer,
    DurableInbox,
    Event,
    OneTransaction,
    ProcessFirst,
    RecordFirst,
    event_body,
)
from sim.store import MemoryStore

pytestmark = pytest.mark.slow
STORES = {"memory": lambda path: one_at_a_time(MemoryStore()), "sqlite": lambda path: SQLiteStore(path, fsync=False)}
INBOXES = [CheckThenRecord(), RecordFirst(), ProcessFirst(), AcknowledgeFirst(), OneTransaction(), DurableInbox()]


def delivery(ident="evt_1"):
    """One delivery of an event."""
    body = event_body(Event(ident, "payment.succeeded", 0, None, {"account": "ada", "amount": 5}))
    return Request(path="/webhooks", body=body)


def once(ending):
    """One effect if somebody was told that all is well, unless the event is safe in the queue; never two."""
    effects, queued = len(ending.effects), len(ending.service.store.rows("queue"))
    acknowledged = any(reply is not None and reply.status == 200 for reply in ending.replies)
    if effects > 1:
        return "processed twice"
    return "lost" if acknowledged and effects + queued == 0 else None


@pytest.mark.parametrize("inbox", INBOXES, ids=lambda inbox: type(inbox).__name__)
def test_memory_and_sqlite_agree_under_the_explorer(inbox, tmp_path):
    """A crash and a redelivery: as many schedules, as many violations, the same shortest one."""
    options = {"crashes": 1, "after": {1: 0}}
    memory = explore(lambda: Consumer(MemoryStore(), inbox), [delivery()] * 2, once, **options)
    with closing(SQLiteStore(tmp_path / "explored.db", fsync=False)) as store:

        def emptied():
            # The explorer has one world alive at a time; what the last one left open is undone first.
            for request in begun:
                store.died(request)
            for table in ("inbox", "queue", "balances"):
                for key, _ in store.rows(table):
                    store.delete(table, key)
            return Remembering(store, inbox)

        begun = []

        class Remembering(Consumer):
            def __call__(self, request, now):
                begun.append(request)
                return super().__call__(request, now)

        sqlite = explore(emptied, [delivery()] * 2, once, **options)
    assert (sqlite.schedules, sqlite.violating) == (memory.schedules, memory.violating)
    assert sqlite.complete
    assert sqlite.sentence == memory.sentence


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(
    ("inbox", "meet", "effects", "statuses"),
    [
        (CheckThenRecord(unique=False), "look for the id", 2, [200, 200]),
        (CheckThenRecord(), "look for the id", 1, [200, 500]),
        (ProcessFirst(), "look for the id", 2, [200, 200]),
        (RecordFirst(), None, 1, [200, 200]),
        (AcknowledgeFirst(), None, 1, [200, 200]),
        (OneTransaction(), None, 1, [200, 200]),
        (DurableInbox(), None, 1, [200, 200]),
    ],
    ids=repr,
)
def test_two_threads_do_what_the_explorer_says(store, inbox, meet, effects, statuses, tmp_path):
    """Two threads that have both looked for the id, or just begin together, in each of 20 rounds."""
    service = Consumer(STORES[store](tmp_path / "inbox.db"), inbox)
    for number in range(20):
        served = serve(service, [delivery(f"evt_{number}")] * 2, meet=meet)
        assert len(served.effects) == effects
        assert sorted(reply.status for reply in served.replies) == statuses
    assert service.store.get("balances", "ada") == 20 * effects * 5
    if store == "sqlite":
        service.store.close()


@pytest.mark.parametrize("store", STORES)
def test_a_crowd_leaves_nothing_in_the_durable_queue(store, tmp_path):
    """Eight threads with eight events, all at once: every event is booked once, though most leave the queue alone."""
    service = Consumer(STORES[store](tmp_path / "inbox.db"), DurableInbox())
    for number in range(10):
        served = serve(service, [delivery(f"evt_{number}_{place}") for place in range(8)])
        assert sorted(served.effects) == [f"evt_{number}_{place}" for place in range(8)]
        assert service.store.rows("queue") == []
    if store == "sqlite":
        service.store.close()
