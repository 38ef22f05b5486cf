"""CORS: which pages of other origins may read the answers, told to the browser in headers.

The browser is the one who enforces it, for its user's sake: a page at evil.example can make the browser send the
user's cookies to us, and only our headers decide whether that page's script may read what comes back.  A program
outside of a browser is not bound by any of this, so CORS takes the place of no other layer; and a simple request,
such as a form's POST, is sent before anybody asks, so the server checks `Origin` as well before it changes anything.

Source: the Fetch standard, §3.3 (CORS protocol), §4.8 (preflight) and §4.10 (CORS check).
"""

from __future__ import annotations

import re

import attrs

from sim.http import Request, Response, origin_of
from sim.knobs import knob
from sim.policies.security.credentials import Refused

SIMPLE_METHODS = frozenset({"GET", "HEAD", "POST"})
SIMPLE_HEADERS = frozenset({"accept", "accept-language", "content-language", "content-type"})
SIMPLE_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
"""What a page may send anywhere without asking: what a form could always send.  Fetch §2.2.1, §2.2.2."""


@attrs.frozen(kw_only=True)
class Cors:
    """An allow-list of origins.

    *origins*: "https://shop.example", exactly as a browser writes them; "*" is every origin and goes with no
    credentials.  *methods*, *headers*: what such a page may send beyond the simple ones.  *credentials*: cookies may
    come along.  *own*: the origin of our own pages, which need no permission.  *max_age*: seconds that a browser
    keeps the answer to a preflight (browsers cap it, Chromium at 7,200).

    >>> cors = Cors(origins=frozenset({"https://shop.example"}), credentials=True)
    >>> cors.headers("https://shop.example")["Access-Control-Allow-Origin"], cors.headers("https://evil.example")
    ('https://shop.example', {'Vary': 'Origin'})
    """

    origins: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset({"PUT", "PATCH", "DELETE"})
    allowed_headers: frozenset[str] = frozenset({"authorization", "content-type"})
    credentials: bool = knob(False, kind=bool, help="cookies may come along")
    own: str | None = None
    max_age: int = knob(600, kind=int, low=0, high=86_400, unit="s", help="how long a preflight's answer is kept")

    def __attrs_post_init__(self) -> None:
        if "*" in self.origins and self.credentials:
            raise ValueError("origins must be a list when credentials are allowed, got '*'")
        for origin in self.origins - {"*"}:
            if not _ORIGIN.fullmatch(origin) or origin != origin_of(origin):
                raise ValueError(f"origins must be scheme, host and port in lower case, got {origin!r}")
        if any(name != name.lower() for name in self.allowed_headers):
            raise ValueError(f"allowed_headers must be in lower case, got {sorted(self.allowed_headers)}")

    def admits(self, origin: str | None) -> bool:
        """True when a request with this `Origin` is fine: none at all (no browser), our own, or one on the list.

        The comparison is exact.  A suffix would admit https://evilshop.example, a pattern with a bare dot others.
        "null", which sandboxed frames and local files send, is on no list.
        """
        return origin is None or origin == self.own or origin in self.origins or "*" in self.origins

    def headers(self, origin: str | None) -> dict[str, str]:
        """The headers that an answer to a request with this `Origin` carries.

        `Vary: Origin` stands on every answer that another origin would get differently, or a shared cache would hand
        one origin's permission to another (Fetch §3.3.5).
        """
        if "*" in self.origins:
            return {"Access-Control-Allow-Origin": "*"}
        if origin is None or origin not in self.origins:
            return {"Vary": "Origin"}
        allow = {"Access-Control-Allow-Credentials": "true"} if self.credentials else {}
        return {"Access-Control-Allow-Origin": origin, **allow, "Vary": "Origin"}

    def preflight(self, request: Request) -> Response | None:
        """The answer to a preflight, None when *request* is not one.

        It is answered before authentication: a preflight never carries credentials (Fetch §4.8).  A page that may
        not is told nothing but 403; what counts for the browser is that the permission is missing.
        """
        origin, method = request.header("Origin"), request.header("Access-Control-Request-Method")
        if request.method != "OPTIONS" or origin is None or method is None:
            return None
        asked = {name.strip().lower() for name in (request.header("Access-Control-Request-Headers") or "").split(",")}
        known = self.admits(origin) and (method in self.methods or method in SIMPLE_METHODS)
        if not known or not asked - {""} <= self.allowed_headers | SIMPLE_HEADERS:
            answer = Refused(403, "this page may not send such a request").response()
            return attrs.evolve(answer, headers={**answer.headers, "Vary": "Origin"})
        permission = {
            "Access-Control-Allow-Methods": ", ".join(sorted(self.methods)),
            "Access-Control-Allow-Headers": ", ".join(sorted(self.allowed_headers)),
            "Access-Control-Max-Age": str(self.max_age),
        }
        return Response(204, headers={**self.headers(origin), **permission})

    def refuse(self, request: Request) -> Refused | None:
        """Refuse a request from a page of a foreign origin, before it changes anything."""
        if self.admits(request.header("Origin")):
            return None
        return Refused(403, "this origin is not on the list")


def needs_preflight(request: Request) -> bool:
    """True when a browser asks before it sends *request* for a page of another origin.  Source: Fetch §4.8.

    >>> needs_preflight(Request("POST", "/", headers={"Content-Type": "text/plain"}))
    False
    >>> needs_preflight(Request("POST", "/", headers={"Content-Type": "application/json"}))
    True
    """
    return request.method not in SIMPLE_METHODS or bool(_unsafe_headers(request))


def permits(answer: Response, request: Request) -> bool:
    """True when the answer to a preflight lets the browser send *request*.  Source: Fetch §4.8, step 7 and on."""
    if not 200 <= answer.status < 300:
        return False
    if not lets_read(answer, request.header("Origin"), request.header("Cookie") is not None):
        return False
    methods = _names(answer.header("Access-Control-Allow-Methods"))
    headers = {name.lower() for name in _names(answer.header("Access-Control-Allow-Headers"))}
    return (request.method in SIMPLE_METHODS or request.method in methods) and _unsafe_headers(request) <= headers


def lets_read(response: Response, origin: str | None, credentials: bool) -> bool:
    """True when a browser lets a script of *origin* read *response*: the CORS check.  Source: Fetch §4.10.

    *credentials*: cookies were sent; then "*" does not do, and `Access-Control-Allow-Credentials` must be "true".
    """
    allowed = response.header("Access-Control-Allow-Origin")
    if allowed == "*" and not credentials:
        return True
    if allowed is None or allowed != origin:
        return False
    return not credentials or response.header("Access-Control-Allow-Credentials") == "true"


_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9.-]+(:[0-9]{1,5})?|[a-z][a-z0-9+.-]*://\[[0-9a-f:]+\](:[0-9]{1,5})?")


def _names(value: str | None) -> set[str]:
    return {name.strip() for name in (value or "").split(",")} - {""}


def _unsafe_headers(request: Request) -> set[str]:
    """Names of the headers that the page's script chose and that no form could send.

    `Origin`, `Cookie` and the pseudo-headers are the browser's own.
    """
    names = {name.lower() for name in request.headers if not name.startswith(":")} - {"origin", "cookie"}
    media = (request.header("Content-Type") or "text/plain").partition(";")[0].strip().lower()
    return (names - SIMPLE_HEADERS) | ({"content-type"} if media not in SIMPLE_TYPES else set())
