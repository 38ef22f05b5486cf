"""The stage as a program presses it: predict, run, reveal; presets, policies, links; what a candidate never gets."""

import io
import json
import zipfile

import ipywidgets
import nbformat
import pandas
import pytest
from nbclient import NotebookClient

import sim
from sim.demo import stage
from sim.demo.verdict import SAME, judge, tally
from sim.demo.wording import notes

pytestmark = pytest.mark.slow

HERD = "?q=webhooks-6&clients=60&workers=2&queue=8"


def opened(search):
    """A stage that somebody has come to by that link."""
    made = stage.Stage()
    made.door._heard(None, {"kind": "hello", "search": search}, [])
    return made


def sent(widget):
    """All that a page would be told of a widget and of what is in it."""
    told = json.dumps(widget.get_state(), default=lambda one: getattr(one, "model_id", repr(one)))
    return told + "".join(map(sent, getattr(widget, "children", ())))


def test_nothing_is_there_before_somebody_has_come():
    """So a kernel that waits for its visitor knows neither the question nor the view."""
    made = stage.Stage()
    assert made.children == (made.door,)
    assert made.door.view == ""
    made.door._heard(None, {"kind": "hello", "search": HERD}, [])
    assert made.door.view == "presenter"
    first = made.panel
    made.door._heard(None, {"kind": "hello", "search": "?q=Q-01"}, [])
    assert made.panel is first


def test_predict_run_reveal():
    """Votes are counted; the run is played from its beginning; table, chart and verdict come with Reveal."""
    made = opened(HERD)
    covered = (made.verdict, made.panel.table, made.panel.picture_html, made.panel.code)
    assert "server restarts" in made.prompt.value
    assert "calls ok" in made.asked.value
    assert made.panel.table.value == ""
    made.choices["exponential"].click()
    for _ in range(2):
        made.choices["full-jitter"].click()
    assert made.choices["full-jitter"].description == "full-jitter · 2"
    assert made.reveal.disabled

    made.run.click()
    assert "✓" in made.panel.message.value
    assert (made.panel.player.begun, made.panel.player.at) == (1, 0.0)
    assert not made.reveal.disabled
    assert {part.layout.display for part in covered} == {"none"}
    assert made.verdict.value == ""

    made.reveal.click()
    assert {part.layout.display for part in covered} == {None}
    assert "calls ok: 58 with exponential, 60 with full-jitter; more with full-jitter" in made.verdict.value
    assert "2 of 3 predicted it" in made.verdict.value
    assert made.reveal.disabled

    made.panel.knobs["queue"].value = 58
    assert "60 with exponential, 60 with full-jitter; no difference to speak of" in made.verdict.value
    assert "0 of 3 predicted it" in made.verdict.value
    assert made.panel.player.begun == 1


def test_a_knob_that_is_turned_before_the_run_waits_for_it():
    """Nothing runs before Run; from then on every turn does."""
    made = opened(HERD)
    made.panel.knobs["queue"].value = 20
    assert made.panel.table.value == ""
    assert "press Run" in made.panel.message.value
    assert made.door.query.endswith("queue=20")
    made.run.click()
    assert made.panel.scenario.knobs["queue"] == 20


def test_presets_turn_knobs_and_say_which_one_it_is():
    """As asked is where it starts; the one that fits is marked; after a run they run at once."""
    made = opened("?q=Q-09")
    assert list(made.presets) == ["as asked", "a crash at every tenth step", "a slow store"]
    marked = lambda: [name for name, button in made.presets.items() if button.button_style == "info"]  # noqa: E731
    assert marked() == ["as asked"]
    made.presets["a slow store"].click()
    assert marked() == ["a slow store"]
    assert made.door.query == "q=Q-09&store_delay=0.05"
    assert made.panel.table.value == ""
    made.run.click()
    made.presets["a crash at every tenth step"].click()
    assert made.panel.scenario.knobs["crash_share"] == 0.1
    assert made.panel.scenario.knobs["store_delay"] == 0.002
    made.panel.knobs["crash_share"].value = 0.2
    assert marked() == []


