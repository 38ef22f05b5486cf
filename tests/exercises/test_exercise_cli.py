"""`sim exercise`: list, next, check, hint, solution, reset, and what is wrong as one sentence."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time  # noqa: TID251 - a watcher is waited for
from pathlib import Path

import pytest

from sim import cli
from sim.exercises import cells, every

ROOT = Path(__file__).parent.parent.parent / "exercises"
BUCKET = "08-token-bucket"


@pytest.fixture
def folder(tmp_path):
    """A learner's copy."""
    (tmp_path / "exercises").mkdir()
    for path in ROOT.glob("*.ipynb"):
        shutil.copy(path, tmp_path / "exercises")
    return tmp_path


@pytest.fixture
def say(folder, capsys):
    """What `sim exercise ...` prints, and its exit code."""

    def run(*words):
        code = 0
        try:
            cli.main(["exercise", *words, "--folder", str(folder)])
        except SystemExit as end:
            code = end.code or 0
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def write(folder, source, id=BUCKET):
    """Put an answer into the learner's notebook."""
    path = folder / "exercises" / "08_rate_limiting.ipynb"
    notebook = cells.read(path)
    for cell in notebook["cells"]:
        if cells.answer_of(cell) == id:
            cell["source"] = cells.marked(id, source)
    path.write_text(cells.written(notebook))


def solution():
    """The reference answer."""
    return dict(cells.answers_in(cells.read(ROOT / "solutions" / "08_rate_limiting.ipynb")))[BUCKET]


def test_a_learner_from_the_stub_to_the_solution(say, folder):
    """Not attempted, a hint, a wrong answer, a right one; the file remembers it."""
    assert say("check", BUCKET)[:2] == (
        1,
        f"{BUCKET}: not attempted yet\n"
        "  say whether a request of key may pass at now, in seconds, and take its token\n",
    )
    assert [say("hint", BUCKET)[1][:3] for _ in range(4)] == ["1/3", "2/3", "3/3", "3/3"]
    code, _, error = say("solution", BUCKET)
    assert (code, "shown after a pass" in error) == (2, True)
    write(folder, (ROOT / "mutants" / BUCKET / "no_cap.py").read_text())
    code, out, _ = say("check", BUCKET)
    assert (code, "there is room for 5 tokens" in out) == (1, True)
    write(folder, solution())
    code, out, _ = say("check", BUCKET)
    assert code == 0
    assert out.startswith(f"{BUCKET}: pass, 9 of 9 points\n")
    assert say("solution", BUCKET)[1].strip() == solution()
    assert "1 of 30 passed" in say("list")[1]
    write(folder, "class TokenBucket:\n    pass")
    assert say("check", BUCKET)[0] == 1
    held = json.loads((folder / "progress.json").read_text())[BUCKET]
    assert held == {"points": 9, "hints": 3, "passed": True}


def test_next_leads_through_all_of_them(say, folder):
    """The first that is not passed; in the end there is none."""
    assert say("next")[1].startswith("01-conditional-put: ")
    passed = {one.id: {"points": one.points, "hints": 0, "passed": True} for one in every()}
    (folder / "progress.json").write_text(json.dumps(passed))
    assert say("next")[1] == f"all {len(every())} exercises are passed\n"


def test_reset_puts_the_stub_back_and_keeps_what_was_there(say, folder):
    """Also when the answer cell was thrown away."""
    write(folder, "mine = 1")
    assert say("reset", BUCKET)[0] == 0
    assert "not attempted yet" in say("check", BUCKET)[1]
    assert "mine = 1" in (folder / "exercises" / "08_rate_limiting.ipynb.bak").read_text()
    path = folder / "exercises" / "08_rate_limiting.ipynb"
    notebook = cells.read(path)
    notebook["cells"] = [cell for cell in notebook["cells"] if cells.answer_of(cell) != BUCKET]
    path.write_text(cells.written(notebook))
    code, _, error = say("check", BUCKET)
    assert (code, "must have a cell that begins with '# answer: 08-token-bucket'" in error) == (2, True)
    assert say("reset", BUCKET)[0] == 0
    assert "not attempted yet" in say("check", BUCKET)[1]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("class TokenBucket(:", "the answer cell is no Python"),
        ("1 / 0", "the answer cell raised ZeroDivisionError: division by zero"),
        ("Bucket = 1", "the answer cell must define TokenBucket"),
        ("TokenBucket = 7", "raised TypeError: 'int' object is not callable"),
        ("class TokenBucket:\n    def __init__(self, *a): exit(0)", "raised SystemExit"),
    ],
)
def test_what_is_wrong_with_an_answer_is_a_reason_and_no_traceback(say, folder, source, sentence):
    """It fails; it does not end the check."""
    write(folder, source)
    code, out, error = say("check", BUCKET)
    assert (code, error) == (1, "")
    assert sentence in " ".join(out.split())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("check", "08-token"), "unknown exercise '08-token'; did you mean 08-token-bucket"),
        (("hint", BUCKET, "4"), "the hint must be 1, 2 or 3, got 4"),
    ],
)
def test_bad_words_are_one_sentence_and_exit_code_2(say, words, sentence):
    """Nothing is written."""
    code, out, error = say(*words)
    assert (code, out) == (2, "")
    assert sentence in error
    assert error.count("\n") == 1


def test_a_broken_file_is_named(say, folder):
    """The notebook, and the progress."""
    (folder / "exercises" / "08_rate_limiting.ipynb").write_text("{")
    assert "08_rate_limiting.ipynb must be a notebook, and is no JSON" in say("check", BUCKET)[2]
    (folder / "progress.json").write_text("[]")
    code, _, error = say("list")
    assert (code, "progress.json must be a progress file" in error) == (2, True)
    assert (folder / "progress.json").read_text() == "[]"


@pytest.mark.slow
def test_watch_checks_again_when_the_notebook_is_saved(folder):
    """From not attempted to passed, without another command."""
    command = [sys.executable, "-u", "-m", "sim.cli", "exercise", "check", BUCKET, "--watch", "--folder", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        assert "not attempted yet" in process.stdout.readline()
        while not process.stdout.readline().startswith("watching "):
            pass
        time.sleep(0.1)
        write(folder, solution())
        assert process.stdout.readline() == f"{BUCKET}: pass, 9 of 9 points\n"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert process.returncode == 0
