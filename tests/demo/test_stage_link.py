"""Links: what they restore, and what becomes of those that are broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.demo.link import State, read
from sim.demo.subject import START, subject_named, subjects
from sim.knobs import knobs_of
from sim.scenarios import stories, story_named

MEMBERS = {"q", "a", "b", "seed", "seeds", "chart", "view", "token", "key"}


@pytest.mark.parametrize("name", list(subjects()))
def test_every_subject_comes_back_from_its_link(name):
    """As it starts; the link is short then."""
    state = State.of(subject_named(name))
    assert state.query() == f"q={name}"
    link = read(state.query())
    assert (link.state, link.complaints, link.view) == (state, (), "presenter")


def test_no_knob_is_called_as_a_member_of_a_link():
    """A knob named so could not be restored."""
    assert {
        name: MEMBERS & set(knobs_of(story)) for name, story in stories().items() if MEMBERS & set(knobs_of(story))
    } == {}


def test_everything_that_can_be_set_comes_back():
    """Question, knobs, policies, seeds and chart; a whole number stays one, and a fraction keeps its digits."""
    subject = subject_named("Q-09")
    state = State(
        subject=subject, knobs={"crash_share": 1 / 3, "attempts": 3}, policies=("recovery-point", "check-then-act"),
        seed=7, seeds=5, chart="load",
    )  # fmt: skip
    link = read("?" + state.query() + "&view=candidate&token=secret&key=other")
    assert (link.state, link.view, link.key, link.complaints) == (state, "candidate", "other", ())
    assert type(link.state.knobs["attempts"]) is int


@given(st.data())
def test_any_turn_of_any_knob_comes_back(data):
    """Whatever a knob's declaration allows."""
    subject = data.draw(st.sampled_from(list(subjects().values())))
    knobs = {}
    for name, knob in knobs_of(story_named(subject.scenario)).items():
        if knob.type not in (int, float) or not data.draw(st.booleans()):
            continue
        low = knob.low if knob.low is not None else (knob.above or 0)
        high = min(knob.high if knob.high is not None else 1e6, 1e6)
        kind = (
            st.integers(int(low) + 1, int(max(high, low + 1)))
            if knob.type is int
            else st.floats(low, high, exclude_min=True)
        )
        value = data.draw(kind)
        if value != subject.knobs[name]:
            knobs[name] = value
    state = State(subject=subject, knobs=knobs, policies=subject.demo.policies)
    link = read(state.query())
    assert link.state.knobs == knobs or "must" in " ".join(link.complaints)


@pytest.mark.parametrize(
    ("query", "sentences"),
    [
        ("q=Q-99", ["unknown question or scenario 'Q-99'; did you mean"]),
        ("q=zzzz&rate=3", ["unknown question or scenario 'zzzz'; `sim list` has the scenarios, `sim ask` a question"]),
        ("view=candidat", ["view must be presenter or candidate, got 'candidat'"]),
        ("clients=0", ["clients must be at least 1, got 0"]),
        ("clients=many", ["clients must be a number, got 'many'"]),
        ("clients=" + "9" * 1000, ["clients must be a number, got '" + "9" * 60 + "…'"]),
        ("rate=3", ["unknown knob of thundering-herd 'rate'; known: clients, workers"]),
        ("a=full-jiter", ["unknown policy of thundering-herd 'full-jiter'; did you mean full-jitter"]),
        ("a=full-jitter", ["a and b must be two different policies, got 'full-jitter' twice"]),
        ("seed=-1&seeds=21", ["seed must be a whole number from 0 to 999,999,999", "seeds must be a whole number f"]),
        ("seed=²", ["seed must be a whole number from 0 to 999,999,999, got '²'"]),
        ("chart=pie", ["unknown chart 'pie'; known: figures, load"]),
        ("&".join(f"a{n}=1" for n in range(200)), ["a link must have at most 100 members"]),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)  # fmt: skip
def test_what_cannot_be_used_is_a_sentence_and_the_rest_stands(query, sentences):
    """Never an exception: the demo opens with its own settings in the place of those."""
    link = read(query)
    assert len(link.complaints) == len(sentences)
    for said, wanted in zip(link.complaints, sentences, strict=True):
        assert said.startswith(wanted)
        assert "\n" not in said
    assert link.state == State.of(subject_named(START))


def test_a_view_that_is_misspelt_shows_less():
    """The presenter's is shown to nobody by mistake."""
    assert read("view=Presenter").view == "candidate"
    assert read("view=").view == "candidate"


@given(st.text(max_size=300))
def test_any_text_at_all_is_read(text):
    """A link comes from anywhere."""
    link = read(text)
    assert link.state.subject.name in subjects()


def test_a_scenario_leads_to_the_first_question_about_it():
    """By either name; and one that no question asks about stands alone."""
    assert subject_named("boundary-burst").name == "Q-19"
    alone = subject_named("retry-wave")
    assert alone.question is None
    assert alone.demo.policies == ("no-jitter", "decorrelated-jitter")
    assert alone.demo.figure in alone.figures
    assert alone.prompt.startswith("All events fail at one instant")
    assert subject_named("plain-queue").demo.policies == ("no-retry", "immediate")
