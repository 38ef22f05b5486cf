"""A demo's state as the query of a link, and back: what it does not say is as the demo starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import attrs

from sim.demo.subject import START, Subject, subject_named
from sim.knobs import knobs_of
from sim.policies.catalog import unknown
from sim.scenarios import story_named
from sim.widgets.panel import CHARTS
from sim.widgets.panel_parts import MOST_SEED, MOST_SEEDS

VIEWS = ("presenter", "candidate")
LONGEST = 60
"""No member's value needs more characters; what is longer is cut, and told."""
MOST_MEMBERS = 100


@attrs.frozen(kw_only=True)
class State:
    """What a link restores.  *knobs*: those that are not as the subject starts.  *policies*: A and B."""

    subject: Subject
    knobs: Mapping[str, Any] = attrs.field(factory=dict, hash=False)
    policies: tuple[str, str]
    seed: int = 0
    seeds: int = 1
    chart: str = ""

    @classmethod
    def of(cls, subject: Subject) -> State:
        """As a demo of *subject* starts."""
        return cls(subject=subject, policies=subject.demo.policies)

    def query(self) -> str:
        """The part of a link behind its question mark.

        >>> State.of(subject_named("Q-09")).query()
        'q=Q-09'
        """
        said: dict[str, Any] = {"q": self.subject.name}
        if self.policies != self.subject.demo.policies:
            said |= dict(zip("ab", self.policies, strict=True))
        said |= {"seed": self.seed} if self.seed else {}
        said |= {"seeds": self.seeds} if self.seeds != 1 else {}
        said |= {"chart": self.chart} if self.chart else {}
        return urlencode(said | {name: _text(value) for name, value in self.knobs.items()})


@attrs.frozen
class Link:
    """A link that was read.

    *key*: of the presenter, "" where the link has none.  *complaints*: a sentence for each part that could not be used,
    which is left out.
    """

    state: State
    view: str
    key: str
    complaints: tuple[str, ...]


def read(query: str, start: str = START) -> Link:
    """What the *query* of a link asks for.  *start*: the subject of a link that names none.

    Never raises: a link comes from anywhere, and what cannot be used of it is told.
    """
    complaints: list[str] = []
    try:
        said = dict(parse_qsl(query.removeprefix("?"), keep_blank_values=True, max_num_fields=MOST_MEMBERS))
    except ValueError:
        said = {}
        complaints.append(f"a link must have at most {MOST_MEMBERS} members")

    def take(name: str, check: Callable[[str], Any], default: Any) -> Any:
        if name not in said:
            return default
        try:
            return check(_short(said.pop(name)))
        except (TypeError, ValueError) as error:
            complaints.append(str(error))
            return default

    said.pop("token", None)  # the server has looked at it already
    key = said.pop("key", "")
    # A view that is misspelt is the one that shows less.
    view = take("view", _view, VIEWS[1]) if "view" in said else VIEWS[0]
    subject = take("q", subject_named, None)
    if subject is None:
        if any(complaint.startswith("unknown question") for complaint in complaints):
            said = {}  # the rest was about what is not there
        subject = subject_named(start)
    state = State.of(subject)
    pair = tuple(take(letter, _policy(subject), own) for letter, own in zip("ab", state.policies, strict=True))
    if pair[0] == pair[1]:
        complaints.append(f"a and b must be two different policies, got {pair[0]!r} twice")
        pair = state.policies
    seed = take("seed", _whole("seed", 0, MOST_SEED), 0)
    seeds = take("seeds", _whole("seeds", 1, MOST_SEEDS), 1)
    chart = take("chart", _chart, "")
    declared, started = knobs_of(story_named(subject.scenario)), subject.knobs
    knobs = {}
    for name in list(said):
        if name in declared:
            value = take(name, declared[name].parse, started[name])
            if value != started[name]:
                knobs[name] = value
        else:
            complaints.append(unknown(f"knob of {subject.scenario}", _short(name), list(declared)))
    made = State(subject=subject, knobs=knobs, policies=(pair[0], pair[1]), seed=seed, seeds=seeds, chart=chart)
    try:
        story_named(subject.scenario)(**{**started, **knobs})
    except (TypeError, ValueError) as error:  # each knob is right by itself, and all of them together make no world
        complaints.append(str(error))
        made = attrs.evolve(made, knobs={})
    return Link(made, view, key, tuple(complaints))


def _view(text: str) -> str:
    if text not in VIEWS:
        raise ValueError(f"view must be presenter or candidate, got {text!r}")
    return text


def _policy(subject: Subject) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in subject.policies:
            raise ValueError(unknown(f"policy of {subject.scenario}", text, list(subject.policies)))
        return text

    return check


def _whole(name: str, low: int, high: int) -> Callable[[str], int]:
    def check(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 12 and low <= int(text) <= high):
            raise ValueError(f"{name} must be a whole number from {low} to {high:,}, got {text!r}")
        return int(text)

    return check


def _chart(text: str) -> str:
    if text not in CHARTS:
        raise ValueError(unknown("chart", text, list(CHARTS)))
    return text


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)
