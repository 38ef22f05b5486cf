"""What a server says about its limits in headers.

Three forms are in use.  `X-RateLimit-*` is nobody's standard: the reset is mostly, as here, seconds since the epoch,
and needs two clocks that agree.  `Retry-After` (RFC 9110 §10.2.3) is a number of seconds or a date.  The IETF's draft
(draft-ietf-httpapi-ratelimit-headers-10) has `RateLimit` and `RateLimit-Policy`, structured fields whose times are
seconds from now.  Every time is rounded up: rounded down it would send clients back too early, all of them.

A style is a function of a `Decision` and *now*, seconds since the epoch, that gives headers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs

from sim.http import http_date
from sim.policies.limiter.decision import Decision

Style: TypeAlias = Callable[[Decision, float], dict[str, str]]
"""Headers for a decision at an instant."""

PRINTABLE = re.compile(r"[ -~]+")
"""The text of a structured field's string, RFC 9651 §3.3.3; an empty name would name nothing."""

_LARGEST = 999_999_999_999_999  # the largest integer of a structured field, RFC 9651 §3.3.1


def x_ratelimit(decision: Decision, now: float) -> dict[str, str]:
    """The de-facto headers; the reset in seconds since the epoch.

    >>> x_ratelimit(Decision(False, 100, 0, 29.5, 29.5), 1_700_000_000.0)["X-RateLimit-Reset"]
    '1700000030'
    """
    return {
        "X-RateLimit-Limit": str(decision.limit),
        "X-RateLimit-Remaining": str(decision.remaining),
        "X-RateLimit-Reset": str(math.ceil(now + decision.reset_after)),
    }


def retry_after_seconds(decision: Decision, now: float) -> dict[str, str]:
    """`Retry-After` in seconds, for a refusal that waiting helps; else no header.

    >>> retry_after_seconds(Decision(False, 100, 0, 29.5, 0.2), 0.0)
    {'Retry-After': '1'}
    """
    if decision.allowed or decision.retry_after is None:
        return {}
    return {"Retry-After": str(math.ceil(decision.retry_after))}


def retry_after_date(decision: Decision, now: float) -> dict[str, str]:
    """`Retry-After` as an HTTP-date, for a refusal that waiting helps; else no header.

    >>> retry_after_date(Decision(False, 100, 0, 29.5, 0.2), 784111776.9)
    {'Retry-After': 'Sun, 06 Nov 1994 08:49:38 GMT'}
    """
    if decision.allowed or decision.retry_after is None:
        return {}
    return {"Retry-After": http_date(math.ceil(now + decision.retry_after))}


def de_facto(decision: Decision, now: float) -> dict[str, str]:
    """`X-RateLimit-*` and, on a refusal, `Retry-After` in seconds: what most public APIs send."""
    return {**x_ratelimit(decision, now), **retry_after_seconds(decision, now)}


def silent(decision: Decision, now: float) -> dict[str, str]:
    """No headers: the client is told nothing."""
    return {}


@attrs.frozen(kw_only=True)
class QuotaPolicy:
    """What `RateLimit-Policy` says: *quota* requests in *window* seconds, under the name *name*.

    *window*: whole seconds, None when it is not said.  *unit*: what is counted.
    """

    name: str = attrs.field(default="default")
    quota: int = attrs.field(default=100)
    window: int | None = attrs.field(default=None)
    unit: str = attrs.field(default="requests")

    @name.validator
    @unit.validator
    def _check_text(self, attribute: Any, value: str) -> None:
        if not PRINTABLE.fullmatch(value):
            raise ValueError(f"{attribute.name} must be printable ASCII, got {value!r}")

    @quota.validator
    @window.validator
    def _check_number(self, attribute: Any, value: int | None) -> None:
        if value is not None and not 0 <= value <= _LARGEST:
            raise ValueError(f"{attribute.name} must be from 0 to {_LARGEST}, got {value!r}")


@attrs.frozen
class DraftHeaders:
    """A style: the IETF draft's two fields for one *policy*, and `Retry-After` on a refusal.

    A decision's `level`, when it has one, goes before the policy's name.

    >>> DraftHeaders(QuotaPolicy(quota=100, window=60))(Decision(True, 100, 50, 29.5), 0.0)
    {'RateLimit-Policy': '"default";q=100;w=60', 'RateLimit': '"default";r=50;t=30'}
    """

    policy: QuotaPolicy

    def __call__(self, decision: Decision, now: float) -> dict[str, str]:
        """Headers for *decision*."""
        policy = attrs.evolve(self.policy, name=decision.level or self.policy.name)
        said = {"r": min(decision.remaining, _LARGEST), "t": min(math.ceil(decision.reset_after), _LARGEST)}
        return {
            "RateLimit-Policy": announce(policy),
            "RateLimit": _field([(policy.name, said)]),
            **retry_after_seconds(decision, now),
        }


def announce(*policies: QuotaPolicy) -> str:
    """The value of a `RateLimit-Policy` header that announces *policies*.

    >>> announce(QuotaPolicy(name="burst", quota=10, window=1), QuotaPolicy(name="daily", quota=1000, window=86400))
    '"burst";q=10;w=1, "daily";q=1000;w=86400'
    """
    rows = []
    for policy in policies:
        said: dict[str, Any] = {"q": policy.quota}
        if policy.unit != "requests":
            said["qu"] = policy.unit
        if policy.window is not None:
            said["w"] = policy.window
        rows.append((policy.name, said))
    return _field(rows)


def _field(rows: Any) -> str:
    import http_sf  # 45 ms

    return http_sf.ser(rows)
