"""A widget's picture for where nothing runs: JupyterLab and an HTML export show it until a kernel makes it live."""

from __future__ import annotations

import base64
import io
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def png(figure: Figure, *, dpi: int = 100) -> bytes:
    """The *figure* as a file; the same figure gives the same bytes, because no software's name is in it."""
    # `savefig` gives the same, but draws twice what is laid out as it is drawn; a slider's user would wait for that.
    file, before = io.BytesIO(), figure.dpi
    figure.dpi = dpi
    try:
        FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})  # type: ignore[no-untyped-call]
    finally:
        figure.dpi = before
    return file.getvalue()


def bundle(live: Any, figure: Figure, sentence: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a widget shows of itself: its live view, the *figure* with its alternative text, and the *sentence*.

    *live*: what the widget's own class says, a bundle with or without metadata.
    """
    data, metadata = live if isinstance(live, tuple) else (live, {})
    return (
        {**data, "text/plain": sentence, "image/png": base64.b64encode(png(figure)).decode()},
        {**metadata, "image/png": {"alt": sentence}},
    )
