"""The payment stories' laws: who charges twice, how often, and what the safe designs cost."""

import math
from statistics import NormalDist

import pytest

from sim.experiment import compare, run
from sim.policies.idempotency.rules import Idempotency
from sim.scenarios.payments import crash_after_charge, expiring_keys, spotty_payment, train_in_a_tunnel
from sim.services.payments import CheckThenAct

pytestmark = pytest.mark.slow
SOUND = ("atomic-claim", "one-transaction", "recovery-point")


def share(compared, policy, figure="double charges"):
    """The figure per payment over all seeds, and the standard error of a share of that size."""
    payments = sum(compared.values(policy, "calls"))
    found = sum(compared.values(policy, figure)) / payments
    return found, math.sqrt(max(found, 1 / payments) * (1 - min(found, 1.0)) / payments)


def slower_than(seconds, median=0.2, sigma=1.5):
    """The chance that a charge of the story's law takes longer than that."""
    return 1 - NormalDist().cdf(math.log(seconds / median) / sigma)


def test_the_guide_charges_twice_when_the_charge_outlasts_the_retry_gap():
    """Q-10.1: with one retry, 2.6 s after the first try, the share charged twice is P(charge > 2.6 s) = 4.35 %."""
    expected = slower_than(2.6)
    assert expected == pytest.approx(0.0435, abs=5e-4)
    found, error = share(compare(spotty_payment(attempts=2), ["check-then-act"], seeds=range(3)), "check-then-act")
    assert found == pytest.approx(expected, abs=3 * error)


@pytest.mark.parametrize(("timeout", "wait"), [(1.0, 0.0), (4.0, 1.0)])
def test_a_longer_gap_only_makes_it_rarer(timeout, wait):
    """The same law for another gap: waiting longer makes the double charge rarer, and never impossible."""
    world = spotty_payment(attempts=2, timeout=timeout, wait=wait)
    found, error = share(compare(world, ["check-then-act"], seeds=range(3)), "check-then-act")
    assert found > 0
    assert found == pytest.approx(slower_than(timeout + wait), abs=3 * error)


def test_on_the_guides_own_timeline_the_guide_is_right():
    """Q-10.1, X-1: with every charge over before the retry, lost replies charge nobody twice; the replay is a 200."""
    compared = compare(
        spotty_payment(charge_sigma=0.0, reply_loss=0.3, horizon=20.0), ["check-then-act"], seeds=range(2)
    )
    assert compared.values("check-then-act", "double charges") == [0.0] * 2
    answers = compared.runs["check-then-act"].trace.attempts.column("answer")
    assert answers.count(201.0) == len(compared.runs["check-then-act"].trace.calls)
    assert answers.count(200.0) > 50


def test_without_idempotency_a_lost_reply_is_a_double_charge():
    """Q-07.2: with quick charges and one retry the share charged twice is the share of lost replies."""
    world = spotty_payment(charge_sigma=0.0, attempts=2, reply_loss=0.1)
    found, error = share(compare(world, ["no-idempotency"], seeds=range(3)), "no-idempotency")
    assert found == pytest.approx(0.1, abs=3 * error)


@pytest.fixture(scope="module")
def train():
    """All contestants on three seeds, half a minute each."""
    return compare(spotty_payment(horizon=30.0), seeds=range(3))


def test_the_spotty_train(train):
    """No idempotency charges most often, the guide's algorithm less, and the sound designs never, on every seed."""
    for seed in range(3):
        none, guide = (train.values(name, "double charges")[seed] for name in ("no-idempotency", "check-then-act"))
        assert none > 2.5 * guide > 0
    for name in SOUND:
        assert train.values(name, "double charges") == [0.0] * 3


def test_a_conflict_costs_attempts(train):
    """A 409 comes back at once and uses attempts up: claims tell some clients of a failure where a lock tells none."""
    for seed in range(3):
        assert train.values("atomic-claim", "conflicts")[seed] > 10
        assert train.values("one-transaction", "conflicts")[seed] == 0
        told = [train.values(name, "charged, told failed")[seed] for name in ("atomic-claim", "one-transaction")]
        assert told[0] > 3 * max(1.0, told[1])


def of_the_train(figure, **knobs):
    """A figure of every design in the world of one rider."""
    compared = compare(train_in_a_tunnel(**knobs), seeds=[0])
    return {name: compared.values(name, figure)[0] for name in compared.figures}


