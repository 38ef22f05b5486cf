"""A chart as a sentence and as a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def alt(figure: Figure) -> str:
    """What *figure* shows, in a sentence or two with its numbers."""
    return str(figure.get_label())


def save(figure: Figure, path: str | Path) -> None:
    """Write *figure* to *path* (.png, .svg or .pdf), with its sentence inside; all of the file or none of it."""
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    # No date in the file: the same run gives the same bytes.
    notes: dict[str, dict[str, Any]] = {
        "png": {"Description": alt(figure)},
        "svg": {"Description": alt(figure), "Date": None},
        "pdf": {"Subject": alt(figure), "CreationDate": None},
    }
    if kind not in notes:
        raise ValueError(f"path must end in .png, .svg or .pdf, got {str(path)!r}")
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            figure.savefig(file, format=kind, dpi=150, metadata=notes[kind])
        # mkstemp makes files for their owner alone; a chart is for everybody, as the umask allows.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
