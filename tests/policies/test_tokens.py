"""Tokens: a table of tokens that look right and are not, each with the sentence that refuses it."""

import base64
import json

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.security.credentials import Caller, Refused
from sim.policies.security.tokens import TOKEN_LIMIT, TokenKey, TokenRules, require_scope, sign_token

NOW = 1_000.0
OURS = TokenKey(secret=b"the secret of the identity provider")
NEXT = TokenKey(secret=b"the secret that will come after it.")
PUBLIC = TokenKey(secret=b"-- the public key, which everybody can read --", algorithm="RS256")
RULES = TokenRules(keys={"k1": OURS, "k2": NEXT, "rsa": PUBLIC}, issuer="https://id.example", audience="vault")
GOOD = {
    "iss": "https://id.example", "aud": "vault", "sub": "alice", "scope": "documents:read documents:write",
    "iat": NOW, "nbf": NOW, "exp": NOW + 60,
}  # fmt: skip


def token(changes=None, *, key=OURS, kid="k1", without=()):
    """The good token with some claims changed or left out."""
    claims = {name: value for name, value in {**GOOD, **(changes or {})}.items() if name not in without}
    return sign_token(claims, key, kid=kid)


def signed(text):
    """A rightly signed token whose claims are any text."""
    return jwt.PyJWS().encode(text.encode(), OURS.secret, algorithm="HS256", headers={"kid": "k1"})


def encoded(document):
    """One part of a token."""
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def by_hand(header, claims=None, signature=""):
    """A token that no library would make."""
    return f"{encoded(header)}.{encoded(GOOD if claims is None else claims)}.{signature}"


def test_a_good_token_names_its_caller():
    """Subject and scopes come from the token; so does the key, from the ones that are known."""
    expected = Caller("alice", frozenset({"documents:read", "documents:write"}))
    assert RULES.verify(token(), NOW) == expected
    assert RULES.verify(token(key=NEXT, kid="k2"), NOW) == expected


@pytest.mark.parametrize(
    ("leeway", "changes", "now", "sentence"),
    [
        (0, {}, NOW, None),
        (0, {}, NOW + 59.999, None),
        (0, {}, NOW + 60, "the token has expired"),
        (5, {}, NOW + 64.999, None),
        (5, {}, NOW + 65, "the token has expired"),
        (0, {}, NOW - 0.001, "the token is not valid yet"),
        (5, {}, NOW - 5, None),
        (5, {}, NOW - 5.001, "the token is not valid yet"),
        (0, {"nbf": NOW - 9, "iat": NOW + 1}, NOW, "the token was issued in the future"),
        (0, {"exp": NOW + 0.5}, NOW + 0.4, None),
        (0, {"exp": NOW + 0.5}, NOW + 0.5, "the token has expired"),
        (0, {"exp": 1e300}, 1e299, None),
        (0, {"exp": -1}, 0.0, "the token has expired"),
        (0, {"exp": "2000"}, NOW, "the token's exp must be a number of seconds"),
        (0, {"exp": True}, 0.0, "the token's exp must be a number of seconds"),
        (0, {"exp": 10**400}, NOW, "the token's exp must be a number of seconds"),
        (0, {"nbf": [1]}, NOW, "the token's nbf must be a number of seconds"),
        (0, {"nbf": None}, NOW, "the token's nbf must be a number of seconds"),
        (0, {"iat": {}}, NOW, "the token's iat must be a number of seconds"),
    ],
)
def test_times_are_compared_with_now(leeway, changes, now, sentence):
    """(leeway, claims, now, refusal): RFC 7519 §4.1.4 to §4.1.6; at its very expiry a token has expired."""
    rules = TokenRules(keys=RULES.keys, issuer=RULES.issuer, audience=RULES.audience, leeway=leeway)
    found = rules.verify(token(changes), now)
    assert (found.reason if isinstance(found, Refused) else None) == sentence


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_date_that_never_comes_is_refused(number):
    """A token with exp NaN would never be older than it."""
    forever = signed(json.dumps(GOOD).replace(str(NOW + 60), number))
    assert RULES.verify(forever, NOW).reason == "the token's exp must be a number of seconds"


