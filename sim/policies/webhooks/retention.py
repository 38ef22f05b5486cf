"""Retention: how long a consumer must know the ids of the events that it has processed.

As long as the same event can still come.  The guide says 72 hours, its own retry window; but it also stretches every
delay by up to a fifth, keeps what failed for 30 days, and replays that with a fresh set of retries.
"""

from __future__ import annotations

import attrs

from sim.knobs import Knob, knob

HOUR = 3_600.0
DAY = 24 * HOUR

GUIDE = 72 * HOUR
"""Seconds that the guide keeps ids: "at least the retry window duration (e.g., 72 hours)"."""

STANDARD_WEBHOOKS_SCHEDULE = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Seconds between the ten attempts of the example schedule in Standard Webhooks 1.0.0: 75 h 35 min 5 s in all."""


def required_retention(
    *, retry_window: float, jitter: float = 0.0, dead_letters: float = 0.0, replay_window: float | None = None
) -> float:
    """Seconds from the first delivery to the last instant at which the same event can come again.

    *retry_window*: seconds from the first attempt to the last, without jitter.  *jitter*: the most that it adds to a
    delay, as a share of it: 0.2 for `base * (1 + U(0, 0.2))`.  *dead_letters*: seconds that an event waits at most to
    be replayed once its retries are used up; 0 is: nothing is ever replayed.  *replay_window*: seconds that the
    retries of a replay take; None is the stretched retry window again, a "fresh retry budget".

    The first delivery can have been processed though its acknowledgement was lost, and so can every later one: all
    three add up.  A replay that ends among the dead letters again begins anew; an event may then come for ever, and no
    retention is enough, only an effect that may be repeated.

    Raises: `ValueError` or `TypeError` for anything but finite seconds, at least 0.

    >>> required_retention(retry_window=72 * HOUR, jitter=0.2) / HOUR
    86.4
    >>> required_retention(retry_window=72 * HOUR, jitter=0.2, dead_letters=30 * DAY) / DAY
    37.2
    """
    seconds = Knob(low=0)
    stretched = seconds.check(retry_window, "retry_window") * (1.0 + seconds.check(jitter, "jitter"))
    waiting = seconds.check(dead_letters, "dead_letters")
    again = stretched if replay_window is None else seconds.check(replay_window, "replay_window")
    return float(stretched + (waiting + again if waiting else 0.0))


@attrs.frozen
class Retention:
    """Ids are kept for *seconds*; None is for ever.

    An id that is exactly *seconds* old is still known.

    >>> Retention(GUIDE).expired(recorded=0.0, now=30 * DAY)
    True
    """

    seconds: float | None = knob(None, low=0, optional=True, unit="s", help="how long an id is kept")

    def expired(self, *, recorded: float, now: float) -> bool:
        """True when an id recorded at *recorded* may be forgotten at *now*."""
        return self.seconds is not None and now - recorded > self.seconds

    def covers(self, required: float) -> bool:
        """True when no event can come back after its id was forgotten; *required*: see `required_retention`."""
        return self.seconds is None or self.seconds >= required
