"""What content codings save, body by body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from sim.charts.canvas import tell
from sim.charts.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION

if TYPE_CHECKING:
    from sim.live.codings import Packed

_LOOKS = ((ORANGE, "o"), (BLUE, "s"), (GREEN, "^"), (PURPLE, "D"), (SKY, "v"), (VERMILLION, "X"), (BLACK, "*"))


def packing(rows: Sequence[Packed]) -> Figure:
    """Percent of the bytes that each coder takes off each body: a line for a body, a marker for a coder.

    *rows*: what `sim.live.codings.packed` returns, from at most seven coders.

    Raises: `ValueError` when there are none, or more coders than markers.
    """
    bodies, names = (list(dict.fromkeys(getattr(row, field) for row in rows)) for field in ("body", "coder"))
    if not 1 <= len(names) <= len(_LOOKS):
        raise ValueError(f"rows must come from 1 to {len(_LOOKS)} coders, got {len(names)}")
    figure = Figure(figsize=(8.0, 0.34 * len(bodies) + 1.3), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    for name, (colour, marker) in zip(names, _LOOKS, strict=False):
        mine = [row for row in rows if row.coder == name]
        axes.scatter(
            [row.saved for row in mine], [bodies.index(row.body) for row in mine], color=colour, marker=marker, s=44,
            edgecolors=BLACK, linewidths=0.5, label=name, zorder=3,
        )  # fmt: skip
    axes.set_yticks(range(len(bodies)), bodies)
    axes.hlines(range(len(bodies)), 0, 100, color=BLACK, alpha=0.15, linewidth=0.8)
    axes.invert_yaxis()
    axes.set_xlim(-3, 100)
    axes.set_xlabel("bytes saved, %")
    axes.set_title("What compression saves depends on the body", loc="left")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    told = "; ".join(
        f"{body} {', '.join(f'{row.coder} {round(row.saved)} %' for row in rows if row.body == body)}"
        for body in bodies
    )
    return tell(figure, f"Bytes saved by {len(names)} coders on {len(bodies)} bodies: {told}.")
