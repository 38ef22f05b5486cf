"""Fixtures of the browser tests: one JupyterLab a session, one Chromium a file, and no way out of this machine."""

import re
import shutil
from pathlib import Path

import pytest
from driving import Lab, Notebook
from playwright.sync_api import expect, sync_playwright

from sim.lab import FOLDERS, prepare

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = re.compile(r"(?:http|ws)://127\.0\.0\.1(?::\d+)?/")
ELSEWHERE = re.compile(rf"^(?!{HERE.pattern})(?:http|ws)s?://")
# The flags of a browser that asks for nothing on its own; names other than this machine's lead nowhere.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip

# A kernel answers a button in a tenth of a second, and on a busy machine in some seconds.
expect.set_options(timeout=20_000.0)


@pytest.fixture(scope="session")
def chromium_path():
    """Where Debian's Chromium is."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed; .ci/run installs it")
    return path


@pytest.fixture(scope="session")
def lab(chromium_path, tmp_path_factory):
    """JupyterLab as `sim lab` opens it, on a copy of the notebooks."""
    root = tmp_path_factory.mktemp("lab")
    for folder in FOLDERS:
        if (ROOT / folder).exists():
            shutil.copytree(ROOT / folder, root / folder)
    lab = Lab(prepare(root=root), root)
    yield lab
    lab.stop()


@pytest.fixture(scope="module")
def chromium(chromium_path):
    """The browser.  It ends with its file: while it is there, an event loop is running in this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def asked_outside():
    """The addresses outside this machine that the page asked for.  A test that leaves one here fails."""
    asked = []
    yield asked
    assert asked == [], "the page asked for something outside this machine"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Tell the fixtures of a test how its own part went."""
    report = yield
    if report.when == "call":
        item.failed = report.failed
    return report


@pytest.fixture
def page(request, chromium, asked_outside, tmp_path):
    """An empty page of a fresh profile whose requests end at this machine; a test that fails leaves a picture."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1000}, service_workers="block")

    def refuse(route):
        asked_outside.append(route.request.url)
        route.abort()

    def refuse_socket(route):
        asked_outside.append(route.url)
        route.close()

    context.route(ELSEWHERE, refuse)
    context.route_web_socket(ELSEWHERE, refuse_socket)
    page = context.new_page()
    yield page
    if getattr(request.node, "failed", False):
        page.screenshot(path=tmp_path / "failed.png")
        print(f"how the page looked: {tmp_path / 'failed.png'}")
    context.close()


@pytest.fixture
def fresh_kernels(lab):
    """Ends the kernels after the page that uses them is gone; it would start them anew."""
    yield
    lab.close_kernels()


@pytest.fixture
def open_notebook(lab, fresh_kernels, page):
    """A function that opens a notebook of the learner's folder; its kernel ends with the test."""

    def open_it(path):
        page.goto(lab.address(path))
        return Notebook(page, lab.work / path)

    return open_it
