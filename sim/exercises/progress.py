"""A learner's progress: one file, rewritten whole or not at all, and the answer cells of their notebooks."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import attrs

from sim.exercises import cells
from sim.exercises.catalog import stem_of
from sim.exercises.exercise import Exercise, Failed
from sim.exercises.judging import PUBLIC, Report, Tried, Verdict, judge
from sim.exercises.local import Local

FILE = "progress.json"


@attrs.frozen
class Standing:
    """How a learner stands with one exercise: *points* of the best check, *hints* that were shown, *passed* once."""

    points: int = 0
    hints: int = 0
    passed: bool = False


class Progress:
    """What is kept in *folder*, the learner's copy.

    Raises: `ValueError` when the file is there and is none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._path = folder, folder / FILE
        self._rows: dict[str, Standing] = {}
        if self._path.exists():
            try:
                held: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
                self._rows = {str(id): Standing(**row) for id, row in held.items()}
            except (ValueError, TypeError, AttributeError):
                raise ValueError(f"{FILE} must be a progress file of `sim exercise`, and cannot be read") from None

    def of(self, id: str) -> Standing:
        """How the learner stands with exercise *id*."""
        return self._rows.get(id, Standing())

    def keep(self, id: str, **changes: Any) -> None:
        """Change it and write the file: all of it or nothing."""
        self._rows[id] = attrs.evolve(self.of(id), **changes)
        text = json.dumps({id: attrs.asdict(row) for id, row in sorted(self._rows.items())}, indent=1)
        new = self._path.with_suffix(".new")
        new.write_text(text + "\n", encoding="utf-8")
        os.replace(new, self._path)

    def notebook(self, exercise: Exercise) -> Path:
        """The learner's notebook with that exercise."""
        return self.folder / "exercises" / f"{stem_of(exercise)}.ipynb"

    def source(self, exercise: Exercise) -> str:
        """What stands in the answer cell; of several, in the last.

        Raises: `ValueError` when the notebook cannot be read or has no such cell.
        """
        path = self.notebook(exercise)
        found = [source for id, source in cells.answers_in(cells.read(path)) if id == exercise.id]
        if not found:
            raise ValueError(
                f"{path.name} must have a cell that begins with '# answer: {exercise.id}'; `sim exercise reset` brings "
                "it back"
            )
        return found[-1]

    def reset(self, exercise: Exercise) -> Path:
        """Put the stub back; the old notebook is kept beside it, and its path returned."""
        path = self.notebook(exercise)
        book, kept = cells.read(path), path.with_suffix(".ipynb.bak")
        stub: dict[str, Any] = {
            "source": cells.marked(exercise.id, exercise.stub),
            "outputs": [],
            "execution_count": None,
        }
        mine = [cell for cell in book["cells"] if cells.answer_of(cell) == exercise.id]
        for cell in mine:
            cell.update(stub)
        if not mine:
            book["cells"].append({"cell_type": "code", "metadata": {}, **stub})
        shutil.copyfile(path, kept)
        path.write_text(cells.written(book), encoding="utf-8")
        return kept


def checked(exercise: Exercise, source: str) -> Report:
    """The report on an answer cell, run in this process: it is the learner's own."""
    names: dict[str, Any] = {"__name__": "answer"}
    try:
        exec(compile(source, "<answer>", "exec"), names)
        if exercise.answer not in names:
            raise Failed(f"the answer cell must define {exercise.answer}")
    except Failed as failed:
        return _failed(exercise, failed.sentence)
    except SyntaxError as error:
        return _failed(exercise, f"the answer cell is no Python: {error.msg} (line {error.lineno})")
    except (Exception, SystemExit) as error:
        return _failed(exercise, f"the answer cell raised {type(error).__name__}: {error}"[:300])
    return judge(exercise, Local(names[exercise.answer]), PUBLIC)


def _failed(exercise: Exercise, reason: str) -> Report:
    return Report(exercise, tuple(Tried(check=one, verdict=Verdict.FAIL, reason=reason) for one in exercise.checks))
