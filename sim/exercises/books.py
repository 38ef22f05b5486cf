"""The notebooks of the exercises, made of their modules; what a learner writes in them is found by its first line.

An answer cell begins with `# answer: 08-token-bucket`.  The learner's notebook has the stub there, the one under
`solutions/` the reference answer, which is kept when the notebook is made anew; all other cells are the same.
"""

# nbformat has no types of its own.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import nbformat

from sim.exercises.catalog import every
from sim.exercises.exercise import Exercise

IGNORED = "nbval-ignore-output"
_ANSWER = re.compile(r"#\s*answer:\s*(\S+)\s*")


def stems() -> list[str]:
    """The names of the notebooks, in order: those of the lessons that have exercises."""
    return list(dict.fromkeys(stem_of(one) for one in every()))


def stem_of(exercise: Exercise) -> str:
    """The notebook that an exercise stands in."""
    return Path(exercise.lesson).stem


def book(stem: str, answers: Mapping[str, str] | None = None) -> nbformat.NotebookNode:
    """The notebook *stem*, not yet executed.  *answers*: by id what stands in the answer cells; None is the stubs."""
    solved = answers is not None
    cells = [nbformat.v4.new_markdown_cell(_head(stem, solved)), nbformat.v4.new_code_cell("from sim import exercises")]
    for one in every():
        if stem_of(one) != stem:
            continue
        source = answers[one.id] if answers is not None else marked(one.id, one.stub)
        measured = nbformat.v4.new_code_cell(f'exercises.measured("{one.id}")')
        measured.metadata["tags"] = [IGNORED]
        cells += [
            nbformat.v4.new_markdown_cell(_story(one)),
            nbformat.v4.new_code_cell(source.strip()),
            nbformat.v4.new_code_cell(f'exercises.check("{one.id}", {one.answer})'),
            measured,
        ]
    made: nbformat.NotebookNode = nbformat.v4.new_notebook(cells=cells)
    return made


def marked(id: str, source: str) -> str:
    """*source* as an answer cell."""
    return f"# answer: {id}\n{source.strip()}"


def answers_in(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Each answer cell's id and source, in order; an id may come twice in what a learner hands in."""
    found = []
    for cell in notebook.cells:
        first, _, _ = cell.source.partition("\n")
        name = _ANSWER.fullmatch(first.strip())
        if cell.cell_type == "code" and name is not None:
            found.append((name[1], cell.source))
    return found


def _head(stem: str, solved: bool) -> str:
    number, _, topic = stem.partition("_")
    title = f"# {number} · Exercises: {topic.replace('_', ' ')}"
    if solved:
        return f"{title} (solutions)\n\nThe reference answers. Not part of a learner's copy."
    lesson = f"../notebooks/{stem}.ipynb"
    return (
        f"{title}\n\nAfter [the lesson]({lesson}). Write each answer in its cell, run the cell and the two below it. "
        "The simulator judges what comes of your answer, not its text, and shows a case that it gets wrong.\n\n"
        "Keep the first line of an answer cell: it says which exercise it belongs to. Everything that an answer needs, "
        "imports too, stands in its cell."
    )


def _story(one: Exercise) -> str:
    points = f"{one.points} point" + ("s" if one.points != 1 else "")
    return (
        f"## {one.title}\n\n`{one.id}` · {one.kind} · {points}\n\n{one.story.strip()}\n\n"
        f'Stuck? `exercises.hint("{one.id}", 1)`, then 2, then 3.'
    )
