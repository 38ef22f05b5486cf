"""What other simulators get wrong, each as a case that ours must get right."""

import attrs
import pytest

from sim.experiment import run
from sim.laws import Constant, Exponential
from sim.policies import CircuitBreaker, ClientPolicy, Fixed, FullJitter, Retry
from sim.scenario import Clients, Network, Outage, Scenario, Server
from sim.scenarios.herds import half_open_stampede, thundering_herd
from sim.workload import AllAtOnce, Replay


def test_a_reply_after_the_timeout_is_not_a_success():
    """Timeout 1 s, answer at 1.5 s: the call gave up, though the work was done and a 200 was sent."""
    late = Scenario(
        arrivals=Replay([0.0]),
        clients=Clients(timeout=1.0),
        network=Network(reply_delay=Constant(1.0)),
        server=Server(service=Constant(0.5)),
    )
    one = run(late, "no-retry")
    assert list(one.trace.attempts.column("answer")) == [200.0]
    assert list(one.trace.calls.column("ok")) == [0.0]
    assert list(one.trace.calls.column("ended")) == [1.0]
    assert one.summary()["ok"] == 0


def test_a_late_reply_does_not_answer_the_next_attempt():
    """The answer to attempt 1 comes while attempt 2 is out: attempt 2 waits for its own, and times out too."""
    late = Scenario(
        arrivals=Replay([0.0]),
        clients=Clients(timeout=1.0),
        network=Network(reply_delay=Constant(1.0)),
        server=Server(workers=9, service=Constant(0.5)),
    )
    one = run(late, Retry.immediate(attempts=2))
    assert list(one.trace.attempts.column("settled")) == [1.0, 2.0]
    assert one.summary()["ok"] == 0
    assert len(one.trace.ledger) == 2


def test_a_rejected_request_is_not_ok():
    """Nobody gets into a server without room: no call is ok, every answer is 503, and the ledger is empty."""
    crowd = Scenario(arrivals=AllAtOnce(clients=100), server=Server(workers=1, queue=0, service=Exponential(0.02)))
    one = run(crowd, "no-retry")
    figures = one.summary()
    assert (figures["ok"], figures["gave_up"], figures["rejected"]) == (1, 99, 99)
    assert list(one.trace.attempts.column("status")).count(503.0) == 99
    assert len(one.trace.ledger) == 1


def test_a_burst_uses_all_workers():
    """50 workers and 50 requests at t = 0: all begin at 0, and the last is done long before 50 pieces in a row."""
    attempts = run(thundering_herd(clients=50), "no-retry", seed=1).trace.attempts
    assert set(attempts.column("started")) == {0.0}
    assert max(attempts.column("finished")) < 0.25 < 50 * 0.02


def test_the_server_finishes_what_timed_out():
    """The client's timeout does not reach the server: the work is finished, has its effect, and is counted zombie."""
    slow = Scenario(arrivals=AllAtOnce(clients=3), clients=Clients(timeout=0.5), server=Server(service=Constant(1.0)))
    one = run(slow, "no-retry")
    assert list(one.trace.attempts.column("finished")) == [1.0, 2.0, 3.0]
    assert one.summary()["zombie"] == 3
    assert len(one.trace.ledger) == 3


def probed(probes):
    """200 callers behind one breaker that opens in an outage: how many are sent while it is half-open at first."""
    world = half_open_stampede(clients=200)
    world = attrs.evolve(world, server=attrs.evolve(world.server, queue=1_000))
    breaker = CircuitBreaker(open_time=5.0, minimum_volume=10, probes=probes)
    one = run(world, ClientPolicy(Retry(Fixed(0.5), attempts=30), breaker), seed=0)
    changes = [(mark.at, mark.note) for mark in one.trace.marks if mark.kind == "breaker"]
    assert [note for _, note in changes[:3]] == ["open", "half-open", "closed"]
    half_open, closed = changes[1][0], changes[2][0]
    return sum(1 for sent in one.trace.attempts.column("sent") if half_open <= sent < closed)


@pytest.mark.parametrize("probes", [1, 3, 10])
def test_a_half_open_breaker_admits_only_its_probes(probes):
    """200 callers ask at the instant it becomes half-open: exactly *probes* requests are sent until it closes."""
    assert probed(probes) == probes


def test_without_a_limit_of_probes_all_who_wait_go_at_once():
    """probes=inf: the whole herd of 200 goes out at the instant it becomes half-open."""
    assert probed(float("inf")) == 200


def test_an_open_breaker_sends_nothing():
    """Between opening and half-open not one attempt leaves the host; the calls still count their tries."""
    down = Scenario(
        arrivals=AllAtOnce(clients=50), clients=Clients(per_host=50), faults=(Outage(start=0.0, length=60.0),)
    )
    breaker = CircuitBreaker(open_time=10.0, minimum_volume=10)
    one = run(down, ClientPolicy(Retry(FullJitter(), attempts=4, respect_retry_after=False), breaker), seed=0)
    (opened,) = [mark.at for mark in one.trace.marks if mark.note == "open"]
    assert opened == 0.0
    assert len(one.trace.attempts) == 10
    assert one.summary()["gave_up"] == 50


def test_a_refused_connection_is_known_to_have_failed():
    """Nobody listens: the status is 0 at once, and nothing is left to wonder about."""
    down = Scenario(arrivals=Replay([1.0]), faults=(Outage(start=0.0, length=9.0),))
    attempts = run(down, "no-retry").trace.attempts
    assert (list(attempts.column("status")), list(attempts.column("settled"))) == ([0.0], [1.0])


def test_what_was_taken_in_is_worked_off_after_the_last_arrival():
    """Arrivals stop and the run drains: every request that was not rejected is begun and finished."""
    attempts = run(thundering_herd(clients=1_000), "full-jitter", seed=2).trace.attempts
    rows = list(zip(*(attempts.column(name) for name in ("answer", "started", "finished")), strict=True))
    taken_in = [(started, finished) for answer, started, finished in rows if answer != 503.0]
    assert len(taken_in) == 1_000
    assert all(started < finished for started, finished in taken_in)
