"""The states of the hosts' breakers over time."""

from __future__ import annotations

from matplotlib.figure import Figure

from sim.charts.canvas import canvas, name_axes, shade_faults, tell
from sim.charts.style import BLACK, GREEN, VERMILLION, YELLOW
from sim.experiment import Run

_SLIVER_FRACTION = 0.005
"""A half-open time below this share of the axis, 2 to 3 pixels, gets a marker; it would not be seen otherwise."""

_STATES = {"closed": (GREEN, ""), "half-open": (YELLOW, "//"), "open": (VERMILLION, "xx")}


def breaker_states(run: Run, *, hosts: int = 12) -> Figure:
    """When the breaker of each host was closed, open and half-open; the first *hosts* that ever changed.

    A half-open time too short to be seen is marked by a diamond.
    """
    marks = [mark for mark in run.trace.marks if mark.kind == "breaker"]
    subjects = list(dict.fromkeys(mark.subject for mark in marks))[:hosts]
    figure, axes = canvas(height=0.3 * max(1, len(subjects)) + 1.8)
    end = max([mark.at for mark in marks] + [at for at in run.trace.calls.column("ended") if at == at], default=1.0)
    slivers: list[tuple[float, int]] = []
    for row, subject in enumerate(subjects):
        edges = [(0.0, "closed")] + [(mark.at, mark.note) for mark in marks if mark.subject == subject]
        for (start, state), (stop, _) in zip(edges, [*edges[1:], (end, "")], strict=True):
            colour, hatch = _STATES[state]
            axes.barh(row, stop - start, left=start, color=colour, hatch=hatch, edgecolor=BLACK, linewidth=0.4)
            if state == "half-open" and stop - start < _SLIVER_FRACTION * end:
                slivers.append(((start + stop) / 2, row))
    for state, (colour, hatch) in _STATES.items():
        axes.barh(0, 0, color=colour, hatch=hatch, edgecolor=BLACK, label=state)
    if slivers:
        xs, rows = zip(*slivers, strict=True)
        axes.scatter(
            xs, rows, marker="d", color=YELLOW, edgecolor=BLACK, zorder=3, clip_on=False, label="half-open, briefly"
        )
    axes.set_yticks(range(len(subjects)), subjects)
    axes.set_xlim(0, end)
    shade_faults(axes, run)
    name_axes(axes, f"Breakers: {run.policy}, seed {run.seed}", "host")
    axes.invert_yaxis()
    opened = sum(mark.note == "open" for mark in marks)
    return tell(
        figure, f"States of {len(subjects)} breakers over {end:.1f} s; breakers opened {opened:,} times in all."
    )
