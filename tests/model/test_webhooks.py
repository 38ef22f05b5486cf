"""The platform keeps its books, its laws of throughput, and its promises about every single event."""

import math
from random import Random

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sim
from sim import deliveries
from sim.errors import ConservationError, EventBudgetError, PolicyError
from sim.experiment import compare, run
from sim.laws import Constant, Exponential
from sim.model.webhooks.world import World
from sim.policies.client.backoff import Fixed
from sim.policies.delivery import (
    FAST_FAIL,
    NONE,
    STANDARD_WEBHOOKS,
    Action,
    AutoDisable,
    DeadLetterQueue,
    DeliveryPlan,
    Fact,
    Queueing,
    endpoint_breaker,
    guide_schedule,
    schedule,
)
from sim.policies.versions.payloads import Chain, Transformer
from sim.policies.webhooks.ordering import ArrivalOrder, HigherSequence, NextSequence
from sim.scenario import BadRelease, BrownOut, Crash, Network, Outage, Partition, Scenario, Server, StepCrash
from sim.services.consumers import (
    Consumer,
    DurableInbox,
    FromPayload,
    OneTransaction,
    PinnedSenders,
    Projector,
    RecordFirst,
)
from sim.services.consumers.inboxes import APPLY, RECORD
from sim.services.misbehaving import Garbage, NeverAnswers, RedirectsForEver
from sim.store import MemoryStore
from sim.trace import Fate, Origin
from sim.webhooks import EnableAt, Endpoint, ReplayAt, ResendAt, TestAt, Webhooks, event_id
from sim.workload import AllAtOnce, ClosedLoop, Poisson, Replay

HOUR = 3_600.0


def world(plan=None, endpoints=None, arrivals=None, horizon=60.0, drain=HOUR, **webhooks):
    return Scenario(
        name="platform",
        arrivals=arrivals or Replay((0.0,)),
        horizon=horizon,
        drain=drain,
        webhooks=Webhooks(
            plan=plan or DeliveryPlan(schedule=guide_schedule(jitter=NONE)),
            endpoints=endpoints or (shop(),),
            **webhooks,
        ),
    )


def shop(name="shop", *, seconds=0.1, faults=(), **more):
    machine = {"workers": math.inf, "service": Constant(seconds), **more.pop("server", {})}
    return Endpoint(name=name, server=Server(**machine), faults=faults, **more)


def rows(one, *names):
    return list(zip(*(one.trace.attempts.column(name) for name in names), strict=True))


def fates(one):
    return {name: count for name, count in deliveries.fates(one).items() if count}


# Every event ends under a name


PLANS = {
    "direct": DeliveryPlan(queueing=Queueing.NONE),
    "shared": DeliveryPlan(queueing=Queueing.SHARED, workers=3, cap=2),
    "apart": DeliveryPlan(workers=3, cap=2),
    "breaker": DeliveryPlan(breaker=endpoint_breaker(), auto_disable=AutoDisable(grace=600.0)),
    "shared+breaker": DeliveryPlan(queueing=Queueing.SHARED, breaker=endpoint_breaker(), workers=2),
    "direct+breaker": DeliveryPlan(queueing=Queueing.NONE, breaker=endpoint_breaker()),
    "fast-fail": DeliveryPlan(rules=FAST_FAIL),
    "drop": DeliveryPlan(rules=STANDARD_WEBHOOKS.with_row("5xx", Action.DROP)),
    "forgetful": DeliveryPlan(schedule=schedule(Fixed(1.0), attempts=2), dead_letters=DeadLetterQueue(retention=120.0)),
}
FAULTS = st.sampled_from(
    [
        (),
        (Outage(start=3.0, length=40.0),),
        (Crash(start=5.0, length=5.0),),
        (Partition(start=2.0, length=20.0, requests=False),),
        (BrownOut(start=0.0, length=30.0, slowdown=100.0),),
        (BadRelease(start=0.0, length=30.0, status=401), Crash(start=10.0, length=1.0)),
        (BadRelease(start=0.0, length=30.0, status=410),),
    ]
)


