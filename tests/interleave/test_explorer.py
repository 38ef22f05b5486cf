"""The explorer: what it finds, what it does not, how it counts, and where it stops."""

import itertools
import math

import pytest

from sim.errors import FlowError
from sim.flow import Effect, Note, Reply, Step, Work
from sim.http import Request, Response
from sim.interleave import explore
from sim.interleave.exploration import Moment
from sim.store import MemoryStore, transaction

PAY = Request("POST", "/payments", key="pay-1")
DONE = Reply(Response(201))


def charged_once(ending):
    """No key has its effect twice."""
    twice = sorted({key for key in ending.effects if ending.effects.count(key) > 1})
    return f"charged twice: {twice[0]}" if twice else None


def nothing(ending):
    """Every ending is fine."""
    return


class LookThenCharge:
    """The guide's way: look the key up, charge, store the answer."""

    def __init__(self):
        self.store = MemoryStore()

    def __call__(self, request, now):
        seen = self.store.get("keys", request.key)
        yield Step("look the key up")
        if seen is None:
            yield Work(0.3)
            yield Effect(request.key)
            self.store.put("keys", request.key, 201)
            yield Step("store the answer")
        yield DONE


class InOneTransaction(LookThenCharge):
    """The key and the charge become visible together."""

    def __call__(self, request, now):
        tx = yield from transaction(self.store, request)
        if tx.insert("keys", request.key, 201):
            yield Step("insert the key")
            tx.commit()
            yield Effect(request.key)
        else:
            tx.rollback()
        yield DONE

    def died(self, request):
        self.store.died(request)


def test_two_requests_charge_twice_and_the_shortest_way_is_shown():
    """Check-then-act: the second looks before the first stores, and the diagram reads like a story."""
    found = explore(LookThenCharge, [PAY, PAY], charged_once)
    assert not found.ok
    assert found.sentence == "charged twice: pay-1"
    assert str(found) == (
        "66 schedules of 2 requests: 60 break the rule.\n"
        "The shortest, in 8 points: charged twice: pay-1.\n"
        "\n"
        "     request 1: POST /payments   request 2: POST /payments\n"
        "  1  look the key up             |\n"
        "  2  EFFECT pay-1                |\n"
        "  3  |                           look the key up\n"
        "  4  |                           EFFECT pay-1\n"
        "  5  |                           store the answer\n"
        "  6  |                           <- 201\n"
        "  7  store the answer            |\n"
        "  8  <- 201                      |"
    )


def test_a_crash_between_charge_and_store_is_found_where_order_alone_is_harmless():
    """The retry begins after the first request's end: no order is wrong, one crash is."""
    assert explore(LookThenCharge, [PAY, PAY], charged_once, after={1: 0}).ok
    found = explore(LookThenCharge, [PAY, PAY], charged_once, after={1: 0}, crashes=1)
    assert found.violating == 1
    assert [moment.kind for moment in found.path] == ["step", "effect", "dies", "step", "effect", "step", "reply"]
    assert "X dies" in found.diagram()


@pytest.mark.parametrize(("requests", "crashes"), [(2, 0), (2, 1), (2, 2), (3, 1)])
def test_the_repaired_version_has_no_bad_schedule(requests, crashes):
    """One transaction: whoever dies where, nothing is charged twice, and everything was seen."""
    found = explore(InOneTransaction, [PAY] * requests, charged_once, crashes=crashes)
    assert found.ok
    assert found.path == ()
    assert "none breaks the rule" in str(found)


class Steps:
    """Reads a shared number at each of its points, and remembers what it read."""

    def __init__(self, points, remembers):
        self.store, self.points, self.remembers = MemoryStore(), points, remembers

    def __call__(self, request, now):
        read = []
        for _ in range(self.points - 1):
            total = self.store.add("numbers", "it")
            if self.remembers:
                read.append(total)
            yield Step("add one")
        yield DONE


@pytest.mark.slow
@pytest.mark.parametrize("remembers", [True, False])
@pytest.mark.parametrize(("requests", "points"), [(2, 1), (2, 3), (2, 5), (3, 2), (3, 3)])
def test_the_counts_are_those_of_the_formula(requests, points, remembers):
    """k requests of n points have (kn)! / (n!)^k orders, whatever they remember, and equal states are merged."""
    found = explore(lambda: Steps(points, remembers), [Request(key=str(n)) for n in range(requests)], nothing)
    assert found.schedules == math.factorial(requests * points) // math.factorial(points) ** requests
    assert found.complete
    assert found.states <= found.schedules * points * requests + 1


