"""Publishing beside a commit: what the explorer finds, and what it does not find."""

import pytest

from sim.http import Request
from sim.interleave import explore
from sim.services.publishing import OUTBOX, EnqueueAfterCommit, EnqueueBeforeCommit, Outbox, Publisher
from sim.store import MemoryStore

ORDER, OTHER, RELAY = Request(path="/orders", key="evt_1"), Request(path="/orders", key="evt_2"), Request(path="/relay")
ROLLBACK = Request(path="/orders", key="evt_1", body=b'{"rollback":true}')


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
        (Outbox(), [ORDER, OTHER, RELAY], 1),
        (Outbox(), [ORDER, RELAY, RELAY], 1),
    ],
)
def test_the_outbox_never_loses_and_never_invents(design, requests, crashes):
    """In no order of two orders and the relay, with a crash anywhere."""
    assert explore(make(design), requests, published_what_was_committed, crashes=crashes).ok


def test_the_outbox_publishes_at_least_once():
    """Two relays, or one that dies after publishing, publish an event twice: whoever receives must know ids."""

    def once(ending):
        return "published twice" if len(ending.service.topic.events) > 1 else None

    assert explore(make(Outbox()), [ORDER, RELAY, RELAY], once).sentence == "published twice"


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