@settings(max_examples=60)
@given(
    plan=st.sampled_from(sorted(PLANS)),
    faults=FAULTS,
    loss=st.sampled_from([0.0, 0.3]),
    failure=st.sampled_from([0.0, 0.4]),
    capacity=st.sampled_from([(1, 0), (2, 5), (math.inf, math.inf)]),
    drain=st.sampled_from([0.5, 300.0, 90 * HOUR]),
    seed=st.integers(0, 10_000),
)
def test_every_delivery_ends_under_a_name(plan, faults, loss, failure, capacity, drain, seed):
    """Any plan, fault, loss and length: the books balance (checked by the run), and the fates add up to the events."""
    workers, queue = capacity
    network = Network(
        request_delay=Exponential(0.05), reply_delay=Exponential(0.05), request_loss=loss, reply_loss=loss,
        duplication=loss,
    )  # fmt: skip
    machine = {"workers": workers, "queue": queue, "failure": failure}
    endpoints = (shop(faults=faults, network=network, server=machine), shop("bank"), shop("rogue", seconds=20.0))
    actions = (ReplayAt(at=200.0), TestAt(at=10.0, endpoint="shop"), ResendAt(at=11.0, delivery=0))
    scenario = world(PLANS[plan], endpoints, Poisson.steady(2.0), horizon=20.0, drain=drain, actions=actions)
    one = run(scenario, seed=seed)
    extra = sum(kind != Origin.EVENT for kind in one.trace.calls.column("kind"))
    assert deliveries.fates(one).sum() == len(one.trace.events) + extra


def test_a_slip_in_the_books_is_caught():
    """One delivery too many in the platform's count, and the run says which law is broken."""
    one = World(world(), 0)
    one.platform.delivered += 1
    with pytest.raises(ConservationError, match="deliveries delivered in the trace = delivered in the platform; 1"):
        one.close()


def test_same_seed_same_bytes_and_another_seed_others():
    """A digest over every row."""
    scenario = world(PLANS["breaker"], (shop(faults=(Outage(start=1.0, length=30.0),)),), Poisson.steady(3.0))
    digests = [run(scenario, seed=seed).trace.digest() for seed in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]


def test_every_plan_meets_the_same_events_and_the_same_fate():
    """Common random numbers: the first attempt of each delivery takes the same time under two plans."""
    scenario = world(arrivals=Poisson.steady(3.0), endpoints=(shop(server={"service": Exponential(0.1)}), shop("bank")))
    one, two = (run(scenario, PLANS[name], seed=3) for name in ("direct", "apart"))
    assert list(one.trace.calls.column("started")) == list(two.trace.calls.column("started"))
    work = [{row[0]: row[2] - row[1] for row in rows(each, "call", "started", "finished")} for each in (one, two)]
    assert work[0] == pytest.approx(work[1])


# Throughput


@pytest.mark.parametrize(("service", "per_second"), [(0.2, 50.0), (1.0, 10.0)])
def test_a_cap_of_n_and_work_of_w_seconds_deliver_n_over_w(service, per_second):
    """10 workers at 0.2 s are 50 a second: 100,000 events take 33 min; here 1,000 take 1,000 / (N/W)."""
    one = run(world(DeliveryPlan(cap=10), (shop(seconds=service),), AllAtOnce(clients=1_000)))
    assert deliveries.drained(one) == pytest.approx(1_000 / per_second)
    assert 100_000 / per_second / 60 == pytest.approx({50.0: 33.3, 10.0: 166.7}[per_second], abs=0.1)


def test_an_endpoint_that_times_out_holds_a_worker_for_the_whole_timeout():
    """At 5 s each, 10 workers make 2 attempts a second: a first round over 100,000 events would take 13.9 h."""
    plan = DeliveryPlan(cap=10, schedule=schedule(Fixed(1.0), attempts=1))
    one = run(world(plan, (shop(server={"make_handler": NeverAnswers}),), AllAtOnce(clients=200)))
    assert max(one.trace.attempts.column("settled")) == pytest.approx(200 / 2.0)
    assert pytest.approx(13.9, abs=0.05) == 100_000 / 2.0 / HOUR


