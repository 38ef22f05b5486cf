"""What a demo showed, to take home: a picture, the table, and a notebook that runs it again."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Sequence
from typing import Any

import pandas

from sim.charts.still import png
from sim.demo.link import State
from sim.experiment import Comparison
from sim.widgets.panel_order import shown_figures
from sim.widgets.panel_widget import Panel

_DRAWN = {
    "figures": "sim.charts.figures(compared)", "load": "sim.charts.load(compared)",
    "outcomes": "sim.charts.outcomes(compared)", "latency": "sim.charts.latency(compared)",
}  # fmt: skip
# A ZIP file's earliest instant: the same run is the same bytes, whenever it is saved.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def packed(state: State, panel: Panel) -> tuple[str, bytes]:
    """The name and the bytes of a ZIP file with `chart.png`, `table.csv` and `run.ipynb`."""
    files = {
        "chart.png": png(panel.picture(), dpi=130),
        "table.csv": table(panel.compared).to_csv(lineterminator="\n").encode(),
        "run.ipynb": notebook(state, panel).encode(),
    }
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(zipfile.ZipInfo(f"unhappy-path-{state.subject.name}/{name}", _EPOCH), content)
    return f"unhappy-path-{state.subject.name}.zip", memory.getvalue()


def table(compared: Comparison) -> pandas.DataFrame:
    """A row a policy; a column with the mean of each figure that the page shows, and half its 95 % interval, if any."""
    columns: dict[str, list[float]] = {}
    for figure, title in shown_figures(compared.scenario).items():
        estimates = [compared.estimate(name, figure) for name in compared.figures]
        columns[title] = [one.mean for one in estimates]
        if not all(math.isnan(one.half) for one in estimates):
            columns[f"{title}, ±"] = [one.half for one in estimates]
    return pandas.DataFrame(columns, index=pandas.Index(list(compared.figures), name="policy"))


def notebook(state: State, panel: Panel) -> str:
    """A notebook that runs the same again, not yet run."""
    about = f"# {state.subject.title}\n\n{state.subject.prompt}\n\nSaved from a demo: `sim demo`, `?{state.query()}`."
    chart = _DRAWN[panel.chart.value]
    code = [
        f"%matplotlib inline\nimport sim\n\ncompared = {panel.in_code()}\ncompared.table({_asked(panel)})",
        chart,
        "sim.play(compared)",
    ]
    return book([("markdown", about), *(("code", one) for one in code)], title=state.subject.name)


def book(cells: Sequence[tuple[str, str]], title: str) -> str:
    """The text of a notebook with these *cells*, a kind and a source each, that nobody has run yet."""
    made: list[dict[str, Any]] = [
        {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": source.splitlines(keepends=True)}
        | ({"execution_count": None, "outputs": []} if kind == "code" else {})
        for number, (kind, source) in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    about = {"kernelspec": kernel, "title": title}
    return json.dumps({"cells": made, "metadata": about, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def _asked(panel: Panel) -> str:
    return ", ".join(f'"{figure}"' for figure in shown_figures(panel.scenario))
