"""Races in real threads: counted round by round, and sound designs have one effect in each."""

import pytest

from sim.http import Request
from sim.live.races import Race, race
from sim.services.payments import CheckThenAct, OneTransaction

BODY = b'{"amount":2000,"currency":"INR"}'


def twins(number):
    """Two requests of one payment, another in every round."""
    headers = {"Authorization": "Bearer ada", "Idempotency-Key": f"k-{number}"}
    return [Request("POST", "/payments", headers=headers, body=BODY)] * 2


def test_who_looks_before_anybody_writes_charges_twice_in_every_round():
    """Both threads wait for each other behind the look, so no luck is needed."""
    found = race(CheckThenAct, twins, rounds=5, meet="look the key up")
    assert found == Race((2,) * 5, ((201, 201),) * 5)
    assert (found.once, found.more_than_once) == (False, 5)


def test_one_transaction_charges_once_in_every_round():
    """The same meeting place, and the writer's lock behind it."""
    found = race(OneTransaction, twins, rounds=10, meet="look the key up")
    assert found.once
    assert found.more_than_once == 0
    assert found.statuses == ((201, 201),) * 10


def test_a_round_without_an_effect_is_not_once():
    """Requests that are refused have none, and that is no success."""
    refused = race(OneTransaction, lambda number: [Request("POST", "/payments")], rounds=2)
    assert refused == Race((0, 0), ((401,), (401,)))
    assert not refused.once


def test_no_rounds_are_refused():
    """Nothing would be counted, and nothing is what "never" looks like."""
    with pytest.raises(ValueError, match="rounds must be at least 1, got 0"):
        race(OneTransaction, twins, rounds=0)
