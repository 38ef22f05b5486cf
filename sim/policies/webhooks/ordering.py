"""Ordering: what a consumer does with an event that may have been overtaken by a later one.

A rule looks at what the consumer has (`Projection`) and at what came (`Change`), and says what it has then.  A change
carries both kinds of content that webhooks have: a *snapshot* (the status as it then was) and a *delta* (the amount
that was added).  Newest wins is right for snapshots and loses deltas; adding up is right for deltas and blind to order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import attrs

from sim.knobs import knob


@attrs.frozen(kw_only=True)
class Change:
    """What one event says.

    *sequence*: 1 for the first change of this object, then one more each time, given by the source.  *at*: its
    timestamp, seconds since the epoch; webhooks carry whole seconds.  *status*: the snapshot.  *delta*: what is added
    to the total.
    """

    sequence: int
    at: float
    status: str
    delta: int = 0


@attrs.frozen(kw_only=True)
class Projection:
    """What the consumer believes about one object: the last change that counted, and the sum of the deltas.

    *waiting*: changes that came too early and are held back, in the order of their sequence.
    """

    sequence: int = 0
    at: float | None = None
    status: str = ""
    total: int = 0
    waiting: tuple[Change, ...] = ()

    def after(self, change: Change) -> Projection:
        """The projection once *change* has been applied."""
        return attrs.evolve(
            self, sequence=change.sequence, at=change.at, status=change.status, total=self.total + change.delta
        )

    def document(self) -> dict[str, Any]:
        """As a JSON document, for a store."""
        return attrs.asdict(self) | {"waiting": [attrs.asdict(change) for change in self.waiting]}

    @staticmethod
    def of(document: Mapping[str, Any] | None) -> Projection:
        """The projection that a *document* holds; an empty one for None."""
        if document is None:
            return Projection()
        return Projection(**{**document, "waiting": tuple(Change(**change) for change in document["waiting"])})


@attrs.frozen
class Applied:
    """Write this *projection*.  *missing*: how many earlier changes have not been seen, as far as the rule can tell."""

    projection: Projection
    missing: int = 0


@attrs.frozen
class Dropped:
    """Change nothing and say 200: asking for the event again would not help.  *reason*: one sentence."""

    reason: str


@attrs.frozen
class Refused:
    """Change nothing and ask for the event again, later.  *reason*: one sentence."""

    reason: str


Ruling: TypeAlias = Applied | Dropped | Refused


class OrderingRule(Protocol):
    """What comes of a change."""

    def apply(self, present: Projection, change: Change) -> Ruling:
        """What to do with *change* when *present* is what there is."""
        ...


@attrs.frozen
class ArrivalOrder:
    """Apply every change as it comes: the last to arrive wins, whatever it says.

    >>> ArrivalOrder().apply(Projection(sequence=2, status="succeeded"), Change(sequence=1, at=0, status="pending"))
    Applied(projection=Projection(sequence=1, at=0, status='pending', total=0, waiting=()), missing=0)
    """

    def apply(self, present: Projection, change: Change) -> Ruling:
        """Always apply."""
        return Applied(present.after(change))


@attrs.frozen
class NewerTimestamp:
    """Apply what is strictly newer by its timestamp.

    Right only while timestamps differ and come from one clock.  Of two changes that are *d* < 1 s apart, a share of
    1 - d falls into the same whole second, and the later one is then dropped; a clock that is wrong by more than the
    gap turns them round.
    """

    def apply(self, present: Projection, change: Change) -> Ruling:
        """Apply when the timestamp is newer than the last that counted."""
        if present.at is not None and change.at <= present.at:
            return Dropped(f"its timestamp {change.at:g} is not newer than {present.at:g}")
        return Applied(present.after(change))


@attrs.frozen
class HigherSequence:
    """Apply what has a higher sequence than the last that counted, and tell how many were passed over.

    Right for snapshots.  A change that comes late is dropped with its delta, and one that was passed over is missing
    until it comes.  On what a source answers, this rule is the version guard.
    """

    def apply(self, present: Projection, change: Change) -> Ruling:
        """Apply when the sequence is higher."""
        if change.sequence <= present.sequence:
            return Dropped(f"its sequence {change.sequence} is not higher than {present.sequence}")
        return Applied(present.after(change), missing=change.sequence - present.sequence - 1)


@attrs.frozen
class NextSequence:
    """Apply changes one by one in their order, and hold back what comes early until the gap is closed.

    Right for snapshots and for deltas, and a repetition is recognised as well; the price is waiting.  *hold*: changes
    of one object held back at most; with more the sender is asked to come again.  A change that is lost for good holds
    up its object for ever: whoever waits needs a way to ask the source.
    """

    hold: int = knob(100, kind=int, low=0, high=1_000_000, unit="changes", help="changes held back for one object")

    def apply(self, present: Projection, change: Change) -> Ruling:
        """Apply what is next and all that waited for it; hold back what is early."""
        if change.sequence <= present.sequence:
            return Dropped(f"sequence {change.sequence} was applied before")
        if any(held.sequence == change.sequence for held in present.waiting):
            return Dropped(f"sequence {change.sequence} is already waiting")
        is_next = change.sequence == present.sequence + 1
        if not is_next and len(present.waiting) >= self.hold:
            return Refused(f"sequence {present.sequence + 1} is missing and {len(present.waiting)} changes wait for it")
        waiting = sorted((*present.waiting, change), key=lambda held: held.sequence)
        current = present
        while waiting and waiting[0].sequence == current.sequence + 1:
            current = current.after(waiting.pop(0))
        missing = waiting[-1].sequence - current.sequence - len(waiting) if waiting else 0
        return Applied(attrs.evolve(current, waiting=tuple(waiting)), missing=missing)
