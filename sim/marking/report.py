"""What a grader gets: the marks as a table, a page for each learner, and a page about all of them."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, select_autoescape

from sim.exercises import named
from sim.marking.marker import Marked

COLUMNS = ("learner", "exercise", "points", "of", "verdict", "reason", "file", "remark", "sha256")
ORDER = ("pass", "fail", "not attempted yet", "missing", "could not tell", "unreadable", "not graded")
# Wong's palette, which colour-blind people can tell apart; what stands for what is said in words as well.
COLOURS = dict(zip(ORDER, ("#009E73", "#D55E00", "#999999", "#CC79A7", "#E69F00", "#56B4E9", "#000000"), strict=True))
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def marks_csv(marks: Sequence[Marked]) -> str:
    """The marks, a row each, in `COLUMNS`: the same bytes for the same submissions and secret."""
    return _csv(
        COLUMNS,
        ([m.learner, m.exercise, m.points, m.possible, m.verdict, m.reason, m.file, m.remark, m.digest] for m in marks),
    )


def timings_csv(marks: Sequence[Marked]) -> str:
    """How long each took, in seconds; another figure at every run, and so in a file of its own."""
    return _csv(("learner", "exercise", "seconds"), ([m.learner, m.exercise, m.seconds] for m in marks))


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    for row in rows:
        # A spreadsheet takes a cell that begins so for a formula, and a learner chooses their file's name.
        table.writerow([f"'{one}" if isinstance(one, str) and one.startswith(_DANGEROUS) else one for one in row])
    return text.getvalue()


def pages(marks: Sequence[Marked], protection: str) -> dict[str, str]:
    """By file name the HTML pages: `summary.html`, and one for each learner."""
    learners: dict[str, list[Marked]] = {}
    for mark in marks:
        learners.setdefault(mark.learner, []).append(mark)
    links = {learner: f"{safe(learner)}.html" for learner in learners}
    environment = Environment(autoescape=select_autoescape(default=True), trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(resources.files("sim.marking").joinpath("page.html").read_text("utf-8"))
    made = {
        "summary.html": template.render(
            title="Marks", rows=[(learner, links[learner], _sum(own)) for learner, own in learners.items()],
            picture=_picture(marks), counts=_counts(marks), protection=protection, marks=None,
        )
    }  # fmt: skip
    for learner, own in learners.items():
        made[links[learner]] = template.render(
            title=learner, marks=[(mark, _hint(mark)) for mark in own], total=_sum(own), protection=protection
        )
    return made


def write(path: Path, text: str) -> None:
    """All of the file or none of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


def _sum(marks: Sequence[Marked]) -> tuple[int, int]:
    return sum(one.points for one in marks), sum(one.possible for one in marks)


def _hint(mark: Marked) -> str:
    return named(mark.exercise).hints[0] if mark.exercise and mark.verdict in ("fail", "not attempted yet") else ""


def safe(learner: str) -> str:
    """A file name for a learner's page; two learners never share one."""
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "_" for letter in learner)
    if plain == learner and plain != "summary" and len(plain) <= 60:
        return plain
    return f"{plain[:60]}-{hashlib.sha256(learner.encode()).hexdigest()[:8]}"


def _counts(marks: Sequence[Marked]) -> list[tuple[str, Counter[str]]]:
    found: dict[str, Counter[str]] = {}
    for mark in marks:
        found.setdefault(mark.exercise or "(no exercise)", Counter())[mark.verdict] += 1
    return sorted(found.items())


def _picture(marks: Sequence[Marked]) -> tuple[str, str]:
    """A bar for each exercise, by verdict: a PNG as text, and what it shows in words."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    counts = _counts(marks)
    figure = Figure(figsize=(8, 1.2 + 0.32 * len(counts)), layout="constrained")
    axes = figure.subplots()
    names = [name for name, _ in counts][::-1]
    left = [0] * len(names)
    for verdict in ORDER:
        values = [dict(counts)[name][verdict] for name in names]
        if any(values):
            axes.barh(names, values, left=left, color=COLOURS[verdict], label=verdict)
            left = [one + other for one, other in zip(left, values, strict=True)]
    axes.set_xlabel("answers")
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=4, frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    words = "; ".join(
        f"{name}: " + ", ".join(f"{number} {verdict}" for verdict, number in sorted(of.items())) for name, of in counts
    )
    return base64.b64encode(picture.getvalue()).decode(), f"Answers by exercise and verdict. {words}."
