"""The question bank: every reference leads somewhere, every member is filled, and a broken file is one sentence."""

import functools
import json
import re
from collections import Counter
from pathlib import Path

import pytest

import sim
from sim import claims, metrics, questions
from sim.cli import main
from sim.questions import LEVELS, bank
from sim.scenarios import stories

ROOT = Path(__file__).resolve().parent.parent.parent

ALL = questions.every()
each_question = pytest.mark.parametrize("one", ALL, ids=lambda one: one.id)

WHOLE = """
[[question]]
id = "tea-1"
level = "mid"
prompt = "Why is it hot?"
tests = "Whether it was touched."
points = ["It was boiled."]
follow_ups = ["And now?"]
traps = ["Waiting."]
notebook = "00_start_here#Predict"
scenario = "thundering-herd"
claims = ["Q-22.1"]
exercise = ""
"""
DEMO = 'demo = { policies = ["a", "b"], figure = "ok", presets = { fast = { rate = 1 } } }'


@functools.cache
def headings(path):
    """The anchors that JupyterLab makes of a notebook's headings: the text as it is read, blanks as dashes."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^#{1,6} +(.*?)\s*$", text, flags=re.MULTILINE)
    return [re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace(" ", "-") for heading in found]


def read(folder, text, name="tea.toml"):
    """What the loader makes of a folder with this file."""
    (folder / name).write_text(text, encoding="utf-8")
    return bank.read(folder)


def terminal(capsys, *arguments):
    """Exit code, stdout and stderr of `sim` with these arguments."""
    code = 0
    try:
        main(arguments)
    except SystemExit as end:
        code = end.code or 0
    captured = capsys.readouterr()
    return code, captured.out, captured.err


# What every question refers to


@each_question
def test_its_notebook_is_there_and_has_its_heading(one):
    """The lesson exists, and the anchor is one of its headings, and of one only."""
    notebook, _, anchor = one.notebook.partition("#")
    path = ROOT / "notebooks" / f"{notebook}.ipynb"
    assert path.exists()
    assert headings(path).count(anchor) == 1, f"{anchor} is not one of {headings(path)}"


@each_question
def test_its_scenario_can_be_run(one):
    """`sim list` has it, and it takes the knobs that the question starts it with."""
    assert stories()[one.scenario](**one.knobs).name == one.scenario


@each_question
def test_its_demo_can_be_run(one):
    """The stage finds both policies, the figure that its audience is asked about, and every knob of its presets."""
    assert one.demo is not None
    world = stories()[one.scenario](**one.knobs)
    assert set(one.demo.policies) <= set(world.policies)
    assert one.demo.figure in {*world.figures, *metrics.SUMMARY}
    assert len(one.demo.presets) >= 2
    for knobs in one.demo.presets.values():
        assert stories()[one.scenario](**{**one.knobs, **knobs}).knobs != world.knobs


@each_question
def test_its_claims_are_in_the_ledger_and_one_is_an_experiment(one):
    """Each id is a row of its own, and what the answer says is measured somewhere."""
    rows = {row.ident: row for row in claims.every()}
    assert [name for name in one.claims if name not in rows] == []
    assert any(rows[name].experiment is not None for name in one.claims)
    assert len(set(one.claims)) == len(one.claims)


def test_no_experiment_carries_more_than_three_questions():
    """A bank that rests on a handful of experiments would prove little."""
    backs = Counter(name for one in ALL for name in one.claims)
    assert {name: count for name, count in backs.items() if count > 3} == {}


@each_question
def test_every_member_is_filled_and_a_strong_answer_has_four_to_seven_points(one):
    """Short points, several of each kind, and sentences that end."""
    assert 4 <= len(one.points) <= 7
    assert len(one.follow_ups) >= 2
    assert len(one.traps) >= 2
    for text in (one.prompt, one.tests, *one.points, *one.follow_ups, *one.traps):
        assert text.endswith((".", "?", "!")), text
        assert len(text) <= 340, text


def test_ids_are_unique_and_in_order():
    """The guide's questions come first, in their order, then our own, topic by topic."""
    ids = [one.id for one in ALL]
    assert len(set(ids)) == len(ids)
    assert [one.order for one in ALL] == sorted(one.order for one in ALL)
    assert all(one.level in LEVELS for one in ALL)


def test_there_are_fifty_and_more_over_nine_topics():
    """The guide's topics, with webhooks as one of them; three experiments and more behind each."""
    assert len(ALL) >= 50
    experiments = {row.ident for row in claims.every() if row.experiment is not None}
    behind = {topic: {name for one in questions.every(topic=topic) for name in one.claims} & experiments
              for topic in questions.topics()}  # fmt: skip
    assert len(behind) == 9
    assert {topic: names for topic, names in behind.items() if len(names) < 3} == {}


