"""Attacks and layers: which removal lets which attack through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sim.charts.canvas import canvas, tell
from sim.charts.style import BLACK, BLUE, VERMILLION


def layers(rows: Sequence[Mapping[str, Any]], opened: Mapping[str, Sequence[tuple[str, ...]]]) -> Figure:
    """A line for each attack, a column for each layer that was removed; the first has all of them.

    A dot is an attack that was stopped, a cross one that succeeded.  Two diamonds on a line are two layers of which
    either one stops the attack: it succeeds only without both.

    *rows*, *opened*: what `matrix` and `openings` of `sim.services.vault.matrix` found.

    Raises: `ValueError` without rows.
    """
    if not rows:
        raise ValueError("rows must hold at least one attack, got none")
    attacks = list(dict.fromkeys(row["attack"] for row in rows))
    removals = list(dict.fromkeys(row["removed"] for row in rows))
    figure, axes = canvas(height=0.27 * len(attacks) + 2.0)
    through = [(removals.index(row["removed"]), attacks.index(row["attack"])) for row in rows if row["succeeded"]]
    stopped = [(removals.index(row["removed"]), attacks.index(row["attack"])) for row in rows if not row["succeeded"]]
    both = {(name, pair) for name, found in opened.items() for pair in found if len(pair) == 2}
    for at in range(1, len(attacks), 2):
        axes.axhspan(at - 0.5, at + 0.5, color=BLACK, alpha=0.05, linewidth=0)
    for places, look in ((stopped, _STOPPED), (through, _THROUGH)):
        axes.plot([x for x, _ in places], [y for _, y in places], linestyle="none", **look)
    for name, pair in sorted(both):
        ends = [removals.index(layer) for layer in pair]
        axes.plot(ends, [attacks.index(name)] * 2, **_BOTH)
    axes.set_xticks(range(len(removals)), [_named(one) for one in removals], rotation=40, ha="left")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(attacks)), attacks)
    axes.set_xlim(-0.5, len(removals) - 0.5)
    axes.set_ylim(len(attacks) - 0.5, -0.5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    signs = [Line2D([], [], label=label, **{"linestyle": "none", **look}) for label, look in _LEGEND]
    axes.legend(handles=signs, loc="upper center", bbox_to_anchor=(0.4, -0.01), ncols=3, frameon=False)
    whole = sum(x == 0 for x, _ in through)
    most = max(removals[1:], key=lambda one: sum(x == removals.index(one) for x, _ in through), default="")
    most_count = sum(x == removals.index(most) for x, _ in through) if most else 0
    return tell(
        figure,
        f"{len(attacks)} attacks, {len(removals) - 1} layers: with all layers {whole} succeed, with one removed "
        f"{len(through) - whole} of {len(rows) - len(attacks)}; {most_count} of them without {most or 'none'}. "
        f"{len(both)} attacks have two layers in their way and need both removed.",
    )


def _named(removed: str) -> str:
    return f"without {removed}" if removed else "all layers"


_STOPPED: dict[str, Any] = {"marker": ".", "color": BLACK, "alpha": 0.35, "markersize": 5}
_THROUGH: dict[str, Any] = {"marker": "X", "color": VERMILLION, "markersize": 11, "markeredgecolor": BLACK}
_BOTH: dict[str, Any] = {
    "marker": "D", "color": BLUE, "markersize": 8, "markerfacecolor": "white", "linestyle": "-", "linewidth": 1.5,
    "markeredgewidth": 1.8,
}  # fmt: skip
_LEGEND = (
    ("stopped", _STOPPED),
    ("succeeded", _THROUGH),
    ("succeeds only without both", _BOTH),
)
