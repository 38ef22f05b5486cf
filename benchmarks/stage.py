"""`python -m benchmarks.stage`: what the live demo takes, in Chromium.

- the page: from asking for it to the question on the screen, with the browser's cache warm and a kernel ready;
- a slider: from a key pressed on it to the table, chart and player that show it, at the size a demo starts with;
- ten viewers: from asking for the page, all at once, to the stage; and all ten runs at once.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import time

from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.frames import FLAGS, p95
from sim.demo.check import served
from sim.demo.visitor import Visit

LOADS, TURNS, VIEWERS = 8, 60, 10
REFILLED = 8.0
"""So many seconds, and another kernel is ready."""

TURN = """async ([index, by]) => {
  const handle = document.querySelectorAll(".sim-left .noUi-handle")[index];
  const player = document.querySelector(".sim-player").player, chart = () => document.querySelector("figure img").src;
  const seen = () => document.querySelector("[aria-label=Figures]").outerHTML + chart().length + chart().slice(-400);
  const before = seen(), tables = player.tables, began = performance.now();
  const shown = new Promise((done) => {
    // Told of changes, not asking for them: a loop would take from the kernel's time on a machine with two cores.
    const watching = new MutationObserver(() => {
      if (seen() === before || player.tables === tables) return;
      watching.disconnect();
      done();
    });
    watching.observe(document.querySelector(".sim-right"), { subtree: true, childList: true, attributes: true });
  });
  handle.focus();
  handle.dispatchEvent(new KeyboardEvent("keydown", { key: by > 0 ? "ArrowRight" : "ArrowLeft", bubbles: true }));
  await Promise.race([shown, new Promise((late) => setTimeout(late, 20000))]);
  await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
  return performance.now() - began;
}"""
"""Press a key on a slider; milliseconds until the frame is drawn that shows another table, chart and player."""


def main() -> None:
    """All three, one after the other."""
    with served("webhooks-6") as url:
        time.sleep(REFILLED)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
            context = browser.new_context(viewport={"width": 1280, "height": 720})
            paints, questions = _loads(context.new_page(), url)
            print(
                f"the page, once warm: first paint median {statistics.median(paints):.2f} s, the question median "
                f"{statistics.median(questions):.2f} s, slowest of {len(questions)} {max(questions):.2f} s"
            )
            turns = _turns(context.new_page(), url)
            print(
                f"a slider to redrawn table, chart and player: median {statistics.median(turns):.0f} ms, "
                f"p95 {p95(turns):.0f} ms, {len(turns)} turns"
            )
            browser.close()
        time.sleep(REFILLED)
        opened, ran = asyncio.run(_viewers(url))
        print(
            f"{VIEWERS} viewers at once: stage set after {min(opened):.1f} to {max(opened):.1f} s; "
            f"all run at once, shown after {min(ran):.1f} to {max(ran):.1f} s"
        )


def _loads(page: Page, url: str) -> tuple[list[float], list[float]]:
    paints, questions = [], []
    for number in range(LOADS + 1):
        began = time.perf_counter()
        page.goto(url, wait_until="commit")
        page.locator(".sim-prompt").wait_for(timeout=60_000)
        if number:  # the first one fills the browser's cache
            questions.append(time.perf_counter() - began)
            paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1_000)
        page.goto("about:blank")
        time.sleep(REFILLED)
    page.close()
    return paints, questions


def _turns(page: Page, url: str) -> list[float]:
    page.goto(url)
    page.get_by_role("button", name=re.compile("Run$")).click(timeout=60_000)
    reveal = page.get_by_role("button", name=re.compile("Reveal$"))
    expect(reveal).to_be_enabled(timeout=60_000)
    reveal.click()
    page.get_by_role("table", name="Figures").wait_for()
    page.evaluate("document.querySelector('.sim-player').player.pause()")
    time.sleep(REFILLED)
    took = []
    for number in range(TURNS):
        # The queue, up and down between two places where the figures differ.
        took.append(page.evaluate(TURN, [2, 1 if number % 2 == 0 else -1]))
        time.sleep(0.1)
    page.close()
    return took


async def _viewers(url: str) -> tuple[list[float], list[float]]:
    async def come() -> tuple[Visit, float]:
        began = time.perf_counter()
        visit = await Visit.begin(url)
        await visit.come_in("?view=candidate")
        return visit, time.perf_counter() - began

    async def run(visit: Visit) -> float:
        began = time.perf_counter()
        await visit.press("Run")
        await visit.until(lambda: visit.shows("<table"), "a run")
        return time.perf_counter() - began

    visits = await asyncio.gather(*(come() for _ in range(VIEWERS)))
    ran = await asyncio.gather(*(run(visit) for visit, _ in visits))
    for visit, _ in visits:
        visit.leave()
    return [seconds for _, seconds in visits], list(ran)


if __name__ == "__main__":
    main()
