"""Credentials: who is calling, told by something that only the caller has, and never by the address of the page.

An API key is a password for a machine: it is stored as a digest, and an allow-list of networks makes a stolen one
useless elsewhere.  A bearer token works for whoever bears it (RFC 6750), so it travels in the `Authorization` header
and nowhere else: a URL stands in access logs, browser histories and `Referer` headers.

Wrong credentials are a 401 with `WWW-Authenticate` (RFC 9110 §15.5.2); a caller that is known and may not is a 403.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Mapping

import attrs

from sim.http import Request, Response
from sim.policies.http.problem import problem

URL_CREDENTIALS = frozenset(
    {"access_token", "api_key", "apikey", "api-key", "auth", "authorization", "client_secret", "id_token"}
    | {"jwt", "password", "passwd", "refresh_token", "secret", "session", "token", "x-api-key"}
)
"""Names of query parameters that carry a credential, in lower case."""


@attrs.frozen
class Caller:
    """Who is calling, once that is known.  *scopes*: what the credential may be used for, not what its owner may do."""

    name: str
    scopes: frozenset[str] = frozenset()


@attrs.frozen
class Refused:
    """Why a request goes no further.

    *status*: 400, 401, 403 or 404.  *reason*: one sentence, which may be shown to the caller.  *error*: the code of
    RFC 6750 §3.1 ("invalid_request", "invalid_token", "insufficient_scope"), empty when no credential was sent.
    *scope*: the scope that was missing.
    """

    status: int
    reason: str
    error: str = ""
    scope: str = ""

    def response(self) -> Response:
        """The problem document, with a `WWW-Authenticate` challenge when it is about credentials.

        >>> Refused(401, "a bearer token is needed").response().headers["WWW-Authenticate"]
        'Bearer realm="api"'
        """
        headers = {}
        if self.status == 401 or self.error:
            parts = ['Bearer realm="api"']
            parts += [f'error="{self.error}"'] if self.error else []
            parts += [f'scope="{self.scope}"'] if self.scope else []
            headers["WWW-Authenticate"] = ", ".join(parts)
        return problem(self.status, self.reason, headers=headers)


@attrs.frozen(kw_only=True)
class ApiKey:
    """One key: its *digest* (see `digest_of`), its *caller*, and the *networks* that it may be used from.

    *networks*: addresses or ranges, "192.0.2.7" or "2001:db8::/32"; none at all is everywhere.
    """

    digest: str
    caller: Caller
    networks: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        for network in self.networks:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise ValueError(f"networks must be addresses or ranges of addresses, got {network!r}") from None

    def allows(self, peer: str) -> bool:
        """True when the key may be used from the address *peer*.

        An IPv4 address that arrives in IPv6 clothes (::ffff:192.0.2.7) is the IPv4 address.
        """
        if not self.networks:
            return True
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in ipaddress.ip_network(network) for network in self.networks)


@attrs.frozen
class ApiKeys:
    """The keys that exist.  Only their digests are held: who reads the table cannot call the API."""

    keys: tuple[ApiKey, ...] = ()

    def identify(self, key: str, peer: str) -> Caller | Refused:
        """The caller that *key* stands for, when it comes from an address that the key may be used from.

        >>> keys = ApiKeys((ApiKey(digest=digest_of("k-1"), caller=Caller("billing"), networks=("192.0.2.0/24",)),))
        >>> keys.identify("k-1", "192.0.2.7").name
        'billing'
        >>> keys.identify("k-1", "203.0.113.5").reason
        'this key may not be used from this address'
        """
        known = self.find(key)
        if known is None:
            return Refused(401, "this API key is not known", "invalid_token")
        return known.caller if known.allows(peer) else Refused(403, "this key may not be used from this address")

    def find(self, key: str) -> ApiKey | None:
        """The entry for *key*, wherever it comes from, or None."""
        digest = digest_of(key)
        return next((known for known in self.keys if hmac.compare_digest(known.digest, digest)), None)


def digest_of(key: str) -> str:
    """The SHA-256 of an API key in hex.

    A fast hash is enough for a key of 128 random bits or more, which nobody can guess; a password needs a slow one.
    """
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def bearer_token(request: Request) -> str | Refused | None:
    """The token in the `Authorization` header, None when there is none.  Source: RFC 6750 §2.1.

    The scheme's name ignores case (RFC 9110 §11.1); another scheme, or a token with characters that no token has, is
    refused.

    >>> bearer_token(Request("GET", "/", headers={"Authorization": "Bearer abc.def"}))
    'abc.def'
    """
    value = request.header("Authorization")
    if value is None:
        return None
    match = _BEARER.fullmatch(value)
    if match is not None:
        return match[1]
    if value.partition(" ")[0].lower() == "bearer":
        return Refused(400, "the Authorization header must be Bearer and one token", "invalid_request")
    return Refused(401, "the Authorization header must use the Bearer scheme")


def credential_in_url(request: Request) -> Refused | None:
    """Refuse a request whose query carries a credential, whatever else it brings.

    RFC 6750 §2.3 called the parameter a last resort; RFC 9700 §4.3.2 forbids it.  The credential has been seen by
    everything that logs a URL, so the answer says that it must be replaced.
    """
    for name in request.query:
        if name.lower() in URL_CREDENTIALS:
            reason = f"a credential must not stand in the URL ({name.lower()}); send it in a header, and replace it"
            return Refused(400, reason, "invalid_request")
    return None


def cookies_of(request: Request) -> Mapping[str, str]:
    """The cookies of a request by name; of one that comes twice, the first.  Source: RFC 6265 §5.4, §4.2.2.

    >>> dict(cookies_of(Request("GET", "/", headers={"Cookie": "session=abc; theme=dark"})))
    {'session': 'abc', 'theme': 'dark'}
    """
    found: dict[str, str] = {}
    for pair in (request.header("Cookie") or "").split(";"):
        name, equals, value = pair.strip().partition("=")
        if equals and name:
            found.setdefault(name, value)
    return found


_BEARER = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE | re.ASCII)
