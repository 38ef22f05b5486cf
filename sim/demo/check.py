"""What `sim demo --check` proves before the meeting: with the network off, as far as this machine can switch it off."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter  # noqa: TID251  how long somebody waits in a meeting is measured where they wait

import attrs

from sim.demo.link import State
from sim.demo.rehearsal import rehearse
from sim.demo.subject import Subject, subjects
from sim.demo.visitor import GoneWrongError, Visit, fetch, outside

INSIDE = "SIM_DEMO_CHECK_INSIDE"
"""Set for the check that runs where the network is off."""
SLOW_SECONDS = 5.0
COMMAND = (sys.executable, "-c", "from sim.cli import main; main()", "demo")


def check(subject: Subject, say: Callable[[str], None], progress: Callable[[int, int], None]) -> int:
    """Try everything that a demo of *subject* needs; returns how many things went wrong.

    *say*: is told each finding, a line that begins with ✓ or ✗.  *progress*: is told how many questions have been run.
    """
    if INSIDE not in os.environ and _can_be_alone():
        alone = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent"]
        return subprocess.call([*alone, *COMMAND, subject.name, "--check"], env={**os.environ, INSIDE: "1"})
    if INSIDE in os.environ:
        say("✓ the network is off; nothing but this machine itself can be reached")
    else:
        say("! the network stays on, as bubblewrap is not at hand here; what the page loads was looked at instead")
    wrong = 0
    for name, look in (("the page", _page), ("the stage", _stage), ("the questions", _questions)):
        try:
            for found in look(subject, progress):
                say(f"✓ {found}")
        except (GoneWrongError, OSError, ValueError) as error:
            say(f"✗ {name}: {error}")
            wrong += 1
    say("everything works" if not wrong else f"{wrong} of 3 parts went wrong")
    return wrong


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """A demo's server in a process of its own, and its address; it ends with the block.

    Raises: `GoneWrongError` with what it said when it does not start.
    """
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*COMMAND, *arguments, "--no-browser", "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = []
        try:
            for line in process.stdout:
                said.append(line.strip())
                if "http://" in line:
                    yield "http://" + line.strip().partition("http://")[2]
                    return
            raise GoneWrongError(f"the server did not start: {' '.join(said)[-300:]}")
        finally:
            process.terminate()
            try:
                process.wait(timeout=15.0)
            except subprocess.TimeoutExpired:
                process.kill()


def _can_be_alone() -> bool:
    if shutil.which("bwrap") is None:
        return False
    tried = subprocess.run(
        ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "true"], capture_output=True, check=False, timeout=30.0
    )
    return tried.returncode == 0


def _page(subject: Subject, _: Callable[[int, int], None]) -> Iterator[str]:
    async def look(url: str) -> tuple[int, list[str]]:
        visit = await Visit.begin(url)
        files = [(await fetch(one))[0].decode("utf-8", "replace") for one in visit.page.assets]
        visit.leave()
        return len(files), sorted({found for text in (visit.page.html, *files) for found in outside(text)})

    with served(subject.name) as url:
        loaded, elsewhere = asyncio.run(look(url))
    if elsewhere:
        raise GoneWrongError(f"it must load nothing from another host, and names {', '.join(elsewhere)}")
    yield f"the page and the {loaded} files that it names come from this machine, and ask no other"


def _stage(subject: Subject, _: Callable[[int, int], None]) -> Iterator[str]:
    async def present(url: str) -> list[float]:
        began = perf_counter()
        visit = await Visit.begin(url)
        await visit.come_in()
        ready = perf_counter()
        await visit.press("Run")
        await visit.until(lambda: visit.shows("<table"), "a run is shown")
        ran = perf_counter()
        await visit.press("Reveal")
        await visit.until(lambda: visit.shows("sim-verdict"), "the run is revealed")
        visit.leave()
        return [ready - began, ran - ready]

    async def look_on(url: str) -> bool:
        visit = await Visit.begin(url)
        await visit.come_in("?view=candidate")
        await visit.press("Run")
        await visit.until(lambda: visit.shows("<table"), "a run is shown to the candidate")
        await visit.send("execute_request", {"code": "print('here')", "silent": False, "store_history": False})
        await visit.listen(1.0)
        visit.leave()
        if any("execute_reply" in frame for frame in visit.frames):
            raise GoneWrongError("a page must not run code, and its kernel has answered to some")
        told = " ".join([visit.page.html, *visit.frames])
        secrets = () if subject.question is None else (*subject.question.points, *subject.question.traps)
        return not any(one in told for one in secrets)

    with served(subject.name) as url:
        asyncio.run(present(url))  # the first one may still wait for its kernel
        opened, ran = asyncio.run(present(url))
        yield f"once warm, the stage is set {opened:.1f} s after a page asks, and {subject.name} runs in {ran:.1f} s"
        if not asyncio.run(look_on(url)):
            raise GoneWrongError("the candidate's view must hold nothing of the rubric, and does")
    yield "the candidate's view holds nothing of the rubric, and no page can run code"


def _questions(subject: Subject, progress: Callable[[int, int], None]) -> Iterator[str]:
    known = list(subjects().values())
    states = [State.of(one) for one in known]
    states += [attrs.evolve(State.of(subject), knobs=knobs) for knobs in subject.demo.presets.values()]
    took: dict[str, float] = {}
    for number, state in enumerate(states, start=1):
        name, began = state.subject.name, perf_counter()
        try:
            rehearse(state).close()
        except Exception as error:
            raise GoneWrongError(f"{name} does not run: {type(error).__name__}: {error}") from error
        took[name] = max(took.get(name, 0.0), perf_counter() - began)
        progress(number, len(states))
    slow = [f"{name} {seconds:.0f} s" for name, seconds in took.items() if seconds > SLOW_SECONDS]
    more = f"; these take their time: {', '.join(slow)}" if slow else ""
    yield f"all {len(known)} questions and scenarios run, and the presets of {subject.name}{more}"
