"""The slider panel: made from the knobs that a story declares, for every story, and it never shows a traceback."""

import base64
import enum
import math
import re
import sys
from pathlib import Path
from typing import Annotated

import attrs
import ipywidgets as w
import pytest
from matplotlib.figure import Figure

import sim
from sim import charts
from sim.knobs import Knob, knobs_of
from sim.metrics import TITLES
from sim.policies import FullJitter, Retry
from sim.scenario import Scenario, story
from sim.scenarios import stories
from sim.widgets import LivePanel
from sim.widgets.controls import Control, reach_of
from sim.widgets.panel import CHARTS

ROOT = Path(__file__).resolve().parent.parent
HERD = {"clients": 100, "workers": 2, "queue": 8}
SMALL = {
    "atomic-batch": {"batches": 20},
    "aws-contention": {"clients": 10},
    "bulk-import": {"rows": 200, "imports": 1},
    "cache-stampede": {"horizon": 5.0},
    "chatty-client": {"horizon": 10.0},
    "client-throttling": {"horizon": 20.0},
    "cold-restart": {"rate": 5.0},
    "collapse": {"rate": 5.0, "horizon": 40.0},
    "crash-after-charge": {"horizon": 20.0},
    "crawler": {"profiles": 20, "horizon": 500.0},
    "deep-pages": {"rows": 1_000},
    "duplicate-deliveries": {"horizon": 10.0},
    "error-round-trips": {"horizon": 60.0},
    "expired-signatures": {"rate": 0.05},
    "expiring-keys": {"rate": 0.005},
    "half-open-stampede": {"clients": 50},
    "hearing-of-updates": {"users": 10},
    "job-callback": {"horizon": 60.0},
    "late-replay": {"rate": 0.005},
    "layers-removed": {"horizon": 5.0},
    "lossy-network": {"rate": 10.0, "horizon": 10.0},
    "lost-acknowledgements": {"horizon": 100.0},
    "lost-events": {"horizon": 30.0},
    "noisy-neighbour": {"horizon": 5.0},
    "out-of-order-events": {"horizon": 10.0},
    "password-guessing": {"horizon": 20.0},
    "plain-queue": {"horizon": 100.0},
    "private-cache": {"hours": 2.0, "clients": 20},
    "retry-after-herd": {"clients": 100, "limit": 10},
    "retry-storm": {"rate": 5.0, "horizon": 40.0},
    "retry-wave": {"events": 300},
    "rogue-endpoints": {"horizon": 5.0},
    "secret-rotation": {"rate": 0.05},
    "shifting-pages": {"walkers": 4, "rows": 500},
    "skewed-clocks": {"horizon": 20.0},
    "slow-job": {"horizon": 80.0},
    "spotty-payment": {"horizon": 15.0},
    "stale-links": {"orders": 50},
    "sunset-day": {"clients": 5, "days": 30.0},
    "thundering-herd": {"clients": 200},
    "version-through-cache": {"horizon": 10.0},
    "webhook-backlog": {"events": 100},
    "wrong-body": {"horizon": 10.0},
}
"""Knobs that make a story small; one that is missing here runs as it is."""


def herd(**more):
    """A panel over a herd of a hundred, with two policies."""
    return sim.panel("thundering-herd", **{"policies": ["immediate", "full-jitter"], **HERD, **more})


def quickly(compared):
    """The sentence of the chart that a panel would draw, on a picture that costs nothing."""
    drawn = (charts.figures if compared.scenario.figures else charts.load)(compared)
    quick = Figure(figsize=(1.0, 1.0))
    quick.set_label(charts.alt(drawn))
    return quick


def said(panel):
    """The sentence below the buttons."""
    return re.sub("<[^>]*>", "", panel.message.value).strip()


def inside(widget):
    """A widget and all that stand in it."""
    return [widget] + [one for child in getattr(widget, "children", ()) for one in inside(child)]


# Every story


