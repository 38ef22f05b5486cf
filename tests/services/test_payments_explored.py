"""Payments, in every order and with every crash: what can ever go wrong in each design, and what never does."""

import math

import pytest

from sim.http import Request
from sim.interleave import explore
from sim.policies.idempotency.rules import Idempotency
from sim.services.payments import AtomicClaim, CheckThenAct, NoIdempotency, OneTransaction, RecoveryPoint
from sim.store import MemoryStore

PAY = Request(
    "POST",
    "/payments",
    headers={"Authorization": "Bearer ada", "Idempotency-Key": "k-1"},
    body=b'{"amount":2000,"currency":"INR"}',
)
RETRY = {1: 0}
"""The second request begins when the first has ended or died."""

# Time stands still in the explorer, so a lease of 0 is over at once, and one of inf never is.
EXPIRED, ENDLESS = Idempotency(lease=0.0), Idempotency(lease=math.inf)


def charged_once(ending):
    """Nobody is charged twice, and nobody is told of a payment that was not made."""
    for key in ending.effects:
        if ending.effects.count(key) > 1:
            return f"charged twice: {key}"
    if any(reply is not None and reply.status in (200, 201) for reply in ending.replies) and not ending.effects:
        return "told of a charge that never was"
    return None


def answered_and_charged_once(ending):
    """Nobody is charged twice, and the last request is answered with the payment."""
    last = ending.replies[-1]
    if not ending.died[-1] and (last is None or last.status not in (200, 201)):
        return f"the retry got {None if last is None else last.status}"
    return charged_once(ending)


def explored(design, count, invariant=charged_once, rules=None, **settings):
    return explore(lambda: design(MemoryStore(), rules=rules), [PAY] * count, invariant, **settings)


def test_the_guide_charges_twice_when_two_come_together():
    """Q-09.1: two requests look the key up before either has stored its answer; the shortest schedule shows it."""
    found = explored(CheckThenAct, 2)
    assert found.complete
    assert "charged twice" in found.sentence
    looked = [moment.request for moment in found.path if moment.what == "look the key up"]
    first_charge = next(number for number, moment in enumerate(found.path) if moment.kind == "effect")
    assert sorted(looked) == [0, 1]
    assert all(moment.what != "store the answer" for moment in found.path[: first_charge + 1])
    # Only the schedules in which one has stored before the other looks are good: three each way.
    assert (found.schedules, found.schedules - found.violating) == (916, 6)


def test_the_guide_charges_twice_after_a_crash():
    """Q-09.2: the first process dies between the charge and the SETEX; the retry, alone, charges again."""
    found = explored(CheckThenAct, 2, crashes=1, after=RETRY)
    assert found.complete
    assert "charged twice" in found.sentence
    kinds = [moment.kind for moment in found.path]
    assert kinds.count("dies") == 1
    assert kinds.index("effect") < kinds.index("dies")


def test_without_a_crash_and_in_turn_the_guide_is_right():
    """One after the other, with nobody dying, the guide's algorithm charges once: that is why it looks right."""
    assert explored(CheckThenAct, 2, answered_and_charged_once, after=RETRY).ok


def test_without_idempotency_every_schedule_charges_twice():
    """With no idempotency at all there is no good schedule of two requests."""
    found = explored(NoIdempotency, 2)
    assert found.violating == found.schedules > 0


@pytest.mark.slow
@pytest.mark.parametrize("crashes", [0, 1, 2])
def test_an_atomic_claim_that_is_believed_never_charges_twice(crashes):
    """With an endless lease the claim holds in every order and every crash of two requests."""
    assert explored(AtomicClaim, 2, rules=ENDLESS, crashes=crashes).ok


def test_and_the_price_is_a_key_that_is_locked():
    """With an endless lease a crash of the claimant leaves the retry with a 409, charged or not."""
    found = explored(AtomicClaim, 2, answered_and_charged_once, ENDLESS, crashes=1, after=RETRY)
    assert found.complete
    assert found.sentence == "the retry got 409"


