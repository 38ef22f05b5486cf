"""A replica shows what was committed its lag ago, to whoever reads through it, and to no one else."""

import pytest

from sim.flow import Effect, Reply, Work
from sim.http import Request
from sim.interleave import explore
from sim.services.consumers import GuardedRefetch, Projector, Refetch, Replica
from sim.store import MemoryStore

ADVANCE = Request(path="/source/pay_1/advance")


def written(lag, *instants):
    """A replica of a payment that was written with its own instants, one after the other."""
    store = MemoryStore()
    replica = Replica(store, lag)
    for at in instants:
        store.put("payments", "pay_1", {"at": at})
        replica.committed("payments", "pay_1", at)
    return store, replica


@pytest.mark.parametrize(
    ("lag", "now", "seen"),
    [
        (2.0, 0.0, None), (2.0, 2.999, None), (2.0, 3.0, 1.0), (2.0, 6.999, 1.0), (2.0, 7.0, 5.0), (2.0, 100.0, 5.0),
        (0.0, 0.999, None), (0.0, 1.0, 1.0), (0.0, 5.0, 5.0),
    ],
)  # fmt: skip
def test_it_shows_what_was_there_a_lag_ago(lag, now, seen):
    """Written at 1 s and at 5 s; exactly the lag later it shows."""
    _, replica = written(lag, 1.0, 5.0)
    assert replica.as_of("payments", "pay_1", now) == (None if seen is None else {"at": seen})
    assert replica.as_of("payments", "pay_2", now) is None
    assert replica.as_of("orders", "pay_1", now) is None


def test_what_it_hands_out_is_a_copy():
    """Whoever changes it changes nothing here, nor in the store."""
    store, replica = written(0.0, 1.0)
    replica.as_of("payments", "pay_1", 1.0)["at"] = 99.0
    assert replica.as_of("payments", "pay_1", 1.0) == store.get("payments", "pay_1") == {"at": 1.0}


def test_what_nobody_told_of_does_not_show():
    """A write that it was not told of stays unknown; a deletion that it was told of shows as None."""
    store, replica = written(0.0, 1.0)
    store.put("payments", "pay_1", {"at": 2.0})
    assert replica.as_of("payments", "pay_1", 9.0) == {"at": 1.0}
    store.delete("payments", "pay_1")
    replica.committed("payments", "pay_1", 3.0)
    assert replica.as_of("payments", "pay_1", 9.0) is None


def test_a_flow_reads_as_of_its_own_steps():
    """Each step of each flow reads at the time that it was told itself, whoever read before."""
    _, replica = written(2.0, 1.0, 5.0)
    seen = []

    def reader(name):
        for _ in range(2):
            seen.append((name, replica.get("payments", "pay_1")))
            yield Work()

    assert replica.get("payments", "pay_1") is None, "nobody has told the time yet"
    one, other = replica.reading(reader("one"), 2.0), replica.reading(reader("other"), 8.0)
    assert [next(one), next(other), one.send(3.5)] == [Work()] * 3
    assert seen == [("one", None), ("other", {"at": 5.0}), ("one", {"at": 1.0})]


def test_a_flow_that_does_nothing_ends():
    """Nothing is yielded, nothing is waited for."""

    def silent():
        yield from ()

    _, replica = written(2.0)
    assert list(replica.reading(silent(), 0.0)) == []


@pytest.mark.parametrize("lag", [-0.1, float("nan"), float("inf")])
def test_a_lag_that_is_none_is_refused(lag):
    """One sentence with the value."""
    with pytest.raises(ValueError, match="lag must be"):
        Replica(MemoryStore(), lag)


def lagging(strategy, lag=2.0):
    """A projector whose re-fetches read a replica."""
    source = MemoryStore()
    return Projector(MemoryStore(), source, strategy, replica=Replica(source, lag))


def serve(service, request, now):
    """The answer to one request, all at one instant, and what its handler yielded."""
    flow, sent, commands = service(request, now), None, []
    while True:
        try:
            commands.append(flow.send(sent))
        except StopIteration:
            return next(one.response for one in commands if isinstance(one, Reply)), commands
        sent = now


def told(service, now):
    """Move the payment on: the webhook that tells of it."""
    return Request(path="/webhooks", body=serve(service, ADVANCE, now)[0].body)


def test_a_refetch_at_once_reads_the_state_before_its_event():
    """Two changes, 10 s apart, each told at once: the copy is one behind, with a 200 for both."""
    service = lagging(Refetch())
    for now in (0.0, 10.0):
        assert serve(service, told(service, now), now)[0].status == 200
    assert service.store.get("payments", "pay_1")["sequence"] == 1
    assert service.source.get("payments", "pay_1")["sequence"] == 2


@pytest.mark.parametrize(("later", "status"), [(0.0, 503), (1.999, 503), (2.0, 200), (60.0, 200)])
def test_the_guarded_one_asks_again_until_the_replica_has_caught_up(later, status):
    """The event says which version it is about; before that shows, nothing is written."""
    service = lagging(GuardedRefetch())
    answer, commands = serve(service, told(service, 10.0), 10.0 + later)
    assert (answer.status, answer.retry_after) == (status, 1.0 if status == 503 else None)
    assert any(isinstance(one, Effect) for one in commands) is (status == 200)
    assert (service.store.get("payments", "pay_1") is not None) is (status == 200)


def test_the_guard_alone_writes_the_old_state():
    """Without a look at the event's sequence the guard sees nothing wrong: 200, one version late."""
    service = lagging(GuardedRefetch(asks_again=False))
    for now in (0.0, 10.0):
        assert serve(service, told(service, now), now)[0].status == 200
    assert service.store.get("payments", "pay_1")["sequence"] == 1


@pytest.mark.parametrize("strategy", [Refetch(), GuardedRefetch(), GuardedRefetch(asks_again=False)], ids=repr)
def test_a_replica_without_a_lag_is_the_source(strategy):
    """The same commands as without one, in one request and in every schedule of two webhooks and a change."""
    bare, behind = Projector(MemoryStore(), MemoryStore(), strategy), lagging(strategy, 0.0)
    for now in (0.0, 1.0):
        commands = [[type(one) for one in serve(service, told(service, now), now)[1]] for service in (bare, behind)]
        assert commands[0] == commands[1]
    assert bare.store.snapshot() == behind.store.snapshot()

    def stale(ending):
        seen, there = (
            store.get("payments", "pay_1")["sequence"] for store in (ending.service.store, ending.service.source)
        )
        return f"at {seen} of {there}" if seen != there else None

    def found(make):
        def begun():
            service = make()
            service.first = told(service, 0.0)
            return service

        first = begun().first
        second = told(begun(), 0.0)
        return explore(begun, [first, ADVANCE, second], stale, after={2: 1})

    one, other = (found(make) for make in (
        lambda: Projector(MemoryStore(), MemoryStore(), strategy), lambda: lagging(strategy, 0.0)
    ))  # fmt: skip
    assert one.complete
    assert (one.schedules, one.violating, one.sentence) == (other.schedules, other.violating, other.sentence)
    assert one.ok is isinstance(strategy, GuardedRefetch)
