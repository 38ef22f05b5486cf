"""The player as a still picture: the places with their requests as dots, and the queue over time with a cursor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sim.charts import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION
from sim.player.scene import Scene

PALE, LINE, OLIVE = "#616161", "#D0D0D0", "#8F7A00"
WIDTH, HEIGHT = 9.6, 2.9
"""Inches of one scene."""
PLACES = {"waiting": (0.01, 0.13), "network": (0.15, 0.34), "queue": (0.38, 0.66), "workers": (0.70, 0.99)}
"""Where each place begins and ends, as a share of the width; the same in the page."""
LOOKS = {
    "ok": (GREEN, "o"), "rejected": (VERMILLION, "s"), "failed": (VERMILLION, "D"), "timed_out": (ORANGE, "^"),
    "zombie": (PURPLE, "X"), "duplicate": (OLIVE, "h"), "dead": (BLACK, "P"),
}  # fmt: skip
"""What an ending looks like: a colour and a marker, so that either is enough."""


def draw(scenes: Sequence[Scene], at: float) -> Figure:
    """The scenes below one another at the instant *at*."""
    figure = Figure(figsize=(WIDTH, HEIGHT * len(scenes)))
    for number, scene in enumerate(scenes):
        bottom = 1.0 - (number + 1) / len(scenes)
        axes = figure.add_axes((0.01, bottom + 0.31 / len(scenes), 0.98, 0.67 / len(scenes)))
        _scene(axes, scene, at)
        below = figure.add_axes((0.06, bottom + 0.14 / len(scenes), 0.92, 0.13 / len(scenes)))
        _queue(below, scene, at)
    return figure


def in_words(scene: Scene, at: float) -> str:
    """What there is to see of *scene*, in numbers: "full-jitter, 40 in the queue, 10 with the workers, 120 ok"."""
    counts = scene.counts(at)
    places = [
        (counts["waiting"], f"waiting at the {scene.stations['waiting']}"), (counts["network"], "on the network"),
        (counts["lost"], "lost on the way"), (counts["queue"], "in the queue"),
        (counts["workers"], f"with the {scene.stations['workers']}"), (counts["back"], "on the way back"),
    ]  # fmt: skip
    ends = [(counts[name], _NAMES.get(name, name)) for name in LOOKS]
    told = [f"{count:,} {what}" for count, what in [*places, *ends] if count]
    return ", ".join([scene.title, *(told or ["nothing under way"])])


_NAMES = {"timed_out": "timed out", "zombie": "zombies", "duplicate": "duplicates", "dead": "dead letters"}


def _scene(axes: Axes, scene: Scene, at: float) -> None:
    axes.set_axis_off()
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.0)
    counts = scene.counts(at)
    _write(axes, 0.0, 0.97, scene.title, weight="bold", size=11)
    _write(axes, 1.0, 0.97, f"{at:,.3g} s of {scene.seconds:,.3g} s", color=PALE, ha="right")
    for place, (left, right) in PLACES.items():
        shown = counts[place] + (counts["lost"] if place == "network" else 0)
        limit = scene.limits.get(place, math.inf)
        of = f" of {limit:,.0f}" if math.isfinite(limit) else ""
        _write(axes, (left + right) / 2, 0.86, f"{scene.stations[place]}: {shown:,}{of}", ha="center", color=PALE)
        if place != "network":
            axes.add_patch(Rectangle((left, 0.16), right - left, 0.62, fill=False, edgecolor=LINE))
        colour = BLUE if place != "waiting" else "#9E9E9E"
        _dots(axes, left, right, shown, colour)
    if scene.stations["gate"]:
        axes.plot((0.36, 0.36), (0.16, 0.78), color=PALE, linewidth=3)
        _write(axes, 0.36, 0.11, scene.stations["gate"], ha="center", color=PALE, size=8)
    ends = [(name, counts[name]) for name in LOOKS if counts[name]]
    for number, (name, count) in enumerate(ends):
        x = 0.01 + number * 0.14
        axes.plot([x], [0.03], LOOKS[name][1], color=LOOKS[name][0], markersize=6, clip_on=False)
        _write(axes, x + 0.012, 0.03, f"{name.replace('_', ' ')} {count:,}", size=8)


def _dots(axes: Axes, left: float, right: float, count: int, colour: str) -> None:
    """One dot for each, in columns from the right, where the way goes on; smaller ones where there are many."""
    if not count:
        return
    wide, high = (right - left) * WIDTH, 0.62 * 0.67 * HEIGHT
    pitch = min(0.11, math.sqrt(wide * high / count))
    rows = max(1, int(high / pitch))
    number = np.arange(min(count, 20_000))
    x = right - (number // rows + 0.5) * pitch / WIDTH
    y = 0.16 + (number % rows + 0.5) * 0.62 / rows
    axes.scatter(x, y, s=(pitch * 72 * 0.62) ** 2, c=colour, linewidths=0, clip_on=True)


def _queue(axes: Axes, scene: Scene, at: float) -> None:
    """How many are in the queue over time, or how many wait where there is no queue."""
    instants = np.linspace(0.0, scene.seconds or 1.0, 400)
    key = "queue"
    levels = [scene.counts(instant)[key] for instant in instants]
    if not any(levels):
        key = "waiting"
        levels = [scene.counts(instant)[key] for instant in instants]
    axes.fill_between(instants, levels, step="post", color=SKY, linewidth=0)
    for _, start, end in scene.faults:
        axes.axvspan(start, end, color=BLACK, alpha=0.12, linewidth=0)
    axes.axvline(at, color=VERMILLION, linewidth=1.2)
    axes.set_xlim(0.0, scene.seconds or 1.0)
    axes.set_ylim(0.0, max(levels) * 1.15 or 1.0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7)
    axes.set_xlabel("time, s", fontsize=7, labelpad=1)
    axes.set_ylabel(key, fontsize=7)


def _write(axes: Axes, x: float, y: float, text: str, *, size: float = 9, **more: Any) -> None:
    axes.text(x, y, text, fontsize=size, va="center", parse_math=False, **{"color": BLACK, **more})
