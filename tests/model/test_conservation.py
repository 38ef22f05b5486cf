"""The books: every law is checked on every run, and a slip on either side raises with both sides named."""

import math
from types import SimpleNamespace

import attrs
import pytest

from sim.engine import Engine
from sim.errors import ConservationError
from sim.experiment import run
from sim.laws import Exponential
from sim.model import conservation
from sim.model.arrivals import open_arrivals
from sim.model.client import Clients
from sim.model.network import Wire
from sim.model.server import Service
from sim.policies import CircuitBreaker, ClientPolicy, FullJitter, Retry
from sim.policies.catalog import EXTRAS, RETRIES
from sim.policies.fresh import fresh
from sim.scenario import Crash, Partition
from sim.scenarios import stories
from sim.scenarios.herds import lossy_network
from sim.streams import Streams
from sim.trace import Trace

LOSSY = attrs.evolve(
    lossy_network(rate=60.0, horizon=5.0, request_loss=0.1, reply_loss=0.1, duplication=0.1),
    faults=(Crash(start=2.0, length=0.5), Partition(start=3.0, length=0.5)),
)


def books(drain=60.0):
    """The parts of a run as they stand at its end, before the books are checked."""
    engine, trace, streams = Engine(), Trace(), Streams(3)
    wire = Wire(engine, trace, LOSSY.network, streams)
    service = Service(engine, trace, LOSSY.server, streams)
    policy = ClientPolicy(Retry(FullJitter(), attempts=2))
    clients = Clients(
        engine,
        trace,
        timeout=0.5,
        per_host=1,
        policy_for=lambda host: fresh(policy),
        rng=streams.sequence("policies"),
        request=wire.request,
    )
    wire.arrive, wire.deliver, service.reply = service.arrive, clients.answer, wire.reply
    engine.process(open_arrivals(LOSSY, engine, clients, streams))
    engine.run_until(LOSSY.horizon + drain)
    return SimpleNamespace(trace=trace, clients=clients, wire=wire, service=service)


def check(parts):
    conservation.check(parts.trace, parts.clients, parts.wire, parts.service, None)


@pytest.mark.parametrize("drain", [60.0, 0.05])
def test_books_that_nobody_touched_balance(drain):
    """The laws hold at the end of a run, and also when it stops with calls, requests and replies under way."""
    parts = books(drain)
    check(parts)
    assert (parts.clients.in_flight > 0) == (drain < 1.0)


CALLS = "calls = ok + gave up + in flight"
ATTEMPTS = "attempts = arrived + requests lost + requests on the wire"
ARRIVED = "arrived = finished + rejected + refused + lost in a crash + queued + in service + at the gateway"
ANSWERS = "answers = seen + ignored by the client + lost + on the wire"
LEDGER = "entries in the ledger = effects of the service"


@pytest.mark.parametrize(
    ("part", "counter", "law"),
    [
        ("clients", "in_flight", CALLS),
        ("wire", "requests_lost", ATTEMPTS),
        ("wire", "requests_flying", ATTEMPTS),
        ("service", "finished", ARRIVED),
        ("service", "rejected", ARRIVED),
        ("service", "refused", ARRIVED),
        ("service", "lost_in_crash", ARRIVED),
        ("service", "busy", ARRIVED),
        ("service", "replied", ANSWERS),
        ("clients", "settled", ANSWERS),
        ("clients", "timed_out", ANSWERS),
        ("clients", "answers_ignored", ANSWERS),
        ("wire", "replies_lost", ANSWERS),
        ("wire", "replies_flying", ANSWERS),
        ("service", "effects", LEDGER),
    ],
)
def test_a_counter_that_slips_by_one_raises_with_both_sides(part, counter, law):
    """One too many in any counter: the law is named, and both numbers, which differ by one."""
    parts = books()
    setattr(getattr(parts, part), counter, getattr(getattr(parts, part), counter) + 1)
    with pytest.raises(ConservationError) as caught:
        check(parts)
    sentence = str(caught.value)
    assert sentence.startswith(f"conservation law violated: {law}; ")
    left, right = (int(side.split()[0].replace(",", "")) for side in sentence.split("; ")[1].split(", "))
    assert abs(left - right) == 1


def test_a_late_answer_that_is_written_as_a_success_is_found():
    """The mistake of a hand-written yardstick: a call that gave up is written as ok."""
    parts = books()
    ok = parts.trace.calls.column("ok")
    row = ok.index(0.0) * parts.trace.calls.width + parts.trace.calls.columns.index("ok")
    parts.trace.calls.cells[row] = 1.0
    with pytest.raises(ConservationError, match="calls that are ok = attempts that the client saw succeed"):
        check(parts)


def test_an_effect_that_is_written_twice_is_found():
    """The same entry again: the ledger has one more than the service had effects."""
    parts = books()
    parts.trace.ledger.append(parts.trace.ledger[0])
    with pytest.raises(ConservationError, match="entries in the ledger = effects"):
        check(parts)


def test_an_entry_that_replaces_another_is_found():
    """As many entries as effects, but one attempt has two of them."""
    parts = books()
    parts.trace.ledger[1] = parts.trace.ledger[0]
    with pytest.raises(ConservationError, match="no attempt has its effect twice"):
        check(parts)


def test_work_without_an_end_is_found():
    """A row whose end is missing: the trace has finished one less than the server counted."""
    parts = books()
    finished = parts.trace.attempts.columns.index("finished")
    row = next(row for row in range(len(parts.trace.attempts)) if not math.isnan(cell(parts, row, finished)))
    parts.trace.attempts.cells[row * parts.trace.attempts.width + finished] = math.nan
    with pytest.raises(ConservationError, match="finished in the trace = finished by the server"):
        check(parts)


def cell(parts, row, column):
    return parts.trace.attempts.cells[row * parts.trace.attempts.width + column]


NAMES = [*RETRIES, *(f"full-jitter+{extra}" for extra in EXTRAS)]


@pytest.mark.parametrize("policy", NAMES)
def test_the_books_balance_under_every_policy_of_the_catalogue(policy):
    """Loss, copies, a crash and a partition: the laws hold whatever the client decides."""
    figures = run(LOSSY, policy, seed=1).summary()
    assert figures["ok"] + figures["gave_up"] == figures["calls"] > 200


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, story in stories().items() if not story().contestants])
def test_the_books_balance_with_any_client_in_every_story_of_clients(name):
    """Every story that compares clients, made small where it is large, keeps the laws with and without a breaker.

    The other stories compare their own contestants; `test_scenarios` runs them all, books and all.
    """
    story = stories()[name]
    small = {"clients": 300, "horizon": 40.0}
    world = story(**{knob: value for knob, value in small.items() if knob in story().knobs})
    for policy in ("immediate", ClientPolicy(Retry(FullJitter()), CircuitBreaker(minimum_volume=5))):
        assert run(world, policy, seed=4).summary()["calls"] > 0


def test_a_run_that_is_cut_short_keeps_its_books():
    """With next to no drain, calls in flight are neither ok nor given up, and the laws still hold."""
    world = attrs.evolve(LOSSY, drain=0.01, server=attrs.evolve(LOSSY.server, service=Exponential(1.0)))
    figures = run(world, "full-jitter", seed=0).summary()
    assert figures["ok"] + figures["gave_up"] < figures["calls"]
