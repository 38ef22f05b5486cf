"""What every live panel shares: a still picture, and a text that is the same at every run."""

from __future__ import annotations

import base64
import io
from typing import Any

import ipywidgets as w
from matplotlib.figure import Figure


class LivePanel(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A panel of widgets with a `picture()` of itself and a `sentence()` about itself.

    JupyterLab and an HTML export show the picture where no kernel runs; a terminal shows the sentence.
    """

    def picture(self) -> Figure:
        """The panel as it stands, without its buttons."""
        raise NotImplementedError(f"{type(self).__name__} must draw its picture()")

    def sentence(self) -> str:
        """What the panel shows, with its numbers; no address, no clock time."""
        raise NotImplementedError(f"{type(self).__name__} must say its sentence()")

    def __repr__(self) -> str:
        return self.sentence()

    def _repr_mimebundle_(self, **asked: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**asked)
        file = io.BytesIO()
        # No software's name in the file: the same panel gives the same bytes.
        self.picture().savefig(file, format="png", dpi=100, metadata={"Software": None})
        return {**bundle, "text/plain": self.sentence(), "image/png": base64.b64encode(file.getvalue()).decode()}
