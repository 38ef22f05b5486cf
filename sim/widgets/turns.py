"""One turn at a time: what widgets do when something happens to them never happens twice at once.

A kernel hands what a page sends to several threads: JupyterLab has a subshell for each widget, and the first message of
one goes to the main thread, where cells run too (ipykernel 7).  Work in the background ends in a thread of its own.
Whatever any of them does with widgets is done under one lock, so that none sees another's half of a change.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import ipywidgets as w

TURN = threading.RLock()
"""Held by whoever's turn it is."""

P = ParamSpec("P")
T = TypeVar("T")


def in_turn(act: Callable[P, T]) -> Callable[P, T]:
    """*act*, which waits for its turn."""

    @functools.wraps(act)
    def wait(*args: P.args, **named: P.kwargs) -> T:
        with TURN:
            return act(*args, **named)

    return wait


def on_change(widget: w.Widget, act: Callable[[Any], object]) -> None:
    """Call *act*, in turn, with the change of the *widget*'s value."""
    widget.observe(in_turn(act), "value")


def on_press(button: w.Button, act: Callable[[], object]) -> None:
    """Call *act*, in turn, when the *button* is pressed."""
    press = in_turn(act)
    button.on_click(lambda _: press())


def button(name: str, press: Callable[[], object], tooltip: str, *, icon: str = "", style: str = "") -> w.Button:
    """A button as wide as its *name*, that calls *press*."""
    made = w.Button(description=name, tooltip=tooltip, icon=icon, button_style=style, layout=w.Layout(width="auto"))
    on_press(made, press)
    return made