def test_the_cap_holds_at_every_instant_for_each_endpoint():
    """Three endpoints, a cap of 4: never more than 4 at one, and more than 4 in all."""
    one = run(world(DeliveryPlan(cap=4), (shop("a"), shop("b"), shop("c")), Replay((0.0,) * 60), fan_out=True), seed=1)
    assert [deliveries.peak_at_once(one, endpoint=name) for name in "abc"] == [4.0, 4.0, 4.0]
    assert deliveries.peak_at_once(one) == 12.0


def test_workers_serve_the_endpoints_in_turn():
    """With one worker and 50 events for one endpoint before the first of another, that one waits for two at most."""
    plan = DeliveryPlan(workers=1, cap=1)

    def fact(number, created, u):
        return Fact(id=event_id(number), type="big" if number < 50 else "small", created=created, object={"id": "x"})

    endpoints = (shop("big", types=("big",)), shop("small", types=("small",)))
    arrivals = Replay((0.0,) * 51)
    apart = run(world(plan, endpoints, arrivals, fan_out=True, fact=fact))
    shared = run(world(attrs.evolve(plan, queueing=Queueing.SHARED), endpoints, arrivals, fan_out=True, fact=fact))
    assert deliveries.delays(apart, endpoint="small")[0] == pytest.approx(0.3)
    assert deliveries.delays(shared, endpoint="small")[0] == pytest.approx(5.1)


# Attempts, answers, schedules


def test_a_retry_comes_when_the_log_said_it_would():
    """Column next is the instant of the next attempt: 0, 30, 330 s."""
    one = run(world(endpoints=(shop(faults=(Outage(start=0.0, length=100.0),)),)))
    assert rows(one, "sent", "next", "attempt")[:2] == [(0.0, 30.0, 1.0), (30.0, 330.0, 2.0)]
    assert rows(one, "sent", "status")[2] == (330.0, 200.0)


def test_an_answer_after_the_timeout_is_no_success():
    """At 6 s of work and 5 s of patience each attempt fails, and the work is done each time."""
    one = run(world(DeliveryPlan(schedule=schedule(Fixed(60.0), attempts=3)), (shop(seconds=6.0),)))
    assert fates(one) == {"dead-lettered": 1}
    assert len(one.trace.ledger) == 3
    assert deliveries.letters(one).reason[0] == "retries used up: timed out"


def test_retry_after_is_waited_for():
    """An endpoint whose queue is full asks for 100 s; the schedule alone would come after 30."""
    full = shop(server={"workers": 1, "queue": 0, "retry_after": 100.0}, seconds=1.0)
    one = run(world(endpoints=(full,), arrivals=Replay((0.0, 0.0))))
    assert sorted(row[0] for row in rows(one, "sent")) == [0.0, 0.0, 100.0]


@pytest.mark.parametrize("failure", [0.9, 0.99])
def test_the_dead_share_is_p_to_the_25(failure):
    """Independent failures: 0.9^25 = 7.2 %, 0.99^25 = 77.8 %; within three standard errors."""
    scenario = world(
        DeliveryPlan(alerts=()), (shop(server={"failure": failure}),), AllAtOnce(clients=2_000), drain=90 * HOUR
    )
    share, expected = deliveries.share(run(scenario, seed=1), Fate.DEAD), failure**25
    assert abs(share - expected) < 3 * math.sqrt(expected * (1 - expected) / 2_000)


@pytest.mark.parametrize(("hours", "dead"), [(86.5, 1.0), (71.9, 0.0)])
def test_an_outage_longer_than_the_schedule_kills_everything(hours, dead):
    """With the guide's jitter the last attempt is before 86.4 h, and never before 72 h."""
    down = shop(faults=(Outage(start=0.0, length=hours * HOUR),))
    one = run(world(DeliveryPlan(alerts=(), watch=HOUR), (down,), AllAtOnce(clients=200), drain=90 * HOUR))
    assert deliveries.share(one, Fate.DEAD) == dead