@pytest.mark.parametrize("topic", questions.topics())
def test_a_topic_has_questions_of_our_own(topic):
    """The guide's are not all that is asked."""
    assert [one for one in questions.every(topic=topic) if not one.id.startswith("Q-")]


def test_the_files_are_installed_with_the_package():
    """pyproject names them, or a wheel would have an empty bank."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["setuptools"]["package-data"]["sim.questions"] == ["*.toml"]


# Looking one up


def test_questions_are_found_by_topic_level_and_id():
    """Each on its own and both together; case and dashes do not matter."""
    assert questions.named("q-23").id == "Q-23"
    assert questions.named("WEBHOOKS-1").topic == "webhooks"
    webhooks = questions.every(topic="webhooks")
    assert {one.topic for one in webhooks} == {"webhooks"}
    assert {one.level for one in questions.every(topic="Webhooks", level="expert")} == {"expert"}
    assert set(questions.levels(webhooks)) == {one.level for one in webhooks}


def test_a_seed_draws_the_same_question_again_and_others_draw_others():
    """By lot, and repeatable; only from what was asked for."""
    assert questions.draw(3) == questions.draw(3)
    assert len({questions.draw(seed).id for seed in range(20)}) > 5
    assert {questions.draw(seed, topic="webhooks", level="mid").level for seed in range(5)} == {"mid"}


@pytest.mark.parametrize(
    ("look", "sentence"),
    [
        (lambda: questions.named("Q-230"), "unknown question 'Q-230'; did you mean"),
        (lambda: questions.every(topic="webhook"), "unknown topic 'webhook'; did you mean webhooks"),
        (lambda: questions.draw(level="experts"), "unknown level 'experts'; did you mean expert"),
        (lambda: questions.show("tea-1"), "unknown question 'tea-1'"),
    ],
)
def test_an_unknown_name_is_one_sentence_with_the_near_ones(look, sentence):
    """Whatever is looked up."""
    with pytest.raises(ValueError, match="unknown") as error:
        look()
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


def test_a_level_that_a_topic_does_not_have_is_a_sentence(tmp_path, monkeypatch):
    """It says which levels there are."""
    monkeypatch.setattr(bank, "_all", lambda: read(tmp_path, WHOLE))
    monkeypatch.setattr(bank, "topics", lambda: ("tea",))
    with pytest.raises(ValueError, match="the topic tea has no expert question; it has mid"):
        bank.every(topic="tea", level="expert")


# How it is shown


@each_question
def test_show_says_the_question_and_the_answer_only_when_asked(one, capsys):
    """As an interviewer: first the question alone.  Narrow, and the same at every call."""
    questions.show(one.id)
    asked = capsys.readouterr().out
    questions.show(one.id, answer=True)
    answered = capsys.readouterr().out
    assert " ".join(one.prompt.split()) in " ".join(asked.split())
    assert answered.startswith(asked.rstrip("\n"))
    assert "A strong answer" not in asked
    for part in (*one.points, *one.follow_ups, *one.traps, one.tests):
        assert " ".join(part.split()) in " ".join(answered.split())
    assert f"sim run {one.scenario}" in answered
    assert f"sim claims {' '.join(one.claims)}" in answered
    lines = answered.split("Run it")[0].splitlines()
    assert max(map(len, lines)) <= 100


def test_the_terminal_asks_and_answers(capsys):
    """`sim ask ID`, with --answer, and a question by lot."""
    code, asked, _ = terminal(capsys, "ask", "Q-22")
    assert code == 0
    assert "sim ask Q-22 --answer" in asked
    code, answered, _ = terminal(capsys, "ask", "q-22", "--answer")
    assert code == 0
    assert "A strong answer" in answered
    drawn = [terminal(capsys, "ask", "--topic", "webhooks", "--seed", "4")[1] for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert "webhooks" in drawn[0]


@pytest.mark.parametrize(
    "arguments",
    [("Q-2",), ("--topic", "webhook"), ("--level", "easy"), ("Q-22", "--topic", "webhooks")],
    ids=lambda arguments: " ".join(arguments),
)
def test_the_terminal_refuses_in_one_sentence(capsys, arguments):
    """Exit code 2, nothing on stdout."""
    code, out, err = terminal(capsys, "ask", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("sim: ")
    assert len(err.splitlines()) == 1


# What is in a file


def test_a_file_in_the_folder_is_a_topic(tmp_path):
    """Nothing else has to be told of it; texts may be broken over lines."""
    (one,) = read(tmp_path, WHOLE.replace('"Why is it hot?"', '"""\nWhy is\n it hot?"""'))
    assert (one.id, one.topic, one.prompt) == ("tea-1", "tea", "Why is it hot?")
    assert one.claims == ("Q-22.1",)
    assert bank.read(tmp_path / "nowhere") == ()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('level = "mid"\n', "", "tea.toml, tea-1: level is missing"),
        ('"mid"', '"easy"', "tea.toml, tea-1: level must be one of mid, senior, expert, got 'easy'"),
        ('"mid"', "3", "tea.toml, tea-1: level must be a text that is not empty, got 3"),
        ('"Why is it hot?"', '"  "', "tea.toml, tea-1: prompt must be a text that is not empty, got '  '"),
        ('["It was boiled."]', '"It was."', "tea.toml, tea-1: points must be a list of texts, at least one"),
        ('["And now?"]', "[]", "tea.toml, tea-1: follow_ups must be a list of texts, at least one"),
        ('["Waiting."]', '["Waiting.", 1]', "tea.toml, tea-1: traps must be a list of texts, at least one"),
        ('["Q-22.1"]', '[""]', "tea.toml, tea-1: claims must be a list of texts, at least one"),
        ('"tea-1"', '"Tea-1"', "tea.toml, Tea-1: id must look like Q-23 or tea-1, got 'Tea-1'"),
        ('"tea-1"', '"coffee-1"', "tea.toml, coffee-1: id must look like Q-23 or tea-1, got 'coffee-1'"),
        ('id = "tea-1"\n', "", "tea.toml, question 1: id is missing"),
        ("#Predict", "", "tea.toml, tea-1: notebook must look like 02_idempotency#heading-in-it"),
        ("tests =", "purpose =", "tea.toml, tea-1: purpose is no member of a question; these are: id, level"),
        ("[[question]]", "[[question]]\ndemo = 1", "tea.toml, tea-1: demo must be a table of policies, figure and pre"),
        (
            "[[question]]",
            f"[[question]]\n{DEMO.replace('b', 'a')}",
            "tea.toml, tea-1: demo.policies must be two differ",
        ),
        ("[[question]]", f"[[question]]\n{DEMO.replace('ok', '')}", "tea.toml, tea-1: demo.figure must be a text that"),
        ("[[question]]", f"[[question]]\n{DEMO.replace('{ rate', '3 #')}", "tea.toml must be TOML: "),
        (
            "[[question]]",
            f"[[question]]\n{DEMO.replace('1', 'true')}",
            "tea.toml, tea-1: demo.presets, 'fast', must be a",
        ),
        ("[[question]]", "[question]", "tea.toml must hold [[question]] tables, at least one and nothing else"),
        ("[[question]]", "title = 1\n[[question]]", "tea.toml must hold [[question]] tables, at least one and nothing"),
        ('"mid"', '"mid', "tea.toml must be TOML: "),
    ],
    ids=lambda text: text.strip()[:24],
)
def test_a_broken_file_is_one_sentence_that_names_file_question_and_member(tmp_path, old, new, sentence):
    """Whoever writes a question is told what to repair, and where."""
    assert old in WHOLE
    with pytest.raises(ValueError, match=r"^tea\.toml") as error:
        read(tmp_path, WHOLE.replace(old, new, 1))
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


def test_an_id_is_of_one_question(tmp_path):
    """Twice in a file, or in two files: told where the other is."""
    with pytest.raises(ValueError, match=r"^tea.toml, tea-1: id must be of one question, and another in this file"):
        read(tmp_path, WHOLE * 2)
    guides = WHOLE.replace("tea-1", "Q-01")
    read(tmp_path, guides)
    with pytest.raises(ValueError, match=r"^water.toml, Q-01: id must be of one question, and another in tea.toml"):
        read(tmp_path, guides, name="water.toml")


def test_a_file_that_is_no_text_is_told(tmp_path):
    """Bytes that are no UTF-8 are a sentence too."""
    (tmp_path / "tea.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"^tea.toml must be TOML: "):
        bank.read(tmp_path)


def test_the_numbers_of_the_herd_are_those_of_its_run():
    """What the rubric of webhooks-6 says of its own scenario, on ten seeds."""
    world = sim.scenarios.thundering_herd(**questions.named("webhooks-6").knobs)
    runs = sim.compare(world, ["immediate", "exponential", "equal-jitter", "full-jitter"], seeds=range(10))
    ok, late = ({name: runs.estimate(name, figure).mean for name in runs.figures} for figure in ("ok", "p99"))
    assert 45 <= ok["immediate"] <= 55
    assert late["immediate"] < 0.25
    assert 285 <= ok["exponential"] <= 299
    assert ok["full-jitter"] >= 495
    assert late["full-jitter"] < 2.0
    assert ok["equal-jitter"] == 500
    assert late["equal-jitter"] < late["full-jitter"]
