"""The Link header: where to go from here, so that a client never builds a URL itself.  Source: RFC 8288.

`build_links` writes it, `parse_links` reads it by the algorithm of the RFC's appendix B.2, quotes, commas inside of
URLs and broken rest included, and `FollowLinks` is the client that walks a list by `rel="next"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from random import Random
from urllib.parse import urljoin, urlsplit

import attrs

from sim.flow import CallFlow, Note, RetryRule, Send, Wait, check_method, check_wait
from sim.http import Request, Response
from sim.knobs import knob
from sim.outcome import Outcome
from sim.policies.client.retry import Retry


@attrs.frozen
class Link:
    """One link: its *target* as it was written, its *relations* in lower case, and its other *parameters*."""

    target: str
    relations: frozenset[str] = frozenset()
    parameters: tuple[tuple[str, str], ...] = ()


def build_links(targets: Mapping[str, str]) -> str:
    """The value of a Link header that leads to *targets*, a mapping from relation to URL.

    Raises: `ValueError` when a URL or a relation would break out of its place in the header.

    >>> build_links({"next": "/orders?cursor=abc", "first": "/orders"})
    '</orders?cursor=abc>; rel="next", </orders>; rel="first"'
    """
    for rel, target in targets.items():
        if not re.fullmatch(r"[!-~]+", target) or re.search(r'[<>"\\^`{|}]', target):
            raise ValueError(f"a target must be a URL without spaces, quotes or angle brackets, got {target[:80]!r}")
        if not re.fullmatch(r"[a-z][a-z0-9.-]*", rel):
            raise ValueError(f"a relation must be a registered name in lower case, got {rel[:80]!r}")
    return ", ".join(f'<{target}>; rel="{rel}"' for rel, target in targets.items())


def parse_links(value: str) -> list[Link]:
    """The links of a Link header, up to the first thing that is none.  Never raises.  RFC 8288 appendix B.2, B.3.

    >>> [link.target for link in parse_links('</a?x=1,2>; rel="next prev"; title="a, b", </b>')]
    ['/a?x=1,2', '/b']
    """
    links, rest = [], value.strip(_SPACE)
    while rest.startswith("<") and ">" in rest:
        target, _, rest = rest[1:].partition(">")
        parameters, rest = _parameters(rest)
        # Only the first rel counts, RFC 8288 §3.3; the names in it are compared without case, §2.1.1.
        rel = next((text for name, text in parameters if name == "rel"), "")
        others = tuple((name, text) for name, text in parameters if name != "rel")
        links.append(Link(target, frozenset(rel.lower().split()), others))
        rest = rest.lstrip(_SPACE + ",")
    return links


def link_to(response: Response, relation: str) -> str | None:
    """The target of the first link with *relation* in the response's Link header; None when there is none."""
    for link in parse_links(response.header("Link") or ""):
        if relation in link.relations:
            return link.target
    return None


@attrs.frozen(kw_only=True)
class FollowLinks:
    """A client that walks a list: page after page by `rel="next"`, up to *pages* of them, *pause* seconds apart.

    *retry*: for each page.  *pages*: None is to the end.  *read*: what to note of each page, as a text; None is
    nothing.  A link to another host is not followed: it would be handed our credentials.
    """

    pages: int | None = knob(None, kind=int, low=1, optional=True, unit="pages", help="most pages that are read")
    pause: float = knob(0.0, low=0, unit="s", help="between two pages")
    retry: RetryRule = attrs.field(factory=Retry)
    read: Callable[[Response], str] | None = None

    def __attrs_post_init__(self) -> None:
        check_method(self.retry, "wait", "attempt", "outcome", "elapsed", "previous", "rng")

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """The flow of one walk that begins with *request*; it returns the outcome of the last page."""
        attempt, page = 0, 0
        while True:
            page += 1
            began, previous, tries = now, 0.0, 0
            outcome: Outcome
            while True:
                attempt, tries = attempt + 1, tries + 1
                now, outcome = yield Send(attempt, request)
                if outcome.ok:
                    break
                wait = self.retry.wait(tries, outcome, now - began, previous, rng)
                if wait is None:
                    return outcome
                check_wait(wait, self.retry, tries)
                now, previous = (yield Wait(wait)), wait
            response = _answer(outcome)
            if self.read is not None:
                now = yield Note("page", self.read(response))
            onward = _next(request, response)
            if onward is None or page == self.pages:
                return outcome
            if self.pause:
                now = yield Wait(self.pause)
            request = onward


def _answer(outcome: Outcome) -> Response:
    return outcome.response or Response(outcome.status or 200)


def _next(request: Request, response: Response) -> Request | None:
    target = link_to(response, "next")
    if target is None:
        return None
    try:
        parts = urlsplit(urljoin(f"https://here.example{request.path}", target))
    except ValueError:
        return None
    if (parts.scheme, parts.netloc) != ("https", "here.example"):
        return None
    return attrs.evolve(request, method="GET", path=parts.path + (f"?{parts.query}" if parts.query else ""), body=b"")


_SPACE = " \t"


def _parameters(rest: str) -> tuple[list[tuple[str, str]], str]:
    """The parameters at the start of *rest*, and what stands behind them."""
    found = []
    rest = rest.lstrip(_SPACE)
    while rest.startswith(";"):
        rest = rest[1:].lstrip(_SPACE)
        match = re.match(r"[^\s=;,]*", rest)
        assert match is not None  # it matches nothing as well
        name, rest = match[0].lower(), rest[match.end() :].lstrip(_SPACE)
        text = ""
        if rest.startswith("="):
            rest = rest[1:].lstrip(_SPACE)
            if rest.startswith('"'):
                text, rest = _quoted(rest)
            else:
                text, rest = re.split(r"(?=[;,])", rest, maxsplit=1)[0], rest
                rest = rest[len(text) :]
                text = text.rstrip(_SPACE)
        if name:
            found.append((name, text))
        rest = rest.lstrip(_SPACE)
    return found, rest


def _quoted(rest: str) -> tuple[str, str]:
    """The text of the quoted string that *rest* begins with, and what stands behind it; it may lack its end."""
    out, index = [], 1
    while index < len(rest) and rest[index] != '"':
        if rest[index] == "\\" and index + 1 < len(rest):
            index += 1
        out.append(rest[index])
        index += 1
    return "".join(out), rest[index + 1 :]
