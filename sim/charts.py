"""Charts: what a run or a comparison looks like.

One colour means one retry rule in every chart of the course (B. Wong's colour-blind palette); what is joined to it
(+breaker, +budget) changes the line's dashes, and the marker tells rules apart without colour.  Faults are shaded,
axes carry units, and every figure has a sentence for those who cannot see it: `alt(figure)`.
"""

from __future__ import annotations

import math
import os
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from sim import metrics
from sim.experiment import Comparison, Run

if TYPE_CHECKING:
    import pandas

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
WONG = (BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE)
"""The palette of B. Wong, "Points of view: Color blindness", Nature Methods 8, 2011."""

_RULES = {
    "no-retry": (BLACK, "o"),
    "immediate": (VERMILLION, "X"),
    "fixed": (YELLOW, "s"),
    "linear": (YELLOW, "D"),
    "exponential": (ORANGE, "^"),
    "equal-jitter": (SKY, "v"),
    "full-jitter": (BLUE, "P"),
    "decorrelated-jitter": (PURPLE, "*"),
    "proportional-jitter": (GREEN, "d"),
}
_DASHES = ("-", "--", ":", "-.")
_EXTRA_DASHES = {"breaker": "--", "consecutive-breaker": "--", "throttle": "--"}
_FIGURES = {"ok": GREEN, "gave_up": BLACK, "zombie": VERMILLION, "rejected": ORANGE, "timed_out": PURPLE}
_STATES = {"closed": (GREEN, ""), "half-open": (YELLOW, "//"), "open": (VERMILLION, "xx")}


@attrs.frozen
class Style:
    """How one policy is drawn, everywhere."""

    colour: str
    dashes: str
    marker: str


