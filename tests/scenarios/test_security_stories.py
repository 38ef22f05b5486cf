"""The security stories keep their laws: who gets in, who is locked out, and what one missing layer lets through."""

import attrs
import pytest

import sim
from sim.experiment import compare, run
from sim.policies.security.lockout import GuessLimit, GuessVerdict
from sim.scenarios.security import layers_removed, password_guessing
from sim.services.vault.guarded import guarded_vault

SEEDS = range(3)
SMALL = {"rate": 4.0, "horizon": 250.0, "targets": 8}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def few():
    """A guesser with ten machines."""
    return compare(password_guessing(addresses=10, **SMALL), seeds=SEEDS)


@pytest.fixture(scope="module")
def many():
    """A guesser with a thousand."""
    return compare(password_guessing(addresses=1_000, **SMALL), ["by-address", "by-account"], seeds=SEEDS)


def test_without_a_limit_every_guess_is_checked_and_common_passwords_fall(few):
    """All guesses reach the check, some common password is found in every run, and nobody is locked out."""
    assert few.values("no-limit", "guesses checked") == few.values("no-limit", "guesses")
    assert min(few.values("no-limit", "accounts opened")) >= 1
    assert set(few.values("no-limit", "honest locked out")) == {0.0}


def test_a_limit_by_address_bounds_guesses_by_machines_and_locks_nobody_out(few, many):
    """Ten machines make 200 wrong guesses and a few right ones; a thousand make as many as without a limit."""
    assert all(200 <= checked <= 210 for checked in few.values("by-address", "guesses checked"))
    assert min(few.values("by-address", "guesses")) > 300
    assert many.values("by-address", "guesses checked") == many.values("by-address", "guesses")
    assert set(few.values("by-address", "honest locked out")) == {0.0}


def test_a_limit_by_account_bounds_guesses_by_targets_and_locks_their_owners_out(few, many):
    """Eight targets take forty wrong guesses and a few right ones, from however many machines; their owners pay."""
    for compared in (few, many):
        assert max(compared.values("by-account", "guesses checked")) <= 45
        assert min(compared.values("by-account", "honest locked out")) >= 10
    assert few.estimate("by-account", "accounts opened").mean < few.estimate("no-limit", "accounts opened").mean


def test_one_guess_at_many_accounts_is_stopped_by_address_only():
    """A hundred targets take few guesses each: by account over nine tenths pass, and by address still 200."""
    spray = compare(
        password_guessing(addresses=10, rate=4.0, horizon=250.0, targets=100), ["by-account", "both"], seeds=SEEDS[:2]
    )
    rows = zip(spray.values("by-account", "guesses checked"), spray.values("by-account", "guesses"), strict=True)
    assert all(checked > 0.9 * guesses for checked, guesses in rows)
    assert max(spray.values("both", "guesses checked")) <= 210


def test_both_limits_are_as_strict_as_the_stricter(few):
    """Never more guesses than by account alone or by address alone."""
    rows = zip(*(few.values(name, "guesses checked") for name in ("both", "by-account", "by-address")), strict=True)
    assert all(both <= min(account, address) for both, account, address in rows)


def test_honest_people_are_the_same_whatever_the_limit(few):
    """The same arrivals for every contestant: guesses and logins are the same numbers."""
    for figure in ("guesses", "honest logins"):
        assert len({tuple(few.values(name, figure)) for name in few.figures}) == 1


def test_a_limit_of_your_own_takes_the_seat():
    """Any object with `admit` and `succeeded` will do; so will a client, or a whole service."""

    class Never:
        def admit(self, account, address, now):
            return GuessVerdict(False, 60.0, "closed")

        def succeeded(self, account, address, at):
            raise AssertionError("nothing was let through")

    world = password_guessing(rate=2.0, horizon=20.0)
    closed = run(world, Never(), seed=0).summary()
    assert (closed["guesses checked"], closed["honest locked out"]) == (0.0, closed["honest logins"])
    patient = attrs.evolve(world.client, pause=1.0)
    assert run(world, patient, seed=0).summary()["ok"] > 0
    assert (
        run(world, lambda: guarded_vault(limit=GuessLimit()).service, seed=0).summary()["ok"] == 0
    )  # nobody's account


@pytest.fixture(scope="module")
def removed():
    """Half a minute of honest and hostile calls, against each vault."""
    world = layers_removed(rate=8.0, hostile=0.5, horizon=30.0)
    return {name: [run(world, name, seed=seed) for seed in SEEDS[:2]] for name in world.contestants}


SUCCEEDS = {
    "all-layers": set(),
    "without-transport": {"plain http"},
    "without-CORS": {"foreign page reads"},
    "without-credentials": {
        "stolen key", "key in the URL", "expired token", "forged token", "unsigned token", "confused token",
        "token for another",
    },
    "without-gateway-authorisation": {"internal page"},
    "without-input-validation": {"role in the body", "path traversal"},
    "without-resource-authorisation": {"another's document", "insider"},
    "without-output-encoding": {"script in a text"},
    "without-guess-limit": {"password guessing"},
}  # fmt: skip


@pytest.mark.parametrize("name", SUCCEEDS)
def test_each_missing_layer_lets_exactly_its_attacks_through_every_time(removed, name):
    """In every seed; and each attack that succeeds once succeeds whenever it is tried."""
    assert set(SUCCEEDS) == set(removed)
    for one in removed[name]:
        sent, succeeded = (
            [mark.note for mark in one.trace.marks if mark.kind == kind] for kind in ("attack sent", "attack succeeded")
        )
        assert set(succeeded) == SUCCEEDS[name]
        assert sorted(succeeded) == sorted(note for note in sent if note in SUCCEEDS[name])


def test_no_honest_call_tells_that_a_layer_is_missing(removed):
    """No honest call is refused, with all layers or without any one."""
    for runs in removed.values():
        assert {one.summary()["honest refused"] for one in runs} == {0.0}
        assert min(one.summary()["honest"] for one in runs) > 80


def test_the_stories_are_listed():
    """`sim list` finds both by their names."""
    assert {"password-guessing", "layers-removed"} <= set(sim.scenarios.stories())
