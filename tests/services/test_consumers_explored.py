"""Every order and every crash of a few deliveries: which inbox can lose an event, and which can repeat it."""

import pytest

from sim.http import Request
from sim.interleave import explore
from sim.policies.webhooks.retention import Retention
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


def delivery(ident="evt_1"):
    """One delivery of an event."""
    body = event_body(Event(ident, "payment.succeeded", 0, None, {"account": "ada", "amount": 5}))
    return Request(path="/webhooks", body=body)


JOB = Request(path="/worker")
FIRST, SECOND = delivery(), delivery("evt_2")


def events(ending):
    """The ids that the requests of an exploration were about, with whether some delivery was acknowledged."""
    found = {}
    for ident, reply in zip(ending.service.asked, ending.replies, strict=True):
        if ident is not None:
            found[ident] = found.get(ident, False) or (reply is not None and 200 <= reply.status < 300)
    return found


def once(ending):
    """No event twice; none lost, that is acknowledged and neither done nor safe in the queue."""
    queued = dict(ending.service.store.rows("queue"))
    for ident, acknowledged in events(ending).items():
        times = ending.effects.count(ident)
        if times > 1:
            return f"{ident} was processed {times} times"
        if acknowledged and not times and ident not in queued:
            return f"{ident} was lost"
    total = ending.service.store.get("balances", "ada") or 0
    return None if total == 5 * len(ending.effects) else f"the balance is {total} after {len(ending.effects)} effects"


def drained(ending):
    """As `once`, and nothing waits."""
    waiting = [key for key, _ in ending.service.store.rows("queue")]
    return once(ending) or (f"{waiting[0]} still waits" if waiting else None)


def run(inbox, requests, rule=once, **options):
    """Explore *requests* against an inbox."""
    asked = [None if request is JOB else "evt_2" if request is SECOND else "evt_1" for request in requests]

    def make():
        service = Consumer(MemoryStore(), inbox)
        service.asked = tuple(asked)
        return service

    return explore(make, requests, rule, **options)


def slow(*values):
    """A row of a table that takes its time."""
    return pytest.param(*values, marks=pytest.mark.slow)


REDELIVERED = {"requests": [FIRST, FIRST], "crashes": 1, "after": {1: 0}}
AT_ONCE = {"requests": [FIRST, FIRST]}
AT_ONCE_WITH_A_CRASH = {"requests": [FIRST, FIRST], "crashes": 1}


@pytest.mark.parametrize(
    ("inbox", "sentence"),
    [
        (CheckThenRecord(), "evt_1 was lost"),
        (RecordFirst(), "evt_1 was lost"),
        (ProcessFirst(), "evt_1 was processed 2 times"),
        (AcknowledgeFirst(), "evt_1 was lost"),
        (OneTransaction(), ""),
        slow(DurableInbox(), ""),
    ],
    ids=lambda value: type(value).__name__ if value else "",
)
def test_a_crash_and_a_redelivery(inbox, sentence):
    """Q-23.4: record first loses, process first repeats, and one transaction does neither, at every crash point."""
    found = run(inbox, **REDELIVERED)
    assert found.complete
    assert found.sentence == sentence
    assert found.ok is (sentence == "")


def test_acknowledge_first_loses_without_any_redelivery():
    """Q-23.5: one delivery and one crash after the 200, and nobody will ever send it again."""
    found = run(AcknowledgeFirst(), [FIRST], crashes=1)
    assert found.sentence == "evt_1 was lost"
    assert [moment.kind for moment in found.path] == ["reply", "dies"]
    assert run(RecordFirst(), [FIRST], crashes=1).ok, "here the sender is not told that all is well, and comes again"


@pytest.mark.parametrize(
    ("inbox", "sentence"),
    [
        (CheckThenRecord(unique=False), "evt_1 was processed 2 times"),
        (CheckThenRecord(), ""),
        (RecordFirst(), ""),
        (ProcessFirst(), "evt_1 was processed 2 times"),
        (AcknowledgeFirst(), ""),
        (OneTransaction(), ""),
    ],
    ids=repr,
)
def test_two_deliveries_at_once(inbox, sentence):
    """Q-23.3: asking whether the id exists protects from nothing; the unique constraint does."""
    found = run(inbox, **AT_ONCE)
    assert found.complete
    assert found.sentence == sentence


def answered_200(ending):
    """Both deliveries are acknowledged, the duplicate as well."""
    statuses = [reply.status for reply in ending.replies]
    return None if statuses == [200, 200] else f"the answers were {statuses[0]} and {statuses[1]}"


