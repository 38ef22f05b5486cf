# ruff: noqa: F841 - the hand-written versions find out figures that nobody uses
"""Rate limiters: a decision of ours against the same arithmetic written out by hand, and against other libraries.

All run the same trace in turn, several rounds, and the medians of their CPU times are compared.  The hand-written
versions find out the same figures (allowed, remaining, reset, an exact retry), but make no object, hold any number of
keys for ever, and never hear of a cost or of a clock that is set back.
"""

from __future__ import annotations

import math
import statistics
import threading
import time
import tracemalloc
from collections import deque
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any

from sim.policies.fresh import fresh
from sim.policies.limiter import (
    GCRA,
    AnchoredWindow,
    FixedWindow,
    LeakyBucketMeter,
    LeakyBucketQueue,
    SlidingCounter,
    SlidingLog,
    TokenBucket,
)

ROUNDS = 9
LIMIT, PERIOD, QUEUE = 100, 60.0, 10
SPAN = round(PERIOD * 1e9)
MILLION = 1_000_000

Trace = list[tuple[str, float]]


def limiters() -> None:
    """Print the ratios and the memory."""
    trace, contenders = _trace(), _contenders()
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    passed: dict[str, int] = {}
    for _ in range(ROUNDS):
        for name, make in contenders.items():
            run = make()
            start = time.process_time()
            passed[name] = run(trace)
            seconds[name].append(time.process_time() - start)
    each = {name: statistics.median(rows) / len(trace) * 1e6 for name, rows in seconds.items()}
    print(f"{len(trace):,} requests of 3 keys, {LIMIT} in {PERIOD:g} s, {ROUNDS} rounds in turn, median CPU time each")
    for kind, rivals in _RIVALS.items():
        name = kind.__name__
        ours, inlined = each[name], each[f"{name} by hand"]
        print(
            f"  {name:16} {ours:5.2f} us, {ours / inlined:3.1f} x by hand, {passed[name] / len(trace):4.0%} let through"
        )
        for rival in rivals:
            print(f"  {'':16} {each[rival]:5.2f} us, {each[rival] / ours:3.1f} x ours: {rival}")
    _million_keys()


def _trace() -> Trace:
    rng, now, rows = Random(1), 1_700_000_000.0, []
    for _ in range(20_000):
        now += rng.expovariate(6.0)
        rows.append((rng.choice("abc"), round(now, 3)))
    return rows


def _million_keys() -> None:
    """A million keys at once, and what is left of them two lifetimes later."""
    for kind in (GCRA, FixedWindow, SlidingLog):
        limiter = kind(LIMIT, period=PERIOD)
        tracemalloc.start()
        for number in range(MILLION):
            limiter.decide(f"key {number}", 1_000.0 + number * 1e-5)
        peak, held = tracemalloc.get_traced_memory()[1], limiter.keys_held
        for later in (1_100.0, 1_200.0):
            limiter.decide("last", later)
        left = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        print(
            f"a million keys in 10 s, {kind.__name__}: {peak / 1e6:,.0f} MB at most, {held:,} held; "
            f"190 s later {limiter.keys_held}, {left / 1e6:.1f} MB"
        )


def _contenders() -> dict[str, Callable[[], Callable[[Trace], int]]]:
    found: dict[str, Callable[[], Callable[[Trace], int]]] = {}
    for kind in _RIVALS:
        settings: dict[str, Any] = {"queue": QUEUE} if kind is LeakyBucketQueue else {}
        limiter = kind(LIMIT, period=PERIOD, **settings)
        found[kind.__name__] = lambda limiter=limiter: _asked(fresh(limiter))
        found[f"{kind.__name__} by hand"] = lambda function=_BY_HAND[kind]: function
    return found | _libraries()


def _asked(limiter: Any) -> Callable[[Trace], int]:
    def run(trace: Trace) -> int:
        decide, passed = limiter.decide, 0
        for key, now in trace:
            passed += decide(key, now).allowed
        return passed

    return run