def test_the_story_s_own_size_is_a_preset_where_the_question_starts_smaller():
    """A herd of 500 is quick; the real one has 10,000."""
    made = opened("")
    made.presets[stage.OWN].click()
    assert made.panel.knobs["clients"].value == 10_000


def test_a_and_b_are_two_policies():
    """Another pair begins anew, with the knobs as they are; who takes the other's policy swaps the two."""
    made = opened(HERD)
    made.run.click()
    made.reveal.click()
    made.other.value = "decorrelated-jitter"
    assert (made.pair, made.revealed, made.panel.table.value) == (("exponential", "decorrelated-jitter"), False, "")
    assert set(made.choices) == {"exponential", "decorrelated-jitter", SAME}
    assert made.panel.knobs["clients"].value == 60
    assert "b=decorrelated-jitter" in made.door.query
    made.one.value = "decorrelated-jitter"
    assert made.pair == ("decorrelated-jitter", "exponential")
    made.run.click()
    assert list(made.panel.compared.figures) == ["decorrelated-jitter", "exponential"]


def test_another_question_clears_the_stage():
    """What was predicted, run and revealed before is gone, and its widgets with it."""
    made = opened(HERD)
    made.choices["exponential"].click()
    made.run.click()
    made.reveal.click()
    before = made.panel
    count = len(ipywidgets.widgets.widget._instances)
    made.following.click()
    made.picker.value = "webhooks-6"
    assert made.panel is not before
    assert before.comm is None
    assert made.votes == {"exponential": 0, "full-jitter": 0, SAME: 0}
    assert made.verdict.layout.display == "none"
    assert len(ipywidgets.widgets.widget._instances) <= count + 20
    made.picker.value = "Q-01"
    assert "q=Q-01" in made.door.query


def test_a_link_restores_the_stage():
    """Question, knobs, policies, seed, seeds and chart."""
    made = opened("?q=Q-09&a=recovery-point&b=check-then-act&seed=4&seeds=2&chart=outcomes&crash_share=0.1")
    assert made.complaints.value == ""
    assert (made.panel.seed.value, made.panel.seeds.value, made.panel.chart.value) == (4, 2, "outcomes")
    again = opened("?" + made.door.query)
    assert again.state == made.state
    for one in (made, again):
        one.run.click()
    assert made.panel.compared.figures == again.panel.compared.figures
    assert made.panel.compared.seeds == (4, 5)


def test_a_bad_link_is_told_and_the_demo_stands():
    """Read aloud, with what was wrong; no markup of the link's gets in."""
    made = opened("?q=Q-09&rate=<script>&lease=0&foo=1")
    assert "role='alert'" in made.complaints.value
    assert "lease must be more than 0, got 0.0" in made.complaints.value
    assert "&lt;script&gt;" in made.complaints.value
    assert "<script>" not in made.complaints.value
    assert made.state == opened("?q=Q-09").state


def test_a_candidate_gets_nothing_of_the_rubric(monkeypatch):
    """No widget of the page holds a point, a trap or a follow-up; the presenter's does when asked."""
    question = sim.questions.named("webhooks-6")
    hidden = (*question.points, *question.traps, *question.follow_ups, question.tests)
    made = opened(HERD + "&view=candidate")
    for button in (made.run, made.reveal):
        button.click()
    assert not hasattr(made, "notes")
    assert not any(json.dumps(text)[1:-1] in sent(made) for text in hidden)

    presents = opened(HERD)
    assert not any(json.dumps(text)[1:-1] in sent(presents) for text in hidden)
    presents.notes_wanted.value = True
    assert all(text in presents.notes.children[0].value for text in question.points[:1])
    presents.notes_wanted.value = False
    assert presents.notes.children == ()

    monkeypatch.setenv(stage.KEY, "geheim")
    assert opened(HERD).door.view == "candidate"
    assert opened(HERD + "&key=falsch").door.view == "candidate"
    assert opened(HERD + "&key=geheim").door.view == "presenter"
    assert opened(HERD + "&key=geheim&view=candidate").door.view == "candidate"


