"""How calls ended, and how soon."""

from __future__ import annotations

from matplotlib.figure import Figure

from sim.charts.canvas import canvas, name_axes, policy_line, tell
from sim.charts.style import BLACK, GREEN
from sim.experiment import Comparison


def outcomes(comparison: Comparison) -> Figure:
    """Calls that ended ok and calls given up, a stacked bar for each policy; means over the seeds."""
    names = list(comparison.figures)
    ok, gave_up = ([comparison.estimate(name, figure).mean for name in names] for figure in ("ok", "gave_up"))
    figure, axes = canvas(height=0.45 * len(names) + 1.6)
    axes.barh(names, ok, color=GREEN, edgecolor=BLACK, label="ok")
    axes.barh(names, gave_up, left=ok, color="white", edgecolor=BLACK, hatch="///", label="gave up")
    for row, value in enumerate(ok):
        axes.annotate(
            f"{value:,.0f}", (value, row), (4, 0), textcoords="offset points", va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
    axes.invert_yaxis()
    axes.set_xlim(0, max(map(sum, zip(ok, gave_up, strict=True))) or 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    name_axes(axes, f"How calls ended: {comparison.scenario.name}, mean of {len(comparison.seeds)} seeds", "", "calls")
    best, worst = names[ok.index(max(ok))], names[ok.index(min(ok))]
    return tell(
        figure,
        f"Calls that ended ok and calls given up, {len(names)} policies. "
        f"Most ended ok with {best}, {max(ok):,.0f}, fewest with {worst}, {min(ok):,.0f}.",
    )


def latency(comparison: Comparison) -> Figure:
    """The share of all calls that had ended ok by a given age, a line for each policy; the first seed.

    A line that levels off below 100 % shows the calls that never ended well.
    """
    figure, axes = canvas()
    reached = {}
    for name, run in comparison.runs.items():
        calls = run.trace.calls
        columns = (calls.column("started"), calls.column("ended"), calls.column("ok"))
        ages = sorted(end - start for start, end, ok in zip(*columns, strict=True) if ok == 1.0)
        reached[name] = 100 * len(ages) / len(calls)
        shares = [100 * (index + 1) / len(calls) for index in range(len(ages))]
        policy_line(axes, name, [0.0, *ages], [0.0, *shares], drawstyle="steps-post")
    axes.set_ylim(0, 100)
    axes.set_xlim(left=0)
    title = f"How soon calls ended ok: {comparison.scenario.name}, seed {comparison.seeds[0]}"
    name_axes(axes, title, "share of all calls, %", "age of the call, s")
    best, worst = max(reached, key=reached.__getitem__), min(reached, key=reached.__getitem__)
    return tell(
        figure,
        f"Share of all calls that had ended ok by a given age. {best} reaches {reached[best]:.1f} %, "
        f"{worst} {reached[worst]:.1f} %.",
    )