@pytest.mark.parametrize("lost", [0.05, 0.3])
def test_lost_acknowledgements_cost_one_over_one_minus_q(lost):
    """1 / (1 - q) attempts an event, within three standard errors."""
    scenario = world(
        DeliveryPlan(alerts=()), (shop(network=Network(reply_loss=lost)),), AllAtOnce(clients=4_000), drain=90 * HOUR
    )
    one = run(scenario, seed=2)
    error = math.sqrt(lost) / (1 - lost) / math.sqrt(4_000)
    assert abs(len(one.trace.attempts) / 4_000 - 1 / (1 - lost)) < 3 * error


# Breaker, rules, disabling


def test_an_open_breaker_uses_up_no_attempts():
    """While the endpoint is down the breaker sends probes; everything else waits, with its budget whole."""
    down = shop(faults=(Outage(start=0.0, length=600.0),))
    scenario = world(endpoints=(down,), arrivals=AllAtOnce(clients=500))
    plan = DeliveryPlan(schedule=guide_schedule(jitter=NONE), breaker=endpoint_breaker())
    with_breaker, without = run(scenario, plan), run(scenario)
    assert len(with_breaker.trace.attempts) < 550
    assert len(without.trace.attempts) >= 1_500
    assert fates(with_breaker) == {"delivered": 500}


@pytest.mark.parametrize("queueing", list(Queueing))
def test_a_breaker_holds_its_own_endpoint_and_no_other(queueing):
    """In one queue too, what waits for the open breaker is put aside, and the neighbour is not held up."""
    plan = DeliveryPlan(queueing=queueing, breaker=endpoint_breaker(), workers=5)
    endpoints = (shop("down", faults=(Outage(start=0.0, length=300.0),)), shop("bank"))
    one = run(world(plan, endpoints, Poisson.steady(10.0), horizon=300.0), seed=1)
    assert max(deliveries.delays(one, endpoint="bank")) < 1.0
    assert set(fates(one)) == {"delivered"}


def test_gone_disables_and_nothing_more_is_sent():
    """A 410: this event and all later ones are dead letters; none is dropped, and a replay brings them back."""
    gone = shop(faults=(BadRelease(start=0.0, length=10.0, status=410),))
    actions = (EnableAt(at=100.0, endpoint="shop"), ReplayAt(at=101.0))
    scenario = world(endpoints=(gone,), arrivals=Replay((1.0, 2.0, 3.0)), actions=actions)
    stopped = run(attrs.evolve(scenario, webhooks=attrs.evolve(scenario.webhooks, actions=())))
    assert fates(stopped) == {"dead-lettered": 3}
    assert len(stopped.trace.attempts) == 1
    assert list(deliveries.letters(stopped).reason) == ["410: gone", "endpoint disabled", "endpoint disabled"]
    assert fates(run(scenario)) == {"delivered": 3}


def test_a_rule_that_drops_is_named():
    """The fate says by which rule."""
    plan = DeliveryPlan(rules=STANDARD_WEBHOOKS.with_row("404", Action.DROP))
    lost = shop(faults=(BadRelease(start=0.0, length=10.0, status=404),))
    assert fates(run(world(plan, (lost,)))) == {"dropped: 404": 1}


def test_auto_disable_warns_its_owner_first():
    """Down for two days, warned at once and after 12 h, disabled after 24 h; attempts 12 to 25 never happen (X-6)."""
    plan = DeliveryPlan(auto_disable=AutoDisable(), schedule=guide_schedule(jitter=NONE), alerts=())
    down = shop(owner="ada", faults=(Outage(start=0.0, length=48 * HOUR),))
    one = run(world(plan, (down,), AllAtOnce(clients=20), drain=100 * HOUR))
    told = deliveries.messages(one, owner="ada")
    assert [round(at / HOUR) for at in told["at"]] == [0, 12, 24]
    assert "will be disabled" in told.text[0]
    assert "is disabled" in told.text[2]
    assert max(one.trace.attempts.column("attempt")) == 11
    assert fates(one) == {"dead-lettered": 20}
    assert fates(run(world(DeliveryPlan(alerts=()), (down,), AllAtOnce(clients=20), drain=100 * HOUR))) == {
        "delivered": 20
    }


