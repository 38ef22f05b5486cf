"""The layers around the vault: honest calls pass, bad ones get the right answer, and nothing raises."""

import html

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request, json_body
from sim.interleave import explore
from sim.live.search import SQLiteSearch
from sim.policies.http.problem import reason_phrase
from sim.policies.security.lockout import GuessLimit
from sim.services.alone import serve
from sim.services.vault import guarded as kit
from sim.services.vault.guarded import guarded_vault, token

LAYERS = guarded_vault().service.names
TLS = {":scheme": "https"}


def bearer(name, **more):
    """The headers of a caller."""
    return {**TLS, "Authorization": f"Bearer {token(name)}", **more}


def sending(name, document, **more):
    """The headers and the body of a write."""
    return {"headers": bearer(name, **{"Content-Type": "application/json"}, **more), "body": json_body(document)}


HONEST = {
    "read": (Request("GET", "/documents/1", headers=bearer("alice"), peer=kit.HOME), 200),
    "read by key": (
        Request("GET", "/documents/3", headers={**TLS, "X-API-Key": kit.BILLING_KEY}, peer=kit.OFFICE),
        200,
    ),
    "read by cookie": (Request("GET", "/documents/1", headers={**TLS, "Cookie": f"session={token('alice')}"}), 200),
    "page": (Request("GET", "/documents/2/page", headers=bearer("bob")), 200),
    "create": (Request("POST", "/documents", **sending("bob", {"title": "O'Brien's plan", "text": "a < b & c"})), 201),
    "change": (Request("PATCH", "/accounts/bob", **sending("bob", {"email": "b@vault.example"})), 204),
    "search": (Request("GET", "/search?q=plan&year=2026", headers=bearer("bob")), 200),
    "file": (Request("GET", "/files/terms.txt", headers=bearer("bob")), 200),
    "audit": (Request("GET", "/audit", headers=bearer("audrey")), 200),
    "log in": (
        Request(
            "POST",
            "/sessions",
            headers={**TLS, "Content-Type": "application/json"},
            body=json_body({"account": "bob", "password": "dragon"}),
        ),
        201,
    ),
    "preflight": (
        Request("OPTIONS", "/documents/1", headers={**TLS, "Origin": kit.SHOP, "Access-Control-Request-Method": "GET"}),
        204,
    ),
    "page of the shop": (Request("GET", "/documents/1", headers=bearer("alice", Origin=kit.SHOP)), 200),
}


@pytest.mark.parametrize("call", HONEST)
def test_an_honest_call_passes_all_layers(call):
    """Each kind of use works, and every answer over TLS says so to browsers."""
    request, status = HONEST[call]
    response = serve(guarded_vault(SQLiteSearch()).service, request).response
    assert response.status == status, response.body
    if call != "preflight":
        assert response.header("Strict-Transport-Security") is not None
        assert response.header("Vary") == "Origin"


