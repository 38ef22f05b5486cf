"""What every live panel shares: a still picture, and a text that is the same at every run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anywidget
import ipywidgets as w
from matplotlib.figure import Figure

from sim.charts.still import bundle

KEYS = """
function leave({ target }) {
  if (target.matches?.(".sim-live-panel select")) target.setAttribute("data-lm-suppress-shortcuts", "true");
}
export default {
  render({ el }) {
    el.hidden = true;
    document.addEventListener("focusin", leave);
    return () => document.removeEventListener("focusin", leave);
  },
};
"""
"""JupyterLab takes the arrows and the letters of a list that has the focus for its own commands (D, D deletes a cell).

This asks it to leave them to the list.  Buttons and fields need no such help, and keep Shift+Enter and the like.
"""


class _Keys(anywidget.AnyWidget):
    _esm = KEYS


class LivePanel(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A panel of widgets with a `picture()` of itself and a `sentence()` about itself.

    JupyterLab and an HTML export show the picture where no kernel runs; a terminal shows the sentence.
    """

    def __init__(self, parts: Sequence[w.Widget] = ()) -> None:
        super().__init__([*parts, _Keys()])
        self.add_class("sim-live-panel")

    def picture(self) -> Figure:
        """The panel as it stands, without its buttons."""
        raise NotImplementedError(f"{type(self).__name__} must draw its picture()")

    def sentence(self) -> str:
        """What the panel shows, with its numbers; no address, no clock time."""
        raise NotImplementedError(f"{type(self).__name__} must say its sentence()")

    def __repr__(self) -> str:
        return self.sentence()

    def _repr_mimebundle_(self, **asked: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return bundle(super()._repr_mimebundle_(**asked), self.picture(), self.sentence())


def empty(place: w.Box) -> None:
    """Take the widgets out of *place*, and their state out of the page as well."""
    gone, place.children = place.children, ()
    close_all(*gone)


def close_all(*widgets: w.Widget) -> None:
    """Close *widgets* with all that is in them."""
    for widget in widgets:
        parts = (getattr(widget, name, None) for name in ("layout", "style"))
        close_all(*getattr(widget, "children", ()), *(part for part in parts if isinstance(part, w.Widget)))
        widget.close()
