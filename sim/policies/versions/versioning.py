"""Which version of an API a request asks for: in the URI, in a header, in the media type or in the query.

Four places, one question: `select(request)` answers `Selected` or `Unknown`.  The places differ in what a cache sees.
A URI and a query are part of a cache's key; a header is not, unless the answer names it in `Vary`: `mark(selected)`
gives the headers that the answer must carry.  Left out: the version of a request's *body*, which with
media types stands in its Content-Type.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeAlias
from urllib.parse import parse_qsl, urlencode

import attrs

from sim.http import Request, Response
from sim.policies.http.negotiation import best_media_type, parse_accept
from sim.policies.http.problem import problem


@attrs.frozen
class Selected:
    """The request asks for *version*; *request* is what is left of it for a service that knows no versions.

    *named*: False when the client named none and was given the default.
    """

    version: str
    request: Request
    named: bool = True


@attrs.frozen
class Unknown:
    """There is no such version: *sentence* says so, *status* is the right answer."""

    sentence: str
    status: int


Selection: TypeAlias = Selected | Unknown


class VersionSelector(Protocol):
    """Where a version is written, and what follows for the answer."""

    @property
    def vary(self) -> str:
        """The request header that decides, for `Vary`; empty when the URI alone decides."""
        ...

    def select(self, request: Request) -> Selection:
        """The version that *request* asks for."""
        ...

    def mark(self, selected: Selected) -> Mapping[str, str]:
        """The headers that the answer must carry."""
        ...


def _in_order(versions: Iterable[str]) -> tuple[str, ...]:
    return tuple(versions)


@attrs.frozen
class _Places:
    """What the four selectors share: the versions there are, and the one for those who name none.

    *versions*: as clients write them after the "v", the oldest first: "1" or "2024-01-15".  *default*: None refuses
    a request without a version, which is the one choice that can never break a client later.
    """

    versions: tuple[str, ...] = attrs.field(converter=_in_order)
    default: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        good = all(isinstance(version, str) and _LABEL.fullmatch(version) for version in self.versions)
        if not self.versions or not good or len(set(self.versions)) < len(self.versions):
            raise ValueError(
                f"versions must be different labels that begin with a digit, like '1', got {self.versions!r}"
            )
        if self.default is not None and self.default not in self.versions:
            raise ValueError(f"default must be one of {', '.join(self.versions)} or None, got {self.default!r}")

    @property
    def vary(self) -> str:
        """Nothing: the URI alone decides."""
        return ""

    def mark(self, selected: Selected) -> Mapping[str, str]:
        """The headers that the answer must carry: `Vary`, or none."""
        return {"Vary": self.vary} if self.vary else {}

    def _choose(self, named: str | None, request: Request, status: int) -> Selection:
        if named is None:
            if self.default is None:
                return Unknown(f"name a version: {self._known}", status)
            return Selected(self.default, request, named=False)
        label = named.strip().lower().removeprefix("v")
        if label not in self.versions:
            return Unknown(f"there is no version {named.strip()[:40]!r}; there are {self._known}", status)
        return Selected(label, request)

    @property
    def _known(self) -> str:
        return ", ".join(self.versions)


@attrs.frozen
class UriVersion(_Places):
    """/v1/users: visible, easy to try, and a cache keeps the versions apart by itself.

    >>> selected = UriVersion(("1", "2")).select(Request("GET", "/v2/users/7?full=1"))
    >>> selected.version, selected.request.path
    ('2', '/users/7?full=1')
    >>> UriVersion(("1", "2")).select(Request("GET", "/v9/users"))
    Unknown(sentence="there is no version '9'; there are 1, 2", status=404)
    """

    def select(self, request: Request) -> Selection:
        """The first segment of the path, "v" and a digit; an unknown one is a 404, as any unknown path."""
        match = _IN_PATH.match(request.path)
        if match is None:
            return self._choose(None, request, 404)
        rest = request.path[match.end() :]
        path = rest if rest.startswith("/") else f"/{rest}"
        return self._choose(match["version"], attrs.evolve(request, path=path), 404)


@attrs.frozen
class QueryVersion(_Places):
    """/users?version=2: part of the URI too, so every cache keeps the versions apart.

    Measured: seven of seven caches do, though it is often said that a query breaks caching.  The old rule against
    caching URIs with a query was never widely implemented (RFC 9111 §4.2.2).
    """

    parameter: str = attrs.field(default="version", kw_only=True)

    def select(self, request: Request) -> Selection:
        """The query's parameter; unknown, or two that differ, is a 400."""
        if "?" not in request.path:
            return self._choose(None, request, 400)
        pairs = parse_qsl(request.path.partition("?")[2], keep_blank_values=True)
        named = {value for name, value in pairs if name == self.parameter}
        if not named:
            return self._choose(None, request, 400)
        if len(named) > 1:
            return Unknown(f"name one version in {self.parameter!r}, not {len(named)}", 400)
        rest = urlencode([pair for pair in pairs if pair[0] != self.parameter])
        path = f"{request.resource}?{rest}" if rest else request.resource
        return self._choose(named.pop(), attrs.evolve(request, path=path), 400)