@pytest.mark.slow
@pytest.mark.parametrize("name", list(stories()))
def test_every_story_has_a_panel_whose_sliders_change_the_result(name):
    """It shows what `sim.compare` gives; a slider moved as the browser moves it, and the table is another one."""
    some = stories()[name]().policies[:2]
    panel = sim.panel(name, policies=some, chart=quickly, **SMALL.get(name, {}))
    assert list(panel.compared.figures) == list(some)
    assert panel.compared.scenario.knobs == {knob: control.value for knob, control in panel.knobs.items()}
    assert said(panel).startswith("✓")
    before = panel.compared
    for control in panel.knobs.values():
        field = control.field
        if not isinstance(field, w.Checkbox):
            field.value = (field.min + 3 * field.value) / 4  # a little less, for a smaller world
        else:
            field.value = not field.value
        assert said(panel).startswith(("✓", "✗ not run:"))
        assert not isinstance(panel.compared.scenario.knobs[control.knob.name], str)
        if panel.compared.figures != before.figures:
            break
    assert panel.compared is not before
    assert panel.compared.figures != before.figures


@pytest.mark.parametrize("name", list(stories()))
def test_every_knob_has_a_slider_that_begins_at_its_default_and_stays_in_its_range(name):
    """Kind, ends and unit follow from the declaration; both ends are values that the knob admits."""
    for knob in knobs_of(stories()[name]).values():
        control = Control(knob, knob.default)
        assert control.value == knob.default
        shown = " ".join(part.value for part in inside(control.widget) if isinstance(part, w.HTML))
        if control.exception is not None:
            assert control.exception.options[0][0] == knob.unit
        else:
            assert f">{knob.unit}<" in shown or knob.type is bool
        assert knob.help in shown.replace("&#x27;", "'")
        if knob.type is bool:
            assert isinstance(control.field, w.Checkbox)
            continue
        for end in (control.field.min, control.field.max):
            control.field.value = end
            assert control.value == knob.check(control.value)
        assert control.field.continuous_update is False
        assert control.field.description == name_of(knob)


def name_of(knob):
    """A knob's name as people write it."""
    return knob.name.replace("_", " ")


# Which slider


@pytest.mark.parametrize(
    ("knob", "start", "kind", "low", "high"),
    [
        (Knob(type=int, low=1, high=12), 4, w.IntSlider, 1, 12),
        (Knob(type=int, low=1, high=2_000_000), 20, w.IntSlider, 1, 200),
        (Knob(type=int, low=1, high=2_000_000), 10_000, w.FloatLogSlider, 1_000, 100_000),
        (Knob(type=int, low=0, high=10_000_000), 200, w.IntSlider, 0, 2_000),
        (Knob(type=float, low=0, high=1), 0.3, w.FloatSlider, 0.0, 1.0),
        (Knob(type=float, low=0, high=1), 0.01, w.FloatSlider, 0.0, 0.1),
        (Knob(type=float, above=0, high=86_400), 60.0, w.FloatLogSlider, 6.0, 600.0),
        (Knob(type=float, above=0), 60.0, w.FloatLogSlider, 6.0, 600.0),
        (Knob(type=float, above=0, high=30), 10.0, w.FloatSlider, 0.2, 30.0),
        (Knob(type=float, low=-15, high=600), 10.0, w.FloatSlider, -15.0, 100.0),
        (Knob(type=float, low=-86_400, high=86_400), 0.0, w.FloatSlider, -1_000.0, 1_000.0),
        (Knob(type=float), 2.0, w.FloatSlider, -20.0, 20.0),
        (Knob(type=float, low=0), 0.0, w.FloatSlider, 0.0, 1_000.0),
    ],
)
def test_the_slider_follows_from_type_bounds_and_start(knob, start, kind, low, high):
    """Narrow ranges are there as a whole, wide ones around the start; a logarithm where zero is not allowed."""
    field = Control(attrs.evolve(knob, name="x"), start).field
    ends = (field.min, field.max)
    assert type(field) is kind
    assert [10**end for end in ends] if kind is w.FloatLogSlider else list(ends) == pytest.approx([low, high])
    assert reach_of(knob, start).low == pytest.approx(low)
    assert reach_of(knob, start).high == pytest.approx(high)


def test_what_is_shown_is_what_is_run():
    """A logarithmic slider may stand between two numbers; the one that is shown is taken, whole where it must be."""
    clients = Control(Knob(name="clients", type=int, low=1), 10_000)
    clients.field.value = 1_234.56
    assert clients.value == 1_235
    service = Control(Knob(name="service", above=0), 0.02)
    service.field.value = 0.0212345
    assert (service.value, service.field.readout_format) == (0.0212, ",.4f")