def test_alerts_write_to_the_owner_with_the_count():
    """10 dead letters: one mark, one message."""
    plan = DeliveryPlan(schedule=schedule(Fixed(1.0), attempts=2))
    down = shop(owner="ada", faults=(Outage(start=0.0, length=1_000.0),))
    one = run(world(plan, (down,), AllAtOnce(clients=10)))
    texts = list(deliveries.messages(one, owner="ada").text)
    assert "10 events for shop failed for good and wait in the dead-letter queue" in texts
    assert "20 of the last 20 attempts to shop failed" in texts
    assert sum(mark.kind == "alert" and mark.note == "dead letters raised" for mark in one.trace.marks) == 1


# Dead letters


def dying(**plan):
    """Ten events that die within a second, at an endpoint that is back at 100 s."""
    return world(
        DeliveryPlan(schedule=schedule(Fixed(1.0), attempts=2), alerts=(), **plan),
        (shop(faults=(Outage(start=0.0, length=100.0),)),),
        AllAtOnce(clients=10),
    )


def with_actions(scenario, *actions):
    return attrs.evolve(scenario, webhooks=attrs.evolve(scenario.webhooks, actions=actions))


def test_a_replay_has_a_fresh_budget_and_the_log_goes_on_counting():
    """Replayed too early it dies again after two more attempts; the history has them all, and the last one delivers."""
    one = run(with_actions(dying(), ReplayAt(at=50.0), ReplayAt(at=200.0)))
    assert fates(one) == {"delivered": 10}
    assert list(deliveries.history(one, 0).attempt) == [1, 2, 3, 4, 5]
    assert list(deliveries.history(one, 0).reason) == ["connection refused"] * 4 + ["200"]


def test_a_replay_can_be_selective():
    """Of two endpoints one is replayed, of a reason too; the others stay."""
    down = tuple(shop(name, faults=(Outage(start=0.0, length=100.0),)) for name in ("shop", "bank"))
    plan = DeliveryPlan(schedule=schedule(Fixed(1.0), attempts=2), alerts=())
    scenario = world(plan, down, AllAtOnce(clients=10), fan_out=True)
    one = run(with_actions(scenario, ReplayAt(at=200.0, endpoint="bank"), ReplayAt(at=201.0, reason="no such reason")))
    assert fates(one) == {"delivered": 10, "dead-lettered": 10}
    assert set(deliveries.letters(one).endpoint) == {"shop"}


def test_a_capped_replay_is_no_herd():
    """All at once, or two a second: the peak after the replay says it."""
    free = run(with_actions(dying(), ReplayAt(at=200.0)))
    capped = run(with_actions(dying(replay_per_second=2.0), ReplayAt(at=200.0)))
    assert deliveries.peak_per_second(free, since=200.0) == 10.0
    assert deliveries.peak_per_second(capped, since=200.0) == 2.0
    assert fates(free) == fates(capped) == {"delivered": 10}


def test_an_old_dead_letter_is_dropped_by_name():
    """Kept for 120 s, forgotten at the next look."""
    one = run(dying(dead_letters=DeadLetterQueue(retention=120.0)))
    assert fates(one) == {"dropped: dead letter expired": 10}


# Payload, versions, signatures


def consumer(store):
    return lambda scheme: Consumer(store, OneTransaction(), scheme=scheme)


def test_a_real_consumer_verifies_and_books_what_the_platform_signs():
    """Fat payloads, signed with the endpoint's own secret, are taken in; every event has its effect once."""
    store = MemoryStore()
    one = run(world(endpoints=(shop(consumer=consumer(store)),), arrivals=Poisson.steady(1.0)), seed=1)
    assert fates(one) == {"delivered": len(one.trace.events)}
    assert sum(balance for _, balance in store.rows("balances")) == 5 * len(one.trace.events)


def test_dual_delivery_sends_each_event_in_both_formats():
    """Two deliveries an event, with the shapes of a chain; one id for both, unless the plan gives each its own."""
    seen = []

    def receiver(scheme):
        def handle(request, now):
            from sim.flow import Reply
            from sim.http import Response, read_json

            seen.append(read_json(request.body))
            yield Reply(Response(200))

        return handle

    chain = Chain([Transformer(older="v1", newer="v2", down=lambda payment: {"id": payment["id"], "old": True})])
    both = shop(versions=("v1", "v2"), consumer=receiver)
    one = run(world(endpoints=(both,), chain=chain))
    assert fates(one) == {"delivered": 2}
    assert [(event["id"], event["apiVersion"], "old" in event["data"]["object"]) for event in seen] == [
        ("evt_0", "v1", True),
        ("evt_0", "v2", False),
    ]
    seen.clear()
    run(world(DeliveryPlan(distinct_ids=True), (both,), chain=chain))
    assert [event["id"] for event in seen] == ["evt_0-v1", "evt_0-v2"]


