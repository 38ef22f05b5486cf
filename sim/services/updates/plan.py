"""When a user has updates: drawn from what its requests carry, so that both sides know without telling each other."""

from __future__ import annotations

import math
from random import Random

from sim.flow import Note
from sim.http import Request

HEARD, HAPPENED, PUSHED = "heard", "happened", "pushed"
"""What is noted: a user knows of an update, how many a user has in all, a message on an open connection."""

MOST = 1_000_000
"""Updates of one user at most: what a request may ask to be drawn."""


def ask_for_updates(user: int, u: float, *, rate: float, until: float) -> Request:
    """The request that a user begins with: it carries what its updates are drawn from.

    *u*: the user's own number on 0..1.  *rate*: updates a second.  *until*: seconds, the last instant.
    """
    return Request("GET", "/updates", str(user), {"X-Draw": repr(u), "X-Rate": repr(rate), "X-Until": repr(until)})


def instants_of(request: Request) -> list[float]:
    """When the user of *request* has updates: a Poisson process.

    Raises: `ValueError`, one sentence, when the request does not carry what they are drawn from.
    """
    draw, until = request.header("X-Draw"), until_of(request)
    rate = seconds_in(request.header("X-Rate"), "X-Rate")
    if draw is None:
        raise ValueError("X-Draw must be there, it says which updates these are")
    if rate <= 0.0 or rate * until > MOST:
        raise ValueError(f"X-Rate must be more than 0 and make at most {MOST:,} updates")
    rng = Random(draw)
    instants: list[float] = []
    now = 0.0
    while True:
        now += -math.log1p(-rng.random()) / rate
        if now >= until:
            return instants
        instants.append(now)


def until_of(request: Request) -> float:
    """The instant after which the user of *request* has no updates.  Raises: `ValueError`."""
    return seconds_in(request.header("X-Until"), "X-Until")


def heard(request: Request, instant: float) -> Note:
    """The user of *request* knows now of the update of *instant*."""
    return Note(HEARD, f"{request.key} {instant!r}")


def seconds_in(text: str | None, name: str, *, infinite: bool = False) -> float:
    """The number in *text*, at least 0.  Raises: `ValueError`, which calls it *name*.

    >>> seconds_in("30", "hold")
    30.0
    >>> seconds_in("nan", "hold")
    Traceback (most recent call last):
    ValueError: hold must be a number of at least 0
    """
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    if not (0.0 <= number < math.inf or (infinite and number == math.inf)):
        raise ValueError(f"{name} must be a number of at least 0")
    return number


def count_in(text: str, name: str) -> int:
    """The whole number in *text*, at least 0.  Raises: `ValueError`, which calls it *name*."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ValueError(f"{name} must be a whole number of at least 0")
    return int(text)
