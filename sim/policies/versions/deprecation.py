"""Saying goodbye to a version: announce it, remind with brown-outs, and end it.

Two headers with two syntaxes: `Deprecation` is a Structured Field Date, seconds since the epoch behind an @
(RFC 9745); `Sunset` is an HTTP-date (RFC 8594).  `Deprecation: true`, which many guides show, is not valid.  Both are
fields of *responses*, so a webhook cannot carry them.  A header is read by nobody who does not look; a brown-out, in
which the version fails on purpose for a while, is noticed while there is still time.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from sim.http import Response, http_date, parse_http_date
from sim.knobs import knob
from sim.policies.http.problem import problem
from sim.policies.paging.link import build_links, link_to

_LAST = 253_402_300_799  # 9999-12-31, the last day that both syntaxes can write


def format_deprecation(seconds: float) -> str:
    """The instant *seconds* (since the epoch) as the value of a `Deprecation` header, rounded down.  RFC 9745 §2.1.

    Raises: `ValueError` outside the years 1970 to 9999.

    >>> format_deprecation(1688169599.5)
    '@1688169599'
    """
    if not 0 <= seconds <= _LAST:
        raise ValueError(f"a deprecation must fall between 1970 and 9999, got {seconds!r}")
    return f"@{int(seconds)}"


def parse_deprecation(value: str) -> float | None:
    """Seconds since the epoch that a `Deprecation` header says, or None when it is not a Structured Field Date.

    Parsed by `http_sf`, which knows the whole grammar: parameters behind the date are allowed and ignored.

    >>> parse_deprecation("@1688169599"), parse_deprecation("true"), parse_deprecation("Fri, 30 Jun 2023 23:59:59 GMT")
    (1688169599.0, None, None)
    """
    import http_sf  # 25 ms, most of them for one import that the course uses nowhere else

    try:
        item = http_sf.parse(value.encode("ascii"), tltype="item")
    except (ValueError, OverflowError, OSError, IndexError):
        return None
    moment = item[0] if isinstance(item, tuple) else None
    timestamp = getattr(moment, "timestamp", None)
    return None if timestamp is None else float(timestamp())


@attrs.frozen(kw_only=True)
class Lifecycle:
    """When a version is deprecated and when it ends, as the headers that say so.

    *deprecated*: seconds since the epoch, may lie in the future.  *sunset*: when it ends; None is: not decided.
    *policy*: a page about the deprecation.  *retirement*: a page about the sunset.  *successor*: the same resource in
    the version to move to.

    >>> print(*Lifecycle(deprecated=1688169599, sunset=1719791999, successor="/v2/users").headers().items(), sep="\\n")
    ('Deprecation', '@1688169599')
    ('Sunset', 'Sun, 30 Jun 2024 23:59:59 GMT')
    ('Link', '</v2/users>; rel="successor-version"')
    """

    deprecated: float = knob(low=0, high=_LAST, unit="s", help="when it is deprecated")
    sunset: float | None = knob(None, low=0, high=_LAST, optional=True, unit="s", help="when it ends")
    policy: str | None = None
    retirement: str | None = None
    successor: str | None = None

    def __attrs_post_init__(self) -> None:
        # RFC 9745 §4: the sunset MUST NOT be earlier than the deprecation.
        if self.sunset is not None and self.sunset < self.deprecated:
            raise ValueError(f"sunset must not be earlier than deprecated ({self.deprecated!r}), got {self.sunset!r}")
        build_links(self._links)

    def headers(self) -> dict[str, str]:
        """`Deprecation`, and as far as they are known `Sunset` and `Link`."""
        found = {"Deprecation": format_deprecation(self.deprecated)}
        if self.sunset is not None:
            found["Sunset"] = http_date(self.sunset)
        return {**found, "Link": build_links(self._links)} if self._links else found

    @property
    def _links(self) -> dict[str, str]:
        # The relations: RFC 9745 §3, RFC 8594 §6, RFC 5829 §3.2.
        named = {"deprecation": self.policy, "sunset": self.retirement, "successor-version": self.successor}
        return {rel: target for rel, target in named.items() if target is not None}


@attrs.frozen(kw_only=True)
class BrownOuts:
    """Windows in which a version that is still alive fails on purpose.

    *windows*: pairs of (from instant, seconds), in order, not overlapping.  *status*: 410 says that it is over, and is
    not retried; 503 with Retry-After says that it comes back, and a patient client never notices.
    """

    windows: tuple[tuple[float, float], ...] = ()
    status: int = attrs.field(default=410, validator=attrs.validators.in_((410, 503)))

    def __attrs_post_init__(self) -> None:
        end = float("-inf")
        for start, length in self.windows:
            if not (end <= start < float("inf") and 0.0 < length < float("inf")):
                raise ValueError(f"windows must be in order, longer than 0 and apart, got {self.windows!r}")
            end = start + length

    @classmethod
    def before(cls, sunset: float, *, every: float, length: float, count: int, status: int = 410) -> BrownOuts:
        """*count* windows of *length* seconds, the last beginning *every* seconds before the *sunset*.

        >>> BrownOuts.before(100.0, every=20.0, length=5.0, count=3).windows
        ((40.0, 5.0), (60.0, 5.0), (80.0, 5.0))
        """
        starts = [sunset - every * number for number in range(count, 0, -1)]
        return cls(windows=tuple((start, length) for start in starts), status=status)

    def ends_at(self, now: float) -> float | None:
        """When the window that *now* falls in ends; None when it falls in none.  A window's end is outside of it."""
        return next((start + length for start, length in self.windows if start <= now < start + length), None)


