"""Idempotency keys when a process dies, when a claim is not believed, and when a key is forgotten (Q-09)."""

from __future__ import annotations

from sim.claims.claiming import Evidence, Verdict, claim
from sim.claims.measuring import on_seeds, span
from sim.claims.paying import BELIEVED, OVER, explored, told_and_charged_once
from sim.policies.client.backoff import Exponential
from sim.policies.client.retry import Retry
from sim.policies.idempotency.rules import Idempotency
from sim.scenarios.payments import crash_after_charge, expiring_keys, spotty_payment
from sim.services.payments import AtomicClaim, CheckThenAct, OneTransaction, RecoveryPoint

_WRONGS = ("double charges", "charged, told failed")


@claim(
    "Q-09.2",
    "And it survives a crash.",
    verdict=Verdict.WRONG,
    why="A death between charge and SETEX leaves a charge that nobody remembers. Key and charge: one transaction.",
)
def a_crash_is_forgotten() -> Evidence:
    """One request, a crash anywhere, a retry: the listing charges twice, one transaction and a recovery point never.
    Then some 600 payments on three seeds, 2 % of the charges followed by a crash: more than 3 twice, and none."""
    designs = ((CheckThenAct, None), (OneTransaction, None), (RecoveryPoint, OVER))
    listing, one, point = (explored(design, 2, rules=rules, crashes=1, after={1: 0}) for design, rules in designs)
    runs = on_seeds(crash_after_charge(horizon=40.0), ["check-then-act", "one-transaction"])
    twice, safe = (runs.values(name, "double charges") for name in runs.figures)
    return Evidence(
        f"{listing.violating} of {listing.schedules} crashes and orders; {span(twice)} charged twice, repaired "
        f"{span(safe)}",
        "claimed: none",
        "twice" in listing.sentence and one.ok and point.ok and min(twice) > 3 and set(safe) == {0.0},
    )


@claim(
    "Q-09.5",
    "Keep keys for 24 to 48 h, long enough for the retries.",
    verdict=Verdict.ONLY_IF,
    why="Only if the last retry comes sooner. An app's retries take a minute; the guide's own webhooks go on for 72 h.",
    source="Stripe prunes keys when they are at least 24 hours old",
)
def retention_must_outlast_the_last_retry() -> Evidence:
    """An app's eight attempts are covered by a day.  The guide's 25 attempts, answers lost for 20, 30 and 60 h, three
    seeds: with 24 h each payment is charged 0, 1 and 2 times too often; with the retries' own length and 60 h never."""
    covered = Idempotency().covers(Retry(Exponential(base=0.5, cap=10.0), attempts=8), timeout=3.0)
    extra, world = [], expiring_keys(rate=0.01)
    for hours in (20.0, 30.0, 60.0):
        runs = on_seeds(world.with_knobs(silence_hours=hours), ["24-hours"])
        double, calls = (runs.values("24-hours", figure) for figure in ("double charges", "calls"))
        extra.append({again / count for again, count in zip(double, calls, strict=True)})
    safe = on_seeds(world, ["horizon"]).values("horizon", "double charges")
    return Evidence(
        f"app covered: {'yes' if covered else 'no'}; kept 24 h: "
        f"{', '.join(span(sorted(one)) for one in extra)} charges too many",
        "yes; 0, 1, 2",
        covered and set(safe) == {0.0} and extra == [{0.0}, {1.0}, {2.0}],
    )


@claim(
    "Q-09.6",
    "A unique constraint on (userId, idempotencyKey) makes it safe.",
    verdict=Verdict.ONLY_IF,
    why="Only if the row commits with the charge. Inserted before, a crash leaves a claim: locked, or charged again.",
)
def unique_is_safe_in_the_same_transaction() -> Evidence:
    """A request, a crash anywhere, a retry that wants its payment, every order: one transaction always charges once and
    answers; a unique claim before the charge locks the key for ever, or with a lease charges twice.  Exhaustive."""
    one = explored(OneTransaction, 2, told_and_charged_once, crashes=1, after={1: 0})
    locked = explored(AtomicClaim, 2, told_and_charged_once, rules=BELIEVED, crashes=1, after={1: 0})
    leased = explored(AtomicClaim, 2, told_and_charged_once, rules=OVER, crashes=1, after={1: 0})
    together = explored(OneTransaction, 2, crashes=1)
    return Evidence(
        f"with the charge: {one.sentence or 'always right'}; before it: {locked.sentence}, or {leased.sentence}",
        "right; not right",
        one.ok and together.ok and "409" in locked.sentence and "twice" in leased.sentence,
    )


@claim(
    "Q-09.9",
    "Give the claim a lease, and a process that died locks nothing.",
    verdict=Verdict.ONLY_IF,
    why="Only if the work can be asked whether it was done. Else the lease chooses: locked for long, or charged again.",
)
def a_lease_chooses_the_mistake() -> Evidence:
    """A crash after 2 % of the charges, three seeds: a short lease charges more than 3 payments twice, an endless one
    tells more than 3 riders of a failure that was charged; a recovery point with the short lease neither."""
    names = ["claim-short-lease", "claim-endless-lease", "recovery-point"]
    runs = on_seeds(crash_after_charge(horizon=40.0), names)
    twice, told = ({name: runs.values(name, figure) for name in names} for figure in _WRONGS)
    return Evidence(
        f"short: {span(twice[names[0]])} charged twice; endless: {span(told[names[1]])} charged, told failed; recovery "
        f"point: {span(twice[names[2]] + told[names[2]])}",
        "some, some, 0",
        min(twice[names[0]]) > 3 and min(told[names[1]]) > 3 and set(twice[names[2]] + told[names[2]]) == {0.0},
    )


@claim(
    "Q-09.10",
    "A twin in flight gets a 409, and the client tries again.",
    verdict=Verdict.ONLY_IF,
    why="Only if it has attempts left: each 409 uses one up. Waiting for a lock tells fewer of a failure.",
)
def a_conflict_uses_up_attempts() -> Evidence:
    """Slow charges, four attempts 0.6 s after each answer, three seeds of some 600: nobody is charged twice, and the
    claim tells over three times as many riders of a failure that was charged as the lock does, at least 4."""
    runs = on_seeds(spotty_payment(horizon=30.0), ["atomic-claim", "one-transaction"])
    claimed, locked = (runs.values(name, _WRONGS[1]) for name in runs.figures)
    double = [value for name in runs.figures for value in runs.values(name, _WRONGS[0])]
    return Evidence(
        f"charged, told failed: {span(claimed)} with 409, {span(locked)} with a lock",
        "more with 409",
        set(double) == {0.0} and all(a >= 4 and a > 3 * b for a, b in zip(claimed, locked, strict=True)),
    )
