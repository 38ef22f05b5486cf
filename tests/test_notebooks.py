"""Notebooks: committed as a rebuild would make them, and the net under them holds."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from sim import questions
from sim.lesson import check
from sim.notebooks import clean, notebooks, rebuild, without_pictures

ROOT = Path(__file__).resolve().parent.parent
PATHS = notebooks(ROOT)
every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_both_notebooks_of_the_course_are_here():
    """The checks below look at real files: the start and the flagship."""
    assert {path.stem for path in PATHS} >= {"00_start_here", "09d_thundering_herds"}


@every_notebook
def test_cleaning_a_committed_notebook_changes_nothing(path):
    """Counts, ids and versions are clean already; that the outputs come out again the same, nbval says."""
    text = path.read_text(encoding="utf-8")
    assert clean(nbformat.reads(text, as_version=4)) == text


@pytest.mark.slow
def test_a_rebuild_changes_nothing_but_pictures():
    """Executing and cleaning a committed notebook gives the committed text; the lightest stands for all."""
    (path,) = (path for path in PATHS if path.stem == "00_start_here")
    assert without_pictures(rebuild(path)) == without_pictures(path.read_text(encoding="utf-8"))


@every_notebook
def test_cells_are_short_and_all_imports_stand_in_the_first(path):
    """At most ten lines a cell, and one import cell."""
    first, *others = code_cells(path)
    assert all(len(cell.source.splitlines()) <= 10 for cell in [first, *others])
    assert "import " in first.source
    assert not [cell.source for cell in others if re.search(r"^\s*(import|from) ", cell.source, re.MULTILINE)]


@every_notebook
def test_links_lead_to_files_that_exist(path):
    """Every link to a neighbour works on disk."""
    text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown")
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert links
    assert [link for link in links if not (path.parent / link).exists()] == []


def syllabus():
    """The rows of `notebooks/README.md`: by a notebook's name its title, minutes, level, needs and questions."""
    text = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[([^\]]+)\]\((\w+)\.ipynb\) \| (.*) \|$", text, re.MULTILINE)
    return {name: [title, *rest.split(" | ")] for title, name, rest in rows}


def test_the_syllabus_has_every_notebook_in_order_and_says_what_they_say():
    """Title, minutes and level as in a notebook's own head, and what it needs among them."""
    rows = syllabus()
    assert list(rows) == [path.stem for path in PATHS]
    for path in PATHS:
        title, minutes, level, needs, _ = rows[path.stem]
        head = nbformat.read(path, as_version=4).cells[0].source.splitlines()
        assert head[0].removeprefix("# ").replace(" · ", " ", 1) == title
        said = re.fullmatch(r"(\d+)(?: minutes( a question)?) · ([\w ]+) · needs (.*)", head[2])
        assert said, head[2]
        assert (said[1] + (said[2] or ""), said[3]) == (minutes, level)
        assert set(re.findall(r"\b\d\d[a-d]?\b", needs)) <= set(re.findall(r"\[(\d\d[a-d]?) ", said[4]))


def test_the_syllabus_names_every_question_of_the_guide_once_beside_its_notebook():
    """Q-01 to Q-29, each where the bank says that it is taught."""
    taught = {one.id: one.notebook.partition("#")[0] for one in questions.every() if one.id.startswith("Q-")}
    named = {}
    for name, (*_, asked) in syllabus().items():
        spans = re.sub(r"Q-(\d\d) to Q-(\d\d)", lambda span: " ".join(
            f"Q-{number:02}" for number in range(int(span[1]), int(span[2]) + 1)), asked)  # fmt: skip
        named |= dict.fromkeys(re.findall(r"Q-\d\d", spans), name)
    assert named == taught


@every_notebook
def test_every_picture_has_its_numbers_beside_it(path):
    """A cell that shows a figure also has text that nbval compares: printed, or a live panel's own sentence."""
    for cell in code_cells(path):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            texts = [output.get("text", output.get("data", {}).get("text/plain", "")) for output in cell.outputs]
            assert [text for text in texts if text.strip() and not text.startswith("<Figure")]