@attrs.frozen(kw_only=True)
class Retirement:
    """What a deprecated version answers at an instant: as ever, with a warning, or not at all.

    *announce*: the headers of *lifecycle* stand in every answer; False is a silent sunset.  *brown_outs*: see there.
    """

    lifecycle: Lifecycle
    announce: bool = True
    brown_outs: BrownOuts = BrownOuts()

    def headers(self) -> Mapping[str, str]:
        """What every answer of the version carries, errors too."""
        return self.lifecycle.headers() if self.announce else {}

    def refuse(self, now: float) -> Response | None:
        """The answer in place of the service's own: 410 from the sunset on, a brown-out's status; None: serve it."""
        sunset, successor = self.lifecycle.sunset, self.lifecycle.successor
        after = f"; use {successor}" if successor else ""
        if sunset is not None and now >= sunset:
            return problem(410, f"this version has ended{after}", headers=self.headers())
        end = self.brown_outs.ends_at(now)
        if end is None:
            return None
        # A machine reads the status, but it is a person who must understand it: the sentence says that it is a test.
        sentence = f"this version ends soon, and fails for a while as a reminder{after}"
        wait = end - now if self.brown_outs.status == 503 else None
        return problem(self.brown_outs.status, sentence, headers=self.headers(), retry_after=wait)


@attrs.frozen
class Notice:
    """What a response says about its version.

    *deprecated*, *sunset*: seconds since the epoch, None when the header is missing or malformed.  *successor*: where
    to go.  *findings*: what is wrong with the headers, one sentence each.
    """

    deprecated: float | None = None
    sunset: float | None = None
    successor: str | None = None
    findings: tuple[str, ...] = ()


def read_notice(response: Response) -> Notice | None:
    """The client's side: what *response* says about its own end, or None when it says nothing.

    Never raises: a malformed header is a finding, and counts as not sent.

    >>> read_notice(Response(200, headers={"Deprecation": "true"})).findings
    ("Deprecation must be a date such as @1688169599 (RFC 9745), got 'true'",)
    """
    when, end = response.header("Deprecation"), response.header("Sunset")
    if when is None and end is None:
        return None
    findings = []
    deprecated = None if when is None else parse_deprecation(when)
    sunset = None if end is None else parse_http_date(end)
    if when is not None and deprecated is None:
        findings.append(f"Deprecation must be a date such as @1688169599 (RFC 9745), got {when[:60]!r}")
    if end is not None and sunset is None:
        findings.append(f"Sunset must be an HTTP-date (RFC 8594), got {end[:60]!r}")
    if deprecated is not None and sunset is not None and sunset < deprecated:
        findings.append("Sunset is earlier than Deprecation, which RFC 9745 forbids; ask who runs it which one holds")
    return Notice(deprecated, sunset, link_to(response, "successor-version"), tuple(findings))


@attrs.define(kw_only=True)
class DeprecationWatch:
    """Warns once for each resource, and once more when its sunset is nearer than *urgent* seconds.

    `observe` returns the warning, or None when there is nothing new to say.
    """

    urgent: float = knob(30 * 86_400.0, above=0, unit="s", help="how near the sunset is when it warns again")
    warned: dict[str, bool] = attrs.field(init=False, factory=dict)

    def observe(self, resource: str, response: Response, now: float) -> str | None:
        """Look at a *response* of *resource* that came at *now*; a sentence when somebody should know."""
        notice = read_notice(response)
        if notice is None or (notice.deprecated is None and notice.sunset is None):
            return None
        near = notice.sunset is not None and notice.sunset - now <= self.urgent
        if self.warned.get(resource, None) in (near, True):
            return None
        self.warned[resource] = near
        move = f"; move to {notice.successor}" if notice.successor else ""
        if notice.sunset is None:
            return f"{resource} is deprecated and has no end yet{move}"
        days = (notice.sunset - now) / 86_400
        count = f"{abs(days):.0f} {'day' if round(abs(days)) == 1 else 'days'}"
        end = f"ends in {count}" if days > 0 else f"ended {count} ago"
        return f"{resource} {end}, on {http_date(notice.sunset)}{move}"
