"""Real threads: the same handlers, and nobody decides who comes first.

The explorer proves what can happen; this shows that it does happen, on the machine at hand.  Each request is served
by a thread of its own over the shared stores; all begin together.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from typing import Any, cast

import attrs

from sim.errors import FlowError
from sim.flow import Effect, Handler, Note, Reply, Step, Work
from sim.http import Request, Response
from sim.store import Store

_TICK = 0.0002
"""Seconds between two looks at whether a lock is free."""


@attrs.frozen
class Served:
    """What came of it.

    *replies*: for each request its last answer, None when its handler gave none.  *effects*: the keys of all
    `Effect`s, in the order in which they happened.
    """

    replies: tuple[Response | None, ...]
    effects: tuple[str, ...]


def serve(
    service: Handler,
    requests: Sequence[Request],
    *,
    pace: float = 0.0,
    meet: str | None = None,
    patience: float = 10.0,
) -> Served:
    """Serve *requests* at the same time, each in a thread of its own, and wait until all are done.

    *pace*: real seconds for one second of `Work`; 0 lets work take no time.  *meet*: at the first `Step` of this
    name every request waits for all the others, so that a race which is rare comes out every time; who ends without
    getting there is not waited for, and who is held up by a lock no longer than *patience*.  *patience*: real
    seconds that a request may wait for a lock.  `now` is the time since the start.

    Raises: the first exception out of a handler; `TimeoutError` when a request waits longer than *patience* for a
    lock; `FlowError` for a command that is not a server's.
    """
    shared = _Shared(service, pace, meet, patience, len(requests))
    # A store knows a process by its request's identity, and the same request may be asked for twice.
    workers = [_Worker(shared, attrs.evolve(request)) for request in requests]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for worker in workers:
        if worker.error is not None:
            raise worker.error
    return Served(tuple(worker.reply for worker in workers), tuple(shared.effects))


def one_at_a_time(store: Store) -> Store:
    """The same *store* for real threads: a `MemoryStore` is made for one thread, and here each access has a lock.

    A `sim.live.sqlite.SQLiteStore` needs none: its locks are SQLite's.
    """
    return cast(Store, _OneAtATime(store))


class _OneAtATime:
    """*held*: a store, or a transaction of one, which goes through the same lock."""

    def __init__(self, held: Any, lock: threading.Lock | None = None) -> None:
        self._held, self._lock = held, lock or threading.Lock()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._held, name)

        def locked(*arguments: Any, **named: Any) -> Any:
            with self._lock:
                answer = method(*arguments, **named)
            return _OneAtATime(answer, self._lock) if name == "begin" and answer is not None else answer

        return locked


class _Shared:
    """What the threads of one round have in common."""

    def __init__(self, service: Handler, pace: float, meet: str | None, patience: float, count: int) -> None:
        self.service, self.pace, self.meet, self.patience = service, pace, meet, patience
        self.start = threading.Barrier(count)
        self.meeting = threading.Barrier(count)
        self.effects: list[str] = []  # appending to a list is atomic
        self.began = time.monotonic()

    def now(self) -> float:
        return time.monotonic() - self.began


class _Worker(threading.Thread):
    """The process that serves one request."""

    def __init__(self, shared: _Shared, request: Request) -> None:
        super().__init__(daemon=True)
        self.reply: Response | None = None
        self.error: BaseException | None = None
        self._shared, self._request, self._has_met = shared, request, False

    def run(self) -> None:
        try:
            self._shared.start.wait()
            self._serve()
        except BaseException as error:
            self.error = error
            died = getattr(self._shared.service, "died", None)
            if died is not None:
                died(self._request)
        finally:
            if not self._has_met:
                self._shared.meeting.abort()

    def _serve(self) -> None:
        shared = self._shared
        flow = shared.service(self._request, shared.now())
        answer: float | None = None
        while True:
            try:
                command = flow.send(answer)  # type: ignore[arg-type]
            except StopIteration:
                return
            self._obey(command)
            answer = shared.now()

    def _obey(self, command: Any) -> None:
        shared = self._shared
        if isinstance(command, Work):
            if shared.pace and command.seconds:
                time.sleep(shared.pace * command.seconds)
        elif isinstance(command, Step):
            if command.name == shared.meet and not self._has_met:
                self._meet()
            if command.when is not None:
                self._wait(command)
        elif isinstance(command, Effect):
            shared.effects.append(command.key)
        elif isinstance(command, Reply):
            self.reply = command.response
        elif not isinstance(command, Note):
            raise FlowError(f"the service yielded {command!r}, which is none of Work, Step, Effect, Reply, Note")

    def _meet(self) -> None:
        self._has_met = True
        with contextlib.suppress(threading.BrokenBarrierError):  # somebody does not come: go on without them
            self._shared.meeting.wait(self._shared.patience)

    def _wait(self, step: Step) -> None:
        assert step.when is not None
        deadline = time.monotonic() + self._shared.patience
        while not step.when():
            if time.monotonic() > deadline:
                raise TimeoutError(f"a request waited {self._shared.patience:g} s at {step.name!r}")
            time.sleep(_TICK)