def brute_force(make_service, requests, invariant):
    """All orders, one by one, without merging anything: the number of bad ones and of all."""
    bad = total = 0
    lengths = [sum(isinstance(c, Step | Effect | Reply) for c in make_service()(r, 0.0)) for r in requests]
    for order in sorted(set(itertools.permutations([n for n, k in enumerate(lengths) for _ in range(k)]))):
        service = make_service()
        flows = [service(request, 0.0) for request in requests]
        effects, ended = [], 0
        for number in order:
            for command in flows[number]:
                if isinstance(command, Effect):
                    effects.append(command.key)
                if isinstance(command, Step | Effect | Reply):
                    break
            else:
                ended += 1  # it took a shorter way than it does alone
        if ended:
            continue
        total += 1
        bad += effects != sorted(set(effects))
    return bad, total


class Turns:
    """Three points whatever happens: it charges unless it has seen the other's mark."""

    def __init__(self):
        self.store = MemoryStore()

    def __call__(self, request, now):
        seen = self.store.get("marks", "it")
        yield Step("read the mark")
        self.store.put("marks", "it", 1)
        yield Effect("it") if seen is None else Step("nothing to do")
        yield DONE


def test_merging_states_changes_no_count():
    """The same service walked order by order, without any merging, gives the same two numbers."""
    found = explore(Turns, [PAY, PAY], charged_once)
    assert (found.violating, found.schedules) == brute_force(Turns, [PAY, PAY], charged_once)
    assert 0 < found.violating < found.schedules == 20


def test_it_says_the_same_every_time():
    """Two explorations are equal to the letter."""
    assert str(explore(LookThenCharge, [PAY] * 3, charged_once)) == str(
        explore(LookThenCharge, [PAY] * 3, charged_once)
    )


def test_past_the_limit_it_stops_and_says_so():
    """No violation seen is not "no violation": ok stays false."""
    found = explore(InOneTransaction, [PAY] * 3, charged_once, crashes=1, limit=50)
    assert not found.ok
    assert not found.complete
    assert found.states <= 50 + len(found.requests)
    assert "Stopped at the limit: this is not everything" in str(found)


def test_a_request_that_never_ends_is_cut():
    """A loop without an end is not walked for ever, and the exploration says that it is not complete."""

    def spinning(request, now):
        while True:
            yield Step("ask again")

    assert not explore(lambda: spinning, [PAY], nothing).complete


class TwoLocks:
    """Takes two locks in the order that the request names."""

    def __init__(self):
        self.stores = {"a": MemoryStore(), "b": MemoryStore()}

    def __call__(self, request, now):
        first = yield from transaction(self.stores[request.key[0]], request)
        second = yield from transaction(self.stores[request.key[1]], request)
        first.commit()
        second.commit()
        yield DONE

    def died(self, request):
        for store in self.stores.values():
            store.died(request)


def test_a_deadlock_is_a_violation():
    """Each holds what the other waits for; in one order for all it cannot happen."""
    found = explore(TwoLocks, [Request(key="ab"), Request(key="ba")], nothing)
    assert found.sentence == "deadlock: requests 1 and 2 wait for ever"
    assert explore(TwoLocks, [Request(key="ab"), Request(key="ab")], nothing).ok
    assert explore(TwoLocks, [Request(key="ab"), Request(key="ab")], nothing, crashes=2).ok


def test_a_lock_that_a_dead_process_keeps_is_a_deadlock():
    """A service that is not told of the death never rolls back, and the next one waits for ever."""

    class Untold(InOneTransaction):
        died = None

    found = explore(Untold, [PAY, PAY], charged_once, crashes=1)
    assert found.sentence == "deadlock: request 2 waits for ever"


def test_a_waiting_request_is_not_enabled():
    """While the other holds the lock it makes no point, so no schedule shows it spinning."""
    found = explore(InOneTransaction, [PAY, PAY], lambda ending: "show me")
    waits = [moment for moment in found.path if moment.kind == "waits"]
    assert len(waits) <= 1


def test_an_exception_out_of_a_handler_is_a_violation():
    """The sentence names the request and the exception."""

    def careless(request, now):
        yield Step("read")
        raise KeyError("amount")

    found = explore(lambda: careless, [PAY], nothing)
    assert found.sentence == "request 1 raised KeyError: 'amount'"
    assert found.path[-1] == Moment(0, "raises", "KeyError: 'amount'")


class AcknowledgeFirst:
    """Answers, and then works."""

    def __call__(self, request, now):
        yield DONE
        yield Note("accepted")
        yield Work(1.0)
        yield Effect(request.key)