@pytest.mark.slow
@pytest.mark.parametrize("call", [name for name in HONEST if name != "preflight"])
def test_an_honest_call_is_answered_alike_without_any_one_layer(call):
    """A missing layer is not felt by honest callers: that is why it can be missing for years."""
    request, status = HONEST[call]
    whole = serve(guarded_vault(SQLiteSearch()).service, request).response
    for name in LAYERS:
        response = serve(guarded_vault(SQLiteSearch()).service.without(name), request).response
        assert response.status == status
        if name == "output encoding" and call == "page":
            assert html.unescape(whole.body.decode()) == response.body.decode()
        else:
            assert response.body == whole.body


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"headers": TLS}, 401),
        ({"headers": {**TLS, "Authorization": "Bearer"}}, 400),
        ({"headers": {**TLS, "Authorization": "Basic YTpi"}}, 401),
        ({"headers": {**TLS, "Authorization": "Bearer abc"}}, 401),
        ({"headers": {**TLS, "X-API-Key": "wrong"}}, 401),
        ({"headers": bearer("alice", **{"X-API-Key": kit.BILLING_KEY})}, 400),
        ({"headers": bearer("alice", **{":scheme": "http"})}, 403),
        ({"headers": bearer("alice", Origin="https://evil.example")}, 403),
        ({"path": "/documents/2"}, 404),
        ({"path": "/documents/99"}, 404),
        ({"path": "/nowhere"}, 404),
        ({"path": "/audit"}, 403),
        ({"method": "DELETE"}, 405),
        ({"path": "/documents/1?token=x"}, 400),
        ({"path": "/search?q=x&year=x"}, 400),
        ({"path": "/search?q=x&year=2026%20OR%201=1"}, 400),
        ({"path": "/search?q=x&year=1"}, 400),
        ({"path": "/search?q=a%00b"}, 400),
        ({"path": "/search?sort=x"}, 400),
        ({"path": "/files/..%5cprivate"}, 400),
        ({"path": "/files/missing.txt"}, 404),
    ],
)
def test_each_refusal_has_its_status_and_is_a_problem(change, status):
    """401 with a challenge for who is not known, 403 or 404 for who may not, 400 for what is malformed."""
    request = attrs.evolve(Request("GET", "/documents/1", headers=bearer("alice")), **change)
    response = serve(guarded_vault(SQLiteSearch()).service, request).response
    assert response.status == status
    assert response.header("Content-Type") == "application/problem+json"
    assert response.json()["title"] == reason_phrase(status)
    if status == 401:
        assert response.header("WWW-Authenticate").startswith('Bearer realm="api"')


@pytest.mark.parametrize(
    ("headers", "body", "status", "pointers"),
    [
        ({"Content-Type": "text/plain"}, b'{"title":"x","text":"x"}', 415, None),
        ({}, b'{"title":"x","text":"x"}', 415, None),
        ({"Content-Type": "application/json; charset=utf-8"}, b'{"title":"x","text":"x"}', 201, None),
        ({"Content-Type": "application/json"}, b"", 400, None),
        ({"Content-Type": "application/json"}, b"{", 400, None),
        ({"Content-Type": "application/json"}, b"[" * 100_000, 400, None),
        ({"Content-Type": "application/json"}, b"x" * 1_000_001, 413, None),
        ({"Content-Type": "application/json"}, b"[]", 422, [""]),
        ({"Content-Type": "application/json"}, b'{"title":"<b>","txt":"x","owner":"alice"}', 422,
         ["/title", "/text", "/txt", "/owner"]),
        ({"Content-Type": "application/json"}, b'{"title":"a\\u2028b","text":"a\\u0000b","year":"2026"}', 422,
         ["/title", "/text", "/year"]),
        ({"Content-Type": "application/json"}, b'{"title":"x","text":"x","year":2026.5,"shared_with":"&"}', 422,
         ["/year", "/shared_with"]),
        ({"Content-Type": "application/json"}, b'{"title":"x","text":"a < b\\n","year":2026.0}', 201, None),
    ],
)  # fmt: skip
def test_a_bad_body_changes_nothing_and_stands_in_the_log(headers, body, status, pointers):
    """All wrong fields at once; a refused write leaves a row with its status and its digest, and no document."""
    world = guarded_vault()
    request = Request("POST", "/documents", headers=bearer("bob", **headers), body=body, peer=kit.HOME)
    served = serve(world.service, request)
    assert served.response.status == status
    assert len(world.store.rows("documents")) == len(kit.DOCUMENTS) + (status == 201)
    assert len(served.effects) == (status == 201)
    ((_, row),) = world.store.rows("audit")
    assert (row["who"], row["where"], row["what"], row["status"]) == ("bob", kit.HOME, "POST /documents", status)
    if pointers is not None:
        assert [error["pointer"] for error in served.response.json()["errors"]] == pointers


