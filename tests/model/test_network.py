"""The wire: delay, loss, copies, overtaking and partitions, each seen in the rows."""

import attrs
import pytest

from sim.experiment import run
from sim.laws import Constant, Exponential
from sim.policies import FullJitter, Retry
from sim.scenario import Clients, Network, Partition, Scenario, Server
from sim.scenarios.herds import lossy_network
from sim.workload import Poisson, Replay


def world(at=(0.0,), *, faults=(), timeout=10.0, service=1.0, **network):
    """A server with room for all, whose work takes one second."""
    return Scenario(
        arrivals=Replay(at),
        clients=Clients(timeout=timeout),
        network=Network(**network),
        server=Server(workers=1_000, service=Constant(service)),
        faults=faults,
    )


def rows(scenario, *names, policy="no-retry", seed=0):
    attempts = run(scenario, policy, seed=seed).trace.attempts
    return list(zip(*(attempts.column(name) for name in names), strict=True))


def many(**network):
    return world([number / 100 for number in range(2_000)], **network)


def share(values):
    values = list(values)
    return sum(values) / len(values)


def test_a_message_takes_its_delay_each_way():
    """Sent at 0, there at 0.25, done at 1.25, seen at 1.75."""
    found = rows(
        world(request_delay=Constant(0.25), reply_delay=Constant(0.5)), "sent", "arrived", "finished", "settled"
    )
    assert found == [(0.0, 0.25, 1.25, 1.75)]


def test_a_lost_request_reaches_nobody():
    """A lost request: no arrival, no effect, and the client waits for its whole timeout."""
    ((arrived, applied, settled, status),) = rows(
        world(request_loss=1.0, timeout=3.0), "arrived", "applied", "settled", "status"
    )
    assert arrived != arrived
    assert applied != applied
    assert settled == 3.0
    assert status != status


def test_a_lost_reply_is_work_that_was_done():
    """A lost reply: the effect took place, the client does not know it."""
    one = run(world(reply_loss=1.0, timeout=3.0), "no-retry")
    ((applied, answer, status),) = rows(world(reply_loss=1.0, timeout=3.0), "applied", "answer", "status")
    assert (applied, answer) == (1.0, 200.0)
    assert status != status
    assert len(one.trace.ledger) == 1
    assert one.summary()["ok"] == 0


def test_retries_after_lost_replies_have_the_effect_again():
    """With every reply lost, three attempts are three entries in the ledger under one key."""
    one = run(world(reply_loss=1.0, timeout=3.0), Retry.immediate(attempts=3))
    assert [(entry.key, entry.attempt) for entry in one.trace.ledger] == [("0", 1), ("0", 2), ("0", 3)]


@pytest.mark.parametrize("direction", ["request_loss", "reply_loss"])
def test_the_share_of_losses_is_the_one_asked_for(direction):
    """2,000 messages at 20 %: within three standard errors, 2.7 points."""
    found = rows(many(**{direction: 0.2}), "status")
    assert share(status != status for (status,) in found) == pytest.approx(0.2, abs=0.027)


def test_a_copy_has_a_row_of_its_own_and_a_fate_of_its_own():
    """A duplicated request is two rows with one attempt number, each with its own delay and its own effect."""
    found = rows(
        world(duplication=1.0, request_delay=Exponential(0.1)),
        "call", "attempt", "copy", "arrived", "applied", "settled", "status",
    )  # fmt: skip
    (original, copy) = found
    assert (original[:3], copy[:3]) == ((0.0, 1.0, 0.0), (0.0, 1.0, 1.0))
    assert original[3] != copy[3]
    assert copy[4] == copy[3] + 1.0
    assert original[5:] == copy[5:] == (min(original[4], copy[4]), 200.0)


def test_the_faster_copy_answers_and_the_slower_is_ignored():
    """Every request is doubled: the call is ok once, the effect happens twice, and nobody waits for the second."""
    one = run(many(duplication=1.0, request_delay=Exponential(0.1)), "no-retry")
    figures = one.summary()
    assert (figures["calls"], figures["attempts"], figures["ok"]) == (2_000, 2_000, 2_000)
    assert len(one.trace.ledger) == 4_000


def test_a_copy_survives_where_the_original_is_lost():
    """With 30 % loss the two copies are lost independently: 9 % of the calls hear nothing, not 30 %."""
    found = rows(many(duplication=1.0, request_loss=0.3), "copy", "status")
    assert share(status != status for copy, status in found if not copy) == pytest.approx(0.09, abs=0.02)