def test_a_reply_is_a_point_only_when_the_handler_works_on():
    """Behind an acknowledgement a process can die; behind the last reply there is nothing to lose."""

    def lost(ending):
        return "answered and lost" if ending.replies[0] and not ending.effects else None

    assert explore(AcknowledgeFirst, [PAY], lost).ok
    found = explore(AcknowledgeFirst, [PAY], lost, crashes=1)
    assert [moment.kind for moment in found.path] == ["reply", "dies"]
    assert explore(LookThenCharge, [PAY], nothing, crashes=1).schedules == 4  # none, and after each of three points


def test_the_invariant_sees_replies_deaths_and_the_service():
    """Everything that decides whether an ending is right."""
    seen = []

    def look(ending):
        seen.append((ending.replies[0] and ending.replies[0].status, ending.died[0], ending.service.store.rows("keys")))
        return

    explore(InOneTransaction, [PAY], look, crashes=1)
    assert (201, False, [["pay-1", 201]]) in [(a, b, [list(row) for row in rows]) for a, b, rows in seen]
    assert (None, True, []) in seen


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"requests": []}, "requests must hold at least one request, got none"),
        ({"crashes": -1}, "crashes must be at least 0, got -1"),
        ({"limit": 0}, "limit must be at least 1, got 0"),
        ({"after": {0: 1}}, "after must name requests of this exploration, the earlier one first, got {0: 1}"),
        ({"after": {5: 0}}, "after must name requests of this exploration, the earlier one first, got {5: 0}"),
    ],
)
def test_bad_arguments_are_named(arguments, sentence):
    """One sentence with the name, the rule and the value."""
    whole = {"make_service": LookThenCharge, "requests": [PAY], "invariant": nothing} | arguments
    with pytest.raises(ValueError) as caught:
        explore(**whole)
    assert str(caught.value) == sentence


def test_a_command_that_is_not_a_servers_is_refused():
    """A flow that yields something else is a mistake of its author, not a violation."""

    def odd(request, now):
        yield "hello"

    with pytest.raises(FlowError, match="the service yielded 'hello', which is none of Work, Step, Effect, Reply"):
        explore(lambda: odd, [PAY], nothing)


class Jobs:
    """Walks a list that others change, holds half of a sum, or waits for what it has seen: all of it off the locals."""

    def __init__(self, how):
        self.how, self.jobs, self.total, self.turn = how, ["a"], 0, 0

    def __call__(self, request, now):
        return getattr(self, f"{self.how}_{request.key}")()

    def loop_reads(self):
        for job in list(self.jobs):
            yield Step("read")
            yield Effect(job)
        yield DONE

    def loop_writes(self):
        self.jobs.append("b")
        yield Step("add a job")
        self.jobs.remove("b")
        yield Step("take it away")
        yield DONE

    def sum_reads(self):
        self.total = self.total + (yield from self.nothing())
        yield Effect("a") if self.total == 0 else Effect("b")
        yield DONE

    def nothing(self):
        yield Step("think")
        return 0

    def sum_writes(self):
        self.total = 5
        yield Step("set")
        self.total = 0
        yield Step("set back")
        yield DONE

    def lock_reads(self):
        yield Step("wait", when=self.until(self.turn == 0))
        yield DONE

    def lock_writes(self):
        self.turn = 1
        yield Step("take the turn")
        self.turn = 0
        yield Step("give it back")
        yield DONE

    def until(self, allowed):
        return lambda: allowed


@pytest.mark.parametrize("how", ["loop", "sum", "lock"])
def test_what_a_request_holds_outside_its_variables_is_part_of_the_state(how, monkeypatch):
    """A loop's iterator, half of a sum, a condition: with and without merging equal states the counts are the same."""

    def only_a(ending):
        return "it saw what was never there" if "b" in ending.effects else None

    requests = [Request(key="reads"), Request(key="writes")]
    merged = explore(lambda: Jobs(how), requests, only_a)
    monkeypatch.setattr("sim.interleave.world.freeze", lambda *values, known: object())
    apart = explore(lambda: Jobs(how), requests, only_a)
    assert (merged.schedules, merged.violating) == (apart.schedules, apart.violating)
    assert merged.violating > 0


def test_a_handler_that_waits_for_a_clock_is_named():
    """Time stands still, so a loop of Work would never end: it is refused, not walked."""

    def until_later(request, now):
        while now < 1.0:
            now = yield Work(0.1)

    with pytest.raises(FlowError, match="request 1 yielded Work or Note 1,000 times without a step"):
        explore(lambda: until_later, [PAY], nothing)
