"""Webhooks out of order: stamps, sequences, the re-fetch, thin and fat payloads."""

from __future__ import annotations

from random import Random

import attrs

from sim.claims.claiming import Evidence, Verdict, claim
from sim.claims.measuring import SEEDS, between, on_seeds, span
from sim.experiment import Comparison, run
from sim.scenario import Scenario
from sim.scenarios.consumers import out_of_order_events
from sim.workload import Replay


@claim(
    "Q-24.1",
    "Apply an event only if its created_at is newer than what you have.",
    verdict=Verdict.ONLY_IF,
    why="Only if no two stamps are equal and one clock makes them: in whole seconds the later of two is often dropped.",
)
def equal_stamps_drop_the_later_one() -> Evidence:
    """Two changes d apart at any phase of the clock, 500 payments on three seeds: a share of 1 - d ends stale, within
    0.07; three standard errors."""
    near, far = (
        [run(_pairs(gap, seed), "newer-timestamp", seed=seed).summary()["stale copies"] for seed in SEEDS]
        for gap in (0.2, 0.6)
    )
    return Evidence(
        f"stale: {span(near, '.2f')} at 0.2 s apart, {span(far, '.2f')} at 0.6 s",
        "0.80 and 0.40",
        between(near, 0.73, 0.87) and between(far, 0.33, 0.47),
    )


@claim(
    "Q-24.2",
    "Apply an event only if its sequence is higher than the current one.",
    verdict=Verdict.ONLY_IF,
    why="Only if events are snapshots. Of deltas it drops whatever comes late, and the sum is wrong for good.",
)
def a_higher_sequence_loses_deltas() -> Evidence:
    """A tenth of the requests is held up for a second, four changes a payment, three seeds: no state is stale, and the
    sum is wrong in more than a third of the copies; one by one in order, none is."""
    runs = _overtaken("higher-sequence", "next-sequence")
    stale, sums = (runs.values("higher-sequence", what) for what in ("stale copies", "wrong totals"))
    right = runs.values("next-sequence", "wrong totals")
    return Evidence(
        f"stale {span(stale)}; sums wrong {span(sums, '.2f')}, in order {span(right)}",
        "claimed: 0 and 0",
        set(stale) == set(right) == {0.0} and min(sums) > 1 / 3,
    )


@claim(
    "Q-24.3",
    "Fetch the latest state on each event: no ordering logic, always consistent.",
    verdict=Verdict.WRONG,
    why="Two handlers can read v1, v2 and write v2, v1, and a replica lags. It takes a guard that knows the sequence.",
)
def a_refetch_is_not_always_consistent() -> Evidence:
    """Three seeds.  An access takes 0.2 s: at least 1 % of the copies stay stale for good, over 97 % when the source is
    a replica 2 s behind.  With a guard that also looks at the event's sequence: none in either."""
    own = _overtaken("refetch", "guarded-refetch")
    lag = _overtaken("refetch", "guarded-refetch", replica_lag=2.0)
    plain, behind = (runs.values("refetch", "stale copies") for runs in (own, lag))
    guarded = [value for runs in (own, lag) for value in runs.values("guarded-refetch", "stale copies")]
    return Evidence(
        f"stale: {span(plain, '.3f')}; from a replica {span(behind, '.2f')}; guarded {span(guarded)}",
        "claimed: 0",
        min(plain) > 0.01 and min(behind) > 0.97 and set(guarded) == {0.0},
    )


@claim(
    "Q-25.1",
    "created, in Unix seconds, is there for ordering.",
    verdict=Verdict.WRONG,
    why="Seconds are too coarse: what changes twice in one looks simultaneous. To order takes a sequence number.",
)
def seconds_do_not_order() -> Evidence:
    """Four changes of each payment, 0.05 s apart on average, three seeds: ordered by created more than 0.4 of the
    copies end stale, by sequence none."""
    runs = _overtaken("newer-timestamp", "higher-sequence")
    stamp, sequence = (runs.values(name, "stale copies") for name in runs.figures)
    return Evidence(
        f"stale: {span(stamp, '.2f')} by created, {span(sequence)} by sequence",
        "claimed: 0",
        min(stamp) > 0.4 and set(sequence) == {0.0},
    )


@claim(
    "Q-25.2",
    "A thin payload is always fresh, a fat one may be stale when it is read.",
    verdict=Verdict.ONLY_IF,
    why="Only if what is fetched is no cache and no replica. A fat one with a sequence needs neither to be ordered.",
)
def thin_is_as_fresh_as_what_is_fetched() -> Evidence:
    """Three seeds.  Fetched from the source itself less than 6 % of the copies end stale, from a replica 2 s behind
    over 97 %; from fat payloads ordered by sequence none, with or without a replica."""
    own, lag = (_overtaken("refetch", "higher-sequence", replica_lag=seconds) for seconds in (0.0, 2.0))
    fresh, behind = (runs.values("refetch", "stale copies") for runs in (own, lag))
    fat = [value for runs in (own, lag) for value in runs.values("higher-sequence", "stale copies")]
    return Evidence(
        f"stale: thin {span(fresh, '.3f')}, from a replica {span(behind, '.2f')}; fat {span(fat)}",
        "claimed: thin 0, always",
        max(fresh) < 0.06 and min(behind) > 0.97 and set(fat) == {0.0},
    )


def _overtaken(*strategies: str, replica_lag: float = 0.0) -> Comparison:
    return on_seeds(out_of_order_events(horizon=25.0, replica_lag=replica_lag), list(strategies))


def _pairs(gap: float, seed: int, payments: int = 500) -> Scenario:
    """A world in which every payment changes twice, *gap* seconds apart, at any phase of the clock; no wire."""
    rng = Random(seed)
    starts = [20.0 * number + rng.random() for number in range(payments)]
    world = out_of_order_events(changes=2, delay=0.0, reordering=0.0, access=0.02, horizon=20.0 * payments)
    return attrs.evolve(world, arrivals=Replay(tuple(at for start in starts for at in (start, start + gap))))