def test_the_share_of_copies_is_the_one_asked_for():
    """2,000 requests at 10 %: within three standard errors, 2 points."""
    assert len(rows(many(duplication=0.1), "copy")) - 2_000 == pytest.approx(200, abs=40)


def test_without_reordering_nothing_overtakes():
    """A constant delay keeps the order of sending."""
    arrived = [at for (at,) in rows(many(request_delay=Constant(0.2)), "arrived")]
    assert arrived == sorted(arrived)


def test_a_request_that_is_held_up_is_overtaken():
    """Those held up come in later than those sent after them, and the share held up is the one asked for."""
    found = rows(many(request_delay=Constant(0.2), reordering=0.1, reorder_delay=Constant(0.5)), "sent", "arrived")
    held = [arrived - sent > 0.5 for sent, arrived in found]
    assert share(held) == pytest.approx(0.1, abs=0.02)
    arrived = [at for _, at in found]
    assert arrived != sorted(arrived)


def test_a_partition_loses_both_directions_while_it_holds():
    """Requests sent in 2..4 never arrive; replies sent in 2..4 are lost though the work was done."""
    found = rows(world([0.5, 1.5, 2.5, 3.5, 4.5], faults=(Partition(start=2.0, length=2.0),)), "applied", "status")
    applied = [instant == instant for instant, _ in found]
    seen = [status == 200.0 for _, status in found]
    assert applied == [True, True, False, False, True]
    assert seen == [True, False, False, False, True]


@pytest.mark.parametrize(
    ("cut", "applied", "seen"),
    [
        ({"replies": False}, [True, False, True], [True, False, True]),
        ({"requests": False}, [True, True, True], [False, True, True]),
    ],
)
def test_a_partition_may_cut_one_direction_only(cut, applied, seen):
    """Sent at 1.5, 2.5 and 4.5 with work of 1 s: only the direction named is lost between 2 and 3.4 s."""
    found = rows(world([1.5, 2.5, 4.5], faults=(Partition(start=2.0, length=1.4, **cut),)), "applied", "status")
    assert [instant == instant for instant, _ in found] == applied
    assert [status == 200.0 for _, status in found] == seen


def test_two_partitions_that_overlap_hold_until_the_second_ends():
    """1..3 and 2..5: a request at 4 is lost, one at 5.5 is not."""
    faults = (Partition(start=1.0, length=2.0), Partition(start=2.0, length=3.0))
    assert [status == 200.0 for (status,) in rows(world([4.0, 5.5], faults=faults), "status")] == [False, True]


def test_marks_name_both_edges_of_a_fault():
    """A partition leaves a mark when it begins and one when it ends."""
    one = run(world([0.0], faults=(Partition(start=2.0, length=2.0),)), "no-retry")
    assert [(mark.at, mark.kind, mark.subject, mark.note) for mark in one.trace.marks] == [
        (2.0, "fault", "partition", "begins"),
        (4.0, "fault", "partition", "ends"),
    ]


def test_the_same_attempt_meets_the_same_fate_whatever_the_policy():
    """An attempt that two policies both make is lost, copied, delayed and worked on alike, whenever it is sent."""
    lossy = attrs.evolve(
        lossy_network(rate=40.0, horizon=5.0, request_loss=0.3, reply_loss=0.3, duplication=0.2),
        server=Server(workers=1_000, service=Exponential(0.02)),
    )
    fates = [fates_of(run(lossy, policy, seed=5).trace.attempts) for policy in (Retry.immediate(), Retry(FullJitter()))]
    common = fates[0].keys() & fates[1].keys()
    later = [key for key in common if key[1] > 1]
    assert len(common) > 200
    assert len(later) > 50
    for key in common:
        assert fates[0][key] == pytest.approx(fates[1][key], abs=1e-9, nan_ok=True)
    # What the policy does decide is when the retries are sent.
    assert rows(lossy, "sent", policy=Retry.immediate(), seed=5) != rows(
        lossy, "sent", policy=Retry(FullJitter()), seed=5
    )


def fates_of(attempts):
    names = ("call", "attempt", "copy", "sent", "arrived", "started", "finished", "status")
    return {
        (call, number, copy): (arrived - sent, finished - started, status)
        for call, number, copy, sent, arrived, started, finished, status in zip(
            *(attempts.column(name) for name in names), strict=True
        )
    }


def test_arrivals_do_not_depend_on_the_policy():
    """Calls of one seed begin at the same instants whatever the policy."""
    scenario = attrs.evolve(lossy_network(horizon=5.0), arrivals=Poisson.steady(40.0))
    begun = {tuple(run(scenario, policy, seed=2).trace.calls.column("started")) for policy in ("immediate", "fixed")}
    assert len(begun) == 1
