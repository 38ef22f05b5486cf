"""The player in a real browser: what it draws is counted and compared with the tables; its clock; who is followed."""

import json
import re

import nbformat
import pytest
from playwright.sync_api import expect

import sim

pytestmark = pytest.mark.slow

PLACES = ("waiting", "network", "queue", "workers")


@pytest.fixture(scope="module")
def runs():
    """Two policies in a network with delays, losses and timeouts."""
    world = sim.scenarios.lossy_network(horizon=20.0)
    return [sim.run(world, policy) for policy in ("immediate", "full-jitter")]


@pytest.fixture
def show(page, tmp_path):
    """A function that opens the page of a player."""

    def open_it(player, **media):
        path = tmp_path / "player.html"
        path.write_text(player.page(), encoding="utf-8")
        page.emulate_media(**media)
        page.goto(path.as_uri())
        expect(page.get_by_role("button", name="play", exact=True)).to_be_visible()
        return page

    return open_it


def counts(stage):
    """The numbers over a scene and below it."""
    told = stage.locator("[data-count]").evaluate_all(
        "all => all.map(one => [one.dataset.count, Number(one.textContent.replaceAll(',', ''))])"
    )
    return dict(told)


def go_to(page, at):
    """Put the clock there."""
    page.evaluate("at => document.querySelector('.sim-player').player.goTo(at)", at)


def played(page, frames):
    """Play until *frames* were drawn, then pause: the seconds that took, the frames, the instant it stands at."""
    begun = page.evaluate("performance.now()")
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_function("least => document.querySelector('.sim-player').player.took.length >= least", arg=frames)
    page.get_by_role("button", name="pause", exact=True).click()
    return page.evaluate(
        """begun => { const { took, at } = document.querySelector('.sim-player').player;
        return [(performance.now() - begun) / 1000, took.length, at]; }""",
        begun,
    )


def from_table(run, at):
    """The same from the DataFrame of the run."""
    rows = run.attempts
    seen, waits, served = rows.settled <= at, rows.sent <= at, rows.started <= at
    ends = rows.groupby("call").sent.shift(-1)  # the next attempt of the same call
    own = rows["copy"] == 0
    return {
        "waiting": int((own & seen & (ends > at)).sum()),
        "network": int((waits & (rows.arrived > at)).sum() + (waits & rows.arrived.isna() & ~seen).sum()),
        "queue": int(((rows.arrived <= at) & ~served).sum()),
        "workers": int((served & ~(rows.finished <= at)).sum()),
        "ok": int((seen & (rows.status == 200)).sum()),
        "timed_out": int((seen & rows.status.isna()).sum()),
    }


def test_it_draws_what_the_tables_hold(runs, show):
    """At chosen instants: every number, and so many dots at each place."""
    page = show(sim.play(*runs))
    stages = page.locator(".stage")
    expect(stages).to_have_count(2)
    for at in (0.0, 1.0, 3.37, 7.5, 12.25, float(runs[0].attempts.arrived.dropna().iloc[300]), 21.0):
        go_to(page, at)
        for number, run in enumerate(runs):
            stage, wanted = stages.nth(number), from_table(run, at)
            told = counts(stage)
            assert {name: told[name] for name in wanted} == wanted, (at, run.policy)
            drawn = json.loads(stage.locator(".main > canvas").get_attribute("data-drawn"))
            drawn["network"] += drawn.pop("lost")
            assert {name: drawn[name] for name in PLACES} == {name: wanted[name] for name in PLACES}, (at, run.policy)


def test_what_dies_with_its_process_has_not_ended(show):
    """In a world with crashes, too, the page counts what the tables hold, and a call's story says how it ended."""
    run = sim.run(sim.scenarios.crash_after_charge(store_delay=0.05, horizon=20.0), "one-transaction")
    rows = run.attempts
    page = show(sim.play(run))
    for at in (5.0, 20.0, 60.0):
        go_to(page, at)
        late = rows.status.isna() & (rows.settled <= rows.finished) & (rows.finished <= at)
        told = counts(page.locator(".stage"))
        assert (told["zombie"], told["timed_out"]) == (late.sum(), (rows.status.isna() & (rows.settled <= at)).sum())
    died = rows[rows.started.notna() & rows.finished.isna()].call.iloc[0]
    page.get_by_label("follow a call").fill(str(int(died)))
    page.keyboard.press("Enter")
    expect(page.locator(".sequence svg")).to_have_attribute("aria-label", re.compile("dies with its process"))


