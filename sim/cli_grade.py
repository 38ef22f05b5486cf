"""`sim grade`: a folder of learners' notebooks, and marks for all of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from sim.exercises import every
from sim.grading import protection
from sim.marking import merged, report, secret
from sim.marking.marker import grade as mark_all
from sim.marking.submissions import Submission, submissions
from sim.policies.catalog import unknown

UNSAFE = "none (--unsafe): the submissions were trusted"


def grade(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="notebooks ada.ipynb, or folders ada/ of notebooks")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="where the marks go")] = Path("marks.csv"),
    exercise: Annotated[
        list[str] | None, typer.Option("--exercise", metavar="ID", help="mark this one, or all that begin so")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", help="how many are judged side by side")] = 1,
    secret_file: Annotated[
        Path | None, typer.Option("--secret-file", metavar="FILE", help="made on first use; marks.secret beside --out")
    ] = None,
    nbval: Annotated[bool, typer.Option("--nbval", help="also leave merged notebooks for pytest --nbval-lax")] = False,
    unsafe: Annotated[bool, typer.Option("--unsafe", help="without isolation, for submissions that you trust")] = False,
) -> None:
    """Mark the answers in learners' notebooks: marks.csv, a page for each learner, and a summary."""
    if jobs < 1:
        raise ValueError(f"--jobs must be at least 1, got {jobs}")
    if out.suffix != ".csv" or not out.parent.is_dir():
        raise ValueError(f"--out must be a .csv file in a folder that exists, got {str(out)!r}")
    if folder.is_dir() and out.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"--out must lie outside the submissions, got {str(out)!r}")
    wanted = None
    if exercise:
        wanted = [one for one in every() if any(one.id.startswith(begins) for begins in exercise)]
        for begins in exercise:
            if not any(one.id.startswith(begins) for one in wanted):
                raise ValueError(unknown("exercise", begins, [one.id for one in every()]))
    protected = UNSAFE if unsafe else protection()
    rows = submissions(folder, wanted)
    key = secret.load(secret_file or out.with_suffix(".secret"), folder)
    journal = out.with_suffix(".journal")
    with tqdm(total=len(rows), disable=None, leave=False, unit="answer") as bar:
        marks = mark_all(rows, key, journal, jobs=jobs, unsafe=unsafe, progress=bar.update)
    pages = out.with_suffix("")
    pages.mkdir(exist_ok=True)
    for name, text in report.pages(marks, protected).items():
        report.write(pages / name, text)
    report.write(pages / "timings.csv", report.timings_csv(marks))
    if nbval:
        _merge(rows, pages / "merged")
    report.write(out, report.marks_csv(marks))
    journal.unlink()
    passed = sum(one.verdict == "pass" for one in marks)
    learners = len({one.learner for one in marks})
    print(f"{learners} learners, {len(marks)} answers, {passed} passed. Marks in {out}, pages in {pages}/summary.html.")
    print(f"What protected this machine: {protected}.")
    left = [f"{one.learner} {one.exercise}" for one in marks if one.verdict == "not graded"]
    if left:
        print(f"sim: could not be graded: {', '.join(left)}", file=sys.stderr)
        raise typer.Exit(1)


def _merge(rows: list[Submission], folder: Path) -> None:
    solutions = Path(__file__).resolve().parent.parent / "exercises" / "solutions"
    for learner in dict.fromkeys(row.learner for row in rows):
        for name, text in merged.merged([row for row in rows if row.learner == learner], solutions).items():
            place = folder / report.safe(learner)
            place.mkdir(parents=True, exist_ok=True)
            report.write(place / name, text)
    print(f"Merged notebooks in {folder}: `pytest --nbval-lax` runs what learners wrote, without isolation.")
