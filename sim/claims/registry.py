"""All claims there are: every `Claim` in any module of this folder, alone or in a tuple."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from sim.claims.claiming import Claim
from sim.policies.catalog import unknown


@cache
def every() -> tuple[Claim, ...]:
    """All claims, in the order of their ids.

    Raises: `ValueError` when two have the same.
    """
    found: dict[str, Claim] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        for value in vars(importlib.import_module(f"sim.claims.{module.name}")).values():
            for one in value if isinstance(value, tuple) else (value,):
                if isinstance(one, Claim) and found.setdefault(one.ident, one) is not one:
                    raise ValueError(f"two claims are called {one.ident}")
    return tuple(sorted(found.values(), key=lambda one: one.order))


def named(*prefixes: str) -> tuple[Claim, ...]:
    """The claims that a prefix stands for, in the order of their ids; without any, all of them.

    "Q-22" is Q-22.1, Q-22.2, …, and never Q-220; "Q" is all that begin with Q.  Case does not matter.

    Raises: `ValueError` with the near names for a prefix that stands for nothing.

    >>> [one.ident for one in named("q-22.1", "X-3")]
    ['Q-22.1', 'X-3']
    """
    claims = every()
    if not prefixes:
        return claims
    chosen: set[str] = set()
    for prefix in prefixes:
        wanted = prefix.strip().upper()
        fitting = {
            one.ident for one in claims if one.ident == wanted or one.ident.startswith((f"{wanted}.", f"{wanted}-"))
        }
        if not fitting:
            raise ValueError(unknown("claim", wanted, _names(claims)))
        chosen |= fitting
    return tuple(one for one in claims if one.ident in chosen)


def _names(claims: tuple[Claim, ...]) -> list[str]:
    """What a prefix can be, short of a letter alone: every question, then every claim."""
    return list(dict.fromkeys([one.ident.partition(".")[0] for one in claims] + [one.ident for one in claims]))
