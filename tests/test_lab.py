"""The learner's copy is made once and never overwritten."""

import json

import pytest

from sim.lab import open_lab, prepare


@pytest.fixture
def project(tmp_path):
    """A project with two notebooks, and a solution that is not for learners."""
    for name in ("notebooks/00_start.ipynb", "exercises/01_topic.ipynb", "exercises/solutions/01_topic.ipynb"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("as committed", encoding="utf-8")
    return tmp_path


def test_answers_survive_an_update(project):
    """What the learner wrote stays when the copy is prepared again, and solutions are not copied."""
    work = prepare(root=project)
    answer = work / "notebooks/00_start.ipynb"
    answer.write_text("my answer", encoding="utf-8")
    assert prepare(root=project) == work
    assert answer.read_text(encoding="utf-8") == "my answer"
    assert not (work / "exercises/solutions").exists()


def test_reset_renews_one_and_keeps_the_old(project):
    """`sim lab --reset 00` brings one notebook back and keeps the old one beside it."""
    answer = prepare(root=project) / "notebooks/00_start.ipynb"
    answer.write_text("my answer", encoding="utf-8")
    prepare("00", root=project)
    assert answer.read_text(encoding="utf-8") == "as committed"
    assert answer.with_suffix(".ipynb.bak").read_text(encoding="utf-8") == "my answer"


def test_reset_of_an_unknown_number_names_the_known_ones(project):
    """An unknown number is refused with the numbers there are."""
    with pytest.raises(ValueError, match=r"--reset takes the number of a notebook \(00, 01\), got '77'"):
        prepare("77", root=project)


def test_the_syllabus_comes_along(project):
    """A text that notebooks link to is in the learner's folder too; other files are not."""
    for name in ("notebooks/README.md", "exercises/mutants/wrong.py", "exercises/solutions/README.md"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("as committed", encoding="utf-8")
    work = prepare(root=project)
    copied = sorted(path.relative_to(work).as_posix() for path in work.rglob("*") if path.is_file())
    assert copied == ["exercises/01_topic.ipynb", "notebooks/00_start.ipynb", "notebooks/README.md"]


@pytest.mark.slow
def test_jupyterlab_starts_without_asking_for_news(project, capfd):
    """Options go on to JupyterLab, and its news question is switched off in settings of the learner's folder."""
    work = prepare(root=project)
    assert open_lab(work, ["--version"]) == 0
    assert capfd.readouterr().out.startswith("4.")
    page = json.loads((work / ".jupyter/labconfig/page_config.json").read_text(encoding="utf-8"))
    assert page["disabledExtensions"] == {"@jupyterlab/apputils-extension:announcements": True}
