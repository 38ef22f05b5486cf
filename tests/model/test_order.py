"""The order of events at one instant, as the docstring of `sim.engine` states it.

Under continuous laws no two events share an instant; a hand-made world with constant laws can make them.
"""

from sim.engine import FIRST, NORMAL, Engine, Timer
from sim.experiment import run
from sim.flow import Send, Wait
from sim.laws import Constant
from sim.outcome import Outcome
from sim.policies import Fixed, Retry
from sim.scenario import Clients, Network, Outage, Scenario, Server
from sim.workload import Replay


def world(at, *, faults=(), **server):
    return Scenario(
        arrivals=Replay(at),
        clients=Clients(timeout=100.0),
        server=Server(service=Constant(1.0), **server),
        faults=faults,
    )


def test_edges_come_first_and_the_rest_in_the_order_in_which_it_was_put_on_the_heap():
    """Two priorities, and within each first in, first out."""
    engine, seen = Engine(), []
    for name, priority in (("a", NORMAL), ("edge 1", FIRST), ("b", NORMAL), ("edge 2", FIRST), ("c", NORMAL)):
        engine.schedule(Timer([lambda timer: seen.append(timer.subject)], name), priority, 1.0)
    engine.run_until(2.0)
    assert seen == ["edge 1", "edge 2", "a", "b", "c"]


def test_a_fault_that_begins_at_the_instant_of_an_arrival_refuses_it():
    """The beginning of an outage at t = 5 comes before the request that arrives at t = 5."""
    attempts = run(world([5.0], faults=(Outage(start=5.0, length=1.0),)), "no-retry").trace.attempts
    assert list(attempts.column("status")) == [0.0]


def test_a_fault_that_ends_at_the_instant_of_an_arrival_lets_it_in():
    """The end of an outage at t = 6 comes before the request that arrives at t = 6."""
    attempts = run(world([6.0], faults=(Outage(start=5.0, length=1.0),)), "no-retry").trace.attempts
    assert list(attempts.column("status")) == [200.0]


def test_an_answer_and_the_timeout_of_one_instant_go_to_the_one_put_on_the_heap_first():
    """With work and timeout of 1 s each: the work went on the heap at the arrival, before the alarm; it wins."""
    tie = Scenario(
        arrivals=Replay([0.0]), clients=Clients(timeout=1.0), server=Server(service=Constant(1.0)), horizon=1.0
    )
    assert list(run(tie, "no-retry").trace.attempts.column("status")) == [200.0]


def test_a_timeout_that_went_on_the_heap_before_the_answer_wins():
    """With a delay on the wire the alarm is put on the heap before the answer of the same instant: it timed out."""
    tie = Scenario(
        arrivals=Replay([0.0]),
        clients=Clients(timeout=2.0),
        network=Network(request_delay=Constant(0.5), reply_delay=Constant(0.5)),
        server=Server(service=Constant(1.0)),
    )
    (status,) = run(tie, "no-retry").trace.attempts.column("status")
    assert status != status


def test_a_send_after_a_rejection_lets_the_others_of_that_instant_go_first():
    """Three at once, one worker, no queue: both who are rejected try again in turn, not one of them to its end."""
    attempts = run(world([0.0, 0.0, 0.0], queue=0), Retry.immediate(attempts=3)).trace.attempts
    order = list(zip(attempts.column("call"), attempts.column("attempt"), strict=True))
    assert order == [(0, 1), (1, 1), (2, 1), (1, 2), (2, 2), (1, 3), (2, 3)]


def test_a_send_after_an_answer_waits_for_what_was_on_the_heap_before():
    """Call 0 is rejected at the instant at which call 1, put on the heap earlier, wakes: call 1 sends first."""

    class Scripted:
        """Call 0 waits 1 s and sends twice; call 1 waits 1 s and sends once."""

        calls = 0

        def call(self, now, rng):
            number, self.calls = self.calls, self.calls + 1
            yield Wait(1.0)
            for attempt in range(1, 3 - number):
                yield Send(attempt)
            return Outcome.answered(503)

    shared = Scripted()
    closed = world([0.0, 0.0], faults=(Outage(start=0.0, length=9.0),))
    attempts = run(closed, lambda: shared).trace.attempts
    assert list(zip(attempts.column("call"), attempts.column("attempt"), strict=True)) == [(0, 1), (1, 1), (0, 2)]


def test_a_send_after_a_wait_is_carried_out_within_the_event_of_the_wait():
    """Two calls wake at one instant: the first is served before the second has sent anything."""
    attempts = run(
        world([0.0, 0.0], queue=0, faults=(Outage(start=0.0, length=0.5),)), Retry(Fixed(1.0))
    ).trace.attempts
    rows = list(zip(*(attempts.column(name) for name in ("call", "attempt", "sent", "status")), strict=True))
    assert rows[2:4] == [(0.0, 2.0, 1.0, 200.0), (1.0, 2.0, 1.0, 503.0)]


def test_work_that_ends_makes_room_for_an_arrival_put_on_the_heap_later():
    """Work ends at t = 1 and a request arrives at t = 1: the waiting one has left the only place before it came."""
    attempts = run(world([0.0, 0.5, 1.0], queue=1), "no-retry").trace.attempts
    assert list(attempts.column("started")) == [0.0, 1.0, 2.0]
