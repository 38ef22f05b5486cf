"""The server: workers, queue, service law, and what faults do to them."""

import math

import pytest

from sim.errors import FlowError
from sim.experiment import run
from sim.flow import Effect, Reply, Step, Work
from sim.http import Response
from sim.laws import Constant, Exponential
from sim.policies import Retry
from sim.scenario import BrownOut, Clients, Crash, Outage, Scenario, Server
from sim.workload import AllAtOnce, Poisson, Replay


def world(at=(0.0,), *, faults=(), timeout=math.inf, service=1.0, **server):
    return Scenario(
        arrivals=Replay(at),
        clients=Clients(timeout=timeout),
        server=Server(service=Constant(service) if isinstance(service, float) else service, **server),
        faults=faults,
        horizon=1_000.0,
    )


def columns(scenario, *names, policy="no-retry", seed=0):
    """The named columns of the attempts, one list each (NaN as None)."""
    attempts = run(scenario, policy, seed=seed).trace.attempts
    found = [[None if value != value else value for value in attempts.column(name)] for name in names]
    return found if len(names) > 1 else found[0]


def test_fifo_serves_in_the_order_of_arrival():
    """One worker, 1 s of work: the queue is served from its front."""
    assert columns(world([0.0, 0.1, 0.2, 0.3]), "started") == [0.0, 1.0, 2.0, 3.0]


def test_lifo_serves_the_newest_first():
    """The same with the newest first: who came second is served last."""
    assert columns(world([0.0, 0.1, 0.2, 0.3], lifo=True), "started") == [0.0, 3.0, 2.0, 1.0]


def test_workers_serve_side_by_side():
    """Three workers begin three requests at once; the fourth waits for the first that becomes free."""
    assert columns(world([0.0, 0.1, 0.2, 0.3], workers=3), "started") == [0.0, 0.1, 0.2, 1.0]


def test_infinite_workers_never_let_anyone_wait():
    """workers=inf: every request begins when it arrives."""
    assert columns(world([0.0] * 500, workers=math.inf), "started") == [0.0] * 500


def test_a_full_queue_rejects_at_once_with_the_answer_that_was_set():
    """One worker, one place: the third of three is answered 503 at that instant, and asked to come back in 2 s."""
    settled, answer, sent = columns(
        world([0.0, 0.0, 0.0], queue=1, retry_after=2.0), "settled", "answer", "sent", policy=Retry.immediate(2)
    )
    assert (answer[2], settled[2]) == (503.0, 0.0)
    assert (sent[3], answer[3]) == (2.0, 200.0)


def test_a_queue_of_zero_is_no_waiting_at_all():
    """queue=0: who finds the worker busy is rejected."""
    assert columns(world([0.0, 0.5, 1.5], queue=0), "status") == [200.0, 503.0, 200.0]


def test_the_mean_of_the_service_law_is_the_one_asked_for():
    """5,000 pieces of exponential work with mean 0.2 s: within three standard errors."""
    busy = world([0.0] * 5_000, workers=math.inf, service=Exponential(0.2))
    assert math.fsum(columns(busy, "finished")) / 5_000 == pytest.approx(0.2, abs=3 * 0.2 / math.sqrt(5_000))


def test_slope_makes_work_slower_for_each_request_in_service():
    """Work of 1 s and a slope of 0.1 s: the n-th at one instant takes 1 + n * 0.1."""
    assert columns(world([0.0] * 3, workers=3, slope=0.1), "finished") == pytest.approx([1.1, 1.2, 1.3])


def test_the_share_of_failures_is_the_one_asked_for_and_leaves_no_effect():
    """900 at 30 %: within three standard errors; a 500 takes its work and is not applied."""
    answer, applied, finished = columns(
        world([float(n) for n in range(900)], failure=0.3, service=0.5), "answer", "applied", "finished"
    )
    assert answer.count(500.0) / 900 == pytest.approx(0.3, abs=3 * math.sqrt(0.3 * 0.7 / 900))
    assert all((status == 500.0) == (instant is None) for status, instant in zip(answer, applied, strict=True))
    assert None not in finished


def test_an_outage_refuses_at_once_and_work_in_hand_goes_on():
    """Nobody connects in 1..3; what began at 0.5 is finished and answered at 1.5."""
    status, settled, finished = columns(
        world([0.5, 1.2, 2.9, 3.1], faults=(Outage(start=1.0, length=2.0),), workers=9), "status", "settled", "finished"
    )
    assert status == [200.0, 0.0, 0.0, 200.0]
    assert settled[1:3] == [1.2, 2.9]
    assert finished[:3] == [1.5, None, None]


def test_a_brown_out_slows_the_work_that_begins_in_it():
    """Three times slower in 1..2: work that began before and after is not touched."""
    finished = columns(
        world([0.5, 1.5, 2.5], faults=(BrownOut(start=1.0, length=1.0, slowdown=3.0),), workers=9), "finished"
    )
    assert finished == [1.5, 4.5, 3.5]


def test_brown_outs_that_overlap_multiply():
    """Two slow-downs at once, 2 and 3: work takes six times as long."""
    faults = (BrownOut(start=1.0, length=4.0, slowdown=2.0), BrownOut(start=2.0, length=1.0, slowdown=3.0))
    assert columns(world([1.0, 2.0, 4.0], faults=faults, workers=9), "finished") == [3.0, 8.0, 6.0]


