"""The claims ledger: sentences that an experiment can prove false, each with its verdict.

    sim.claims.show("Q-22", "X-3")       # the verdicts of a question and of a contradiction, as a table of text

`Q-22.6` is the sixth claim about question 22 of the guide, `X-3` a place where the guide contradicts itself.  A new
claim is one function with `@claim` in any module of this folder; a row that no experiment can decide is a `cite`.
"""

from sim.claims.claiming import Claim, Evidence, Verdict, cite, claim
from sim.claims.layout import cells, show, table
from sim.claims.registry import every, named

__all__ = ["Claim", "Evidence", "Verdict", "cells", "cite", "claim", "every", "named", "show", "table"]
