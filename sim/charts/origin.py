"""How many requests are at the server, contestant by contestant, as time goes by."""

from __future__ import annotations

from matplotlib.figure import Figure

from sim import metrics
from sim.charts.canvas import tell
from sim.charts.style import BLACK, style
from sim.experiment import Comparison, Run


def at_origin(comparison: Comparison, *, until: float | None = None) -> Figure:
    """Requests that are served or queued at the server, a strip for each contestant on one scale; the first seed.

    Behind a gateway's cache these are the misses and the refreshes.  A request that the server refused, or lost when
    it crashed, was never there.  *until*: the last second that is drawn, None is the last there is; peaks are of the
    whole run.
    """
    runs = comparison.runs
    levels = {name: _level(run) for name, run in runs.items()}
    peaks = {name: max(level[1], default=0) for name, level in levels.items()}
    figure = Figure(figsize=(8.0, 0.85 * len(runs) + 1.3), layout="constrained")
    strips = figure.subplots(len(runs), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, (name, (instants, level)) in zip(strips, levels.items(), strict=True):
        axes.fill_between(instants, level, step="post", color=style(name).colour, alpha=0.75, linewidth=0)
        axes.plot(instants, level, drawstyle="steps-post", color=BLACK, linewidth=0.5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylim(0, 1.05 * max(1, *peaks.values()))
        axes.locator_params(axis="y", nbins=3)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_title(f"{name}, {peaks[name]:,} at most", loc="left", fontsize=9, pad=2)
    if until is not None:
        strips[-1].set_xlim(0, until)
    strips[-1].set_xlabel("time, s")
    figure.supylabel("requests at the server", fontsize=10)
    figure.suptitle(f"At the server: {comparison.scenario.name}, seed {comparison.seeds[0]}", x=0.01, ha="left")
    told = ", ".join(f"{peaks[name]:,} under {name}" for name in runs)
    return tell(figure, f"Requests at the server over time, {len(runs)} contestants; most at one instant: {told}.")


def _level(run: Run) -> tuple[list[float], list[int]]:
    columns = (run.trace.attempts.column(name) for name in ("arrived", "started", "finished"))
    stays = [(came, left) for came, began, left in zip(*columns, strict=True) if began == began]
    return metrics.level([came for came, _ in stays], [left for _, left in stays])
