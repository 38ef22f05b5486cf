"""`make pictures`: the pictures of README, each made by the thing that it shows.

Chart and film come out byte for byte the same, the stage but for a few pixels of rounded corners.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

import sim
from sim import charts, questions
from sim.demo.check import served
from sim.demo.subject import START

HERE = Path(__file__).parent
HERD = ("immediate", "exponential", "full-jitter", "decorrelated-jitter", "full-jitter+breaker")
FROM, TO, SLOWER, FRAMES_A_SECOND = 0.0, 1.7, 5, 12
"""The film's part of the run, s; how much slower it goes than the run; and its frames."""


def main() -> None:
    """A chart, a film, a stage."""
    herd = sim.compare(sim.scenarios.thundering_herd(), HERD, seeds=[0])
    charts.save(charts.load(herd), HERE / "thundering-herd.png")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        _film(browser, HERE / "player.gif")
        _stage(browser, HERE / "stage.png")
        browser.close()


def _film(browser: Browser, path: Path) -> None:
    """The start of a demo in motion: a frame for each instant, whatever the machine's speed."""
    world = sim.scenarios.thundering_herd(**questions.named(START).knobs)
    runs = sim.compare(world, ["exponential", "full-jitter"], seeds=[0]).runs
    player = sim.play({"no jitter": runs["exponential"], "full jitter": runs["full-jitter"]})
    with tempfile.TemporaryDirectory() as folder, _page(browser, 860, 480) as page:
        (Path(folder) / "player.html").write_text(player.page(), encoding="utf-8")
        page.goto((Path(folder) / "player.html").as_uri())
        frames = list(_frames(page))
    # One palette for all frames, so that what stands still is the same in each and is stored once.
    palette = frames[len(frames) // 3].quantize(64, dither=Image.Dither.NONE)
    first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    first.save(path, save_all=True, append_images=others, duration=round(1000 / FRAMES_A_SECOND), loop=0, optimize=True)


def _frames(page: Page) -> Iterator[Image.Image]:
    scenes = page.locator(".stages").bounding_box()
    assert scenes is not None
    edge = 8
    scenes |= {"x": scenes["x"] - edge, "y": scenes["y"] - edge}
    scenes |= {"width": scenes["width"] + 2 * edge, "height": scenes["height"] + 2 * edge}
    for number in range(round((TO - FROM) * SLOWER * FRAMES_A_SECOND) + 1):
        at = FROM + number / (SLOWER * FRAMES_A_SECOND)
        page.evaluate("at => document.querySelector('.sim-player').player.goTo(at)", at)
        page.evaluate("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))")
        yield Image.open(io.BytesIO(page.screenshot(clip=scenes))).convert("RGB")


def _stage(browser: Browser, path: Path) -> None:
    """The stage after a prediction, a run and the reveal."""
    with served(START) as url, _page(browser, 1280, 720) as page:
        page.goto(url)
        page.get_by_role("button", name=re.compile("^full-jitter")).click(timeout=60_000)
        page.get_by_role("button", name=re.compile("Run$")).click()
        reveal = page.get_by_role("button", name=re.compile("Reveal$"))
        expect(reveal).to_be_enabled(timeout=60_000)
        reveal.click()
        page.get_by_role("table", name="Figures").wait_for()
        page.evaluate("(({ player }) => { player.pause(); player.goTo(0.3); })(document.querySelector('.sim-player'))")
        page.evaluate("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))")
        page.screenshot(path=path)


@contextmanager
def _page(browser: Browser, width: int, height: int) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light", reduced_motion="reduce")
    yield page
    page.close()


if __name__ == "__main__":
    main()
