"""A backlog of webhooks, from 1,000 to 100,000 events, in one process with the full log: seconds, events/s, memory."""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
import time

import sim
from benchmarks.memory import peak_megabytes

SIZES = (1_000, 10_000, 100_000)
ROUNDS = 3


def backlog() -> None:
    """Each size in a process of its own; then the exponent of the cost, fitted over the sizes (1.0 is linear)."""
    for plan in ("breaker", "direct"):
        print(f"webhook-backlog, plan {plan}, median of {ROUNDS} processes")
        _grow(plan)


def _grow(plan: str) -> None:
    costs = {}
    for events in SIZES:
        command = [sys.executable, "-m", "benchmarks.webhooks", str(events), plan]
        lines = [
            subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(ROUNDS)
        ]
        seconds, log = (statistics.median(float(line[place]) for line in lines) for place in (0, 1))
        memory = max(float(line[2]) for line in lines)
        costs[events] = seconds + log
        print(
            f"{events:9,} events: run with its laws {seconds:6.2f} s, log as a table {log:5.2f} s of CPU time, "
            f"{events / (seconds + log):7,.0f} events/s, peak {memory:4.0f} MB, {int(lines[0][3]):,} attempts"
        )
    print(f"cost grows with the number of events to the power of {_exponent(costs):.2f}, pandas' import left out")


def _exponent(costs: dict[int, float]) -> float:
    """Slope of log cost over log size, by least squares."""
    xs, ys = [math.log(size) for size in costs], [math.log(cost) for cost in costs.values()]
    middle = statistics.fmean(xs)
    return sum((x - middle) * y for x, y in zip(xs, ys, strict=True)) / sum((x - middle) ** 2 for x in xs)


def _one(events: int, plan: str) -> None:
    import pandas as pandas  # its import is not part of the cost

    sim.run(sim.scenarios.webhook_backlog(events=100), "breaker")  # nor is ours
    world = sim.scenarios.webhook_backlog(events=events, neighbour_rate=0.001)  # what grows is the backlog alone
    start = time.process_time()
    run = sim.run(world, plan)
    ran = time.process_time()
    sim.deliveries.log(run)
    print(ran - start, time.process_time() - ran, peak_megabytes(), len(run.trace.attempts))


if __name__ == "__main__":
    _one(int(sys.argv[1]), sys.argv[2])