def test_a_knob_without_end_or_without_value_has_a_choice_beside_its_slider():
    """The slider is for a number; "no limit" and "none" switch it off."""
    knob = Knob(name="queue", type=float, low=0, infinite=True, optional=True, default=math.inf)
    control = Control(knob, math.inf)
    assert control.value == math.inf
    assert control.field.disabled
    control.exception.value = "a number"
    assert math.isfinite(control.value)
    assert not control.field.disabled
    control.exception.value = None
    assert control.value is None
    control.value = 7.0
    assert (control.value, control.exception.value) == (7.0, "a number")
    assert control.share(math.inf) is None


class Order(enum.Enum):
    """What is served first."""

    OLDEST = 1
    NEWEST = 2


def test_kinds_that_are_no_numbers_have_fields_of_their_own():
    """True or false is a checkbox, one of several a dropdown, any other text a field that is checked."""
    yes = Control(Knob(name="newest_first", type=bool, default=True), True)
    yes.field.value = False
    assert (type(yes.field), yes.value) == (w.Checkbox, False)
    order = Control(Knob(name="order", type=Order, default=Order.OLDEST), Order.OLDEST)
    order.field.value = Order.NEWEST
    assert (type(order.field), order.value) == (w.Dropdown, Order.NEWEST)
    assert [label for label, _ in order.field.options] == ["oldest", "newest"]
    word = Control(Knob(name="word", type=str, default="tea"), "tea")
    assert (type(word.field), word.value) == (w.Text, "tea")


def test_a_value_beyond_the_slider_makes_it_longer():
    """A program may turn further than the slider went; then the slider goes that far."""
    for knob, start, far in (
        (Knob(name="a", type=int, low=1), 4, 1_000),
        (Knob(name="b", type=int, low=1), 10_000, 500_000),
        (Knob(name="c", low=0), 1.0, 90.0),
    ):
        control = Control(knob, start)
        control.value = far
        assert control.value == far


# The panel


def test_it_shows_what_compare_gives():
    """The same table, figure by figure, and the chart of it; in code it is one line that gives the same."""
    panel = herd(seeds=2)
    world = sim.scenarios.thundering_herd(**HERD)
    same = sim.compare(world, ["immediate", "full-jitter"], seeds=range(2))
    assert panel.compared.figures == same.figures
    for text in same.table(*TITLES).to_numpy().ravel():
        assert f"<td>{text}</td>" in panel.table.value
    assert ">peak attempts per 100 ms<" in panel.table.value
    code = re.search("<code>(.*)</code>", panel.code.value).group(1).replace("&quot;", '"')
    assert eval(code, {"sim": sim}).figures == same.figures
    assert charts.alt(charts.load(same)) in panel.sentence()


def test_a_scenario_brings_its_knobs_and_arguments_go_before_them():
    """A story, its name, or what it has made; the start of each slider is told once."""
    made = sim.scenarios.thundering_herd(**HERD)
    for scenario in (made, sim.scenarios.thundering_herd, "thundering-herd"):
        panel = sim.panel(scenario, policies=["immediate"], **(HERD if scenario is not made else {}), service=0.05)
        assert panel.compared.scenario.knobs == made.with_knobs(service=0.05).knobs
        assert panel.knobs["service"].value == 0.05


def test_policies_are_chosen_and_may_be_ones_own():
    """A checkbox each; unchecked it is not run; an object stands in the code as three dots."""
    panel = herd(policies={"plain": "full-jitter", "mine": Retry(FullJitter(base=0.5))})
    assert list(panel.compared.figures) == ["plain", "mine"]
    assert "{&quot;plain&quot;: &quot;full-jitter&quot;, &quot;mine&quot;: ...}" in panel.code.value
    panel.policies["plain"].value = False
    assert list(panel.compared.figures) == ["mine"]
    assert said(panel) == "✓ 100 calls with mine"
    panel.policies["mine"].value = False
    assert said(panel) == "✗ not run: choose at least one policy; what is shown is from before"
    assert list(panel.compared.figures) == ["mine"]
    assert "sim-panel old" in panel.table.value


def test_seeds_give_intervals():
    """From two on."""
    panel = herd()
    assert "±" not in panel.table.value
    panel.seeds.value = 3
    assert panel.compared.seeds == (0, 1, 2)
    assert "±" in panel.table.value


