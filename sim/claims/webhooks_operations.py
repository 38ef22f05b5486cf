"""Operating webhooks: alerts and disabling, dead letters and their replay."""

from __future__ import annotations

import attrs

from sim.claims.claiming import Evidence, Verdict, claim
from sim.claims.measuring import SEEDS, between, on_seeds, span
from sim.deliveries import peak_at_once, share
from sim.experiment import Run, run
from sim.laws import Exponential
from sim.policies.delivery import AutoDisable, Queueing
from sim.policies.webhooks.retention import HOUR
from sim.scenario import Server
from sim.scenarios.webhooks import webhook_outage
from sim.trace import Fate

_REPLAY = 100.0
"""Hours after which the dead letters are replayed; the endpoint has been back for ten."""


@claim(
    "Q-26.1",
    "Warn at 90 % failures in an hour, and disable the endpoint 24 hours later.",
    verdict=Verdict.ONLY_IF,
    why="Only if the grace is longer than the schedule. 24 h lose what 72 h of retries would still have delivered.",
    source="Standard Webhooks 1.0.0 disables after a long period only",
)
def the_grace_must_outlast_the_schedule() -> Evidence:
    """An outage of 40 h, three seeds: all is delivered without disabling or with a grace of 90 h, nothing with 24 h."""
    world = webhook_outage(hours=40.0)
    guide = world.contestants["guide"]
    patient = attrs.evolve(guide, auto_disable=AutoDisable(grace=90 * HOUR))
    plans = {"never": guide, "90 h": patient, "24 h": world.contestants["guide+auto-disable"]}
    never, long, short = (on_seeds(world, plans).values(name, "delivered share") for name in plans)
    return Evidence(
        f"delivered: grace 24 h {span(short)}, 90 h {span(long)}, never disabled {span(never)}",
        "0, 1, 1",
        set(short) == {0.0} and set(long) == set(never) == {1.0},
    )


@claim(
    "X-6",
    "Disabled 24 hours after the alert; and 25 attempts over 72 hours.",
    verdict=Verdict.CONTRADICTION,
    why="The endpoint is disabled after about 25 h, and attempts 12 to 25 of that very schedule never happen.",
)
def attempts_12_to_25_never_happen() -> Evidence:
    """An outage of 90 h, three seeds: 25 attempts at each event without disabling, 11 with it, the last before 26 h."""
    whole, cut = ([_last_attempt(plan, seed) for seed in SEEDS] for plan in ("guide", "guide+auto-disable"))
    return Evidence(
        f"{span([most for most, _ in cut])} attempts, the last at {span([at for _, at in cut], '.1f')} h",
        f"claimed: {span([most for most, _ in whole])} attempts",
        {most for most, _ in whole} == {25.0} and {most for most, _ in cut} == {11.0} and max(cut)[1] < 26.0,
    )


@claim(
    "Q-28.1",
    "Replay the dead letters with a fresh retry budget.",
    verdict=Verdict.ONLY_IF,
    why="Only with a cap: unthrottled the replay is a new herd, and its budget is used up against a crowded endpoint.",
)
def an_unthrottled_replay_is_a_herd() -> Evidence:
    """Some 3,600 dead letters, an endpoint with 5 workers of 0.2 s (25/s) and a queue, five attempts within minutes,
    three seeds.  Replayed at 10/s more than 0.99 is delivered, all at once less than a tenth; the rest dies again."""
    throttled, herd = ([_replayed(capped, seed) for seed in SEEDS] for capped in (True, False))
    good, bad = ([share(one, Fate.DELIVERED) for one in runs] for runs in (throttled, herd))
    peaks = [[peak_at_once(one) for one in runs] for runs in (throttled, herd)]
    return Evidence(
        f"delivered: {span(good, '.2f')} with 10/s, {span(bad, '.2f')} without; "
        f"at once under way {span(peaks[0])} and {span(peaks[1])}",
        "1, and 5 s x 25/s = 125 of 3,600",
        min(good) > 0.99 and max(bad) < 0.1,
    )


@claim(
    "Q-28.3",
    "What has failed 25 times goes to the dead-letter queue.",
    verdict=Verdict.HOLDS,
    why="A share p^25 with independent failures: 7.2 % for p = 0.9. All of it in an outage longer than the schedule.",
)
def the_dead_are_p_to_the_25() -> Evidence:
    """p = 0.9, some 1,080 events on each of three seeds: 0.072 within 0.024, three standard errors.  An outage of 90 h:
    everything."""
    apart = on_seeds(webhook_outage(hours=0.0, failure=0.9, rate=0.3), ["guide"]).values("guide", "dead share")
    outage = on_seeds(webhook_outage(hours=90.0), ["guide"]).values("guide", "dead share")
    return Evidence(
        f"dead: {span(apart, '.3f')} with p = 0.9, {span(outage)} in an outage of 90 h",
        f"{0.9**25:.3f} and 1",
        between(apart, 0.9**25 - 0.024, 0.9**25 + 0.024) and set(outage) == {1.0},
    )


def _last_attempt(plan: str, seed: int) -> tuple[float, float]:
    """The most attempts at one event, and when the last of all was sent, hours."""
    attempts = run(webhook_outage(hours=90.0), plan, seed=seed).trace.attempts
    return max(attempts.column("attempt")), max(attempts.column("sent")) / HOUR


def _replayed(capped: bool, seed: int) -> Run:
    world = webhook_outage(hours=90.0, rate=1.0, replay_after=_REPLAY)
    (endpoint,) = world.webhooks.endpoints
    small = attrs.evolve(endpoint, server=Server(workers=5, service=Exponential(0.2)))
    world = attrs.evolve(world, webhooks=attrs.evolve(world.webhooks, endpoints=(small,)))
    plan = world.contestants["five-attempts"]
    if not capped:
        plan = attrs.evolve(plan, queueing=Queueing.NONE, replay_per_second=None)
    return run(world, plan, seed=seed)