def test_the_constraint_turns_the_guides_listing_into_a_500():
    """Q-23.3: with the constraint the second save throws, and the duplicate gets a 500 in place of its 200."""
    assert "500" in run(CheckThenRecord(), rule=answered_200, **AT_ONCE).sentence


@pytest.mark.parametrize("inbox", [RecordFirst(), AcknowledgeFirst(), OneTransaction()], ids=repr)
def test_a_duplicate_at_the_same_moment_gets_its_200(inbox):
    """An insert that says False in place of throwing answers both deliveries with 200, whatever the order."""
    assert run(inbox, rule=answered_200, **AT_ONCE).ok


@pytest.mark.parametrize("inbox", [OneTransaction(), slow(DurableInbox())], ids=repr)
def test_the_repaired_inboxes_stand_both_at_once(inbox):
    """Two deliveries at once and a crash anywhere: never lost, never twice."""
    assert run(inbox, **AT_ONCE_WITH_A_CRASH).ok


@pytest.mark.parametrize(
    ("inbox", "sentence"),
    [(OneTransaction(takes_time=True), ""), (ProcessFirst(takes_time=True), "evt_1 was processed 2 times")],
    ids=["OneTransaction", "ProcessFirst"],
)
def test_work_before_the_transaction_opens_no_door(inbox, sentence):
    """Looking first and working outside is safe if a transaction has the last word, and only then."""
    found = run(inbox, **AT_ONCE_WITH_A_CRASH)
    assert found.complete
    assert found.sentence == sentence


@pytest.mark.parametrize("inbox", [OneTransaction(Retention(9.0)), slow(DurableInbox(Retention(9.0)))], ids=repr)
def test_a_retention_opens_no_door(inbox):
    """With ids that expire, looking at their age makes no new race."""
    assert run(inbox, **AT_ONCE).ok


@pytest.mark.parametrize("kind", [RecordFirst, AcknowledgeFirst, OneTransaction])
def test_an_expired_id_is_new_for_one_of_two(kind):
    """Two redeliveries at once, long after the id has expired: one of them may process it again, not both."""

    def make():
        service = Consumer(MemoryStore(), kind(Retention(9.0)))
        service.store.put("inbox", "evt_1", {"at": -100.0})
        service.asked = ("evt_1", "evt_1")
        return service

    found = explore(make, [FIRST, FIRST], once)
    assert found.ok, str(found)


@pytest.mark.slow
def test_the_durable_queue_is_drained_by_whoever_comes_next():
    """A crash after the 200 leaves the event queued; the next event's delivery books both."""
    found = run(DurableInbox(), [FIRST, SECOND], rule=drained, crashes=1, after={1: 0})
    assert found.sentence == "evt_2 still waits", "only the last one can still wait, and for its own crash"
    third = run(DurableInbox(), [FIRST, SECOND, JOB], rule=once, crashes=1, after={1: 0, 2: 1})
    assert third.ok


@pytest.mark.slow
def test_nobody_waits_for_the_queue_and_nothing_stays_in_it():
    """Who finds the lock taken leaves, because its holder will look into the queue: without a crash nothing waits."""
    assert run(DurableInbox(), [FIRST, JOB], rule=drained).ok
    assert run(DurableInbox(), rule=lambda ending: answered_200(ending) or drained(ending), **AT_ONCE).ok


@pytest.mark.slow
def test_after_the_background_job_nothing_waits():
    """Two deliveries at once, one of which may die; then the job runs: both are booked, once."""

    def rule(ending):
        return once(ending) if ending.died[2] else drained(ending)

    found = run(DurableInbox(), [FIRST, SECOND, JOB], rule=rule, crashes=1, after={1: 0, 2: 1})
    assert found.ok


@pytest.mark.slow
def test_a_delivery_and_the_job_at_once():
    """Both drain the same queue, and one of them may die: the event on top is taken by one of them."""
    assert run(DurableInbox(), [FIRST, JOB], crashes=1).ok


def test_the_loss_is_shown_as_a_diagram():
    """The shortest way to lose an event: recorded, dead, and the redelivery is a duplicate."""
    text = str(run(RecordFirst(), **REDELIVERED))
    assert "evt_1 was lost" in text
    lines = text.splitlines()
    order = [
        next(number for number, line in enumerate(lines) if part in line)
        for part in ("record the id", "X dies", "<- 200")
    ]
    assert order == sorted(order)
