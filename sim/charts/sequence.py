"""One call as a sequence diagram."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.charts.canvas import canvas, tell
from sim.charts.style import BLACK, BLUE, GREEN, PURPLE, VERMILLION
from sim.experiment import Run


def sequence(run: Run, call: int) -> Figure:
    """Everything that one call sent and was sent, client left, server right, time downwards; faults are grey.

    Raises: `ValueError` when the run has no such call.
    """
    table = run.trace.attempts
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows() if row[0] == call]
    if not rows:
        raise ValueError(f"call must be one that sent an attempt in this run, got {call!r}")
    instants = [row[key] for row in rows for key in ("sent", "arrived", "finished", "settled") if row[key] == row[key]]
    first, last = min(instants), max(instants)
    tilt = max(last - first, 0.01) / 60
    height = max(3.6, 0.8 * len(rows) + 2)
    figure, axes = canvas(height=height)
    notes: list[_Note] = []
    endings = [_exchange(axes, notes, row, tilt) for row in rows]
    # Notes of one instant stand below each other, and may so reach further down than the last event.
    last = max(last, _place(axes, notes, gap=max(last - first, 0.01) * _LINE / (height - 1)))
    axes.vlines((0, 1), first - tilt, last + 2 * tilt, colors=BLACK)
    _shade(axes, run, first - 2 * tilt, last + 3 * tilt)
    axes.set_xlim(-0.45, 1.45)
    axes.set_ylim(last + 3 * tilt, first - 2 * tilt)
    axes.set_xticks((0, 1), ("client", "server"))
    axes.xaxis.tick_top()
    axes.set_ylabel("time, s (downwards)")
    axes.set_title(f"Call {call}: {run.policy}, seed {run.seed}", loc="left")
    return tell(figure, f"Call {call} made {len(rows)} attempts: {', '.join(endings)}.")


_LINE = 0.2
"""Inches that a line of text needs."""


def _shade(axes: Axes, run: Run, top: float, bottom: float) -> None:
    """Grey from each fault's beginning to its end, as far as it can be seen here, with its name."""
    begun: dict[str, float] = {}
    spans: list[tuple[str, float, float]] = []
    for mark in run.trace.marks:
        if mark.kind == "fault" and mark.note == "begins":
            begun[mark.subject] = mark.at
        elif mark.kind == "fault" and mark.subject in begun:
            spans.append((mark.subject, begun.pop(mark.subject), mark.at))
    spans += [(subject, at, bottom) for subject, at in begun.items()]
    for subject, start, end in spans:
        start, end = max(start, top), min(end, bottom)
        if start < end:
            axes.axhspan(start, end, color=BLACK, alpha=0.12, linewidth=0)
            axes.text(0.5, (start + end) / 2, subject, ha="center", va="center", color=BLACK, alpha=0.7)


@attrs.frozen
class _Note:
    x: int
    at: float
    text: str
    colour: str


def _place(axes: Axes, notes: Sequence[_Note], gap: float) -> float:
    """Write the notes beside their lifeline, each at least *gap* below the one before; returns the lowest's place."""
    places = []
    for x in (0, 1):
        lowest = -math.inf
        for note in sorted((note for note in notes if note.x == x), key=lambda note: note.at):
            lowest = max(note.at, lowest + gap)
            side, shift = ("left", 0.04) if x else ("right", -0.04)
            axes.text(x + shift, lowest, note.text, ha=side, va="center", color=note.colour)
            places.append(lowest)
    return max(places)


def _exchange(axes: Axes, notes: list[_Note], row: dict[str, float], tilt: float) -> str:
    """Draw one attempt and what came of it; returns that in words."""

    def arrow(start: float, end: float, left: bool, dashes: str, colour: str) -> None:
        tail, head = ((1, start), (0, end)) if left else ((0, start), (1, end))
        axes.annotate("", head, tail, arrowprops={"arrowstyle": "->", "linestyle": dashes, "color": colour})

    def note(x: int, at: float, text: str, colour: str = BLACK) -> None:
        notes.append(_Note(x, at, text, colour))

    sent, arrived, finished, settled = (row[key] for key in ("sent", "arrived", "finished", "settled"))
    label = f"{row['attempt']:.0f}" + (" (copy)" if row["copy"] else "")
    note(0, sent, f"send {label}")
    if arrived == arrived:
        arrow(sent, arrived, False, "-", BLUE)
    elif settled == settled and row["status"] != row["status"]:
        axes.plot((0, 0.5), (sent, sent + tilt / 2), color=PURPLE, linestyle=":")
        axes.plot(0.5, sent + tilt / 2, marker="x", color=PURPLE)
    if row["started"] == row["started"]:
        stop = finished if finished == finished else row["started"]
        axes.plot((1, 1), (row["started"], stop), color=BLUE, linewidth=7, solid_capstyle="butt", alpha=0.6)
    answered = finished if finished == finished else arrived
    if row["status"] == row["status"]:
        words = {0.0: "refused", 503.0: "503 rejected"}.get(row["status"], f"{row['status']:.0f}")
        good = row["status"] < 400 and row["status"] > 0
        # An answer within the same instant is drawn a little lower, or it would hide the request.
        arrow(answered, settled + (tilt if settled - sent < tilt else 0), True, "-", GREEN if good else VERMILLION)
        note(1, answered + tilt / 2, words, GREEN if good else VERMILLION)
        return words
    if settled == settled:
        axes.plot(0, settled, marker="X", color=VERMILLION, markersize=9, clip_on=False)
        note(0, settled, "timeout", VERMILLION)
    if finished == finished:
        arrow(finished, finished + tilt, True, ":", PURPLE)
        late = settled <= finished
        note(1, finished, "zombie: done too late" if late else "done, answer not seen", PURPLE)
        return "timed out, the work was done too late" if late else "timed out, the work was done"
    return "timed out, the work was not done" if settled == settled else "no end yet"
