"""Tokens: a JWT is believed only when every question about it has been asked.

Is the signature ours, by the algorithm that *we* chose for this key?  Is it still valid, and valid yet?  Did our
issuer make it, and was it made for us?  A verifier that lets the token answer the first question is the oldest hole
there is: `alg: none` needs no key, and `alg: HS256` turns a public RSA key, which everybody has, into the secret.

Sources: RFC 7519 (JWT), RFC 7515 (signatures), RFC 8725 (best practice), RFC 6750 §3.1 and RFC 9068 §2.2.3 (scopes).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import attrs

from sim.knobs import knob
from sim.policies.security.credentials import Caller, Refused

TOKEN_LIMIT = 8_000
"""Characters of the longest token that is looked at."""

_SYMMETRIC = {"HS256": 32, "HS384": 48, "HS512": 64}
"""Fewest bytes of a secret for each algorithm.  Source: RFC 7518 §3.2."""


@attrs.frozen(kw_only=True)
class TokenKey:
    """A key and the one algorithm that it is used with (RFC 8725 §3.1).

    *secret*: random bytes, at least as many as the algorithm's hash has; the public key's text for RS256 and ES256,
    which can be checked only where the `cryptography` package is installed and are refused elsewhere.
    """

    secret: bytes = attrs.field(repr=False)
    algorithm: str = "HS256"

    def __attrs_post_init__(self) -> None:
        if self.algorithm not in (*_SYMMETRIC, "RS256", "ES256"):
            raise ValueError(f"algorithm must be HS256, HS384, HS512, RS256 or ES256, got {self.algorithm!r}")
        least = _SYMMETRIC.get(self.algorithm, 1)
        if len(self.secret) < least:
            raise ValueError(f"secret must have at least {least} bytes for {self.algorithm}, got {len(self.secret)}")


@attrs.frozen(kw_only=True)
class TokenRules:
    """Verifies access tokens.

    *keys*: by key id, so that a new key can be used beside the old one.  *issuer*, *audience*: who makes our tokens,
    and who we are.  *leeway*: seconds that two clocks may differ.

    >>> rules = TokenRules(keys={"k1": TokenKey(secret=bytes(32))}, issuer="https://id.example", audience="vault")
    >>> token = rules.sign({"sub": "alice", "scope": "read write"}, kid="k1", now=0.0, lifetime=60.0)
    >>> rules.verify(token, now=59.0).name
    'alice'
    >>> rules.verify(token, now=60.0)
    Refused(status=401, reason='the token has expired', error='invalid_token', scope='')
    """

    keys: Mapping[str, TokenKey]
    issuer: str
    audience: str
    leeway: float = knob(0.0, low=0, high=600, unit="s", help="how much two clocks may differ")

    def verify(self, token: str, now: float) -> Caller | Refused:
        """The caller that *token* speaks for at the instant *now*, or why not."""
        claims = self.claims(token, now)
        if isinstance(claims, Refused):
            return claims
        scope = claims.get("scope", "")
        if not isinstance(scope, str):
            return _invalid("the token's scope must be a text")
        return Caller(claims["sub"], frozenset(scope.split()))

    def claims(self, token: str, now: float) -> dict[str, Any] | Refused:
        """The claims of *token* when all of it holds at the instant *now*, or why not."""
        import jwt  # 35 ms, so only where a token is read

        if len(token) > TOKEN_LIMIT or not _COMPACT.fullmatch(token):
            return _invalid("the token must be three parts with a dot between them, 8,000 characters at most")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            return _invalid("the token's header cannot be read")
        key = self._key(header)
        if isinstance(key, Refused):
            return key
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.secret,
                algorithms=[key.algorithm],
                audience=self.audience,
                issuer=self.issuer,
                options=_OPTIONS,  # type: ignore[arg-type]
            )
        except jwt.PyJWTError as error:
            return _invalid(_SENTENCES.get(type(error).__name__, "the token cannot be read"))
        return self._in_time(claims, now) or claims

    def sign(self, claims: Mapping[str, Any], *, kid: str, now: float, lifetime: float) -> str:
        """A token of ours with *claims*, valid from *now* for *lifetime* seconds."""
        times = {"iat": now, "nbf": now, "exp": now + lifetime}
        return sign_token({"iss": self.issuer, "aud": self.audience, **times, **claims}, self.keys[kid], kid=kid)

    def _key(self, header: Mapping[str, Any]) -> TokenKey | Refused:
        kid = header.get("kid")
        if kid is None and len(self.keys) == 1:
            key = next(iter(self.keys.values()))
        elif isinstance(kid, str) and kid in self.keys:
            key = self.keys[kid]
        else:
            return _invalid("the token names a key that is not known")
        if header.get("alg") != key.algorithm:
            # Before any cryptography: "none", and a public key that is to be used as an HMAC secret.
            return _invalid("the token's algorithm is not the one that this key is used with")
        return key

    def _in_time(self, claims: Mapping[str, Any], now: float) -> Refused | None:
        for name in ("exp", "nbf", "iat"):
            if name in claims and not _is_date(claims[name]):
                return _invalid(f"the token's {name} must be a number of seconds")
        if now >= claims["exp"] + self.leeway:  # RFC 7519 §4.1.4: on or after this instant
            return _invalid("the token has expired")
        if now < claims.get("nbf", -math.inf) - self.leeway:
            return _invalid("the token is not valid yet")
        if now < claims.get("iat", -math.inf) - self.leeway:
            return _invalid("the token was issued in the future")
        return None


def sign_token(claims: Mapping[str, Any], key: TokenKey, *, kid: str = "") -> str:
    """A token with exactly these *claims*, signed with *key*; an empty *kid* names no key."""
    import jwt

    return jwt.encode(dict(claims), key.secret, algorithm=key.algorithm, headers={"kid": kid} if kid else None)


def require_scope(caller: Caller, scope: str) -> Refused | None:
    """None when the caller's credential covers *scope*, else a 403 that names it.  Source: RFC 6750 §3.1.

    >>> require_scope(Caller("alice", frozenset({"documents:read"})), "documents:write").status
    403
    """
    if scope in caller.scopes:
        return None
    return Refused(403, f"this needs the scope {scope}", "insufficient_scope", scope)


_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_OPTIONS = {
    # Times are compared with `now` below; the library would read the machine's clock.
    "verify_exp": False, "verify_nbf": False, "verify_iat": False,
    "require": ["exp", "iss", "aud", "sub"],
}  # fmt: skip
_SENTENCES = {
    "InvalidSignatureError": "the token's signature is not right",
    "InvalidAlgorithmError": "the token's algorithm cannot be checked here",
    "InvalidAudienceError": "the token was made for somebody else",
    "InvalidSubjectError": "the token's sub must be a text",
    "InvalidIssuerError": "the token was made by somebody else",
    "MissingRequiredClaimError": "the token must say exp, iss, aud and sub",
}


def _is_date(value: Any) -> bool:
    """True for a NumericDate: a finite JSON number (RFC 7519 §2)."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number too large for a float
        return False


def _invalid(reason: str) -> Refused:
    return Refused(401, reason, "invalid_token")
