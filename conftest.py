"""How notebooks are checked: `pytest --nbval notebooks/` from any directory, with no further flag."""

import logging
import os
from pathlib import Path

import pytest

CELL_SECONDS = 60.0
collect_ignore = ["exercises/mutants", "tests/hostile/answers"]  # wrong and hostile ones; read and never imported
NBVAL_DEFAULT_SECONDS = 2_000.0


def pytest_configure(config):
    """Settle what nbval would otherwise take from the command line or the machine."""
    options = config.option
    if not getattr(options, "nbval", False):
        return
    # A kernel that dies holds its cell until the timeout.
    if options.nbval_cell_timeout == NBVAL_DEFAULT_SECONDS:
        options.nbval_cell_timeout = CELL_SECONDS
    # nbval looks for the file from the working directory.
    if options.nbval_sanitize_with:
        options.nbval_sanitize_with = str(Path(options.nbval_sanitize_with).resolve())
    # The kernel of this environment, whatever kernels are installed for the user.
    if not options.nbval_kernel_name:
        options.nbval_current_env = True
    os.environ["PYTHONHASHSEED"] = "0"
    # A fresh machine builds matplotlib's list of fonts once, and says so on stderr: better here than in a cell.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    import matplotlib.font_manager  # noqa: F401


def pytest_runtest_setup(item):
    """A cell that was never executed has no outputs, and nbval would compare nothing and pass."""
    cell = getattr(item, "cell", None)
    if cell is not None and cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
        pytest.fail(f"{item.path.name}: a code cell was never executed; run `make notebooks`", pytrace=False)
