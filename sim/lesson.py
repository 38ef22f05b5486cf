"""What a lesson needs beside the model: the check of a prediction."""

from __future__ import annotations

import math


def check(prediction: object, measured: float, *, within: float = 0.25) -> None:
    """Print how a prediction compares with the run; it never raises.

    *within*: how far off, as a share of the measured value, still counts as right.

    >>> check(None, 26)
    not attempted yet
    >>> check(40, 26)
    you said 40, the run gave 26
    >>> check(25, 26)
    right: you said 25, the run gave 26
    """
    if prediction is None:
        print("not attempted yet")
        return
    gave = (
        f"you said {prediction}, the run gave {measured:,.4g}"
        if abs(measured) < 1_000
        else (f"you said {prediction}, the run gave {measured:,.0f}")
    )
    right = (
        isinstance(prediction, int | float)
        and math.isfinite(prediction)
        and abs(prediction - measured) <= within * abs(measured)
    )
    print(f"right: {gave}" if right else gave)
