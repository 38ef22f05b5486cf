"""What a gateway may expect of a rate limiter."""

from __future__ import annotations

import random
from collections.abc import Iterator
from random import Random
from typing import Any

from sim.testing.asking import ask, is_number, seconds
from sim.testing.report import FindingError, Report
from sim.testing.suite import Make, run_suite
from sim.testing.wording import call, shown

FLOOD = 2_000
"""Requests of one key at one instant of which a limiter has to refuse one."""

SINGLY = 1_000
"""How many of a flood cost 1; each of the rest costs all that is left."""

_STARTS = (0.0, 0.1, 59.3, 12_345.678, 1_700_000_000.1)
"""Where the traces begin: at zero, just before a full minute, and on a wall clock, whose floats are 240 ns apart."""


def check_limiter(limiter: Any) -> Report:
    """Check `decide(key, now, cost)` and `peek(key, now, cost)`, which answer with a `Decision` or something like it.

    It admits a key's first request and refuses some of a flood.  A refused request is let through at the very instant
    `now + retry_after`; None there must mean never.  Keys do not touch each other, peeking changes nothing and tells
    what `decide` would, time that goes back admits nothing more, and copies that see the same decide the same.

    How much it lets through is its own business; that it keeps to that is for a test of yours.

    >>> from sim.policies.limiter import GCRA
    >>> check_limiter(GCRA(10, period=1.0))
    contract: ok
    """
    methods = {"decide": ("key", "now", "cost"), "peek": ("key", "now", "cost")}
    rules = (
        _first_is_admitted,
        _flood_is_limited,
        _retry_after_is_exact,
        _costs_that_never_pass,
        _keys_are_independent,
        _peeking_changes_nothing,
        _peeking_tells_the_decision,
        _time_that_goes_back,
        _decides_by_its_arguments,
    )
    return run_suite(limiter, methods, rules)


def _first_is_admitted(make: Make) -> None:
    for start in _STARTS:
        if not _ask(make(), "decide", "ada", start).allowed:
            raise FindingError(f"{call('decide', 'ada', start, 1)} refused the first request of all")


def _flood_is_limited(make: Make) -> None:
    _flooded(make(), "ada", 0.0)


def _flooded(limiter: Any, key: str, now: float) -> Any:
    """The first refusal of a flood at one instant, of a request with a cost of 1."""
    for number in range(FLOOD):
        # Singly at first, and then all that is left at once: a limit may be a million.
        cost = 1 if number < SINGLY else max(1, _ask(limiter, "peek", key, now).remaining)
        decision = _ask(limiter, "decide", key, now, cost)
        if not decision.allowed and cost == 1:
            return decision
    raise FindingError(f"it let all of {FLOOD:,} requests of one key through at one instant; it limits nothing")


