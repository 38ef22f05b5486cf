"""The delivery log, health and fates, and the platform that is operated while it runs."""

import math

import pytest

import sim
from sim import deliveries
from sim.experiment import run
from sim.laws import Constant
from sim.policies.client.backoff import Fixed
from sim.policies.delivery import DeliveryPlan, schedule
from sim.scenario import BadRelease, Outage, Scenario, Server
from sim.webhooks import Endpoint, Webhooks
from sim.workload import Replay


def world(**more):
    """Ten events each to a healthy shop and to a bank that is down for 60 s; the bank's die after three attempts."""
    machine = Server(workers=math.inf, service=Constant(0.1))
    faults = more.pop("faults", (Outage(start=0.0, length=60.0),))
    return Scenario(
        name="two-banks",
        arrivals=Replay(tuple(float(second) for second in range(10))),
        horizon=10.0,
        drain=600.0,
        webhooks=Webhooks(
            plan=DeliveryPlan(schedule=schedule(Fixed(5.0), attempts=3)),
            endpoints=(
                Endpoint(name="shop", server=machine),
                Endpoint(name="bank", owner="ada", server=machine, faults=faults),
            ),
            fan_out=True,
            **more,
        ),
    )


@pytest.fixture(scope="module")
def one():
    return run(world())


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 40),
        ({"endpoint": "shop"}, 10),
        ({"endpoint": "bank"}, 30),
        ({"status": 200}, 10),
        ({"status": "2xx"}, 10),
        ({"status": 0}, 30),
        ({"status": "5xx"}, 0),
        ({"status": "none"}, 0),
        ({"event": "evt_3"}, 4),
        ({"delivery": 1}, 3),
        ({"reason": "refused"}, 30),
        ({"since": 0.0, "until": 1.0}, 2),
        ({"endpoint": "bank", "since": 10.0}, 15),
        ({"limit": 7}, 7),
    ],
)
def test_filters_must_all_fit(one, filters, count):
    """Each alone and together; a limit keeps the newest."""
    log = deliveries.log(one, **filters)
    assert len(log) == count
    assert list(log.columns) == [
        "delivery", "event", "endpoint", "attempt", "sent", "status", "latency", "reason", "snippet", "next",
    ]  # fmt: skip
    assert list(log.sent) == sorted(log.sent)


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        ({"endpoint": "nowhere"}, "there is no endpoint 'nowhere'; there are shop, bank"),
        ({"status": "six"}, "status must be a number, a class such as '5xx', or 'none', got 'six'"),
    ],
)
def test_a_filter_that_is_none_is_refused(one, filters, sentence):
    """One sentence."""
    with pytest.raises(ValueError, match=sentence):
        deliveries.log(one, **filters)


def test_a_run_of_another_story_has_no_log():
    """One sentence."""
    with pytest.raises(TypeError, match="must be a run of a story about webhooks"):
        deliveries.log(run(sim.scenarios.plain_queue(horizon=1.0)))


def test_health_says_how_each_endpoint_does(one):
    """Delivered, dead, the share of good attempts; nothing waits at the end."""
    health = deliveries.health(one)
    assert list(health.delivered) == [10, 0]
    assert list(health.dead_letters) == [0, 10]
    assert list(health.success_rate) == [1.0, 0.0]
    assert health.oldest_undelivered.isna().all()


def test_fates_add_up(one):
    """20 deliveries: 10 there, 10 dead."""
    assert deliveries.fates(one).to_dict() == {"delivered": 10, "in queue": 0, "in flight": 0, "dead-lettered": 10}


def test_a_dead_letter_has_its_whole_history(one):
    """Every attempt with its instant and its reason."""
    letters = deliveries.letters(one, endpoint="bank")
    assert set(letters.reason) == {"retries used up: connection refused"}
    history = deliveries.history(one, int(letters.delivery[0]))
    assert list(history.sent) == [0.0, 5.0, 10.0]
    assert list(history.next)[:2] == [5.0, 10.0]


