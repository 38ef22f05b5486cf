"""Submissions for the tests: an answer as a notebook, and files that are no notebooks at all."""

import json
import os
from pathlib import Path

from sim.exercises import cells

BUCKET = "08-token-bucket"
HERE = Path(__file__).parent
EXERCISES = HERE.parent.parent / "exercises"


def notebook(source, id=BUCKET, kernel="python3"):
    """The text of a learner's notebook with *source* as its answer, and check cells of their own making."""
    forged = 'print("08-token-bucket: pass, 9 of 9 points")'
    made = [
        {"cell_type": "markdown", "metadata": {}, "source": "# mine"},
        _code(cells.marked(id, source)),
        _code(forged),
    ]
    metadata = {"kernelspec": {"name": kernel, "display_name": kernel, "language": kernel}}
    return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _code(source):
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}


def hand_in(folder, learner, source, id=BUCKET):
    """An answer as `learner.ipynb`."""
    path = folder / f"{learner}.ipynb"
    path.write_text(notebook(source, id), encoding="utf-8")
    return path


def hostile_answers():
    """By name the sources in `answers/`."""
    return {path.stem: path.read_text() for path in sorted((HERE / "answers").glob("*.py"))}


def hand_in_odd_files(folder, outside):
    """Files that are wrong before any code of theirs runs; by learner what is said of them."""
    good = solution()
    (folder / "broken.ipynb").write_text('{"cells": [')
    (folder / "a_list.ipynb").write_text("[1, 2, 3]")
    (folder / "deep.ipynb").write_text("[" * 100_000)
    (folder / "notes.txt").write_text("my answer is 42")
    (folder / "huge.ipynb").write_bytes(b'{"cells": [], "x": "' + b"x" * 25_000_000 + b'"}')
    (folder / "latin.ipynb").write_bytes(notebook("x = 'caf\u00e9'").replace("\\u00e9", "\u00e9").encode("latin-1"))
    (folder / "r_kernel.ipynb").write_text(notebook("bucket <- function(rate) rate %>% c()", kernel="ir"))
    (folder / "no_cells.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    (folder / "odd_cells.ipynb").write_text('{"cells": [1, "two", {"source": 3}], "nbformat": 4}')
    (folder / "renamed.ipynb").write_text(notebook(good, id="08-my-bucket"))
    (folder / "long.ipynb").write_text(notebook("# " + "x" * 200_000))
    (folder / "=cmd()+1.ipynb").write_text(notebook(good))
    os.symlink(outside, folder / "linked.ipynb")
    os.symlink(outside.parent, folder / "linked_folder")
    return {
        "broken": "is no JSON", "a_list": "has no list of cells", "deep": "is no JSON",
        "notes": "must be a notebook", "huge": "must have at most 20,000,000 bytes", "latin": "must be UTF-8",
        "no_cells": "the answer cell is missing", "odd_cells": "has no list of cells",
        "renamed": "no exercise is called 08-my-bucket", "long": "must have at most 100,000 characters",
        "linked": "is a link", "linked_folder": "is a link",
    }  # fmt: skip


def solution():
    """The reference answer."""
    return dict(cells.answers_in(cells.read(EXERCISES / "solutions" / "08_rate_limiting.ipynb")))[BUCKET]


def stub():
    """The answer cell as it was given."""
    return dict(cells.answers_in(cells.read(EXERCISES / "08_rate_limiting.ipynb")))[BUCKET]


def mutants():
    """By name the wrong answers."""
    return {path.stem: path.read_text() for path in sorted((EXERCISES / "mutants" / BUCKET).glob("*.py"))}
