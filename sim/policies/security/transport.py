"""Transport: TLS or nothing, and a header that tells browsers to come back no other way.

A request over plain http is refused, not redirected: when a credential came with it, everybody on the way has read
it already, and a redirect would only hide the mistake from the programmer who made it.  A browser that follows a
link brings no credential yet, so it may be redirected when the service says so.

HSTS protects the second visit, not the first, and only in clients that keep a list: browsers do, HTTP libraries do
not.  Source: RFC 6797.
"""

from __future__ import annotations

import re

import attrs

from sim.http import Request, Response
from sim.knobs import knob
from sim.policies.http.problem import problem
from sim.policies.security.credentials import Refused, cookies_of, credential_in_url


def scheme_of(request: Request) -> str:
    """The scheme that a request came by: its `:scheme` pseudo-header (RFC 9113 §8.3.1), "http" when there is none.

    The server, or the proxy that ends TLS for it, writes it.  No client can: a header's name never begins with a
    colon.  A request that nobody vouches for counts as plain.
    """
    return (request.header(":scheme") or "http").lower()


def carries_credentials(request: Request) -> bool:
    """True when a request brings something that an eavesdropper could use."""
    named = any(request.header(name) is not None for name in ("Authorization", "X-API-Key", "Proxy-Authorization"))
    return named or bool(cookies_of(request)) or credential_in_url(request) is not None


@attrs.frozen(kw_only=True)
class TlsOnly:
    """Refuses plain http and puts `Strict-Transport-Security` on every answer over TLS.

    *max_age*: seconds that a browser remembers; 0 makes it forget.  *subdomains*: they are meant as well.
    *redirect_to*: the host that a browser without credentials is sent to by a 308; None redirects nobody.

    >>> TlsOnly().header
    'max-age=31536000; includeSubDomains'
    """

    max_age: int = knob(31_536_000, kind=int, low=0, high=1e10, unit="s", help="how long a browser remembers")
    subdomains: bool = knob(True, kind=bool, help="subdomains are meant as well")
    redirect_to: str | None = None

    @property
    def header(self) -> str:
        """The value of the header.  Source: RFC 6797 §6.1."""
        return f"max-age={self.max_age}" + ("; includeSubDomains" if self.subdomains else "")

    def refuse(self, request: Request) -> Response | None:
        """The answer to a plain request, None for one that came by TLS.

        Neither answer carries the header: over plain http it must not be sent (RFC 6797 §7.2).
        """
        if scheme_of(request) == "https":
            return None
        if carries_credentials(request):
            reason = "this API answers over TLS only; the credential was sent in the clear, so replace it"
            return Refused(403, reason).response()
        if self.redirect_to is not None and request.method in ("GET", "HEAD"):
            target = f"https://{self.redirect_to}{_one_line(request.path)}"
            return problem(308, "this API answers over TLS only", headers={"Location": target})
        return Refused(403, "this API answers over TLS only").response()

    def protect(self, response: Response) -> Response:
        """*response* with the header, for a request that came by TLS."""
        return attrs.evolve(response, headers={**response.headers, "Strict-Transport-Security": self.header})


@attrs.define(kw_only=True)
class HstsList:
    """What a browser remembers: hosts that it visits by TLS only.  Source: RFC 6797 §8.

    >>> known = HstsList()
    >>> known.learn("api.example", "max-age=60", scheme="https", now=0.0)
    >>> known.scheme("api.example", now=59.0), known.scheme("api.example", now=60.0), known.scheme("else.example", 0.0)
    ('https', 'http', 'http')
    """

    _hosts: dict[str, tuple[float, bool]] = attrs.field(init=False, factory=dict)

    def learn(self, host: str, value: str, *, scheme: str, now: float) -> None:
        """Take in the header of an answer from *host*; one that came by plain http says nothing (§8.1)."""
        told = parse_hsts(value)
        if scheme != "https" or told is None:
            return
        max_age, subdomains = told
        if max_age:
            self._hosts[host.lower()] = (now + max_age, subdomains)
        else:
            self._hosts.pop(host.lower(), None)

    def scheme(self, host: str, now: float) -> str:
        """The scheme that a link to plain http on *host* is really opened with."""
        labels = host.lower().split(".")
        for depth in range(len(labels)):
            until, subdomains = self._hosts.get(".".join(labels[depth:]), (0.0, False))
            if now < until and (depth == 0 or subdomains):
                return "https"
        return "http"


def parse_hsts(value: str) -> tuple[float, bool] | None:
    """Seconds and whether subdomains are meant, or None when the header says nothing valid.  RFC 6797 §6.1.

    Directives stand in any order and case, unknown ones are ignored, one that comes twice spoils the header.

    >>> parse_hsts('includeSubDomains; max-age="60"'), parse_hsts("includeSubDomains")
    ((60.0, True), None)
    """
    found: dict[str, str] = {}
    for part in value.split(";"):
        name, _, argument = (piece.strip() for piece in part.partition("="))
        if not name:
            continue
        if name.lower() in found:
            return None
        found[name.lower()] = argument
    age = re.fullmatch(r'([0-9]{1,300})|"([0-9]{1,300})"', found.get("max-age", ""))
    if age is None or found.get("includesubdomains", ""):
        return None
    return float(age[1] or age[2]), "includesubdomains" in found


def _one_line(path: str) -> str:
    # A line break in a header would begin the next header.
    return re.sub(r"[^\x21-\x7e]", "", path)
