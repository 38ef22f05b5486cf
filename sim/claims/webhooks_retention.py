"""What makes a consumer do an event again, or never: ids that expire, two formats with one id, a sender's patience."""

from __future__ import annotations

import math

import attrs

from sim.claims.claiming import Evidence, Verdict, claim
from sim.claims.measuring import SEEDS, between, guide_attempts, on_seeds, span
from sim.deliveries.log import trace_of
from sim.experiment import run
from sim.flow import Handler
from sim.policies.delivery import DeliveryPlan
from sim.policies.webhooks.retention import DAY, GUIDE, HOUR, Retention, required_retention
from sim.policies.webhooks.signing import Scheme
from sim.scenario import Scenario, Server
from sim.scenarios.consumers import duplicate_deliveries
from sim.scenarios.payments import expiring_keys
from sim.scenarios.webhook_flaws import late_replay
from sim.services.consumers import Consumer, OneTransaction
from sim.store import MemoryStore
from sim.webhooks import Endpoint, ReplayAt, Webhooks
from sim.workload import Poisson

NEEDED = required_retention(retry_window=72 * HOUR, jitter=0.2, dead_letters=30 * DAY)


@claim(
    "Q-23.7",
    "Keep processed ids for at least the retry window, for example 72 hours.",
    verdict=Verdict.WRONG,
    why="With the guide's own jitter the retries go on to 79 h on average, and a replay begins anew days later.",
)
def retries_outlast_72_hours() -> Evidence:
    """When 300 events that are never acknowledged are sent, with the guide's jitter: every one still comes after its id
    was forgotten at 72 h, one to four times."""
    late = [sum(at > GUIDE for at in guide_attempts(seed)) for seed in range(300)]
    return Evidence(
        f"{sum(map(bool, late))} of 300 come again after 72 h, {span(late)} times",
        "claimed: none",
        between(late, 1, 4),
    )


@claim(
    "X-5",
    "Keep ids for 72 hours; and keep dead letters for 30 days and replay them with a fresh budget.",
    verdict=Verdict.CONTRADICTION,
    why="All three add up: 3.6 days of stretched retries, 30 days in the queue, 3.6 days of retries again.",
)
def a_late_replay_is_done_twice() -> Evidence:
    """No acknowledgement gets back for 90 h, the dead letters are replayed on day 10, three seeds: with ids of 72 h
    every event is done twice, with ids of 37.2 days none."""
    runs = on_seeds(late_replay(), ["72-hours", "37-days"])
    short, long = (runs.values(name, "done twice") for name in runs.figures)
    return Evidence(
        f"done twice: {span(short)} with 72 h, {span(long)} with {NEEDED / DAY:.1f} days",
        f"claimed: none of {span(runs.values('72-hours', 'events'))}",
        short == runs.values("72-hours", "events") and set(long) == {0.0} and abs(NEEDED / DAY - 37.2) < 1e-9,
    )


@claim(
    "Q-28.2",
    "Keep dead letters for at least 30 days.",
    verdict=Verdict.ONLY_IF,
    why="Only if receivers know ids for longer than that and both sets of retries: else a late replay is done again.",
)
def thirty_days_need_ids_for_37() -> Evidence:
    """As X-5, replayed on day 33, the last on which all letters are kept, three seeds: with ids of 30 days everything
    is done twice, with 37.2 nothing."""
    world = late_replay()
    late = attrs.evolve(world.webhooks, actions=(ReplayAt(at=33 * DAY),))
    kept = {"30 days": Retention(30 * DAY), "37.2 days": Retention(NEEDED)}
    runs = on_seeds(attrs.evolve(world, webhooks=late, drain=38 * DAY, policies=tuple(kept), contestants=kept))
    short, long = (runs.values(name, "done twice") for name in runs.figures)
    return Evidence(
        f"done twice: {span(short)} with ids of 30 days, {span(long)} with 37.2",
        f"all {span(runs.values('30 days', 'replayed'))}, and none",
        short == runs.values("30 days", "replayed") and min(short) > 40 and set(long) == {0.0},
    )


