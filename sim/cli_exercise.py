"""`sim exercise`: the exercises at the terminal, with the learner's progress in one file."""

from __future__ import annotations

import time  # noqa: TID251  a file is watched in real time
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console

from sim import lab
from sim.exercises import Exercise, Report, Verdict, cells, every, measured_text, named, stem_of, stems, verdicts
from sim.exercises.progress import Progress, checked

app = typer.Typer(no_args_is_help=True, help="List, check and reset the exercises; hints on the way.")
LOOK_SECONDS = 0.3

Id: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="such as 08-token-bucket; see `sim exercise list`")]
Folder: TypeAlias = Annotated[
    Path | None, typer.Option("--folder", metavar="DIR", help="the learner's copy; work/ unless it is given")
]


def _progress(folder: Path | None) -> Progress:
    if folder is not None and not (folder / "exercises").is_dir():
        raise ValueError(f"--folder must be a learner's copy with exercises/ in it, got {str(folder)!r}")
    return Progress(folder if folder is not None else lab.prepare())


@app.command("list")
def list_(folder: Folder = None) -> None:
    """All exercises, and how you stand."""
    progress, console = _progress(folder), Console(highlight=False, soft_wrap=True)
    width = max(len(one.id) for one in every())
    for stem in stems():
        console.print(f"[bold]{stem}[/bold]")
        for one in (one for one in every() if stem_of(one) == stem):
            standing = progress.of(one.id)
            mark = "passed" if standing.passed else f"{standing.points}/{one.points}" if standing.points else ""
            console.print(f"  {one.id:{width}}  {one.kind:9}  {mark:6}  {one.title}", markup=False)
    passed = sum(progress.of(one.id).passed for one in every())
    console.print(f"{passed} of {len(every())} passed. `sim exercise next` shows where to go on.")


@app.command("next")
def next_(folder: Folder = None) -> None:
    """The first exercise that is not passed yet."""
    progress = _progress(folder)
    for one in every():
        if not progress.of(one.id).passed:
            print(f"{one.id}: {one.title}\n\n{one.story.strip()}\n\nanswer in {_short(progress, one)}")
            print(f"then: sim exercise check {one.id}    stuck: sim exercise hint {one.id}")
            return
    print(f"all {len(every())} exercises are passed")


@app.command()
def check(
    id: Id,
    watch: Annotated[bool, typer.Option("--watch", help="check again whenever the notebook is saved")] = False,
    folder: Folder = None,
) -> None:
    """Judge your answer; exit code 1 when it does not pass."""
    exercise, progress = named(id), _progress(folder)
    report = _check(exercise, progress)
    if not watch:
        raise typer.Exit(0 if report.verdict is Verdict.PASS else 1)
    path = progress.notebook(exercise)
    print(f"watching {_short(progress, exercise)}; Ctrl-C ends it")
    seen = path.stat().st_mtime_ns
    try:
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                now = path.stat().st_mtime_ns
                if now != seen:
                    seen = now
                    _check(exercise, progress)
            except (OSError, ValueError) as error:  # an editor may be half way through a save
                print(error)
    except KeyboardInterrupt:
        print()


def _check(exercise: Exercise, progress: Progress) -> Report:
    report = checked(exercise, progress.source(exercise))
    standing = progress.of(exercise.id)
    passed = report.verdict is Verdict.PASS
    progress.keep(exercise.id, points=max(standing.points, report.points), passed=standing.passed or passed)
    print(verdicts(report))
    if passed:
        print(measured_text(report))
        print(f"`sim exercise solution {exercise.id}` shows the reference answer")
    return report


@app.command()
def hint(
    id: Id,
    number: Annotated[
        int | None, typer.Argument(metavar="[1-3]", help="which; the next one unless it is given")
    ] = None,
    folder: Folder = None,
) -> None:
    """A hint; each tells more than the one before."""
    exercise, progress = named(id), _progress(folder)
    shown = progress.of(exercise.id).hints
    chosen = min(3, shown + 1) if number is None else number
    if chosen not in (1, 2, 3):
        raise ValueError(f"the hint must be 1, 2 or 3, got {chosen}")
    print(f"{chosen}/3  {exercise.hints[chosen - 1]}")
    progress.keep(exercise.id, hints=max(shown, chosen))


@app.command()
def solution(id: Id, folder: Folder = None) -> None:
    """The reference answer, once you have passed."""
    exercise, progress = named(id), _progress(folder)
    if not progress.of(exercise.id).passed:
        raise ValueError(
            f"the solution of {exercise.id} is shown after a pass; `sim exercise hint {exercise.id}` helps"
        )
    path = Path(__file__).resolve().parent.parent / "exercises" / "solutions" / f"{stem_of(exercise)}.ipynb"
    print(dict(cells.answers_in(cells.read(path)))[exercise.id])


@app.command()
def reset(id: Id, folder: Folder = None) -> None:
    """Put the stub back; your notebook is kept beside it as .bak."""
    exercise, progress = named(id), _progress(folder)
    kept = progress.reset(exercise)
    print(f"{exercise.id} is as it was given; your notebook before is {kept.name}")


def _short(progress: Progress, exercise: Exercise) -> str:
    path = progress.notebook(exercise)
    return str(path.relative_to(progress.folder.parent)) if progress.folder.parent in path.parents else str(path)
