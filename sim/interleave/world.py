"""One world of the explorer: a fresh service, and the requests on their way through it, one action at a time."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from sim.errors import FlowError
from sim.flow import Effect, Handler, HandlerFlow, Note, Reply, Step, Work
from sim.http import Request, Response
from sim.interleave.exploration import Ending, Moment
from sim.interleave.freeze import freeze

Action = tuple[str, int]
"""What may happen next: "run" or "die", and which request."""

IDLE = 1_000
"""`Work`s and `Note`s in a row: time stands still here, and a handler that waits for a clock would do so for ever."""


class MoreAfterReplyError(Exception):
    """A handler works on after its reply: the reply is a point of its own, and the path must be replayed so."""

    def __init__(self, place: tuple[int, int]) -> None:
        super().__init__(place)
        self.place = place


class World:
    """One fresh service, and the requests on their way through it."""

    def __init__(
        self,
        service: Handler,
        requests: tuple[Request, ...],
        crashes: int,
        after: dict[int, int],
        more_after: set[tuple[int, int]],
    ) -> None:
        count = len(requests)
        self.service = service
        self.moments: list[Moment] = []
        self.failure = ""
        self._requests, self._after, self._more_after = requests, after, more_after
        self._crashes = crashes
        self._flows: list[HandlerFlow | None] = [None] * count
        self._points = [0] * count
        self._over = [False] * count
        self._died = [False] * count
        self._when: list[Callable[[], bool] | None] = [None] * count
        self._effects: list[str] = []
        self._replies: list[Response | None] = [None] * count

    def state(self) -> Hashable:
        """All that decides what can still happen and how it will be judged."""
        # One call, so that a request's reference to the service's own objects is seen to be one.
        things = freeze(self.service, self._flows, self._replies, self._when, known=self._requests)
        return (
            things, tuple(self._points), tuple(self._over), tuple(self._died), tuple(self._effects), self._crashes,
            self.failure,
        )  # fmt: skip

    def actions(self) -> list[Action]:
        """What may happen next, the request that ran last first."""
        last = self.moments[-1].request if self.moments else 0
        order = sorted(range(len(self._requests)), key=lambda number: (number != last, number))
        runs = [("run", number) for number in order if self._enabled(number)]
        dies = [
            ("die", number) for number in order if self._crashes and self._points[number] and not self._over[number]
        ]
        return runs + (dies if runs else [])

    def _enabled(self, number: int) -> bool:
        if self._over[number]:
            return False
        if self._flows[number] is None:
            return number not in self._after or self._over[self._after[number]]
        when = self._when[number]
        return when is None or when()

    def act(self, action: Action) -> None:
        """Let one request run to its next point, or its process die."""
        what, number = action
        if what == "die":
            self._die(number)
            return
        try:
            self._run(number)
        except (FlowError, MoreAfterReplyError):
            raise
        except Exception as error:
            self.failure = f"request {number + 1} raised {type(error).__name__}: {error}"
            self._over[number] = True
            self._write(number, "raises", f"{type(error).__name__}: {error}")

    def _run(self, number: int) -> None:
        flow = self._flows[number]
        if flow is None:
            flow = self._flows[number] = self.service(self._requests[number], 0.0)
        self._when[number] = None
        answer: Any = 0.0 if self._points[number] else None
        replied = False
        idle = 0
        while True:
            try:
                command = flow.send(answer)
            except StopIteration:
                self._over[number] = True
                if not replied:
                    self._write(number, "ends", "ends")
                return
            if replied:
                raise MoreAfterReplyError((number, self._points[number]))
            answer = 0.0
            if command.__class__ in (Work, Note):
                idle += 1
                if idle > IDLE:
                    raise FlowError(f"request {number + 1} yielded Work or Note {IDLE:,} times without a step")
                continue
            self._points[number] += 1
            if self._take(number, command):
                # Nothing can come between the last reply and the end, unless the handler is known to work on.
                replied = True
                if (number, self._points[number]) not in self._more_after:
                    continue
            return

    def _take(self, number: int, command: Any) -> bool:
        """Write down what a request did; True when it was a reply."""
        if isinstance(command, Step):
            self._when[number] = command.when
            self._write(number, "step" if command.when is None else "waits", command.name)
        elif isinstance(command, Effect):
            self._effects.append(command.key)
            self._write(number, "effect", command.key)
        elif isinstance(command, Reply):
            self._replies[number] = command.response
            self._write(number, "reply", str(command.response.status))
            return True
        else:
            raise FlowError(f"the service yielded {command!r}, which is none of Work, Step, Effect, Reply, Note")
        return False

    def _die(self, number: int) -> None:
        self._crashes -= 1
        self._over[number] = self._died[number] = True
        self._write(number, "dies", "dies")
        died = getattr(self.service, "died", None)
        if died is not None:
            died(self._requests[number])

    def _write(self, number: int, kind: str, what: str) -> None:
        self.moments.append(Moment(number, kind, what))

    def deadlock(self) -> str:
        """A sentence when some request can never go on."""
        stuck = [str(number + 1) for number, over in enumerate(self._over) if not over]
        if len(stuck) < 2:
            return f"deadlock: request {stuck[0]} waits for ever" if stuck else ""
        return f"deadlock: requests {', '.join(stuck[:-1])} and {stuck[-1]} wait for ever"

    def ending(self) -> Ending:
        """How it ended."""
        return Ending(self.service, tuple(self._effects), tuple(self._replies), tuple(self._died))
