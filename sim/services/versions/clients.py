"""Clients of a versioned API: one that must be told that its version ends, and one that keeps copies by URL."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import attrs

from sim.flow import CallFlow, Note, Send, Wait
from sim.http import Request
from sim.knobs import knob
from sim.outcome import Outcome
from sim.policies.versions.deprecation import read_notice
from sim.policies.versions.shapes import Reader
from sim.policies.versions.versioning import VersionSelector
from sim.services.versions.service import SHAPES, Tags, own_etag

DAY = 86_400.0


@attrs.define(kw_only=True)
class Integrator:
    """A client that was written for version 1 and moves to version 2 when somebody notices that it must.

    *readers*: share of the integrators who look at Deprecation headers; all of them notice calls that fail.
    *notice*, *alarm*: mean seconds from a warning, and from a failure, to the new release.  *patience*: a 503 with
    a Retry-After up to this is waited out, and not noticed.  Who somebody is follows from the uniform number in the
    first request, so that the same people meet every way to end a version.
    """

    readers: float = knob(0.4, low=0, high=1, help="share of clients who read the headers")
    notice: float = knob(30 * DAY, above=0, unit="s", help="mean time from a warning to the move")
    alarm: float = knob(3 * DAY, above=0, unit="s", help="mean time from a failure to the move")
    patience: float = knob(DAY, low=0, unit="s", help="how long a Retry-After is waited out")
    _self: float | None = attrs.field(init=False, default=None)
    _moves_at: float = attrs.field(init=False, default=math.inf)

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """One call in the version that it speaks by now."""
        if self._self is None:
            self._self = float(request.header("Draw") or 0.5)
        version = "2" if now >= self._moves_at else "1"
        wanted = Request("GET", f"/v{version}{request.path}", request.key)
        answer: tuple[float, Outcome] = yield Send(1, wanted)
        now, outcome = answer
        asked = outcome.retry_after
        if outcome.status == 503 and asked is not None and asked <= self.patience:
            yield Wait(asked)
            answer = yield Send(2, wanted)
            now, outcome = answer
        # One uniform number, used twice: below the share it makes a reader, and what is left of it is the patience.
        reads = self._self < self.readers
        rest = self._self / self.readers if reads else (self._self - self.readers) / (1.0 - self.readers)
        if not outcome.ok:
            self._plan(now - self.alarm * math.log1p(-rest))
        elif reads and outcome.response is not None and read_notice(outcome.response) is not None:
            self._plan(now - self.notice * math.log1p(-rest))
        return outcome

    def _plan(self, instant: float) -> None:
        self._moves_at = min(self._moves_at, instant)


@attrs.frozen(kw_only=True)
class Design:
    """Where a version is named, and what the answers tell a cache.

    *request*: the request for a path in a version.  *selector*, *vary*, *tags*: see `VersionedUsers`.
    """

    selector: VersionSelector
    request: Callable[[str, str], Request]
    vary: bool = True
    tags: Tags = own_etag


@attrs.define(kw_only=True)
class Reading:
    """A client that keeps what it has read, by URL, and asks with the ETag whether it has changed.

    *design*: how it names a version.  *moves_at*: from then on it speaks version 2, whatever it spoke before, and
    keeps its copies: a hand-written cache that looks at no Vary.  It notes "wrong version" when what it ends up with
    has not the shape that it asked for.
    """

    design: Design
    moves_at: float = knob(60.0, low=0, infinite=True, unit="s", help="when all clients speak version 2")
    _kept: dict[str, tuple[str, Any]] = attrs.field(init=False, factory=dict)

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """One reading of the user that *request* names."""
        version = "2" if now >= self.moves_at else request.header("Speaks") or "2"
        wanted = self.design.request(request.path, version)
        etag, document = self._kept.get(wanted.path, ("", None))
        condition = {"If-None-Match": etag} if etag else {}
        wanted = attrs.evolve(wanted, key=request.key, headers={**wanted.headers, **condition})
        answer: tuple[float, Outcome] = yield Send(1, wanted)
        outcome = answer[1]
        if outcome.ok and outcome.response is not None:
            document = outcome.document()
            self._kept[wanted.path] = (outcome.response.header("ETag") or "", document)
        elif outcome.status != 304:
            return outcome
        if Reader.strict(SHAPES[version]).refusals(document):
            yield Note("wrong version", f"asked for {version}")
        return Outcome.answered(200)
