"""The walk: depth first over all enabled actions, each path replayed in a fresh world, equal states visited once.

Generators cannot be copied, so going back means starting again: a world is made anew and the path is replayed.
Because handlers are deterministic, the counts below a state are known once it has been left, and a second path into
it adds them without walking again; that is why a hundred thousand schedules cost a few hundred states.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import pairwise

import attrs

from sim.engine import rare_garbage_collection
from sim.flow import Handler
from sim.http import Request
from sim.interleave.exploration import Ending, Exploration
from sim.interleave.world import Action, MoreAfterReplyError, World

LONGEST = 250
"""Points in one schedule; a request that goes on for ever is cut there, and the exploration is not complete."""

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
    with rare_garbage_collection:
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

    def _below(self, path: tuple[Action, ...], world: World) -> _Below:
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

    def _judge(self, world: World) -> _Below:
        sentence = world.failure or world.deadlock() or self._invariant(world.ending())
        return _Below(1, 1, (_Way((), sentence),)) if sentence else _Below(1)

    def _replay(self, path: tuple[Action, ...]) -> World:
        while True:
            world = World(self._make(), self._requests, self._crashes, self._after, self._more_after)
            try:
                for action in path:
                    world.act(action)
            except MoreAfterReplyError as found:
                self._more_after.add(found.place)
            else:
                return world

    def _act(self, world: World, path: tuple[Action, ...], action: Action) -> World:
        try:
            world.act(action)
        except MoreAfterReplyError as found:
            self._more_after.add(found.place)
            return self._replay((*path, action))
        return world
