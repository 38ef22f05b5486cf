"""Our security policies beside pyjwt and werkzeug, and the vectors of RFC 7515."""

import base64
import hashlib
import hmac
import itertools
import json
import warnings

import jwt
import jwt.api_jwt
import pytest
from deviations_security import DEVIATIONS
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrate_limiter import InMemoryBucket, Rate, RateItem
from werkzeug.datastructures import Authorization, WWWAuthenticate
from werkzeug.http import parse_cookie, parse_set_header
from werkzeug.security import safe_join

from sim.http import Request
from sim.policies.security.cors import Cors
from sim.policies.security.credentials import Refused, bearer_token, cookies_of
from sim.policies.security.input_guard import contained
from sim.policies.security.lockout import GuessLimit
from sim.policies.security.tokens import TOKEN_LIMIT, TokenKey, TokenRules, sign_token

NOW, SECRET = 1_700_000_000.0, b"a secret that two parties know of"
KEY = TokenKey(secret=SECRET)
ISSUER, AUDIENCE = "https://id.example", "vault"


@pytest.fixture
def clock(monkeypatch):
    """Set pyjwt's clock: call it with the instant."""
    real = jwt.api_jwt.datetime

    def stop(now):
        frozen = type("Stopped", (real,), {"now": classmethod(lambda cls, tz=None: real.fromtimestamp(now, tz))})
        monkeypatch.setattr(jwt.api_jwt, "datetime", frozen)

    stop(NOW)
    return stop


def theirs(token, *, leeway=0.0, require=("exp", "iss", "aud", "sub")):
    """True when pyjwt accepts the token on its own, clock and all."""
    try:
        jwt.decode(
            token, SECRET, algorithms=["HS256"], audience=AUDIENCE, issuer=ISSUER, leeway=leeway,
            options={"require": list(require)},
        )  # fmt: skip
    except jwt.PyJWTError:
        return False
    return True


def ours(token, *, now=NOW, leeway=0.0):
    """True when we accept it at the instant *now*."""
    rules = TokenRules(keys={"k": KEY}, issuer=ISSUER, audience=AUDIENCE, leeway=leeway)
    return not isinstance(rules.claims(token, now), Refused)


def claims(**changes):
    """Good claims, some of them changed; None leaves one out."""
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW + 60}
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(document, key=SECRET, **header):
    """A rightly signed token of any claims."""
    text = document if isinstance(document, str) else json.dumps(document)
    return jwt.PyJWS().encode(text.encode(), key, algorithm="HS256", headers=header or None)


GRID = [
    claims(exp=exp, nbf=nbf, iat=iat, aud=aud, iss=iss)
    for exp, nbf, iat, (aud, iss) in itertools.product(
        (None, NOW - 10, NOW - 1, NOW, NOW + 1, NOW + 10),
        (None, NOW - 10, NOW, NOW + 1, NOW + 10),
        (None, NOW, NOW + 10),
        (
            (AUDIENCE, ISSUER), ("shop", ISSUER), (["shop", AUDIENCE], ISSUER), (["shop", 7], ISSUER), (None, ISSUER),
            (AUDIENCE, "https://evil.example"), (AUDIENCE, None), ("", ISSUER), ([], ISSUER),
        ),
    )
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("leeway", "accepted"), [(0.0, 24), (1.0, 48), (5.0, 64)])
def test_times_audience_and_issuer_are_judged_as_pyjwt_does(clock, leeway, accepted):
    """810 tokens: the same accepted and the same refused, pyjwt by its own clock and we by `now`."""
    tokens = [signed(document) for document in GRID]
    verdicts = [theirs(token, leeway=leeway) for token in tokens]
    assert [ours(token, leeway=leeway) for token in tokens] == verdicts
    assert (len(tokens), sum(verdicts)) == (810, accepted)


def test_signatures_and_algorithms_are_judged_as_pyjwt_does(clock):
    """Every other algorithm, key, signature and shape: both refuse what one refuses."""
    good = signed(claims())
    head, body, tail = good.split(".")
    parts = lambda document: base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()  # noqa: E731
    tokens = [
        good, signed(claims(), key=bytes(32)), f"{head}.{body}.", f"{head}.{body}.{tail[:-2]}", f"{head}.{body}",
        f"{parts({'alg': 'none'})}.{body}.", f"{parts({'alg': 'none'})}.{body}.{tail}", f"{parts({})}.{body}.{tail}",
        f"{parts({'alg': 'HS384'})}.{body}.{tail}", f"{parts({'alg': 'RS256'})}.{body}.{tail}",
        f"{parts({'alg': 'hs256'})}.{body}.{tail}", f"{head}.{parts(claims(sub='root'))}.{tail}",
        f"{head}.{body}.{tail}.{tail}", f".{body}.{tail}", f"{head}..{tail}", "", "..", good.swapcase(),
        signed([1]), signed("{"), signed('{"exp":NaN}'), signed(claims(sub=7)), signed(claims(), crit=["x"]),
        signed(claims(jti=7)), signed(claims(), kid="k"), sign_token(claims(), KEY, kid="k"),
    ]  # fmt: skip
    verdicts = [theirs(token) for token in tokens]
    assert [ours(token) for token in tokens] == verdicts
    assert sum(verdicts) == 3


