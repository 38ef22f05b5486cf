"""The delivery log's panel: its buttons act on the running platform, and what consumers send stays text."""

import base64
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import attrs
import ipywidgets as w
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import sim
from sim import deliveries
from sim.charts.answers import ANSWERS, answer
from sim.flow import Reply, Work
from sim.http import Response
from sim.laws import Constant
from sim.policies.client.backoff import Fixed
from sim.policies.delivery import DeliveryPlan, schedule
from sim.scenario import BadRelease, Outage, Scenario, Server
from sim.webhooks import Endpoint, Webhooks
from sim.widgets import LivePanel, delivery_log, log_html, log_picture, log_rows
from sim.workload import Replay

ROOT = Path(__file__).resolve().parent.parent
URL = "https://bank.example.com/webhooks"
DOWN = (Outage(start=0.0, length=60.0),)
NASTY = "</td></table><img src=x onerror=alert(1)>&amp;' onclick='a()' \" $\\frac{ \u202e"


def world(faults=DOWN, bank=None, backoff=None):
    """Ten events each to a healthy shop and to a bank that is down for 60 s; the bank's die after three attempts."""
    machine = Server(workers=math.inf, service=Constant(0.1))
    return Scenario(
        name="two-banks",
        arrivals=Replay(tuple(float(second) for second in range(10))),
        horizon=10.0,
        drain=600.0,
        webhooks=Webhooks(
            plan=DeliveryPlan(schedule=schedule(backoff or Fixed(5.0), attempts=3)),
            endpoints=(
                Endpoint(name="shop", server=machine),
                Endpoint(name="bank", owner="ada", server=bank or machine, faults=faults),
            ),
            fan_out=True,
        ),
    )


def test_every_widget_waits_for_its_turn():
    """Whatever a page sets off goes through `sim.widgets.turns`, because a kernel has several threads for it."""
    free = re.compile(r"\.(observe|on_click)\(|\.on_msg\((?!in_turn\()")
    found = {path.name for path in (ROOT / "sim").rglob("*.py") if free.search(path.read_text(encoding="utf-8"))}
    assert found == {"turns.py"}


@pytest.fixture
def panel():
    """At 30 s: the shop has its ten events, and the bank's ten are dead letters."""
    platform = sim.platform(world())
    platform.run_until(30.0)
    return delivery_log(platform)


class Reader(HTMLParser):
    """What a browser would make of some HTML: its tags, the names of their attributes, and the text of each cell."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.cells, self.titles = [], set(), [], []
        self._open = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "td":
            self.titles.append(dict(attrs).get("title"))
            self.cells.append("")
            self._open = True

    def handle_endtag(self, tag):
        self._open = self._open and tag != "td"

    def handle_data(self, data):
        if self._open:
            self.cells[-1] += data


def rows(panel):
    """The log as the panel shows it, a list of cells a row."""
    cells = Reader(panel.table.value).cells
    return [cells[at : at + 8] for at in range(0, len(cells), 8)]


def health(panel, endpoint):
    """One endpoint's row of the health table: success, delivered, waiting, oldest, dead letters."""
    cells = Reader(panel.health.value).cells
    return next(cells[at + 1 : at + 6] for at in range(0, len(cells), 6) if cells[at].startswith(endpoint))


def said(panel):
    """The sentence below the buttons."""
    return re.sub("<[^>]*>", "", panel.message.value).strip()


# Looking


def test_the_newest_attempt_is_on_top(panel):
    """A row an attempt: when, what, to whom, which attempt, what came of it, how long it took, what comes next."""
    assert rows(panel)[0] == ["0:00:19.0", "evt_9", "bank", "3", "|connection refused", "0 s", "", "–"]
    panel.endpoint.value = "shop"
    assert rows(panel)[0] == ["0:00:09.0", "evt_9", "shop", "1", "●200", "0.100 s", "", "–"]


def test_a_retry_that_is_to_come_is_told_in_seconds():
    """The next attempt is a time from now while it is to come, and an instant when it is past."""
    platform = sim.platform(world())
    platform.run_until(7.0)
    panel = delivery_log(platform)
    panel.event.value, panel.endpoint.value = "1", "bank"
    assert [row[-1] for row in rows(panel)] == ["in 4 s", "at 0:00:06.0"]


