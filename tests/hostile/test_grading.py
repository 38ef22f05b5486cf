"""One batch of everything: right answers, stubs, wrong answers, and sixty attempts to cheat or to do harm."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time  # noqa: TID251 - an interruption is timed
from pathlib import Path

import handing_in
import pytest

from sim.exercises import named
from sim.grading import Limits
from sim.marking import grade, report, secret, submissions

BUCKET = named(handing_in.BUCKET)
SECRET = b"a secret of the tests, not of anybody"
SHORT = Limits(answer=2.0, seconds=10.0, memory=400)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not sys.platform.startswith("linux") or shutil.which("bwrap") is None,
        reason="full isolation is Linux with bubblewrap; .ci/run installs it",
    ),
]


def expected(source):
    """What a hostile answer earns, and a piece of the reason, by its first line."""
    points, _, fragment = source.partition("\n")[0].removeprefix("# earns ").partition(": ")
    return int(points), fragment


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All kinds of submissions, and beside them a file that a link leads to."""
    place = tmp_path_factory.mktemp("grading")
    (place / "subs").mkdir()
    outside = place / "outside.ipynb"
    outside.write_text(handing_in.notebook(handing_in.solution()))
    for number in range(6):
        handing_in.hand_in(place / "subs", f"good{number}", handing_in.solution() + f"\n# {number}")
        handing_in.hand_in(place / "subs", f"stub{number}", handing_in.stub())
    for name, source in (*handing_in.mutants().items(), *handing_in.hostile_answers().items()):
        handing_in.hand_in(place / "subs", name, source)
    handing_in.hand_in_odd_files(place / "subs", outside)
    return place


def marked(folder, name, **options):
    """The marks of the folder's submissions, judged anew."""
    journal = folder / f"{name}.journal"
    return grade(submissions(folder / "subs", [BUCKET]), SECRET, journal, limits=SHORT, **options)


@pytest.fixture(scope="module")
def marks(folder):
    """The whole batch, judged once."""
    return {one.learner: one for one in marked(folder, "first", jobs=2)}


def test_there_are_enough_of_them(folder):
    """At least sixty submissions, twenty-five of them hostile."""
    assert len(list((folder / "subs").iterdir())) >= 60
    assert len(handing_in.hostile_answers()) >= 25


def test_right_answers_earn_all_and_stubs_and_mutants_do_not(marks):
    """Exactly the expected marks, among all that goes on beside them."""
    for number in range(6):
        assert (marks[f"good{number}"].verdict, marks[f"good{number}"].points) == ("pass", BUCKET.points)
        assert (marks[f"stub{number}"].verdict, marks[f"stub{number}"].points) == ("not attempted yet", 0)
    for name, source in handing_in.mutants().items():
        assert marks[name].verdict == "fail"
        assert source.partition("\n")[0].removeprefix("# fails with: ") in marks[name].reason


@pytest.mark.parametrize("name", handing_in.hostile_answers())
def test_a_hostile_answer_earns_nothing_that_it_should_not(marks, name):
    """Its points to the point, a reason that says what happened, and an end within its limit."""
    points, fragment = expected(handing_in.hostile_answers()[name])
    assert marks[name].points == points
    assert marks[name].verdict in ("fail", "could not tell")
    assert fragment in marks[name].reason
    assert marks[name].seconds < SHORT.seconds + 4.0


def test_a_file_that_is_no_submission_has_a_row_and_a_reason(marks, folder):
    """Broken, linked out of the folder, too large, not UTF-8: each says which."""
    odd = folder / "odd"
    odd.mkdir()
    for name, fragment in handing_in.hand_in_odd_files(odd, folder / "outside.ipynb").items():
        rows = [one for one in submissions(folder / "subs", [BUCKET]) if one.learner == name]
        assert all(one.source is None for one in rows)
        assert any(fragment in one.problem for one in rows), (name, rows)
        assert marks[name].points == 0
    assert (marks["r_kernel"].verdict, marks["r_kernel"].points) == ("fail", 0)


def test_marks_are_the_same_bytes_again_and_alone(marks, folder):
    """Another order of events, one at a time, without the hostile ones beside: no row changes."""
    quiet = {"good0", "stub0", "no_cap", "wraps_the_class_of_the_course", "knows_the_public_seeds"}
    rows = [one for one in submissions(folder / "subs", [BUCKET]) if one.learner in quiet]
    alone = grade(rows, SECRET, folder / "alone.journal", limits=SHORT)
    assert report.marks_csv(alone) == report.marks_csv([marks[one.learner] for one in alone])


def test_reports_are_harmless(marks):
    """No markup of a learner's in a page, no formula in the table, a file for each learner."""
    pages = report.pages([*marks.values()], "bubblewrap")
    assert len(pages) == len(marks) + 1
    for text in pages.values():
        assert "<script" not in text
    table = report.marks_csv([*marks.values()])
    for row in csv.reader(table.splitlines()):
        assert all(not cell.startswith(("=", "+", "-", "@")) for cell in row)
    assert "&lt;script&gt;" in pages["an_error_with_markup.html"]