@pytest.mark.slow
@settings(max_examples=200)
@given(st.text(st.sampled_from("ABab01-_.="), max_size=60))
def test_any_text_is_refused_by_both(text):
    """Neither takes it for a token."""
    assert not ours(text)
    assert not theirs(text)


RFC7515 = (
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)
RFC7515_KEY = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"


def test_the_vector_of_rfc_7515():
    """Appendix A.1: its MAC is what the key makes; we take its signature, and miss an audience and a subject."""
    key = base64.urlsafe_b64decode(RFC7515_KEY + "==")
    signing_input, _, mac = RFC7515.rpartition(".")
    made = hmac.new(key, signing_input.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64encode(made).rstrip(b"=").decode() == mac
    rules = TokenRules(keys={"a1": TokenKey(secret=key)}, issuer="joe", audience="vault")
    before = 1_300_819_379.0
    assert rules.claims(RFC7515, before).reason == "the token must say exp, iss, aud and sub"
    assert rules.claims(RFC7515[:-1] + "l", before).reason in (
        "the token cannot be read",
        "the token's header cannot be read",
    )
    assert rules.claims(RFC7515.replace(".dBjf", ".eBjf"), before).reason == "the token's signature is not right"
    wrong = TokenRules(keys={"a1": TokenKey(secret=bytes(32))}, issuer="joe", audience="vault")
    assert wrong.claims(RFC7515, before).reason == "the token's signature is not right"


def test_the_claims_of_the_vector_are_read_until_it_expires():
    """The same claims with an audience and a subject: good one second before 1300819380, and not at it."""
    key = TokenKey(secret=base64.urlsafe_b64decode(RFC7515_KEY + "=="))
    whole = sign_token(
        {"iss": "joe", "exp": 1_300_819_380, "http://example.com/is_root": True, "aud": "vault", "sub": "joe"}, key
    )
    rules = TokenRules(keys={"a1": key}, issuer="joe", audience="vault")
    assert rules.claims(whole, 1_300_819_379.0)["http://example.com/is_root"] is True
    assert rules.claims(whole, 1_300_819_380.0).reason == "the token has expired"


def test_the_bearer_header_is_read_as_werkzeug_reads_it():
    """Where we take a token it is the one that werkzeug takes; another scheme is none to either."""
    for value in ("Bearer abc", "bearer abc", "BEARER a.b-c_d~e", "Bearer a=", "Bearer a+/b=="):
        assert (
            bearer_token(Request("GET", "/", headers={"Authorization": value}))
            == Authorization.from_header(value).token
        )
    for value in ("Basic YTpi", "Digest x"):
        assert isinstance(bearer_token(Request("GET", "/", headers={"Authorization": value})), Refused)


def test_our_challenge_is_read_by_werkzeug():
    """Scheme and parameters come out as they went in."""
    refused = Refused(403, "no", "insufficient_scope", "documents:write")
    read = WWWAuthenticate.from_header(refused.response().header("WWW-Authenticate"))
    assert read.type == "bearer"
    assert dict(read.parameters) == {"realm": "api", "error": "insufficient_scope", "scope": "documents:write"}


def test_our_cors_lists_are_read_by_werkzeug():
    """werkzeug has no CORS policy to compare with, but it reads the lists in which ours is written."""
    cors = Cors(origins=frozenset({"https://shop.example"}))
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "PATCH"}
    answer = cors.preflight(Request("OPTIONS", "/", headers=asked))
    assert parse_set_header(answer.header("Access-Control-Allow-Methods")).as_set(True) == cors.methods
    assert parse_set_header(answer.header("Access-Control-Allow-Headers")).as_set(True) == cors.allowed_headers


@pytest.mark.slow
@settings(max_examples=150)
@given(st.lists(st.tuples(st.text("abc", min_size=1, max_size=2), st.text("xyz=09-._", max_size=4)), max_size=4))
def test_cookies_are_read_as_werkzeug_reads_them(pairs):
    """Names and values of a well-formed header; the first of two with one name."""
    header = "; ".join(f"{name}={value}" for name, value in pairs)
    assert dict(cookies_of(Request("GET", "/", headers={"Cookie": header}))) == parse_cookie(header).to_dict(flat=True)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.text(st.sampled_from("./ab"), min_size=1, max_size=8))
def test_paths_are_kept_in_their_folder_as_safe_join_does(name):
    """The same refused, but for a path that comes back; the same allowed, but for the folder itself."""
    mine, joined = contained("public", name), safe_join("public", name)
    if mine is None:
        assert joined is None or joined in ("public", "public/", "public/.")
    elif joined is None:
        assert mine.startswith("public/")  # security-path-comes-back
    else:
        assert joined == mine


