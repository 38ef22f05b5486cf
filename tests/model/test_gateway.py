"""The gateway: which failure is which status, what a limiter and a cache do to the books, and what a client reads."""

import math

import attrs
import pytest

from sim.experiment import run
from sim.flow import Effect, Note, Reply, Send, Step, Wait, Work
from sim.http import Request, Response, json_response
from sim.laws import Constant
from sim.policies import Retry
from sim.policies.caching import EdgeCache
from sim.scenario import Clients, Crash, Gateway, Outage, Scenario, Server, StepCrash
from sim.store import MemoryStore, transaction
from sim.workload import Poisson, Replay

ONCE = Retry.never()


def world(gateway=None, *, at=(0.0, 1.0, 2.0), handler=None, faults=(), **server):
    """Three calls, a second apart, to a server that works for 0.1 s."""
    make = {} if handler is None else {"make_handler": lambda: handler}
    return Scenario(
        arrivals=Replay(at),
        clients=Clients(timeout=60.0),
        server=Server(service=Constant(0.1), **make, **server),
        gateway=gateway,
        faults=faults,
        horizon=10.0,
    )


def statuses(scenario, policy=ONCE, seed=0):
    """What the clients saw, attempt by attempt; None for no answer."""
    seen = run(scenario, policy, seed=seed).trace.attempts.column("status")
    return [None if math.isnan(status) else int(status) for status in seen]


def test_a_plain_gateway_changes_nothing():
    """Without limits, cache and patience of its own, the trace is the one without a gateway."""
    bare, behind = (run(world(gateway), ONCE).trace for gateway in (None, Gateway()))
    assert bare.digest() == behind.digest()


def test_an_upstream_that_refuses_is_a_502():
    """Nobody can connect to the server: the client of the gateway gets an answer, and it is indeterminate."""
    assert statuses(world(Gateway(), faults=(Outage(start=0.5, length=1.0),))) == [200, 502, 200]
    assert statuses(world(None, faults=(Outage(start=0.5, length=1.0),))) == [200, 0, 200]


def test_an_upstream_that_dies_under_a_request_is_a_502():
    """The server's death closes the connection to the gateway; a client without one waits in vain."""
    dies = (Crash(start=1.05, length=0.5),)
    assert statuses(world(Gateway(), faults=dies)) == [200, 502, 200]
    assert statuses(world(None, faults=dies)) == [200, None, 200]


def test_an_upstream_that_takes_too_long_is_a_504_and_the_work_is_done_all_the_same():
    """The gateway gives up after half a second; the server finishes, and its answer is absorbed."""

    def slow(request, now):
        yield Work(2.0 if now == 1.0 else 0.1)
        yield Effect(request.key)
        yield Reply(Response(200))

    scenario = world(Gateway(upstream_timeout=0.5), handler=slow, workers=9)
    one = run(scenario, ONCE)
    assert list(one.trace.attempts.column("status")) == [200, 504, 200]
    assert len(one.trace.ledger) == 3


def test_a_full_queue_stays_the_servers_own_503():
    """One worker, no queue, three at once: the gateway hands the rejection on."""
    assert sorted(statuses(world(Gateway(), at=(0.0, 0.0, 0.0), queue=0))) == [200, 503, 503]


@attrs.frozen
class Verdict:
    """What a limiter decided."""

    allowed: bool
    retry_after: float | None = None
    delay: float = 0.0


class EveryOther:
    """Admits every other request."""

    def __init__(self):
        self.seen = 0

    def decide(self, request, now):
        self.seen += 1
        return Verdict(self.seen % 2 == 1, None if self.seen % 2 else 0.25)


def test_a_limiter_answers_429_with_its_wait_and_its_copy_is_the_runs_own():
    """The refused request never reaches the server, the client obeys Retry-After, and the next run begins anew."""
    limiter = EveryOther()
    scenario = world(Gateway(limiter=limiter))
    assert statuses(scenario) == statuses(scenario) == [200, 429, 200]
    assert limiter.seen == 0
    one = run(scenario, Retry(attempts=3), seed=0)
    sent = list(one.trace.attempts.column("sent"))
    assert any(math.isclose(later - earlier, 0.25) for earlier in sent for later in sent)


def test_a_limiter_that_queues_holds_a_request_back():
    """A decision with a delay admits later; the arrival stays where it was."""

    class Queue:
        def decide(self, request, now):
            return Verdict(True, delay=0.5)

    one = run(world(Gateway(limiter=Queue)), ONCE)
    attempts = one.attempts
    assert list(attempts["started"] - attempts["arrived"]) == [0.5, 0.5, 0.5]


def test_headers_of_the_decision_reach_the_client():
    """What the gateway adds is among the headers that a client's flow reads."""
    seen = []

    class Reader:
        def converse(self, request, now, rng):
            _, outcome = yield Send(1)
            seen.append(outcome.response.header("x-left"))
            return outcome

    gateway = Gateway(limiter=EveryOther(), headers=lambda decision, now: {"X-Left": "3"})
    run(world(gateway), Reader())
    assert seen == ["3", None, "3"]


@pytest.mark.parametrize("seed", [0, 1])
def test_the_books_balance_with_everything_at_once(seed):
    """Limits, patience, crashes at a step and an outage, under load: every law holds, cut short or drained."""
    scenario = Scenario(
        arrivals=Poisson.steady(40.0),
        clients=Clients(timeout=0.4),
        server=Server(workers=4, queue=10, store_delay=Constant(0.01), make_handler=lambda: Locked(MemoryStore())),
        gateway=Gateway(limiter=EveryOther(), upstream_timeout=0.3),
        faults=(Outage(start=2.0, length=0.5), StepCrash(step="half way", share=0.02)),
        horizon=5.0,
    )
    for drain in (0.01, 60.0):
        assert run(attrs.evolve(scenario, drain=drain), "full-jitter", seed=seed).summary()["calls"] > 100


