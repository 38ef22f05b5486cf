"""A question: what is asked, what a strong answer to it says, and where it can be run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

LEVELS = ("mid", "senior", "expert")
"""Whom a question is for, the easier first."""

_GUIDES = re.compile(r"Q-([0-9]{2})")
_OWN = re.compile(r"([a-z]+(?:-[a-z]+)*)-([1-9][0-9]*)")
_NOTEBOOK = re.compile(r"[0-9a-z]+(?:_[0-9a-z]+)*#\S+")


@attrs.frozen(kw_only=True)
class Demo:
    """What a live demo compares, and what its audience is asked before it runs.

    *policies*: two of the scenario's, A and B.  *figure*: which of the two has more of it?  *presets*: knobs by what
    they stand for in words, "a slow store"; they are turned on top of the question's own.
    """

    policies: tuple[str, str]
    figure: str
    presets: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict, hash=False)


@attrs.frozen(kw_only=True)
class Question:
    """One question of the bank.

    *id*: "Q-23" for one of the guide's, "webhooks-1" for one of our own.  *topic*: the name of its file.  *level*: one
    of `LEVELS`.  *prompt*: as an interviewer says it.  *tests*: what it tries to find out.  *points*: a strong answer.
    *notebook*: the lesson and the heading in it, "09c_webhook_consumers#Q-23,-as-an-interviewer-asks-it".  *scenario*:
    a name of `sim list`.  *claims*: rows of the ledger.  *exercise*: the name of one, "" while there is none.  *knobs*:
    where the scenario's sliders start in an interview, so that it answers while people look on.  *demo*: what the stage
    of a live demo compares.  The last three may be left out.

    Raises: `ValueError`, one sentence, for an id, a level or a notebook that is none.
    """

    id: str
    topic: str
    level: str
    prompt: str
    tests: str
    points: tuple[str, ...]
    follow_ups: tuple[str, ...]
    traps: tuple[str, ...]
    notebook: str
    scenario: str
    claims: tuple[str, ...]
    exercise: str = ""
    knobs: Mapping[str, Any] = attrs.field(factory=dict, hash=False)
    demo: Demo | None = None

    def __attrs_post_init__(self) -> None:
        own = _OWN.fullmatch(self.id)
        if _GUIDES.fullmatch(self.id) is None and (own is None or own[1] != _kebab(self.topic)):
            raise ValueError(f"id must look like Q-23 or {_kebab(self.topic)}-1, got {self.id!r}")
        if self.level not in LEVELS:
            raise ValueError(f"level must be one of {', '.join(LEVELS)}, got {self.level!r}")
        if _NOTEBOOK.fullmatch(self.notebook) is None:
            raise ValueError(f"notebook must look like 02_idempotency#heading-in-it, got {self.notebook!r}")

    @property
    def order(self) -> tuple[int, str, int]:
        """What questions are sorted by: the guide's first, then our own, topic by topic."""
        guides, own = _GUIDES.fullmatch(self.id), _OWN.fullmatch(self.id)
        if guides is not None:
            return 0, "", int(guides[1])
        assert own is not None
        return 1, own[1], int(own[2])


def question_of(row: Mapping[str, Any], topic: str) -> Question:
    """The question that a *row* of a file is.

    Raises: `ValueError`, one sentence that names the member, when one is missing, empty, unknown or of the wrong kind.
    """
    if not isinstance(row, Mapping):
        raise ValueError(f"must be a table, got {row!r}")
    members = {field.name: field for field in attrs.fields(Question) if field.name != "topic"}
    for name in row:
        if name not in members:
            raise ValueError(f"{name} is no member of a question; these are: {', '.join(members)}")
    for name, field in members.items():
        if name not in row and field.default is attrs.NOTHING:
            raise ValueError(f"{name} is missing")
    filled: dict[str, Any] = {name: _member(name, value) for name, value in row.items()}
    return Question(topic=topic, **filled)


def _member(name: str, value: Any) -> str | tuple[str, ...] | dict[str, int | float] | Demo:
    if name == "knobs":
        return _numbers(name, value)
    if name == "demo":
        return _demo(value)
    if name in ("points", "follow_ups", "traps", "claims"):
        if not isinstance(value, list) or not value or not all(_is_filled(one) for one in value):
            raise ValueError(f"{name} must be a list of texts, at least one and none of them empty, got {value!r}")
        return tuple(" ".join(one.split()) for one in value)
    if name == "exercise" and value == "":
        return ""
    if not _is_filled(value):
        raise ValueError(f"{name} must be a text that is not empty, got {value!r}")
    return " ".join(value.split())


def _numbers(name: str, value: Any) -> dict[str, int | float]:
    if not (isinstance(value, dict) and all(type(one) in (int, float) for one in value.values())):
        raise ValueError(f"{name} must be a table of numbers, got {value!r}")
    return dict(value)


def _demo(value: Any) -> Demo:
    if not isinstance(value, dict) or set(value) != {"policies", "figure", "presets"}:
        raise ValueError(f"demo must be a table of policies, figure and presets, got {value!r}")
    pair, figure, presets = value["policies"], value["figure"], value["presets"]
    if not (isinstance(pair, list) and len(pair) == 2 and all(map(_is_filled, pair)) and pair[0] != pair[1]):
        raise ValueError(f"demo.policies must be two different names, got {pair!r}")
    if not _is_filled(figure):
        raise ValueError(f"demo.figure must be a text that is not empty, got {figure!r}")
    if not isinstance(presets, dict):
        raise ValueError(f"demo.presets must be a table of tables, got {presets!r}")
    turned = {name: _numbers(f"demo.presets, {name!r},", knobs) for name, knobs in presets.items()}
    return Demo(policies=(pair[0], pair[1]), figure=figure, presets=turned)


def _is_filled(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _kebab(topic: str) -> str:
    return topic.replace("_", "-")
