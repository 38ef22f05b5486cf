"""The one table of deviations: where we differ from the libraries that we are checked against, and why.

Every `deviations_<topic>.py` beside this file holds rows; each row has a test that shows both sides.  Run this file to
write DEVIATIONS.md anew: `python tests/oracles/deviations.py`.
"""

import importlib.util
from pathlib import Path

FOLDER = Path(__file__).parent
TABLE = FOLDER / "DEVIATIONS.md"
HEAD = """# Where we differ from the libraries, and why

Our decisions are compared with these libraries on the same inputs (`tests/oracles/`). Where they differ, the difference
is written down here, and a test shows both sides. Written by `python tests/oracles/deviations.py`.
"""


def rows():
    """Every deviation by its topic: (ident, library, what we do, what it does, why)."""
    found = {}
    for path in sorted(FOLDER.glob("deviations_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found[path.stem.removeprefix("deviations_")] = list(module.DEVIATIONS)
    return found


def table():
    """DEVIATIONS.md as it should be."""
    parts = [HEAD]
    for topic, deviations in rows().items():
        parts.append(f"\n## {topic.capitalize()}\n\n| ident | library | we | it | why |\n|---|---|---|---|---|\n")
        parts += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in deviations]
    return "".join(parts)


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
