"""What was handed in: by learner, which answer stands for which exercise, and what is wrong with a file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import attrs

from sim.exercises import Exercise, cells, every, stem_of

LONGEST_ANSWER = 100_000
"""Characters of an answer cell; the longest reference answer has 1,100."""


@attrs.frozen
class Submission:
    """What one *learner* answers to one *exercise*, by its id; "" is a file that answers none.

    *source*: the answer cell, None when there is none to run, and then *problem* says why.  *file*: where it stands.
    *remark*: what the grader should know besides.  *digest*: SHA-256 of the answer, "" when there is none.
    """

    learner: str
    exercise: str
    source: str | None = None
    problem: str = ""
    file: str = ""
    remark: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the answer cell, in hexadecimal."""
        if self.source is None:
            return ""
        return hashlib.sha256(self.source.encode("utf-8", "surrogatepass")).hexdigest()


@attrs.frozen
class _File:
    path: Path
    learner: str
    answers: tuple[tuple[str, str], ...]
    problem: str
    written: float


def submissions(folder: Path, wanted: Sequence[Exercise] | None = None) -> list[Submission]:
    """A row for each learner and exercise, in the order of their names.

    A learner is a notebook `ada.ipynb` or a folder `ada/` of notebooks; both together are one learner, and of two files
    with an answer to the same exercise the newest counts.  *wanted*: the exercises to mark; None is those of each
    notebook of which the learner answers at least one.

    Raises: `ValueError` when *folder* is none, or has nothing to mark.
    """
    if not folder.is_dir():
        raise ValueError(f"the submissions must be a folder, got {str(folder)!r}")
    files = [_read(path, learner, folder) for learner, path in _found(folder)]
    if not files:
        raise ValueError(f"the folder of submissions must hold notebooks, {str(folder)!r} has none")
    rows: list[Submission] = []
    for learner in sorted({one.learner for one in files}):
        rows += _of(learner, [one for one in files if one.learner == learner], wanted)
    return rows


def _of(learner: str, files: list[_File], wanted: Sequence[Exercise] | None) -> list[Submission]:
    # The newest first; files that are equally old by name, so that the order is never chance.
    files = sorted(files, key=lambda one: (-one.written, one.path.name))
    answered = {id for one in files for id, _ in one.answers}
    known = {one.id: one for one in every()}
    topics = {stem_of(known[id]) for id in answered if id in known}
    scope = [one for one in every() if stem_of(one) in topics] if wanted is None else list(wanted)
    rows = [Submission(learner, "", problem=one.problem, file=_text(one.path.name)) for one in files if one.problem]
    unknown = sorted(answered - set(known))
    if unknown or (not rows and not scope):
        said = f"no exercise is called {', '.join(unknown)}"[:200] if unknown else "there is no answer cell in it"
        rows.append(Submission(learner, "", problem=said, file=_text(files[0].path.name)))
    if all(one.problem for one in files):
        return rows
    return rows + [_answer(learner, one, files) for one in scope]


def _answer(learner: str, exercise: Exercise, files: list[_File]) -> Submission:
    holders = [one for one in files if any(id == exercise.id for id, _ in one.answers)]
    if not holders:
        problem = f"the answer cell is missing; it begins with '# answer: {exercise.id}'"
        return Submission(learner, exercise.id, problem=problem)
    newest, name = holders[0], _text(holders[0].path.name)
    sources = [source for id, source in newest.answers if id == exercise.id]
    remarks = []
    if len(holders) > 1:
        remarks.append(f"the newest of {', '.join(_text(one.path.name) for one in holders)} counts")
    if len(sources) > 1:
        remarks.append(f"the last of {len(sources)} cells counts")
    source = sources[-1]
    if len(source) > LONGEST_ANSWER:
        problem = f"an answer must have at most {LONGEST_ANSWER:,} characters, this one has {len(source):,}"
        return Submission(learner, exercise.id, problem=problem, file=name)
    return Submission(learner, exercise.id, source, file=name, remark="; ".join(remarks))


def _found(folder: Path) -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            inside = sorted(one for one in path.iterdir() if not one.name.startswith("."))
            notebooks = [one for one in inside if one.suffix == ".ipynb"]
            found += [(path.name, one) for one in notebooks or inside[:1]]
        else:
            found.append((path.stem, path))
    return [(_text(learner), path) for learner, path in found]


def _read(path: Path, learner: str, folder: Path) -> _File:
    name = _text(path.name)
    answers: tuple[tuple[str, str], ...] = ()
    problem, written = "", 0.0
    try:
        written = path.lstat().st_mtime
        if path.is_symlink() or not path.resolve().is_relative_to(folder.resolve()):
            problem = f"{name} must be a file in the folder, and is a link that may lead out of it"
        elif path.suffix != ".ipynb" or not path.is_file():
            problem = f"{name} must be a notebook, a file that ends in .ipynb"
        else:
            answers = tuple(cells.answers_in(cells.read(path)))
    except ValueError as error:
        problem = _text(str(error))
    except OSError as error:
        problem = f"{name} cannot be read: {error.strerror}"
    return _File(path, learner, answers, problem, written)


def _text(name: str) -> str:
    """A name as text that can stand in any report: what is no UTF-8 and what cannot be printed as an escape."""
    clean = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in clean)
