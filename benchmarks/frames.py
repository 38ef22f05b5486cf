"""`python -m benchmarks.frames`: how long the player's frames take with 2,000 requests in flight, in Chromium.

All 2,000 move all the time: they are on the network, there and back.  A frame is what the player's own code does in it;
the gap between frames also holds what the browser adds, and cannot be less than one refresh of the screen.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import sim
from sim.laws import Constant, Uniform
from sim.scenario import Clients, Network, Scenario, Server
from sim.workload import Poisson

SECONDS = 8.0
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
GAPS = """seconds => new Promise(done => { const gaps = []; let last = performance.now();
  const frame = now => { gaps.push(now - last); last = now; if (gaps.length < seconds * 200 && now - first < seconds * 1000) requestAnimationFrame(frame); else done(gaps.slice(1)); };
  const first = last; requestAnimationFrame(frame); })"""  # noqa: E501


def world(in_flight: int = 2_000) -> Scenario:
    """Calls that are on the wire for five seconds in all, as many as it takes to have so many in flight."""
    wire = Uniform(2.0, 3.0)
    return Scenario(
        name="in-flight", arrivals=Poisson.steady(in_flight / 5.0), horizon=30.0, clients=Clients(timeout=60.0),
        network=Network(request_delay=wire, reply_delay=wire),
        server=Server(workers=float("inf"), service=Constant(0.01)),
    )  # fmt: skip


def main() -> None:
    """One player, then two side by side with half as many each."""
    for title, runs in (
        ("one run, 2,000 in flight", [sim.run(world(), "no-retry")]),
        ("two runs, 1,000 in flight each", [sim.run(world(1_000), "no-retry", seed=seed) for seed in (0, 1)]),
    ):
        frames, gaps = _measure(sim.play(*runs, at=8.0, speed=1.0))
        print(
            f"{title}: frame median {statistics.median(frames):.1f} ms, p95 {p95(frames):.1f} ms; "
            f"gap median {statistics.median(gaps):.1f} ms, p95 {p95(gaps):.1f} ms, {len(frames)} frames"
        )


def _measure(player: sim.player.Player) -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "player.html"
        path.write_text(player.page(), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(path.as_uri())
        page.get_by_role("button", name="play", exact=True).click()
        gaps: list[float] = page.evaluate(GAPS, SECONDS)
        frames: list[float] = page.evaluate("document.querySelector('.sim-player').player.took")
        browser.close()
    return frames, gaps


def p95(values: list[float]) -> float:
    """The value that 95 % of *values* stay below."""
    return sorted(values)[int(0.95 * len(values))]


if __name__ == "__main__":
    main()
