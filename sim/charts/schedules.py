"""The shortest bad schedule of an exploration as a sequence diagram."""

from __future__ import annotations

import textwrap
from itertools import pairwise

from matplotlib.figure import Figure

from sim.charts.canvas import canvas, tell
from sim.charts.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILLION
from sim.interleave.exploration import Exploration, mark

_COLOURS = {
    "step": BLUE, "waits": ORANGE, "effect": PURPLE, "reply": GREEN, "dies": VERMILLION, "raises": VERMILLION,
    "ends": BLACK,
}  # fmt: skip
_MARKERS = {"step": "o", "waits": "s", "effect": "D", "reply": "<", "dies": "X", "raises": "X", "ends": "|"}


def schedule(exploration: Exploration) -> Figure:
    """A lifeline for each request, the points of the shortest violation downwards, and what is wrong in the title.

    Raises: `ValueError` when the exploration found no violation: then there is nothing to draw.
    """
    path = exploration.path
    if not path:
        raise ValueError(f"an exploration must have a violation to be drawn, got: {exploration.summary}")
    count = len(exploration.requests)
    figure, axes = canvas(height=0.36 * len(path) + 1.6)
    for number in range(count):
        own = [at for at, moment in enumerate(path) if moment.request == number]
        if own:
            axes.plot((number, number), (own[0], own[-1]), color=BLACK, alpha=0.5, linewidth=1.5, zorder=1)
    for at, moment in enumerate(path):
        colour = _COLOURS[moment.kind]
        axes.plot(moment.request, at, marker=_MARKERS[moment.kind], color=colour, markersize=8, zorder=2)
        axes.annotate(
            mark(moment), (moment.request, at), (10, 0), textcoords="offset points", va="center", color=colour
        )
    for at, (earlier, later) in enumerate(pairwise(path)):
        if earlier.request != later.request:
            axes.plot((earlier.request, later.request), (at, at + 1), color=BLACK, alpha=0.15, linewidth=1.0, zorder=0)
    axes.set_xlim(-0.3, count - 0.2)
    axes.set_ylim(len(path) - 0.3, -0.7)
    requests = exploration.requests
    axes.set_xticks(range(count), [f"request {n + 1}\n{one.method} {one.path}" for n, one in enumerate(requests)])
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(path)), [str(at + 1) for at in range(len(path))])
    axes.set_ylabel("point (downwards)")
    axes.set_title("\n".join(textwrap.wrap(exploration.sentence, 70)), loc="left")
    return tell(figure, f"{exploration.summary}. The shortest, in {len(path)} points: {exploration.sentence}.")
