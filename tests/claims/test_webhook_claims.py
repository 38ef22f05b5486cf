"""The rows of the ledger about webhooks are all there, and those that call the guide wrong are experiments."""

import pytest

from sim import claims
from sim.claims import Verdict

COUNTS = {20: 2, 21: 7, 22: 6, 23: 7, 24: 3, 25: 2, 26: 1, 27: 5, 28: 3}
"""Rows of the ledger for each of the guide's questions on webhooks."""
LEDGER = [f"Q-{question}.{row}" for question, rows in COUNTS.items() for row in range(1, rows + 1)]
CONTRADICTIONS = [f"X-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 9, 14, 15, 16, 17)]


@pytest.mark.parametrize("ident", LEDGER + CONTRADICTIONS)
def test_every_row_of_the_ledger_is_here(ident):
    """Each of the rows about webhooks can be asked for by its id."""
    (one,) = claims.named(ident)
    assert one.ident == ident


@pytest.mark.parametrize("ident", CONTRADICTIONS)
def test_contradictions_are_measured(ident):
    """Where the guide contradicts itself, a run shows both sides."""
    (one,) = claims.named(ident)
    assert one.verdict is Verdict.CONTRADICTION
    assert one.experiment is not None


def test_what_is_called_wrong_was_seen_to_fail():
    """Among the rows about webhooks no verdict "wrong" or "contradicts itself" rests on a citation."""
    for one in claims.named(*LEDGER, *CONTRADICTIONS):
        if one.verdict in (Verdict.WRONG, Verdict.CONTRADICTION):
            assert one.experiment is not None, one.ident
            assert one.margin, one.ident


def test_an_opinion_is_the_only_row_without_an_experiment():
    """Everything else about webhooks could be measured."""
    assert [one.ident for one in claims.named(*LEDGER, *CONTRADICTIONS) if one.experiment is None] == ["Q-21.5"]
