"""The policies by the names that the terminal uses: a retry, and what is joined to it with +.

`full-jitter+breaker` is `ClientPolicy(Retry(FullJitter()), CircuitBreaker())`.  A new name is one line here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from sim.policies.client import (
    AdaptiveThrottle,
    CircuitBreaker,
    ClientPolicy,
    ConsecutiveBreaker,
    DecorrelatedJitter,
    EqualJitter,
    Exponential,
    FailureShareGate,
    Fixed,
    FullJitter,
    Linear,
    ProportionalJitter,
    Retry,
    RetryBudget,
    RetryQuota,
)

RETRIES: Mapping[str, Callable[[], Retry]] = {
    "no-retry": Retry.never,
    "immediate": Retry.immediate,
    "fixed": lambda: Retry(Fixed(1.0)),
    "linear": lambda: Retry(Linear(step=0.5)),
    "exponential": lambda: Retry(Exponential()),
    "equal-jitter": lambda: Retry(EqualJitter()),
    "full-jitter": lambda: Retry(FullJitter()),
    "decorrelated-jitter": lambda: Retry(DecorrelatedJitter()),
    "proportional-jitter": lambda: Retry(ProportionalJitter()),
}
"""The retry rules, each with the course's defaults: 6 attempts, base 0.1 s, cap 10 s."""

EXTRAS: Mapping[str, tuple[str, Callable[[], Any]]] = {
    "breaker": ("breaker", CircuitBreaker),
    "consecutive-breaker": ("breaker", ConsecutiveBreaker),
    "throttle": ("breaker", AdaptiveThrottle),
    "budget": ("budget", RetryBudget),
    "quota": ("budget", RetryQuota),
    "failure-share": ("budget", FailureShareGate),
}
"""What can be joined to a retry: which part of a `ClientPolicy` it is, and how to make it."""


def named(name: str) -> ClientPolicy:
    """The policy called *name*, as new.

    Raises: `ValueError`, with the near names, when a part of the name is unknown or named twice.

    >>> named("full-jitter+breaker").breaker.state.value
    'closed'
    """
    first, *extras = name.split("+")
    if first not in RETRIES:
        raise ValueError(unknown("policy", first, list(RETRIES)))
    parts: dict[str, Any] = {}
    for extra in extras:
        if extra not in EXTRAS:
            raise ValueError(unknown("policy part", extra, list(EXTRAS)))
        role, make = EXTRAS[extra]
        if role in parts:
            raise ValueError(f"a policy takes one {role}, got two in {name!r}")
        parts[role] = make()
    return ClientPolicy(RETRIES[first](), **parts)


def unknown(what: str, name: str, known: list[str]) -> str:
    """One sentence for a name that is not *known*, with the near ones, or all of them when none is near.

    >>> unknown("policy", "ful-jitter", ["full-jitter", "fixed"])
    "unknown policy 'ful-jitter'; did you mean full-jitter?"
    """
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"unknown {what} {name!r}; " + (
        f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
    )
