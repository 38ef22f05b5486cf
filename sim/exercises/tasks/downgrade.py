"""07-downgrade: an old client's view of a new resource."""

from __future__ import annotations

import copy
from typing import Any

from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check

PLACE = 1
STORY = """
Version 2 of the users API has a name in two parts, several email addresses, and a state. Clients of version 1 know
none of this. One handler serves version 2; you write what makes its document one of version 1.

`down(user)` takes `{"id": "7", "name": {"given": "Ada", "family": "Byron"}, "emails": ["ada@example.org"], "state":
"active"}` and returns `{"id": "7", "name": "Ada Byron", "email": "ada@example.org", "active": true}`. The email is
the first one, `""` when there is none. A state is active, suspended or closed today, and others will come; only
`"active"` is active. A family name may be `""`. What version 1 did not have is left out. The document that you are
given is not changed.
"""
STUB = """
def down(user):
    raise NotImplementedError("return the same user as version 1 shows it")
"""
ADA: dict[str, Any] = {
    "id": "7", "name": {"given": "Ada", "family": "Byron"}, "emails": ["ada@example.org", "b@example.org"],
    "state": "active",
}  # fmt: skip


def _shown(answer: Answer, **other: Any) -> dict[str, Any]:
    user = {**copy.deepcopy(ADA), **other}
    shown = answer.make(user)
    if not isinstance(shown, dict):
        raise Failed(f"down returned {shown!r}; a dict is wanted"[:200])
    return shown


def _member(answer: Answer, member: str, right: Any, why: str, **other: Any) -> None:
    shown = _shown(answer, **other)
    if member not in shown:
        raise Failed(f"{member} is missing: a version 1 client reads it, and breaks")
    if shown[member] != right or type(shown[member]) is not type(right):
        raise Failed(f"{member} is {shown[member]!r} and not {right!r}; {why}")


@check("shows what version 1 showed")
def plain(answer: Answer, seed: int) -> str:
    """All four members, with their types."""
    for name, right in (("id", "7"), ("name", "Ada Byron"), ("email", "ada@example.org"), ("active", True)):
        _member(answer, name, right, "the types and meanings of version 1 stay as they were")
    return ""


@check("leaves out what is new")
def no_more(answer: Answer, seed: int) -> str:
    """Strict clients refuse what they do not know."""
    extra = sorted(set(_shown(answer, plan="pro")) - {"id", "name", "email", "active"})
    if extra:
        raise Failed(f"{', '.join(extra)} is shown to version 1, whose strict clients refuse what they do not know")
    return ""


@check("holds for the odd ones", points=2)
def odd(answer: Answer, seed: int) -> str:
    """No email, one name, states of tomorrow."""
    _member(answer, "email", "", "no address is an empty text, because version 1 always had one", emails=[])
    one_name = {"given": "Plato", "family": ""}
    _member(answer, "name", "Plato", "no blank is left behind a name without a family", name=one_name)
    for state in ("suspended", "closed", "frozen"):
        _member(answer, "active", False, "only active is active, whatever states will come", state=state)
    return ""


@check("changes nothing that it was given")
def untouched(answer: Answer, seed: int) -> str:
    """The same document is shown to others."""
    both = answer.make(copy.deepcopy(ADA)), answer.make(copy.deepcopy(ADA))
    if both[0] != both[1]:
        raise Failed("the same user was shown twice, and the second time otherwise")
    return ""


EXERCISE = Exercise(
    id="07-downgrade",
    title="An old view of a new resource",
    kind=Kind.IMPLEMENT,
    answer="down",
    story=STORY,
    stub=STUB,
    hints=(
        "Make a new dict with the four members; take nothing else along.",
        "Emails may be empty, and a name may have one part.",
        '" ".join(part for part in (given, family) if part); emails[0] if emails else ""; state == "active".',
    ),
    lesson="07_versioning.ipynb",
    checks=(plain, no_more, odd, untouched),
)
