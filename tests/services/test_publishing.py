"""Publishing beside a commit: what the explorer finds, and what it does not find."""

from contextlib import closing

import pytest

from sim.flow import Reply, Step
from sim.http import Request, Response
from sim.interleave import explore
from sim.live.sqlite import SQLiteStore
from sim.services.publishing import (
    DELETE,
    ORDERS,
    OUTBOX,
    PUBLISH,
    EnqueueAfterCommit,
    EnqueueBeforeCommit,
    Outbox,
    Publisher,
)
from sim.store import MemoryStore, transaction

ORDER, OTHER, RELAY = Request(path="/orders", key="evt_1"), Request(path="/orders", key="evt_2"), Request(path="/relay")
ROLLBACK = Request(path="/orders", key="evt_1", body=b'{"rollback":true}')
DESIGNS = (EnqueueAfterCommit(), EnqueueBeforeCommit(), Outbox())


class Topic:
    def __init__(self):
        self.events = []

    def publish(self, event):
        self.events.append(event)


def make(design):
    return lambda: Publisher(MemoryStore(), Topic(), design)


def waiting(ending):
    return {key for key, _ in ending.service.store.rows(OUTBOX)}


def published_what_was_committed(ending):
    committed, published = set(ending.effects), set(ending.service.topic.events)
    if lost := committed - published - waiting(ending):
        return f"lost: {sorted(lost)[0]}"
    if invented := published - committed:
        return f"invented: {sorted(invented)[0]}"
    return None


@pytest.mark.parametrize(
    ("design", "requests", "crashes", "sentence"),
    [
        (EnqueueAfterCommit(), [ORDER], 1, "lost: evt_1"),
        (EnqueueBeforeCommit(), [ORDER], 1, "invented: evt_1"),
        (EnqueueBeforeCommit(), [ROLLBACK], 0, "invented: evt_1"),
    ],
)
def test_two_writes_without_a_transaction_go_wrong(design, requests, crashes, sentence):
    """After the commit loses on a crash, before it invents, on a crash and on a rollback."""
    found = explore(make(design), requests, published_what_was_committed, crashes=crashes)
    assert found.sentence == sentence


@pytest.mark.parametrize(
    ("design", "requests", "crashes"),
    [
        (EnqueueAfterCommit(), [ORDER, ROLLBACK], 0),
        (Outbox(), [ORDER, RELAY], 1),
        (Outbox(), [ROLLBACK, RELAY], 1),
        pytest.param(Outbox(), [ORDER, OTHER, RELAY], 1, marks=pytest.mark.slow),
        pytest.param(Outbox(), [ORDER, RELAY, RELAY], 1, marks=pytest.mark.slow),
        pytest.param(Outbox(), [ORDER, ORDER, RELAY], 1, marks=pytest.mark.slow),
    ],
)
def test_the_outbox_never_loses_and_never_invents(design, requests, crashes):
    """In no order of two orders and the relay, with a crash anywhere."""
    assert explore(make(design), requests, published_what_was_committed, crashes=crashes).ok


def once(ending):
    return "published twice" if len(ending.service.topic.events) > len(set(ending.service.topic.events)) else None


def test_the_outbox_publishes_at_least_once():
    """Two relays at once, or one that dies after publishing, publish twice: whoever receives must know ids."""
    assert explore(make(Outbox()), [ORDER, RELAY, RELAY], once).sentence == "published twice"
    one_by_one = {"after": {1: 0, 2: 1}}
    assert explore(make(Outbox()), [ORDER, RELAY, RELAY], once, **one_by_one).ok
    found = explore(make(Outbox()), [ORDER, RELAY, RELAY], once, crashes=1, **one_by_one)
    assert found.sentence == "published twice"
    relay = [moment.what for moment in found.path if moment.request == 1]
    assert relay[1] == "publish"
    assert "commit the deletion" not in relay, "it died after publishing, and before it was written down"


def test_what_one_relay_leaves_the_next_publishes():
    """The order, a relay, and one more after it; one of them may die: if the last lives, all that is ordered is out."""

    def all_out(ending):
        missing = set(ending.effects) - set(ending.service.topic.events) or waiting(ending)
        return f"still waiting: {sorted(missing)[0]}" if missing and not ending.died[2] else None

    assert explore(make(Outbox()), [ORDER, RELAY, RELAY], all_out, crashes=1, after={1: 0, 2: 1}).ok