def style(policy: str) -> Style:
    """The look of *policy*: fixed for names of the catalogue, stable for any other name.

    >>> style("full jitter + breaker").colour == style("full-jitter").colour
    True
    """
    rule, *extras = policy.lower().replace(" + ", "+").replace(" ", "-").split("+")
    if rule in _RULES:
        colour, marker = _RULES[rule]
        dashes = "-" if not extras else _EXTRA_DASHES.get(extras[0], ":") if len(extras) == 1 else "-."
        return Style(colour, dashes, marker)
    # hash() differs from process to process; a checksum does not.
    number = zlib.crc32(policy.encode())
    return Style(WONG[number % 8], _DASHES[number // 8 % 4], "hp<>"[number // 32 % 4])


def alt(figure: Figure) -> str:
    """What *figure* shows, in a sentence or two with its numbers."""
    return str(figure.get_label())


def load(comparison: Comparison) -> Figure:
    """Attempts sent in each tenth of a second, a line for each policy; the first seed."""
    figure, axes = _canvas()
    peaks = {}
    for name, run in comparison.runs.items():
        starts, counts = metrics.over_time(_sent(run), width=0.1)
        peaks[name] = max(counts)
        # One bin of nothing after the last, so that the line ends on the ground.
        _line(axes, name, [*starts, starts[-1] + 0.1], [*counts, 0], drawstyle="steps-post")
    _shade(axes, next(iter(comparison.runs.values())))
    if max(peaks.values()) > 100:
        axes.set_yscale("symlog", linthresh=1.0)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_ylim(bottom=0)
    _label(axes, f"Load: {comparison.scenario.name}, seed {comparison.seeds[0]}", "attempts sent per 100 ms")
    loudest, calmest = max(peaks, key=peaks.__getitem__), min(peaks, key=peaks.__getitem__)
    return _told(
        figure,
        f"Attempts sent per 100 ms over time, {len(peaks)} policies. The highest peak is {loudest} with "
        f"{peaks[loudest]:,}, the lowest {calmest} with {peaks[calmest]:,}.",
    )


def outcomes(comparison: Comparison) -> Figure:
    """Calls that ended ok and calls given up, a stacked bar for each policy; means over the seeds."""
    names = list(comparison.figures)
    ok, gave_up = ([comparison.estimate(name, figure).mean for name in names] for figure in ("ok", "gave_up"))
    figure, axes = _canvas(height=0.45 * len(names) + 1.6)
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
    _label(axes, f"How calls ended: {comparison.scenario.name}, mean of {len(comparison.seeds)} seeds", "", "calls")
    best, worst = names[ok.index(max(ok))], names[ok.index(min(ok))]
    return _told(
        figure,
        f"Calls that ended ok and calls given up, {len(names)} policies. "
        f"Most ended ok with {best}, {max(ok):,.0f}, fewest with {worst}, {min(ok):,.0f}.",
    )


def latency(comparison: Comparison) -> Figure:
    """The share of all calls that had ended ok by a given age, a line for each policy; the first seed.

    A line that levels off below 100 % shows the calls that never ended well.
    """
    figure, axes = _canvas()
    reached = {}
    for name, run in comparison.runs.items():
        calls = run.trace.calls
        columns = (calls.column("started"), calls.column("ended"), calls.column("ok"))
        ages = sorted(end - start for start, end, ok in zip(*columns, strict=True) if ok == 1.0)
        reached[name] = 100 * len(ages) / len(calls)
        shares = [100 * (index + 1) / len(calls) for index in range(len(ages))]
        _line(axes, name, [0.0, *ages], [0.0, *shares], drawstyle="steps-post")
    axes.set_ylim(0, 100)
    axes.set_xlim(left=0)
    title = f"How soon calls ended ok: {comparison.scenario.name}, seed {comparison.seeds[0]}"
    _label(axes, title, "share of all calls, %", "age of the call, s")
    best, worst = max(reached, key=reached.__getitem__), min(reached, key=reached.__getitem__)
    return _told(
        figure,
        f"Share of all calls that had ended ok by a given age. {best} reaches {reached[best]:.1f} %, "
        f"{worst} {reached[worst]:.1f} %.",
    )


def breaker_states(run: Run, *, hosts: int = 12) -> Figure:
    """When the breaker of each host was closed, open and half-open; the first *hosts* that ever changed."""
    marks = [mark for mark in run.trace.marks if mark.kind == "breaker"]
    subjects = list(dict.fromkeys(mark.subject for mark in marks))[:hosts]
    figure, axes = _canvas(height=0.3 * max(1, len(subjects)) + 1.8)
    end = max([mark.at for mark in marks] + [at for at in run.trace.calls.column("ended") if at == at], default=1.0)
    for row, subject in enumerate(subjects):
        edges = [(0.0, "closed")] + [(mark.at, mark.note) for mark in marks if mark.subject == subject]
        for (start, state), (stop, _) in zip(edges, [*edges[1:], (end, "")], strict=True):
            colour, hatch = _STATES[state]
            axes.barh(row, stop - start, left=start, color=colour, hatch=hatch, edgecolor=BLACK, linewidth=0.4)
    for state, (colour, hatch) in _STATES.items():
        axes.barh(0, 0, color=colour, hatch=hatch, edgecolor=BLACK, label=state)
    axes.set_yticks(range(len(subjects)), subjects)
    axes.set_xlim(0, end)
    _shade(axes, run)
    _label(axes, f"Breakers: {run.policy}, seed {run.seed}", "host")
    axes.invert_yaxis()
    opened = sum(mark.note == "open" for mark in marks)
    return _told(
        figure, f"States of {len(subjects)} breakers over {end:.1f} s; breakers opened {opened:,} times in all."
    )


def sequence(run: Run, call: int) -> Figure:
    """Everything that one call sent and was sent, client left, server right, time downwards.

    Raises: `ValueError` when the run has no such call.
    """
    table = run.trace.attempts
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows() if row[0] == call]
    if not rows:
        raise ValueError(f"call must be one that sent an attempt in this run, got {call!r}")
    instants = [row[key] for row in rows for key in ("sent", "arrived", "finished", "settled") if row[key] == row[key]]
    first, last = min(instants), max(instants)
    tilt = max(last - first, 0.01) / 60
    figure, axes = _canvas(height=max(3.6, 0.8 * len(rows) + 2))
    axes.vlines((0, 1), first - tilt, last + 2 * tilt, colors=BLACK)
    notes: list[_Note] = []
    endings = [_exchange(axes, notes, row, tilt) for row in rows]
    _place(axes, notes, gap=2 * tilt)
    axes.set_xlim(-0.45, 1.45)
    axes.set_ylim(last + 3 * tilt, first - 2 * tilt)
    axes.set_xticks((0, 1), ("client", "server"))
    axes.xaxis.tick_top()
    axes.set_ylabel("time, s (downwards)")
    axes.set_title(f"Call {call}: {run.policy}, seed {run.seed}", loc="left")
    return _told(figure, f"Call {call} made {len(rows)} attempts: {', '.join(endings)}.")


def curve(frame: pandas.DataFrame, x: str, figures: Sequence[str]) -> Figure:
    """The *figures* of a sweep over the knob *x*, with their 95 % intervals.

    *frame*: what `sim.sweep` returns: columns *x*, figure, mean, low, high, n.
    """
    figure, axes = _canvas()
    told = []
    for number, name in enumerate(figures):
        rows = frame[frame["figure"] == name].sort_values(x)
        if rows.empty:
            raise ValueError(f"figures must be among {', '.join(sorted(set(frame['figure'])))}, got {name!r}")
        xs, means = list(rows[x]), list(rows["mean"])
        colour = _FIGURES.get(name, WONG[zlib.crc32(name.encode()) % 8])
        axes.plot(xs, means, color=colour, linestyle=_DASHES[number % 4], marker="os^Dv"[number % 5], label=name)
        axes.fill_between(xs, list(rows["low"]), list(rows["high"]), color=colour, alpha=0.2, linewidth=0)
        top = means.index(max(means))
        told.append(f"{name} is highest at {x} = {xs[top]:,} with {means[top]:,.0f}")
    if min(frame[x]) > 0 and max(frame[x]) / min(frame[x]) > 20:
        axes.set_xscale("log")
        ticks: list[float] = []
        for value in sorted(set(frame[x])):
            # Labels nearer than this would run into each other.
            if not ticks or value >= 1.4 * ticks[-1]:
                ticks.append(value)
        axes.set_xticks(ticks, [f"{value:,g}" if value < 1000 else f"{value:,.0f}" for value in ticks])
        axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    _label(axes, f"{' and '.join(figures)} by {x}, mean and 95 % interval", "count per run", x)
    return _told(figure, "; ".join(told) + ".")


def save(figure: Figure, path: str | Path) -> None:
    """Write *figure* to *path* (.png, .svg or .pdf), with its sentence inside; all of the file or none of it."""
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    # No date in the file: the same run gives the same bytes.
    notes: dict[str, dict[str, Any]] = {
        "png": {"Description": alt(figure)},
        "svg": {"Description": alt(figure), "Date": None},
        "pdf": {"Subject": alt(figure), "CreationDate": None},
    }
    if kind not in notes:
        raise ValueError(f"path must end in .png, .svg or .pdf, got {str(path)!r}")
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            figure.savefig(file, format=kind, dpi=150, metadata=notes[kind])
        # mkstemp makes files for their owner alone; a chart is for everybody, as the umask allows.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@attrs.frozen
class _Note:
    x: int
    at: float
    text: str
    colour: str


def _place(axes: Axes, notes: Sequence[_Note], gap: float) -> None:
    """Write the notes beside their lifeline, each at least *gap* below the one before."""
    for x in (0, 1):
        lowest = -math.inf
        for note in sorted((note for note in notes if note.x == x), key=lambda note: note.at):
            lowest = max(note.at, lowest + gap)
            side, shift = ("left", 0.04) if x else ("right", -0.04)
            axes.text(x + shift, lowest, note.text, ha=side, va="center", color=note.colour)


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


def _sent(run: Run) -> list[float]:
    attempts = run.trace.attempts
    return [at for at, copy in zip(attempts.column("sent"), attempts.column("copy"), strict=True) if not copy]


def _canvas(height: float = 4.2) -> tuple[Figure, Axes]:
    # A Figure of its own, not pyplot's: nothing is kept alive behind the notebook's back, and no window opens.
    figure = Figure(figsize=(8.0, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _line(axes: Axes, name: str, xs: Sequence[float], ys: Sequence[float], **more: Any) -> None:
    look = style(name)
    (line,) = axes.plot(
        xs, ys, color=look.colour, linestyle=look.dashes, marker=look.marker, label=name, markersize=6,
        linewidth=1.0 if len(xs) > 600 else 1.8,
        markevery=_marked(ys), markeredgecolor=BLACK, markeredgewidth=0.4, **more,
    )  # fmt: skip
    if look.colour == YELLOW:
        line.set_path_effects([Stroke(linewidth=2.8, foreground=BLACK), Normal()])


def _marked(ys: Sequence[float]) -> list[int]:
    """Where the markers go: the highest point of each tenth of the line, unless that is zero."""
    step = max(1, math.ceil(len(ys) / 10))
    highest = (max(range(at, min(at + step, len(ys))), key=ys.__getitem__) for at in range(0, len(ys), step))
    return [at for at in highest if ys[at] > 0]


def _shade(axes: Axes, run: Run) -> None:
    """Grey from each fault's beginning to its end."""
    begun: dict[str, float] = {}
    for mark in run.trace.marks:
        if mark.kind == "fault" and mark.note == "begins":
            begun[mark.subject] = mark.at
        elif mark.kind == "fault" and mark.subject in begun:
            axes.axvspan(begun.pop(mark.subject), mark.at, color=BLACK, alpha=0.12, linewidth=0, label=mark.subject)
    for subject, at in begun.items():
        axes.axvspan(at, axes.get_xlim()[1], color=BLACK, alpha=0.12, linewidth=0, label=subject)


def _label(axes: Axes, title: str, y: str, x: str = "time, s") -> None:
    axes.set_title(title, loc="left")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)


def _told(figure: Figure, sentence: str) -> Figure:
    figure.set_label(sentence)
    return figure
