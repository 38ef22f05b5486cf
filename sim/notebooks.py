"""`make notebooks`: execute every committed notebook and clean what would differ from run to run.

`python -m sim.notebooks` rewrites each file under `notebooks/` and `exercises/`; `python -m sim.notebooks 04` those
whose name begins so.  What it writes depends on the cells alone; those of the exercises are made of their modules.
"""

# nbformat has no types of its own.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from sim.exercises import books, cells, every, stem_of, stems

CELL_SECONDS = 60
WIDGET = "application/vnd.jupyter.widget-view+json"
"""Names a widget that ended with its kernel, by a random number; its picture and its text stay."""
MACHINE = "of-this-machine"
"""The tag of a cell whose output is another one at every run; it has `nbval-ignore-output` as well."""
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def rebuild(path: Path) -> str:
    """The text of the notebook at *path*, executed anew from top to bottom, and cleaned.

    Raises: `nbclient.exceptions.CellExecutionError` when a cell raises and is not tagged `raises-exception`.
    """
    book = nbformat.read(path, as_version=4)
    # Kernels inherit this: the order of a set must not depend on the process.
    os.environ["PYTHONHASHSEED"] = "0"
    client = NotebookClient(book, timeout=CELL_SECONDS, kernel_name="python3", record_timing=False)
    client.execute(cwd=str(path.parent))
    return clean(book)


def clean(book: nbformat.NotebookNode) -> str:
    """The notebook's text without what differs between two executions: counts, ids, widgets, versions, times."""
    book.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    count = 0
    for number, cell in enumerate(book.cells):
        cell.id = f"cell-{number:03}"
        tags = cell.metadata.get("tags", [])
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        cell.outputs = _merged(cell.outputs)
        for output in cell.outputs:
            output.get("data", {}).pop(WIDGET, None)
            if output.output_type == "execute_result":
                output.execution_count = count
    nbformat.validate(book)
    text: str = nbformat.writes(book)
    return text + "\n"


def without_pictures(text: str) -> str:
    """A notebook's text without what may differ between two machines.

    That is its pictures, by a pixel, and what a cell tagged `of-this-machine` printed: a race of real threads, a time.
    """
    book = nbformat.reads(text, as_version=4)
    for cell in book.cells:
        if MACHINE in cell.metadata.get("tags", []):
            cell.outputs = []
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("image/png", None)
    return str(nbformat.writes(book))


def notebooks(root: Path) -> list[Path]:
    """The lessons of the project at *root*, in order."""
    return sorted((root / "notebooks").glob("*.ipynb"))


def main(root: Path, begins: str = "") -> int:
    """Rebuild the notebooks whose name *begins* so; returns 0, or 2 where there are none."""
    found = [path for path in notebooks(root) if path.name.startswith(begins)]
    if (root / "exercises").is_dir():
        for path, book in exercises(root):
            if path.name.startswith(begins):
                _write(path, clean(book))
                found.append(path)
    if not found:
        print("no such notebooks here; run this from a clone of the project", file=sys.stderr)
        return 2
    for path in found:
        _write(path, rebuild(path))
        print(f"rebuilt {path.relative_to(root)}")
    return 0


def exercises(root: Path) -> list[tuple[Path, nbformat.NotebookNode]]:
    """Each exercise notebook of the project at *root*, and its solution: its place, and its cells as they must be.

    Raises: `ValueError` when an exercise has no reference answer.
    """
    made = []
    for stem in stems():
        solution = root / "exercises" / "solutions" / f"{stem}.ipynb"
        answers = dict(cells.answers_in(cells.read(solution)))
        for one in every():
            if stem_of(one) == stem and one.id not in answers:
                raise ValueError(f"{solution.name} has no answer cell for {one.id}")
        made += [(root / "exercises" / f"{stem}.ipynb", books.book(stem)), (solution, books.book(stem, answers))]
    return made


def _write(path: Path, text: str) -> None:
    """All of the file or none of it: a notebook that fails half way keeps its old text."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(temporary, path.stat().st_mode if path.exists() else 0o644)
    os.replace(temporary, path)


def _merged(outputs: Sequence[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Neighbouring pieces of one stream as one: how often the kernel flushed is chance."""
    merged: list[nbformat.NotebookNode] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last is not None and output.output_type == "stream" == last.output_type and output.name == last.name:
            last.text += output.text
        else:
            described = output.get("metadata", nbformat.NotebookNode())
            for name in set(described) - {"image/png"}:  # a picture's alt text is the only thing that a reader gets
                del described[name]
            merged.append(output)
    return merged


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent, *sys.argv[1:2]))
