"""Two cures of the cache stampede that need no agreement: jittered lifetimes and probabilistic early refresh.

The other two are `sim.policies.caching.single_flight` and the response directive stale-while-revalidate.
"""

from __future__ import annotations

import math
from random import Random

import attrs

from sim.knobs import knob


@attrs.frozen
class LifetimeJitter:
    """Take a random share, up to *most*, off each lifetime, so that what was stored together goes stale apart.

    Never longer than the origin allowed.  It spreads many keys; one hot key goes stale at one instant all the same.

    >>> 0.0 <= LifetimeJitter(0.2).shorten(Random(1)) <= 0.2
    True
    """

    most: float = knob(0.1, low=0, high=1, help="largest share of a lifetime that is taken off")

    def shorten(self, rng: Random) -> float:
        """The share, 0 to *most*, to take off the lifetime of what is stored now."""
        return rng.uniform(0.0, self.most)


@attrs.frozen
class EarlyRefresh:
    """Refresh ahead of the end by chance, ever likelier as it comes nearer: XFetch.

    At *left* seconds before the end of the lifetime, something that takes *cost* seconds to fetch is refreshed with
    probability exp(-left / (beta * cost)).  *beta*: 1 is the paper's optimum for its bounds, more is earlier.
    Source: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015.

    >>> refresh = EarlyRefresh()
    >>> refresh.probability(left=2.0, cost=1.0)
    0.1353352832366127
    """

    beta: float = knob(1.0, above=0, high=1_000, help="more refreshes earlier")

    def probability(self, *, left: float, cost: float) -> float:
        """The chance that one request at this instant refreshes."""
        if left <= 0.0:
            return 1.0
        return math.exp(-left / (self.beta * cost)) if cost > 0.0 else 0.0

    def now(self, rng: Random, *, left: float, cost: float) -> bool:
        """Whether this request refreshes: -beta * cost * ln(u) reaches *left*, for u uniform on (0, 1]."""
        return -self.beta * cost * math.log(1.0 - rng.random()) >= left
