"""The stories that can be run.  A new one is a function with `@story` in any module of this folder."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import Any

from sim.policies.catalog import unknown
from sim.scenario import Scenario, name_of


@cache
def topics() -> dict[str, dict[str, Callable[..., Scenario]]]:
    """The stories of each topic by name; a topic is a module, called by the first line of its docstring."""
    found = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        content = importlib.import_module(f"{__name__}.{module.name}")
        told = {
            name_of(value): value
            for value in vars(content).values()
            if getattr(value, "is_story", False) and value.__module__ == content.__name__
        }
        if told:
            found[(content.__doc__ or module.name).splitlines()[0]] = told
    return found


@cache
def stories() -> dict[str, Callable[..., Scenario]]:
    """Every story by its kebab-case name, in the order of the names."""
    return dict(sorted((name, story) for told in topics().values() for name, story in told.items()))


def story_named(name: str) -> Callable[..., Scenario]:
    """The story with the kebab-case *name*.

    Raises: `ValueError` with the near names.
    """
    try:
        return stories()[name]
    except KeyError:
        raise ValueError(unknown("scenario", name, list(stories()))) from None


def __getattr__(name: str) -> Any:
    try:
        return stories()[name.replace("_", "-")]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return [*globals(), *(name.replace("-", "_") for name in stories())]
