"""The look of what an endpoint answered: one colour and one sign for each kind, in every chart and every table."""

from __future__ import annotations

from typing import Any

import attrs
import pandas

from sim.charts.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, YELLOW


@attrs.frozen
class Answer:
    """How one kind of answer is shown.  *marker*: in a chart.  *sign*: the same shape in a text."""

    name: str
    colour: str
    marker: str
    sign: str

    @property
    def ink(self) -> str:
        """Black or white, whichever is read on its colour."""
        return "#FFFFFF" if self.colour in (BLACK, BLUE) else BLACK


ANSWERS = (
    Answer("delivered", BLUE, "o", "●"),
    Answer("no answer", ORANGE, "x", "×"),
    Answer("refused", BLACK, "|", "|"),
    Answer("other 4xx", PURPLE, "v", "▼"),
    Answer("429", YELLOW, "D", "◆"),
    Answer("5xx", VERMILLION, "^", "▲"),
    Answer("3xx", SKY, ">", "▶"),
    Answer("garbage", GREEN, "*", "★"),
)
"""Every kind there is."""

_BY_NAME = {answer.name: answer for answer in ANSWERS}


def answer(status: Any) -> Answer:
    """The kind of *status*, an entry of that column of `sim.deliveries.log`: missing is no answer, 0 is refused.

    >>> answer(204).name, answer(404).name, answer(999).name, answer(0).name
    ('delivered', 'other 4xx', 'garbage', 'refused')
    """
    return _BY_NAME[_kind(status)]


def _kind(status: Any) -> str:
    if status is pandas.NA:
        return "no answer"
    if status == 0:
        return "refused"
    if 200 <= status < 300:
        return "delivered"
    if not 300 <= status < 600:
        return "garbage"
    return {3: "3xx", 4: "429" if status == 429 else "other 4xx", 5: "5xx"}[status // 100]
