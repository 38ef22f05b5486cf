"""`python -m benchmarks.grading [VENV]`: submissions a minute and memory, against nbgrader and otter-grader.

200 submissions of one exercise: reference answers and wrong ones in turn.  Two of them side by side, as on two cores.
*VENV*: a virtual environment with `nbgrader` and `otter-grader` in it; each of the two gets the same answers, with its
own kind of test for the same behaviour, and fewer of them, because they are slower.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sim.exercises import cells

BUCKET = "08-token-bucket"
ROOT = Path(__file__).parent.parent / "exercises"
COUNT, PEERS = 200, 24
TEST = """
bucket = TokenBucket(10.0, 5)
assert sum(bool(bucket.allow("ada", 0.0)) for _ in range(20)) == 5
assert sum(bool(bucket.allow("ada", float(second))) for second in range(1, 11)) == 10
assert sum(bool(TokenBucket(10.0, 5).allow("ada", 0.5 + n / 1_000)) for n in range(10_000)) > 0
assert sum(bool(bucket.allow("ada", 3_600.0)) for _ in range(20)) == 5
"""


def answers(count: int) -> list[str]:
    """Reference answers and wrong ones in turn, each with a line of its own."""
    right = dict(cells.answers_in(cells.read(ROOT / "solutions" / "08_rate_limiting.ipynb")))[BUCKET]
    kinds = [right, *(path.read_text() for path in sorted((ROOT / "mutants" / BUCKET).glob("*.py")))]
    return [f"{kinds[number % len(kinds)]}\n# {number}" for number in range(count)]


def notebook(*sources: str | dict[str, object]) -> str:
    """A notebook of code cells; a cell may be given whole."""
    blank = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    made = [
        one if isinstance(one, dict) else {**blank, "id": f"c{number}", "source": one}
        for number, one in enumerate(sources)
    ]
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": made, "metadata": spec, "nbformat": 4, "nbformat_minor": 5})


def measured(name: str, count: int, began: float) -> None:
    """A line: how many a minute, and the largest process so far."""
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1_024
    print(
        f"{name:10} {count:4} submissions in {seconds:6.1f} s: {60 * count / seconds:6.0f} a minute; "
        f"largest process {peak:,.0f} MB",
        flush=True,
    )


def ours(place: Path) -> None:
    """`sim grade` with two jobs."""
    folder = place / "subs"
    folder.mkdir()
    for number, source in enumerate(answers(COUNT)):
        (folder / f"learner{number:03}.ipynb").write_text(notebook(cells.marked(BUCKET, source)))
    command = [sys.executable, "-m", "sim.cli", "grade", str(folder), "--out", str(place / "marks.csv")]
    began = time.perf_counter()
    subprocess.run([*command, "--exercise", BUCKET, "--jobs", "2"], check=True, capture_output=True)
    measured("sim grade", COUNT, began)


def nbgrader(place: Path, venv: Path) -> None:
    """`nbgrader autograde`, one process for each half of the learners."""
    halves = [place / f"course{half}" for half in range(2)]
    grade = {
        "schema_version": 3,
        "grade": True,
        "solution": False,
        "locked": True,
        "points": 9,
        "grade_id": "t",
        "task": False,
    }
    solve = {"schema_version": 3, "grade": False, "solution": True, "locked": False, "grade_id": "a", "task": False}

    def cell(source: str, about: dict[str, object]) -> dict[str, object]:
        return {
            "cell_type": "code",
            "id": str(about["grade_id"]),
            "metadata": {"nbgrader": about},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }

    for number, source in enumerate(answers(PEERS)):
        folder = halves[number % 2] / "submitted" / f"learner{number}" / "ps1"
        folder.mkdir(parents=True)
        (folder / "p.ipynb").write_text(notebook(cell(source, solve), cell(TEST, grade)))
    environment = {**os.environ, "PATH": f"{venv / 'bin'}:{os.environ['PATH']}", "JUPYTER_ALLOW_INSECURE_WRITES": "1"}
    for half in halves:
        folder = half / "source" / "ps1"
        folder.mkdir(parents=True)
        (folder / "p.ipynb").write_text(notebook(cell("class TokenBucket: ...", solve), cell(TEST, grade)))
        subprocess.run(
            [venv / "bin" / "nbgrader", "generate_assignment", "ps1"],
            cwd=half,
            env=environment,
            check=True,
            capture_output=True,
        )
    began = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                lambda half: subprocess.run(
                    [venv / "bin" / "nbgrader", "autograde", "ps1"],
                    cwd=half,
                    env=environment,
                    capture_output=True,
                    check=False,
                ),
                halves,
            )
        )
    done = sum(1 for half in halves for _ in (half / "autograded").glob("*/ps1/p.ipynb"))
    measured("nbgrader", done, began)


def otter(place: Path, venv: Path) -> None:
    """`otter run`, two at a time."""
    tests = place / "tests"
    tests.mkdir()
    lines = "\\n".join(f">>> {line}" for line in TEST.strip().splitlines())
    case = {
        "name": "t",
        "points": 9,
        "suites": [
            {"cases": [{"code": lines.replace("\\n", "\n"), "hidden": False}], "scored": True, "type": "doctest"}
        ],
    }
    (tests / "t.py").write_text(f"OK_FORMAT = True\ntest = {case!r}\n")
    environment = {**os.environ, "PATH": f"{venv / 'bin'}:{os.environ['PATH']}"}
    archive = place / "autograder.zip"
    subprocess.run(
        [venv / "bin" / "otter", "generate", "-t", str(tests), "-o", str(archive)],
        cwd=place,
        env=environment,
        check=True,
        capture_output=True,
    )
    paths = []
    for number, source in enumerate(answers(PEERS)):
        folder = place / f"learner{number}"
        folder.mkdir()
        (folder / "p.ipynb").write_text(
            notebook("import otter\ngrader = otter.Notebook()", source, 'grader.check("t")')
        )
        paths.append(folder / "p.ipynb")

    def one(path: Path) -> None:
        subprocess.run(
            [venv / "bin" / "otter", "run", str(path), "-a", str(archive), "-o", str(path.parent), "--no-logo"],
            cwd=path.parent,
            env=environment,
            capture_output=True,
            check=False,
        )

    began = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, paths))
    measured("otter", sum(1 for path in paths if (path.parent / "results.json").exists()), began)


def main() -> None:
    """All three, in one run."""
    venv = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as place:
        ours(Path(place))
    if venv is None:
        print("name a virtual environment with nbgrader and otter-grader in it, to see them beside it")
        return
    for peer in (nbgrader, otter):
        with tempfile.TemporaryDirectory() as place:
            peer(Path(place), venv)


if __name__ == "__main__":
    main()