@pytest.mark.parametrize(
    ("call", "document", "pointers"),
    [
        ("PATCH /accounts/bob", {"email": "b@vault.example", "role": "auditor"}, ["/role"]),
        ("PATCH /accounts/bob", {"email": "<b>@vault.example"}, ["/email"]),
        ("PATCH /accounts/bob", {"email": "b@vault.example\r\nBcc: all"}, ["/email"]),
        ("PATCH /accounts/bob", {"email": ["b@vault.example"]}, ["/email"]),
        ("POST /sessions", {"account": "bob\n", "password": "dragon"}, ["/account"]),
        ("POST /sessions", {"account": "bob", "password": "dragon\0"}, ["/password"]),
        ("POST /sessions", {"account": "bob", "password": "dragon", "role": "auditor"}, ["/role"]),
    ],
)
def test_an_account_takes_no_role_no_markup_and_no_control_character(call, document, pointers):
    """Each is a 422 at the member that is wrong, and the accounts stay as they were."""
    world = guarded_vault()
    before = world.store.rows("accounts")
    method, path = call.split()
    served = serve(world.service, Request(method, path, **sending("bob", document)))
    assert served.response.status == 422
    assert [error["pointer"] for error in served.response.json()["errors"]] == pointers
    assert world.store.rows("accounts") == before


def test_a_hidden_document_and_a_missing_one_look_the_same():
    """Another's document and none at all get the same bytes; nobody learns which numbers are taken."""
    service = guarded_vault().service
    taken, free = (
        serve(service, Request("GET", path, headers=bearer("mallory"))).response
        for path in ("/documents/1", "/documents/99")
    )
    assert taken == free


def test_an_unknown_account_looks_like_a_wrong_password():
    """The answer to a login does not tell which accounts there are."""
    service, headers = guarded_vault().service, {**TLS, "Content-Type": "application/json"}
    answers = [
        serve(
            service, Request("POST", "/sessions", headers=headers, body=json_body({"account": name, "password": "x"}))
        )
        for name in ("bob", "nobody")
    ]
    assert answers[0].response == answers[1].response
    assert answers[0].response.status == 401


def test_the_token_of_a_login_opens_what_its_owner_may_see_and_ends_in_an_hour():
    """What `POST /sessions` gives is a token like any other."""
    service = guarded_vault().service
    login = Request(
        "POST", "/sessions", headers={**TLS, "Content-Type": "application/json"},
        body=json_body({"account": "bob", "password": "dragon"}),
    )  # fmt: skip
    got = serve(service, login, 100.0).response.json()["token"]
    read = Request("GET", "/documents/2", headers={**TLS, "Authorization": f"Bearer {got}"})
    assert [serve(service, read, now).response.status for now in (100.0, 3_699.0, 3_706.0)] == [200, 200, 401]


def test_a_locked_account_says_when_and_keeps_its_word():
    """429 with Retry-After in whole seconds; who comes back then is let through, with the right password too."""
    service, headers = guarded_vault().service, {**TLS, "Content-Type": "application/json"}

    def log_in(password, now):
        body = json_body({"account": "bob", "password": password})
        return serve(service, Request("POST", "/sessions", headers=headers, body=body, peer=kit.HOME), now).response

    assert [log_in("x", float(n)).status for n in range(6)] == [401] * 5 + [429]
    locked = log_in("dragon", 10.25)
    assert (locked.status, locked.header("Retry-After"), locked.retry_after) == (429, "890", 890)
    assert log_in("dragon", 10.25 + 890).status == 201


def test_a_caller_cannot_say_who_he_is():
    """`X-Caller` from outside is not read: the gateway writes its own passport."""
    request = Request("GET", "/documents/1", headers=bearer("mallory", **{"X-Caller": token("alice")}), peer=kit.AWAY)
    assert serve(guarded_vault().service, request).response.status == 404


