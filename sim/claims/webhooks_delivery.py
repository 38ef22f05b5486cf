"""Webhook delivery: calls saved, schedules and their arithmetic, jitter, timeouts, what an answer means."""

from __future__ import annotations

from statistics import fmean

from sim.claims.claiming import Evidence, Verdict, claim
from sim.claims.measuring import between, guide_attempts, on_seeds, span
from sim.outcome import Outcome
from sim.policies.delivery import (
    FAST_FAIL,
    GUIDE_GAPS,
    NONE,
    RETRY_ALL_BUT_GONE,
    STANDARD_WEBHOOKS,
    Action,
    ResponseRules,
    guide_schedule,
    instants,
)
from sim.policies.webhooks.retention import HOUR
from sim.scenarios.consumers import duplicate_deliveries
from sim.scenarios.push import hearing_of_updates
from sim.scenarios.webhook_flaws import bad_release
from sim.scenarios.webhooks import retry_wave, webhook_backlog, webhook_outage

WINDOW = 72 * HOUR


@claim(
    "Q-20.1",
    "Polling every 5 s is 12 calls a minute; 100,000 users make 1.2 million a minute.",
    verdict=Verdict.HOLDS,
    why="It is arithmetic, and 20,000 requests/s for nothing new; what it buys is that there is nobody to trust.",
)
def polling_costs_twelve_calls_a_minute() -> Evidence:
    """50 users poll for 20 min on three seeds: within 2 % of 12 a minute (each begins and ends with a look more)."""
    runs = on_seeds(hearing_of_updates(users=50, every=5.0, one_way=0.0), ["polling"])
    each = [sent / 50 / 20 for sent in runs.values("polling", "attempts")]
    return Evidence(f"{span(each, '.2f')} a user and minute", "12", between(each, 12 * 0.98, 12 * 1.02))


@claim(
    "Q-20.2",
    "A webhook makes one call when the event occurs.",
    verdict=Verdict.ONLY_IF,
    why="Only if nothing fails: with a share p of failed attempts it is (1 - p^25) / (1 - p) calls.",
)
def one_call_only_without_failures() -> Evidence:
    """No failures, and half of all attempts failing, three seeds each: exactly 1, and within 5 % of 2."""
    none = on_seeds(webhook_outage(hours=0.0), ["guide"]).values("guide", "attempts per event")
    half = on_seeds(webhook_outage(hours=0.0, failure=0.5, rate=1.0), ["guide"]).values("guide", "attempts per event")
    return Evidence(
        f"{span(none, '.2f')} without failures, {span(half, '.2f')} with p = 0.5",
        f"1 and {(1 - 0.5**25) / (1 - 0.5):.2f}",
        set(none) == {1.0} and between(half, 1.9, 2.1),
    )


@claim(
    "Q-22.1",
    "25 attempts over 72 hours, with exponential backoff.",
    verdict=Verdict.CONTRADICTION,
    why="Doubling on from the table's 2 h leaves the 72 h with attempt 10; 25 attempts need gaps that hardly grow.",
)
def doubling_leaves_the_window_early() -> Evidence:
    """The table's four gaps, then doubling: attempts within 72 h; exact."""
    at = [0.0]
    for gap in (*GUIDE_GAPS[:4], *(GUIDE_GAPS[3] * 2**step for step in range(1, 21))):
        at.append(at[-1] + gap)
    within = sum(instant <= WINDOW for instant in at)
    return Evidence(
        f"{within} attempts; attempt 9 at {at[8] / HOUR:.1f} h, 10 at {at[9] / HOUR:.1f} h",
        "claimed: 25 attempts in 72 h",
        within == 9 and len(at) == 25,
    )