def test_it_plays_pauses_steps_and_is_scrubbed(runs, show):
    """Time goes on while it plays, as fast as is set; a step is the next event; a click on the chart leads there."""
    page = show(sim.play(*runs, at=2.0, speed=2.0))
    expect(page.locator(".clock")).to_contain_text("2.000 s of ")
    passed, _, at = played(page, frames=6)
    assert 2.0 < at <= 2.0 + 2.0 * passed

    go_to(page, 2.0)
    page.get_by_role("button", name="on to the next event").click()
    said = page.get_by_role("status")
    known = sorted(
        {instant for run in runs for name in ("sent", "arrived", "started", "finished", "settled")
         for instant in run.attempts[name].dropna()}
    )  # fmt: skip
    following = next(instant for instant in known if instant > 2.0)
    assert page.evaluate("document.querySelector('.sim-player').player.at") == following
    expect(said).to_contain_text(f"{following:.3f} s: ")
    expect(said).to_contain_text("attempt")
    page.get_by_role("button", name="back to the previous event").click()
    before = page.evaluate("document.querySelector('.sim-player').player.at")
    assert before == max(instant for instant in known if instant < following)

    box = page.locator(".charts").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 20)
    end = page.evaluate("document.querySelector('.sim-player').player.seconds")
    assert page.evaluate("document.querySelector('.sim-player').player.at") == pytest.approx(end / 2, rel=0.01)

    slider = page.get_by_role("slider", name="instant of the run")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.querySelector('.sim-player').player.at") == pytest.approx(
        end / 2 + end / 200, rel=0.01
    )
    assert slider.get_attribute("aria-valuetext").endswith(" s")


def test_a_request_is_followed(runs, show):
    """By a click on its dot, or by the number of its call: its sequence diagram in both worlds."""
    page = show(sim.play(*runs, at=7.5))
    spot = page.evaluate(
        """() => { const stage = document.querySelector('.sim-player').player.stages[0];
        const box = stage.canvas.getBoundingClientRect();
        return [box.left + stage.hit.x[0], box.top + stage.hit.y[0], stage.table.call[stage.hit.row[0]]]; }"""
    )
    page.mouse.click(spot[0], spot[1])
    call = int(page.get_by_label("follow a call, by its number").input_value())
    assert call >= 0
    diagrams = page.locator(".sequence").get_by_role("img")
    for number, run in enumerate(runs):
        rows = run.attempts[run.attempts.call == call]
        label = diagrams.nth(number).get_attribute("aria-label")
        assert label.startswith(f"call {call} with {run.policy}: ")
        assert label.count(" sent") == int((rows["copy"] == 0).sum())
        assert label.count("stops waiting") == int((rows.settled.notna() & rows.status.isna()).sum())
        assert label.count("sees 200") == int((rows.status == 200).sum())
    page.get_by_label("follow a call, by its number").fill("5")
    page.keyboard.press("Enter")
    expect(diagrams.first).to_have_attribute("aria-label", re.compile("^call 5 with immediate"))
    page.get_by_role("button", name="follow no call").click()
    expect(diagrams).to_have_count(0)


def test_less_motion_is_respected_and_a_scene_can_be_heard(runs, show):
    """No gliding, two pictures a second; the canvas says in words what it shows."""
    page = show(sim.play(runs[0], at=5.0, speed=2.0), reduced_motion="reduce")
    passed, frames, at = played(page, frames=2)
    assert frames <= passed / 0.5
    label = page.locator(".main > canvas").get_attribute("aria-label")
    wanted = from_table(runs[0], at)
    assert f"{wanted['waiting']} waiting, {wanted['network']} network, {wanted['queue']} queue" in label
    expect(page.get_by_role("status")).to_contain_text("immediate at ")


def test_many_requests_are_sampled_and_it_says_so(show):
    """Every second call is drawn, every one is counted."""
    run = sim.run(sim.scenarios.thundering_herd(clients=3_500), "full-jitter")
    page = show(sim.play(run, at=0.0))
    expect(page.get_by_text("1 of 2 calls is drawn; every number counts all of them")).to_be_visible()
    assert counts(page.locator(".stage"))["waiting"] == 3_250
    drawn = json.loads(page.locator(".main > canvas").get_attribute("data-drawn"))
    queued = run.attempts.query("arrived <= 0 and not started <= 0 and answer != 503")
    assert drawn["queue"] == int((queued.call % 2 == 0).sum())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_a_beamer(runs, show, scheme, page):
    """Nothing sticks out at either width, dark or light."""
    show(sim.play(*runs, at=7.5), color_scheme=scheme)
    for width, height, beside in ((390, 844, 0), (1280, 720, 1)):
        page.set_viewport_size({"width": width, "height": height})
        expect(page.locator(".stages.beside")).to_have_count(beside)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_plays_in_jupyterlab(lab, open_notebook, page):
    """Saved, a picture; live, the page and the kernel agree on the instant."""
    made = 'sim.play(sim.run(sim.scenarios.thundering_herd(clients=200), "full-jitter"), at=0.1)'
    bundle, metadata = eval(made)._repr_mimebundle_()
    saved = {kind: bundle[kind] for kind in ("image/png", "text/plain")}
    sources = (f"import sim\nplayer = {made}\nplayer", "print(player.at)")
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[0].outputs = [nbformat.v4.new_output("execute_result", saved, metadata=metadata, execution_count=1)]
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python"}})
    nbformat.write(book, lab.work / "notebooks/player.ipynb")
    opened = open_notebook("notebooks/player.ipynb")
    expect(opened.output(0).locator("img")).to_be_visible()
    opened.run_all()
    shown = opened.output(0)
    expect(shown.get_by_role("button", name="play", exact=True)).to_be_visible()
    assert opened.output(1).text_content().strip() == "0.1"
    shown.get_by_role("button", name="on to the next event").click()
    expect(shown.get_by_role("status")).to_contain_text("attempt")
    opened.run(1)
    assert float(opened.output(1).text_content()) > 0.1
    assert opened.complaints() == []
