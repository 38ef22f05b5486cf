"""The lessons as a learner works through them: a prediction is answered, and every panel follows its knobs."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
PANEL, PREDICTION, CHECK = "sim.panel(", "prediction = None", "lesson.check(prediction"


def sources(path):
    """The code cells of a notebook."""
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


LESSONS = [path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if PANEL in "".join(sources(path))]
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def names(source, kind):
    """What a cell reads, or what it binds."""
    tree = ast.parse("\n".join(line for line in source.splitlines() if not line.startswith("%")))
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, kind)}
    if kind is ast.Store:
        found |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return found


def needed(cells, number):
    """The cells that must have run before cell *number* can: the imports, and whoever bound a name last."""
    chosen, wanted = {0}, names(cells[number], ast.Load)
    for earlier in range(number - 1, 0, -1):
        bound = names(cells[earlier], ast.Store)
        if bound & wanted:
            chosen.add(earlier)
            wanted = wanted - bound | names(cells[earlier], ast.Load)
    return sorted(chosen)


def turn(shown):
    """Press an arrow on the first slider that is shown, away from its nearer end."""
    handle = shown.get_by_role("slider").first
    low, now, high = (float(handle.get_attribute(f"aria-value{end}")) for end in ("min", "now", "max"))
    handle.focus()
    handle.press("ArrowRight" if now - low <= high - now else "ArrowLeft")


def test_the_lessons_with_sliders_are_driven():
    """The list above is made from the files; these must be on it."""
    assert {path.stem[:2] for path in LESSONS} >= {"01", "02", "03", "04", "05", "06", "07", "08"}


@each_lesson
def test_a_prediction_is_answered_and_each_panel_follows_its_knobs(open_notebook, path):
    """A prediction gets its number; the run follows a knob, and the table and the chart a policy that is left out."""
    cells = sources(path)
    lesson = open_notebook(f"notebooks/{path.name}")
    ran = set()

    def run(number):
        for earlier in [*needed(cells, number), number]:
            if earlier not in ran:
                lesson.run(earlier)
                ran.add(earlier)

    prediction = next(number for number, source in enumerate(cells) if source.startswith(PREDICTION))
    check = next(number for number, source in enumerate(cells) if number > prediction and CHECK in source)
    lesson.write(prediction, "prediction = 7")
    run(check)
    expect(lesson.output(check)).to_have_text(re.compile(r"\s*(right: )?you said 7, the run gave [\d.,e+-]+\s*"))

    for number in (number for number, source in enumerate(cells) if PANEL in source):
        run(number)
        shown = lesson.output(number)
        status, code = shown.get_by_role("status"), shown.locator("code")
        rows = shown.get_by_role("table", name="Figures").locator("tbody tr")
        expect(status).to_have_text(re.compile("^✓"))

        said = code.text_content()
        turn(shown)
        expect(code).not_to_have_text(said)  # it is made from the run that is shown
        expect(status).to_have_text(re.compile("^✓"))

        policies, drawn = rows.count(), shown.locator("img").get_attribute("src")
        shown.get_by_label(rows.first.locator("th").text_content(), exact=True).uncheck()
        expect(rows).to_have_count(policies - 1)
        expect(status).to_have_text(re.compile("^✓"))
        assert shown.locator("img").get_attribute("src") != drawn
    assert lesson.complaints() == []
