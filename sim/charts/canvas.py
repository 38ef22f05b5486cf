"""What all charts share: the empty figure, a policy's line, the shaded faults, the titles, the sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from sim.charts.style import BLACK, YELLOW, style
from sim.experiment import Run


def canvas(height: float = 4.2) -> tuple[Figure, Axes]:
    """An empty figure, 8 inches wide and *height* inches high, with one pair of axes."""
    # A Figure of its own, not pyplot's: nothing is kept alive behind the notebook's back, and no window opens.
    figure = Figure(figsize=(8.0, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def policy_line(axes: Axes, name: str, xs: Sequence[float], ys: Sequence[float], **more: Any) -> None:
    """Draw a line in the look of the policy *name*."""
    look = style(name)
    (line,) = axes.plot(
        xs, ys, color=look.colour, linestyle=look.dashes, marker=look.marker, label=name, markersize=6,
        linewidth=1.0 if len(xs) > 600 else 1.8,
        markevery=_marked(ys), markeredgecolor=BLACK, markeredgewidth=0.4, **more,
    )  # fmt: skip
    if look.colour == YELLOW:
        line.set_path_effects([Stroke(linewidth=2.8, foreground=BLACK), Normal()])


def shade_faults(axes: Axes, run: Run, *, scale: float = 1.0, of: str | None = None) -> None:
    """Grey from each fault's beginning to its end.

    *scale*: seconds in one unit of the axis.  *of*: the faults of one endpoint; None is all.
    """
    begun: dict[str, float] = {}
    named: set[str] = set()

    def shade(subject: str, start: float, end: float) -> None:
        # A fault that comes back is named once.
        label = f"_{subject}" if subject in named else subject
        named.add(subject)
        axes.axvspan(start / scale, end / scale, color=BLACK, alpha=0.12, linewidth=0, label=label)

    for mark in run.trace.marks:
        if mark.kind == "fault" and of is not None and not mark.subject.startswith(f"{of}: "):
            continue
        if mark.kind == "fault" and mark.note == "begins":
            begun[mark.subject] = mark.at
        elif mark.kind == "fault" and mark.subject in begun:
            shade(mark.subject, begun.pop(mark.subject), mark.at)
    for subject, at in begun.items():
        shade(subject, at, axes.get_xlim()[1] * scale)


def name_axes(axes: Axes, title: str, y: str, x: str = "time, s") -> None:
    """Set the title and the axes' names, and the legend when something has a name."""
    axes.set_title(title, loc="left")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)


def tell(figure: Figure, sentence: str) -> Figure:
    """*figure* with its sentence, for those who cannot see it."""
    figure.set_label(sentence)
    return figure


def _marked(ys: Sequence[float]) -> list[int]:
    """Where the markers go: the highest point of each tenth of the line, unless that is zero."""
    step = max(1, math.ceil(len(ys) / 10))
    highest = (max(range(at, min(at + step, len(ys))), key=ys.__getitem__) for at in range(0, len(ys), step))
    return [at for at in highest if ys[at] > 0]