def test_an_attempt_under_way_has_no_answer_yet():
    """It says so, and has no latency."""
    platform = sim.platform(world(faults=(), bank=Server(service=Constant(3.0))))
    platform.run_until(1.0)
    panel = delivery_log(platform)
    panel.endpoint.value = "bank"
    assert rows(panel) == [["0:00:00.0", "evt_0", "bank", "1", "…under way", "–", "", "–"]]


@pytest.mark.parametrize(
    ("fields", "filters"),
    [
        ({"endpoint": "bank"}, {"endpoint": "bank"}),
        ({"status": "2xx"}, {"status": "2xx"}),
        ({"status": 0}, {"status": 0}),
        ({"status": "none"}, {"status": "none"}),
        ({"event": "evt_3"}, {"event": "evt_3"}),
        ({"event": " 3 "}, {"event": "evt_3"}),
        ({"event": "evt_"}, {"event": "evt_"}),
        ({"reason": "refused"}, {"reason": "refused"}),
        ({"endpoint": "bank", "event": "4", "reason": "refused"}, {"endpoint": "bank", "event": "evt_4"}),
    ],
)
def test_the_filters_are_those_of_the_log(panel, fields, filters):
    """What the panel counts is what `sim.deliveries.log` finds."""
    for name, value in fields.items():
        getattr(panel, name).value = value
    count = len(deliveries.log(panel.platform, **filters))
    assert panel.place.value == log_html.place(log_rows.page(panel.platform, 0, 10, **filters))
    assert (f"of {count:,}<" if count else "no attempt fits") in panel.place.value


def test_paging_shows_every_row_once_and_ends(panel):
    """Older, older, …, and back: forty attempts on four pages, no button that leads nowhere."""
    seen = []
    assert panel.newer.disabled
    while True:
        seen += [(row[0], row[1], row[2]) for row in rows(panel)]
        if panel.older.disabled:
            break
        panel.older.click()
    assert len(seen) == len(set(seen)) == len(deliveries.log(panel.platform)) == 40
    assert seen == sorted(seen, key=lambda row: row[0], reverse=True)
    assert "31 to 40 of 40" in panel.place.value
    panel.newer.click()
    assert "21 to 30 of 40" in panel.place.value
    panel.status.value = "2xx"
    assert "1 to 10 of 10" in panel.place.value  # a filter begins at the newest


def test_a_long_log_is_not_counted_to_its_end():
    """What lies more than a thousand rows ahead is "more than", so that a page of a million costs what ten do."""
    platform = sim.platform(sim.scenarios.webhook_backlog(events=1_500), "direct")
    platform.run_until(1.0)
    panel = delivery_log(platform)
    assert "1 to 10 of more than 1,010" in panel.place.value
    panel.older.click()
    assert "11 to 20 of more than 1,020" in panel.place.value


def test_health_stands_above(panel):
    """Success of the last hour, delivered, waiting, the age of the oldest, dead letters."""
    assert health(panel, "shop") == ["100%", "10", "0", "–", "0"]
    assert health(panel, "bank") == ["0%", "0", "0", "–", "10"]
    assert "class='badge'>10<" in panel.health.value


def test_messages_to_owners_are_shown():
    """What was written to an owner, and when."""
    platform = sim.platform(world())
    platform.run_until(120.0)
    panel = delivery_log(platform)
    assert "ada" in panel.notes.value
    assert len(deliveries.messages(platform)) > 0


def test_a_number_chooses_a_delivery_and_shows_its_past(panel):
    """Its state, and every attempt with its reason; the same number once more chooses none."""
    assert panel.past.value == ""
    panel.rows[0].click()
    assert panel.chosen == 19
    assert panel.rows[0].description == "▸ 19"
    assert "Delivery 19: evt_9 to bank" in panel.past.value
    assert "dead-lettered: retries used up: connection refused" in panel.past.value
    assert Reader(panel.past.value).cells[1::6] == ["0:00:09.0", "0:00:14.0", "0:00:19.0"]
    assert panel.table.value.count("class='chosen'") == 3 - sum(row[1] == "evt_9" for row in rows(panel)[3:])
    panel.rows[0].click()
    assert panel.chosen is None
    assert panel.past.value == ""