@claim(
    "X-3",
    "The story tries again at T+30 s, T+5 min and T+30 min; the table has these as delays.",
    verdict=Verdict.CONTRADICTION,
    why="Read as delays they add up: attempt 4 comes at 35.5 min and attempt 5 at 2 h 35 min 30 s, not at 2.5 h.",
)
def instants_are_not_delays() -> Evidence:
    """The guide's gaps added up, beside the story's instants; exact."""
    table, story = instants(guide_schedule(jitter=NONE))[1:5], [30.0, 300.0, 1_800.0]
    return Evidence(
        "as delays " + ", ".join(f"{at:,.0f}" for at in table) + " s",
        "claimed: " + ", ".join(f"{at:,.0f}" for at in story) + " s",
        table == [30.0, 330.0, 2_130.0, 9_330.0] and table[:3] != story,
    )


@claim(
    "X-4",
    "The same table: exponential, 25 attempts, then the dead letters at about 72 hours.",
    verdict=Verdict.CONTRADICTION,
    why="20 gaps are left for 69.4 h: 3.47 h each, or each 1.05 times the last. With the guide's jitter it ends later.",
)
def the_tail_cannot_be_exponential() -> Evidence:
    """The growth that fills 72 h, by bisection: between 1.04 and 1.06; the end with jitter over 200 draws: 79.2 h on
    average within 1 %, and never at 72."""
    left = WINDOW - sum(GUIDE_GAPS[:4])
    low, high = 1.0, 2.0
    for _ in range(60):
        growth = (low + high) / 2
        total = sum(GUIDE_GAPS[3] * growth**step for step in range(1, 21))
        low, high = (growth, high) if total < left else (low, growth)
    ends = [guide_attempts(seed)[-1] / HOUR for seed in range(200)]
    return Evidence(
        f"growth {growth:.3f}; ends after {min(ends):.1f} to {max(ends):.1f} h, {fmean(ends):.1f} on average",
        "claimed: growth 2, 72 h",
        1.04 < growth < 1.06 and abs(fmean(ends) - 79.2) < 0.8 and min(ends) > 72.0 and max(ends) < 86.4,
    )


@claim(
    "Q-22.2",
    "Adding a random fifth to each delay keeps the retries of a herd apart.",
    verdict=Verdict.ONLY_IF,
    why="Only as far as a fifth goes: after 30 s the herd comes back within 6 s, with full jitter within 30.",
)
def a_fifth_is_six_seconds() -> Evidence:
    """4,000 fail at once and wait 30 s, three seeds.  Peak second: the mean of the bins, and up to 30 % above it, as
    the highest of a few bins is; the two at least 4 times apart."""
    runs = on_seeds(retry_wave(events=4_000), ["no-jitter", "proportional-jitter", "full-jitter"])
    none, fifth, full = (runs.values(name, "peak second") for name in runs.figures)
    return Evidence(
        f"peak second: none {span(none)}, a fifth {span(fifth)}, full {span(full)}",
        "4,000; 4,000 / 6 = 667; 4,000 / 30 = 133",
        set(none) == {4_000.0} and between(fifth, 667, 867) and between(full, 133, 173) and min(fifth) > 4 * max(full),
    )


@claim(
    "Q-22.3",
    "Without jitter the thousands of retries make a recovery impossible.",
    verdict=Verdict.WRONG,
    why="It depends on what bounds the load: with a queue and a cap of 40 the same herd drains at once, jitter or not.",
)
def a_cap_recovers_without_jitter() -> Evidence:
    """5,000 events, an endpoint back after 10 min, no jitter, three seeds: sent directly less than 40 % is delivered
    within the hour, with a cap all of it by minute 11.5."""
    runs = on_seeds(webhook_backlog(), ["direct", "concurrency-cap"])
    direct, capped = (runs.values(name, "delivered by 1 h") for name in runs.figures)
    last = runs.values("concurrency-cap", "last delivered, min")
    return Evidence(
        f"in 1 h: direct {span(direct)}; capped {span(capped)}, the last at {span(last, '.1f')} min",
        "claimed: never",
        between(direct, 0, 2_000) and set(capped) == {5_000.0} and between(last, 10.0, 11.5),
    )