def test_the_guides_own_timeline():
    """Q-10.1: charged at 0.3 s, the answer swallowed, tried again at 3 s: twice without a key, once with any design."""
    assert of_the_train("charges") == {"no-idempotency": 2.0} | dict.fromkeys(("check-then-act", *SOUND), 1.0)
    assert set(of_the_train("ok").values()) == {1.0}
    attempts = run(train_in_a_tunnel(), "check-then-act").trace.attempts
    assert list(attempts.column("sent")) == [0.0, 3.0]
    assert attempts.column("finished") == pytest.approx([0.3, 3.05])
    assert list(attempts.column("answer")) == [201.0, 200.0]


def test_a_swallowed_request_looks_like_a_swallowed_answer():
    """The client's columns are the same in both; only the server's differ, and with them the number of charges."""
    request, answer = (run(train_in_a_tunnel(tunnel_start=at), "no-idempotency").trace for at in (0.0, 0.28))
    for name in ("sent", "settled"):
        assert request.attempts.column(name) == answer.attempts.column(name)
    # NaN is not equal to itself; the first attempt has no status in either.
    assert list(request.attempts.column("status"))[1:] == list(answer.attempts.column("status"))[1:] == [201.0]
    assert (len(request.ledger), len(answer.ledger)) == (1, 2)


@pytest.mark.parametrize(("charge", "charges"), [(2.9, 1.0), (3.1, 2.0)])
def test_a_charge_that_outlasts_the_gap_is_made_twice(charge, charges):
    """No tunnel at all: the listing charges twice as soon as the charge takes longer than the 3 s until the retry."""
    found = of_the_train("charges", charge=charge, tunnel_start=60.0)
    assert found["check-then-act"] == charges
    assert {found[name] for name in SOUND} == {1.0}


@pytest.mark.parametrize("seed", range(3))
def test_charged_again_is_the_share_of_double_charges(seed):
    """The figure in per cent is the count over the payments."""
    found = run(spotty_payment(horizon=10.0), "no-idempotency", seed=seed).summary()
    assert found["charged again, %"] == pytest.approx(100 * found["double charges"] / found["calls"])
    assert found["charged again, %"] > 0


def test_short_memories_charge_again():
    """X-15: after 60 hours of lost replies a 24 h key has charged each payment three times, a 48 h key twice."""
    compared = compare(expiring_keys(rate=0.01), seeds=range(3))
    for name, extra in (("24-hours", 2), ("48-hours", 1), ("horizon", 0), ("for-ever", 0)):
        for calls, double in zip(compared.values(name, "calls"), compared.values(name, "double charges"), strict=True):
            assert calls > 20
            assert double == extra * calls


@pytest.mark.parametrize("silence", [1.0, 20.0, 71.0, 200.0])
def test_a_key_that_outlives_the_last_retry_is_safe(silence):
    """However long the silence is, a key kept for the retry horizon charges once; 24 h does while it is under a day."""
    compared = compare(expiring_keys(silence_hours=silence, rate=0.01), ["24-hours", "horizon"], seeds=range(2))
    assert compared.values("horizon", "double charges") == [0.0, 0.0]
    assert all((double > 0) is (silence > 24) for double in compared.values("24-hours", "double charges"))
    told = compared.values("horizon", "charged, told failed")
    assert told == (compared.values("horizon", "calls") if silence > 73 else [0.0, 0.0])


def test_a_crash_after_the_charge():
    """Check-then-act and a short lease charge again, an endless lease locks, the other two do neither."""
    compared = compare(crash_after_charge(), seeds=range(3))
    for seed in range(3):
        double = {name: compared.values(name, "double charges")[seed] for name in compared.figures}
        told = {name: compared.values(name, "charged, told failed")[seed] for name in compared.figures}
        assert double["check-then-act"] > 3
        assert double["claim-short-lease"] > 3
        assert double["claim-endless-lease"] == double["one-transaction"] == double["recovery-point"] == 0
        assert told["claim-endless-lease"] > 3
        assert told["check-then-act"] == told["claim-short-lease"] == 0
        assert told["one-transaction"] == told["recovery-point"] == 0


def test_without_crashes_all_designs_charge_once():
    """The crash is the cause: without it nobody charges twice in this world, and nobody is told of a failure."""
    compared = compare(crash_after_charge(crash_share=0.0, horizon=20.0), seeds=range(2))
    for name in compared.figures:
        assert compared.values(name, "double charges") == compared.values(name, "charged, told failed") == [0.0, 0.0]


def test_a_design_of_your_own_takes_the_seat():
    """A class, a function that makes a service over a store, and rules for a claim can all be run in the stories."""
    world = spotty_payment(horizon=5.0)
    assert run(world, CheckThenAct).trace.digest() == run(world, "check-then-act").trace.digest()
    assert run(world, lambda store: CheckThenAct(store)).trace.digest() == run(world, "check-then-act").trace.digest()
    believed = run(world, Idempotency(lease=math.inf)).summary()
    assert believed["double charges"] == 0
