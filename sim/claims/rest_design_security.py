"""REST design, the security: every layer by what its removal lets through."""

from __future__ import annotations

from collections import Counter

from sim.claims.claiming import Evidence, Verdict, cite, claim
from sim.http import Request, Response
from sim.live.search import SQLiteSearch
from sim.policies.limiter import ByKey, FixedWindow, by_header, by_peer
from sim.policies.security.cors import Cors, lets_read
from sim.policies.security.transport import HstsList, TlsOnly
from sim.services.vault.attacks import ATTACKS
from sim.services.vault.guarded import guarded_vault
from sim.services.vault.matrix import Ending, attempt, matrix, openings


@claim(
    "Q-04.1",
    "TLS everywhere, plain HTTP refused, HSTS enforced.",
    verdict=Verdict.ONLY_IF,
    why="Refusing helps always. HSTS only clients that keep a list, from their second visit on, as browsers do.",
    source="RFC 6797 §8",
)
def who_hsts_helps() -> Evidence:
    """A token over plain http: read with the layer removed, refused with it.  A link to http, opened before and after
    the first answer: by a client with a list http, then https; by one without http twice.  Exact."""
    read, refused = (_tried("plain http", *removed).succeeded for removed in (("transport",), ()))
    known, opened = HstsList(), []
    for now in (0.0, 60.0):
        opened.append(known.scheme("api.example", now))
        known.learn("api.example", TlsOnly().header, scheme="https", now=now)
    without = [HstsList().scheme("api.example", now) for now in (0.0, 60.0)]
    return Evidence(
        f"read without the layer: {read}, with it: {refused}; list {', '.join(opened)}; none {', '.join(without)}",
        "True, False; http, https; http, http",
        (read, refused, opened, without) == (True, False, ["http", "https"], ["http", "http"]),
    )


@claim(
    "Q-04.2",
    "Never Access-Control-Allow-Origin: * on an API with authentication.",
    verdict=Verdict.ONLY_IF,
    why="Only for cookies, where browsers refuse * anyway. The hole is the echoed Origin with credentials.",
    source="Fetch §3.3 and §4.10, the CORS check",
)
def a_star_is_refused_and_an_echo_is_not() -> Evidence:
    """A page elsewhere reads with its visitor's cookie: the browser hands out an answer with the echoed origin, and
    none with a star; a star with credentials cannot be configured.  The attack succeeds without CORS rules only."""
    evil = "https://evil.example"
    star = Response(headers={"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true"})
    echo = Response(headers={"Access-Control-Allow-Origin": evil, "Access-Control-Allow-Credentials": "true"})
    read = [lets_read(answer, evil, True) for answer in (star, echo)]
    try:
        Cors(origins=frozenset({"*"}), credentials=True)
        made = True
    except ValueError:
        made = False
    attack = [_tried("foreign page reads", *removed).succeeded for removed in ((), ("CORS",))]
    return Evidence(
        f"star read: {read[0]}, echo read: {read[1]}; attack with rules {attack[0]}, without {attack[1]}",
        "False, True; False, True",
        (read, made, attack) == ([False, True], False, [False, True]),
    )


@claim(
    "Q-04.3",
    "Limit the rate by user and by IP address.",
    verdict=Verdict.ONLY_IF,
    why="By address only if few people share one: m users behind one address have a share of limit / m each.",
)
def users_behind_one_address() -> Evidence:
    """30 users with 10 calls each in a minute, all from one address, limit 60: by address 60 of 300 pass, by user all;
    exact."""
    passed = Counter[str]()
    gates = {
        "address": ByKey(FixedWindow(60, period=60.0), key=by_peer),
        "user": ByKey(FixedWindow(60, period=60.0), key=by_header("Authorization")),
    }
    for call in range(300):
        request = Request(headers={"Authorization": f"Bearer user-{call % 30}"}, peer="198.51.100.7")
        for name, gate in gates.items():
            passed[name] += gate.decide(request, 0.1 * call).allowed
    return Evidence(
        f"by address {passed['address']} of 300, 2 a user; by user {passed['user']}",
        "60 and 300",
        (passed["address"], passed["user"]) == (60, 300),
    )


@claim(
    "Q-04.6",
    "Authentication at the gateway is enough for what stands behind it.",
    verdict=Verdict.WRONG,
    why="Calls from inside do not pass the gateway. The resource must check who is asking, and for which object.",
    source="OWASP API Security Top 10 2023, API1 and API5",
)
def the_insider_behind_the_gateway() -> Evidence:
    """A call from inside that says whom it is for, and a member who asks for another's document: both read it when the
    resource's own check is removed and all of the gateway stays; neither with it.  Exact."""
    names = ("insider", "another's document")
    without = [_tried(name, "resource authorisation").succeeded for name in names]
    whole = [_tried(name).succeeded for name in names]
    return Evidence(
        f"gateway alone: {sum(without)} of 2 read it; with the resource's check {sum(whole)}",
        "claimed: 0",
        all(without) and not any(whole),
    )


@claim(
    "Q-04.7",
    "Several layers are defence in depth.",
    verdict=Verdict.ONLY_IF,
    why="Only for attacks that two layers know. Most are stopped by exactly one, and its removal is enough.",
)
def attacks_with_one_layer_in_their_way() -> Evidence:
    """22 attacks, ten layers, every cell a request: none succeeds against the whole; 18 need one layer removed, 4 need
    two; exact."""
    whole = sum(row["succeeded"] for row in matrix(SQLiteSearch) if not row["removed"])
    sizes = Counter(len(found[0]) for found in openings(SQLiteSearch).values())
    return Evidence(
        f"{whole} succeed against all layers; {sizes[1]} without one, {sizes[2]} only without two",
        "0; 18 and 4",
        (whole, sizes[1], sizes[2], sum(sizes.values())) == (0, 18, 4, len(ATTACKS)),
    )


CITED = (
    cite(
        "Q-04.4",
        "Answer 429 with Retry-After.",
        verdict=Verdict.HOLDS,
        why="The header is a MAY, and clients need it. One value for everybody makes them come back together, Q-19.",
        source="RFC 6585 §4",
    ),
    cite(
        "Q-04.5",
        "A hash of the payload belongs into the audit log.",
        verdict=Verdict.OPINION,
        why="It proves what was sent to who kept it. Rows in a chain, and a witness elsewhere, protect the log itself.",
    ),
)


def _tried(name: str, *removed: str) -> Ending:
    (attack,) = (one for one in ATTACKS if one.name == name)
    return attempt(attack, guarded_vault(SQLiteSearch()).without(*removed))