def test_cleaning_removes_what_differs_between_two_executions():
    """Counts are 1..n, ids count up, widgets and versions go, and neighbouring pieces of stdout are one."""
    book = nbformat.v4.new_notebook(metadata={"widgets": {"a": 1}, "language_info": {"name": "python", "version": "9"}})
    pieces = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in ("a\n", "b\n")]
    result = nbformat.v4.new_output("execute_result", {"text/plain": "3"}, execution_count=40)
    book.cells = [nbformat.v4.new_markdown_cell("# Title"), nbformat.v4.new_code_cell("3", outputs=[*pieces, result])]
    made = nbformat.reads(clean(book), as_version=4)
    assert "widgets" not in made.metadata
    assert "version" not in made.metadata.language_info
    assert [cell.id for cell in made.cells] == ["cell-000", "cell-001"]
    assert [output.get("text") for output in made.cells[1].outputs] == ["a\nb\n", None]
    assert made.cells[1].execution_count == made.cells[1].outputs[1].execution_count == 1


def test_what_a_machine_measured_is_not_compared():
    """The output of a cell tagged so is left out, that of its neighbour is not."""
    texts = []
    for said in ("3 of 20\n", "7 of 20\n"):
        cells = [nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text=said)]) for _ in "ab"]
        for number, cell in enumerate(cells):
            cell.id = f"cell-{number:03}"
        cells[0].metadata["tags"] = ["nbval-ignore-output", "of-this-machine"]
        texts.append(nbformat.writes(nbformat.v4.new_notebook(cells=cells[:1])))
        texts.append(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))
    compared = [without_pictures(text) for text in texts]
    assert compared[0] == compared[2]
    assert compared[1] != compared[3]


@every_notebook
def test_only_what_nbval_ignores_is_of_this_machine(path):
    """A cell whose output is not compared with a rebuild is not compared by nbval either."""
    tags = [cell.metadata.get("tags", []) for cell in code_cells(path)]
    assert all("nbval-ignore-output" in one for one in tags if "of-this-machine" in one)


def project(folder, cells):
    """A project of its own with the real conftest and configuration, and one notebook of these code cells."""
    for name in ("conftest.py", "pyproject.toml"):
        (folder / name).write_text((ROOT / name).read_text())
    (folder / "notebooks").mkdir()
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "P"}})
    path = folder / "notebooks/one.ipynb"
    nbformat.write(book, path)
    return path


def nbval(path, cwd):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", str(path)],
        cwd=cwd, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_a_cell_that_was_never_executed_is_red(tmp_path):
    """Without a count nbval would compare nothing and pass; the root conftest fails it, from any directory."""
    other = tmp_path / "elsewhere"
    other.mkdir()
    done = nbformat.v4.new_code_cell("1 + 1", execution_count=1)
    done.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    result = nbval(project(tmp_path, [done, nbformat.v4.new_code_cell("1 + 1")]), other)
    assert result.returncode == 1
    assert "never executed" in result.stdout
    assert "1 passed, 1 error" in result.stdout


@pytest.mark.slow
def test_a_wrong_output_is_red(tmp_path):
    """Strict means strict: a committed 3 for 1 + 1 fails."""
    cell = nbformat.v4.new_code_cell("1 + 1", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "3"}, execution_count=1)]
    result = nbval(project(tmp_path, [cell]), tmp_path)
    assert result.returncode == 1
    assert "1 failed" in result.stdout


@pytest.mark.parametrize(
    ("prediction", "said"),
    [
        (None, "not attempted yet"),
        (50, "right: you said 50, the run gave 50"),
        (500, "you said 500, the run gave 50"),
        ("many", "you said many, the run gave 50"),
        (float("nan"), "you said nan, the run gave 50"),
    ],
)
def test_the_check_of_a_prediction_answers_and_never_raises(prediction, said, capsys):
    """Whatever a learner writes, the answer is one line."""
    check(prediction, 50)
    assert capsys.readouterr().out == f"{said}\n"
