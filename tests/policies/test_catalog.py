"""The catalogue: every name builds, and a wrong one is answered with the near ones."""

import itertools

import pytest

from sim.policies import ClientPolicy, named
from sim.policies.catalog import EXTRAS, RETRIES


@pytest.mark.parametrize("extra", [None, *EXTRAS])
@pytest.mark.parametrize("retry", RETRIES)
def test_every_name_builds(retry, extra):
    """Every retry, alone or with one more part, is a policy with that part and no other."""
    policy = named(retry if extra is None else f"{retry}+{extra}")
    assert isinstance(policy, ClientPolicy)
    assert policy.retry == RETRIES[retry]()
    parts = {"breaker": policy.breaker, "budget": policy.budget}
    expected = {} if extra is None else {EXTRAS[extra][0]: EXTRAS[extra][1]}
    assert {role: type(part) for role, part in parts.items() if part is not None} == expected


def test_a_breaker_and_a_budget_may_be_joined():
    """Both parts at once, in either order."""
    one, other = named("full-jitter+breaker+budget"), named("full-jitter+budget+breaker")
    assert one == other
    assert (type(one.breaker).__name__, type(one.budget).__name__) == ("CircuitBreaker", "RetryBudget")


def test_every_call_makes_a_new_one():
    """Two policies of one name share no state."""
    assert named("fixed+breaker").breaker is not named("fixed+breaker").breaker


def test_the_issues_names_are_known():
    """The nine retries that the terminal promises."""
    assert set(RETRIES) == {
        "no-retry",
        "immediate",
        "fixed",
        "linear",
        "exponential",
        "equal-jitter",
        "full-jitter",
        "decorrelated-jitter",
        "proportional-jitter",
    }


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ful-jitter", "unknown policy 'ful-jitter'; did you mean full-jitter"),
        ("full-jitter+braker", "unknown policy part 'braker'; did you mean breaker"),
        ("Exponential", "unknown policy 'Exponential'; did you mean exponential"),
        ("zzz", "unknown policy 'zzz'; known: no-retry, immediate, fixed"),
        ("", "unknown policy ''; known: no-retry"),
        ("full-jitter+", "unknown policy part ''; known: breaker"),
        ("breaker", "unknown policy 'breaker'; known: "),
    ],
)
def test_a_wrong_name_lists_the_near_ones(name, message):
    """An unknown name is refused with the near names, or with all of them when none is near."""
    with pytest.raises(ValueError) as caught:
        named(name)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("one", "other"),
    [pair for pair in itertools.combinations_with_replacement(EXTRAS, 2) if EXTRAS[pair[0]][0] == EXTRAS[pair[1]][0]],
)
def test_a_part_may_be_named_once(one, other):
    """A client has one breaker and one budget: two of a kind are refused by that word."""
    role = EXTRAS[one][0]
    with pytest.raises(ValueError, match=rf"^a policy takes one {role}, got two in 'fixed\+{one}\+{other}'$"):
        named(f"fixed+{one}+{other}")
