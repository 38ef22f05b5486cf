"""Editors of a profile: people who read it, think, and write one field; and what an observer sees them lose."""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Iterable
from random import Random
from typing import Any

import attrs

from sim.flow import CallFlow, Handler, HandlerFlow, Note, Send, Step, Wait
from sim.http import Request, json_body
from sim.knobs import knob
from sim.outcome import Outcome
from sim.policies.http.patch import MERGE_PATCH
from sim.services.profiles.designs import TABLE
from sim.store import Store

WRITTEN = "written"
"""The kind of the `Note` that an observed service yields right after every write of a profile."""


class Habit(enum.Enum):
    """What an editor sends."""

    PUT = "the whole profile as it was read, with the field changed"
    PUT_WHAT_IT_KNOWS = "the name, which is required, and the field: PUT where PATCH was meant"
    PATCH = "a merge patch with the field"


@attrs.frozen(kw_only=True)
class Editor:
    """A client whose call is one edit: its request is a merge patch of one field, the intent.

    It reads the profile, thinks for as long as the request's `Thinks-For` header says, and writes by its *habit*.
    *guarded*: the write carries If-Match with the tag that was read; after a 412 the editor reads again, puts its
    field into what is there now, and writes at once.  *attempts*: writes in all before it gives up.
    """

    habit: Habit = Habit.PUT
    guarded: bool = knob(False, kind=bool, help="sends If-Match, and starts over after a 412")
    attempts: int = knob(20, kind=int, low=1, high=1_000, unit="writes", help="writes before it gives up")

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """One edit, until it is written or refused."""
        change: dict[str, Any] = json.loads(request.body)
        sent = 0
        for _ in range(self.attempts):
            answer: tuple[float, Outcome] = yield Send(sent + 1, Request("GET", request.path, request.key))
            page = answer[1]
            present = page.document()
            if not page.ok or present is None:
                return page
            if not sent:
                yield Wait(float(request.header("Thinks-For") or 0.0))
            answer = yield Send(sent + 2, self._write(request, change, present, page))
            sent += 2
            if answer[1].status != 412:
                return answer[1]
        return answer[1]

    def _write(self, request: Request, change: dict[str, Any], profile: Any, page: Outcome) -> Request:
        tag = page.response.header("ETag") if self.guarded and page.response is not None else None
        headers = {} if tag is None else {"If-Match": tag}
        if self.habit is Habit.PATCH:
            headers["Content-Type"], body = MERGE_PATCH, change
        elif self.habit is Habit.PUT:
            headers["Content-Type"], body = "application/json", {**profile, **change}
        else:
            headers["Content-Type"], body = "application/json", {"name": profile["name"], **change}
        method = "PATCH" if self.habit is Habit.PATCH else "PUT"
        return Request(method, request.path, request.key, headers, json_body(body))


class Observed:
    """A profiles service that notes every profile as it is right after each write, before anybody else comes."""

    def __init__(self, service: Handler, store: Store) -> None:
        self.service = service
        self.store = store

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve *request* as the service does."""
        flow, answer = self.service(request, now), None
        while True:
            try:
                command = flow.send(answer)  # type: ignore[arg-type]
            except StopIteration:
                return
            if isinstance(command, Step) and command.name.startswith("write the profile"):
                name = request.resource.rpartition("/")[2]
                row = {"profile": name, "intent": request.key, "is": self.store.get(TABLE, name)}
                yield Note(WRITTEN, json_body(row).decode())
            answer = yield command


@attrs.frozen
class Losses:
    """What writers took from each other.  *lost*: values that a write of something else put back or erased, each
    counted once.  *erased*: how often a field was there before a write of something else, and not after it."""

    lost: int
    erased: int


def losses(notes: Iterable[str], initial: dict[str, Any]) -> Losses:
    """Count what the writes, in order, did to fields that their authors did not mean to change.

    *notes*: the texts of the `WRITTEN` notes.  *initial*: what every profile was at first.  A value belongs to the
    intent whose key stands in it, as `value_of` writes it.
    """
    present: dict[str, dict[str, Any]] = {}
    lost: set[tuple[str, str, str]] = set()
    erased = 0
    for note in notes:
        row = json.loads(note)
        name, after = row["profile"], row["is"] or {}
        before = present.get(name, initial)
        mine = value_of(row["intent"])
        for field, value in before.items():
            if after.get(field) != value and mine not in str(after.get(field)):
                erased += field not in after
                if value != initial.get(field):
                    lost.add((name, field, value))
        present[name] = after
    return Losses(len(lost), erased)


def value_of(key: str) -> str:
    """The text by which a value tells whose it is.

    >>> value_of("7")
    'v7v'
    """
    return f"v{key}v"


def undone_share(*, rate: float, window: float, fields: int = 4) -> float:
    """The share of edits by PUT that somebody undoes who never saw them.

    *rate*: edits of one profile a second, at random (a Poisson process), each of one of *fields* fields, all alike.
    *window*: seconds from reading to writing.  An edit is lost when somebody with another field has read before it
    is written, and writes after it: 1 - exp(-(1 - 1/fields) rate window).

    Raises: `ValueError` when a number is out of range.

    >>> round(undone_share(rate=0.5, window=2.06), 3), undone_share(rate=0.5, window=2.06, fields=1)
    (0.538, 0.0)
    """
    if not (0.0 <= rate < math.inf and 0.0 <= window < math.inf and fields >= 1):
        raise ValueError(
            f"rate and window must be finite and at least 0, fields at least 1, got {rate!r}, {window!r}, {fields!r}"
        )
    return 1.0 - math.exp(-(1.0 - 1.0 / fields) * rate * window)
