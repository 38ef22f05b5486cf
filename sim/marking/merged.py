"""For graders who run `pytest --nbval-lax` themselves: the solution's notebooks with a learner's answers in them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

from sim.exercises import cells, named, stem_of
from sim.marking.submissions import Submission


def merged(rows: Sequence[Submission], solutions: Path) -> dict[str, str]:
    """By path below the learner's folder the text of each notebook.

    Raises: `ValueError` when the reference notebooks are not in the folder *solutions*.
    """
    made: dict[str, str] = {}
    for stem in dict.fromkeys(stem_of(named(row.exercise)) for row in rows if row.exercise):
        book = copy.deepcopy(cells.read(solutions / f"{stem}.ipynb"))
        answers = {row.exercise: row.source or "" for row in rows}
        for cell in book["cells"]:
            id = cells.answer_of(cell)
            if id is not None:
                cell["source"] = answers.get(id) or cells.marked(id, "")
                cell["outputs"] = []
        made[f"{stem}.ipynb"] = cells.written(book)
    return made