def test_looking_changes_nothing(panel):
    """Filters, pages and choices leave the platform as it is."""
    before = panel.platform.trace.digest()
    panel.rows[1].click()
    panel.older.click()
    panel.endpoint.value = "bank"
    panel.picture()
    assert panel.platform.trace.digest() == before


# Acting


def test_advance_lets_time_pass(panel):
    """As many virtual seconds as the field says, and the tables follow."""
    panel.seconds.value = 12.5
    panel.advance.click()
    assert panel.platform.now == 42.5
    assert said(panel) == "✓ 12.5 s passed"
    assert "0:00:42.5" in panel.heading.value
    assert not panel.advance.disabled


def test_advance_stops_at_the_end_of_the_story(panel):
    """Not beyond it; and once there it says what to do."""
    panel.seconds.value = 1e9
    panel.advance.click()
    assert panel.platform.now == panel.platform.end == 610.0
    assert said(panel) == "✓ 9 min 40 s passed, and the story has ended"
    panel.advance.click()
    assert said(panel) == "✗ not done: the story has ended; make another platform with sim.platform"


def test_resend_makes_a_new_row(panel):
    """The event goes out once more at once, under its id, as a delivery of its own, which is chosen."""
    panel.endpoint.value = "shop"
    panel.rows[0].click()
    panel.resend.click()
    assert said(panel) == "✓ delivery 18 is sent once more, as delivery 20"
    assert rows(panel)[0] == ["0:00:30.0", "evt_9", "shop", "1", "…under way", "–", "", "–"]
    assert panel.chosen == 20
    panel.advance.click()
    assert rows(panel)[0][4] == "●200"
    assert "1 to 10 of 11" in panel.place.value


def test_replay_empties_the_badge(panel):
    """The outage is over, the dead letters go back, and they are delivered."""
    panel.seconds.value = 40.0
    panel.advance.click()
    panel.target.value = "bank"
    panel.replay.click()
    assert said(panel) == "✓ 10 dead letters go back into the queue"
    assert health(panel, "bank")[-1] == "0"
    assert "badge" not in panel.health.value
    panel.advance.click()
    assert health(panel, "bank")[1] == "10"
    panel.replay.click()
    assert said(panel) == "✓ there was no dead letter"


def test_replay_keeps_to_the_rate(panel):
    """Two events a second: five have left after 2.25 s."""
    panel.rate.value = "2"
    panel.replay.click()
    panel.seconds.value = 2.25
    panel.advance.click()
    assert len(deliveries.log(panel.platform, since=30.0)) == 5


def test_a_test_event_shows_its_row(panel):
    """To one endpoint, or to each of them."""
    panel.target.value = "shop"
    panel.send_test.click()
    assert said(panel) == "✓ a test event goes to shop"
    assert rows(panel)[0][1:4] == ["evt_test_1", "shop", "1"]
    panel.target.value = None
    panel.send_test.click()
    assert {row[2] for row in rows(panel)[:2]} == {"shop", "bank"}


def test_a_disabled_endpoint_is_enabled_by_hand():
    """410 disables it; Enable is there only then, and after it a replay is delivered."""
    platform = sim.platform(world(faults=(BadRelease(start=0.0, length=60.0, status=410),)))
    panel = delivery_log(platform, seconds=70.0)
    assert panel.enable.layout.display == "none"
    panel.advance.click()
    assert panel.enable.layout.display is None
    assert "bank <b>(disabled)</b>" in panel.health.value
    panel.enable.click()
    panel.replay.click()
    panel.advance.click()
    assert panel.enable.layout.display == "none"
    assert health(panel, "bank")[1] == "10"


def test_what_others_did_is_shown_after_redraw(panel):
    """The platform may also be led from another cell."""
    panel.platform.run_until(50.0)
    panel.redraw()
    assert "0:00:50.0" in panel.heading.value


