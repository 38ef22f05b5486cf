"""The walk: depth first over all enabled actions, each path replayed in a fresh world, equal states visited once.

Generators cannot be copied, so going back means starting again: a world is made anew and the path is replayed.
Because handlers are deterministic, the counts below a state are known once it has been left, and a second path into
it adds them without walking again; that is why a hundred thousand schedules cost a few hundred states.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import attrs

from sim.errors import FlowError
from sim.flow import Effect, Handler, HandlerFlow, Note, Reply, Step, Work
from sim.http import Request, Response
from sim.interleave.exploration import Ending, Exploration, Moment
from sim.interleave.freeze import freeze

LONGEST = 250
"""Points in one schedule; a request that goes on for ever is cut there, and the exploration is not complete."""

IDLE = 1_000
"""`Work`s and `Note`s in a row: time stands still here, and a handler that waits for a clock would do so for ever."""

Action = tuple[str, int]
Invariant = Callable[[Ending], "str | None"]


def explore(
    make_service: Callable[[], Handler],
    requests: Sequence[Request],
    invariant: Invariant,
    *,
    crashes: int = 0,
    after: Mapping[int, int] | None = None,
    limit: int = 50_000,
) -> Exploration:
    """Walk every schedule of *requests* through the service, and every crash.

    A point is a `Step`, an `Effect` or a `Reply`: behind each of them another request may run, or the process may
    die.  Every request is served by a process of its own; what they share is the service's stores.  `now` stays 0.0
    and `Work` takes no time: this is about order, not about duration.

    *make_service*: a fresh service over fresh stores.  *invariant*: judges each `Ending`: None, or a sentence that
    says what is wrong.  A deadlock and an exception out of a handler are violations by themselves.  *crashes*: how
    many of the processes may die, each after any of its points; the service's `died(request)` is called then.
    *after*: {1: 0} is: request 1 begins when request 0 has ended or died.  *limit*: most states to visit.

    Raises: `ValueError` for arguments out of range, `FlowError` for a command that is not a server's.
    """
    if not requests:
        raise ValueError("requests must hold at least one request, got none")
    for name, value, low in (("crashes", crashes, 0), ("limit", limit, 1)):
        if value < low:
            raise ValueError(f"{name} must be at least {low}, got {value}")
    order = dict(after or {})
    for later, earlier in order.items():
        if not (0 <= earlier < later < len(requests)):
            raise ValueError(f"after must name requests of this exploration, the earlier one first, got {order}")
    # A store knows a process by its request's identity, and the same request may be asked for twice.
    apart = tuple(attrs.evolve(request) for request in requests)
    return _Walk(make_service, apart, invariant, crashes, order, limit).exploration()


@attrs.frozen
class _Way:
    """A way from a state to a violation, and what is wrong there."""

    actions: tuple[Action, ...]
    sentence: str

    def rank(self) -> tuple[int, int, tuple[int, ...]]:
        """Shorter first, then the one that changes the request less often, then the one that begins with request 1."""
        numbers = tuple(number for _, number in self.actions)
        return len(numbers), sum(one != two for one, two in pairwise(numbers)), numbers


@attrs.frozen
class _Below:
    """What lies below a state: counts, and for each request that may go on the best way to a violation.

    One for each, because which is best depends on who went before: a change of request counts.
    """

    schedules: int = 0
    violating: int = 0
    ways: tuple[_Way, ...] = ()

    def best(self) -> _Way | None:
        """The best way of all, None when no violation lies below."""
        return min(self.ways, key=_Way.rank, default=None)


class _Walk:
    def __init__(
        self,
        make_service: Callable[[], Handler],
        requests: tuple[Request, ...],
        invariant: Invariant,
        crashes: int,
        after: dict[int, int],
        limit: int,
    ) -> None:
        self._make, self._requests, self._invariant = make_service, requests, invariant
        self._crashes, self._after, self._limit = crashes, after, limit
        self._known: dict[Hashable, _Below] = {}
        self._more_after: set[tuple[int, int]] = set()
        self._visited, self._complete = 0, True

    def exploration(self) -> Exploration:
        below = self._below((), self._replay(()))
        best = below.best() or _Way((), "")
        path = tuple(self._replay(best.actions).moments)
        return Exploration(
            self._requests, below.schedules, below.violating, self._visited, self._complete, best.sentence, path
        )

    def _below(self, path: tuple[Action, ...], world: _World) -> _Below:
        key = world.state()
        known = self._known.get(key)
        if known is not None:
            return known
        actions = world.actions()
        if not actions or world.failure:
            self._visited += 1
            return self._keep(key, self._judge(world))
        if self._visited >= self._limit or len(path) >= LONGEST:
            self._complete = False
            return _Below()
        self._visited += 1
        schedules = violating = 0
        ways: dict[int, _Way] = {}
        for number, action in enumerate(actions):
            # The first way goes on in the world at hand; every other needs one of its own.
            here = self._act(world, path, action) if number == 0 else self._replay((*path, action))
            found = self._below((*path, action), here)
            schedules += found.schedules
            violating += found.violating
            longer = [_Way((action, *way.actions), way.sentence) for way in found.ways]
            if longer:
                mover = action[1]
                ways[mover] = min([*longer, *([ways[mover]] if mover in ways else [])], key=_Way.rank)
        return self._keep(key, _Below(schedules, violating, tuple(ways.values())))

    def _keep(self, key: Hashable, below: _Below) -> _Below:
        self._known[key] = below
        return below

    def _judge(self, world: _World) -> _Below:
        sentence = world.failure or world.deadlock() or self._invariant(world.ending())
        return _Below(1, 1, (_Way((), sentence),)) if sentence else _Below(1)

    def _replay(self, path: tuple[Action, ...]) -> _World:
        while True:
            world = _World(self._make(), self._requests, self._crashes, self._after, self._more_after)
            try:
                for action in path:
                    world.act(action)
            except _MoreAfterReplyError as found:
                self._more_after.add(found.place)
            else:
                return world

    def _act(self, world: _World, path: tuple[Action, ...], action: Action) -> _World:
        try:
            world.act(action)
        except _MoreAfterReplyError as found:
            self._more_after.add(found.place)
            return self._replay((*path, action))
        return world


class _MoreAfterReplyError(Exception):
    """A handler works on after its reply: the reply is a point of its own, and the path must be replayed so."""

    def __init__(self, place: tuple[int, int]) -> None:
        super().__init__(place)
        self.place = place


class _World:
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
        except (FlowError, _MoreAfterReplyError):
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
                raise _MoreAfterReplyError((number, self._points[number]))
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
