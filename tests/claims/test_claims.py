"""The ledger: every experiment bears out its verdict, and the table that notebooks print is the same at every run."""

import pytest

from sim import claims
from sim.claims import Claim, Evidence, Verdict, cite, claim, layout, registry

ALL = claims.every()
BY_EXPERIMENT = [one for one in ALL if one.experiment is not None]


def ident(one):
    """What a test is called by."""
    return one.ident


def sample(holds=True, verdict=Verdict.WRONG):
    """A claim that measures nothing."""

    @claim("Q-99.1", "the moon is a cheese", verdict=verdict, why="it has been visited")
    def experiment():
        """One look; no margin."""
        return Evidence("rock", "cheese", holds)

    return experiment


@pytest.mark.slow
@pytest.mark.parametrize("one", BY_EXPERIMENT, ids=ident)
def test_the_experiment_bears_out_the_verdict(one):
    """The measurement fits the verdict that the ledger gives, within the margin that its docstring states."""
    evidence = one.run()
    assert evidence.holds, f"{one.ident} is called {one.verdict.value}, and the run gave {evidence.measured}"


@pytest.mark.parametrize("one", ALL, ids=ident)
def test_a_row_says_all_that_it_must(one):
    """A row is short, says why, and names its margin or its source unless it is an opinion."""
    assert len(one.text) <= 140
    assert len(one.why) <= 160
    assert one.text.endswith(".")
    assert one.why.endswith((".", "?"))
    assert one.margin or one.source or one.verdict is Verdict.OPINION


def test_ids_are_unique_and_in_order():
    """Q-22.2 comes before Q-22.10, and no id twice."""
    idents = [one.ident for one in ALL]
    assert len(set(idents)) == len(idents)
    assert [one.order for one in ALL] == sorted(one.order for one in ALL)
    assert sample().order < cite("Q-99.10", "a.", verdict=Verdict.OPINION, why="b.").order


def test_two_claims_of_one_id_are_refused(monkeypatch):
    """A second Q-22.1 anywhere in the folder is found at once."""
    from sim.claims import webhooks_delivery

    double = cite("Q-22.1", "another.", verdict=Verdict.OPINION, why="by mistake.")
    monkeypatch.setattr(webhooks_delivery, "DOUBLE", (double,), raising=False)
    with pytest.raises(ValueError, match="two claims are called"):
        registry.every.__wrapped__()


def test_a_prefix_is_a_question_a_claim_or_a_letter():
    """Q-22 is Q-22.1 and its sisters, X all contradictions, nothing is everything; case does not matter."""
    assert {one.ident.partition(".")[0] for one in claims.named("Q-22")} == {"Q-22"}
    assert [one.ident for one in claims.named("x-3", "q-22.6")] == ["Q-22.6", "X-3"]
    assert all(one.ident.startswith("X-") for one in claims.named("X"))
    assert claims.named() == ALL


@pytest.mark.parametrize("prefix", ["Q-2", "Q-22.99", "", "Z"])
def test_an_unknown_prefix_is_a_sentence(prefix):
    """A prefix ends where a number ends: Q-2 is not Q-22, and the near names are told."""
    with pytest.raises(ValueError, match="unknown claim") as error:
        claims.named(prefix)
    assert "\n" not in str(error.value)


def test_an_experiment_that_does_not_hold_is_reported():
    """The row says so in capitals, beside the verdict that it does not bear out."""
    assert "NOT BORNE OUT" not in layout.table([(sample(), sample().run())])
    failing = sample(holds=False)
    shown = " ".join(layout.table([(failing, failing.run())]).split())
    assert "wrong: NOT" in shown
    assert "BORNE OUT" in shown


def test_show_is_stable_and_narrow(capsys):
    """Twice the same text, at most 100 columns wide, every id in it, and no seconds of a clock."""
    claims.show("X-3", "Q-22.5")
    first = capsys.readouterr().out
    claims.show("X-3", "Q-22.5")
    assert capsys.readouterr().out == first
    lines = first.splitlines()
    assert max(map(len, lines)) <= 100
    assert all(line == line.rstrip() for line in lines)
    assert [line.split()[0] for line in lines if line.startswith(("Q", "X"))] == ["Q-22.5", "X-3"]
    assert "seconds" not in lines[0]


def test_a_row_without_an_experiment_shows_its_source():
    """A citation stands where the measurement would."""
    cited = cite("Q-99.2", "tea is hot.", verdict=Verdict.HOLDS, why="it says so.", source="RFC 7168 section 2")
    assert cited.run() is None
    assert cited.margin == ""
    assert layout.cells(cited, None)[3:] == ("not an experiment", "RFC 7168 section 2")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"ident": "22.6"}, "ident must look like"),
        ({"text": ""}, "must have a text and a why"),
        ({"why": ""}, "must have a text and a why"),
        ({"verdict": Verdict.WRONG}, "must have an experiment or a source"),
        ({"experiment": lambda: None}, "must state its margin"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_claim_that_is_not_whole_is_refused(wrong, sentence):
    """At construction, in one sentence."""
    whole = {"ident": "Q-99.3", "text": "a.", "verdict": Verdict.OPINION, "why": "b."}
    with pytest.raises(ValueError, match=sentence):
        Claim(**whole | wrong)