SIGNED = token().rsplit(".", 1)[1]
HEADER = {"typ": "JWT", "alg": "HS256", "kid": "k1"}
LOOKS_RIGHT = [
    ("no algorithm, no signature", by_hand({**HEADER, "alg": "none"}), "algorithm is not the one"),
    ("None in another case", by_hand({**HEADER, "alg": "nOnE"}), "algorithm is not the one"),
    ("no algorithm, but a signature", by_hand({**HEADER, "alg": "none"}, signature=SIGNED), "algorithm is not the one"),
    ("no alg member", by_hand({"kid": "k1"}, signature=SIGNED), "algorithm is not the one"),
    ("a stronger algorithm with the same secret",
     token(key=TokenKey(secret=OURS.secret * 2, algorithm="HS512")), "algorithm is not the one"),
    ("the public key as an HMAC secret", token(key=TokenKey(secret=PUBLIC.secret), kid="rsa"), "not the one"),
    ("a signature that cannot be checked here",
     by_hand({"alg": "RS256", "kid": "rsa"}, signature=SIGNED), "be checked here"),
    ("signed by somebody else", token(key=TokenKey(secret=bytes(32))), "signature is not right"),
    ("signed with the next key, named as this one", token(key=NEXT), "signature is not right"),
    ("the signature of other claims", by_hand(HEADER, {**GOOD, "sub": "root"}, SIGNED), "signature is not right"),
    ("the signature cut off", token().rsplit(".", 1)[0] + ".", "signature is not right"),
    ("an unknown key", token(kid="k9"), "a key that is not known"),
    ("no key named among three", token(kid=""), "a key that is not known"),
    ("a key id that is a list", by_hand({**HEADER, "kid": ["k1"]}, signature=SIGNED), "header cannot be read"),
    ("a critical extension that nobody knows",
     by_hand({**HEADER, "crit": ["x"], "x": 1}, signature=SIGNED), "header cannot be read"),
    ("made for somebody else", token({"aud": "shop"}), "was made for somebody else"),
    ("made for nobody", token(without=("aud",)), "must say exp, iss, aud and sub"),
    ("an audience that is a number", token({"aud": 7}), "was made for somebody else"),
    ("made by somebody else", token({"iss": "https://evil.example"}), "was made by somebody else"),
    ("made by nobody", token(without=("iss",)), "must say exp, iss, aud and sub"),
    ("without an end", token(without=("exp",)), "must say exp, iss, aud and sub"),
    ("with an end that is null", token({"exp": None}), "must say exp, iss, aud and sub"),
    ("for nobody", token(without=("sub",)), "must say exp, iss, aud and sub"),
    ("scopes as a list", token({"scope": ["documents:read"]}), "scope must be a text"),
    ("claims that are a list", by_hand(HEADER, [1], SIGNED), "signature is not right"),
    ("a header that is a list", by_hand([1]), "header cannot be read"),
    ("a header that is no JSON", by_hand(b"\xff{"), "header cannot be read"),
    ("two parts", "a.b", "must be three parts"),
    ("five parts, as when encrypted", "a.b.c.d.e", "must be three parts"),
    ("nothing", "", "must be three parts"),
    ("a blank before it", " " + token(), "must be three parts"),
    ("a line break after it", token() + "\n", "must be three parts"),
    ("not ASCII", "é.é.é", "must be three parts"),
    ("half of a surrogate pair", "\ud800.a.b", "must be three parts"),
    ("a megabyte", "a" * TOKEN_LIMIT + ".b.c", "must be three parts"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), [row[1:] for row in LOOKS_RIGHT], ids=[row[0] for row in LOOKS_RIGHT])
def test_a_token_that_only_looks_right_is_a_401(text, sentence):
    """Each is invalid_token (RFC 6750 §3.1), and the sentence says which question it failed."""
    refused = RULES.verify(text, NOW)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.error) == (401, "invalid_token")
    assert sentence in refused.reason
    answer = refused.response()
    assert answer.header("WWW-Authenticate") == 'Bearer realm="api", error="invalid_token"'
    assert RULES.keys["k1"].secret not in answer.body


