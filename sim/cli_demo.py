"""`sim demo`: the stage of a live demo, in a browser."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer
from tqdm import tqdm


def demo(
    scenario: Annotated[
        str | None,
        typer.Argument(metavar="[SCENARIO]", help="begin with this scenario, or with a question such as Q-09"),
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", help="0 is any; without it 8866, or the next one free")
    ] = None,
    address: Annotated[
        str, typer.Option("--address", help="who can come; any but this machine's own wants a token")
    ] = "127.0.0.1",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="only serve, and say where")] = False,
    check: Annotated[bool, typer.Option("--check", help="try everything with the network off, and end")] = False,
) -> None:
    """Open the stage for a live demo: a question, a prediction, a run in motion, and the rubric for you alone."""
    # Widgets and charts take their time to come in, which no other command should wait for.
    from sim.demo.link import VIEWS, State
    from sim.demo.subject import START, subject_named

    subject = subject_named(START if scenario is None else scenario)
    if check:
        from sim.demo.check import check as try_all

        with tqdm(total=1, delay=1, disable=None, leave=False, unit="question") as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            wrong = try_all(subject, bar.write, progress)
        raise typer.Exit(1 if wrong else 0)
    from sim.demo.server import open_door, serve

    door, state = open_door(address, port), State.of(subject)
    presenter, candidate = (door.url(view, state) for view in VIEWS)

    def ready() -> None:
        print(f"the stage, for you:   {presenter}")
        print(f"for the candidate:    {candidate}")
        print("Ctrl+C ends it.", flush=True)
        if not no_browser:
            webbrowser.open(presenter)

    serve(door, subject.name, ready)
