"""The Idempotency-Key itself: a published listing against twins, other bodies, other callers (Q-09, X-1)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from random import Random
from typing import Any

import http_sf

from sim.claims.claiming import Evidence, Verdict, claim
from sim.claims.measuring import SEEDS, span
from sim.claims.paying import BELIEVED, answers_of, charged_once, explored, pay
from sim.http import Request
from sim.interleave import explore
from sim.interleave.exploration import Ending
from sim.live.races import race
from sim.policies.idempotency.key import STRICT, KeyFormat
from sim.services.payments import AtomicClaim, CheckThenAct, OneTransaction, RecoveryPoint
from sim.store import MemoryStore


@claim(
    "Q-09.1",
    "GET the key, charge, SETEX: that makes a POST idempotent.",
    verdict=Verdict.WRONG,
    why="Two retries at once both find nothing, and both charge. An atomic insert has to decide, before the charge.",
)
def looking_first_is_a_race() -> Evidence:
    """Two at once, every order: with the listing some charge twice, with an atomic claim none.  Then ten real threads
    on a SQLite file, in each of 5 rounds: ten charges with the listing, one with the claim.  No luck is needed."""
    listing, claimed = explored(CheckThenAct, 2), explored(AtomicClaim, 2, rules=BELIEVED)
    threads = race(CheckThenAct, _ten, rounds=5, meet="look the key up")
    repaired = race(AtomicClaim, _ten, rounds=5)
    return Evidence(
        f"{listing.violating} of {listing.schedules} orders charge twice; ten threads charge "
        f"{span(threads.effects)} times, with a claim {span(repaired.effects)}",
        "claimed: once",
        "twice" in listing.sentence and claimed.ok and set(threads.effects) == {10} and repaired.once,
    )


@claim(
    "Q-09.3",
    "Cache the result under the key: nothing else has to be kept.",
    verdict=Verdict.WRONG,
    why="Without a fingerprint another amount gets the first one's answer. It takes 422, 409 in flight, 400 without.",
    source="draft-ietf-httpapi-idempotency-key-header-07 section 2.7",
)
def another_body_gets_the_first_answer() -> Evidence:
    """2,000 and then 9,000 under one key: the listing answers both with 2,000, the repaired design 422.  A twin in
    flight is a 409 in some order of two, a missing key a 400.  No chance."""
    amounts = [answers_of(design, pay(), pay(amount=9_000))[1] for design in (CheckThenAct, AtomicClaim)]
    cached = amounts[0].json().get("amount")
    twin = explored(AtomicClaim, 2, _both_succeed, rules=BELIEVED)
    (missing,) = answers_of(AtomicClaim, pay(key=None))
    return Evidence(
        f"9,000 asked, answer {amounts[0].status} for {cached:,}; repaired {amounts[1].status}, twin 409, no key "
        f"{missing.status}",
        "claimed: enough; 422, 409, 400",
        cached == 2_000 and amounts[1].status == 422 and "409" in twin.sentence and missing.status == 400,
    )


@claim(
    "Q-09.4",
    'Look it up under "idem:" + key.',
    verdict=Verdict.WRONG,
    why="Callers choose keys: who repeats or guesses one reads somebody else's answer. Caller and path belong in.",
    source="draft-ietf-httpapi-idempotency-key-header-07 section 5",
)
def a_bare_key_is_everybodys() -> Evidence:
    """Ada pays under a key, then Bob under the same: the listing gives Bob Ada's payment and charges him nothing; a
    scoped key makes two payments.  No chance."""
    bare, scoped = (answers_of(design, pay(), pay(caller="bob")) for design in (CheckThenAct, OneTransaction))
    shared, apart = (one.json() == other.json() for one, other in (bare, scoped))
    return Evidence(
        f"bare key: Bob gets {_whose(shared)}; scoped: {_whose(apart)}",
        "claimed: enough",
        shared and not apart and scoped[1].status == 201,
    )


@claim(
    "Q-09.7",
    "A replay must have the status of the first answer.",
    verdict=Verdict.HOLDS,
    why="A client that counts 201s counts one payment, whichever answer it sees. Stripe replays even its 500s.",
    source="draft-ietf-httpapi-idempotency-key-header-07 section 2.6",
)
def a_replay_is_the_first_answer() -> Evidence:
    """One payment asked for twice, from each repaired design: 201 both times, the same body, and a mark on the second
    answer.  No chance."""
    designs = (AtomicClaim, OneTransaction, RecoveryPoint)
    found = [answers_of(design, pay(), pay()) for design in designs]
    statuses = {tuple(one.status for one in answers) for answers in found}
    same = all(first.body == again.body for first, again in found)
    marked = all(again.header("Idempotent-Replayed") == "true" for _, again in found)
    return Evidence(f"{sorted(statuses)[0]}, the same body", "(201, 201)", statuses == {(201, 201)} and same and marked)


@claim(
    "X-1",
    "Return the exact same code on a replay, not 200; and the code above it answers a replay with ok(), a 200.",
    verdict=Verdict.CONTRADICTION,
    why="The bullet is right, and its code breaks it. The story two pages on has a 200 both times.",
)
def the_listing_breaks_its_own_bullet() -> Evidence:
    """The listing as it stands, one payment asked for twice: 201, then 200, with the same body.  No chance."""
    first, again = answers_of(CheckThenAct, pay(), pay())
    return Evidence(
        f"{first.status}, then {again.status}",
        "claimed: the same code",
        (first.status, again.status) == (201, 200) and first.json() == again.json(),
    )


@claim(
    "Q-09.8",
    "The header is Idempotency-Key: abc-123, without quotes.",
    verdict=Verdict.WRONG,
    why="The draft has a String, in quotes. Bare it is a Token, or nothing. Vendors take it bare: read both alike.",
    source="draft-ietf-httpapi-idempotency-key-header-07 section 2.1, RFC 9651 section 3.3.3",
)
def a_bare_key_is_no_string() -> Evidence:
    """1,000 random UUIDs from each of three seeds: a strict reader takes none of them bare and a lenient one all; of
    the bare ones 10 of 16, those that begin with a digit, do not parse at all, within 0.05."""
    broken = []
    for seed in SEEDS:
        chance = Random(seed)
        keys = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(1_000)]
        if any(_reads(STRICT, key) or not _reads(KeyFormat(), key) for key in keys):
            return Evidence("a strict reader took a bare key", "none", holds=False)
        broken.append(sum(not _parses(key) for key in keys) / 1_000)
    token: Any = http_sf.parse(b"abc-123", tltype="item")
    kind = type(token[0]).__name__
    return Evidence(
        f"abc-123 is a {kind}; {span(broken, '.2f')} of bare UUIDs do not parse",
        "String; 0.625",
        kind == "Token" and all(abs(share - 0.625) < 0.05 for share in broken),
    )


@claim(
    "Q-09.11",
    "The client makes the key once for each payment, and every retry carries it.",
    verdict=Verdict.HOLDS,
    why="A key that is made inside the retry loop is new each time: the soundest server charges for every attempt.",
)
def a_new_key_is_a_new_payment() -> Evidence:
    """Two attempts at one payment, every order, the soundest design: with one key all charge once, with two keys all
    charge twice.  Exhaustive."""
    same = explored(OneTransaction, 2)
    fresh = explore(lambda: OneTransaction(MemoryStore()), [pay("k-1"), pay("k-2")], charged_once)
    return Evidence(
        f"one key: {same.violating} of {same.schedules} orders charge twice; two keys: {fresh.violating} of "
        f"{fresh.schedules}",
        "none; all",
        same.ok and fresh.violating == fresh.schedules > 0,
    )


def _both_succeed(ending: Ending) -> str | None:
    statuses = [0 if reply is None else reply.status for reply in ending.replies]
    return None if statuses == [201, 201] else f"one of them gets a {max(statuses)}"


def _ten(number: int) -> Sequence[Request]:
    return [pay(f"k-{number}")] * 10


def _reads(keys: KeyFormat, value: str) -> bool:
    try:
        return keys.read(value) == value
    except ValueError:
        return False


def _parses(value: str) -> bool:
    try:
        http_sf.parse(value.encode(), tltype="item")
    except ValueError:
        return False
    return True


def _whose(hers: bool) -> str:
    return "Ada's payment" if hers else "his own"