@attrs.frozen
class HeaderVersion(_Places):
    """Accept-Version: 2.  The URI stays; without `Vary` a shared cache hands any version to anybody."""

    header: str = attrs.field(default="Accept-Version", kw_only=True)

    @property
    def vary(self) -> str:
        """The header's name."""
        return self.header

    def select(self, request: Request) -> Selection:
        """The header's value, "2" or "v2"; an unknown one is a 400."""
        return self._choose(request.header(self.header), _without(request, self.header), 400)


@attrs.frozen
class MediaTypeVersion(_Places):
    """Accept: application/vnd.myapi.v2+json.  The version is a format of the same thing, and is negotiated.

    The heaviest q wins, then what is named over a wildcard, then the server's own order: the default first, then the
    newest.  Plain application/json and wildcards mean the default; without one they are refused, because they name no
    version.  Source: RFC 9110 §12.5.1.

    >>> selector = MediaTypeVersion(("1", "2"))
    >>> accept = "application/vnd.myapi.v1+json;q=0.5, application/vnd.myapi.v2+json"
    >>> selector.select(Request("GET", "/users", headers={"Accept": accept})).version
    '2'
    """

    vendor: str = attrs.field(default="myapi", kw_only=True, validator=attrs.validators.matches_re(r"[a-z0-9-]+"))

    @property
    def vary(self) -> str:
        """Accept."""
        return "Accept"

    def mark(self, selected: Selected) -> Mapping[str, str]:
        """`Vary`, and the media type of the answer: plain JSON for one who did not name a version."""
        return {"Vary": self.vary, "Content-Type": self.media_type(selected.version) if selected.named else _PLAIN}

    def media_type(self, version: str) -> str:
        """The name of *version* as a media type.

        >>> MediaTypeVersion(("1",)).media_type("1")
        'application/vnd.myapi.v1+json'
        """
        return f"application/vnd.{self.vendor}.v{version}+json"

    def select(self, request: Request) -> Selection:
        """The version whose media type the client likes best; 406 when it accepts none of them."""
        accept, rest = request.header("Accept"), _without(request, "Accept")
        wanted = parse_accept(accept)
        if accept is None or not wanted:
            return self._choose(None, rest, 406)
        offers, named = self._offers(), {one.range for one in wanted}
        found = best_media_type(accept, sorted(offers, key=lambda offer: offer not in named))
        if found is None:
            return Unknown(f"none of {accept.strip()[:80]!r} is a version here; there are {self._known}", 406)
        if self.default is None and found not in named:
            return self._choose(None, rest, 406)
        return Selected(offers[found], rest, named=found != _PLAIN)

    def _offers(self) -> dict[str, str]:
        """Every media type with its version, the server's favourite first."""
        first = {} if self.default is None else {_PLAIN: self.default, self.media_type(self.default): self.default}
        return {**first, **{self.media_type(version): version for version in reversed(self.versions)}}


def version_refusal(unknown: Unknown, selector: VersionSelector) -> Response:
    """The answer to a request for a version that does not exist; it names in `Vary` what it depends on."""
    return problem(unknown.status, unknown.sentence, headers={"Vary": selector.vary} if selector.vary else None)


_LABEL = re.compile(r"[0-9][0-9a-z.-]{0,39}")
_IN_PATH = re.compile(r"/v(?P<version>[0-9][^/?#]*)(?=[/?]|$)", re.IGNORECASE)
_PLAIN = "application/json"


def _without(request: Request, name: str) -> Request:
    kept = {key: value for key, value in request.headers.items() if key.lower() != name.lower()}
    return attrs.evolve(request, headers=kept) if len(kept) < len(request.headers) else request
