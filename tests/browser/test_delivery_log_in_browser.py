"""The delivery log as a learner presses it: a picture until it runs, then buttons that act on the platform."""

import nbformat
import pytest
from playwright.sync_api import expect

import sim

pytestmark = pytest.mark.slow

WORLD = """\
import math
import sim
from sim.flow import Reply, Work
from sim.http import Response
from sim.laws import Constant
from sim.policies.client.backoff import Fixed
from sim.policies.delivery import DeliveryPlan, schedule
from sim.scenario import Outage, Scenario, Server
from sim.webhooks import Endpoint, Webhooks
from sim.workload import Replay

def hostile():
    def handle(request, now):
        yield Work(0.1)
        yield Reply(Response(200, body=b"</td></table><img src='http://pictures.invalid/a' onerror='alert(1)'>"))
    return handle

machine = Server(workers=math.inf, service=Constant(0.1))
world = Scenario(
    name="two-banks", arrivals=Replay((0.0, 1.0, 2.0, 3.0)), horizon=10.0, drain=600.0,
    webhooks=Webhooks(plan=DeliveryPlan(schedule=schedule(Fixed(5.0), attempts=3)), fan_out=True, endpoints=(
        Endpoint(name="shop", server=Server(workers=math.inf, make_handler=hostile)),
        Endpoint(name="bank", owner="ada", server=machine, faults=(Outage(start=0.0, length=60.0),)),
    )),
)
platform = sim.platform(world)
platform.run_until(30.0)"""
PANEL = "sim.widgets.delivery_log(platform, seconds=40)"
COUNTS = "print(sim.deliveries.fates(platform)['delivered'], len(sim.deliveries.log(platform)))"


@pytest.fixture
def panel(lab, open_notebook):
    """A notebook with the panel in it, saved with the panel's picture, and open."""
    names = {}
    exec(WORLD, names)
    bundle, _ = sim.widgets.delivery_log(names["platform"])._repr_mimebundle_()
    saved = {kind: bundle[kind] for kind in ("image/png", "text/plain")}
    cells = [nbformat.v4.new_code_cell(source) for source in (WORLD, PANEL, COUNTS)]
    cells[1].outputs = [nbformat.v4.new_output("execute_result", saved, execution_count=2)]
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python"}})
    nbformat.write(book, lab.work / "notebooks/panel.ipynb")
    return open_notebook("notebooks/panel.ipynb")


def press(shown, name):
    """Press the button whose name begins so."""
    shown.get_by_role("button", name=name).click()


def told(shown, sentence):
    """Wait until the panel says *sentence*."""
    expect(shown.get_by_role("status")).to_have_text(sentence)


def badges(shown, *counts):
    """Wait until these dead letters are told, a badge for each endpoint that has some."""
    expect(shown.locator(".badge")).to_have_text([str(count) for count in counts])


def log(shown):
    """The rows of the log, as they are read."""
    return shown.get_by_role("table", name="Delivery log").locator("tbody tr")


def test_buttons_act_on_the_running_platform(panel):
    """Resend makes a row appear, Replay DLQ empties the badge, Send test event shows its row: in the platform too.

    A rate that is no number is answered in a sentence, and changes nothing.
    """
    panel.run_all()
    shown = panel.output(1)
    assert panel.output(2).text_content().strip() == "4 16"
    badges(shown, 4)
    press(shown, "Advance")
    told(shown, "✓ 40 s passed")

    shown.get_by_role("button", name="6", exact=True).first.click()  # delivery 6: event 3 to the shop
    press(shown, "Resend 6")
    told(shown, "✓ delivery 6 is sent once more, as delivery 8")
    expect(log(shown).first).to_contain_text("evt_3shop1…under way")

    shown.get_by_label("to", exact=True).select_option("bank")
    shown.get_by_label("events a second").fill("ten")
    press(shown, "Replay DLQ")
    told(shown, "✗ not done: the rate must be a number of events a second, got 'ten'")
    badges(shown, 4)
    shown.get_by_label("events a second").fill("")
    press(shown, "Replay DLQ")
    told(shown, "✓ 4 dead letters go back into the queue")
    badges(shown)

    press(shown, "Send test event")
    told(shown, "✓ a test event goes to bank")
    expect(log(shown).first).to_contain_text("evt_test_1bank1…under way")

    press(shown, "Advance")
    told(shown, "✓ 40 s passed")
    expect(log(shown).first).to_contain_text("evt_test_1bank1●200")
    panel.run(2)
    assert panel.complaints() == []
    assert panel.output(2).text_content().strip() == "10 22"  # 4, the resent one, 4 replayed, the test


def test_a_picture_until_it_runs_then_a_table_for_the_keyboard(panel, page):
    """Saved, it shows its picture; live, Tab and Enter choose a row, and what a consumer sent stays text."""
    expect(panel.output(1).locator("img")).to_be_visible()
    panel.run_all()
    shown = panel.output(1)
    expect(shown.locator("img")).to_have_count(0)

    shown.get_by_label("status", exact=True).focus()
    page.keyboard.press("ArrowDown")  # 2xx delivered
    expect(shown.get_by_text("1 to 4 of 4")).to_be_visible()
    for key in ("Tab", "Tab", "Tab", "Enter"):  # event, reason, the first row
        page.keyboard.press(key)
    expect(shown.get_by_role("heading", name="Delivery 6: evt_3 to shop")).to_be_visible()
    past = shown.get_by_role("table", name="Attempts of delivery 6")
    expect(past).to_contain_text("</td></table><img src='http://pictures.invalid/a' onerror='alert(1)'>")

    # Each number stands beside its row.
    numbers = shown.get_by_role("button", name="6", exact=False).first.bounding_box()
    row = log(shown).first.bounding_box()
    assert abs(numbers["y"] + numbers["height"] / 2 - row["y"] - row["height"] / 2) <= 2.0
