"""`make bench`: what the full model costs against a bare loop that only counts, and what it needs for 100,000 clients.

Ratios are of CPU times measured in turn in one run, as medians, because machines are noisy.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import sim
from benchmarks import idiom, yardstick
from benchmarks.explorer import explorer
from benchmarks.limiters import limiters
from benchmarks.memory import peak_megabytes
from benchmarks.webhooks import backlog

ROUNDS = 9


def cpu_seconds(function: Callable[[], Any]) -> float:
    """CPU time of one call, in seconds."""
    start = time.process_time()
    function()
    return time.process_time() - start


def ratios() -> None:
    """The herd of 10,000 under full jitter: bare loop, our full model without its checks, SimPy's idiom."""
    world = sim.scenarios.thundering_herd()
    rows: dict[str, list[float]] = {"bare heapq loop": [], "full model": [], "SimPy idiom": []}
    for seed in range(ROUNDS):
        rows["bare heapq loop"].append(cpu_seconds(lambda seed=seed: yardstick.herd(seed=seed)))
        rows["full model"].append(cpu_seconds(lambda seed=seed: sim.run(world, "full-jitter", seed=seed, check=False)))
        rows["SimPy idiom"].append(cpu_seconds(lambda seed=seed: idiom.herd(seed=seed)))
    floor = statistics.median(rows["bare heapq loop"])
    print(f"thundering herd, 10,000 clients, full jitter, {ROUNDS} rounds in turn, median CPU time")
    for name, seconds in rows.items():
        print(f"  {name:16} {statistics.median(seconds):7.3f} s   {statistics.median(seconds) / floor:4.1f} x")


def large() -> None:
    """100,000 clients in one process: seconds and peak memory."""
    seconds = cpu_seconds(lambda: sim.run(sim.scenarios.thundering_herd(clients=100_000), "full-jitter"))
    print(f"100,000 clients: {seconds:.1f} s of CPU time, peak memory {peak_megabytes():,.0f} MB, laws checked")


def comparison() -> None:
    """Eight policies over 20 seeds: peak memory."""
    world = sim.scenarios.thundering_herd()
    seconds = cpu_seconds(lambda: sim.compare(world, world.policies[:8], seeds=range(20)))
    print(f"eight policies, 20 seeds: {seconds:.0f} s of CPU time, peak memory {peak_megabytes():,.0f} MB")


def import_time() -> None:
    """`import sim` in a fresh interpreter, median of seven."""
    command = [sys.executable, "-c", "import time; t = time.perf_counter(); import sim; print(time.perf_counter() - t)"]
    seconds = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(7)]
    print(f"import sim: {statistics.median(seconds) * 1_000:.0f} ms")


MEASUREMENTS = {
    "ratios": ratios, "large": large, "comparison": comparison, "import": import_time, "limiters": limiters,
    "explorer": explorer, "backlog": backlog,
}  # fmt: skip


def main() -> None:
    """Each measurement in a process of its own, so that no peak hides behind another."""
    if len(sys.argv) > 1:
        MEASUREMENTS[sys.argv[1]]()
        return
    for name in MEASUREMENTS:
        subprocess.run([sys.executable, "-m", "benchmarks", name], check=True)


if __name__ == "__main__":
    main()
