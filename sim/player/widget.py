"""The player as a widget: it hands scenes to the page, which draws them; and as a picture, for where nothing runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import attrs
import numpy as np
import traitlets
from matplotlib.figure import Figure

from sim.charts import style
from sim.charts.still import bundle
from sim.experiment import Comparison, Run
from sim.player import picture
from sim.player.page import page
from sim.player.scene import Scene, last_seen, scene_of

MOST_RUNS = 2
"""So many runs stand side by side on one clock."""
SPEEDS = tuple(round(digit * 10.0**power, 6) for power in range(-3, 6) for digit in (1, 2, 5))
"""Seconds of virtual time in a second of the player's."""
SCREEN_SECONDS = 20.0
"""About so long a run plays at first."""


def play(*runs: Run | Comparison | Mapping[str, Run], at: float | None = None, speed: float | None = None) -> Player:
    """A player of one run, of two side by side on one clock, or of the first two policies of a comparison.

    *runs*: `Run` objects, one or two; or one `Comparison`, or a mapping from titles to runs.  *at*: where it stands at
    first, seconds of virtual time; None is the busiest instant, which is also what the still picture shows.  *speed*:
    seconds of virtual time in one of the player's; None is the one that plays the run in about 20 s.

    Raises: `TypeError` for what is no run; `ValueError` for none, for more than two, and for one with more than 250,000
    attempts.
    """
    titled = _titled(runs)
    if at is not None and not (isinstance(at, int | float) and math.isfinite(at) and at >= 0):
        raise ValueError(f"at must be an instant of the run, 0 s or later, got {at!r}")
    if speed is not None and not (isinstance(speed, int | float) and math.isfinite(speed) and speed > 0):
        raise ValueError(f"speed must be above 0, got {speed!r}")
    player = Player()
    player.put(prepare(titled), at=at)
    if speed is not None:
        player.speed = float(speed)
    return player


@attrs.frozen(eq=False)
class Prepared:
    """Runs made ready to be played, which may happen in another thread: the scenes, and as they travel to the page."""

    scenes: tuple[Scene, ...]
    packed: list[dict[str, Any]]


def prepare(runs: Mapping[str, Run]) -> Prepared:
    """Make one or two *runs*, by their titles, ready for a player.

    Raises: `ValueError` as `play`.
    """
    if not 1 <= len(runs) <= MOST_RUNS:
        raise ValueError(f"runs must be one or two, got {len(runs)}")
    scenes = tuple(scene_of(run, title) for title, run in runs.items())
    return Prepared(scenes, [_packed(scene) for scene in scenes])


class Player(anywidget.AnyWidget):
    """The widget.  *at*: the instant it stands at, s.  *speed*: virtual seconds a second.  *followed*: a call, -1 none.

    *shown*: the scenes, one or two.
    """

    _esm = Path(__file__).with_name("player.js")
    _css = Path(__file__).with_name("player.css")
    scenes = traitlets.List(traitlets.Dict()).tag(sync=True)
    at = traitlets.Float(0.0).tag(sync=True)
    speed = traitlets.Float(1.0).tag(sync=True)
    followed = traitlets.Int(-1).tag(sync=True)
    begun = traitlets.Int(0).tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self.shown: tuple[Scene, ...] = ()

    def put(self, prepared: Prepared, *, at: float | None = None, keep: bool = False) -> None:
        """Show other runs.

        *at*: None is the busiest instant of the first.  *keep*: stay at this instant and speed; runs that have ended
        before it are shown at their end, at a speed that suits them.
        """
        shown = prepared.scenes
        seconds = max(scene.seconds for scene in shown)
        with self.hold_sync():
            self.shown, self.scenes = shown, prepared.packed
            if keep and self.at <= seconds:
                return
            self.at = seconds if keep else min(shown[0].busiest() if at is None else float(at), seconds)
            self.speed = next((one for one in SPEEDS if one >= seconds / SCREEN_SECONDS), SPEEDS[-1])

    def begin(self) -> None:
        """Play from the beginning, in every page that shows it; where less motion is asked for it stands there."""
        with self.hold_sync():
            self.at, self.begun = 0.0, self.begun + 1

    def page(self) -> str:
        """The player as one HTML file that plays by itself, without a kernel and without a network."""
        names = ("scenes", "at", "speed", "followed")
        return page({name: getattr(self, name) for name in names}, self.sentence())

    def picture(self) -> Figure:
        """The scenes at the instant `at`, as the page draws them when it stands still."""
        return picture.draw(self.shown, self.at)

    def sentence(self) -> str:
        """What there is to see at the instant `at`, in numbers."""
        return f"player at {self.at:.3g} s: " + "; ".join(picture.in_words(scene, self.at) for scene in self.shown)

    def __repr__(self) -> str:
        return self.sentence()

    def _repr_mimebundle_(self, **asked: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return bundle(super()._repr_mimebundle_(**asked), self.picture(), self.sentence())


def _titled(runs: Iterable[Any]) -> Mapping[str, Run]:
    given = list(runs)
    if len(given) == 1 and isinstance(given[0], Comparison):
        return dict(list(given[0].runs.items())[:MOST_RUNS])
    if len(given) == 1 and isinstance(given[0], Mapping):
        given, titles = list(given[0].values()), list(map(str, given[0]))
    else:
        titles = [one.policy if isinstance(one, Run) else "" for one in given]
    for one in given:
        if not isinstance(one, Run):
            raise TypeError(f"runs must be Run objects, made by sim.run, or one Comparison, got {one!r}")
    if len(set(titles)) < len(titles):
        titles = [f"{title}, {letter}" for title, letter in zip(titles, "AB", strict=False)]
    if not 1 <= len(given) <= MOST_RUNS:
        raise ValueError(f"runs must be one or two, got {len(given)}")
    return dict(zip(titles, given, strict=True))


def _packed(scene: Scene) -> dict[str, Any]:
    """A scene as it travels to the page: columns as little-endian bytes, the rest as plain values."""
    at, opened, half = scene.breakers
    return {
        "title": scene.title,
        "colour": style(scene.title.partition(",")[0]).colour,
        "seconds": scene.seconds,
        "every": scene.every,
        "columns": {name: _doubles(values) for name, values in scene.columns.items()},
        "end": _doubles(last_seen(scene.columns)),
        "status": _doubles(scene.status),
        "call": scene.call.astype("<i4").tobytes(),
        "attempt": scene.attempt.astype("<i4").tobytes(),
        "copy": scene.copy.tobytes(),
        "ending": scene.ending.tobytes(),
        "lane": scene.lane.tobytes(),
        "struck": scene.struck.tobytes(),
        "stopped": _doubles(scene.stopped),
        "stations": dict(scene.stations),
        "limits": {name: value if math.isfinite(value) else None for name, value in scene.limits.items()},
        "lanes": list(scene.lanes),
        "breakers": {
            "at": _doubles(at),
            "open": opened.astype("<i4").tobytes(),
            "half": half.astype("<i4").tobytes(),
            "of": scene.hosts,
        },
        "faults": [list(fault) for fault in scene.faults],
    }


def _doubles(values: Any) -> bytes:
    return np.ascontiguousarray(values, dtype="<f8").tobytes()
