"""What the audience is asked before a run, and who was right after it."""

from __future__ import annotations

import attrs

from sim.demo.subject import in_words
from sim.experiment import Comparison

SAME = ""
"""The answer of those who expect no difference."""


@attrs.frozen
class Verdict:
    """*winner*: the policy with more of the figure, or `SAME`.  *sentence*: that, with both numbers."""

    winner: str
    sentence: str


def question(figure: str) -> str:
    """What the audience is asked."""
    return f"Which one has more: {in_words(figure)}?"


def judge(compared: Comparison, pair: tuple[str, str], figure: str) -> Verdict:
    """Which of the *pair* has more of the *figure*.

    On several seeds there is a difference when its 95 % interval, with common random numbers, leaves out zero; on one
    seed when the numbers differ as they are printed.  A figure that one of the two has nothing to measure for, as a
    latency where no call was ok, is no difference that anybody could see.
    """
    one, other = (compared.estimate(name, figure) for name in pair)
    gap = compared.difference(*pair, figure)
    apart = str(one) != str(other) if gap.n < 2 else not gap.low <= 0.0 <= gap.high
    winner = SAME
    if apart and gap.mean == gap.mean:
        winner = pair[0] if gap.mean > 0 else pair[1]
    numbers = f"{one} with {pair[0]}, {other} with {pair[1]}"
    found = f"more with {winner}" if winner != SAME else "no difference to speak of"
    return Verdict(winner, f"{in_words(figure)}: {numbers}; {found}")


def tally(votes: dict[str, int], winner: str) -> str:
    """How many were right, in a sentence; "" when nobody has predicted anything."""
    total = sum(votes.values())
    if not total:
        return ""
    right = votes.get(winner, 0)
    return f"{right} of {total} predicted it" if total > 1 else ("predicted so" if right else "not what was predicted")
