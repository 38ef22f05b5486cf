"""Every stub fails, every reference answer passes, every wrong answer fails with the words for its misconception."""

from pathlib import Path

import nbformat
import pytest

from sim.exercises import (
    PUBLIC,
    Exercise,
    Kind,
    Verdict,
    books,
    cells,
    every,
    hint,
    judge,
    named,
    stem_of,
    stems,
    verdicts,
)
from sim.exercises.local import Local

ROOT = Path(__file__).parent.parent.parent / "exercises"
OTHERS = (9_001, 9_002, 9_003, 9_004, 9_005)
"""Seeds that no learner knows: an answer must not pass by the public ones alone."""
FIRST = "# fails with: "


def answer(source, exercise):
    """The answer that *source* defines."""
    names = {"__name__": "answer"}
    exec(compile(source, "<answer>", "exec"), names)
    return Local(names[exercise.answer])


def solution(exercise):
    """The reference answer's source."""
    return dict(cells.answers_in(cells.read(ROOT / "solutions" / f"{stem_of(exercise)}.ipynb")))[exercise.id]


def mutants():
    """Every wrong answer: its exercise, its name and its source."""
    return [
        pytest.param(named(path.parent.name), path, id=f"{path.parent.name}-{path.stem}")
        for path in sorted((ROOT / "mutants").rglob("*.py"))
    ]


every_exercise = pytest.mark.parametrize("exercise", every(), ids=lambda one: one.id)


def test_there_are_enough_of_each_kind():
    """At least twenty over the nine topics, of four kinds, and two to four in a notebook."""
    assert len(every()) >= 20
    assert {one.topic for one in every()} == {f"0{number}" for number in range(1, 10)}
    assert {one.kind for one in every()} == set(Kind)
    for stem in stems():
        assert 2 <= sum(stem_of(one) == stem for one in every()) <= 4


@every_exercise
def test_a_stub_fails_and_says_what_to_do(exercise):
    """It runs as it is given; what is not attempted is told from what is wrong."""
    report = judge(exercise, answer(exercise.stub, exercise))
    wanted = Verdict.FAIL if exercise.kind is Kind.REPAIR else Verdict.MISSING
    assert report.verdict is wanted
    assert len(report.reason) > 15
    assert report.points < exercise.points


@every_exercise
@pytest.mark.parametrize("seeds", [PUBLIC, OTHERS], ids=["public", "others"])
def test_the_reference_answer_passes(exercise, seeds):
    """On the seeds that learners have, and on others."""
    report = judge(exercise, answer(solution(exercise), exercise), seeds)
    assert report.verdict is Verdict.PASS, verdicts(report)
    assert report.points == exercise.points


@pytest.mark.parametrize(("exercise", "path"), mutants())
def test_a_wrong_answer_is_told_its_misconception(exercise, path):
    """Its first line holds a piece of the sentence that must come."""
    source = path.read_text()
    first, _, _ = source.partition("\n")
    assert first.startswith(FIRST)
    report = judge(exercise, answer(source, exercise))
    assert report.verdict is Verdict.FAIL
    assert first.removeprefix(FIRST) in report.reason


@every_exercise
def test_an_exercise_has_wrong_answers_hints_and_a_lesson(exercise, capsys):
    """At least three misconceptions; three hints, none of which is in the story; a lesson that is there."""
    assert len(list((ROOT / "mutants" / exercise.id).glob("*.py"))) >= 3
    for number, text in enumerate(exercise.hints, start=1):
        hint(exercise.id, number)
        assert capsys.readouterr().out == f"{text}\n"
        assert text not in exercise.story
    assert (ROOT.parent / "notebooks" / exercise.lesson).exists()


def test_no_wrong_answer_belongs_to_nothing():
    """A folder of mutants is named after an exercise."""
    folders = {path.name for path in (ROOT / "mutants").iterdir()}
    assert folders == {one.id for one in every()}


@pytest.mark.parametrize("stem", stems())
def test_a_notebook_is_what_its_modules_make(stem):
    """Cell by cell, the answers of the solution apart; so a story is written in one place."""
    for folder, answers in ((ROOT, None), (ROOT / "solutions", {})):
        committed = nbformat.read(folder / f"{stem}.ipynb", as_version=4)
        if answers is not None:
            answers = dict(cells.answers_in(committed))
        made = books.book(stem, answers)
        assert [cell.source for cell in committed.cells] == [cell.source for cell in made.cells]


@pytest.mark.parametrize(
    ("id", "number", "sentence"),
    [
        ("08-token-buckets", 1, "08-token-bucket"),
        ("08-token-bucket", 4, "number must be 1, 2 or 3, got 4"),
    ],
)
def test_what_is_not_there_is_a_sentence(id, number, sentence):
    """A near name is offered."""
    with pytest.raises(ValueError, match=sentence):
        hint(id, number)


def test_an_exercise_that_is_none_is_refused():
    """One sentence for each rule."""
    good = every()[0]
    parts = {field: getattr(good, field) for field in Exercise.__annotations__}
    for change, sentence in (
        ({"id": "10-x"}, "id must look like"),
        ({"answer": "nowhere"}, "must define nowhere"),
        ({"hints": ("one",)}, "must be three texts, got 1"),
        ({"checks": ()}, "must hold at least one"),
    ):
        with pytest.raises(ValueError, match=sentence):
            Exercise(**(parts | change))


@pytest.mark.parametrize("stem", stems())
def test_a_lesson_leads_to_its_exercises(stem):
    """A link at its end."""
    lesson = cells.read(ROOT.parent / "notebooks" / f"{stem}.ipynb")
    assert f"](../exercises/{stem}.ipynb)" in cells.source_of(lesson["cells"][-1])