def test_an_audience_may_be_a_list():
    """RFC 7519 §4.1.3: it is enough that we are among them."""
    assert RULES.verify(token({"aud": ["shop", "vault"]}), NOW).name == "alice"
    assert RULES.verify(token({"aud": ["shop", 7]}), NOW).reason == "the token was made for somebody else"


def test_one_key_needs_no_name():
    """With a single key a token without a key id is checked with it."""
    alone = TokenRules(keys={"k1": OURS}, issuer=RULES.issuer, audience=RULES.audience)
    assert alone.verify(token(kid=""), NOW).name == "alice"
    assert alone.verify(token(kid="k2", key=NEXT), NOW).reason == "the token names a key that is not known"


def test_a_rotated_key_is_no_longer_believed():
    """Once the old key is taken out, its tokens end with it."""
    after = TokenRules(keys={"k2": NEXT}, issuer=RULES.issuer, audience=RULES.audience)
    assert after.verify(token(key=NEXT, kid="k2"), NOW).name == "alice"
    assert after.verify(token(), NOW).status == 401


def test_what_is_signed_is_verified():
    """`sign` fills in who, for whom and when."""
    made = RULES.sign({"sub": "bob"}, kid="k2", now=NOW, lifetime=10.0)
    assert RULES.verify(made, NOW + 9.9) == Caller("bob")
    assert RULES.verify(made, NOW + 10.0).reason == "the token has expired"


@pytest.mark.parametrize(
    ("algorithm", "secret", "sentence"),
    [
        ("HS256", b"short", "secret must have at least 32 bytes for HS256, got 5"),
        ("HS512", bytes(63), "secret must have at least 64 bytes for HS512, got 63"),
        ("none", bytes(32), "algorithm must be HS256, HS384, HS512, RS256 or ES256, got 'none'"),
        ("RS256", b"", "secret must have at least 1 bytes for RS256, got 0"),
    ],
)
def test_a_weak_key_is_refused_at_construction(algorithm, secret, sentence):
    """RFC 7518 §3.2: a secret has at least as many bytes as the hash; RFC 8725 §3.5."""
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        TokenKey(secret=secret, algorithm=algorithm)


def test_a_key_does_not_show_its_secret():
    """A key in a log or a traceback shows its algorithm and nothing else."""
    assert "secret" not in repr(OURS)
    assert "identity" not in repr(RULES)


def test_a_missing_scope_is_named():
    """RFC 6750 §3.1: 403 insufficient_scope, with the scope that would do."""
    reader = Caller("alice", frozenset({"documents:read"}))
    assert require_scope(reader, "documents:read") is None
    answer = require_scope(reader, "documents:write").response()
    assert answer.status == 403
    assert answer.header("WWW-Authenticate").endswith('error="insufficient_scope", scope="documents:write"')


@pytest.mark.slow
@settings(max_examples=300)
@given(
    st.one_of(st.text(max_size=80), st.lists(st.text('AQe{}":-_=', max_size=12), min_size=3, max_size=3).map(".".join))
)
def test_no_text_makes_the_verifier_raise(text):
    """Whatever is sent for a token, the answer is a 401."""
    assert RULES.verify(text, NOW).status == 401


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(["exp", "nbf", "iat", "iss", "aud", "sub", "scope", "jti"]), JSON, max_size=3))
def test_no_signed_claim_makes_the_verifier_raise(changes):
    """Claims of any kind, rightly signed: a caller with text for a name, or a 401."""
    found = RULES.verify(signed(json.dumps({**GOOD, **changes})), NOW)
    assert isinstance(found.name, str) if isinstance(found, Caller) else found.status == 401


@settings(max_examples=100)
@given(st.integers(0, 400), st.integers(1, 63))
def test_no_changed_character_passes(position, step):
    """Change one character of a good token in any place: it is refused."""
    good, alphabet = token(), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    position %= len(good)
    if good[position] == ".":
        position -= 1
    changed = alphabet[(alphabet.index(good[position]) + step) % 64]
    assert RULES.verify(good[:position] + changed + good[position + 1 :], NOW).status == 401
