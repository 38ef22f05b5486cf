"""Alerts: what an endpoint's owner is told without having asked, once when it begins and once when it is over."""

from __future__ import annotations

from typing import Protocol

import attrs

from sim.flow import check_method
from sim.knobs import knob


@attrs.frozen(kw_only=True)
class EndpointView:
    """What an alert rule sees of one endpoint.

    *attempts*, *failures*: settled in the last window.  *oldest_undelivered*: age in seconds of the delivery that has
    been under way longest, None when there is none.  *dead_letters*: how many wait.
    """

    endpoint: str
    owner: str
    attempts: int = 0
    failures: int = 0
    oldest_undelivered: float | None = None
    dead_letters: int = 0


class AlertRule(Protocol):
    """Whether something is wrong with an endpoint."""

    @property
    def name(self) -> str:
        """What it is called in the log."""
        ...

    def raised_by(self, view: EndpointView) -> str | None:
        """The message to the owner, or None when nothing is wrong."""
        ...


@attrs.frozen(kw_only=True)
class FailureShare:
    """At least *fraction* of the window's attempts failed, of *minimum_volume* or more.

    >>> FailureShare().raised_by(EndpointView(endpoint="shop", owner="ada", attempts=20, failures=19))
    '19 of the last 20 attempts to shop failed'
    """

    fraction: float = knob(0.9, above=0, high=1, help="share of failures")
    minimum_volume: int = knob(10, kind=int, low=1, high=1_000_000, unit="attempts", help="attempts before it judges")
    name: str = "failure share"

    def raised_by(self, view: EndpointView) -> str | None:
        """The message, or None."""
        if view.attempts < self.minimum_volume or view.failures < self.fraction * view.attempts - 1e-9:
            return None
        return f"{view.failures:,} of the last {view.attempts:,} attempts to {view.endpoint} failed"


@attrs.frozen(kw_only=True)
class OldestUndelivered:
    """Something has been under way for more than *age* seconds."""

    age: float = knob(3_600.0, above=0, unit="s", help="the oldest that is no matter")
    name: str = "oldest undelivered"

    def raised_by(self, view: EndpointView) -> str | None:
        """The message, or None."""
        if view.oldest_undelivered is None or view.oldest_undelivered <= self.age:
            return None
        return f"an event for {view.endpoint} has been waiting for {view.oldest_undelivered / 60:,.0f} min"


@attrs.frozen(kw_only=True)
class DeadLettersWaiting:
    """At least *count* events are in the dead-letter queue.

    >>> DeadLettersWaiting().raised_by(EndpointView(endpoint="shop", owner="ada", dead_letters=10))
    '10 events for shop failed for good and wait in the dead-letter queue'
    """

    count: int = knob(1, kind=int, low=1, high=100_000_000, unit="events", help="how many are a matter")
    name: str = "dead letters"

    def raised_by(self, view: EndpointView) -> str | None:
        """The message, or None."""
        if view.dead_letters < self.count:
            return None
        if view.dead_letters == 1:
            return f"1 event for {view.endpoint} failed for good and waits in the dead-letter queue"
        return f"{view.dead_letters:,} events for {view.endpoint} failed for good and wait in the dead-letter queue"


@attrs.frozen(kw_only=True)
class Alert:
    """One message: *rule* began to fit *endpoint* (*raised*) or is over, at the instant *at*."""

    rule: str
    endpoint: str
    owner: str
    at: float
    raised: bool
    text: str


@attrs.define(kw_only=True)
class Alerts:
    """Asks all *rules* and speaks only when something changes; *window*: seconds that the views look back.

    Two rules of one kind need two names, or the silence of one would end what the other has raised.

    Raises: `ValueError` for two rules with one name, `TypeError` for something that cannot be asked.

    >>> alerts = Alerts(rules=(FailureShare(fraction=0.5, name="half fails"), FailureShare()))
    >>> shop = EndpointView(endpoint="shop", owner="ada", attempts=20, failures=12)
    >>> [alert.rule for alert in alerts.check(shop, 0.0)], alerts.check(shop, 60.0)
    (['half fails'], [])
    """

    rules: tuple[AlertRule, ...] = attrs.field(
        factory=lambda: (FailureShare(), OldestUndelivered(), DeadLettersWaiting()), converter=tuple
    )
    window: float = knob(3_600.0, above=0, high=864_000, unit="s", help="how far the views look back")
    _raised: set[tuple[str, str]] = attrs.field(init=False, factory=set)

    @rules.validator
    def _check(self, attribute: object, value: tuple[AlertRule, ...]) -> None:
        for rule in value:
            check_method(rule, "raised_by", "view")
            if not isinstance(getattr(rule, "name", None), str):
                raise TypeError(f"an alert rule must have a name, got {rule!r}")
        names = [rule.name for rule in value]
        if len(set(names)) < len(names):
            raise ValueError(f"rules must each have a name of its own, got {', '.join(names)}")

    def check(self, view: EndpointView, now: float) -> list[Alert]:
        """What is new about the endpoint of *view*: an alert when a rule begins to fit, and one when it is over."""
        news = []
        for rule in self.rules:
            text, key = rule.raised_by(view), (rule.name, view.endpoint)
            if (text is None) == (key not in self._raised):
                continue
            raised = text is not None
            if raised:
                self._raised.add(key)
            else:
                self._raised.remove(key)
            told = text if text is not None else f"{rule.name} of {view.endpoint}: over"
            news.append(
                Alert(rule=rule.name, endpoint=view.endpoint, owner=view.owner, at=now, raised=raised, text=told)
            )
        return news
