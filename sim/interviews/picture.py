"""The interview as a still picture, for where nothing runs: the question, and no rubric."""

from __future__ import annotations

import textwrap
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sim.charts import BLACK, BLUE
from sim.questions import Question

PALE = "#616161"
WIDTH, LINE = 9.6, 0.36
"""Inches: of the picture, and of one line of the question."""
LETTERS = 82
"""Of the question in a line."""


def draw(question: Question, sentence: str) -> Figure:
    """The question in large type."""
    prompt = textwrap.wrap(question.prompt, LETTERS)
    lines = len(prompt) + 2.6
    figure = Figure(figsize=(WIDTH, LINE * lines))
    axes = figure.add_axes((0.01, 0.0, 0.98, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(lines, 0.0)
    words = f"question 1 · {question.id} · {question.topic.replace('_', ' ')} · {question.level}"
    look: dict[str, Any] = {"va": "center", "parse_math": False}
    axes.text(0.0, 0.6, words, fontsize=9, color=PALE, **look)
    axes.add_patch(Rectangle((0.0, 1.1), 0.005, len(prompt), facecolor=BLUE, linewidth=0))
    for number, line in enumerate(prompt):
        axes.text(0.02, 1.6 + number, line, fontsize=14, color=BLACK, **look)
    hint = "run this cell: a clock, your notes, the scenario with its sliders, and then the rubric"
    axes.text(1.0, lines - 0.6, hint, fontsize=9, color=PALE, ha="right", style="italic", **look)
    figure.set_label(sentence)
    return figure