def test_a_relay_that_deletes_first_loses_the_event():
    """Deleted and then published: the crash is back where it was, between two systems."""

    class DeletesFirst(Publisher):
        def _relay(self, request, now):
            for event, _ in self.store.rows(OUTBOX):
                tx = yield from transaction(self.store, request)
                tx.delete(OUTBOX, event)
                tx.commit()
                yield Step(DELETE)
                self.topic.publish(event)
                yield Step(PUBLISH)
            yield Reply(Response(204))

    found = explore(
        lambda: DeletesFirst(MemoryStore(), Topic(), Outbox()), [ORDER, RELAY], published_what_was_committed, crashes=1
    )
    assert found.sentence == "lost: evt_1"


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_an_order_that_is_repeated_is_placed_once(design):
    """Two requests with one key, at once: one order, one event at the most, the same 201 for both."""

    def placed_once(ending):
        if [reply.status for reply in ending.replies] != [201, 201] or len(ending.effects) != 1:
            return f"{ending.effects} placed"
        published = ending.service.topic.events + sorted(waiting(ending))
        return None if published == ["evt_1"] else f"{published} published"

    assert explore(make(design), [ORDER, ORDER], placed_once).ok


def test_a_retry_does_not_bring_a_lost_event_back():
    """The process dies after the commit; the client asks again and hears 201; nobody ever publishes the event."""

    def lost(ending):
        told = not ending.died[1]
        return "lost for good" if told and ending.effects and not ending.service.topic.events else None

    found = explore(make(EnqueueAfterCommit()), [ORDER, ORDER], lost, crashes=1, after={1: 0})
    assert found.sentence == "lost for good"
    assert [moment.what for moment in found.path if moment.request == 1][-1] == "201"


@pytest.mark.parametrize(
    ("design", "requests"),
    [(EnqueueAfterCommit(), [ORDER]), (EnqueueBeforeCommit(), [ROLLBACK]), (Outbox(), [ORDER, RELAY])],
    ids=["after", "before", "outbox"],
)
def test_memory_and_sqlite_agree_under_the_explorer(design, requests, tmp_path):
    """With a crash anywhere: as many schedules, as many violations, the same shortest one."""
    memory = explore(make(design), requests, published_what_was_committed, crashes=1)
    begun = []

    class Remembering(Publisher):
        def __call__(self, request, now):
            begun.append(request)
            return super().__call__(request, now)

    with closing(SQLiteStore(tmp_path / "orders.db", fsync=False)) as store:

        def emptied():
            # The explorer has one world alive at a time; what the last one left open is undone first.
            for request in begun:
                store.died(request)
            begun.clear()
            for table in (ORDERS, OUTBOX):
                for key, _ in store.rows(table):
                    store.delete(table, key)
            return Remembering(store, Topic(), design)

        sqlite = explore(emptied, requests, published_what_was_committed, crashes=1)
    assert sqlite.complete
    assert (sqlite.schedules, sqlite.violating, sqlite.sentence) == (
        memory.schedules, memory.violating, memory.sentence,
    )  # fmt: skip


def test_with_the_relay_after_the_order_the_event_is_out():
    """No crash: the outbox is empty at the end, and the event was published once."""
    ending_rules = []

    def done(ending):
        ending_rules.append((ending.service.topic.events, waiting(ending)))
        return None if ending_rules[-1] == (["evt_1"], set()) else "still there"

    assert explore(make(Outbox()), [ORDER, RELAY], done, after={1: 0}).ok
    assert ending_rules


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (Request(path="/orders", key="evt_1", body=b"not json"), 400),
        (Request(path="/orders", key=""), 422),
        (Request(path="/orders", key="evt_1", body=b"[]"), 422),
        (Request(path="/nowhere", key="evt_1"), 404),
    ],
)
def test_bad_orders_leave_nothing(request_, status):
    """A right status, no row, no event."""
    found = []

    def nothing(ending):
        found.append(ending.replies[0].status)
        clean = not ending.effects and not ending.service.topic.events and not waiting(ending)
        return None if clean else "something was left"

    assert explore(make(Outbox()), [request_], nothing).ok
    assert set(found) == {status}