def test_a_passport_of_the_gateway_is_good_inside():
    """A colleague's service that passes on a real passport is served; one that is old or forged is not."""
    service = guarded_vault().service
    said = {"sub": "alice", "scope": "documents:read"}
    good = kit.PASSPORTS.sign(said, kid="p1", now=0.0, lifetime=30.0)
    request = Request("GET", "/documents/1", headers={"X-Caller": good}, peer=kit.INSIDE)
    assert serve(service, request, 0.0).response.status == 200
    assert serve(service, request, 40.0).response.status == 401
    outside = attrs.evolve(request, headers={"X-Caller": token("alice")})
    assert serve(service, outside, 0.0).response.status == 401


@pytest.mark.slow
def test_two_guesses_at_once_count_as_two():
    """With one guess left, two that come together are not both checked, in no order."""
    body = json_body({"account": "bob", "password": "x"})
    headers = {**TLS, "Content-Type": "application/json"}
    guesses = [Request("POST", "/sessions", headers=headers, body=body, key=str(n)) for n in range(2)]

    def judge(ending):
        statuses = sorted(reply.status for reply in ending.replies)
        return None if statuses == [401, 429] else f"answers {statuses}"

    make = lambda: guarded_vault(limit=GuessLimit(by_account=1)).service.without("audit")  # noqa: E731
    found = explore(make, guesses, judge)
    assert found.ok, str(found)
    without = explore(lambda: guarded_vault().service.without("audit", "guess limit"), guesses, judge)
    assert without.sentence == "answers [401, 401]"


INTERNAL = (
    b"Traceback",
    b"sqlite",
    b"findable",
    b".py",
    b"salt",
    b"not for everyone",
    kit.BILLING_KEY.encode(),
    b"61,000",
)
ANY_HEADERS = st.dictionaries(
    st.sampled_from(
        ["Authorization", "Cookie", "X-API-Key", "Origin", "X-Caller", "Content-Type", "Access-Control-Request-Method"]
    ),
    st.one_of(st.text(max_size=30), st.sampled_from(["Bearer " + token("mallory"), "application/json", kit.SHOP])),
    max_size=4,
)  # fmt: skip
ANY_PATH = st.one_of(
    st.text(max_size=30),
    st.builds("/{}/{}?{}".format, st.sampled_from(["documents", "accounts", "files", "search", "audit", "internal"]),
              st.text(max_size=12), st.text(max_size=20)),
    st.builds("/search?q={}&year={}".format, st.text(max_size=20), st.text(max_size=8)),
    st.sampled_from(["/sessions", "/documents", "/documents/1", "/documents/1/page", "/accounts/mallory", "/audit"]),
)  # fmt: skip
ANY_BODY = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"", b"[" * 50_000, b"x" * 1_000_001]),
    st.dictionaries(
        st.sampled_from(["title", "text", "email", "account", "password", "role", "year"]),
        st.one_of(
            st.text(max_size=10), st.integers(), st.none(), st.booleans(), st.just("<script>"), st.lists(st.none())
        ),
        max_size=4,
    ).map(json_body),
)


@pytest.mark.slow
@settings(max_examples=250)
@given(
    st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "HEAD", "", "get"]), ANY_PATH, ANY_HEADERS,
    ANY_BODY, st.sampled_from([kit.HOME, kit.INSIDE, "", "nowhere"]), st.sampled_from(["", *LAYERS]),
)  # fmt: skip
def test_whatever_comes_the_answer_is_whole_and_tells_nothing(method, path, headers, body, peer, removed):
    """No exception leaves the handler, with or without a layer; errors are problem documents with nothing internal."""
    world = guarded_vault(SQLiteSearch())
    service = world.service.without(*([removed] if removed else []))
    before = len(world.store.rows("documents"))
    served = serve(service, Request(method, path, headers={**TLS, **headers}, body=body, peer=peer))
    response = served.response
    assert 200 <= response.status < 500
    if response.status >= 400:
        assert response.header("Content-Type") == "application/problem+json"
        assert response.json()["status"] == response.status
        assert len(response.body) < 5_000
        assert not [word for word in INTERNAL if word in response.body]
        assert len(world.store.rows("documents")) == before
        assert served.effects == ()
    assert world.store.is_free()
