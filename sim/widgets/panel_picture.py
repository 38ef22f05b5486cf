"""A panel as a still picture, for where nothing runs: the knobs as they are set, the table, the chart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sim.charts import BLACK, style
from sim.knobs import Knob

if TYPE_CHECKING:
    import pandas

INK, PALE, LINE, TRACK = BLACK, "#616161", "#D0D0D0", "#2196F3"
WIDTH, ROW, COLUMNS = 9.6, 0.26, 2
"""Inches: of the picture, and of one line; and how many knobs stand side by side."""


def draw(title: str, knobs: Sequence[tuple[Knob, Any, float | None]], frame: pandas.DataFrame, chart: Figure) -> Figure:
    """All of a panel but its buttons.

    *knobs*: each with its value and where that is on the slider, from 0 to 1, None where there is no slider.
    """
    lines = 1.6 + -(-len(knobs) // COLUMNS) + 0.6 + _head_lines(list(frame.columns)) + len(frame) + 0.7
    image, high = _image(chart)
    figure = Figure(figsize=(WIDTH, ROW * lines + high))
    below = high / (ROW * lines + high)
    axes = figure.add_axes((0.01, below, 0.98, 1.0 - below))
    axes.set_axis_off()
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(lines, 0.0)
    _write(axes, 0.0, 0.6, title, weight="bold", size=11)
    _write(axes, 1.0, 0.6, "run this cell to turn its knobs", color=PALE, ha="right", style="italic")
    for place, (knob, value, share) in enumerate(knobs):
        _knob(axes, place % COLUMNS / COLUMNS, 1.9 + place // COLUMNS, knob, value, share)
    _table(axes, 2.2 + -(-len(knobs) // COLUMNS), frame)
    under = figure.add_axes((0.0, 0.0, 1.0, below))
    under.set_axis_off()
    under.imshow(image, aspect="auto", interpolation="lanczos")
    return figure


def _knob(axes: Axes, x: float, y: float, knob: Knob, value: Any, share: float | None) -> None:
    shown = f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value).lower()
    shown = "no limit" if value == math.inf else f"{shown} {knob.unit}".rstrip()
    _write(axes, x + 0.145, y, knob.name.replace("_", " "), ha="right")
    if share is not None:
        axes.plot([x + 0.155, x + 0.305], [y, y], color=LINE, linewidth=3, solid_capstyle="round")
        axes.plot([x + 0.155, x + 0.155 + 0.15 * share], [y, y], color=TRACK, linewidth=3, solid_capstyle="round")
        axes.plot([x + 0.155 + 0.15 * share], [y], "o", color="white", markeredgecolor=PALE, markersize=7)
    _write(axes, x + 0.32 if share is not None else x + 0.155, y, shown)


def _head_lines(columns: Sequence[str]) -> float:
    return 1.0 + 0.8 * (max(len(_broken(name)) for name in columns) - 1)


def _broken(name: str) -> list[str]:
    """A column's name in lines of about twelve letters."""
    lines = [""]
    for word in name.replace("_", " ").split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > 12:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _table(axes: Axes, y: float, frame: pandas.DataFrame) -> None:
    high = _head_lines(list(frame.columns))
    first = 0.24 if len(frame.columns) < 8 else 0.19
    rights = [first + (1.0 - first) * (number + 1) / len(frame.columns) for number in range(len(frame.columns))]
    look: dict[str, Any] = {"color": PALE, "weight": "bold", "ha": "right", "linespacing": 1.0}
    look["size"] = 8.5 if len(frame.columns) < 7 else 7.5
    for name, right in zip(frame.columns, rights, strict=True):
        _write(axes, right, y + high / 2, "\n".join(_broken(name)), **look)
    _rule(axes, y + high + 0.1)
    for place, (policy, *values) in enumerate(frame.itertuples()):
        at = y + high + 0.6 + place
        colour = style(policy).colour
        axes.add_patch(Rectangle((0.002, at - 0.24), 0.012, 0.48, facecolor=colour, edgecolor=PALE, linewidth=0.6))
        _write(axes, 0.022, at, policy)
        for value, right in zip(values, rights, strict=True):
            _write(axes, right, at, value, ha="right")
        _rule(axes, at + 0.5)


def _image(chart: Figure) -> tuple[Any, float]:
    """The chart's pixels, and how many inches high it is at the panel's width."""
    wide, high = chart.get_size_inches()
    before = chart.dpi
    chart.set_dpi(160)
    canvas: Any = FigureCanvasAgg(chart)
    canvas.draw()
    chart.set_dpi(before)
    return canvas.buffer_rgba(), WIDTH * high / wide


def _rule(axes: Axes, y: float) -> None:
    axes.plot([0.0, 1.0], [y, y], color=LINE, linewidth=0.6)


def _write(axes: Axes, x: float, y: float, text: str, *, size: float = 8.5, **more: Any) -> None:
    """A text that is only a text, no formula."""
    axes.text(x, y, text, fontsize=size, va="center", parse_math=False, **{"color": INK, **more})
