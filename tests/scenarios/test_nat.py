"""Many behind one address: what each limit does to them and to a bot with many keys, on several seeds."""

import pytest

from sim.experiment import compare
from sim.scenarios.nat import shared_address

SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def served():
    """The story as it is told."""
    return compare(shared_address(), seeds=SEEDS)


def test_by_address_an_office_is_one_caller(served):
    """Forty people get what one may have: 2 calls a second of about 20; the bot as well."""
    assert all(share < 0.2 for share in served.values("by-address", "office ok"))
    assert all(rate < 3.0 for rate in served.values("by-address", "bot calls/s"))


def test_by_key_a_bot_is_as_many_callers_as_it_has_keys(served):
    """The office is served, and so is the bot, over thirty times as much as by address."""
    assert all(share > 0.95 for share in served.values("by-key", "office ok"))
    for by_key, by_address in zip(
        served.values("by-key", "bot calls/s"), served.values("by-address", "bot calls/s"), strict=True
    ):
        assert by_key > 20 * by_address


def test_by_both_the_office_is_served_and_the_bot_gets_one_wide_address(served):
    """Nine in ten of the office's calls and more; about 30 a second for the bot (the burst on top in the first one)."""
    assert all(share > 0.9 for share in served.values("by-both", "office ok"))
    assert all(25.0 < rate < 35.0 for rate in served.values("by-both", "bot calls/s"))


@pytest.mark.parametrize("gate", ["by-address", "by-key", "by-both"])
def test_people_at_home_are_served_by_all_three(served, gate):
    """An address and a key of their own: nobody is in their way."""
    assert all(share == 1.0 for share in served.values(gate, "homes ok"))
