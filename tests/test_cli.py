"""The terminal: what it prints, what it refuses, and that it refuses before it writes."""

import json
import subprocess
import sys

import pytest

from sim.cli import main
from sim.scenarios import stories, topics

SMALL = ["--set", "clients=200", "--set", "queue=10", "--policy", "immediate", "--policy", "full-jitter"]
FIGURES = {
    "calls", "ok", "gave_up", "attempts", "rejected", "timed_out", "zombie", "amplification", "p50", "p99",
    "drain_seconds", "peak_attempts_per_100ms",
}  # fmt: skip


def terminal(capsys, *arguments):
    """Exit code, stdout and stderr of `sim` with these arguments."""
    code = 0
    try:
        main(arguments)
    except SystemExit as end:
        code = end.code or 0
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_list_names_every_scenario_and_policy(capsys):
    """`sim list` names the scenarios by topic, a line each, and the policies."""
    code, out, _ = terminal(capsys, "list")
    assert code == 0
    for word in (*topics(), *stories(), "full-jitter", "+breaker"):
        assert word in out


def test_list_of_one_scenario_shows_its_knobs_and_what_it_compares(capsys):
    """`sim list NAME` gives the whole story, its knobs with units, its policies; an unknown name ends with 2."""
    code, out, _ = terminal(capsys, "list", "thundering-herd")
    assert code == 0
    for word in ("everybody who was waiting", "clients = 10,000 clients", "policies", "decorrelated-jitter"):
        assert word in out
    code, out, err = terminal(capsys, "list", "thundering-heard")
    assert (code, out) == (2, "")
    assert "did you mean thundering-herd" in err


def test_json_of_one_seed_has_plain_figures(capsys):
    """One seed: the object names the seed, the knobs, and one number for each figure."""
    code, out, _ = terminal(capsys, "run", "thundering-herd", *SMALL, "--seed", "3", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["scenario"] == "thundering-herd"
    assert found["seed"] == 3
    assert found["knobs"]["clients"] == 200
    assert set(found["policies"]) == {"immediate", "full-jitter"}
    assert set(found["policies"]["immediate"]) == FIGURES
    assert found["policies"]["immediate"]["ok"] == 60  # 50 workers and 10 places, nobody else is ever served


def test_json_of_several_seeds_has_intervals(capsys):
    """Several seeds: every figure is a mean with its interval, and the seeds are named."""
    code, out, _ = terminal(capsys, "run", "thundering-herd", *SMALL, "--seeds", "3", "--seed", "7", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["seeds"] == [7, 8, 9]
    attempts = found["policies"]["full-jitter"]["attempts"]
    assert attempts["low"] < attempts["mean"] < attempts["high"]
    assert attempts["n"] == 3


def test_the_table_ends_with_a_plain_sentence(capsys):
    """Without --json there is a table and one sentence of what it shows."""
    code, out, _ = terminal(capsys, "run", "thundering-herd", *SMALL)
    assert code == 0
    assert "full-jitter" in out
    assert "Of 200 calls, full-jitter ends" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "thundering-hurd"], "unknown scenario 'thundering-hurd'; did you mean thundering-herd"),
        (["run", "thundering-herd", "--policy", "ful-jitter"], "unknown policy 'ful-jitter'; did you mean full-jitter"),
        (
            ["run", "thundering-herd", "--set", "client=3"],
            "unknown knob of thundering-herd 'client'; did you mean clients",
        ),
        (["run", "thundering-herd", "--set", "clients=0"], "clients must be at least 1, got 0"),
        (["run", "thundering-herd", "--set", "clients=many"], "clients must be a number, got 'many'"),
        (["run", "thundering-herd", "--set", "clients=2.5"], "clients must be a whole number, got 2.5"),
        (["run", "thundering-herd", "--set", "service=nan"], "service must be a finite number, got nan"),
        (["run", "thundering-herd", "--set", "timeout=-1"], "timeout must be more than 0, got -1.0"),
        (["run", "thundering-herd", "--set", "clients"], "--set takes NAME=VALUE, got 'clients'"),
        (["run", "thundering-herd", "--seeds", "0"], "--seeds must be at least 1, got 0"),
        (
            ["run", "thundering-herd", "--chart", "nowhere/at/all.png"],
            "--chart must name a file in a folder that exists",
        ),
        (["run", "thundering-herd", "--chart", "herd.docx"], "--chart must end in .png, .svg or .pdf"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(capsys, arguments, sentence):
    """Bad input: exit code 2, one line on stderr that names the thing, the rule and the value, nothing on stdout."""
    code, out, err = terminal(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith(f"sim: {sentence}")
    assert err.count("\n") == 1


@pytest.mark.slow
def test_the_command_is_installed():
    """`python -m sim.cli` in a process of its own ends with the same code and sentence."""
    ended = subprocess.run(
        [sys.executable, "-m", "sim.cli", "run", "herd"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
