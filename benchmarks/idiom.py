"""The same herd as people write it by hand with SimPy: a process per request, `AnyOf`, a `Resource`.

The queue limit is checked by hand, because a `Resource` has none.  Like the yardstick it only counts.
"""

from __future__ import annotations

from collections.abc import Generator
from random import Random
from typing import Any

import simpy


def herd(
    *, clients: int = 10_000, workers: int = 50, queue_limit: int = 200, service: float = 0.02, timeout: float = 1.0,
    attempts: int = 6, base: float = 0.1, cap: float = 10.0, seed: int = 0,
) -> tuple[int, int]:  # fmt: skip
    """Calls that ended well, and attempts made."""
    env, rng = simpy.Environment(), Random(seed)
    server = simpy.Resource(env, capacity=workers)
    ok = sent = 0

    def work(slot: Any, reply: simpy.Event) -> Generator[Any, Any, None]:
        yield slot
        yield env.timeout(rng.expovariate(1.0 / service))
        server.release(slot)
        reply.succeed()

    def client() -> Generator[Any, Any, None]:
        nonlocal ok, sent
        for attempt in range(1, attempts + 1):
            sent += 1
            if server.count < workers or len(server.queue) < queue_limit:
                reply = env.event()
                env.process(work(server.request(), reply))
                alarm = env.timeout(timeout)
                yield simpy.AnyOf(env, [reply, alarm])
                if reply.processed:
                    ok += 1
                    return
            if attempt < attempts:
                yield env.timeout(rng.random() * min(cap, base * 2.0 ** (attempt - 1)))

    for _ in range(clients):
        env.process(client())
    env.run()
    return ok, sent
