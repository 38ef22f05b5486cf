"""The notebooks of the exercises, made of their modules; what a learner writes in them is found by its first line.

An answer cell begins with `# answer: 08-token-bucket`.  The learner's notebook has the stub there, the one under
`solutions/` the reference answer, which is kept when the notebook is made anew; all other cells are the same.
"""

# nbformat has no types of its own.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Mapping

import nbformat

from sim.exercises.catalog import every, stem_of
from sim.exercises.cells import marked
from sim.exercises.exercise import Exercise

IGNORED = "nbval-ignore-output"


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