def _libraries() -> dict[str, Callable[[], Callable[[Trace], int]]]:
    import limits.storage.memory
    import pyrate_limiter as pyrate
    from limits import RateLimitItemPerSecond, strategies

    clock = SimpleNamespace(now=0.0)
    limits.storage.memory.time = SimpleNamespace(time=lambda: clock.now)  # type: ignore[assignment]
    idle = SimpleNamespace(start=lambda: None, is_alive=lambda: True)
    limits.storage.memory.threading = SimpleNamespace(  # type: ignore[assignment]
        Timer=lambda *_: idle, RLock=threading.RLock
    )

    def of_limits(strategy: Any) -> Callable[[Trace], int]:
        limiter, item = strategy(limits.storage.memory.MemoryStorage()), RateLimitItemPerSecond(LIMIT, int(PERIOD))

        def run(trace: Trace) -> int:
            hit, passed = limiter.hit, 0
            for key, now in trace:
                clock.now = now
                passed += hit(item, key)
            return passed

        return run

    def of_pyrate(make: Callable[[], Any]) -> Callable[[Trace], int]:
        def run(trace: Trace) -> int:
            buckets: dict[str, Any] = {}
            passed = 0
            for key, now in trace:
                bucket = buckets.get(key)
                if bucket is None:
                    bucket = buckets[key] = make()
                passed += bucket.put(pyrate.RateItem(key, int(now * 1e3)))
            return passed

        return run

    rate = [pyrate.Rate(LIMIT, int(PERIOD * 1_000))]
    return {
        "limits, moving window": lambda: of_limits(strategies.MovingWindowRateLimiter),
        "limits, fixed window": lambda: of_limits(strategies.FixedWindowRateLimiter),
        "limits, sliding counter": lambda: of_limits(strategies.SlidingWindowCounterRateLimiter),
        "pyrate-limiter, GCRA": lambda: of_pyrate(lambda: pyrate.StateBucket(rate, algorithm=pyrate.GCRA())),
        "pyrate-limiter, fixed window": lambda: of_pyrate(
            lambda: pyrate.InMemoryBucket(rate, algorithm=pyrate.FixedWindow())
        ),
        "pyrate-limiter, sliding log": lambda: of_pyrate(lambda: pyrate.InMemoryBucket(rate)),
    }


def _token_bucket(trace: Trace) -> int:
    states: dict[str, tuple[int, int]] = {}
    full, passed = LIMIT * SPAN, 0
    for key, now in trace:
        instant, tokens, retry = round(now * 1e9), full, 0.0
        state = states.get(key)
        if state is not None:
            tokens = min(full, state[0] + (instant - state[1]) * LIMIT)
        left = tokens - SPAN
        if left < 0:
            allowed, remaining, reset = False, tokens // SPAN, (full - tokens) / LIMIT / 1e9
            target = instant - left // LIMIT
            retry = (target - instant) / 1e9
            while round((now + retry) * 1e9) < target:
                retry += math.ulp(now)
        else:
            allowed, remaining, reset = True, left // SPAN, (full - left) / LIMIT / 1e9
            states[key] = (left, instant)
        passed += allowed
    return passed


