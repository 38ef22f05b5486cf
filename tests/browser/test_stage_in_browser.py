"""The stage of a live demo in a real browser: predict, run, reveal, links, files, and a kernel that dies."""

import io
import json
import os
import re
import signal
import subprocess
import zipfile
from urllib.parse import parse_qs, urlsplit

import pytest
from driving import ends_with
from playwright.sync_api import expect

from sim import questions
from sim.demo.check import served

pytestmark = pytest.mark.slow

SMALL = "?q=webhooks-6&clients=100&workers=4&queue=16&a=immediate"
QUESTION = questions.named("webhooks-6")
HIDDEN = (QUESTION.tests, *QUESTION.points, *QUESTION.traps, *QUESTION.follow_ups)


NAME = """(e => e.getAttribute("role") === "slider" ? "slider" : e.ariaLabel || e.textContent || e.tagName)
    (document.activeElement)"""
"""How the part that has the focus is called."""


@pytest.fixture(scope="module")
def url(chromium_path):
    """A demo's server."""
    with served("webhooks-6") as address:
        yield address


@pytest.fixture
def told(page):
    """All that the page gets from its kernel, message by message."""
    frames = []

    def listen(socket):
        socket.on("framereceived", lambda payload: frames.append(str(payload)))

    page.on("websocket", listen)
    return frames


@pytest.fixture
def come(page, url):
    """A function that opens the stage by a link."""

    def open_it(query=SMALL):
        page.goto(url.rstrip("/") + "/" + query)
        expect(page.locator(".sim-prompt")).to_be_visible(timeout=60_000)
        return page

    return open_it


def press(page, name):
    """The button with that name; an icon before it counts as no part of it."""
    page.get_by_role("button", name=re.compile(rf"(^|\W){re.escape(name)}$")).first.click()


def calls_ok(page):
    """The calls ok of A and B in the table."""
    return page.get_by_role("table", name="Figures").locator("tbody tr td:nth-child(2)")


def pids(marker):
    """The kernels that serve a page: processes of this user with *marker* in their command line."""
    found = subprocess.run(["pgrep", "-f", marker], capture_output=True, text=True, check=False).stdout.split()
    return [int(one) for one in found]


def test_predict_run_reveal(page, come):
    """The audience votes, the requests move, and then the numbers and who was right are there."""
    come()
    expect(page.get_by_text("Which one has more: calls ok?")).to_be_visible()
    table = page.get_by_role("table", name="Figures")
    press(page, "immediate")
    for _ in range(3):
        page.get_by_role("button", name=re.compile("^full-jitter")).click()
    expect(page.get_by_role("button", name="full-jitter · 3")).to_be_visible()

    press(page, "Run")
    player = page.locator(".sim-player")
    expect(player.locator(".stage")).to_have_count(2)
    page.wait_for_function("document.querySelector('.sim-player').player.playing")
    page.wait_for_function("document.querySelector('.sim-player').player.at > 0")
    expect(table).to_be_hidden()
    expect(page.locator(".sim-verdict")).to_be_hidden()

    press(page, "Reveal")
    expect(table).to_be_visible()
    verdict = page.locator(".sim-verdict")
    expect(verdict).to_have_text(re.compile("calls ok: 20 with immediate, .*; more with full-jitter"))
    expect(verdict).to_contain_text("3 of 4 predicted it")
    expect(page.locator("figure img")).to_have_attribute("alt", re.compile("full-jitter"))

    ends_with(player, calls_ok(page).all_text_contents())


def test_a_slider_moves_table_chart_and_player(page, come):
    """Without another press of Run, once there has been one."""
    come()
    press(page, "Run")
    press(page, "Reveal")
    expect(calls_ok(page).first).to_have_text("20")
    row = page.locator(".widget-slider").filter(has=page.get_by_text("queue", exact=True))
    row.locator(".widget-readout").fill("46")
    row.locator(".widget-readout").press("Enter")
    expect(calls_ok(page).first).to_have_text("50")
    expect(page.locator(".sim-verdict")).to_contain_text("50 with immediate")
    expect(page).to_have_url(re.compile("queue=46"))
    ends_with(page.locator(".sim-player"), calls_ok(page).all_text_contents())