def test_a_test_event_is_not_live_and_has_no_order_behind_it():
    """It reaches a disabled endpoint too: that is how its owner finds out whether it works again."""
    gone = shop(faults=(BadRelease(start=0.0, length=10.0, status=410),))
    one = run(world(endpoints=(gone,), actions=(TestAt(at=20.0, endpoint="shop"),)))
    assert fates(one) == {"delivered": 1, "dead-lettered": 1}
    assert deliveries.log(one, event="evt_test_1").status[0] == 200


# Rogues, contained


@pytest.mark.parametrize("rogue", [NeverAnswers, Garbage, RedirectsForEver])
def test_a_rogue_is_contained_and_its_reason_is_in_the_log(rogue):
    """The healthy neighbour's events take what they always take, and every attempt at the rogue has a reason."""
    endpoints = (shop(), shop("rogue", server={"make_handler": rogue}))
    plan = DeliveryPlan(workers=20, cap=5, schedule=schedule(Fixed(60.0), attempts=5))
    scenario = world(plan, endpoints, Poisson.steady(4.0), horizon=120.0, drain=4 * 86_400.0 + HOUR)
    one = run(scenario, seed=1)
    assert max(deliveries.delays(one, endpoint="shop")) == pytest.approx(0.1)
    log = deliveries.log(one, endpoint="rogue")
    assert (log.reason != "").all()
    assert set(deliveries.letters(one).endpoint) == {"rogue"}


def test_what_a_rogue_answers_cannot_hurt_whoever_reads_the_log():
    """A snippet is short and printable, whatever the ten megabytes were."""
    one = run(world(endpoints=(shop(server={"make_handler": Garbage}),), drain=5 * 86_400.0), seed=1)
    snippets = set(deliveries.log(one).snippet)
    assert all(len(snippet) <= 120 and snippet.isprintable() for snippet in snippets)
    assert len(snippets) >= 4


def test_a_name_that_leads_inside_is_never_called():
    """Public when it registers, private from 10 s on (DNS rebinding): no request leaves, and the log says why."""
    rebinding = shop(addresses=((0.0, "198.51.7.9"), (10.0, "169.254.169.254"), (300.0, "198.51.7.9")))
    one = run(world(endpoints=(rebinding,), arrivals=Replay((0.0, 20.0))))
    log = deliveries.log(one, delivery=1)
    assert list(log.reason) == ["resolves to a private address"] * 2 + ["200"]
    assert all(math.isnan(arrived) for call, sent, arrived in rows(one, "call", "sent", "arrived") if 10 <= sent < 300)


def test_an_endpoint_that_leads_inside_from_the_start_cannot_register():
    """Refused with a sentence before anything runs."""
    with pytest.raises(ValueError, match="public address"):
        run(world(endpoints=(shop(addresses=((0.0, "10.0.0.7"),)),)))


