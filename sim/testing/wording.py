"""A finding in words: the call, what it returned or raised, and one line with a full stop."""

from __future__ import annotations

import re
from random import Random
from typing import Any

from sim.outcome import Outcome


def call(method: str, *arguments: Any) -> str:
    """The call of *method* as a reader would write it; a random source is written `rng`."""
    return f"{method}({', '.join(_argument(argument) for argument in arguments)})"


def shown(value: Any) -> str:
    """A value in at most 60 characters; its type alone when it cannot be shown."""
    try:
        text = repr(value)
    except (Exception, SystemExit):
        return f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def raised(error: BaseException) -> str:
    """The type of *error* and what it says."""
    try:
        text = str(error)
    except (Exception, SystemExit):
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def sentence(text: str) -> str:
    """One line with a full stop and without memory addresses, so that a notebook's output stays the same."""
    text = re.sub(r"( at)? 0x[0-9a-fA-F]+", "", " ".join(text.split()))
    return text if text.endswith(".") else f"{text}."


def _argument(value: Any) -> str:
    if isinstance(value, Random):
        return "rng"
    if not isinstance(value, Outcome):
        return shown(value)
    if value.reason == "answered":
        asked = "" if value.retry_after is None else f", {value.retry_after}"
        return f"Outcome.answered({value.status}{asked})"
    return f"Outcome.{value.reason.replace(' ', '_')}({'' if value.retry_after is None else value.retry_after})"