def test_the_presenter_s_notes_have_the_rubric_the_proofs_and_what_to_ask_next():
    """Of every question; a scenario alone has what its story says."""
    question = sim.questions.named("Q-22")
    told = notes(stage.subject_named("Q-22"))
    for heading in ("A strong answer says", "Talking points", "Follow-ups to ask", "Traps"):
        assert f"<h3>{heading}" in told
    assert told.count("<li>") == sum(map(len, (question.points, question.claims, question.follow_ups, question.traps)))
    assert "no rubric" in notes(stage.subject_named("retry-wave"))


def test_what_is_saved_gives_the_same_again(tmp_path):
    """The picture, the numbers, and a notebook that comes to the same table; twice saved are the same bytes."""
    made = opened(HERD + "&seed=3")
    made.run.click()
    name, content = made.door.save()
    assert name == "unhappy-path-webhooks-6.zip"
    assert made.door.save()[1] == content
    files = zipfile.ZipFile(io.BytesIO(content))
    read = {path.rpartition("/")[2]: files.read(path) for path in files.namelist()}
    assert set(read) == {"chart.png", "table.csv", "run.ipynb"}
    assert read["chart.png"].startswith(b"\x89PNG")
    table = pandas.read_csv(io.BytesIO(read["table.csv"]), index_col="policy")
    assert table["calls ok"].to_dict() == {
        policy: made.panel.compared.estimate(policy, "ok").mean for policy in ("exponential", "full-jitter")
    }
    book = nbformat.reads(read["run.ipynb"].decode(), as_version=4)
    nbformat.validate(book)
    NotebookClient(book, timeout=120).execute(cwd=tmp_path)
    shown = book.cells[1].outputs[0]["data"]["text/plain"]
    for policy in table.index:
        assert str(made.panel.compared.estimate(policy, "ok")) in shown
    assert "image/png" in book.cells[2].outputs[0]["data"]


def test_several_seeds_are_saved_with_their_intervals():
    """Half the width, beside each mean."""
    made = opened(HERD + "&seeds=3")
    made.run.click()
    table = stage.keep.table(made.panel.compared)
    assert table["calls ok, ±"].notna().all()


def test_what_cannot_be_saved_is_told():
    """A sentence for the page, and no exception in the kernel."""
    made = opened(HERD)
    said = []
    made.door.send = lambda content, buffers=None: said.append(content)
    made.panel._entries["exponential"] = object()
    made.door._heard(None, {"kind": "save"}, [])
    made.door._heard(None, {"kind": "ping"}, [])
    made.door._heard(None, "rubbish", [])
    assert [one["kind"] for one in said] == ["unsaved", "pong"]
    assert "a policy must be" in said[0]["why"]


def test_the_verdict_needs_a_difference_that_is_one():
    """On one seed by the numbers as printed; on several by the interval; nothing to measure decides nothing."""
    world = sim.scenarios.thundering_herd(clients=60, workers=2, queue=8)
    one = sim.compare(world, ["immediate", "full-jitter"], seeds=[0])
    assert judge(one, ("immediate", "full-jitter"), "ok").winner == "full-jitter"
    assert judge(one, ("full-jitter", "immediate"), "ok").winner == "full-jitter"
    assert judge(one, ("immediate", "full-jitter"), "calls").winner == SAME
    many = sim.compare(world, ["full-jitter", "equal-jitter"], seeds=range(5))
    gap = many.difference("full-jitter", "equal-jitter", "attempts")
    expected = SAME if gap.low <= 0 <= gap.high else ("full-jitter" if gap.mean > 0 else "equal-jitter")
    assert judge(many, ("full-jitter", "equal-jitter"), "attempts").winner == expected
    outage = sim.compare(sim.scenarios.webhook_outage(), ["five-attempts", "guide"], seeds=[0])
    found = judge(outage, ("five-attempts", "guide"), "median delay, h")
    assert found.winner == SAME
    assert "none with five-attempts" in found.sentence


def test_a_tally_counts_those_who_were_right():
    """Nobody, one, several."""
    assert tally({"a": 0, "b": 0, SAME: 0}, "a") == ""
    assert tally({"a": 1, "b": 0, SAME: 0}, "a") == "predicted so"
    assert tally({"a": 1, "b": 0, SAME: 0}, SAME) == "not what was predicted"
    assert tally({"a": 3, "b": 4, SAME: 1}, "b") == "4 of 8 predicted it"