def test_the_candidate_s_view_contains_nothing_of_the_rubric(page, come, told):
    """Not on the page, not in its source, not in a message; for the presenter it comes when it is asked for."""
    come(SMALL + "&view=candidate")
    press(page, "Run")
    press(page, "Reveal")
    expect(page.locator(".sim-verdict")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Notes"))).to_have_count(0)
    expect(page.get_by_role("button", name="Copy candidate’s link")).to_have_count(0)
    source = page.request.get(page.url).text()
    assert told
    for text in HIDDEN:
        assert text not in page.content()
        assert text not in source
        assert not any(json.dumps(text)[1:-1] in frame for frame in told)

    come(SMALL)
    press(page, "Notes")
    notes = page.locator(".sim-notes-text")
    for text in HIDDEN:
        expect(notes).to_contain_text(text)
    expect(notes).to_contain_text("sim claims Q-22.2 Q-22.3")
    press(page, "Notes")
    expect(notes).to_have_count(0)


def test_a_link_brings_everything_back(page, come, chromium):
    """Question, knobs, policies and seed: as copied by one, opened by another, with the same numbers."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    come("?q=Q-09")
    page.get_by_role("combobox", name="B", exact=True).select_option("recovery-point")
    press(page, "a slow store")
    seed = page.get_by_role("spinbutton").first
    seed.fill("5")
    seed.press("Enter")
    expect(page).to_have_url(re.compile("seed=5"))
    press(page, "Run")
    press(page, "Reveal")
    first = page.get_by_role("table", name="Figures").locator("td")
    expect(first.first).to_be_visible()
    shown = first.all_text_contents()

    press(page, "Copy candidate’s link")
    expect(page.get_by_text("candidate’s link copied")).to_be_visible()
    candidates = page.evaluate("navigator.clipboard.readText()")
    assert parse_qs(urlsplit(candidates).query)["view"] == ["candidate"]
    press(page, "Copy link")
    expect(page.get_by_text("link copied", exact=True)).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert parse_qs(urlsplit(link).query) == {
        "q": ["Q-09"], "a": ["check-then-act"], "b": ["recovery-point"], "seed": ["5"], "store_delay": ["0.05"],
    }  # fmt: skip

    come("?" + urlsplit(link).query)
    expect(page.locator(".sim-prompt")).to_contain_text("Design an idempotent POST /payments")
    press(page, "Run")
    press(page, "Reveal")
    expect(first).to_have_text(shown)


def test_a_bad_link_says_so_and_the_demo_stands(page, come):
    """What could not be used is named; the rest is as the demo starts."""
    come("?q=Q-09&lease=-1&crash_share=lots&nonsense=1&a=nobody")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("This link could not be used in full")
    for sentence in (
        "lease must be more than 0, got -1.0",
        "crash_share must be a number, got 'lots'",
        "unknown knob of crash-after-charge 'nonsense'",
        "unknown policy of crash-after-charge 'nobody'",
    ):
        expect(alert).to_contain_text(sentence)
    press(page, "Run")
    expect(page.locator(".sim-player")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?q=Q-09$"))

    come("?q=nothing-like-it")
    expect(page.get_by_role("alert")).to_contain_text("unknown question or scenario 'nothing-like-it'")
    expect(page.locator(".sim-prompt")).to_contain_text("A server restarts")


def test_a_kernel_that_dies_is_replaced(page, come, url):
    """The page says so, and comes back by itself with the question and the settings of before."""
    come("?q=Q-09&a=recovery-point&store_delay=0.05")
    kernel = json.loads(page.locator("#jupyter-config-data").text_content())["kernelId"]
    (number,) = pids(f"kernel-{kernel}")
    os.kill(number, signal.SIGKILL)
    told = page.get_by_role("alertdialog")
    expect(told).to_contain_text("The kernel behind this page has ended. A new one starts now", timeout=30_000)
    expect(page.locator(".sim-prompt")).to_contain_text("Design an idempotent POST /payments", timeout=60_000)
    expect(told).to_have_count(0)
    expect(page.get_by_role("combobox", name="A", exact=True)).to_have_value("recovery-point")
    press(page, "Run")
    press(page, "Reveal")
    expect(page.get_by_role("table", name="Figures")).to_be_visible()
    assert json.loads(page.locator("#jupyter-config-data").text_content())["kernelId"] != kernel


def test_save_gives_a_picture_a_table_and_a_notebook(page, come):
    """In one file, named after the question."""
    come()
    press(page, "Run")
    press(page, "Reveal")
    expect(calls_ok(page)).to_have_count(2)
    shown = calls_ok(page).all_text_contents()
    with page.expect_download() as waiting:
        press(page, "Save")
    saved = waiting.value
    assert saved.suggested_filename == "unhappy-path-webhooks-6.zip"
    with open(saved.path(), "rb") as file:
        content = zipfile.ZipFile(io.BytesIO(file.read()))
    names = {name.rpartition("/")[2]: name for name in content.namelist()}
    assert set(names) == {"chart.png", "table.csv", "run.ipynb"}
    rows = content.read(names["table.csv"]).decode().splitlines()[1:]
    assert [str(round(float(row.split(",")[1]))) for row in rows] == shown
    assert "thundering_herd(clients=100, workers=4, queue=16)" in content.read(names["run.ipynb"]).decode()
    expect(page.get_by_text("saved as unhappy-path-webhooks-6.zip")).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)], ids=["projector", "phone"])
def test_nothing_is_wider_than_the_screen(page, come, width, height):
    """Everything that matters is in reach on a projector and on a phone; the question and Run without scrolling."""
    page.set_viewport_size({"width": width, "height": height})
    come()
    press(page, "Notes")
    press(page, "Run")
    press(page, "Reveal")
    expect(page.get_by_role("table", name="Figures")).to_be_visible()
    wide = page.evaluate(
        "[...document.querySelectorAll('.sim-stage, .sim-stage .sim-boards > *, .sim-player, .sim-prompt, .sim-bar')]"
        ".map(one => one.getBoundingClientRect().right)"
    )
    assert max(wide) <= width + 1
    run = page.get_by_role("button", name=re.compile("Run$"))
    page.locator("#rendered_cells").evaluate("one => one.scrollTo(0, 0)")
    for part in (page.locator(".sim-prompt"), run):
        box = part.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height


def test_it_is_dark_where_the_reader_s_system_is(page, come):
    """The page and the player in it."""
    page.emulate_media(color_scheme="dark")
    come()
    press(page, "Run")
    expect(page.locator(".sim-player")).to_be_visible()
    for selector in ("body", ".sim-player"):
        red, green, blue = map(
            int, re.findall(r"\d+", page.locator(selector).evaluate("one => getComputedStyle(one).backgroundColor"))[:3]
        )
        assert max(red, green, blue) < 80, selector


def test_the_keyboard_reaches_everything(page, come):
    """From the top on with Tab alone: the question, a vote, Run, Reveal, a slider, the player."""
    come()
    press(page, "Run")
    expect(page.locator(".sim-player")).to_be_visible()
    page.locator("body").click(position={"x": 2, "y": 2})
    seen = set()
    for _ in range(70):
        page.keyboard.press("Tab")
        seen.add(page.evaluate(NAME).strip().partition("\n")[0])
    for wanted in ("full-jitter", "Run", "Reveal", "Save", "Copy link", "slider", "play", "as asked"):
        assert any(wanted in one for one in seen), (wanted, seen)
