"""Answer cells: which they are, and how they are read out of a notebook, whoever wrote it.

A notebook is read as the JSON that it is: importing nbformat takes seconds, and a learner waits for a check.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

LONGEST = 20_000_000
"""Bytes of a notebook; one with all its pictures has a tenth of this."""
_ANSWER = re.compile(r"#\s*answer:\s*(\S+)\s*")


def marked(id: str, source: str) -> str:
    """*source* as an answer cell."""
    return f"# answer: {id}\n{source.strip()}"


def answer_of(cell: dict[str, Any]) -> str | None:
    """The id of the exercise that *cell* answers, None when it is no answer cell."""
    if cell.get("cell_type") != "code":
        return None
    found = _ANSWER.fullmatch(source_of(cell).partition("\n")[0].strip())
    return None if found is None else found[1]


def source_of(cell: dict[str, Any]) -> str:
    """The text of a cell, which may be kept as a list of lines."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(map(str, source)) if isinstance(source, list) else ""


def answers_in(notebook: dict[str, Any]) -> list[tuple[str, str]]:
    """Each answer cell's id and source, in order; an id may come twice in what a learner hands in."""
    cells = [(answer_of(cell), source_of(cell)) for cell in notebook["cells"]]
    return [(id, source) for id, source in cells if id is not None]


def read(path: Path) -> dict[str, Any]:
    """The notebook at *path*.

    Raises: `ValueError`, one sentence that says what it is instead.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except FileNotFoundError:
        raise ValueError(
            f"there is no {path.name} in {path.parent.name}/; `sim lab` makes the learner's copy"
        ) from None
    if len(data) > LONGEST:
        raise ValueError(f"{path.name} must have at most {LONGEST:,} bytes")
    try:
        notebook = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError(f"{path.name} must be UTF-8 text") from None
    except (ValueError, RecursionError):
        raise ValueError(f"{path.name} must be a notebook, and is no JSON") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise ValueError(f"{path.name} must be a notebook of format 4, and has no list of cells")
    return dict(notebook)


def written(notebook: dict[str, Any]) -> str:
    """The text of a notebook, as Jupyter writes it."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
