"""Every submission judged: side by side, each in a process of its own, and none of them twice."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import Queue
from pathlib import Path
from time import perf_counter  # noqa: TID251  how long a submission took is a part of its row
from typing import Any

import attrs

from sim.exercises import Report, Tried, Verdict, judge, named
from sim.exercises.exercise import Exercise
from sim.exercises.remote import Distant
from sim.grading import AnswerError, Confined, EndedError, Limits
from sim.marking import secret as secrets
from sim.marking.submissions import Submission

STEP = "the grader's own process ended"


@attrs.frozen(kw_only=True)
class Marked:
    """A row of the marks.

    *points* of *possible*.  *verdict*: pass, fail, could not tell, not attempted yet, missing, unreadable, or not
    graded.  *tried*: by check what it says, its verdict, reason, timeline and what was measured.
    """

    learner: str
    exercise: str
    points: int
    possible: int
    verdict: str
    reason: str = ""
    seconds: float = 0.0
    digest: str = ""
    file: str = ""
    remark: str = ""
    tried: tuple[dict[str, Any], ...] = ()

    @property
    def key(self) -> str:
        """What makes it this row: whose, of which exercise, and which answer."""
        return json.dumps([self.learner, self.exercise, self.digest, self.file])


def grade(
    rows: Sequence[Submission],
    secret: bytes,
    journal: Path,
    *,
    jobs: int = 1,
    limits: Limits | None = None,
    unsafe: bool = False,
    progress: Callable[[], object] = lambda: None,
) -> list[Marked]:
    """A mark for each of the *rows*, in their order.

    *journal*: each mark is kept there as it is made, so that an interruption loses none and repeats none; it counts for
    the same secret only.  *jobs*: how many are judged side by side.  *unsafe*: without isolation.
    *progress*: called once for each mark.
    """
    known = dict(_journal(journal, secrets.fingerprint(secret)))
    marks: dict[int, Marked] = {}
    todo: list[int] = []
    for number, row in enumerate(rows):
        found = _unjudged(row) or known.get(_blank(row).key)
        if found is None:
            todo.append(number)
        else:
            marks[number] = found
            progress()
    if not journal.exists():
        _append(journal, {"secret": secrets.fingerprint(secret)})
    for number, mark in _judged([(number, rows[number]) for number in todo], secret, jobs, limits or Limits(), unsafe):
        marks[number] = mark
        if mark.verdict != "not graded":
            _append(journal, attrs.asdict(mark))
        progress()
    return [marks[number] for number in range(len(rows))]


def _judged(
    rows: list[tuple[int, Submission]], secret: bytes, jobs: int, limits: Limits, unsafe: bool
) -> Iterator[tuple[int, Marked]]:
    context = multiprocessing.get_context("spawn")
    left = list(rows)
    while left:
        slots: Queue[int] = context.Queue()
        for slot in range(jobs):
            slots.put(slot)
        with ProcessPoolExecutor(jobs, mp_context=context, initializer=_take_slot, initargs=(slots,)) as pool:
            pending: dict[Future[Marked], tuple[int, Submission]] = {}
            try:
                while left or pending:
                    while left and len(pending) < 2 * jobs:
                        number, row = left.pop(0)
                        task = pool.submit(judged, row, secrets.seeds(secret, row.exercise), limits, unsafe)
                        pending[task] = number, row
                    done, _ = wait(pending, return_when=FIRST_COMPLETED)
                    for task in done:
                        number, row = pending[task]
                        mark = _result(task, row)
                        del pending[task]
                        yield number, mark
            except BrokenProcessPool:
                # One of those under way has ended its judge; each of them is judged alone now.
                for number, row in pending.values():
                    yield number, _alone(row, secret, limits, unsafe)


def _result(task: Future[Marked], row: Submission) -> Marked:
    try:
        return task.result()
    except BrokenProcessPool:
        raise
    except Exception as error:  # a mistake of the grader's, and it must not cost the others their marks
        return attrs.evolve(_blank(row), verdict="not graded", reason=printable(f"{type(error).__name__}: {error}"))


def _alone(row: Submission, secret: bytes, limits: Limits, unsafe: bool) -> Marked:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return _result(pool.submit(judged, row, secrets.seeds(secret, row.exercise), limits, unsafe), row)
        except BrokenProcessPool:
            return attrs.evolve(_blank(row), verdict="not graded", reason=STEP)


_slot = 0


def _take_slot(slots: Queue[int]) -> None:
    global _slot  # one for each judging process, for as long as it lives
    _slot = slots.get()


def judged(row: Submission, seeds: Sequence[int], limits: Limits, unsafe: bool) -> Marked:
    """The mark of one answer."""
    exercise, began = named(row.exercise), perf_counter()
    assert row.source is not None
    try:
        with Confined(row.source, limits, slot=_slot, unsafe=unsafe) as learner:
            if exercise.answer in learner.names:
                report = judge(exercise, Distant(learner, exercise.answer), seeds)
            else:
                report = _failed(exercise, f"the answer cell must define {exercise.answer}")
    except (AnswerError, EndedError) as error:
        report = _failed(exercise, f"the answer cell: {error}")
    except ValueError as error:
        report = _failed(exercise, f"the answer cell cannot be sent: {error}")
    return attrs.evolve(
        _blank(row),
        points=report.points,
        verdict=str(report.verdict),
        reason=printable(report.reason),
        seconds=round(perf_counter() - began, 2),
        tried=tuple(_row(one) for one in report.tried),
    )


def printable(text: str) -> str:
    """*text* in one line that can stand anywhere; a learner's error may hold anything."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:600]


def _row(one: Tried) -> dict[str, Any]:
    return {
        "says": one.check.says,
        "points": one.points,
        "of": one.check.points,
        "verdict": str(one.verdict),
        "reason": printable(one.reason),
        "timeline": [printable(line) for line in one.timeline[:40]],
        "measured": printable(one.measured),
    }


def _failed(exercise: Exercise, reason: str) -> Report:
    return Report(exercise, tuple(Tried(check=one, verdict=Verdict.FAIL, reason=reason) for one in exercise.checks))


def _unjudged(row: Submission) -> Marked | None:
    if row.source is not None:
        return None
    return attrs.evolve(_blank(row), verdict="missing" if row.exercise else "unreadable", reason=row.problem)


def _blank(row: Submission) -> Marked:
    possible = named(row.exercise).points if row.exercise else 0
    return Marked(
        learner=row.learner, exercise=row.exercise, points=0, possible=possible, verdict="", digest=row.digest,
        file=row.file, remark=row.remark,
    )  # fmt: skip


def _append(journal: Path, row: dict[str, Any]) -> None:
    with journal.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _journal(journal: Path, fingerprint: str) -> Iterator[tuple[str, Marked]]:
    """What an interrupted run has left; a line that was cut off is not there yet."""
    try:
        lines = journal.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return
    if not lines or lines[0] != json.dumps({"secret": fingerprint}):
        raise ValueError(f"{journal.name} is of an interrupted run with another secret; finish that one, or remove it")
    if lines[-1]:
        with journal.open("r+b") as file:  # cut off the part of a line, or the next would be joined to it
            file.truncate(journal.stat().st_size - len(lines[-1].encode()))
    for line in lines[1:-1]:
        held = json.loads(line)
        held["tried"] = tuple(held["tried"])
        mark = Marked(**held)
        yield mark.key, mark