# What cannot be done


@pytest.mark.parametrize(
    ("fields", "button", "sentence"),
    [
        ({"seconds": 0.0}, "advance", "seconds must be more than 0, got 0.0"),
        ({"seconds": -5.0}, "advance", "seconds must be more than 0, got -5.0"),
        ({"seconds": math.nan}, "advance", "seconds must be more than 0, got nan"),
        ({"rate": "ten"}, "replay", "the rate must be a number of events a second, got 'ten'"),
        ({"rate": "-1"}, "replay", "per_second must be more than 0, got -1.0"),
        ({"rate": "nan"}, "replay", "per_second must be more than 0, got nan"),
        ({}, "resend", "choose a delivery first"),
    ],
)
def test_what_makes_no_sense_is_answered_in_a_sentence(panel, fields, button, sentence):
    """And the platform is as it was."""
    before = panel.platform.trace.digest()
    for name, value in fields.items():
        getattr(panel, name).value = value
    getattr(panel, button).click()
    assert said(panel).replace("&#x27;", "'") == f"✗ not done: {sentence}"
    assert panel.platform.trace.digest() == before


def test_resend_waits_for_a_choice(panel):
    """Its button cannot be pressed before, and names the delivery after."""
    assert panel.resend.disabled
    panel.rows[0].click()
    assert not panel.resend.disabled
    assert panel.resend.description == "Resend 19"


def test_a_policy_that_breaks_is_told_in_one_line():
    """A learner's schedule divides by zero: its error and its name, no traceback, and the buttons stay."""

    class Broken:
        def delay(self, attempt, previous, rng):
            return 1.0 / 0.0

    panel = delivery_log(sim.platform(world(backoff=Broken())))
    panel.advance.click()
    assert said(panel) == "✗ not done: ZeroDivisionError: float division by zero"
    assert not panel.advance.disabled


def test_after_finish_every_button_says_so(panel):
    """A platform that has been closed is still looked at, and not acted on."""
    panel.rows[0].click()
    panel.platform.finish()
    for button in (panel.resend, panel.replay, panel.send_test):
        panel.message.value = ""
        button.click()
        assert said(panel) == "✗ not done: this platform has run to its end; make another one with sim.platform"


@pytest.mark.parametrize("of", [None, "two-banks", world()])
def test_it_is_a_panel_of_a_running_platform(of):
    """A world, or a run that is over, has nothing to press."""
    with pytest.raises(TypeError, match=r"platform must be a running platform, made by sim\.platform"):
        delivery_log(of)


@pytest.mark.parametrize("delivery", [-1, 20, "one"])
def test_only_a_delivery_can_be_chosen(panel, delivery):
    """By its number."""
    with pytest.raises(ValueError, match=f"delivery must be a number below 20, got {delivery!r}"):
        panel.choose(delivery)
    assert panel.chosen is None


def test_a_page_has_a_row():
    """Rows must be at least 1."""
    with pytest.raises(ValueError, match="rows must be at least 1, got 0"):
        delivery_log(sim.platform(world()), rows=0)


# Hostile texts


def test_what_a_consumer_sent_stays_text():
    """A body that is HTML, a name that is HTML: shown as they are, in their cells, and nothing else comes of them."""

    def answers():
        def handle(request, now):
            yield Work(0.01)
            yield Reply(Response(500, body=NASTY.encode()))

        return handle

    scenario = world(faults=(), bank=Server(workers=math.inf, make_handler=answers))
    shop, bank = scenario.webhooks.endpoints
    named = attrs.evolve(scenario.webhooks, endpoints=(shop, attrs.evolve(bank, name=f"bank {NASTY}", url=URL)))
    platform = sim.platform(attrs.evolve(scenario, webhooks=named))
    platform.run_until(120.0)
    panel = delivery_log(platform)
    panel.endpoint.value = f"bank {NASTY}"
    panel.rows[0].click()
    assert rows(panel)[0][2] == f"bank {NASTY}"
    assert rows(panel)[0][6] == NASTY.replace("\u202e", " ")  # the log keeps no letter that turns others round
    for html in (panel.table, panel.health, panel.past, panel.notes, panel.message, panel.heading):
        read = Reader(html.value)
        assert set(read.tags) <= {"div", "p", "b", "i", "h4", "span", "table", "thead", "tbody", "tr", "th", "td"}
        assert read.attributes <= {"class", "style", "title", "role", "scope", "aria-label", "aria-hidden"}
    panel.picture()  # a formula or a letter without a picture would raise or warn


