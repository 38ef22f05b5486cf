"""What a page costs by its depth, one line for each way to ask for it."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from sim.charts.canvas import canvas, name_axes, tell
from sim.charts.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION
from sim.live.depths import magnitude

_LOOKS = (
    (VERMILLION, "-", "X"), (ORANGE, "--", "^"), (BLUE, "-", "P"), (SKY, "--", "v"), (PURPLE, ":", "*"),
    (GREEN, "-.", "s"), (BLACK, ":", "o"),
)  # fmt: skip


def depths(steps: Mapping[str, Mapping[int, int]], *, title: str) -> Figure:
    """The *steps* of a page by the rows before it, for each way; both axes are logarithmic.

    *steps*: what `sim.live.depths.steps_by_depth` returns.

    Raises: `ValueError` without a way, for more than seven, or for fewer than two depths.
    """
    if not 1 <= len(steps) <= len(_LOOKS):
        raise ValueError(f"steps must hold one to {len(_LOOKS)} ways, got {len(steps)}")
    if any(len(line) < 2 for line in steps.values()):
        raise ValueError("steps must hold at least two depths for each way: one has no line")
    figure, axes = canvas()
    told = []
    for (name, line), (colour, dashes, marker) in zip(steps.items(), _LOOKS, strict=False):
        at = sorted(line)
        axes.plot(
            at, [line[depth] for depth in at], color=colour, linestyle=dashes, marker=marker, markersize=7,
            markeredgecolor=BLACK, markeredgewidth=0.4, label=name,
        )  # fmt: skip
        low, high = magnitude(line[at[0]]), magnitude(line[at[-1]])
        told.append(f"{name} {low} at every depth" if low == high else f"{name} from {low} to {high}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.minorticks_off()
    name_axes(axes, title, "steps of SQLite's machine", "rows before the page")
    first, last = (pick(pick(line) for line in steps.values()) for pick in (min, max))
    return tell(figure, f"{title}; steps from {first:,} to {last:,} rows before the page: {'; '.join(told)}.")