class Locked:
    """Adds one to a row in a transaction, in two accesses."""

    def __init__(self, store):
        self.store = store

    def __call__(self, request, now):
        tx = yield from transaction(self.store, request)
        row = tx.get("rows", "it") or 0
        yield Step("half way")
        tx.put("rows", "it", row + 1)
        tx.commit()
        yield Effect(request.key)
        yield Reply(Response(200))

    def died(self, request):
        self.store.died(request)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_a_lock_is_waited_for_and_a_crash_gives_it_back(share):
    """Ten at once add one each, one after the other; of those that a crash ended nothing is left in the store."""
    store = MemoryStore()
    scenario = Scenario(
        arrivals=Replay(tuple(number / 100 for number in range(100))),
        clients=Clients(timeout=50.0),
        server=Server(workers=10, store_delay=Constant(0.002), make_handler=lambda: Locked(store)),
        faults=(StepCrash(step="half way", share=share, length=0.05),),
    )
    one = run(scenario, ONCE)
    assert store.is_free()
    assert (store.get("rows", "it") or 0) == len(one.trace.ledger) <= 100
    assert (len(one.trace.ledger) == 100) == (share == 0.0)
    assert one.summary()["ok"] == len(one.trace.ledger)


def test_a_crash_at_a_step_keeps_what_was_written_and_repeats_the_rest():
    """It strikes right after the effect: the client never hears of it and its retry does it again."""

    def careless(request, now):
        yield Effect(request.key)
        yield Step("after the effect")
        yield Reply(Response(200))

    scenario = attrs.evolve(
        world(handler=careless, at=tuple(map(float, range(9))), faults=(StepCrash(step="effect", share=0.7),)),
        clients=Clients(timeout=1.0),
    )
    one = run(scenario, Retry(attempts=6), seed=1)
    crashes = [mark for mark in one.trace.marks if mark.subject == "crash"]
    assert len(crashes) > 2
    assert {mark.note for mark in crashes} == {"begins", "ends"}
    assert len(one.trace.ledger) > len({entry.key for entry in one.trace.ledger})


def test_a_client_may_send_several_requests_in_one_call():
    """Two pages and a note: one call, two attempts, each with a request and an answer of its own."""

    class TwoPages:
        def converse(self, request, now, rng):
            paths = []
            for page in (1, 2):
                _, outcome = yield Send(page, Request("GET", f"/items?page={page}", key=request.key))
                paths.append(outcome.response.json())
            yield Wait(0.5)
            yield Note("walked", ",".join(paths))
            return outcome

    def echo(request, now):
        yield Work(0.1)
        yield Note("asked", request.key)
        yield Reply(json_response(request.path))

    scenario = attrs.evolve(
        world(handler=echo, at=(0.0,)), request=lambda call, client, u: Request("GET", "/items", key=f"walk {call}")
    )
    one = run(scenario, TwoPages())
    assert one.summary()["attempts"] == 2
    assert [(mark.kind, mark.subject, mark.note) for mark in one.trace.marks] == [
        ("asked", "call 0", "walk 0"),
        ("asked", "call 0", "walk 0"),
        ("walked", "call 0", "/items?page=1,/items?page=2"),
    ]


def test_the_requests_of_a_call_come_from_the_scenario_and_repeat():
    """Every attempt of a call carries the same request; its chance is keyed by the call."""
    seen = []

    def handler(request, now):
        seen.append((request.key, request.path))
        yield Reply(Response(503 if len(seen) % 2 else 200))

    scenario = attrs.evolve(
        world(handler=handler), request=lambda call, client, u: Request(key=str(call), path=f"/{u:.6f}")
    )
    run(scenario, Retry.immediate())
    assert len(seen) == 6
    assert len(set(seen)) == 3


def test_a_contestant_takes_the_seat_by_name_or_as_an_object():
    """A story that compares limiters: its own by name, anybody's as it is, and an unknown name is refused."""
    scenario = attrs.evolve(
        world(Gateway()),
        contestants={"none": None, "every other": EveryOther()},
        policies=("none", "every other"),
        seat=lambda world, limiter: attrs.evolve(world, gateway=Gateway(limiter=limiter)),
        client=ONCE,
        figures={"refused": lambda trace: sum(status == 429 for status in trace.attempts.column("status"))},
    )
    assert run(scenario).summary()["refused"] == 0
    assert run(scenario, "every other").summary()["refused"] == 1
    assert run(scenario, EveryOther()).summary()["refused"] == 1
    with pytest.raises(ValueError, match="unknown contestant of unnamed 'evry other'; did you mean every other"):
        run(scenario, "evry other")
    with pytest.raises(TypeError, match=r"must be an object with a method decide\(request, now\)"):
        run(scenario, object())


@pytest.mark.parametrize("seed", range(12))
def test_a_crash_while_the_cache_is_renewed_ends_the_answering_request_too(seed):
    """The answer makes the gateway send a refresh, and that strikes: the process is dead, and the books balance."""

    def handler(request, now):
        yield Step("read")
        yield Work(0.1)
        yield Reply(Response(200, headers={"Cache-Control": "max-age=0, stale-while-revalidate=60"}, body=b"x"))

    scenario = world(
        Gateway(cache=EdgeCache()), at=(0.0, 0.0, 0.0, 0.5, 0.6), handler=handler, workers=5,
        faults=(StepCrash(step="read", share=0.5),),
    )  # fmt: skip
    scenario = attrs.evolve(scenario, request=lambda call, client, u: Request("GET", "/page", key=str(call)))
    assert run(scenario, Retry(attempts=3), seed=seed).summary()["calls"] == 5
