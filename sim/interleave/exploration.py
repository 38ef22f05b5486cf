"""What an exploration found: counts, and the shortest schedule that breaks the rule, as a sequence diagram."""

from __future__ import annotations

import attrs

from sim.flow import Handler
from sim.http import Request, Response


@attrs.frozen
class Moment:
    """One point of a schedule: which request (0 is the first) did *what*.

    *kind*: "step", "effect", "reply", "dies", "waits", "raises" or "ends".
    """

    request: int
    kind: str
    what: str


@attrs.frozen(eq=False)
class Ending:
    """How a schedule ended, for the invariant to judge.

    *service*: with its stores, as they are now.  *effects*: the keys of all `Effect`s, in order.  *replies*: for
    each request its last answer, None when it got none.  *died*: for each request whether its process died.
    """

    service: Handler
    effects: tuple[str, ...]
    replies: tuple[Response | None, ...]
    died: tuple[bool, ...]


@attrs.frozen(eq=False, repr=False)
class Exploration:
    """Counts, and the shortest violation.

    *schedules*: complete orders of all points, crashes included; *violating*: how many of them break the rule.
    *states*: different situations that were visited.  *complete*: False when the limit stopped it: then the counts
    are of what it saw, and no violation means only that none was seen.  *sentence*: what is wrong in the shortest
    violation, empty when there is none; *path*: that schedule, point by point.
    """

    requests: tuple[Request, ...]
    schedules: int
    violating: int
    states: int
    complete: bool
    sentence: str = ""
    path: tuple[Moment, ...] = ()

    @property
    def ok(self) -> bool:
        """True when everything was seen and no schedule breaks the rule."""
        return self.complete and not self.violating

    @property
    def summary(self) -> str:
        """The counts in a sentence or two."""
        one = f"{self.schedules:,} schedule{'s' * (self.schedules != 1)}"
        counted = f"{one} of {len(self.requests)} request{'s' * (len(self.requests) != 1)}: "
        if self.violating:
            counted += f"{self.violating:,} break{'s' * (self.violating == 1)} the rule"
        else:
            counted += "none breaks the rule"
        return counted if self.complete else f"{counted}. Stopped at the limit: this is not everything"

    def diagram(self) -> str:
        """The shortest violation as a sequence diagram in text, a column for each request; empty when there is none."""
        if not self.path:
            return ""
        cells = [(moment.request, mark(moment)) for moment in self.path]
        headings = [f"request {number + 1}: {one.method} {one.path}" for number, one in enumerate(self.requests)]
        widths = [
            max(len(heading), *(len(text) for at, text in cells if at == number), 0)
            for number, heading in enumerate(headings)
        ]
        lines = ["     " + "   ".join(heading.ljust(width) for heading, width in zip(headings, widths, strict=True))]
        for number, (at, text) in enumerate(cells, start=1):
            row = [text if at == column else "|" for column in range(len(widths))]
            lines.append(
                f"{number:3}  " + "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            )
        return "\n".join(line.rstrip() for line in lines)

    def __str__(self) -> str:
        if not self.path:
            return f"{self.summary}."
        return f"{self.summary}.\nThe shortest, in {len(self.path)} points: {self.sentence}.\n\n{self.diagram()}"

    __repr__ = __str__


def mark(moment: Moment) -> str:
    """A moment in a word or two, as the diagrams write it.

    >>> mark(Moment(0, "effect", "pay-1"))
    'EFFECT pay-1'
    """
    if moment.kind == "effect":
        return f"EFFECT {moment.what}"
    if moment.kind == "reply":
        return f"<- {moment.what}"
    if moment.kind == "dies":
        return "X dies"
    if moment.kind == "raises":
        return f"! {moment.what}"
    return moment.what
