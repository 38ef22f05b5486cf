"""Named streams of chance: the seed of a stream is f(run's seed, stream's name), never of a worker or a call order.

Two kinds.  A *sequence* is a `random.Random` for whoever draws in a fixed order: the arrivals, the policies.  A
*keyed* stream gives the same number for the same key however often and in whatever order it is asked: what
happens to an attempt on the wire or in the server does not depend on what other calls did before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from random import Random

_MASK = (1 << 64) - 1
# Odd 64-bit constants: the golden-ratio increment of SplitMix64 and the multipliers of xxHash64, which spread
# small integers over all 64 bits before the mixing rounds.
_CALL, _ATTEMPT, _COPY = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_TO_UNIT = 2.0**-53

Keyed = Callable[[int, int, int], float]


class Streams:
    """The streams of one run.  *seed*: any int.

    >>> Streams(1).sequence("arrivals").random() == Streams(1).sequence("arrivals").random()
    True
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def sequence(self, name: str) -> Random:
        """A generator of its own, seeded by the run's seed and *name*."""
        return Random(self._digest(name, 32))

    def keyed(self, name: str) -> Keyed:
        """A function (call, attempt, copy) -> u, uniform on [0, 1) in steps of 2**-53.

        A counter-based generator: the output function of SplitMix64 over a linear hash of the key.  Source:
        G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
        """
        base = self._digest(name, 8)

        def draw(call: int, attempt: int, copy: int) -> float:
            x = (base + call * _CALL + attempt * _ATTEMPT + copy * _COPY) & _MASK
            x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
            x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
            return ((x ^ (x >> 31)) >> 11) * _TO_UNIT

        return draw

    def _digest(self, name: str, size: int) -> int:
        text = f"{self.seed}/{name}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=size).digest(), "big")