def test_a_killed_grader_goes_on_where_it_was(tmp_path):
    """Killed in the middle and started again: the same marks as in one go, and nothing judged twice."""
    subs = tmp_path / "subs"
    subs.mkdir()
    for number in range(12):
        handing_in.hand_in(subs, f"learner{number:02}", handing_in.solution() + f"\n# {number}")
    (tmp_path / "key").write_bytes(SECRET)

    def command(out):
        words = ["grade", str(subs), "--out", str(tmp_path / out), "--exercise", handing_in.BUCKET]
        return [sys.executable, "-m", "sim.cli", *words, "--secret-file", str(tmp_path / "key"), "--jobs", "2"]

    subprocess.run(command("whole.csv"), check=True, capture_output=True)
    process = subprocess.Popen(command("marks.csv"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = tmp_path / "marks.journal"
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline and not (journal.exists() and journal.read_text().count("\n") >= 4):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with journal.open("a") as file:
        file.write('{"learner": "cut off in the mid')
    before = journal.read_text().count("\n")
    assert not (tmp_path / "marks.csv").exists()
    assert before < 13
    subprocess.run(command("marks.csv"), check=True, capture_output=True)
    assert (tmp_path / "marks.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not journal.exists()


def test_an_interrupted_run_is_finished_with_its_own_secret(tmp_path):
    """Marks of another secret are not mixed in; the sentence says what to do."""
    handing_in.hand_in(tmp_path, "ada", handing_in.stub())
    rows, journal = submissions(tmp_path, [BUCKET]), tmp_path / "marks.journal"
    (first,) = grade(rows, SECRET, journal, limits=SHORT)
    assert grade(rows, SECRET, journal, limits=SHORT) == [first]
    with pytest.raises(ValueError, match=r"marks.journal is of an interrupted run with another secret"):
        grade(rows, SECRET[::-1], journal, limits=SHORT)


def test_without_isolation_it_refuses_or_says_so(tmp_path, capsys, monkeypatch):
    """Where bubblewrap is not there: exit code 2; with --unsafe it runs, and every page says that nothing protected."""
    from sim.cli import main

    monkeypatch.setattr("shutil.which", lambda program: None)
    (tmp_path / "subs").mkdir()
    handing_in.hand_in(tmp_path / "subs", "ada", handing_in.solution())
    words = ["grade", str(tmp_path / "subs"), "--out", str(tmp_path / "marks.csv"), "--exercise", handing_in.BUCKET]
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert "full isolation needs bwrap" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["subs"]
    with pytest.raises(SystemExit) as end:
        main([*words, "--unsafe"])
    assert not end.value.code
    assert ",08-token-bucket,9,9,pass," in (tmp_path / "marks.csv").read_text()
    assert "none (--unsafe)" in (tmp_path / "marks" / "ada.html").read_text()


def test_the_newest_of_two_files_counts_and_both_are_named(tmp_path):
    """A notebook beside a folder of the same name; the last of two cells in one notebook."""
    handing_in.hand_in(tmp_path, "ada", handing_in.stub())
    (tmp_path / "ada").mkdir()
    newer = handing_in.hand_in(tmp_path / "ada", "second", handing_in.solution())
    os.utime(tmp_path / "ada.ipynb", (1_000, 1_000))
    os.utime(newer, (2_000, 2_000))
    (row,) = submissions(tmp_path, [BUCKET])
    assert (row.learner, row.file) == ("ada", "second.ipynb")
    assert row.remark == "the newest of second.ipynb, ada.ipynb counts"
    assert row.source.endswith(handing_in.solution().partition("\n")[2])


def test_the_secret_decides_and_is_made_once(tmp_path):
    """Other seeds than the public ones; made readable to its owner alone; never within the submissions."""
    (tmp_path / "subs").mkdir()
    first = secret.load(tmp_path / "key", tmp_path / "subs")
    assert secret.load(tmp_path / "key", tmp_path / "subs") == first
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert secret.seeds(first, "08-token-bucket") != secret.seeds(first, "08-sliding-log")
    assert not set(secret.seeds(first, "08-token-bucket")) & {0, 1, 2, 3, 4}
    with pytest.raises(ValueError, match="must lie outside the submissions"):
        secret.load(tmp_path / "subs" / "key", tmp_path / "subs")
    (tmp_path / "short").write_text("abc")
    with pytest.raises(ValueError, match="at least 32 bytes, short has 3"):
        secret.load(tmp_path / "short", tmp_path / "subs")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("{nowhere}",), "the submissions must be a folder"),
        (("{empty}",), "must hold notebooks"),
        (("{subs}", "--jobs", "0"), "--jobs must be at least 1, got 0"),
        (("{subs}", "--out", "marks.txt"), "--out must be a .csv file"),
        (("{subs}", "--out", "{subs}/marks.csv"), "--out must lie outside the submissions"),
        (("{subs}", "--exercise", "12"), "unknown exercise '12'"),
    ],
)
def test_bad_arguments_are_one_sentence(tmp_path, capsys, words, sentence):
    """Exit code 2, and nothing is written."""
    from sim.cli import main

    for name in ("empty", "subs"):
        (tmp_path / name).mkdir()
    handing_in.hand_in(tmp_path / "subs", "ada", handing_in.stub())
    places = {name: str(tmp_path / name) for name in ("nowhere", "empty", "subs")}
    words = [word.format(**places) for word in words]
    if "--out" not in words:
        words += ["--out", str(tmp_path / "marks.csv")]
    with pytest.raises(SystemExit) as end:
        main(["grade", *words])
    error = capsys.readouterr().err
    assert end.value.code == 2
    assert sentence in error
    assert error.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "subs"}


def test_merged_notebooks_pass_for_a_right_answer_only(tmp_path):
    """What `--nbval` leaves is the reference notebook with the learner's answer and the reference's outputs."""
    from sim.marking.merged import merged

    handing_in.hand_in(tmp_path, "ada", handing_in.solution())
    texts = merged(submissions(tmp_path, [BUCKET]), Path(handing_in.EXERCISES) / "solutions")
    assert list(texts) == ["08_rate_limiting.ipynb"]
    assert "08-token-bucket: pass, 9 of 9 points" in texts["08_rate_limiting.ipynb"]
    assert "forge" not in texts["08_rate_limiting.ipynb"]