@pytest.mark.slow
@settings(max_examples=150)
@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=60), st.integers(1, 5))
def test_guesses_are_limited_as_a_sliding_log_limits_them(gaps, most):
    """Even milliseconds and an odd window, so that no two ever meet its edge: pyrate's log admits the same."""
    limit, bucket, now = (
        GuessLimit(by_account=most, by_address=None, window=10.001),
        InMemoryBucket([Rate(most, 10_001)]),
        0,
    )
    for gap in gaps:
        now += 2 * gap
        assert limit.admit("bob", "", now / 1_000).allowed == bucket.put(RateItem("bob", now))


def deviation_guess_window_edge(clock):
    """security-guess-window-edge"""
    limit, bucket = GuessLimit(by_account=1, by_address=None, window=10.0), InMemoryBucket([Rate(1, 10_000)])
    verdicts = [
        (limit.admit("bob", "", now / 1_000).allowed, bucket.put(RateItem("bob", now))) for now in (0, 9_999, 10_000)
    ]
    assert verdicts == [(True, True), (False, False), (True, False)]
    assert bucket.put(RateItem("bob", 10_001))


def deviation_token_without_end(clock):
    """security-token-without-end"""
    for missing in ("exp", "sub"):
        assert theirs(signed(claims(**{missing: None})), require=())
        assert not ours(signed(claims(**{missing: None})))


def deviation_token_date_as_text(clock):
    """security-token-date-as-text"""
    token = signed(claims(exp=str(int(NOW) + 60)))
    assert theirs(token)
    assert not ours(token)
    clock(0.0)
    token = signed(claims(exp=True))
    assert theirs(token)
    assert not ours(token, now=0.0)


def deviation_token_date_fraction(clock):
    """security-token-date-fraction"""
    clock(NOW + 0.2)
    late, early = signed(claims(exp=NOW + 0.5)), signed(claims(nbf=NOW + 0.5))
    assert (theirs(late), theirs(early)) == (False, True)
    assert (ours(late, now=NOW + 0.2), ours(early, now=NOW + 0.2)) == (True, False)


def deviation_token_padding(clock):
    """security-token-padding"""
    head, body, _ = signed(claims()).split(".")
    padded = f"{head}.{body + '=' * (-len(body) % 4)}"
    if padded == f"{head}.{body}":
        head, body, _ = signed(claims(sub="alice?")).split(".")
        padded = f"{head}.{body + '=' * (-len(body) % 4)}"
    mac = base64.urlsafe_b64encode(hmac.new(SECRET, padded.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    assert padded.endswith("=")
    assert theirs(f"{padded}.{mac}")
    assert not ours(f"{padded}.{mac}")


def deviation_token_length(clock):
    """security-token-length"""
    token = signed(claims(more="x" * TOKEN_LIMIT))
    assert theirs(token)
    assert not ours(token)


def deviation_short_secret(clock):
    """security-short-secret"""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert jwt.encode(claims(), "short", algorithm="HS256").count(".") == 2
    assert [str(one.category.__name__) for one in caught] == ["InsecureKeyLengthWarning"]
    with pytest.raises(ValueError, match=r"^secret must have at least 32 bytes for HS256, got 5$"):
        TokenKey(secret=b"short")


def deviation_bearer_grammar(clock):
    """security-bearer-grammar"""
    for value, token in (("Bearer a b", "a b"), ("Bearer a,b", "a,b"), ("Bearer", "")):
        assert Authorization.from_header(value).token == token
        assert bearer_token(Request("GET", "/", headers={"Authorization": value})).status == 400


def deviation_cookie_without_value(clock):
    """security-cookie-without-value"""
    assert parse_cookie("session; a=1").to_dict() == {"session": "", "a": "1"}
    assert dict(cookies_of(Request("GET", "/", headers={"Cookie": "session; a=1"}))) == {"a": "1"}


def deviation_path_backslash(clock):
    """security-path-backslash"""
    for name in ("..\\x", "a\0b"):
        assert safe_join("public", name) == f"public/{name}"
        assert contained("public", name) is None


def deviation_path_comes_back(clock):
    """security-path-comes-back"""
    assert safe_join("public", "../public/x") is None
    assert contained("public", "../public/x") == "public/x"


def deviation_path_folder_itself(clock):
    """security-path-folder-itself"""
    assert safe_join("public", ".") == "public/."
    assert contained("public", ".") is None


SHOWN = {test.__doc__: test for name, test in dict(globals()).items() if name.startswith("deviation_")}


@pytest.mark.parametrize("ident", [row[0] for row in DEVIATIONS])
def test_a_deviation_is_as_it_is_written(ident, clock):
    """Each row of the table shows on both sides."""
    SHOWN[ident](clock)
