"""A story's own figures, contestant by contestant."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from sim.charts.canvas import tell
from sim.charts.style import BLACK, style
from sim.experiment import Comparison

MOST = 4
"""Panels side by side; more could not be read."""


def figures(comparison: Comparison, *names: str) -> Figure:
    """A panel for each figure, a bar for each contestant, with the 95 % interval when there are several seeds.

    *names*: which figures; none is the story's own that tell the contestants apart, at most four.

    Raises: `ValueError` when there is no such figure, or the story has none of its own.
    """
    world, policies = comparison.scenario, list(comparison.figures)
    known = list(comparison.figures[policies[0]][0])
    own = [name for name in world.columns or known if name in world.figures]
    apart = [name for name in own if len({comparison.estimate(policy, name).mean for policy in policies}) > 1]
    chosen = list(names) or (apart or own)[:MOST]
    for name in chosen:
        if name not in known:
            raise ValueError(f"figures must be among {', '.join(known)}, got {name!r}")
    if not chosen:
        raise ValueError(f"{world.name} has no figures of its own; name some of {', '.join(known)}")
    figure = Figure(figsize=(max(8.0, 1.6 + 2.6 * len(chosen)), 0.42 * len(policies) + 1.5), layout="constrained")
    told = []
    for number, name in enumerate(chosen):
        axes = figure.add_subplot(1, len(chosen), number + 1)
        axes.spines[["top", "right"]].set_visible(False)
        estimates = [comparison.estimate(policy, name) for policy in policies]
        means = [0.0 if math.isnan(one.mean) else one.mean for one in estimates]
        halves = [0.0 if math.isnan(one.half) else one.half for one in estimates]
        axes.barh(policies, means, color=[style(policy).colour for policy in policies], edgecolor=BLACK, linewidth=0.6)
        axes.errorbar(means, policies, xerr=halves, fmt="none", ecolor=BLACK, elinewidth=1.0, capsize=2.5)
        for row, (mean, half) in enumerate(zip(means, halves, strict=True)):
            text = str(estimates[row]).split(" ± ")[0]
            axes.annotate(text, (mean + half, row), (4, 0), textcoords="offset points", va="center", fontsize=8)
        axes.set_xlim(0, 1.28 * max(*(mean + half for mean, half in zip(means, halves, strict=True)), 1e-9))
        axes.invert_yaxis()
        axes.set_title(name, loc="left", fontsize=10)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        axes.locator_params(axis="x", nbins=3)
        if number:
            axes.set_yticklabels([])
        least, most = (pick(range(len(means)), key=means.__getitem__) for pick in (min, max))
        told.append(
            f"{name} is {estimates[least]} at least ({policies[least]}), {estimates[most]} at most ({policies[most]})"
        )
    seeds = comparison.seeds
    which = f"seed {seeds[0]}" if len(seeds) == 1 else f"mean of {len(seeds)} seeds and 95 % interval"
    figure.suptitle(f"{world.name}: {which}", x=0.01, ha="left", fontsize=12)
    return tell(figure, f"{world.name}, {len(policies)} contestants: {'; '.join(told)}.")
