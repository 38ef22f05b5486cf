"""The project's own files agree with each other."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import yaml

from sim.scenarios import stories

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins():
    """Every direct dependency as a pair of name and version."""
    project = PROJECT["project"]
    lines = project["dependencies"] + [line for extra in project["optional-dependencies"].values() for line in extra]
    lines = [line for line in lines if not line.startswith("unhappy-path[")]  # one extra in another
    return dict(re.fullmatch(r"([A-Za-z0-9_.-]+)==([0-9a-z.]+)", line).groups() for line in lines)


def constraints():
    """Every pinned version of the constraints, by its normalised name."""
    lines = (ROOT / ".constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {normal(name): version for name, version in pairs}


def normal(name):
    """A package name as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_is_pinned_and_constrained():
    """pyproject pins each direct dependency exactly, and the constraints hold the same version."""
    held = constraints()
    assert {name: held.get(normal(name)) for name in pins()} == pins()


def test_constraints_name_no_host():
    """The constraints are names and versions, nothing that says where they came from."""
    text = (ROOT / ".constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert " @ " not in text


def test_conda_environment_is_in_step():
    """environment.yml asks for the same Python and installs this project with its constraints."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, (installs) = environment["dependencies"]
    assert python == f"python{PROJECT['project']['requires-python']}"
    assert pip == "pip"
    assert installs == {"pip": ["-c .constraints.txt", "-e .[test]"]}
    assert environment["name"] == PROJECT["project"]["name"]


def test_no_two_test_files_share_a_name():
    """pytest imports test files by their bare names: two of one name, and it collects only the first."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


def test_readme_names_the_commands_that_exist():
    """Every `make` target that README and CONTRIBUTING mention is in the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M))
    for name in ("README.md", "CONTRIBUTING.md"):
        mentioned = set(re.findall(r"`make ([a-z]+)`", (ROOT / name).read_text(encoding="utf-8")))
        assert mentioned <= targets
        assert mentioned


def test_top_level_stays_small():
    """Nothing stands at the top level but what was agreed."""
    agreed = {
        "pyproject.toml", "environment.yml", "notebooks", "sim", "exercises", "tests", "benchmarks", "README.md",
        "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "conftest.py",
    }  # fmt: skip
    made = {"work", "out", "build", "dist", "unhappy_path.egg-info"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".") and path.name != "__pycache__"}
    assert found - made <= agreed


def test_the_explorer_in_the_readme_finds_the_double_charge(capsys):
    """The README's block on the explorer runs as it stands and shows a schedule that charges twice."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.S)
    (block,) = (block for block in blocks if "sim.explore" in block)
    exec(f"import sim\n{block}", {})
    assert "charged twice" in capsys.readouterr().out


def test_the_readmes_table_of_the_kit_names_what_there_is():
    """Every policy package, service and scenario of the table exists, and no topic's scenario is left out."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[2:5] for line in text.split("## The kit")[1].split("\n\n")[1].splitlines()[2:]]
    policies, services, told = ({name for row in rows for name in re.findall(r"`([\w-]+)`", row[n])} for n in range(3))
    assert all((ROOT / "sim" / "policies" / name).is_dir() for name in policies)
    assert all(list((ROOT / "sim" / "services").glob(f"{name}*")) for name in services)
    published = {"aws-contention", "client-throttling", "collapse", "plain-queue"}
    assert told == set(stories()) - published
