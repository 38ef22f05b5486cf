"""The guarded vault: the vault with its people, their secrets, and all of its layers, made fresh.

Everything is fixed, so an attack does the same today and tomorrow.  The secrets are the lesson's; nothing else in the
world has them.
"""

from __future__ import annotations

from typing import Any

import attrs

from sim.policies.security.audit import AuditChain
from sim.policies.security.authorisation import Effect, Roles, Rule, Rules
from sim.policies.security.cors import Cors
from sim.policies.security.credentials import ApiKey, ApiKeys, Caller, digest_of
from sim.policies.security.lockout import GuessLimit
from sim.policies.security.tokens import TokenKey, TokenRules
from sim.policies.security.transport import TlsOnly
from sim.services.vault import ten_layers as layers
from sim.services.vault.layers import Layers
from sim.services.vault.passwords import account
from sim.services.vault.route_scopes import RouteScopes
from sim.services.vault.service import Search, Vault
from sim.store import MemoryStore, Store

OFFICE, HOME, AWAY, INSIDE = "192.0.2.10", "198.51.100.7", "203.0.113.66", "10.0.0.66"
"""Addresses: where the billing machine stands, where people live, where an attacker is, and inside the network."""

SHOP = "https://shop.example"
"""The one other origin whose pages may call the vault."""

BILLING_KEY = "bk-7b1f0c52e6a94d0f8e1b"
PASSWORDS = {
    "alice": "correct horse battery staple", "bob": "dragon", "mallory": "let me in", "audrey": "quis custodiet ipsos"
}  # fmt: skip
SCOPES = frozenset({"documents:read", "documents:write", "accounts:write", "files:read", "audit:read"})
"""All the scopes that there are."""

ROUTES = RouteScopes(
    {
        "POST /sessions": "",
        "POST /documents": "documents:write",
        "GET /documents/{ident}": "documents:read",
        "GET /documents/{ident}/page": "documents:read",
        "PATCH /accounts/{name}": "accounts:write",
        "GET /search": "documents:read",
        "GET /files/{name}": "files:read",
        "GET /audit": "audit:read",
    }
)
"""What the gateway publishes; /internal/config is not among it."""

ROLES = Roles({"auditor": {"audit:read"}, "member": set()}, includes={"auditor": {"member"}})

RULES = Rules(
    (
        Rule(
            "a credential covers only what its scopes say",
            lambda facts: facts.action not in facts.subject["scopes"],
            Effect.DENY,
        ),
        Rule(
            "an owner may do anything with what is hers", lambda facts: facts.resource["owner"] == facts.subject["name"]
        ),
        Rule(
            "whom it is shared with may read it",
            lambda facts: facts.action == "documents:read" and facts.resource["shared_with"] == facts.subject["name"],
        ),
        Rule(
            "everybody may read a public file", lambda facts: facts.action == "files:read" and facts.resource["public"]
        ),
        Rule(
            "a role may what it was granted", lambda facts: ROLES.decide([facts.subject["role"]], facts.action).allowed
        ),
    )
)

_PROVIDER = TokenKey(secret=b"what only the identity provider knows")
_PUBLIC = TokenKey(secret=b"the public half of a key pair, which everybody can read", algorithm="RS256")
_PASSPORT = TokenKey(secret=b"what the gateway and the resource share")
TOKENS = TokenRules(
    keys={"2026": _PROVIDER, "rsa": _PUBLIC}, issuer="https://id.example", audience="https://vault.example", leeway=5.0
)
PASSPORTS = TokenRules(keys={"p1": _PASSPORT}, issuer="gateway", audience="vault", leeway=5.0)
KEYS = ApiKeys(
    (
        ApiKey(
            digest=digest_of(BILLING_KEY),
            caller=Caller("billing", frozenset({"documents:read"})),
            networks=("192.0.2.0/24",),
        ),
    )
)

DOCUMENTS = {
    "1": {"owner": "alice", "title": "Payroll 2026", "text": "Bob earns 61,000.", "year": 2026},
    "2": {"owner": "bob", "title": "Plan for May", "text": "if a < b then go", "year": 2026},
    "3": {"owner": "billing", "title": "Invoice 17", "text": "Nine hundred.", "year": 2025},
    "4": {"owner": "mallory", "title": "Shopping", "text": "Milk.", "year": 2026},
}
FILES = {"public/terms.txt": "Be kind.", "private/payroll.csv": "bob,61000"}


@attrs.frozen(kw_only=True)
class GuardedVault:
    """One world: its *store*, the *witness* of its log, and the *service* behind all of its layers."""

    store: Store
    witness: Store
    service: Layers

    def without(self, *names: str) -> GuardedVault:
        """The same world, its service without these layers.  Raises: `ValueError` for a name that no layer has."""
        return attrs.evolve(self, service=self.service.without(*names))


def guarded_vault(
    search: Search | None = None,
    *,
    store: Store | None = None,
    witness: Store | None = None,
    limit: GuessLimit | None = None,
) -> GuardedVault:
    """A fresh world.

    *search*: an empty one, which is filled here; None is no search.  *store*, *witness*: empty stores; None makes
    them in memory.  *limit*: on guesses, five by account and twenty by address in a quarter of an hour for None.
    """
    store, witness = store or MemoryStore(), witness or MemoryStore()
    _fill(store, search)
    vault = Vault(store, witness=witness, search=search, issue=_issue)
    gateway = (
        layers.transport(TlsOnly()),
        layers.cross_origin(Cors(origins=frozenset({SHOP}), credentials=True, own="https://vault.example")),
        layers.credentials(TOKENS, KEYS, ROUTES),
        layers.gateway_authorisation(ROUTES),
    )
    resource = (
        layers.input_validation(),
        layers.resource_authorisation(PASSPORTS, RULES, ROUTES),
        layers.parameterised_queries(),
        layers.output_encoding(),
        layers.guess_limit(limit or GuessLimit()),
        layers.audit(AuditChain(key=b"what the auditors keep in their safe")),
    )
    service = Layers(vault, gateway=gateway, resource=resource, passports=PASSPORTS)
    return GuardedVault(store=store, witness=witness, service=service)


def token(name: str, *, now: float = 0.0, scopes: frozenset[str] = SCOPES, **claims: Any) -> str:
    """The token that the identity provider makes for *name* at *now*, good for an hour, with some claims changed."""
    return TOKENS.sign(
        {"sub": name, "scope": " ".join(sorted(scopes)), **claims}, kid="2026", now=now, lifetime=3_600.0
    )


def _issue(name: str, now: float) -> str:
    return token(name, now=now)


def _fill(store: Store, search: Search | None) -> None:
    for name, password in PASSWORDS.items():
        role = "auditor" if name == "audrey" else "member"
        store.put("accounts", name, account(password, role, f"{name}@vault.example"))
    for ident, document in DOCUMENTS.items():
        store.put("documents", ident, document)
        if search is not None:
            search.add(ident, document)
    store.put("counters", "documents", len(DOCUMENTS))
    for path, text in FILES.items():
        store.put("files", path, text)
