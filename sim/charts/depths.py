"""What a page costs by its depth, one line for each way to ask for it."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from sim.charts.canvas import canvas, name_axes, tell
from sim.charts.style import BLACK, BLUE, ORANGE, PURPLE, SKY, VERMILLION, Style, style
from sim.live.depths import magnitude

_LOOKS = {
    "offset": Style(VERMILLION, "-", "X"),
    "offset, deferred": Style(ORANGE, "--", "^"),
    "keyset, row value": Style(BLUE, "-", "P"),
    "keyset, bounded OR": Style(SKY, "--", "v"),
    "keyset, bare OR": Style(PURPLE, ":", "*"),
}


def depths(steps: Mapping[str, Mapping[int, int]], *, title: str) -> Figure:
    """The *steps* of a page by the rows before it, for each way; both axes are logarithmic.

    *steps*: what `sim.live.depths.steps_by_depth` returns.

    Raises: `ValueError` without a way, or for fewer than two depths.
    """
    if not steps or any(len(line) < 2 for line in steps.values()):
        raise ValueError("steps must hold at least one way, and two depths for each: one depth has no line")
    figure, axes = canvas()
    told = []
    for name, line in steps.items():
        at, look = sorted(line), _LOOKS.get(name) or style(name)
        axes.plot(
            at, [line[depth] for depth in at], color=look.colour, linestyle=look.dashes, marker=look.marker,
            markersize=7, markeredgecolor=BLACK, markeredgewidth=0.4, label=name,
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
