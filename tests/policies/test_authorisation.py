"""Authorisation: roles, rules, and what a refusal gives away."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.security.authorisation import Effect, Facts, Roles, Rule, Rules, Verdict, forbidden, hidden

ROLES = Roles(
    {"reader": {"documents:read"}, "editor": {"documents:write"}, "admin": {"accounts:write"}},
    includes={"editor": {"reader"}, "admin": {"editor"}},
)
OWNER = Rule("an owner may do anything", lambda facts: facts.subject["name"] == facts.resource["owner"])
SHARED = Rule(
    "a document may be read by whom it is shared with",
    lambda facts: facts.action == "read" and facts.subject["name"] in facts.resource["shared"],
)
FROZEN = Rule(
    "nobody writes to what is frozen",
    lambda facts: facts.action == "write" and facts.resource["frozen"],
    Effect.DENY,
)
HOURS = Rule("nothing is written at night", lambda facts: not 8 <= facts.circumstances["hour"] < 18, Effect.DENY)


@pytest.mark.parametrize(
    ("roles", "permission", "expected"),
    [
        (["reader"], "documents:read", Verdict(True, "role reader may documents:read")),
        (["editor"], "documents:read", Verdict(True, "role editor includes role reader, which may documents:read")),
        (["admin"], "documents:read", Verdict(True, "role admin includes role reader, which may documents:read")),
        (["reader"], "documents:write", Verdict(False, "none of the roles reader may documents:write")),
        (["x", "reader"], "accounts:write", Verdict(False, "none of the roles reader, x may accounts:write")),
        (["nonsense", "admin"], "accounts:write", Verdict(True, "role admin may accounts:write")),
        ([], "documents:read", Verdict(False, "without a role nobody may documents:read")),
    ],
)
def test_a_role_may_what_it_and_its_parts_may(roles, permission, expected):
    """(roles, permission, verdict): inclusion goes down any number of steps, an unknown role may nothing."""
    assert ROLES.decide(roles, permission) == expected


def test_roles_that_include_each_other_end():
    """A circle is a mistake, and yet it neither hangs nor grants anything more."""
    circle = Roles({"a": {"x"}, "b": {"y"}}, includes={"a": {"b"}, "b": {"a"}})
    assert circle.decide(["a"], "y").allowed
    assert not circle.decide(["a"], "z").allowed


def test_an_unknown_part_of_a_role_is_refused_at_construction():
    """A misspelt role would silently grant nothing."""
    with pytest.raises(ValueError, match=r"^includes of role 'editor' must be roles, got 'raeder'$"):
        Roles({"editor": set()}, includes={"editor": {"raeder"}})


def facts(name="bob", action="read", hour=12, **resource):
    """Bob reads Ada's document, unless it is said otherwise."""
    thing = {"owner": "ada", "shared": [], "frozen": False} | resource
    return Facts(subject={"name": name}, action=action, resource=thing, circumstances={"hour": hour})


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (facts("ada"), Verdict(True, "an owner may do anything")),
        (facts("ada", "write"), Verdict(True, "an owner may do anything")),
        (facts("bob"), Verdict(False, "no rule allows read")),
        (facts("bob", shared=["bob"]), Verdict(True, "a document may be read by whom it is shared with")),
        (facts("bob", "write", shared=["bob"]), Verdict(False, "no rule allows write")),
        (facts("ada", "write", frozen=True), Verdict(False, "nobody writes to what is frozen")),
        (facts("ada", "read", frozen=True), Verdict(True, "an owner may do anything")),
        (facts("ada", "read", hour=20), Verdict(False, "nothing is written at night")),
    ],
)
def test_deny_overrides_and_silence_is_a_no(asked, expected):
    """(facts, verdict): the reason is the sentence of the rule that decided."""
    assert Rules((OWNER, SHARED, FROZEN, HOURS)).decide(asked) == expected
    assert Rules((HOURS, FROZEN, SHARED, OWNER)).decide(asked) == expected


def test_no_rules_allow_nothing():
    """The default is no."""
    assert Rules(()).decide(facts("ada")) == Verdict(False, "no rule allows read")


def test_a_rule_that_cannot_be_decided_counts_against_the_caller():
    """A missing fact makes an allow not hold and a deny hold: both fail closed."""
    bare = Facts(subject={"name": "ada"}, action="read")
    assert Rules((OWNER,)).decide(bare) == Verdict(False, "no rule allows read")
    anyone = Rule("anyone may", lambda facts: True)
    assert Rules((anyone,)).decide(bare).allowed
    assert Rules((anyone, HOURS)).decide(bare) == Verdict(
        False, "nothing is written at night (it could not be ruled out)"
    )


def test_a_hidden_thing_looks_like_a_missing_one():
    """RFC 9110 §15.5.4: the 404 is the same, byte for byte; the 403 admits that there is something."""
    assert hidden() == hidden("there is nothing at this path")
    assert (hidden().status, forbidden().status) == (404, 403)
    assert hidden().header("WWW-Authenticate") is None


@pytest.mark.slow
@settings(max_examples=200)
@given(
    st.dictionaries(st.sampled_from("abcd"), st.frozensets(st.sampled_from("xyz")), max_size=4),
    st.lists(st.sampled_from("abcde"), max_size=3),
    st.sampled_from("xyz"),
    st.lists(st.sampled_from("abcde"), max_size=2),
)
def test_more_roles_never_may_less(grants, roles, permission, more):
    """RBAC grants only: a further role takes nothing away, and without inclusion the answer is a plain union."""
    rules = Roles(grants)
    verdict = rules.decide(roles, permission)
    assert verdict.allowed == any(permission in grants.get(role, ()) for role in roles)
    assert rules.decide(roles + more, permission).allowed >= verdict.allowed
