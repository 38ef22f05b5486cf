"""What the browser tests drive: a JupyterLab of their own on loopback, and a notebook that is open in it."""

from __future__ import annotations

import json
import math
import os
import re
import secrets
import signal
import subprocess
import sys
import time  # noqa: TID251 - a server that starts is waited for in real time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

START_SECONDS = 60.0
RUN_MILLISECONDS = 60_000.0
PATIENCE_SECONDS = 3.0
RAN = re.compile(r"^\[\d+\]:")
"""The prompt of a cell that has run."""
WAITS = "[*]:"
"""The prompt of a cell that runs, or waits for its turn."""

LAUNCHER = """
import os, signal, sys, threading
from pathlib import Path
from sim.lab import open_lab

def watch():
    sys.stdin.read()
    os.killpg(0, signal.SIGTERM)

threading.Thread(target=watch, daemon=True).start()
sys.exit(open_lab(Path(sys.argv[1]), sys.argv[2:]))
"""
"""`sim lab` in a process group of its own that ends with its standard input: however the tests end, it ends too."""


class Lab:
    """JupyterLab on *work*, a learner's copy of the notebooks; what it writes for itself goes to *home*."""

    def __init__(self, work: Path, home: Path) -> None:
        self.work, self.token = work, secrets.token_hex(16)
        self._said = home / "said.txt"
        runtime = home / "runtime"
        private = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython",
                   "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}  # fmt: skip
        environment = {
            **os.environ,
            **{name: str(home / folder) for name, folder in private.items()},
            "JUPYTER_RUNTIME_DIR": str(runtime),
            "PYTHONHASHSEED": "0",
        }
        options = [
            "--no-browser", "--allow-root", "--log-level=ERROR", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0",
            f"--IdentityProvider.token={self.token}", "--LabApp.extension_manager=readonly",
        ]  # fmt: skip
        with self._said.open("w") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-c", LAUNCHER, str(work), *options],
                stdin=subprocess.PIPE, stdout=said, stderr=said, env=environment, start_new_session=True,
            )  # fmt: skip
        try:
            self.url = self._wait_for(runtime)
        except BaseException:
            self.stop()
            raise

    def _wait_for(self, runtime: Path) -> str:
        """The address that the server chose, once it answers there."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            for path in runtime.glob("jpserver-*.json"):
                try:
                    self.url = json.loads(path.read_text())["url"]
                    self.ask("api/status")
                except (OSError, ValueError):
                    continue
                return self.url
            time.sleep(0.05)
        raise RuntimeError(f"JupyterLab did not start: {self._said.read_text()}")

    def ask(self, path: str, method: str = "GET") -> object:
        """What the server's API answers."""
        request = urllib.request.Request(
            f"{self.url}{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=10.0) as answer:
            return json.loads(answer.read() or "null")

    def close_kernels(self) -> None:
        """End every notebook's kernel, so that the next test begins with a fresh one."""
        for session in self.ask("api/sessions"):
            self.ask(f"api/sessions/{session['id']}", "DELETE")

    def address(self, notebook: str) -> str:
        """Where *notebook*, a path in the learner's folder, is opened, with no tabs from before."""
        return f"{self.url}lab/tree/{notebook}?reset&token={self.token}"

    def stop(self) -> None:
        """Let it end, and end it by its own number if it does not."""
        self._process.stdin.close()
        try:
            self._process.wait(timeout=15.0)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Notebook:
    """A notebook that is open in JupyterLab.  Code cells are counted from 0."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.cells = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell")
        # JupyterLab shows a page of cells first and joins the others to it when it has time.
        kinds = [cell["cell_type"] for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
        expect(self.cells).to_have_count(kinds.count("code"), timeout=RUN_MILLISECONDS)
        self._wait_for_kernel()

    def run_all(self) -> None:
        """Run > Run All Cells, and wait for the last one; a cell that complains fails the test at once."""
        # Committed counts go first, so that the new ones can be told from them.
        self.menu("Edit", "Clear Outputs of All Cells")
        prompts = self.cells.locator(".jp-InputArea-prompt")
        expect(prompts.filter(has_text=RAN)).to_have_count(0)
        self._press_until_run(lambda: self.menu("Run", "Run All Cells"), prompts, self.complaints)
        self._wait_for_kernel()

    def menu(self, name: str, item: str) -> None:
        """Choose *item* from the menu *name*."""
        self.page.get_by_role("menuitem", name=name, exact=True).click()
        self.page.get_by_role("menuitem", name=item, exact=True).click()

    def find(self, source: str) -> int:
        """The number of the first code cell with *source* in it."""
        for number in range(self.cells.count()):
            if source in (self.cells.nth(number).locator(".cm-content").text_content() or ""):
                return number
        raise AssertionError(f"no code cell has {source!r} in it")

    def write(self, number: int, source: str) -> None:
        """Replace what is in a cell, as somebody who types."""
        editor = self.cells.nth(number).locator(".cm-content")
        editor.click()
        editor.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(source)

    def run(self, number: int) -> None:
        """Ctrl+Enter in a cell, which adds no cell below the last one as Shift+Enter does, and wait for it."""
        cell = self.cells.nth(number)

        def press() -> None:
            cell.locator(".cm-content").click()
            self.page.keyboard.press("ControlOrMeta+Enter")

        self._press_until_run(press, cell.locator(".jp-InputArea-prompt"), list)

    def output(self, number: int) -> Locator:
        """The outputs of a cell."""
        return self.cells.nth(number).locator(".jp-OutputArea-output")

    def complaints(self) -> list[str]:
        """Every traceback and every warning that a cell shows."""
        return self.cells.locator("[data-mime-type='application/vnd.jupyter.stderr']").all_text_contents()

    def _press_until_run(self, press: Callable[[], None], prompts: Locator, stop: Callable[[], list[str]]) -> None:
        """Press, and wait until each prompt has a new number.

        On a busy machine JupyterLab can drop what it was asked to run while it is connecting to a kernel: the prompts
        are empty again, or as they were, and nothing runs.  Then press once more, as anybody would.
        """
        before = prompts.all_text_contents()
        deadline = time.monotonic() + RUN_MILLISECONDS / 1_000.0
        pressed = -math.inf
        while time.monotonic() < deadline:
            now = prompts.all_text_contents()
            if said := stop():
                raise AssertionError(f"a cell complained: {said[0]}")
            if all(RAN.match(new) and new != old for new, old in zip(now, before, strict=True)):
                return
            if WAITS in now:
                pressed = time.monotonic()
            elif time.monotonic() - pressed > PATIENCE_SECONDS:
                press()
                pressed = time.monotonic()
            self.page.wait_for_timeout(50.0)
        raise AssertionError(f"after {RUN_MILLISECONDS / 1_000.0:g} s the prompts are {prompts.all_text_contents()}")

    def _wait_for_kernel(self) -> None:
        indicator = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator")
        expect(indicator).to_have_attribute("data-status", "idle", timeout=RUN_MILLISECONDS)


AT_ITS_END = """([root, wanted]) => {
    const player = root.player;
    player.pause();
    player.goTo(player.seconds);
    const ok = [...root.querySelectorAll("[data-count=ok]")].map(one => one.textContent.replaceAll(",", ""));
    return JSON.stringify(ok) === JSON.stringify(wanted);
}"""


def ends_with(player: Locator, ok: list[str]) -> None:
    """Wait until *player*, put to its end, counts *ok* calls in each scene; new scenes come after their table does."""
    player.page.wait_for_function(AT_ITS_END, arg=[player.element_handle(), ok], timeout=RUN_MILLISECONDS)