@given(text=st.text(max_size=60))
@example(text=NASTY)
@example(text="\0\r\n\t")
@settings(max_examples=60)
def test_any_text_comes_back_from_its_cell(text):
    """Whatever is in a row, a browser reads the very same text in that cell, and the row has eight cells."""
    row = log_rows.Row(1, text, text, text, text, answer(200), text, text, text, text)
    read = Reader(log_html.log_table(log_rows.Page((row,), 1, 1, False), None))
    assert len(read.cells) == 8
    assert [cell.removeprefix("●") for cell in read.cells] == [_read(text)] * 8
    assert set(read.titles) == {_read(text), "delivered"}


def _read(text):
    """What HTML makes of the few letters that it replaces, such as the number of NUL."""
    return Reader(f"<td>{text.replace('&', '&amp;').replace('<', '&lt;')}</td>").cells[0]


@given(text=st.text(max_size=40))
@example(text=NASTY)
@example(text="$x^")
@example(text="👍漢字")
@settings(max_examples=20)
def test_any_text_can_be_drawn(text):
    """No formula is read into it, and no letter is missing from the font."""
    row = log_rows.Row(1, text, text, text, text, answer(500), text, text, text, text)
    figure = log_picture.draw(text, (), log_rows.Page((row,), 1, 1, False))
    figure.canvas.draw()


# For everybody


def test_every_control_has_a_name(panel):
    """Buttons and fields say in words what they are; nothing is said by an icon or a colour alone."""
    controls = [part for part in _parts(panel) if isinstance(part, w.Button | w.Text | w.FloatText | w.Dropdown)]
    assert len(controls) == 10 + 7 + 7  # rows, buttons, fields
    assert [part for part in controls if not part.description.strip()] == []
    assert [part for part in controls if isinstance(part, w.Button) and not part.tooltip] == []


def _parts(part):
    yield part
    for child in getattr(part, "children", ()):
        yield from _parts(child)


def test_kinds_of_answers_differ_without_colour():
    """Each has a sign and a marker of its own, and its sign is read on its colour (WCAG: 4.5 to 1 at least)."""
    looks = [*ANSWERS, log_rows.UNDER_WAY]
    assert len({look.sign for look in looks}) == len({look.colour for look in looks}) == len(looks)
    assert len({look.marker for look in ANSWERS}) == len(ANSWERS)
    for look in looks:
        light, dark = sorted((_luminance(look.colour), _luminance(look.ink)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, look.name


def _luminance(colour):
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = (int(colour[at : at + 2], 16) / 255.0 for at in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# In a notebook


def test_a_panel_is_a_picture_and_a_stable_text(panel):
    """Two panels at the same instant give the same bundle, but for the widget's own number."""
    bundle, metadata = panel._repr_mimebundle_()
    other = sim.platform(world())
    other.run_until(30.0)
    again, _ = delivery_log(other)._repr_mimebundle_()
    assert metadata["image/png"]["alt"] == bundle["text/plain"]
    assert bundle["text/plain"] == "delivery log of two-banks, its own plan: t = 30 s, 40 attempts, 10 dead letters"
    assert bundle["text/plain"] == repr(panel)
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    for kind in ("text/plain", "image/png"):
        assert bundle[kind] == again[kind]


def test_a_panel_must_draw_and_describe_itself():
    """A subclass that does not is told which method it lacks."""
    with pytest.raises(NotImplementedError, match=r"LivePanel must draw its picture\(\)"):
        LivePanel().picture()
    with pytest.raises(NotImplementedError, match=r"LivePanel must say its sentence\(\)"):
        repr(LivePanel())