# Bad input


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Webhooks(endpoints=()), "endpoints must be at least one"),
        (lambda: Webhooks(endpoints=(shop(), shop())), "each with a name of its own"),
        (lambda: Webhooks(endpoints=(shop(share=0.0),)), "must add up to more than 0"),
        (lambda: Webhooks(endpoints=(shop(),), actions=(TestAt(at=1.0, endpoint="x"),)), "there is no endpoint 'x'"),
        (lambda: shop(""), "an endpoint must have a name"),
        (lambda: shop(versions=("a", "b", "c")), "versions of shop must be one, or two"),
        (lambda: shop(addresses=((5.0, "198.51.7.9"), (1.0, "198.51.7.9"))), "in order of time"),
        (lambda: DeliveryPlan(timeout=0.0), "timeout must be more than 0, got 0.0"),
        (lambda: DeliveryPlan(cap=0), "cap must be at least 1, got 0"),
        (lambda: run(world(arrivals=ClosedLoop(clients=1))), "an open workload"),
        (lambda: run(world(actions=(ResendAt(at=1.0, delivery=9),))), "delivery must be a number from 0 to 0, got 9"),
        (lambda: sim.platform(sim.scenarios.plain_queue()), "must have webhooks"),
    ],
)
def test_a_world_that_makes_no_sense_is_refused(make, sentence):
    """One sentence names the thing and the value."""
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        ({"queueing": "shared"}, "queueing"),
        ({"schedule": object()}, "must be an object with a method wait"),
        ({"rules": 5}, "must be an object with a method judge"),
        ({"breaker": Random}, "must be an object with a method admit"),
        ({"alerts": (5,)}, "must be an object with a method raised_by"),
    ],
)
def test_a_plan_that_is_none_is_refused(plan, sentence):
    """Before the run, not in its middle."""
    with pytest.raises(TypeError, match=sentence):
        DeliveryPlan(**plan)


def test_a_seat_takes_plans_only():
    """Another object is refused with its name."""
    with pytest.raises(TypeError, match="the seat of platform is for a DeliveryPlan"):
        run(world(), Fixed(1.0))


def test_a_stories_plans_are_compared_on_the_same_seeds():
    """`compare` works as everywhere: a mapping of plans, a table with intervals."""
    table = compare(
        world(arrivals=Poisson.steady(1.0)), {"a": DeliveryPlan(), "b": PLANS["direct"]}, seeds=[1, 2]
    ).table("ok")
    assert list(table.index) == ["a", "b"]


# Consumers with machines of their own


@pytest.mark.parametrize(
    ("networks", "fate"), [(["203.0.113.0/28"], "delivered"), (["198.51.100.0/24"], "dead-lettered")]
)
def test_a_receiver_can_pin_the_platform_s_addresses(networks, fate):
    """The platform calls from the addresses that it publishes; a receiver that knows others refuses it."""

    def behind_a_firewall(scheme):
        return PinnedSenders(Consumer(MemoryStore(), OneTransaction(), scheme=scheme), networks)

    assert fates(run(world(endpoints=(shop(consumer=behind_a_firewall),), drain=90 * HOUR))) == {fate: 1}


@pytest.mark.parametrize(
    ("inbox", "loses"), [(RecordFirst(), True), (OneTransaction(), False), (DurableInbox(), False)]
)
def test_a_consumer_that_crashes_between_its_steps_loses_what_its_inbox_lets_it_lose(inbox, loses):
    """Every event is delivered; with record first some have no effect, and nobody will send them again."""
    crashing = shop(
        server={"store_delay": Constant(0.01)},
        consumer=lambda scheme: Consumer(MemoryStore(), inbox, scheme=scheme),
        faults=(StepCrash(step=RECORD, share=0.1, length=0.5), StepCrash(step=APPLY, share=0.1, length=0.5)),
    )
    one = run(world(endpoints=(crashing,), arrivals=Poisson.steady(2.0), horizon=120.0, drain=90 * HOUR), seed=1)
    assert set(fates(one)) == {"delivered"}
    done = {entry.key for entry in one.trace.ledger}
    lost = sum(event_id(int(event)) not in done for event in one.trace.events.column("event"))
    assert (lost > 0) == loses
    assert len(done) == len(one.trace.ledger)


def test_an_endpoint_that_recovers_slowly_is_not_overrun():
    """Back from a crash and ten times slower at first, with 5 workers: under a cap of 5 nothing is rejected."""
    cold = shop(
        server={"workers": 5, "queue": 0},
        faults=(Crash(start=0.0, length=60.0, cold_start=60.0, cold_slowdown=10.0),),
    )
    scenario = world(DeliveryPlan(cap=5, breaker=endpoint_breaker()), (cold,), AllAtOnce(clients=300))
    assert 503.0 not in run(scenario).trace.attempts.column("answer")
    direct = DeliveryPlan(queueing=Queueing.NONE, schedule=guide_schedule(jitter=NONE))
    assert 503.0 in run(scenario, direct).trace.attempts.column("answer")


