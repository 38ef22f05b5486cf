"""The load over time."""

from __future__ import annotations

from matplotlib.figure import Figure

from sim import metrics
from sim.charts.canvas import canvas, name_axes, policy_line, shade_faults, tell
from sim.experiment import Comparison, Run


def load(comparison: Comparison) -> Figure:
    """Attempts sent in each tenth of a second, a line for each policy; the first seed."""
    figure, axes = canvas()
    peaks = {}
    for name, run in comparison.runs.items():
        starts, counts = metrics.over_time(_sent(run), width=0.1)
        peaks[name] = max(counts)
        # One bin of nothing after the last, so that the line ends on the ground.
        policy_line(axes, name, [*starts, starts[-1] + 0.1], [*counts, 0], drawstyle="steps-post")
    shade_faults(axes, next(iter(comparison.runs.values())))
    if max(peaks.values()) > 100:
        axes.set_yscale("symlog", linthresh=1.0)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_ylim(bottom=0)
    name_axes(axes, f"Load: {comparison.scenario.name}, seed {comparison.seeds[0]}", "attempts sent per 100 ms")
    loudest, calmest = max(peaks, key=peaks.__getitem__), min(peaks, key=peaks.__getitem__)
    return tell(
        figure,
        f"Attempts sent per 100 ms over time, {len(peaks)} policies. The highest peak is {loudest} with "
        f"{peaks[loudest]:,}, the lowest {calmest} with {peaks[calmest]:,}.",
    )


def _sent(run: Run) -> list[float]:
    attempts = run.trace.attempts
    return [at for at, copy in zip(attempts.column("sent"), attempts.column("copy"), strict=True) if not copy]
