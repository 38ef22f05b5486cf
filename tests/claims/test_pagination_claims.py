"""The rows of the ledger about pagination are all there, each with an experiment."""

import pytest

from sim import claims
from sim.claims import Verdict

LEDGER = {
    "Q-11.1": Verdict.ONLY_IF,
    "Q-11.2": Verdict.ONLY_IF,
    "Q-11.3": Verdict.ONLY_IF,
    "Q-12.1": Verdict.ONLY_IF,
    "Q-12.2": Verdict.HOLDS,
    "Q-13.1": Verdict.ONLY_IF,
}
OURS = ["Q-11.4", "Q-12.3", "Q-13.2", "Q-13.3", "Q-13.4", "Q-13.5"]


@pytest.mark.parametrize("ident", LEDGER)
def test_every_row_of_the_ledger_is_here(ident):
    """Each of the rows about pagination has its verdict."""
    (one,) = claims.named(ident)
    assert (one.ident, one.verdict) == (ident, LEDGER[ident])


@pytest.mark.parametrize("ident", [*LEDGER, *OURS])
def test_every_row_about_pagination_is_measured(ident):
    """None rests on a citation: a page can always be fetched and counted."""
    (one,) = claims.named(ident)
    assert one.experiment is not None