@pytest.mark.parametrize("name", ["thundering-herd", "duplicate-deliveries", "lost-events"])
def test_every_chart_can_be_chosen_without_running_again(name):
    """Of a story with figures of its own first these; the picture and its sentence change, the numbers do not."""
    panel = sim.panel(name, **(HERD if name == "thundering-herd" else {"horizon": 10.0}))
    before, seen = panel.compared, set()
    assert ("figures" in dict(panel.chart.options).values()) == bool(before.scenario.figures)
    for _, chart in panel.chart.options:
        panel.chart.value = chart
        assert said(panel).startswith("✓")
        seen.add(panel.picture_html.value)
    assert panel.compared is before
    assert len(seen) == len(panel.chart.options) >= 3


def test_a_chart_of_ones_own_comes_first():
    """A function from a comparison to a figure; one that gives something else is told."""
    panel = herd(chart=lambda compared: charts.outcomes(compared))
    assert panel.chart.options[0] == ("your chart", "own")
    assert "Calls that ended ok" in panel.sentence()
    assert herd(chart="latency").chart.value == "latency"
    with pytest.raises(TypeError, match="a chart must be a matplotlib Figure, got 7"):
        herd(chart=lambda compared: 7)


def test_changes_wait_for_run_when_they_should():
    """Switched off, a change only makes the results pale; Run shows the new ones."""
    panel = herd()
    before = panel.compared
    panel.at_once.value = False
    panel.knobs["queue"].field.value = 20
    assert said(panel) == "… the knobs have changed: press Run"
    assert panel.compared is before
    assert "sim-panel old" in panel.picture_html.value
    panel.run.click()
    assert panel.compared.scenario.knobs["queue"] == 20
    assert "sim-panel old" not in panel.picture_html.value
    assert not panel.run.disabled


def test_reset_leads_back_to_the_start_in_one_run(monkeypatch):
    """Every knob, the seeds and the policies; and several knobs turned by a program are one run too."""
    panel = herd()
    before, count = panel.sentence(), 0
    compare = sim.compare

    def counted(*arguments, **more):
        nonlocal count
        count += 1
        return compare(*arguments, **more)

    monkeypatch.setattr(sys.modules["sim.widgets.panel_order"], "compare", counted)
    panel.turn(queue=20, workers=5, timeout=2.0)
    assert count == 1
    panel.seeds.value = 2
    panel.policies["immediate"].value = False
    panel.reset.click()
    assert count == 4
    assert panel.sentence() == before
    assert said(panel) == "✓ 100 calls with each of 2 policies"


def test_running_is_told_while_it_runs():
    """The line below the buttons counts the runs: a learner knows that something is happening."""
    panel, seen = herd(seeds=2), []
    panel.message.observe(lambda change: seen.append(said(panel)), "value")
    panel.rerun()
    assert seen[0] == "⏳ running, 0 of 4 …"
    assert seen[-1] == "✓ 100 calls with each of 2 policies"
    assert len(seen) == 6


@story
def fragile(calls: Annotated[int, Knob(low=1, high=10, help="below four it breaks")] = 4) -> Scenario:
    """A world that cannot be made from every value that its knob admits."""
    if calls < 4:
        raise ValueError("calls and workers do not fit together.\nA second line.")
    return attrs.evolve(sim.scenarios.plain_queue(horizon=20.0), knobs={})


class Breaks:
    """A backoff that has a mistake."""

    def delay(self, attempt, previous, rng):
        """No delay at all."""
        return {}["delay"]


