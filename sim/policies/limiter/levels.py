"""A limiter in front of requests: which key a request belongs to, what it costs, and several limits at once.

An address, an API key, a user and an endpoint may each have a limit of their own; what gets through is the least of
them.  `Levels` looks at all of them first and spends at all of them or at none.  `SequentialLevels` asks one after the
other, as a chain of middleware does: a request that the second level refuses has spent at the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeAlias

import attrs

from sim.flow import check_method
from sim.http import Request
from sim.policies.limiter.decision import Decision, RateLimiter
from sim.policies.limiter.headers import PRINTABLE

KeyOf: TypeAlias = Callable[[Request], str]
"""Whose request this is."""

CostOf: TypeAlias = Callable[[Request], int]
"""How many requests this one counts as."""

LONGEST_KEY = 64
"""Characters of a key that the caller chooses.  A longer one is kept as its hash, so that nobody can fill the memory,
and so is one that is not ASCII, because not every store takes every string."""


def everyone(request: Request) -> str:
    """One key for all: a global limit."""
    return ""


def by_peer(request: Request) -> str:
    """The address that the connection came from.  Behind a proxy that is the proxy's."""
    return request.peer


def by_endpoint(request: Request) -> str:
    """Method and path without its query: "GET /orders"."""
    return _short(f"{request.method} {request.resource}")


def by_header(name: str) -> KeyOf:
    """The key is the header *name* with its value; requests without it share the key of their address.

    >>> by_header("X-Api-Key")(Request(headers={"x-api-key": "k1"})), by_header("X-Api-Key")(Request(peer="10.0.0.7"))
    ('X-Api-Key: k1', 'peer 10.0.0.7')
    """

    def key(request: Request) -> str:
        value = request.header(name)
        # Named after the header, so that nobody can send the key of somebody else's address.
        return f"peer {request.peer}" if value is None else _short(f"{name}: {value}")

    return key


def one(request: Request) -> int:
    """Every request counts as one."""
    return 1


@attrs.frozen
class ByKey:
    """A limiter for requests: *limiter* decides about the *key* and the *cost* of each.

    >>> from sim.policies.limiter import FixedWindow
    >>> gate = ByKey(FixedWindow(1, period=60.0), key=by_peer)
    >>> [gate.decide(Request(peer=peer), 0.0).allowed for peer in ("10.0.0.1", "10.0.0.1", "10.0.0.2")]
    [True, False, True]
    """

    limiter: RateLimiter = attrs.field()
    key: KeyOf = attrs.field(default=everyone, kw_only=True)
    cost: CostOf = attrs.field(default=one, kw_only=True)

    @limiter.validator
    def _check(self, attribute: object, value: RateLimiter) -> None:
        check_method(value, "decide", "key", "now", "cost")

    def decide(self, request: Request, now: float) -> Decision:
        """Whether *request* may pass; if it may, its cost is spent."""
        return self.limiter.decide(self.key(request), now, self.cost(request))

    def peek(self, request: Request, now: float) -> Decision:
        """What `decide` would answer; nothing is spent."""
        return self.limiter.peek(self.key(request), now, self.cost(request))


@attrs.frozen
class Level:
    """One of several limits, called *name*: *limiter* decides about the *key* and the *cost* of each request."""

    name: str = attrs.field()
    limiter: RateLimiter = attrs.field()
    key: KeyOf
    cost: CostOf = one

    @name.validator
    def _check_name(self, attribute: object, value: str) -> None:
        if not PRINTABLE.fullmatch(value):  # it goes into headers
            raise ValueError(f"name must be printable ASCII, got {value!r}")

    @limiter.validator
    def _check(self, attribute: object, value: RateLimiter) -> None:
        check_method(value, "decide", "key", "now", "cost")
        check_method(value, "peek", "key", "now", "cost")

    def decide(self, request: Request, now: float) -> Decision:
        """Whether *request* may pass this level; if it may, its cost is spent here."""
        return self.limiter.decide(self.key(request), now, self.cost(request))._replace(level=self.name)

    def peek(self, request: Request, now: float) -> Decision:
        """What `decide` would answer; nothing is spent."""
        return self.limiter.peek(self.key(request), now, self.cost(request))._replace(level=self.name)


def _levels(values: Iterable[Level]) -> tuple[Level, ...]:
    return tuple(values)


@attrs.frozen
class _Levels:
    """Several levels, each with a name and a limiter of its own."""

    levels: tuple[Level, ...] = attrs.field(converter=_levels)

    @levels.validator
    def _check(self, attribute: object, levels: tuple[Level, ...]) -> None:
        names = [level.name for level in levels]
        if not levels:
            raise ValueError("levels must be at least one level, got none")
        if len(set(names)) < len(names):
            raise ValueError(f"levels must have names of their own, got {', '.join(names)}")
        if len({id(level.limiter) for level in levels}) < len(levels):
            raise ValueError("levels must have limiters of their own, got one limiter twice")


@attrs.frozen
class Levels(_Levels):
    """Passes what every level lets pass, and spends at all levels or at none.

    The decision is that of the level with the least left; of a refusal, that of the level which must be waited for
    longest, so that its `retry_after` holds for all of them.  `Decision.level` says which one it was.

    >>> from sim.policies.limiter import FixedWindow
    >>> gate = Levels([Level("peer", FixedWindow(9), by_peer), Level("all", FixedWindow(1), everyone)])
    >>> [(d.allowed, d.level) for d in (gate.decide(Request(), 0.0), gate.decide(Request(), 0.0))]
    [(True, 'all'), (False, 'all')]
    """

    def decide(self, request: Request, now: float) -> Decision:
        """Whether every level lets *request* pass; if so its cost is spent at each, and otherwise at none."""
        seen = self.peek(request, now)
        return _tightest([level.decide(request, now) for level in self.levels]) if seen.allowed else seen

    def peek(self, request: Request, now: float) -> Decision:
        """What `decide` would answer; nothing is spent."""
        return _tightest([level.peek(request, now) for level in self.levels])


@attrs.frozen
class SequentialLevels(_Levels):
    """Asks one level after the other until one refuses; what the levels before it spent stays spent.

    For teaching: a caller who is refused at the last level empties the first one all the same, and the `retry_after` of
    a refusal holds only for the level that refused.
    """

    def decide(self, request: Request, now: float) -> Decision:
        """Whether every level lets *request* pass; its cost is spent at each level up to the one that refuses."""
        decisions = []
        for level in self.levels:
            decisions.append(level.decide(request, now))
            if not decisions[-1].allowed:
                return decisions[-1]
        return _tightest(decisions)

    def peek(self, request: Request, now: float) -> Decision:
        """What `decide` would answer; nothing is spent."""
        decisions = [level.peek(request, now) for level in self.levels]
        refused = [decision for decision in decisions if not decision.allowed]
        return refused[0] if refused else _tightest(decisions)


def _tightest(decisions: list[Decision]) -> Decision:
    refused = [decision for decision in decisions if not decision.allowed]
    if refused:
        return max(refused, key=_wait)
    least = min(decisions, key=lambda decision: (decision.remaining, -decision.reset_after))
    return least._replace(delay=max(decision.delay for decision in decisions))


def _wait(decision: Decision) -> float:
    return float("inf") if decision.retry_after is None else decision.retry_after


def _short(key: str) -> str:
    if len(key) <= LONGEST_KEY and key.isascii():
        return key
    return "sha256 " + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
