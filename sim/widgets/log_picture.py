"""The delivery log as a still picture, for where nothing runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sim.charts import BLACK, VERMILLION
from sim.widgets.log_rows import Health, Page

INK, PALE, LINE = BLACK, "#616161", "#D0D0D0"
WIDTH, ROW = 10.0, 0.27
"""Inches: of the picture, and of one row."""

# Where each column begins, as a share of the width, and how many letters have room in it.
_HEALTH = (
    ("endpoint", 0.0, 24), ("success, last hour", 0.22, 8), ("delivered", 0.46, 8), ("waiting", 0.58, 8),
    ("oldest undelivered", 0.69, 14), ("dead letters", 0.88, 10),
)  # fmt: skip
_LOG = (
    ("delivery", 0.0, 9), ("sent", 0.075, 11), ("event", 0.17, 12), ("endpoint", 0.27, 14), ("attempt", 0.39, 7),
    ("status", 0.465, 22), ("latency", 0.66, 9), ("response snippet", 0.74, 18), ("next attempt", 0.885, 14),
)  # fmt: skip


def draw(sentence: str, lanes: Sequence[Health], page: Page) -> Figure:
    """The health of each endpoint, and a page of attempts below it."""
    lines = 5.2 + len(lanes) + max(1, len(page.rows))
    figure = Figure(figsize=(WIDTH, ROW * lines))
    axes = figure.add_axes((0.01, 0.0, 0.98, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(lines, 0.0)
    _write(axes, 0.0, 0.5, sentence, 110, weight="bold", size=10)
    _head(axes, 1.6, _HEALTH)
    for place, lane in enumerate(lanes):
        _lane(axes, 2.6 + place, lane)
    top = 3.2 + len(lanes)
    _head(axes, top, _LOG)
    for place, row in enumerate(page.rows):
        y = top + 1.0 + place
        texts = (
            f"{row.delivery}", row.sent, row.event, row.endpoint, row.attempt, row.said, row.latency, row.snippet,
            row.next,
        )  # fmt: skip
        for (name, x, room), text in zip(_LOG, texts, strict=True):
            _write(axes, x + 0.02 * (name == "status"), y, text, room)
        look: dict[str, Any] = {"facecolor": row.look.colour, "edgecolor": LINE, "linewidth": 0.6}
        axes.add_patch(Rectangle((0.465, y - 0.3), 0.013, 0.6, **look))
        _rule(axes, y + 0.5)
    if not page.rows:
        _write(axes, 0.0, top + 1.0, page.place, 40, color=PALE)
    _write(axes, 0.0, lines - 0.5, f"attempts {page.place}" if page.rows else "", 60, color=PALE)
    _write(axes, 1.0, lines - 0.5, "run this cell to press its buttons", 60, color=PALE, ha="right", style="italic")
    figure.set_label(sentence)
    return figure


def _lane(axes: Axes, y: float, lane: Health) -> None:
    name = f"{lane.endpoint} (disabled)" if lane.disabled else lane.endpoint
    texts = (name, lane.success, f"{lane.delivered:,}", f"{lane.waiting:,}", lane.oldest, f"{lane.dead:,}")
    if lane.success.endswith("%"):
        share = float(lane.success[:-1]) / 100.0
        axes.add_patch(Rectangle((0.28, y - 0.18), 0.1 * share, 0.36, facecolor=PALE, linewidth=0))
        axes.add_patch(Rectangle((0.28, y - 0.18), 0.1, 0.36, facecolor="none", edgecolor=PALE, linewidth=0.6))
    for (column, x, room), text in zip(_HEALTH, texts, strict=True):
        badge = column == "dead letters" and lane.dead > 0
        box = {"boxstyle": "round,pad=0.25", "facecolor": VERMILLION, "edgecolor": "none"} if badge else None
        _write(axes, x + 0.008 * badge, y, text, room, weight="bold" if badge else "normal", bbox=box)
    _rule(axes, y + 0.5)


def _head(axes: Axes, y: float, columns: Sequence[tuple[str, float, int]]) -> None:
    for name, x, _ in columns:
        _write(axes, x, y, name, 30, color=PALE, weight="bold")
    _rule(axes, y + 0.5)


def _rule(axes: Axes, y: float) -> None:
    axes.plot([0.0, 1.0], [y, y], color=LINE, linewidth=0.6)


def _write(axes: Axes, x: float, y: float, text: str, room: int, *, size: float = 8.5, **more: Any) -> None:
    """A text that is only a text: no formula, no letter that the font does not have, no longer than its room."""
    plain = "".join(letter if letter in "–…" or ord(letter) < 0x250 else "?" for letter in text)
    if len(plain) > room:
        plain = plain[: room - 1] + "…"
    axes.text(x, y, plain, fontsize=size, va="center", parse_math=False, **{"color": INK, **more})
