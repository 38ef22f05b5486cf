"""The herd of the course as a bare `heapq` loop that only counts: the floor that our full model is measured against.

No tables, no policies, no seeds per purpose, no checks; the rules alone.  It counts a reply that comes after the
timeout as zombie work, never as a success.
"""

from __future__ import annotations

import math
from collections import deque
from heapq import heappop, heappush
from random import Random


def herd(
    *, clients: int = 10_000, workers: int = 50, queue_limit: int = 200, service: float = 0.02, timeout: float = 1.0,
    attempts: int = 6, base: float = 0.1, cap: float = 10.0, jitter: bool = True, seed: int = 0,
) -> tuple[int, int, int]:  # fmt: skip
    """Calls that ended well, attempts made, and pieces of work done for clients that had gone."""
    random, log = Random(seed).random, math.log
    send, finish, expire = 0, 1, 2
    heap = [(0.0, number, send, number, 1) for number in range(clients)]
    serial, busy = clients, 0
    queue: deque[tuple[int, int]] = deque()
    awaited = [0] * clients
    ok = sent = zombies = 0
    while heap:
        now, _, kind, client, attempt = heappop(heap)
        if kind == send:
            sent += 1
            if busy < workers:
                busy += 1
                awaited[client] = attempt
                heappush(heap, (now - service * log(1.0 - random()), serial, finish, client, attempt))
                heappush(heap, (now + timeout, serial + 1, expire, client, attempt))
                serial += 2
                continue
            if len(queue) < queue_limit:
                queue.append((client, attempt))
                awaited[client] = attempt
                heappush(heap, (now + timeout, serial, expire, client, attempt))
                serial += 1
                continue
        elif kind == finish:
            if awaited[client] == attempt:
                awaited[client] = 0
                ok += 1
            else:
                zombies += 1
            if queue:
                next_client, next_attempt = queue.popleft()
                heappush(heap, (now - service * log(1.0 - random()), serial, finish, next_client, next_attempt))
                serial += 1
            else:
                busy -= 1
            continue
        else:
            if awaited[client] != attempt:
                continue
            awaited[client] = 0
        if attempt < attempts:  # rejected or timed out
            wait = random() * min(cap, base * 2.0 ** (attempt - 1)) if jitter else 0.0
            heappush(heap, (now + wait, serial, send, client, attempt + 1))
            serial += 1
    return ok, sent, zombies
