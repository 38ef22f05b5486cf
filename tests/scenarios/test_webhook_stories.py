"""The stories about delivery keep their laws, with margins, over several seeds."""

import pytest

from sim import deliveries
from sim.experiment import compare, run
from sim.policies.delivery import DeliveryPlan
from sim.scenarios.webhook_flaws import (
    bad_release,
    expired_signatures,
    late_replay,
    lost_acknowledgements,
    lost_events,
)
from sim.scenarios.webhooks import HEALTHY, ROGUES, retry_wave, rogue_endpoints, webhook_backlog, webhook_outage

pytestmark = pytest.mark.slow


def mean(runs, policy, figure):
    return runs.estimate(policy, figure).mean


@pytest.fixture(scope="module")
def backlog():
    return compare(webhook_backlog(), seeds=range(3))


def test_direct_sends_never_drain(backlog):
    """All come at once, are served after the platform has stopped waiting, and come again together: a death spiral."""
    assert mean(backlog, "direct", "delivered by 1 h") < 0.4 * 5_000
    assert mean(backlog, "direct", "peak at once") == 5_000


def test_one_queue_drains_and_holds_the_neighbour_up(backlog):
    """Workers that wait for the one that is down are missing for everybody: 20 s at the neighbour's p99."""
    assert mean(backlog, "one-queue", "delivered by 1 h") == 5_000
    assert mean(backlog, "one-queue", "neighbour p99, s") > 15.0


def test_a_queue_for_each_gives_the_neighbour_its_turn(backlog):
    """The next free worker is its own: 3 s instead of 20, because all workers may just be waiting."""
    assert mean(backlog, "queue-per-endpoint", "neighbour p99, s") < 5.0


def test_a_cap_keeps_workers_free_and_the_endpoint_whole(backlog):
    """The neighbour notices nothing, and the backlog is through within a minute of the endpoint's return."""
    assert mean(backlog, "concurrency-cap", "neighbour p99, s") == pytest.approx(0.93, abs=0.2)
    assert mean(backlog, "concurrency-cap", "last delivered, min") < 11.5
    assert mean(backlog, "concurrency-cap", "peak at once") == 40


def test_a_breaker_saves_the_attempts(backlog):
    """4,800 attempts at a dead endpoint become 57; the price is the open time, half a minute at most."""
    assert mean(backlog, "concurrency-cap", "failed attempts") > 4_000
    assert mean(backlog, "breaker", "failed attempts") < 150
    later = backlog.difference("breaker", "concurrency-cap", "last delivered, min")
    assert 0.0 < later.mean < 1.0


def test_jitter_buys_nothing_on_top_of_a_cap_and_a_breaker(backlog):
    """What is queued and capped does not come back together; the ledger's herd is one of direct retries."""
    assert backlog.values("jitter", "failed attempts") == backlog.values("breaker", "failed attempts")


@pytest.mark.parametrize(
    ("policy", "peak", "margin"),
    [("proportional-jitter", 1_667, 0.08), ("full-jitter", 333, 0.2), ("equal-jitter", 667, 0.14)],
)
def test_the_waves_are_as_high_as_their_bins_are_few(policy, peak, margin):
    """10,000 retries over 6 s, 15 s and 30 s: the mean bin, and the highest of them a little above."""
    runs = compare(retry_wave(), [policy], seeds=range(4))
    assert peak < mean(runs, policy, "peak second") < peak * (1 + margin)


def test_the_published_peaks_of_100_000_retries():
    """Within 2 % of 16,838 for the guide's jitter and 5 % of 3,452 for full jitter, in the peak second after 30 s."""
    world = retry_wave(events=100_000)
    guide, full = (
        deliveries.peak_per_second(run(world, policy), since=1.0) for policy in ("proportional-jitter", "full-jitter")
    )
    assert guide == pytest.approx(16_838, rel=0.02)
    assert full == pytest.approx(3_452, rel=0.05)


def test_rogue_endpoints_are_kept_apart():
    """One queue: the healthy wait half a minute at p99.  A queue each and a cap: what their own work takes."""
    runs = compare(rogue_endpoints(), seeds=range(3))
    assert mean(runs, "one-queue", "healthy p99, s") > 20.0
    assert mean(runs, "queue-per-endpoint", "healthy p99, s") < 2.0
    assert mean(runs, "concurrency-cap", "healthy p99, s") == pytest.approx(0.46, abs=0.1)  # exponential: ln 100 x 0.1
    assert mean(runs, "breaker", "attempts to rogues") < 0.2 * mean(runs, "concurrency-cap", "attempts to rogues")
    for policy in runs.figures:
        assert mean(runs, policy, "healthy delivered") == 1.0
        reasons = set(deliveries.log(runs.runs[policy]).reason)
        assert "resolves to a private address" in reasons
        assert "302: redirects are not followed" in reasons
    assert len(HEALTHY) + len(ROGUES) == 7


