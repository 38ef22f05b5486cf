"""The stories of webhook security keep their laws, on several seeds, and agree with the closed forms."""

import math
from statistics import NormalDist, mean

import pytest

from sim.experiment import compare, run
from sim.flow import Reply, Send
from sim.http import Request, Response
from sim.policies.webhooks.signing import Rejected, StandardScheme, Verified
from sim.scenarios.webhook_rotation import Rotation, secret_rotation
from sim.scenarios.webhook_security import SECRET, forged_webhooks, skewed_clocks
from sim.services.consumers import Consumer, OneTransaction
from sim.store import MemoryStore

pytestmark = pytest.mark.slow
SEEDS = (0, 1, 2)
NONE_AT_ALL = [0.0] * 3
NEW = "whsec_bmV3IHNlY3JldCBvZiBvdXJz"


@pytest.fixture(scope="module")
def attacked():
    """Every defence, on three seeds."""
    return compare(forged_webhooks(), seeds=SEEDS)


@pytest.fixture(scope="module")
def rotated():
    """Every way to change a secret, on three seeds."""
    return compare(secret_rotation(), seeds=SEEDS)


@pytest.fixture(scope="module")
def skewed():
    """Every tolerance, on three seeds."""
    return compare(skewed_clocks(horizon=100.0), seeds=SEEDS)


def test_no_defence_loses_an_honest_event(attacked):
    """Whatever a defence stops, all honest events are booked at least once, on every seed."""
    for defence in attacked.figures:
        assert attacked.values(defence, "events lost") == NONE_AT_ALL, defence


def test_a_signature_stops_every_forgery_and_nothing_else_does(attacked):
    """Without one, all of about 100 forgeries are booked; an inbox has never seen their ids and books them too."""
    for defence in attacked.figures:
        booked = attacked.values(defence, "forgeries booked")
        assert booked == NONE_AT_ALL if "signature" in defence else min(booked) > 80, defence


def test_a_window_stops_late_replays_and_no_early_ones(attacked):
    """An hour later the window is shut; a minute later it is open, and every captured message is booked again."""
    for seed in range(3):
        alone, windowed = (attacked.figures[name][seed] for name in ("signature", "signature+window"))
        assert alone["replays booked late"] == alone["replays booked soon"] > 60
        assert windowed["replays booked late"] == 0.0
        assert windowed["replays booked soon"] == alone["replays booked soon"]


def test_a_replay_guard_stops_replays_and_lets_honest_retries_pass(attacked):
    """No replay is booked; the retries are booked again, exactly those that are without the guard."""
    guard = "signature+window+replay-guard"
    assert attacked.values(guard, "replays booked soon") == attacked.values(guard, "replays booked late") == NONE_AT_ALL
    assert attacked.values(guard, "retries booked") == attacked.values("signature+window", "retries booked")
    assert min(attacked.values(guard, "retries booked")) > 20


def test_signature_window_and_inbox_let_nothing_through(attacked):
    """No forgery, no replay, no retry is booked; the inbox alone stops the second and the third."""
    for figure in ("replays booked soon", "replays booked late", "retries booked"):
        for defence in ("inbox", "signature+window+inbox"):
            assert attacked.values(defence, figure) == NONE_AT_ALL
    assert attacked.values("signature+window+inbox", "forgeries booked") == NONE_AT_ALL


def test_retries_are_as_many_as_the_lost_acknowledgements_say(attacked):
    """With a share q of the acknowledgements lost, q / (1 - q) retries for each event, within four errors."""
    events, retries = (sum(attacked.values("no-check", name)) for name in ("events", "retries booked"))
    assert abs(retries / events - 0.1 / 0.9) < 4 * math.sqrt(0.1) / 0.9 / math.sqrt(events)


def test_a_receiver_and_a_sender_of_your_own_take_the_seat():
    """A function of the scheme makes a receiver; one that refuses everything loses all.  So does a mute sender."""

    def deaf(scheme):
        def refuse(request, now):
            yield Reply(Response(401))

        return refuse

    class Mute:
        def converse(self, request, now, rng):
            _, outcome = yield Send(1, Request(path="/webhooks", key=request.key))
            return outcome

    world = forged_webhooks(horizon=20.0)
    refused = run(world, deaf, seed=0).summary()
    assert refused["events lost"] == refused["events"] > 40
    assert run(world, Mute(), seed=0).summary()["ok"] == 0.0


def test_a_hard_swap_loses_the_messages_of_the_lag_under_fast_fail(rotated):
    """10 of 60 minutes, a sixth of the events, within four errors; with retries they come up to 35.5 minutes late."""
    events = sum(rotated.values("hard-swap", "events"))
    lost = mean(rotated.values("hard-swap+fast-fail", "dead, %")) / 100
    assert abs(lost - 1 / 6) < 4 * math.sqrt(1 / 6 * 5 / 6 / events)
    assert rotated.values("hard-swap", "dead, %") == NONE_AT_ALL
    assert all(5.0 < late <= 35.6 for late in rotated.values("hard-swap", "longest delay, min"))


@pytest.mark.parametrize("plan", ["sign-with-both", "sign-with-both+fast-fail"])
def test_two_signatures_lose_and_delay_nothing(rotated, plan):
    """Not one attempt is refused, whatever the rule makes of a 401."""
    assert rotated.values(plan, "refused attempts") == NONE_AT_ALL
    assert rotated.values(plan, "delivered, %") == [100.0] * 3


