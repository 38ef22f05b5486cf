"""The door between a page and its kernel: who has come, by which link, and whether the kernel is still there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from sim.widgets.turns import in_turn


class Door(anywidget.AnyWidget):
    """A row of buttons for links and files.  It says once, with the page's query, that somebody has come.

    *query*: the state of the demo, for links.  *view*: "" until it is open.  *opened*: called once with the query.
    *save*: makes the name and the bytes of a file.
    """

    _esm = Path(__file__).with_name("door.js")
    _css = Path(__file__).with_name("stage.css")
    query = traitlets.Unicode("").tag(sync=True)
    view = traitlets.Unicode("").tag(sync=True)

    def __init__(self, opened: Callable[[str], None]) -> None:
        super().__init__()
        self._opened: Callable[[str], None] | None = opened
        self.save: Callable[[], tuple[str, bytes]] | None = None
        self.on_msg(in_turn(self._heard))

    def _heard(self, _: Any, content: Any, __: Any) -> None:
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "ping":
            self.send({"kind": "pong"})
        elif kind == "hello" and self._opened is not None:
            opened, self._opened = self._opened, None
            opened(str(content.get("search", "")))
        elif kind == "save" and self.save is not None:
            try:
                name, made = self.save()
            except Exception as error:  # a chart of a run that has just failed; the page needs a sentence, no silence
                self.send({"kind": "unsaved", "why": str(error)})
            else:
                self.send({"kind": "file", "name": name}, [made])
