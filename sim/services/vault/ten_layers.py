"""The ten layers, each beside what a service does that lacks it; see `sim.services.vault.layers`."""

from __future__ import annotations

import attrs

from sim.http import Response
from sim.policies.security.audit import AuditChain
from sim.policies.security.authorisation import Rules, hidden
from sim.policies.security.cors import Cors
from sim.policies.security.credentials import ApiKeys, Caller, Refused, bearer_token, cookies_of, credential_in_url
from sim.policies.security.input_guard import as_html
from sim.policies.security.lockout import GuessLimit
from sim.policies.security.tokens import TokenRules, require_scope
from sim.policies.security.transport import TlsOnly
from sim.services.vault.layers import Layer
from sim.services.vault.route_scopes import RouteScopes
from sim.services.vault.visit import Visit


def transport(policy: TlsOnly) -> Layer:
    """TLS or nothing.  Without it the service answers whoever speaks plain http."""
    return Layer(
        "transport",
        lambda visit, now: policy.refuse(visit) or visit,
        lambda visit, response: policy.protect(response),
    )


def cross_origin(policy: Cors) -> Layer:
    """Pages of the listed origins.  Without it every origin is reflected, so that "the browser stops complaining"."""

    def enter(visit: Visit, now: float) -> Visit | Response:
        answer = policy.preflight(visit)
        refused = policy.refuse(visit)
        return answer or (refused.response() if refused else visit)

    def leave(visit: Visit, response: Response) -> Response:
        return attrs.evolve(response, headers={**response.headers, **policy.headers(visit.header("Origin"))})

    def reflect(visit: Visit, response: Response) -> Response:
        origin = visit.header("Origin")
        if origin is None:
            return response
        allow = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
        return attrs.evolve(response, headers={**response.headers, **allow})

    return Layer("CORS", enter, leave, careless_leave=reflect)


def credentials(tokens: TokenRules, keys: ApiKeys, routes: RouteScopes) -> Layer:
    """Who is calling, proved.  Without it a token is believed unseen, and a key is good from anywhere, in any place."""

    def enter(visit: Visit, now: float) -> Visit | Response:
        caller = credential_in_url(visit) or _identify(visit, now, tokens, keys)
        if isinstance(caller, Refused):
            return caller.response()
        if caller is None and routes.scope(visit.method, visit.resource) != "":
            return Refused(401, "this needs a bearer token or an API key").response()
        return attrs.evolve(visit, caller=caller)

    def believe(visit: Visit, now: float) -> Visit:
        query = visit.query
        key = visit.header("X-API-Key") or query.get("api_key")
        known = None if key is None else keys.find(key)
        found = bearer_token(visit)
        token = found if isinstance(found, str) else cookies_of(visit).get("session", query.get("access_token", ""))
        return attrs.evolve(visit, caller=believed(token) if known is None else known.caller)

    return Layer("credentials", enter, careless=believe)


def gateway_authorisation(routes: RouteScopes) -> Layer:
    """What is published, and the scope that it takes.  Without it every path that there is can be called."""

    def enter(visit: Visit, now: float) -> Visit | Response:
        scope = routes.scope(visit.method, visit.resource)
        if scope is None:
            return visit if routes.knows(visit.resource) else hidden()
        if scope == "":
            return visit
        refused = Refused(401, "this needs a caller") if visit.caller is None else require_scope(visit.caller, scope)
        return refused.response() if refused else visit

    return Layer("gateway authorisation", enter)


def input_validation() -> Layer:
    """Types, lengths, names and members are checked.  Without it whatever can be parsed is taken."""
    return Layer("input validation", lambda visit, now: attrs.evolve(visit, checked=True))


def resource_authorisation(passports: TokenRules, rules: Rules, routes: RouteScopes) -> Layer:
    """The resource asks for itself: a passport that the gateway signed, and rules about this very document.

    Without it the resource believes who the caller is said to be, and hands out whatever is asked for: "only the
    gateway can reach us".
    """

    def enter(visit: Visit, now: float) -> Visit | Response:
        if not visit.passport and routes.scope(visit.method, visit.resource) in ("", None):
            return attrs.evolve(visit, caller=None, rules=rules)
        caller = passports.verify(visit.passport, now)
        if isinstance(caller, Refused):
            return Refused(401, "this needs to come through the gateway", "invalid_token").response()
        return attrs.evolve(visit, caller=caller, rules=rules)

    def believe(visit: Visit, now: float) -> Visit:
        return attrs.evolve(visit, caller=believed(visit.passport))

    return Layer("resource authorisation", enter, careless=believe)


def parameterised_queries() -> Layer:
    """Values are bound to a statement.  Without it they are pasted into its text."""
    return Layer("parameterised queries", lambda visit, now: attrs.evolve(visit, bound=True))


def output_encoding() -> Layer:
    """Text is encoded for the place where it goes.  Without it a text can be a script."""
    return Layer("output encoding", lambda visit, now: attrs.evolve(visit, encode=as_html))


def guess_limit(limit: GuessLimit) -> Layer:
    """So many passwords in so much time.  Without it every guess is checked."""
    return Layer("guess limit", lambda visit, now: attrs.evolve(visit, guesses=limit))


def audit(chain: AuditChain) -> Layer:
    """Every write that reaches the resource is written down and sealed.  Without it nobody knows who did what.

    What the gateway has refused stands in the gateway's own log, which nobody has to trust.
    """
    return Layer("audit", lambda visit, now: attrs.evolve(visit, sealed=chain))


def believed(token: str) -> Caller | None:
    """Who a token says that it is for, its signature, its times and its audience unseen; None when it is unreadable.

    Kept to be broken: this is what a service does that decodes a token and does not verify it.
    """
    import jwt

    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError):
        return None
    name, scope = claims.get("sub"), claims.get("scope", "")
    return Caller(name, frozenset(scope.split())) if isinstance(name, str) and isinstance(scope, str) else None


def _identify(visit: Visit, now: float, tokens: TokenRules, keys: ApiKeys) -> Caller | Refused | None:
    key, token = visit.header("X-API-Key"), bearer_token(visit)
    if key is not None and token is not None:
        return Refused(400, "send one credential, not two", "invalid_request")
    if key is not None:
        return keys.identify(key, visit.peer)
    if isinstance(token, Refused):
        return token
    token = token or cookies_of(visit).get("session")
    return None if token is None else tokens.verify(token, now)
