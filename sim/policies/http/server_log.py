"""Errors and logs: the answer says where to look, and only the log says what was there.

A `traceId` joins the two.  It comes with the request, when its sender already traces (W3C Trace Context), or is
derived from the request, so that one run gives the same ids every time.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque

import attrs

from sim.flow import Handler, HandlerFlow, Reply
from sim.http import Request, Response, json_body
from sim.knobs import knob
from sim.policies.http.problem import read_problem, unexpected

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_LINE = 200
"""Characters of a request line that a row keeps."""


@attrs.frozen(kw_only=True)
class LogRow:
    """One row.  *level*: "warning" for an error answer that was meant, "error" for one that nobody foresaw.

    *at*: seconds.  *request*: method and path, without the query, where secrets get written by mistake.  *detail*:
    everything there is to know, for the people who run the server and nobody else.
    """

    trace_id: str
    level: str
    at: float
    request: str
    detail: str


@attrs.define(kw_only=True)
class ServerLog:
    """The rows that a server wrote, the oldest first; it keeps the last *limit*."""

    limit: int = knob(10_000, kind=int, low=1, high=10_000_000, unit="rows", help="rows that are kept")
    _rows: deque[LogRow] = attrs.field(init=False, factory=deque)
    _requests: int = attrs.field(init=False, default=0)

    @property
    def rows(self) -> tuple[LogRow, ...]:
        """All rows that are kept."""
        return tuple(self._rows)

    def find(self, trace_id: str) -> tuple[LogRow, ...]:
        """The rows of *trace_id*: what the person at the other end of the support ticket looks up."""
        return tuple(row for row in self._rows if row.trace_id == trace_id)

    def trace(self, request: Request) -> str:
        """The trace id of a request that has come in: its caller's, else one derived from it and its turn."""
        self._requests += 1
        given = read_traceparent(request.header("traceparent") or "")
        if given is not None:
            return given
        seed = "\n".join((request.key, request.method, request.path, str(self._requests)))
        return hashlib.blake2b(seed.encode(errors="replace"), digest_size=16).hexdigest()

    def write(self, trace_id: str, level: str, request: Request, now: float, detail: str) -> None:
        """Add a row.  A line break in the request line is escaped: one request cannot forge two rows."""
        line = f"{request.method} {request.resource}"[:_LINE].encode("unicode_escape").decode()
        if len(self._rows) == self.limit:
            self._rows.popleft()
        self._rows.append(LogRow(trace_id=trace_id, level=level, at=now, request=line, detail=detail))


def read_traceparent(value: str) -> str | None:
    """The trace id in a `traceparent` header, or None when it is not well formed.

    Lower-case hex only; all zeros is no id; version ff is forbidden, and version 00 has exactly four parts.
    Source: W3C Trace Context, Level 1, §3.2.

    >>> read_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    '4bf92f3577b34da6a3ce929d0e0e4736'
    >>> read_traceparent("00-00000000000000000000000000000000-00f067aa0ba902b7-01")
    """
    match = _TRACEPARENT.fullmatch(value)
    if match is None:
        return None
    version, trace_id, parent_id, more = match.groups()
    if version == "ff" or not trace_id.strip("0") or not parent_id.strip("0") or (version == "00" and more):
        return None
    return trace_id


class Guarded:
    """A service behind the last line of defence: whatever its handler raises becomes a 500 and a row in the log.

    Every problem document that passes gets a `traceId`, and the log a row under it.  A handler that fails after its
    reply cannot answer twice: then there is only the row.  A transaction that it left open is rolled back.
    """

    def __init__(self, service: Handler, log: ServerLog) -> None:
        self.service = service
        self.log = log

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve *request*; no exception leaves this flow."""
        trace_id = self.log.trace(request)
        replied = False
        answer: float | None = None
        flow: HandlerFlow | None = None
        while True:
            try:
                flow = self.service(request, now) if flow is None else flow
                command = flow.send(answer)  # type: ignore[arg-type]
            except StopIteration:
                return
            except Exception as error:
                self.log.write(trace_id, "error", request, now, _full_detail(error))
                self.died(request)
                if not replied:
                    yield Reply(unexpected(trace_id))
                return
            if isinstance(command, Reply):
                replied = True
                command = Reply(self._traced(command.response, trace_id, request, now))
            now = answer = yield command

    def died(self, request: Request) -> None:
        """The process that served *request* is gone: the service's stores roll back."""
        told = getattr(self.service, "died", None)
        if told is not None:
            told(request)

    def _traced(self, response: Response, trace_id: str, request: Request, now: float) -> Response:
        told = read_problem(response)
        if told is None:
            return response
        errors = "".join(f"; {error.pointer}: {error.detail}" for error in told.errors)
        self.log.write(trace_id, "warning", request, now, f"{told.status} {told.title}: {told.detail}{errors}")
        return attrs.evolve(response, body=json_body({**response.json(), "traceId": trace_id}))


def _full_detail(error: BaseException) -> str:
    """The type and text of *error*, what it came from, and where: functions by name, so that no path is written."""
    said = f"{type(error).__name__}: {error}"
    where = []
    step = error.__traceback__
    while step is not None:
        where.append(step.tb_frame.f_code.co_name)
        step = step.tb_next
    cause = error.__cause__ or error.__context__
    return f"{said} (in {' > '.join(where[1:]) or 'the service'})" + (
        f"; after {type(cause).__name__}: {cause}" if cause is not None else ""
    )
