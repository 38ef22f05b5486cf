"""Measured points on the line of a formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from sim.charts.canvas import canvas, name_axes, tell
from sim.charts.style import BLACK, BLUE
from sim.estimate import Estimate

_STEPS = 200


def agreement(
    points: Mapping[float, Estimate], formula: Callable[[float], float], *, x: str, y: str, words: str
) -> Figure:
    """What was measured, with its 95 % intervals, and what *formula* says between the first point and the last.

    *points*: an estimate for each value of what goes across, all of them above zero for a logarithmic axis, which is
    taken when the last is more than 20 times the first.  *x*, *y*: the names of the axes, with their units.
    *words*: the formula as it would be read aloud.

    Raises: `ValueError` for fewer than two points: they have no line between them.
    """
    if len(points) < 2:
        raise ValueError(f"points must hold at least two, got {len(points)}")
    at = sorted(points)
    means, halves = [points[value].mean for value in at], [points[value].half for value in at]
    figure, axes = canvas()
    wide = at[0] > 0 and at[-1] / at[0] > 20
    between = [_between(at[0], at[-1], step / _STEPS, wide) for step in range(_STEPS + 1)]
    axes.plot(between, [formula(value) for value in between], color=BLACK, linestyle="--", label=words)
    # An estimate from one seed has no interval.
    several = any(half == half for half in halves)
    label = "measured, 95 % interval" if several else "measured"
    axes.errorbar(at, means, yerr=halves if several else None, color=BLUE, fmt="o", capsize=3.0, label=label)
    if wide:
        axes.set_xscale("log")
        axes.set_xticks(at, [f"{value:g}" for value in at])
        axes.minorticks_off()
    axes.set_ylim(bottom=0)
    name_axes(axes, f"{y}: measured and computed", y, x)
    axes.legend(loc="best", frameon=False)
    low, high = (pick(at, key=lambda value: points[value].mean) for pick in (min, max))
    worst = max(at, key=lambda value: abs(points[value].mean - formula(value)))
    return tell(
        figure,
        f"{y} by {x}, {len(at)} points: {points[low].mean:.3g} at least, at {low:g}, {points[high].mean:.3g} at most, "
        f"at {high:g}. The point furthest from {words} is {points[worst].mean:.3g} at {worst:g}, "
        f"where that gives {formula(worst):.3g}.",
    )


def _between(first: float, last: float, share: float, wide: bool) -> float:
    """The value a *share* of the way along the axis."""
    if wide:
        return float(first * (last / first) ** share)
    return first + (last - first) * share
