"""The learner's copy: `work/` beside the notebooks, made once and never overwritten.

The committed notebooks stay as they are, so an update never conflicts with a learner's answers.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDERS = ("notebooks", "exercises")
START = "notebooks/00_start_here.ipynb"
NEWS = "@jupyterlab/apputils-extension:announcements"


def prepare(reset: str | None = None, root: Path | None = None) -> Path:
    """Copy what the learner's folder does not have yet; returns the folder.

    *reset*: the number of a notebook, such as "02", to be copied anew, the old one kept beside it as `.bak`.
    *root*: the folder of the project; None is where this package was checked out.

    Raises: `ValueError` when there are no notebooks here, or none with that number.
    """
    root = root or Path(__file__).resolve().parent.parent
    sources = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*")) if _wanted(path)]
    if not any(path.suffix == ".ipynb" for path in sources):
        raise ValueError(
            "the notebooks are not beside the installed package; run `sim lab` from a clone of the project"
        )
    work = root / "work"
    chosen = [path for path in sources if reset is not None and path.name.startswith(f"{reset}_")]
    if reset is not None and not chosen:
        numbers = ", ".join(sorted({path.name.split("_")[0] for path in sources if path.suffix == ".ipynb"}))
        raise ValueError(f"--reset takes the number of a notebook ({numbers}), got {reset!r}")
    for path in sources:
        copy = work / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path in chosen and copy.exists():
            copy.replace(copy.with_suffix(".ipynb.bak"))
        if not copy.exists():
            shutil.copyfile(path, copy)
    return work


def open_lab(folder: Path, options: Sequence[str] = ()) -> int:
    """Run JupyterLab on *folder* until it is closed; returns its exit code.

    *options*: handed on to JupyterLab as they are, such as `--no-browser` or `--allow-root`.
    """
    settings = folder / ".jupyter"
    page = settings / "labconfig" / "page_config.json"
    page.parent.mkdir(parents=True, exist_ok=True)
    # JupyterLab would ask whether it may fetch news, and a demo without a network has none.
    page.write_text(json.dumps({"disabledExtensions": {NEWS: True}}), encoding="utf-8")
    paths = [str(settings), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    environment = {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "jupyterlab", START, f"--ServerApp.root_dir={folder}", *options]
    return subprocess.call(command, cwd=folder, env=environment)


def _wanted(path: Path) -> bool:
    """A notebook, or a text that one links to."""
    hidden = {".ipynb_checkpoints", "solutions"} & set(path.parts)
    return path.suffix in (".ipynb", ".md") and not hidden