def test_a_plan_that_never_waits_and_never_stops_is_stopped():
    """A million attempts at one instant, and the run says who was still sending."""

    class Again:
        def wait(self, attempt, outcome, elapsed, previous, rng):
            return 0.0

    scenario = world(DeliveryPlan(schedule=Again(), alerts=()), (shop(faults=(Outage(start=0.0, length=60.0),)),))
    with pytest.raises(EventBudgetError, match=r"still sending after 1,000,2\d\d attempts \(delivery 0, endpoint shop"):
        run(scenario)


@pytest.mark.parametrize("wait", [float("nan"), -1.0, "soon"])
def test_a_schedule_that_answers_with_no_wait_is_blamed(wait):
    """The error names the schedule and what it said."""

    class Odd:
        def wait(self, attempt, outcome, elapsed, previous, rng):
            return wait

    scenario = world(DeliveryPlan(schedule=Odd()), (shop(faults=(Outage(start=0.0, length=60.0),)),))
    with pytest.raises(PolicyError, match="Odd returned"):
        run(scenario)


@pytest.mark.parametrize(("rule", "right"), [(NextSequence(), True), (HigherSequence(), True), (ArrivalOrder(), False)])
def test_a_consumer_orders_what_overtakes_on_its_way(rule, right):
    """40 payments change three times, and half of the webhooks are held up: who ends with "captured"?"""
    store = MemoryStore()

    def fact(number, created, u):
        payment, step = divmod(number, 3)
        status = ("created", "authorised", "captured")[step]
        return Fact(
            id=event_id(number), type=f"payment.{status}", created=created, sequence=step + 1,
            object={"id": f"pay_{payment}", "status": status, "delta": 1},
        )  # fmt: skip

    late = Network(request_delay=Exponential(0.1), reordering=0.5, reorder_delay=Constant(2.5))
    projecting = shop(network=late, consumer=lambda scheme: Projector(store, store, FromPayload(rule), scheme=scheme))
    arrivals = Replay(tuple(float(number) for number in range(120)))
    one = run(world(endpoints=(projecting,), arrivals=arrivals, horizon=120.0, drain=90 * HOUR, fact=fact), seed=1)
    assert set(fates(one)) == {"delivered"}
    assert ({document["status"] for _, document in store.rows("payments")} == {"captured"}) == right


def test_an_event_that_nobody_wants_is_named():
    """No subscription for its type: no delivery, and the fates say so."""
    assert fates(run(world(endpoints=(shop(types=("refund.created",)),)))) == {"wanted by nobody": 1}


def test_a_replayed_delivery_does_not_hide_an_older_one():
    """Delivery 1 is dead at once and replayed at 200 s: then it is the oldest, and before that delivery 2 was."""
    picky = shop(faults=(BadRelease(start=0.5, length=1.0, status=401), Outage(start=1.6, length=1e5)))
    platform = sim.platform(world(DeliveryPlan(rules=FAST_FAIL), (picky,), Replay((0.0, 1.0, 2.0))))
    (lane,) = platform._world.platform.lanes
    for now, age, act in ((200.0, 198.0, platform.replay), (400.0, 399.0, lambda: 0)):
        platform.run_until(now + 0.5)
        assert deliveries.health(platform, at=now).oldest_undelivered["shop"] == pytest.approx(age)
        assert lane.oldest(now) == pytest.approx(age)
        act()


def test_an_endpoint_that_is_enabled_again_starts_over():
    """Disabled after a day of failures, repaired, enabled: the old bad time does not disable it at the next look."""
    plan = DeliveryPlan(auto_disable=AutoDisable(), schedule=guide_schedule(jitter=NONE), alerts=())
    down = shop(faults=(Outage(start=0.0, length=30 * HOUR),))
    actions = (EnableAt(at=31 * HOUR, endpoint="shop"), ReplayAt(at=31 * HOUR))
    one = run(world(plan, (down,), AllAtOnce(clients=20), drain=60 * HOUR, actions=actions))
    assert fates(one) == {"delivered": 20}
    assert sum(mark.kind == "disabled" for mark in one.trace.marks) == 1
