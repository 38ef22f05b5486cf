"""Figures of a sweep over one knob."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from sim.charts.canvas import canvas, name_axes, tell
from sim.charts.style import BLACK, DASHES, GREEN, ORANGE, PURPLE, VERMILLION, WONG

if TYPE_CHECKING:
    import pandas

_COLOURS = {"ok": GREEN, "gave_up": BLACK, "zombie": VERMILLION, "rejected": ORANGE, "timed_out": PURPLE}


def curve(
    frame: pandas.DataFrame, x: str, figures: Sequence[str], *, y: str = "count per run", unit: str = ""
) -> Figure:
    """The *figures* of a sweep over the knob *x*, with their 95 % intervals.

    *frame*: what `sim.sweep` returns: columns *x*, figure, mean, low, high, n.  *y*: what they are, with their unit.
    *unit*: the knob's.
    """
    figure, axes = canvas()
    told: list[str] = []
    taken: set[str] = set()
    for number, name in enumerate(figures):
        rows = frame[frame["figure"] == name].sort_values(x)
        if rows.empty:
            raise ValueError(f"figures must be among {', '.join(sorted(set(frame['figure'])))}, got {name!r}")
        xs, means = list(rows[x]), list(rows["mean"])
        colour = _COLOURS.get(name) or _free(zlib.crc32(name.encode()) % 8, taken)
        taken.add(colour)
        axes.plot(xs, means, color=colour, linestyle=DASHES[number % 4], marker="os^Dv"[number % 5], label=name)
        axes.fill_between(xs, list(rows["low"]), list(rows["high"]), color=colour, alpha=0.2, linewidth=0)
        top = means.index(max(means))
        told.append(f"{name} is highest at {x} = {xs[top]:,} with {means[top]:,.0f}")
    if min(frame[x]) > 0 and max(frame[x]) / min(frame[x]) > 20:
        axes.set_xscale("log")
        ticks: list[float] = []
        for value in sorted(set(frame[x])):
            # Labels nearer than this would run into each other.
            if not ticks or value >= 1.4 * ticks[-1]:
                ticks.append(value)
        axes.set_xticks(ticks, [f"{value:,g}" if value < 1000 else f"{value:,.0f}" for value in ticks])
        axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    name_axes(axes, f"{' and '.join(figures)} by {x}, mean and 95 % interval", y, f"{x}, {unit}" if unit else x)
    return tell(figure, "; ".join(told) + ".")


def _free(first: int, taken: set[str]) -> str:
    """The colour of number *first*, or the next one that no other line of the chart has."""
    colours = [*WONG[first:], *WONG[:first]]
    return next((colour for colour in colours if colour not in taken), colours[0])