def test_an_atomic_claim_with_a_lease_charges_twice_after_a_crash():
    """When the lease is over, the retry cannot know whether the dead one has charged, and charges."""
    found = explored(AtomicClaim, 2, rules=EXPIRED, crashes=1, after=RETRY)
    assert found.complete
    assert "charged twice" in found.sentence
    assert "take the claim over" in str(found)


def test_a_lease_shorter_than_the_work_needs_no_crash():
    """When the lease is over while the claimant lives, both charge."""
    found = explored(AtomicClaim, 2, rules=EXPIRED)
    assert "charged twice" in found.sentence
    assert all(moment.kind != "dies" for moment in found.path)


@pytest.mark.parametrize("crashes", [0, 1, 2])
@pytest.mark.slow
def test_one_transaction_never_charges_twice(crashes):
    """Key, charge and answer in one transaction: nothing is found in any order, with any crashes of two requests."""
    assert explored(OneTransaction, 2, crashes=crashes).ok


def test_one_transaction_answers_every_retry():
    """Whenever the first dies, the retry is answered with the payment, and it was charged once."""
    assert explored(OneTransaction, 2, answered_and_charged_once, crashes=1, after=RETRY).ok


@pytest.mark.parametrize("rules", [EXPIRED, ENDLESS], ids=["lease over", "lease endless"])
@pytest.mark.parametrize("crashes", [0, 1, 2])
@pytest.mark.slow
def test_a_recovery_point_never_charges_twice(rules, crashes):
    """At an idempotent provider nothing is found, even when everybody takes everybody's claim for dead."""
    assert explored(RecoveryPoint, 2, rules=rules, crashes=crashes).ok


def test_a_recovery_point_answers_every_retry():
    """Whenever the first dies, the retry (after the lease) is answered with the payment, and it was charged once."""
    assert explored(RecoveryPoint, 2, answered_and_charged_once, EXPIRED, crashes=1, after=RETRY).ok


@pytest.mark.slow
def test_two_retries_after_two_crashes_are_answered():
    """Two processes die one after the other, each anywhere: the third request is answered, and all is charged once."""
    for design, rules in ((OneTransaction, None), (RecoveryPoint, EXPIRED)):
        assert explored(design, 3, answered_and_charged_once, rules, crashes=2, after={1: 0, 2: 1}).ok


@pytest.mark.slow
@pytest.mark.parametrize("design", [AtomicClaim, RecoveryPoint])
def test_three_at_once_charge_once(design):
    """Three requests of one intent at the same time: the sound designs charge once in every schedule."""
    found = explored(design, 3, rules=ENDLESS)
    assert found.ok
    assert found.schedules > 20_000


@pytest.mark.slow
def test_three_at_once_in_transactions_charge_once():
    """Three transactions at the same time: every one of millions of schedules charges once."""
    found = explored(OneTransaction, 3, answered_and_charged_once)
    assert found.ok
    assert found.schedules > 3_000_000


@pytest.mark.slow
def test_three_at_once_charge_three_times_in_the_guide():
    """Three requests of one intent can charge three times in the guide's algorithm."""

    def at_most_twice(ending):
        return f"charged {len(ending.effects)} times" if len(ending.effects) > 2 else None

    found = explored(CheckThenAct, 3, at_most_twice)
    assert found.sentence == "charged 3 times"


@pytest.mark.slow
def test_two_callers_with_one_key_never_meet():
    """The same key of two callers: both are charged once and answered 201, in every schedule."""
    bob = Request("POST", "/payments", headers={**PAY.headers, "Authorization": "Bearer bob"}, body=PAY.body)

    def both(ending):
        statuses = [reply.status for reply in ending.replies]
        return None if statuses == [201, 201] and len(set(ending.effects)) == 2 else f"answered {statuses}"

    for design in (AtomicClaim, RecoveryPoint, OneTransaction):
        assert explore(lambda d=design: d(MemoryStore()), [PAY, bob], both).ok
