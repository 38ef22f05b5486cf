"""A platform's work over time: attempts sent, and deliveries still to come."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from sim.charts.answers import ANSWERS, answer
from sim.charts.canvas import name_axes, policy_line, shade_faults, tell
from sim.charts.style import BLACK
from sim.deliveries import log, per_second
from sim.deliveries.log import trace_of
from sim.experiment import Comparison, Run
from sim.trace import Fate, WebhookTrace

BINS = 240
"""Bins over the time that is shown."""


def delivery(comparison: Comparison, *, endpoint: str | None = None, until: float | None = None) -> Figure:
    """Above: attempts sent a second.  Below: deliveries still to come.  A line for each plan; the first seed.

    *endpoint*: of one endpoint; None is all.  *until*: seconds shown; None is until the last attempt.
    """
    traces = {name: trace_of(run) for name, run in comparison.runs.items()}
    end = until or max(max(trace.attempts.column("sent"), default=1.0) for trace in traces.values())
    scale, unit = _unit(end)
    figure = Figure(figsize=(8.0, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    width, told, highest = end / BINS, [], 0.0
    for name, trace in traces.items():
        counts = per_second(trace, endpoint=endpoint, width=width)
        bins = range(BINS + 1)
        rates = [counts.get(number, 0) / width for number in bins]
        highest = max(highest, *rates)
        policy_line(above, name, [number * width / scale for number in bins], rates, drawstyle="steps-post")
        left = _to_come(trace, endpoint, [number * width for number in bins])
        policy_line(below, name, [number * width / scale for number in bins], left)
        told.append(f"{name} {left[-1]:,} of {max(left):,}")
    run = next(iter(comparison.runs.values()))
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlim(0, end / scale)
        shade_faults(axes, run, scale=scale, of=endpoint)
    above.set_yscale("symlog", linthresh=1.0)
    above.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    below.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    above.set_ylim(0, 1.8 * max(highest, 1.0))
    below.set_ylim(bottom=0)
    whose = f" to {endpoint}" if endpoint else ""
    name_axes(above, f"{comparison.scenario.name}{whose}, seed {comparison.seeds[0]}", "attempts a second", "")
    name_axes(below, "", "deliveries to come", f"time, {unit}")
    below.get_legend().remove()
    return tell(
        figure,
        f"Attempts a second and deliveries still to come{whose}, {len(traces)} plans. "
        f"Still to come at {end / scale:,.0f} {unit}: {', '.join(told)}.",
    )


def attempts(run: Run, *, endpoint: str | None = None, most: int = 60) -> Figure:
    """Every attempt as a dot: when it was sent, for which delivery, and what came of it.

    *most*: at most so many deliveries, the first ones.
    """
    frame = log(run, endpoint=endpoint)
    chosen = list(dict.fromkeys(frame.delivery))[:most]
    frame = frame[frame.delivery.isin(chosen)]
    place = {number: row for row, number in enumerate(chosen)}
    end = max(frame.sent, default=1.0)
    scale, unit = _unit(end)
    figure = Figure(figsize=(8.0, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    kinds = [answer(status) for status in frame.status]
    told = []
    for look in ANSWERS:
        points = [
            (sent / scale, place[number])
            for sent, number, kind in zip(frame.sent, frame.delivery, kinds, strict=True)
            if kind is look
        ]
        if points:
            xs, ys = zip(*points, strict=True)
            edge: dict[str, Any] = {} if look.marker in "x|" else {"edgecolors": BLACK, "linewidths": 0.4}
            axes.scatter(xs, ys, s=26, color=look.colour, marker=look.marker, label=look.name, **edge)
            told.append(f"{len(points):,} {look.name}")
    shade_faults(axes, run, scale=scale, of=endpoint)
    axes.invert_yaxis()
    name_axes(axes, f"Attempts: {run.scenario.name}, {run.policy}, seed {run.seed}", "delivery", f"time, {unit}")
    return tell(figure, f"Attempts at {len(chosen):,} deliveries over {end / scale:,.0f} {unit}: {', '.join(told)}.")


def _to_come(trace: WebhookTrace, endpoint: str | None, instants: list[float]) -> list[int]:
    """Deliveries made and not yet delivered, at each of the *instants*."""
    chosen = None if endpoint is None else trace.endpoints.index(endpoint)
    columns = (trace.calls.column(name) for name in ("client", "started", "ended", "fate"))
    edges = []
    for client, started, ended, fate in zip(*columns, strict=True):
        if chosen is None or client == chosen:
            edges.append((started, 1))
            if fate == Fate.DELIVERED:
                edges.append((ended, -1))
    edges.sort()
    level, at, levels = 0, 0, []
    for instant in instants:
        while at < len(edges) and edges[at][0] <= instant:
            level += edges[at][1]
            at += 1
        levels.append(level)
    return levels


def _unit(end: float) -> tuple[float, str]:
    return (1.0, "s") if end < 600 else (60.0, "min") if end < 4 * 3_600 else (3_600.0, "h")