def test_whatever_goes_wrong_is_one_sentence_and_the_old_result_stays():
    """A knob out of range, knobs that do not fit, a policy of one's own that raises: never a traceback."""
    panel = herd()
    before = panel.compared
    for turned, sentence in (
        ({"clients": 0}, "clients must be at least 1, got 0"),
        ({"client": 5}, "unknown knob of thundering-herd 'client'; did you mean clients or clients_per_host?"),
        ({"clients": 20, "queue": "long"}, "queue must be a number, got 'long'"),
    ):
        panel.turn(**turned)
        assert said(panel) == f"✗ not run: {sentence}; what is shown is from before".replace("'", "&#x27;")
        assert panel.compared is before
    assert panel.knobs["clients"].value == 100

    broken = sim.panel(fragile, policies=["immediate"])
    broken.knobs["calls"].field.value = 2
    assert said(broken) == "✗ not run: calls and workers do not fit together; what is shown is from before"
    mine = herd(policies={"no-retry": "no-retry", "mine": Retry(FullJitter())})
    mine._entries["mine"] = Retry(Breaks())
    mine.rerun()
    assert said(mine).startswith("✗ not run: ")
    assert "\n" not in said(mine)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: sim.panel("thundering-hard"), "unknown scenario 'thundering-hard'; did you mean thundering-herd"),
        (lambda: sim.panel(7), "scenario must be a story, its name, or a scenario that a story has made, got 7"),
        (lambda: sim.panel(Scenario()), "scenario 'unnamed' was made by hand; a panel needs a story with its knobs"),
        (lambda: herd(client=5), "unknown knob of thundering-herd 'client'; did you mean clients"),
        (lambda: herd(clients=0), "clients must be at least 1, got 0"),
        (lambda: herd(policies=[]), "policies must hold at least one policy, got none"),
        (lambda: herd(policies="ful-jitter"), "unknown policy 'ful-jitter'; did you mean full-jitter"),
        (lambda: herd(seeds=0), "seeds must be a whole number from 1 to 20, got 0"),
        (lambda: herd(seeds=True), "seeds must be a whole number from 1 to 20, got True"),
        (lambda: herd(chart="laod"), "unknown chart 'laod'; did you mean load?"),
        (lambda: herd(chart=7), "chart must be a name or a function from a comparison to a figure, got 7"),
    ],
)
def test_what_it_cannot_start_with_is_refused_in_one_sentence(make, sentence):
    """At construction, with the near names where there are some."""
    with pytest.raises((ValueError, TypeError)) as error:
        make()
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


def test_knobs_have_no_name_that_the_panel_needs_for_itself():
    """Or a story could not be given that knob."""
    taken = {"scenario", "policies", "seeds", "chart"}
    assert [name for name, made in stories().items() if taken & set(knobs_of(made))] == []
    assert set(CHARTS) == {"figures", "load", "outcomes", "latency"}


def test_texts_are_escaped():
    """The name of a policy of one's own stays text."""
    panel = herd(policies={"<img src=x onerror=alert(1)>": "immediate"})
    for html in (panel.table.value, panel.picture_html.value, panel.code.value, panel.message.value):
        assert "<img src=x" not in html


def test_all_are_plain_widgets():
    """Nothing is printed into an output that a notebook would have to keep."""
    parts = inside(herd())
    assert not [one for one in parts if isinstance(one, w.Output)]
    assert sum(isinstance(one, w.Button) for one in parts) == 2


# Where nothing runs


def test_it_has_a_picture_and_a_sentence_that_are_the_same_at_every_run():
    """Two panels of one story differ in nothing that a notebook keeps."""
    first, second = (herd()._repr_mimebundle_()[0] for _ in range(2))
    assert issubclass(type(herd()), LivePanel)
    assert first["text/plain"] == second["text/plain"] == repr(herd())
    assert first["image/png"] == second["image/png"]
    assert base64.b64decode(first["image/png"]).startswith(b"\x89PNG")
    knobs = "clients = 100, workers = 2, queue = 8"
    assert first["text/plain"].startswith(f"panel of thundering-herd with {knobs}, seed 0: Attempts sent")


def test_a_panel_that_is_to_run_later_runs_when_it_is_asked():
    """Nothing is run before; then all of it is there, and turning goes on as ever."""
    panel = sim.panel("thundering-herd", clients=50, policies=["immediate", "full-jitter"], later=True, play=True)
    assert panel.table.value == panel.picture_html.value == ""
    assert panel.motion.children == ()
    assert "press Run" in panel.message.value
    panel.chart.value = "outcomes"
    assert panel.table.value == ""
    panel.run.click()
    assert "<table" in panel.table.value
    assert panel.player in panel.motion.children
    assert [scene.title for scene in panel.player.shown] == ["immediate", "full-jitter"]
    assert panel.scenario.knobs["clients"] == 50

    waiting = sim.panel("thundering-herd", clients=50, policies=["immediate"], later=True)
    assert waiting.compared.seeds == (0,)
    assert "50" in waiting.sentence()