def test_a_schedule_must_be_longer_than_the_outage():
    """Five attempts within eight minutes lose all of eight hours; the others lose nothing, late by their gaps."""
    runs = compare(webhook_outage(), seeds=range(3))
    assert mean(runs, "five-attempts", "dead share") == 1.0
    for policy in ("guide", "standard-webhooks", "exponential-4h"):
        assert mean(runs, policy, "delivered share") == 1.0
        assert 7.0 < mean(runs, policy, "median delay, h") < 12.5


def test_disabling_after_a_day_loses_what_the_schedule_would_deliver():
    """Down for 40 hours: 25 attempts deliver everything, with auto-disable after 24 h all is dead (X-6)."""
    runs = compare(webhook_outage(hours=40.0), ["guide", "guide+auto-disable"], seeds=range(3))
    assert mean(runs, "guide", "delivered share") == 1.0
    assert mean(runs, "guide+auto-disable", "dead share") == 1.0


def test_dead_letters_are_replayed_with_a_cap():
    """An outage longer than the schedule kills all; a replay after its end delivers all, at its own pace."""
    runs = compare(webhook_outage(hours=90.0, replay_after=100.0, per_second=2.0), ["guide"], seeds=range(3))
    assert mean(runs, "guide", "delivered share") == 1.0
    assert deliveries.peak_per_second(runs.runs["guide"], since=100.0 * 3_600) <= 3.0


def test_failing_fast_loses_the_hour_of_a_bad_release():
    """A third of the events come in that hour: dead or dropped at once, or delivered late, by one row of a table."""
    runs = compare(bad_release(), seeds=range(3))
    for policy, figure in (("fast-fail", "dead"), ("drop-4xx", "dropped")):
        assert mean(runs, policy, "delivered share") == pytest.approx(2 / 3, abs=0.03)
        assert mean(runs, policy, figure) > 600
    for policy in ("retry-all-but-gone", "standard-webhooks"):
        assert mean(runs, policy, "delivered share") == 1.0


def test_only_the_outbox_neither_loses_nor_invents():
    """About 2 % lost after the commit, about 7 % invented before it (crashes and rollbacks), none and none with it."""
    runs = compare(lost_events(), seeds=range(5))
    assert mean(runs, "enqueue-after-commit", "events lost") > 8.0
    assert mean(runs, "enqueue-before-commit", "events invented") > 30.0
    for policy in ("enqueue-before-commit", "outbox"):
        assert set(runs.values(policy, "events lost")) == {0.0}
    for policy in ("enqueue-after-commit", "outbox"):
        assert set(runs.values(policy, "events invented")) == {0.0}
    assert mean(runs, "outbox", "published twice") > 0.0


def test_a_signature_with_the_event_s_time_expires_before_the_third_attempt():
    """Down for 20 minutes: signed once, all is refused until it is dead; signed anew, all is delivered."""
    runs = compare(expired_signatures(), seeds=range(3))
    assert mean(runs, "signed-once", "dead share") == 1.0
    assert mean(runs, "signed-each-attempt", "delivered share") == 1.0
    log = deliveries.log(runs.runs["signed-once"], delivery=0)
    assert list(log.status[:3]) == [0, 0, 0]
    assert set(log.status[3:]) == {401}


def test_a_clock_that_is_wrong_refuses_every_webhook():
    """400 s ahead of a tolerance of 300 s: the third attempt is as good as the first, and none is good."""
    runs = compare(expired_signatures(skew=400.0, minutes=0.0), ["signed-each-attempt"], seeds=range(2))
    assert mean(runs, "signed-each-attempt", "dead share") == 1.0


def test_ids_kept_for_72_hours_do_a_late_replay_twice():
    """Replayed on day 10, every event is done again; kept for 37.2 days, none is (X-5)."""
    runs = compare(late_replay(), seeds=range(3))
    assert runs.values("72-hours", "done twice") == runs.values("72-hours", "replayed")
    assert mean(runs, "72-hours", "done twice") > 40
    assert set(runs.values("37-days", "done twice")) == {0.0}


def test_lost_acknowledgements_repeat_deliveries_and_not_effects():
    """1 / (1 - 0.2) = 1.25 deliveries; a consumer that knows ids has one effect an event."""
    runs = compare(lost_acknowledgements(), seeds=range(4))
    for policy in runs.figures:
        assert mean(runs, policy, "deliveries per event") == pytest.approx(1.25, abs=0.05)
    assert set(runs.values("knows-ids", "effects per event")) == {1.0}
    assert mean(runs, "knows-nothing", "effects per event") > 1.2


def test_a_plan_of_one_s_own_takes_the_seat():
    """A learner's plan is judged by the same figures."""
    mine = run(webhook_backlog(events=500), DeliveryPlan(cap=20, alerts=()))
    assert mine.summary()["delivered by 1 h"] == 500.0
