"""A mock interview: what is drawn, what is hidden until it is asked for, and what is saved."""

import ipywidgets as w
import pytest

import sim
from sim import questions
from sim.interviews import Session, save
from sim.interviews.timer import Timer


def page(widget):
    """Everything that a browser gets to know of a widget and of all that is in it, as one text."""
    state = str(widget.get_state())
    return state + "".join(page(child) for child in getattr(widget, "children", ()))


def rubric_of(question):
    """What a candidate must not see."""
    return (*question.points, *question.traps, *question.follow_ups, question.tests, *question.claims)


def untouched(text):
    """As HTML writes it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#x27;")


@pytest.fixture
def interview(tmp_path):
    """An interview that begins with Q-09 and saves into a folder of its own."""
    made = sim.interview("Q-09")
    made.folder = tmp_path
    return made


# The questions


def test_it_begins_with_the_question_that_was_named_or_with_one_that_is_drawn():
    """Case does not matter; the same seed draws the same one."""
    assert sim.interview("q-09").session.now.question.id == "Q-09"
    drawn = [sim.interview(topic="webhooks", level="expert", seed=4).session.now.question for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert (drawn[0].topic, drawn[0].level) == ("webhooks", "expert")


def test_a_seed_asks_every_question_of_a_topic_once_and_in_its_own_order():
    """The first one again at the end would be a waste of an evening."""
    orders = []
    for seed in (1, 1, 2):
        session = Session(questions.named("Q-20"))
        for _ in range(len(questions.every(topic="caching"))):
            session.next(seed, topic="caching")
        orders.append([one.question.id for one in session.rounds[1:]])
        with pytest.raises(ValueError, match=r"^every caching question has been asked$"):
            session.next(seed, topic="caching")
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2]) == sorted(one.id for one in questions.every(topic="caching"))


def test_next_asks_what_topic_level_and_seed_say(interview):
    """A topic without a question of that level is said in a sentence, and nothing changes."""
    interview.topic.value, interview.level.value, interview.seed.value = "webhooks", "senior", 3
    interview.following.click()
    now = interview.session.now.question
    assert (now.topic, now.level) == ("webhooks", "senior")
    assert untouched(now.prompt) in interview.prompt.value
    lacking = next(
        (topic, level)
        for topic in questions.topics()
        for level in questions.LEVELS
        if level not in questions.levels(questions.every(topic=topic))
    )
    interview.topic.value, interview.level.value = lacking
    interview.following.click()
    assert "✗ not done:" in interview.message.value
    assert f"has no {lacking[1]} question" in interview.message.value
    assert interview.session.now.question == now


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"question": "Q-99"}, "question"),
        ({"topic": "tea"}, "topic"),
        ({"level": "easy"}, "level"),
        ({"minutes": 0}, "minutes must be above 0 and at most 600, got 0"),
        ({"minutes": "ten"}, "minutes must be above 0 and at most 600, got 'ten'"),
        ({"seed": -1}, "seed must be a whole number from 0 on, got -1"),
    ],
)
def test_a_wrong_argument_is_told_in_a_sentence(arguments, sentence):
    """With the name, the rule and the value, or the near names."""
    with pytest.raises(ValueError, match=sentence):
        sim.interview(**arguments)


# What is hidden


@pytest.mark.parametrize("one", questions.every(), ids=lambda one: one.id)
def test_nothing_of_the_rubric_is_in_the_page_before_it_is_revealed(one):
    """Not in a widget's state, not in the picture's text; afterwards all of it is."""
    shown = sim.interview(one.id)
    before = page(shown) + shown.sentence()
    for text in rubric_of(one):
        assert untouched(text) not in before
        assert text not in before
    shown.reveal.click()
    after = page(shown)
    for text in rubric_of(one):
        assert untouched(text) in after or text in after


def test_the_next_question_takes_the_rubric_out_of_the_page_again(interview):
    """And the scenario: widgets that are gone are closed, so that no later viewer gets their state."""
    interview.reveal.click()
    interview.try_it.click()
    gone = [*interview.rubric.children, *interview.scenario.children]
    assert gone
    interview.following.click()
    assert interview.rubric.children == interview.scenario.children == ()
    assert all(widget.comm is None for widget in gone)
    assert not any(untouched(text) in page(interview) for text in questions.named("Q-09").points)


def test_the_scenario_opens_when_it_is_asked_for_with_the_questions_own_knobs():
    """No run before; then a panel whose knobs start where the question says."""
    shown = sim.interview("bulk-operations-2")
    question = shown.session.now.question
    assert question.knobs
    assert shown.scenario.children == ()
    shown.try_it.click()
    (panel,) = shown.scenario.children
    assert panel.compared.scenario.name == question.scenario
    assert {name: panel.knobs[name].value for name in question.knobs} == question.knobs


# The summary


def test_the_summary_has_the_notes_the_time_and_what_was_said(interview):
    """Of every round; a note that looks like Markdown stays a note."""
    interview.notes.value, interview.timer.seconds = "# I would ask\n- who retries", 125.0
    interview.reveal.click()
    interview.points[1].value = interview.traps[0].value = True
    first = interview.session.now.question
    interview.following.click()
    assert (interview.notes.value, interview.timer.seconds) == ("", 0.0)
    text = interview.summary()
    assert text.startswith(f"# Mock interview\n\n2 questions, 2 min 5 s, 1 of {len(first.points)} points made.\n")
    assert "    # I would ask\n    - who retries\n" in text
    assert f"- [ ] {first.points[0]}\n- [x] {first.points[1]}\n" in text
    assert f"Traps stepped into:\n\n- {first.traps[0]}\n" in text
    assert text.count("The rubric was not looked at.") == 1
    assert interview.session.now.question.points[0] not in text


def test_saving_never_overwrites(interview, tmp_path):
    """A new number each time; what was saved stays as it was."""
    (tmp_path / "interview.md").write_text("mine")
    for name in ("interview-2.md", "interview-3.md"):
        interview.keep.click()
        assert f"saved as {name}" in interview.message.value
        assert (tmp_path / name).read_text(encoding="utf-8") == interview.summary()
    assert (tmp_path / "interview.md").read_text() == "mine"


def test_a_folder_that_is_not_there_is_told_and_nothing_is_lost(interview, tmp_path):
    """One sentence below the buttons; the notes are still there."""
    interview.folder, interview.notes.value = tmp_path / "nowhere", "kept"
    interview.keep.click()
    assert "✗ not done:" in interview.message.value
    assert "kept" in interview.summary()
    with pytest.raises(FileNotFoundError):
        save("text", tmp_path / "nowhere")


# The widget


def test_it_has_a_picture_and_a_stable_text_without_a_kernel(interview):
    """As every live panel: the question, and no rubric."""
    again = sim.interview("Q-09")
    first, second = (one._repr_mimebundle_()[0] for one in (interview, again))
    assert first["text/plain"] == second["text/plain"] == repr(interview)
    assert first["image/png"] == second["image/png"]
    assert "the rubric is hidden" in repr(interview)


def test_the_timer_is_nought_and_stands_still_at_first():
    """Its clock is the browser's; here it only keeps what it was told."""
    timer = Timer(minutes=5.0)
    timer.seconds, timer.running, timer.began = 7.0, True, 1.0
    timer.reset()
    assert (timer.seconds, timer.before, timer.running, timer.began) == (0.0, 0.0, False, 0.0)
    assert repr(timer) == "timer of 5 min"


def test_html_in_a_note_is_text(interview):
    """The notes are a text area, and the summary is a file; neither is read as HTML."""
    assert isinstance(interview.notes, w.Textarea)
    interview.notes.value = "<script>alert(1)</script>"
    assert "    <script>alert(1)</script>" in interview.summary()
