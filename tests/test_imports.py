"""The core is light: importing it brings in nothing that is not needed yet."""

import json
import subprocess
import sys

import pytest

HEAVY = ("pandas", "numpy", "matplotlib", "joblib", "IPython", "ipywidgets")
CODE = "import json, sys; import {module}; print(json.dumps(sorted(name for name in sys.modules if '.' not in name)))"


def loaded_by(module):
    """Top-level modules that a new interpreter has loaded after importing *module*."""
    command = [sys.executable, "-c", CODE.format(module=module)]
    return set(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


@pytest.mark.slow
def test_import_sim_is_light():
    """`import sim` loads no data library, no plotting, and not even SimPy."""
    found = loaded_by("sim")
    assert "sim" in found
    assert not found & {*HEAVY, "simpy", "attrs", "attr"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", ["sim.experiment", "sim.metrics", "sim.scenarios", "sim.policies", "sim.model.world"]
)
def test_layers_up_to_experiment_load_no_data_library(module):
    """Everything up to `experiment` imports without pandas, numpy, matplotlib and joblib."""
    assert not loaded_by(module) & set(HEAVY)


@pytest.mark.slow
def test_scenarios_and_policies_load_no_engine():
    """Layers 0 to 2 know nothing of SimPy, also when every story has been found."""
    assert "simpy" not in loaded_by("sim.policies, sim.services, sim.scenarios; sim.scenarios.stories()")


@pytest.mark.slow
def test_a_run_and_its_figures_need_no_data_library():
    """A whole run with its summary stays pure Python; the first table asks for pandas."""
    small = "sim; one = sim.run(sim.scenarios.thundering_herd(clients=20), seed=0); one.summary()"
    assert not loaded_by(small) & set(HEAVY)
    assert "pandas" in loaded_by(f"{small}; one.calls")
