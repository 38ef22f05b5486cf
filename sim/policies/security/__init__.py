"""Who may do what, from where, and what is written down about it."""

from sim.policies.security.audit import AuditChain
from sim.policies.security.authorisation import Roles, Rule, Rules, Verdict
from sim.policies.security.cors import Cors, lets_read, needs_preflight, permits
from sim.policies.security.credentials import ApiKey, ApiKeys, Caller, Refused, bearer_token, credential_in_url
from sim.policies.security.input_guard import NO_MARKUP, ONE_LINE, PROSE, as_html, contained, safe_name
from sim.policies.security.lockout import GuessLimit, GuessVerdict
from sim.policies.security.tokens import TokenKey, TokenRules, require_scope, sign_token
from sim.policies.security.transport import HstsList, TlsOnly, parse_hsts

__all__ = [
    "NO_MARKUP",
    "ONE_LINE",
    "PROSE",
    "ApiKey",
    "ApiKeys",
    "AuditChain",
    "Caller",
    "Cors",
    "GuessLimit",
    "GuessVerdict",
    "HstsList",
    "Refused",
    "Roles",
    "Rule",
    "Rules",
    "TlsOnly",
    "TokenKey",
    "TokenRules",
    "Verdict",
    "as_html",
    "bearer_token",
    "contained",
    "credential_in_url",
    "lets_read",
    "needs_preflight",
    "parse_hsts",
    "permits",
    "require_scope",
    "safe_name",
    "sign_token",
]