def test_an_overlap_shorter_than_the_lag_is_a_hard_swap_for_the_rest():
    """Half an hour of lag, ten minutes of overlap: the events of 20 minutes are refused, a third of the hour."""
    found = compare(secret_rotation(lag=30.0, overlap=10.0), ["sign-with-both+fast-fail"], seeds=SEEDS)
    lost = found.values("sign-with-both+fast-fail", "dead, %")
    assert all(abs(share - 100 / 3) < 5.0 for share in lost)


def test_two_signatures_do_not_help_a_receiver_that_is_first():
    """A receiver that changes ten minutes before the sender does refuses a sixth, with two signatures or without."""
    found = compare(secret_rotation(lag=-10.0), seeds=SEEDS)
    hard, both = (found.values(f"{way}+fast-fail", "dead, %") for way in ("hard-swap", "sign-with-both"))
    assert hard == both
    assert all(abs(share - 100 / 6) < 4.0 for share in hard)


def test_a_rotation_signs_and_believes_by_the_clock():
    """Old, both, new; the receiver changes at its own instant; and the edges belong to the later side."""
    rotation = Rotation(old=SECRET, new=NEW, at=100.0, overlap=50.0, deployed=130.0)

    def fits(at, secret):
        request = Request(headers=rotation.sign(b"{}", "evt_1", at), body=b"{}")
        return isinstance(StandardScheme(secret).verify(request, at), Verified)

    instants = (0.0, 99.9, 100.0, 149.9, 150.0)
    assert [fits(at, SECRET) for at in instants] == [True, True, True, True, False]
    assert [fits(at, NEW) for at in instants] == [False, False, True, True, True]
    old = Request(headers=StandardScheme(SECRET).sign(b"{}", "evt_1", 129.0), body=b"{}")
    assert isinstance(rotation.verify(old, 129.9), Verified)
    assert isinstance(rotation.verify(old, 130.0), Rejected)
    assert rotation.window == 600.0


def is_share(found, name, figure, expected):
    """Whether the mean over the seeds is within four standard errors of the share *expected*."""
    calls = sum(found.values(name, "calls"))
    return abs(mean(found.values(name, figure)) / 100 - expected) < 4 * math.sqrt(expected * (1 - expected) / calls)


@pytest.mark.parametrize(("name", "tolerance"), [("both-5", 5), ("both-60", 60), ("both-300", 300), ("back-300", 300)])
def test_the_share_refused_is_the_tail_of_the_clocks(skewed, name, tolerance):
    """Clocks with a normal error of 120 s: 2 (1 - F(T / 120)) are refused, half of that when only the past counts."""
    tail = 1 - NormalDist().cdf(tolerance / 120.0)
    assert is_share(skewed, name, "honest refused, %", tail if name == "back-300" else 2 * tail)


@pytest.mark.parametrize("tolerance", [60, 300])
def test_the_share_of_replays_accepted_is_the_window_over_the_wait(skewed, tolerance):
    """A message comes again after up to 1,200 s: it is taken while age and clock together lie in the tolerance."""
    clock = NormalDist(0.0, 120.0)
    ages = [1_200 * (place + 0.5) / 2_000 for place in range(2_000)]
    expected = mean(clock.cdf(tolerance - age) - clock.cdf(-tolerance - age) for age in ages)
    assert is_share(skewed, f"both-{tolerance}", "replays accepted, %", expected)


def test_a_wide_tolerance_trades_honest_refusals_for_replays(skewed):
    """From 5 s to 300 s the honest refused fall from nearly all to about one in a hundred, and replays rise to a
    quarter."""
    narrow, wide = (
        [mean(skewed.values(name, figure)) for figure in ("honest refused, %", "replays accepted, %")]
        for name in ("both-5", "both-300")
    )
    assert narrow[0] > 90
    assert narrow[1] < 2
    assert wide[0] < 3
    assert wide[1] > 20


def test_right_clocks_are_never_refused():
    """With no error at all even 5 s is enough."""
    found = compare(skewed_clocks(spread=0.0, horizon=50.0), seeds=(0,))
    assert all(found.values(name, "honest refused, %") == [0.0] for name in found.figures)


def test_a_tolerance_of_your_own_takes_the_seat():
    """Any function of the scheme: one with an inbox takes no replay as new, and refuses as many."""

    def with_inbox(scheme):
        return Consumer(MemoryStore(), OneTransaction(), scheme=scheme)

    world = skewed_clocks(horizon=50.0)
    mine, theirs = run(world, with_inbox, seed=0), run(world, "both-300", seed=0)
    assert mine.summary()["honest refused, %"] == theirs.summary()["honest refused, %"]
    assert len(mine.trace.ledger) < len(theirs.trace.ledger)


@pytest.mark.parametrize(
    ("world", "name"),
    [(forged_webhooks, "inbox"), (secret_rotation, "hard-swap"), (skewed_clocks, "both-60")],
)
def test_the_same_seed_gives_the_same_rows(world, name):
    """All three stories are reproduced bit for bit."""
    assert run(world(), name, seed=3).trace.digest() == run(world(), name, seed=3).trace.digest()