def _retry_after_is_exact(make: Make) -> None:
    for seed, start in enumerate(_STARTS):
        limiter, script, now = make(), Random(seed), start
        for _ in range(30):
            limit = _flooded(limiter, "ada", now).limit
            cost = script.choice((1, 1, limit // 2 + 1, limit))
            refusal = _ask(limiter, "decide", "ada", now, cost)
            if refusal.retry_after is None:
                raise FindingError(
                    f"{call('decide', 'ada', now, cost)} was refused for ever, though its limit is {limit}"
                )
            then = now + refusal.retry_after
            if not _ask(limiter, "decide", "ada", then, cost).allowed:
                raise FindingError(
                    f"{call('decide', 'ada', now, cost)} said to retry after {refusal.retry_after!r} s, and "
                    f"{call('decide', 'ada', then, cost)} was refused; the instant that it names itself must do"
                )
            now = then + script.choice((0.0, 0.1, 0.3)) + script.expovariate(10.0)


def _costs_that_never_pass(make: Make) -> None:
    limiter = make()
    limit = _ask(limiter, "peek", "ada", 0.0).limit
    if not _ask(limiter, "peek", "ada", 0.0, limit).allowed:
        raise FindingError(f"{call('peek', 'ada', 0.0, limit)} was refused to a new key, though its limit is {limit}")
    decision = _ask(limiter, "decide", "ada", 0.0, limit + 1)
    if decision.allowed:
        raise FindingError(f"{call('decide', 'ada', 0.0, limit + 1)} was let through, though its limit is {limit}")
    if decision.retry_after is not None:
        raise FindingError(
            f"{call('decide', 'ada', 0.0, limit + 1)} said to retry after {shown(decision.retry_after)}, though its "
            f"limit is {limit}; what never passes has a retry_after of None"
        )
    if not _ask(limiter, "decide", "ada", 0.0, limit).allowed:
        raise FindingError(f"a refused request spent something: after it, a new key was refused a cost of {limit}")


def _keys_are_independent(make: Make) -> None:
    def life(neighbours: int) -> Iterator[tuple[Any, ...]]:
        limiter = make()
        for _, now in _trace(8):
            for _ in range(neighbours):
                _ask(limiter, "decide", "bob", now)
            yield _facts(_ask(limiter, "decide", "ada", now))

    if list(life(0)) != list(life(2)):
        raise FindingError("what one key sent changed what another one was told; each key has a limit of its own")


def _peeking_changes_nothing(make: Make) -> None:
    def life(peeks: int) -> Iterator[tuple[Any, ...]]:
        limiter = make()
        for key, now in _trace(3):
            for later in range(peeks):
                _ask(limiter, "peek", key, now + 10.0 * later)
                _ask(limiter, "peek", "nobody", now)
            yield _facts(_ask(limiter, "decide", key, now))

    if list(life(0)) != list(life(3)):
        raise FindingError("peek(key, now, cost) changed what decide answered later; reading must change nothing")


def _peeking_tells_the_decision(make: Make) -> None:
    limiter = make()
    for key, now in _trace(4):
        seen, done = _ask(limiter, "peek", key, now), _ask(limiter, "decide", key, now)
        if seen.allowed != done.allowed:
            raise FindingError(
                f"{call('peek', key, now, 1)} said allowed={seen.allowed} and decide, asked next, {done.allowed}"
            )


def _time_that_goes_back(make: Make) -> None:
    limiter = make()
    _flooded(limiter, "ada", 1_000.0)
    for step in range(200):
        if _ask(limiter, "decide", "ada", 1_000.0 - step * 7.7).allowed:
            raise FindingError(
                f"it had just refused a request at 1000.0 and let one through at {1_000.0 - step * 7.7!r}; "
                "a clock that is set back must not give anything back"
            )


def _decides_by_its_arguments(make: Make) -> None:
    def life() -> list[tuple[Any, ...]]:
        limiter = make()
        return [_facts(_ask(limiter, "decide", key, now)) for key, now in _trace(5)]

    before = random.getstate()
    one = life()
    random.setstate(before)
    if life() != one:
        raise FindingError("two copies that saw the same requests decided differently; only its arguments may count")


def _trace(seed: int) -> list[tuple[str, float]]:
    """Requests of three keys: dense, then sparse, and several at one instant."""
    script, now, rows = Random(seed), 0.0, []
    for number in range(300):
        now += script.expovariate(50.0) if number < 200 else script.expovariate(0.2)
        rows += [(script.choice("abc"), now)] * script.choice((1, 1, 1, 4))
    return rows


def _facts(decision: Any) -> tuple[Any, ...]:
    return decision.allowed, decision.remaining, decision.reset_after, decision.retry_after


def _ask(limiter: Any, method: str, key: str, now: float, cost: int = 1) -> Any:
    """The answer of *limiter*; a finding unless it is a sane decision."""
    arguments = (key, now, cost)
    decision = ask(limiter, method, *arguments)
    said = {}
    for name in ("allowed", "limit", "remaining", "reset_after", "retry_after"):
        if not hasattr(decision, name):
            raise FindingError(f"{call(method, *arguments)} returned {shown(decision)}, which has no {name}")
        said[name] = getattr(decision, name)
    if not isinstance(said["allowed"], bool):
        raise _strange(method, arguments, "allowed", said["allowed"], "True or False")
    if not isinstance(said["limit"], int) or isinstance(said["limit"], bool) or said["limit"] < 1:
        raise _strange(method, arguments, "limit", said["limit"], "a whole number, at least 1")
    remaining = said["remaining"]
    if not isinstance(remaining, int) or isinstance(remaining, bool) or not 0 <= remaining <= said["limit"]:
        raise _strange(
            method, arguments, "remaining", remaining, f"a whole number from 0 to the limit, {said['limit']}"
        )
    _times(method, arguments, said)
    return decision


def _times(method: str, arguments: tuple[Any, ...], said: dict[str, Any]) -> None:
    seconds("a reset_after", said["reset_after"], method, *arguments)
    retry = said["retry_after"]
    if said["allowed"]:
        if not is_number(retry) or retry != 0.0:
            raise _strange(method, arguments, "retry_after", retry, "0 when the request is let through")
    elif retry is not None and not seconds("a retry_after", retry, method, *arguments) > 0.0:
        raise _strange(method, arguments, "retry_after", retry, "more than 0 when the request is refused")


def _strange(method: str, arguments: tuple[Any, ...], name: str, value: Any, rule: str) -> FindingError:
    return FindingError(f"{call(method, *arguments)} answered with {name}={shown(value)}; it must be {rule}")