def _gcra(trace: Trace) -> int:
    states: dict[str, int] = {}
    full, passed = LIMIT * SPAN, 0
    for key, now in trace:
        here, retry = round(now * 1e9) * LIMIT, 0.0
        arrival = states.get(key, 0)
        if arrival < here:
            arrival = here
        after, room = arrival + SPAN, here + full
        if after > room:
            allowed, remaining, reset = False, (room - arrival) // SPAN, (arrival - here) / LIMIT / 1e9
            target = -((full - after) // LIMIT)
            retry = (target - here // LIMIT) / 1e9
            while round((now + retry) * 1e9) < target:
                retry += math.ulp(now)
        else:
            allowed, remaining, reset = True, (room - after) // SPAN, (after - here) / LIMIT / 1e9
            states[key] = after
        passed += allowed
    return passed


def _meter(trace: Trace) -> int:
    states: dict[str, tuple[int, int]] = {}
    full, passed = LIMIT * SPAN, 0
    for key, now in trace:
        instant, water, retry = round(now * 1e9), 0, 0.0
        state = states.get(key)
        if state is not None:
            water = max(0, state[0] - (instant - state[1]) * LIMIT)
        risen = water + SPAN
        over = risen - full
        if over > 0:
            allowed, remaining, empty = False, (full - water) // SPAN, water / LIMIT / 1e9
            target = instant - -over // LIMIT
            retry = (target - instant) / 1e9
            while round((now + retry) * 1e9) < target:
                retry += math.ulp(now)
        else:
            allowed, remaining, empty = True, -over // SPAN, risen / LIMIT / 1e9
            states[key] = (risen, instant)
        passed += allowed
    return passed


def _queue(trace: Trace) -> int:
    states: dict[str, int] = {}
    full, passed = (QUEUE + 1) * SPAN, 0
    for key, now in trace:
        instant, delay, retry = round(now * 1e9), 0.0, 0.0
        here = instant * LIMIT
        turn = states.get(key, 0)
        if turn < here:
            turn = here
        after, room = turn + SPAN, here + full
        if after > room:
            allowed, remaining, reset = False, (room - turn) // SPAN, (turn - here) / LIMIT / 1e9
            target = -((full - after) // LIMIT)
            retry = (target - instant) / 1e9
            while round((now + retry) * 1e9) < target:
                retry += math.ulp(now)
        else:
            allowed, remaining, reset = True, (room - after) // SPAN, (after - here) / LIMIT / 1e9
            states[key] = after
            if turn > here:
                target = -(-turn // LIMIT)
                delay = (target - instant) / 1e9
                while round((now + delay) * 1e9) < target:
                    delay += math.ulp(now)
        passed += allowed
    return passed


def _fixed(trace: Trace) -> int:
    states: dict[str, tuple[int, int]] = {}
    passed = 0
    for key, now in trace:
        instant, used, retry = round(now * 1e9), 0, 0.0
        window = instant // SPAN
        state = states.get(key)
        if state is not None and state[0] == window:
            used = state[1]
        end, remaining = (window + 1) * SPAN, LIMIT - used - 1
        reset = (end - instant) / 1e9
        if remaining < 0:
            allowed, remaining, retry = False, 0, reset
            while round((now + retry) * 1e9) < end:
                retry += math.ulp(now)
        else:
            allowed = True
            states[key] = (window, used + 1)
        passed += allowed
    return passed


def _anchored(trace: Trace) -> int:
    states: dict[str, tuple[int, int]] = {}
    passed = 0
    for key, now in trace:
        instant, retry = round(now * 1e9), 0.0
        state = states.get(key)
        begun, used = (instant, 0) if state is None or instant >= state[0] + SPAN else state
        end, remaining = begun + SPAN, LIMIT - used - 1
        reset = (end - instant) / 1e9
        if remaining < 0:
            allowed, remaining, retry = False, 0, reset
            while round((now + retry) * 1e9) < end:
                retry += math.ulp(now)
        else:
            allowed = True
            states[key] = (begun, used + 1)
        passed += allowed
    return passed


def _counter(trace: Trace) -> int:
    states: dict[str, tuple[int, int, int]] = {}
    passed = 0
    for key, now in trace:
        instant, retry, before, used = round(now * 1e9), 0.0, 0, 0
        window, elapsed = divmod(instant, SPAN)
        state = states.get(key)
        if state is not None and state[0] == window:
            _, before, used = state
        elif state is not None and state[0] == window - 1:
            before = state[2]
        estimate, start = before * (SPAN - elapsed) // SPAN + used, instant - elapsed
        remaining = LIMIT - estimate - 1
        allowed = remaining >= 0
        if allowed:
            used += 1
            states[key] = (window, before, used)
        if used:
            reset = (start + 2 * SPAN + 1 - SPAN // used - instant) / 1e9
        else:
            reset = max(0, start + SPAN + 1 - SPAN // before - instant) / 1e9 if before else 0.0
        if not allowed:
            remaining = max(0, remaining)
            target = start + SPAN + 1 - (LIMIT - used) * SPAN // before if used < LIMIT else start + SPAN + 1
            retry = (target - instant) / 1e9
            while round((now + retry) * 1e9) < target:
                retry += math.ulp(now)
        passed += allowed
    return passed


def _log(trace: Trace) -> int:
    logs: dict[str, deque[int]] = {}
    passed = 0
    for key, now in trace:
        instant, retry, reset = round(now * 1e9), 0.0, PERIOD
        log = logs.get(key)
        if log is None:
            log = logs[key] = deque()
        expired = instant - SPAN
        while log and log[0] <= expired:
            log.popleft()
        remaining = LIMIT - len(log) - 1
        if remaining < 0:
            allowed, remaining, reset = False, 0, (log[-1] - expired) / 1e9
            target = log[0] + SPAN
            retry = (target - instant) / 1e9
            while round((now + retry) * 1e9) < target:
                retry += math.ulp(now)
        else:
            allowed = True
            log.append(instant)
        passed += allowed
    return passed


_BY_HAND: dict[Any, Callable[[Trace], int]] = {
    TokenBucket: _token_bucket,
    GCRA: _gcra,
    LeakyBucketMeter: _meter,
    LeakyBucketQueue: _queue,
    FixedWindow: _fixed,
    AnchoredWindow: _anchored,
    SlidingCounter: _counter,
    SlidingLog: _log,
}

_RIVALS: dict[Any, tuple[str, ...]] = {
    TokenBucket: ("pyrate-limiter, GCRA",),
    GCRA: ("pyrate-limiter, GCRA",),
    LeakyBucketMeter: (),
    LeakyBucketQueue: (),
    FixedWindow: ("pyrate-limiter, fixed window",),
    AnchoredWindow: ("limits, fixed window",),
    SlidingCounter: ("limits, sliding counter",),
    SlidingLog: ("limits, moving window", "pyrate-limiter, sliding log"),
}