@claim(
    "X-14",
    "During a migration send each event in both formats; and a consumer drops an id that it has seen.",
    verdict=Verdict.CONTRADICTION,
    why="The second format is the duplicate and is dropped; with two ids both are done. An endpoint needs one format.",
)
def the_second_format_is_a_duplicate() -> Evidence:
    """Two formats to one endpoint that dedupes by id, three seeds: two deliveries an event; one effect with one id, two
    with two.  Exact."""
    one, two = ([_effects(distinct, seed) for seed in SEEDS] for distinct in (False, True))
    return Evidence(
        f"effects an event: {span([each for _, each in one])} with one id, {span([each for _, each in two])} with two",
        "claimed: each format is handled, once",
        set(one) == {(2.0, 1.0)} and set(two) == {(2.0, 2.0)},
    )


@claim(
    "X-15",
    "Keys kept for 24 to 48 h are long enough for the retries; and the retries go on for 72 h.",
    verdict=Verdict.CONTRADICTION,
    why="The key is gone before the last retries come, and each of the first ones after that works anew.",
)
def keys_expire_before_the_last_retry() -> Evidence:
    """Requests arrive and replies do not for 60 h, the guide's schedule, three seeds: with 24 and 48 h every payment is
    charged again at least once, with the schedule's own length none."""
    runs = on_seeds(expiring_keys(), ["24-hours", "48-hours", "horizon"])
    day, two, whole = (runs.values(name, "double charges") for name in runs.figures)
    payments = runs.values("horizon", "calls")
    return Evidence(
        f"double charges: {span(day)} with 24 h, {span(two)} with 48 h, {span(whole)} with the schedule's length",
        f"claimed: none of {span(payments)} payments",
        two == payments and day == [2 * count for count in payments] and set(whole) == {0.0},
    )


@claim(
    "X-17",
    "An attempt fails after 5 s; and the consumer's listing does the work before it answers.",
    verdict=Verdict.CONTRADICTION,
    why="Each success slower than 5 s is sent again though nothing failed. It takes 15 s and more, or an answer first.",
    source="Standard Webhooks 1.0.0: 15 to 30 s; GitHub: 10 s",
)
def five_seconds_make_duplicates_of_slow_successes() -> Evidence:
    """Handling takes 2 s in the median, lognormal, nothing is lost, no inbox, three seeds: over 10 % of the work is
    done again at 5 s; at 15 s less than a fifth of that."""
    again = {}
    for timeout in (5.0, 15.0):
        slow = duplicate_deliveries(handler_median=2.0, timeout=timeout, lost_acks=0.0, crash_share=0.0, horizon=40.0)
        effects = on_seeds(slow, ["no-inbox"]).values("no-inbox", "effects per event")
        again[timeout] = [100 * (effect - 1) for effect in effects]
    five, fifteen = again.values()
    return Evidence(
        f"done again: {span(five)} % at 5 s, {span(fifteen, '.1f')} % at 15 s",
        "22 % and 2 %; claimed: none",
        between(five, 10, 35) and all(long < short / 5 for short, long in zip(five, fifteen, strict=True)),
    )


def _effects(distinct: bool, seed: int) -> tuple[float, float]:
    """Deliveries and effects an event, when both formats go to one consumer that dedupes by id."""
    endpoint = Endpoint(
        name="shop",
        versions=("2025-01-01", "2026-01-01"),
        server=Server(workers=math.inf),
        consumer=_consumer,
    )
    world = Scenario(
        arrivals=Poisson.steady(1.0),
        horizon=100.0,
        drain=HOUR,
        webhooks=Webhooks(plan=DeliveryPlan(alerts=(), distinct_ids=distinct), endpoints=(endpoint,)),
    )
    trace = trace_of(run(world, seed=seed))
    return len(trace.calls) / len(trace.events), len(trace.ledger) / len(trace.events)


def _consumer(scheme: Scheme) -> Handler:
    return Consumer(MemoryStore(), OneTransaction(), scheme=scheme)