def test_a_crash_loses_what_was_in_service_and_in_the_queue():
    """One in service and two queued at the crash: no finish, no effect, no answer; the client times out."""
    status, finished, applied, settled = columns(
        world([0.5, 0.6, 0.7, 3.0], faults=(Crash(start=1.0, length=1.0),), timeout=5.0),
        "status", "finished", "applied", "settled",
    )  # fmt: skip
    assert status == [None, None, None, 200.0]
    assert finished == applied == [None, None, None, 4.0]
    assert settled[:3] == [5.5, 5.6, 5.7]


def test_a_crashed_server_refuses_until_it_is_back_with_all_its_workers():
    """Refused in 1..2; after that the workers are free, whatever they were doing when the process died."""
    status, started = columns(
        world([0.5, 1.5, 2.0, 2.0], faults=(Crash(start=1.0, length=1.0),), timeout=9.0, workers=2), "status", "started"
    )
    assert status == [None, 0.0, 200.0, 200.0]
    assert started[2:] == [2.0, 2.0]


def test_a_cold_start_is_slow_at_first_and_then_as_fast_as_before():
    """Five times slower at the restart, falling in a straight line to once after 4 s."""
    crash = Crash(start=1.5, length=0.5, cold_start=4.0, cold_slowdown=5.0)
    started, finished = columns(world([0.0, 2.0, 4.0, 6.0, 9.0], faults=(crash,), workers=9), "started", "finished")
    took = [end - begin for begin, end in zip(started, finished, strict=True)]
    assert took == pytest.approx([1.0, 5.0, 3.0, 1.0, 1.0])


def test_the_server_finishes_work_whose_client_has_gone():
    """Timeout 1 s, work 3 s: the client gives up at 1, the server goes on and has its effect at 3."""
    one = run(world([0.0], service=3.0, timeout=1.0), "no-retry")
    (settled,), (applied,) = one.trace.attempts.column("settled"), one.trace.attempts.column("applied")
    assert (settled, applied) == (1.0, 3.0)
    assert one.summary()["zombie"] == 1


def test_work_for_clients_that_have_gone_takes_the_workers_from_those_who_wait():
    """Three who time out at 1 s hold the worker until 9 s; one who comes at 2 s is served from 9 s on."""
    started = columns(world([0.0, 0.0, 0.0, 2.0], service=3.0, timeout=1.0), "started")
    assert started == [0.0, 3.0, 6.0, 9.0]


def early(request, now):
    """A handler that acknowledges first and works afterwards."""
    yield Reply(Response(202))
    yield Work(2.0)
    yield Step("write")
    yield Effect(request.key)


def test_a_handler_may_answer_first_and_work_afterwards():
    """The client sees 202 at once; the effect comes 2 s later, and the worker is busy until then."""
    settled, applied, finished = columns(
        world([0.0, 0.0], make_handler=lambda: early), "settled", "applied", "finished"
    )
    assert settled == [0.0, 2.0]
    assert applied == finished == [2.0, 4.0]


def test_two_pieces_of_work_are_two_draws():
    """A handler's second piece of work does not repeat its first."""

    def twice(request, now):
        first = yield Work()
        second = yield Work()
        took.append((first - now, second - first))
        yield Reply(Response(200))

    took = []
    columns(world([0.0], service=Exponential(1.0), make_handler=lambda: twice), "finished")
    ((first, second),) = took
    assert first != pytest.approx(second)


def test_a_service_that_yields_something_unknown_is_named_with_the_call():
    """The error names what was yielded, what is allowed, the call and the instant."""

    def odd(request, now):
        yield "hello"

    with pytest.raises(
        FlowError, match=r"the service yielded 'hello', .*Work, Step, Effect, Reply, Note \(call 0, attempt 1"
    ):
        run(world(make_handler=lambda: odd), "no-retry")


def test_every_run_has_stores_of_its_own():
    """make_handler is called once for each run: what one run wrote, the next does not see."""

    def counter():
        seen = []

        def handle(request, now):
            seen.append(request.key)
            yield Reply(Response(200 + len(seen)))

        return handle

    scenario = world([0.0, 1.0], make_handler=counter)
    assert [columns(scenario, "answer") for _ in range(2)] == [[201.0, 202.0]] * 2


def test_a_quiet_server_answers_everybody():
    """Offered half of what it can do, with room for all: every call is ok and nobody is rejected."""
    calm = Scenario(
        arrivals=Poisson.steady(25.0),
        server=Server(workers=10, service=Exponential(0.2)),
        clients=Clients(timeout=60.0),
    )
    figures = run(calm, "no-retry", seed=1).summary()
    assert (figures["gave_up"], figures["rejected"], figures["ok"]) == (0, 0, figures["calls"])
    assert figures["calls"] > 1_000


def test_a_burst_at_the_first_instant_uses_all_workers():
    """60 at t = 0 meet 50 workers: 50 begin at 0, and the rest only when one becomes free."""
    burst = Scenario(arrivals=AllAtOnce(clients=60), server=Server(workers=50, service=Exponential(0.02)))
    started = columns(burst, "started")
    assert started.count(0.0) == 50
    assert all(instant > 0.0 for instant in started[50:])
