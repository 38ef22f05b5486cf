"""A report as plain text: the verdicts, the same at every run, and apart from them what was measured."""

from __future__ import annotations

import textwrap

from sim.exercises.judging import Report, Verdict

WIDTH = 100


def verdicts(report: Report) -> str:
    """Which check passed, and for the first one that did not a counterexample."""
    exercise, verdict = report.exercise, report.verdict
    if verdict is Verdict.MISSING:
        return f"{exercise.id}: {verdict}\n" + _wrapped(report.reason or "write the answer cell, and run it", "  ")
    lines = [f"{exercise.id}: {verdict}, {report.points} of {exercise.points} points"]
    told = False
    for one in report.tried:
        lines.append(f"  {one.verdict:4}  {one.check.says}")
        if one.reason and not told:
            told = True
            lines.append(_wrapped(one.reason, "        "))
            lines += [f"          {line}" for line in one.timeline]
    return "\n".join(lines)


def measured(report: Report) -> str:
    """What each check measured; these figures may differ by machine or version, and are not compared."""
    rows = [(one.check.says, one.measured) for one in report.tried if one.measured]
    if not rows:
        return "nothing measured"
    width = max(len(says) for says, _ in rows)
    return "\n".join(f"{says:{width}}  {text}" for says, text in rows)


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(
        " ".join(text.split()), WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
