"""A slider panel as a learner turns it: a picture until it runs, then knobs that the table and the chart follow."""

import nbformat
import pytest
from driving import ends_with
from playwright.sync_api import expect

import sim

pytestmark = pytest.mark.slow

PANEL = 'sim.panel("thundering-herd", clients=400, workers=10, queue=40, policies=["immediate", "full-jitter"])'
COUNTS = "print(panel.knobs['queue'].value, *panel.compared.table('ok').ok)"


@pytest.fixture
def panel(lab, open_notebook):
    """A notebook with the panel in it, saved with the panel's picture, and open."""
    bundle, _ = eval(PANEL, {"sim": sim})._repr_mimebundle_()
    saved = {kind: bundle[kind] for kind in ("image/png", "text/plain")}
    cells = [nbformat.v4.new_code_cell(source) for source in ("import sim", f"panel = {PANEL}\npanel", COUNTS)]
    cells[1].outputs = [nbformat.v4.new_output("execute_result", saved, execution_count=2)]
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python"}})
    nbformat.write(book, lab.work / "notebooks/sliders.ipynb")
    return open_notebook("notebooks/sliders.ipynb")


def slider(shown, name):
    """The slider of a knob: its handle, and the number beside it that can be written over."""
    row = shown.locator(".widget-slider").filter(has=shown.page.get_by_text(name, exact=True))
    return row.get_by_role("slider"), row.locator(".widget-readout")


def ok(shown):
    """The calls ok of each policy in the table."""
    return shown.get_by_role("table", name="Figures").locator("tbody tr td:nth-child(2)")


def told(shown, sentence):
    """Wait until the panel says *sentence*."""
    expect(shown.get_by_role("status")).to_have_text(sentence)


def test_the_table_and_the_chart_follow_a_knob(panel, page):
    """A picture until it runs; then a longer queue serves more, by a number written and by a key pressed."""
    expect(panel.output(1).locator("img")).to_be_visible()
    panel.run_all()
    shown = panel.output(1)
    told(shown, "✓ 400 calls with each of 2 policies")
    first = ok(shown).all_text_contents()
    assert panel.output(2).text_content().split() == ["40", *first]
    drawn = shown.locator("img").get_attribute("src")
    assert "immediate" in shown.locator("img").get_attribute("alt")

    _, number = slider(shown, "queue")
    number.fill("100")
    number.press("Enter")
    expect(ok(shown).first).to_have_text("110")  # ten workers, a hundred places
    expect(shown.locator("img")).not_to_have_attribute("src", drawn)
    panel.run(2)
    assert panel.output(2).text_content().split()[:2] == ["100", "110"]

    handle, _ = slider(shown, "workers")
    handle.focus()
    page.keyboard.press("ArrowRight")
    expect(ok(shown).first).to_have_text("111")
    assert panel.complaints() == []


def test_what_cannot_be_run_is_a_sentence_and_reset_leads_back(panel, page):
    """No policy is chosen: told, and the old results turn pale.  Several changes wait for Run; Reset is the start."""
    panel.run_all()
    shown = panel.output(1)
    first = ok(shown).all_text_contents()
    for name in ("immediate", "full-jitter"):
        shown.get_by_label(name, exact=True).uncheck()
    told(shown, "✗ not run: choose at least one policy; what is shown is from before")
    expect(shown.locator(".old")).to_have_count(2)

    shown.get_by_label("run at every change").uncheck()
    shown.get_by_label("immediate", exact=True).check()
    told(shown, "… the knobs have changed: press Run")
    shown.get_by_role("button", name="Run").click()
    told(shown, "✓ 400 calls with immediate")
    expect(ok(shown)).to_have_count(1)
    shown.get_by_role("button", name="Reset").click()
    expect(ok(shown)).to_have_text(first)
    assert panel.complaints() == []


def test_the_table_the_chart_and_the_player_move_together(panel, page):
    """Asked for, the requests are there in motion; a knob turned changes all three, in the same run."""
    panel.run_all()
    shown = panel.output(1)
    shown.get_by_label("show the requests in motion").check()
    player = shown.locator(".sim-player")
    expect(player.locator(".stage")).to_have_count(2)
    for queue in ("40", "70"):
        _, number = slider(shown, "queue")
        number.fill(queue)
        number.press("Enter")
        expect(ok(shown).first).to_have_text(str(int(queue) + 10))
        ends_with(player, ok(shown).all_text_contents())
    assert panel.complaints() == []


def test_the_page_stays_alive_while_a_long_run_goes_on(panel, page):
    """A bar says how far it is; a newer turn breaks it off, and what is shown in the end is of the newest."""
    panel.run_all()
    shown = panel.output(1)
    for name, value in (("clients", "20000"), ("clients", "400"), ("queue", "90")):
        _, number = slider(shown, name)
        number.fill(value)
        number.press("Enter")
    expect(ok(shown).first).to_have_text("100")
    told(shown, "✓ 400 calls with each of 2 policies")
    _, number = slider(shown, "seeds")
    number.fill("20")
    number.press("Enter")
    expect(shown.get_by_role("progressbar")).to_be_attached()
    told(shown, "✓ 400 calls with each of 2 policies")
    expect(shown.get_by_role("progressbar")).to_have_count(0)
    assert panel.complaints() == []