@claim(
    "Q-22.4",
    "Each attempt has 5 s; no 2xx by then is a failure.",
    verdict=Verdict.ONLY_IF,
    why="Only if receivers answer before they work. A durable inbox does; who works first is told to do it again.",
    source="Standard Webhooks 1.0.0 asks for 15 to 30 s, GitHub gives 10 s",
)
def five_seconds_are_enough_for_a_durable_inbox() -> Evidence:
    """Handling takes 2 s in the median, lognormal, nothing is lost, three seeds.  Deliveries an event: more than 1.1
    with the work before the answer, exactly 1 with a durable inbox."""
    world = duplicate_deliveries(handler_median=2.0, timeout=5.0, lost_acks=0.0, crash_share=0.0, horizon=40.0)
    runs = on_seeds(world, ["one-transaction", "durable-inbox"])
    slow, quick = (runs.values(name, "deliveries per event") for name in runs.figures)
    return Evidence(
        f"work first {span(slow, '.2f')}, durable inbox {span(quick, '.2f')} deliveries an event",
        "1.22 and 1",
        between(slow, 1.1, 1.4) and set(quick) == {1.0},
    )


@claim(
    "Q-22.5",
    "Only a 2xx is success.",
    verdict=Verdict.HOLDS,
    why="The course has three tables of what an answer means, and all agree on this, whatever they make of the rest.",
    source='Standard Webhooks 1.0.0, "Delivery"',
)
def only_a_2xx_delivers() -> Evidence:
    """Every status from 100 to 599 against three tables of rules; exact."""
    tables = (RETRY_ALL_BUT_GONE, FAST_FAIL, STANDARD_WEBHOOKS)
    good = [{code for code in range(100, 600) if _action(rules, code) is Action.DELIVERED} for rules in tables]
    same = all(codes == set(range(200, 300)) for codes in good)
    return Evidence(f"{len(good[0])} statuses deliver: {min(good[0])} to {max(good[0])}", "200 to 299", same)


@claim(
    "Q-22.6",
    "A 400, 401 or 403 is usually the client's bug: stop retrying and tell them.",
    verdict=Verdict.WRONG,
    why="A receiver answers so during a bad release and is repaired within hours. Failing fast loses all events of it.",
)
def failing_fast_loses_a_bad_release() -> Evidence:
    """An hour of 401 out of three, three seeds: failing fast delivers two thirds, give or take 0.03, retrying all."""
    runs = on_seeds(bad_release(), ["fast-fail", "retry-all-but-gone"])
    fast, patient = (runs.values(name, "delivered share") for name in runs.figures)
    return Evidence(
        f"delivered: failing fast {span(fast, '.2f')}, retrying {span(patient, '.2f')}",
        "2/3 and 1",
        between(fast, 2 / 3 - 0.03, 2 / 3 + 0.03) and set(patient) == {1.0},
    )


@claim(
    "X-2",
    "3xx, 4xx and 5xx all retry, except 410; and 400, 401, 403 stop at once.",
    verdict=Verdict.CONTRADICTION,
    why="Two lines of one list decide three statuses differently, and the events of a bad release hang on it.",
    source="Standard Webhooks 1.0.0: only 410 is special, all else is retried",
)
def two_rules_for_one_answer() -> Evidence:
    """Both lines as tables, every status: exactly 400, 401 and 403 differ.  An hour of 403, three seeds: one delivers
    everything, the other leaves at least 600 events among the dead."""
    differ = [code for code in range(100, 600) if _action(RETRY_ALL_BUT_GONE, code) is not _action(FAST_FAIL, code)]
    runs = on_seeds(bad_release(status=403), ["retry-all-but-gone", "fast-fail"])
    first, second = (runs.values(name, "dead") for name in runs.figures)
    return Evidence(
        f"{', '.join(map(str, differ))} differ; dead after an hour of 403: {span(first)} and {span(second)}",
        "claimed: one rule",
        differ == [400, 401, 403] and set(first) == {0.0} and between(second, 600, 850),
    )


def _action(rules: ResponseRules, status: int) -> Action:
    return rules.judge(Outcome.answered(status)).action