# A platform that runs


def test_buttons_act_on_the_running_platform():
    """Down, dead, repaired, replayed: each look shows the state of that moment, and the run is checked at its end."""
    platform = sim.platform(world())
    platform.run_until(30.0)
    assert deliveries.health(platform).dead_letters["bank"] == 10
    assert platform.replay(endpoint="bank") == 10
    platform.run_until(45.0)
    assert deliveries.health(platform).dead_letters["bank"] == 10  # still down: they die once more
    platform.run_until(70.0)
    assert platform.replay(deliveries=[1, 3], per_second=1.0) == 2
    platform.run_until(75.0)
    assert deliveries.health(platform).delivered["bank"] == 2
    number = platform.send_test("bank")
    again = platform.resend(0)
    platform.run_until(80.0)
    assert list(deliveries.log(platform, delivery=number).event) == ["evt_test_1"]
    assert list(deliveries.log(platform, delivery=again).event) == ["evt_0"]
    assert deliveries.fates(platform.finish()).sum() == 22


def test_looking_changes_nothing():
    """A platform led in steps and looked at is the same run as one that ran through."""
    platform = sim.platform(world())
    for instant in (1.0, 2.5, 40.0):
        platform.run_until(instant)
        deliveries.log(platform)
        deliveries.health(platform)
    assert platform.finish().trace.digest() == run(world()).trace.digest()


def test_in_the_middle_things_are_under_way():
    """While the endpoint holds a request it is in flight, and the log has no latency yet."""
    slow = Scenario(
        arrivals=Replay((0.0,)),
        webhooks=Webhooks(endpoints=(Endpoint(name="shop", server=Server(service=Constant(3.0))),)),
    )
    platform = sim.platform(slow)
    platform.run_until(1.0)
    assert deliveries.fates(platform)["in flight"] == 1
    assert math.isnan(deliveries.log(platform).latency[0])


def test_a_disabled_endpoint_is_named_and_can_be_enabled():
    """410, disabled; enabled by hand, replayed, delivered."""
    platform = sim.platform(world(faults=(BadRelease(start=0.0, length=60.0, status=410),)))
    platform.run_until(70.0)
    assert platform.disabled == ("bank",)
    platform.enable("bank")
    platform.replay()
    assert deliveries.fates(platform.finish())["delivered"] == 20


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda platform: platform.run_until(5.0), "instant must be after 20 s and at most 610 s, got 5.0"),
        (lambda platform: platform.run_until(1e9), "at most 610 s"),
        (lambda platform: platform.run_until(math.nan), "instant must be after"),
        (lambda platform: platform.resend(99), "delivery must be a number from 0 to 19, got 99"),
        (lambda platform: platform.resend("one"), "got 'one'"),
        (lambda platform: platform.send_test("nowhere"), "there is no endpoint 'nowhere'"),
        (lambda platform: platform.replay(endpoint="nowhere"), "there is no endpoint 'nowhere'"),
        (lambda platform: platform.replay(per_second=0.0), "per_second must be more than 0, got 0.0"),
    ],
)
def test_a_button_that_makes_no_sense_says_so_and_changes_nothing(act, sentence):
    """One sentence, and the platform goes on."""
    platform = sim.platform(world())
    platform.run_until(20.0)
    before = platform.trace.digest()
    with pytest.raises(ValueError, match=sentence):
        act(platform)
    assert platform.trace.digest() == before


def test_after_the_end_nothing_can_be_pressed():
    """One sentence says what to do instead."""
    platform = sim.platform(world())
    assert platform.finish() is platform.finish()
    with pytest.raises(ValueError, match="has run to its end"):
        platform.send_test("shop")


def test_its_name_is_the_plan_s():
    """A contestant by name, and a platform shows where it stands."""
    platform = sim.platform(sim.scenarios.webhook_backlog(events=10), "breaker")
    assert repr(platform) == "Platform(webhook-backlog, breaker, t = 0 s, 0 attempts)"
