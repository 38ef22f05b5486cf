"""Why the comparison matters: the naive one takes longer the more the attacker has right.

For teaching, with steps in place of nanoseconds: `naive_equal` stops at the first difference, and how far it came can
be measured from outside.  Position by position, 16 guesses each, a hex signature of 64 digits is then found in at most
1,024 requests, not in 16^64.  `StripeScheme` and `StandardScheme` compare with `hmac.compare_digest`.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs


@attrs.frozen
class Compared:
    """What a comparison found, and the *steps* that it took: characters looked at."""

    equal: bool
    steps: int


def naive_equal(expected: str, got: str) -> Compared:
    """Whether the texts are equal, in steps that depend on how long their common beginning is.

    >>> naive_equal("87c2", "0000").steps, naive_equal("87c2", "87c0").steps
    (1, 4)
    """
    if len(expected) != len(got):
        return Compared(False, 0)
    for steps, (one, other) in enumerate(zip(expected, got, strict=True), start=1):
        if one != other:
            return Compared(False, steps)
    return Compared(True, len(expected))


def full_equal(expected: str, got: str) -> Compared:
    """Whether the texts are equal, in steps that depend on their length alone: every difference is added up.

    >>> full_equal("87c2", "0000").steps, full_equal("87c2", "87c0").steps
    (4, 4)
    """
    if len(expected) != len(got):
        return Compared(False, 0)
    difference = 0
    for one, other in zip(expected, got, strict=True):
        difference |= ord(one) ^ ord(other)
    return Compared(difference == 0, len(expected))


@attrs.frozen
class Guessed:
    """What a stranger has found out: the text, or None, and the *requests* that he needed."""

    text: str | None
    requests: int


def guess(length: int, seen: Callable[[str], Compared], *, digits: str = "0123456789abcdef") -> Guessed:
    """What can be learned of a secret text of this *length* from the steps of its comparison with one's own.

    *seen*: what comes of a guess; the stranger knows the steps, because they take time.  At each place he keeps the
    digit that leads farthest, and gives up where no digit does.

    >>> guess(4, lambda got: naive_equal("87c2", got)).text, guess(4, lambda got: full_equal("87c2", got)).text
    ('87c2', None)
    """
    known, requests = "", 0
    while len(known) < length:
        reached: dict[str, int] = {}
        for digit in digits:
            requests += 1
            # What comes after is no digit, so that it never agrees by chance.
            compared = seen((known + digit).ljust(length, "x"))
            if compared.equal:
                return Guessed(known + digit, requests)
            reached[digit] = compared.steps
        farthest = [digit for digit, steps in reached.items() if steps == max(reached.values())]
        if len(farthest) != 1:
            break
        known += farthest[0]
    return Guessed(None, requests)
