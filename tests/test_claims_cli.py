"""`sim claims`: the table, the JSON, what it refuses, and how it reports a verdict that is not borne out."""

import json

import pytest

from sim import claims
from sim.claims import Evidence, Verdict, claim
from sim.cli import main


def terminal(capsys, *arguments):
    """Exit code, stdout and stderr of `sim` with these arguments."""
    code = 0
    try:
        main(arguments)
    except SystemExit as end:
        code = end.code or 0
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_table_has_a_row_a_claim_and_counts_them(capsys):
    """Id, verdict, measured, expected and seconds; the last line counts."""
    code, out, err = terminal(capsys, "claims", "X-3")
    assert code == 0
    assert err == ""
    for word in ("X-3", "contradicts itself", "2,130", "expected", "seconds", "1 claim, 1 by experiment"):
        assert word in out


def test_json_has_the_same_rows(capsys):
    """One object; numbers as texts with their units, seconds as a number."""
    code, out, _ = terminal(capsys, "claims", "X-3", "Q-22.5", "--json")
    found = json.loads(out)["claims"]
    assert code == 0
    assert [row["id"] for row in found] == ["Q-22.5", "X-3"]
    assert found[0]["verdict"] == "holds"
    assert found[0]["holds"] is True
    assert found[0]["seconds"] >= 0.0
    assert set(found[0]) == {
        "id", "claim", "verdict", "measured", "expected", "holds", "why", "source", "margin", "seconds",
    }  # fmt: skip


def test_a_row_without_an_experiment_has_nulls(capsys, monkeypatch):
    """What was not measured is null, in the JSON, and a word in the table."""
    cited = claims.cite("Q-99.2", "tea is hot.", verdict=Verdict.OPINION, why="some like it cold.")
    monkeypatch.setattr(claims, "named", lambda *prefixes: (cited,))
    (row,) = json.loads(terminal(capsys, "claims", "--json")[1])["claims"]
    assert [row[name] for name in ("measured", "expected", "holds", "source", "margin", "seconds")] == [None] * 6
    assert "1 claim, 0 by experiment" in terminal(capsys, "claims")[1]


@pytest.mark.parametrize("prefix", ["Q-222", "Q-22.99", "moon"])
def test_an_unknown_id_is_one_sentence_with_near_names(capsys, prefix):
    """Exit code 2, nothing on stdout, the near names on stderr."""
    code, out, err = terminal(capsys, "claims", prefix)
    assert (code, out) == (2, "")
    assert err.startswith(f"sim: unknown claim '{prefix.upper()}'; ")
    assert err.count("\n") == 1
    if prefix.startswith("Q-22"):
        assert "did you mean Q-22" in err


def test_a_verdict_that_is_not_borne_out_ends_with_1(capsys, monkeypatch):
    """The table is printed all the same, the row says so, and stderr names it."""

    @claim("Q-99.1", "the moon is a [cheese].", verdict=Verdict.HOLDS, why="it shines.")
    def moon():
        """One look; no margin."""
        return Evidence("rock", "cheese", False)

    monkeypatch.setattr(claims, "named", lambda *prefixes: (moon,))
    code, out, err = terminal(capsys, "claims")
    assert code == 1
    assert "NOT BORNE OUT" in out
    assert "[cheese]" in out
    assert err == "sim: the verdict is not borne out: Q-99.1\n"
