"""A slider for a knob.  Its kind, its ends and its step follow from the knob's declaration and from where it starts."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import attrs
import ipywidgets as w

from sim.knobs import Knob
from sim.widgets.turns import on_change

FACTOR = 10
"""A slider goes up to so many times its start, and on a logarithmic scale down to that part of it."""
SHORT = 200
"""A range of up to so many whole numbers has every one of them on its slider."""
STEPS = 100
"""About so many steps has any other slider."""

_NUMBER = "a number"
LABEL = "135px"
"""How wide the names are, so that all sliders begin below one another."""


@attrs.frozen
class Reach:
    """The numbers on a slider: from *low* to *high*, in steps of *step*, or of *step* in the exponent of ten."""

    low: float
    high: float
    step: float
    logarithmic: bool = False

    @property
    def decimals(self) -> int:
        """How many decimals tell two neighbours apart."""
        finest = self.low / 10 if self.logarithmic else self.step
        return max(0, math.ceil(-math.log10(finest) - 1e-9))


def reach_of(knob: Knob, start: float) -> Reach:
    """Which part of the *knob*'s range its slider has, when it starts at *start*.

    A range that is declared narrow is there as a whole.  A wide one, or one without an end, is cut at ten times the
    start.  It is logarithmic from a tenth of the start on when zero is not allowed, so that small values have room too.

    >>> reach_of(Knob(type=float, low=0.0, high=1.0), 0.2)
    Reach(low=0.0, high=1.0, step=0.01, logarithmic=False)
    >>> reach_of(Knob(type=int, low=1, high=2_000_000), 10_000)
    Reach(low=1000, high=100000, step=0.01, logarithmic=True)
    """
    whole = knob.type is int
    high = FACTOR * start if start > 0 else 1_000.0
    high = high if knob.high is None else min(high, knob.high)
    cut = knob.high is None or high < knob.high
    # The least that is allowed, or not quite; a knob without one reaches as far down as up.
    least = knob.low if knob.low is not None else knob.above
    low = -high if least is None else max(least, min(-high, FACTOR * start)) if least < 0 else least
    step = 1.0 if whole and high - low <= SHORT else _nice((high - low) / STEPS)
    zero = least is None or least < 0 or knob.low == 0
    if cut and not zero and start / FACTOR > low and not (whole and step == 1.0):
        reach = Reach(start / FACTOR, high, 0.01, True)
    else:
        step = max(1.0, step) if whole else step
        low = low + step if low == knob.above and knob.low is None else low
        reach = Reach(min(low, start), max(high, start), step)
    return _whole(reach) if whole else reach


def filling() -> w.Layout:
    """As wide as there is room for."""
    return w.Layout(width="auto", flex="1 1 auto", min_width="0")


def with_help(parts: Sequence[w.Widget], help: str) -> w.VBox:
    """Widgets side by side, with a line of *help* below them."""
    line = w.HBox(parts, layout=w.Layout(align_items="center"))
    return w.VBox([line, _words(help, "sim-help")], layout=w.Layout(overflow="hidden"))


class Control:
    """A *knob* with its widgets.

    *widget*: all of it, to be put into a panel.  *field*: the part with the value.  *exception*: for a knob that may be
    endless or None, the choice between that and a number, in the place of the unit; else None.
    """

    def __init__(self, knob: Knob, start: Any) -> None:
        self.knob, self.start = knob, start
        self._digits = 0
        self.field = self._make_field()
        self.exception: w.Dropdown | None = None
        parts: list[w.Widget] = [self.field]
        if knob.optional or knob.infinite:
            options: list[tuple[str, Any]] = [(knob.unit or _NUMBER, _NUMBER)]
            options += [("no limit", math.inf)] * knob.infinite + [("none", None)] * knob.optional
            self.exception = w.Dropdown(options=options, layout=w.Layout(width="92px"), tooltip=knob.help)
            self.exception.value = _NUMBER if _is_number(start) else start
            on_change(self.exception, self._excepted)
            self._excepted(None)
            parts.append(self.exception)
        elif not isinstance(self.field, w.Checkbox):
            parts.append(_words(knob.unit, "sim-unit"))
        self.widget = with_help(parts, knob.help)

    @property
    def value(self) -> Any:
        """What the knob is set to, checked: the number that is shown."""
        if self.exception is not None and self.exception.value != _NUMBER:
            return self.exception.value
        shown = self.field.value
        if isinstance(self.field, w.Text):
            return self.knob.parse(shown)
        if self.knob.type is float:
            shown = self.start if shown == self.start else round(shown, self._digits)
        return self.knob.check(round(shown) if self.knob.type is int else shown)

    @value.setter
    def value(self, value: Any) -> None:
        value = self.knob.check(value)
        if self.exception is not None:
            self.exception.value = value if not _is_number(value) else _NUMBER
            if not _is_number(value):
                return
        if isinstance(self.field, w.Text):
            value = str(value)
        elif _is_number(value):
            self._stretch(value)
        self.field.value = value

    def on_turn(self, turned: Callable[[], None]) -> None:
        """Call *turned*, in turn, when somebody has turned the knob."""
        for part in (self.field, self.exception):
            if part is not None:
                on_change(part, lambda _: turned())

    def share(self, value: Any) -> float | None:
        """Where *value* is on the slider, from 0 to 1; None when there is no slider or it is not on it."""
        field = self.field
        if not isinstance(field, w.FloatLogSlider | w.IntSlider | w.FloatSlider) or not _is_number(value):
            return None
        at = math.log10(value) if isinstance(field, w.FloatLogSlider) and value > 0 else value
        return float(min(1.0, max(0.0, (at - field.min) / ((field.max - field.min) or 1.0))))

    def _make_field(self) -> w.Widget:
        knob, look = self.knob, self._look()
        if knob.type is bool:
            return w.Checkbox(value=self.start, indent=True, **look)
        if issubclass(knob.type, enum.Enum):
            return w.Dropdown(options=[(one.name.lower(), one) for one in knob.type], value=self.start, **look)
        if knob.type not in (int, float):
            return w.Text(value=str(self.start), continuous_update=False, **look)
        start = next(one for one in (self.start, knob.default, _middle(knob)) if _is_number(one))
        reach = reach_of(knob, start)
        self._digits = 0 if knob.type is int else reach.decimals
        look |= {"continuous_update": False, "readout_format": f",.{self._digits}f"}
        if reach.logarithmic:
            return w.FloatLogSlider(
                value=start, base=10.0, min=math.log10(reach.low), max=math.log10(reach.high), step=reach.step, **look
            )
        kind = w.IntSlider if knob.type is int else w.FloatSlider
        return kind(value=start, min=reach.low, max=reach.high, step=reach.step, **look)

    def _look(self) -> dict[str, Any]:
        return {
            "description": self.knob.name.replace("_", " "), "description_allow_html": False,
            "tooltip": f"{self.knob.name}: {self.knob.help}", "style": {"description_width": LABEL},
            "layout": filling(),
        }  # fmt: skip

    def _stretch(self, value: float) -> None:
        """Make room for a number beyond the slider's ends."""
        if isinstance(self.field, w.FloatLogSlider):
            exponent = math.log10(value)
            self.field.min, self.field.max = min(self.field.min, exponent), max(self.field.max, exponent)
        elif isinstance(self.field, w.IntSlider | w.FloatSlider):
            self.field.min, self.field.max = min(self.field.min, value), max(self.field.max, value)

    def _excepted(self, change: object) -> None:
        assert self.exception is not None
        self.field.disabled = self.exception.value != _NUMBER


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _middle(knob: Knob) -> float:
    """A number for a slider whose knob starts without one."""
    least = knob.low if knob.low is not None else knob.above
    return min(max(10.0, 2 * (least or 0.0)), math.inf if knob.high is None else knob.high)


def _nice(number: float) -> float:
    """The next smaller 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(number) + 1e-9)
    return float(f"{next(digit for digit in (5, 2, 1) if digit * power <= number * (1 + 1e-9)) * power:.1g}")


def _whole(reach: Reach) -> Reach:
    """The same with whole numbers at its ends."""
    if reach.logarithmic:
        return attrs.evolve(reach, low=max(1, round(reach.low)), high=round(reach.high))
    return Reach(round(reach.low), round(reach.high), round(reach.step))


def _words(text: str, kind: str) -> w.HTML:
    return w.HTML(f"<span class='{kind}'>{escape(text)}</span>", layout=w.Layout(margin="0 2px"))
