"""What an endpoint's answer means: a table, because nobody agrees and the guide contradicts itself.

One line of it says that everything but a 410 is retried, the next that 400, 401 and 403 are not.  What a receiver
answers during a bad deployment is repaired within the hour, so a rule that gives up at once loses that hour's events.

Source: Standard Webhooks 1.0.0, "Delivery success and failure"; RFC 9110 §15.4 (3xx), §15.5.11 (410), §10.2.3
(Retry-After).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable

import attrs

from sim.knobs import knob
from sim.outcome import CONNECTION_REFUSED, Outcome


class Action(enum.Enum):
    """What the platform does about an answer."""

    DELIVERED = "delivered"
    RETRY = "retry"
    STOP = "stop"
    """No further attempt: to the dead letters at once."""
    DROP = "drop"
    """Forget the event, by this very rule."""
    DISABLE = "disable"
    """To the dead letters, and nothing more to this endpoint."""


@attrs.frozen
class Ruling:
    """*action*, the *reason* in a word or two for the log, and the seconds the endpoint asked to wait, None is none."""

    action: Action
    reason: str
    retry_after: float | None = None


_PATTERN = re.compile(r"[1-5][0-9][0-9]|[1-5]xx|timeout|refused|private address|garbage|else")


def _table(rows: Iterable[tuple[str, Action]]) -> tuple[tuple[str, Action], ...]:
    try:
        return tuple((pattern, action) for pattern, action in rows)
    except (TypeError, ValueError):
        raise ValueError(f"rows must be pairs of a pattern and an Action, got {rows!r}") from None


@attrs.frozen
class ResponseRules:
    """A table of (pattern, action); the first row that fits decides.

    *rows*: a pattern is a status ("410"), a class ("4xx"), "timeout" (no answer, and nobody knows whether it was
    received), "refused" (nothing was sent: no connection, no address for the name), "private address" (the endpoint's
    name led into our own network, and nothing was sent), "garbage" (a status that HTTP does not have), or "else", which
    must come last.  *heed_retry_after*: wait at least as long as asked.  *longest_wait*: seconds; what an endpoint asks
    for beyond that is not heeded, or it could switch its webhooks off for years.

    A redirect is never followed: it would lead our signed events, and our own machines, wherever its sender likes.

    Raises: `ValueError`, one sentence, for rows that are no pairs, have no such pattern, or do not end with "else".

    >>> ResponseRules().judge(Outcome.answered(503, 120.0))
    Ruling(action=<Action.RETRY: 'retry'>, reason='503', retry_after=120.0)
    >>> ResponseRules().with_row("4xx", Action.STOP).judge(Outcome.answered(404)).action
    <Action.STOP: 'stop'>
    """

    rows: tuple[tuple[str, Action], ...] = attrs.field(
        default=(("2xx", Action.DELIVERED), ("410", Action.DISABLE), ("else", Action.RETRY)), converter=_table
    )
    heed_retry_after: bool = knob(True, kind=bool, help="wait at least as long as asked", kw_only=True)
    longest_wait: float = knob(86_400.0, low=0, unit="s", help="the longest wait that is heeded", kw_only=True)
    _known: dict[tuple[int | None, str], Ruling] = attrs.field(init=False, factory=dict, eq=False, repr=False)

    @rows.validator
    def _check(self, attribute: object, value: tuple[tuple[str, Action], ...]) -> None:
        for pattern, action in value:
            if not isinstance(pattern, str) or not _PATTERN.fullmatch(pattern):
                raise ValueError(
                    "a row's pattern must be a status, a class such as 4xx, timeout, refused, private address, "
                    f"garbage or else, got {pattern!r}"
                )
            if not isinstance(action, Action):
                raise ValueError(f"the row {pattern!r} must have an Action, got {action!r}")
        if not value or value[-1][0] != "else":
            raise ValueError("rows must end with else, so that every answer has a rule")

    def with_row(self, pattern: str, action: Action) -> ResponseRules:
        """A copy with one more row, before all others.

        Raises: `ValueError` for a pattern that is none.
        """
        return attrs.evolve(self, rows=((pattern, action), *self.rows))

    def judge(self, outcome: Outcome) -> Ruling:
        """What to do about *outcome*; a wait that is asked for is part of the ruling only where there is a retry."""
        key = outcome.status, outcome.reason  # with no status, the reason says whether it failed or is unknown
        ruling = self._known.get(key)
        if ruling is None:
            # A hostile endpoint could answer with a new number each time: the memory is bounded by statuses of HTTP.
            ruling = self._rule(outcome)
            if len(self._known) < 1_000:
                self._known[key] = ruling
        asked = outcome.retry_after
        if asked is None or not self.heed_retry_after or ruling.action is not Action.RETRY:
            return ruling
        if not asked >= 0.0:  # a wait below 0, or NaN, is none
            return ruling
        return Ruling(ruling.action, ruling.reason, min(asked, self.longest_wait))

    def _rule(self, outcome: Outcome) -> Ruling:
        kind, reason = _describe(outcome)
        fitting = (kind, f"{kind[0]}xx", "else") if kind.isdigit() else (kind, "else")
        for pattern, action in self.rows:
            if pattern in fitting:
                return Ruling(action, reason)
        raise AssertionError("a table ends with else")


def _describe(outcome: Outcome) -> tuple[str, str]:
    """The kind of an outcome that a pattern can name, and its words for the log."""
    status = outcome.status
    if outcome.reason == "private address":
        return "private address", "resolves to a private address"
    if status is None:
        return ("refused", outcome.reason) if outcome.failed else ("timeout", "timed out")
    if status == CONNECTION_REFUSED:
        return "refused", "connection refused"
    if not 100 <= status <= 599:
        return "garbage", f"not an HTTP status: {status}"
    if 300 <= status < 400:
        return str(status), f"{status}: redirects are not followed"
    return str(status), "410: gone" if status == 410 else str(status)


RETRY_ALL_BUT_GONE = ResponseRules(
    (("2xx", Action.DELIVERED), ("410", Action.STOP), ("else", Action.RETRY)), heed_retry_after=False
)
"""The guide's one line: only 2xx is success, and all else is retried, except 410.  Of Retry-After it says nothing."""

FAST_FAIL = ResponseRules(
    (
        ("2xx", Action.DELIVERED), ("400", Action.STOP), ("401", Action.STOP), ("403", Action.STOP),
        ("410", Action.STOP), ("else", Action.RETRY),
    )
)  # fmt: skip
"""The guide's next line: 400, 401 and 403 mean a mistake at the client; stop and tell."""

STANDARD_WEBHOOKS = ResponseRules()
"""Standard Webhooks 1.0.0: 2xx is success, 410 disables, all else is retried, and Retry-After is heeded."""
