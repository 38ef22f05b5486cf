"""Authorisation: whether a known caller may do this, to this, now, and the sentence that says why.

RBAC asks what the caller's roles may do; ABAC asks about the caller, the thing and the circumstances, so it can say
"her own".  Most services need both: roles at the gateway, which knows the route, and rules at the resource, which
knows the document.  What is not allowed is forbidden, and a rule that cannot be decided counts against the caller.

A refusal is a 403, or a 404 when even the thing's existence is nobody's business (RFC 9110 §15.5.4); the 404 must
then be the very one that a missing thing gets.  Source of the words: NIST SP 800-162 (ABAC), ANSI INCITS 359 (RBAC).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from sim.http import Response
from sim.policies.http.problem import problem


@attrs.frozen
class Verdict:
    """Whether it is allowed, and why, in one sentence for the log.  It is not for the caller: it names rules."""

    allowed: bool
    reason: str


@attrs.frozen
class Roles:
    """RBAC: *grants* gives each role its permissions, *includes* the roles that it contains.

    >>> roles = Roles({"reader": {"documents:read"}, "editor": {"documents:write"}}, includes={"editor": {"reader"}})
    >>> roles.decide(["editor"], "documents:read")
    Verdict(allowed=True, reason='role editor includes role reader, which may documents:read')
    >>> roles.decide(["reader"], "documents:write")
    Verdict(allowed=False, reason='none of the roles reader may documents:write')
    """

    grants: Mapping[str, Iterable[str]]
    includes: Mapping[str, Iterable[str]] = attrs.field(factory=dict, kw_only=True)

    def __attrs_post_init__(self) -> None:
        known = {*self.grants, *self.includes}
        for role, contained in self.includes.items():
            for other in contained:
                if other not in known:
                    raise ValueError(f"includes of role {role!r} must be roles, got {other!r}")

    def decide(self, roles: Iterable[str], permission: str) -> Verdict:
        """Whether one of *roles* has *permission*, directly or through a role that it includes."""
        named = list(roles)
        for role in named:
            for reached in self._reach(role):
                if permission in self.grants.get(reached, ()):
                    path = f"role {role}" if reached == role else f"role {role} includes role {reached}, which"
                    return Verdict(True, f"{path} may {permission}")
        if not named:
            return Verdict(False, f"without a role nobody may {permission}")
        return Verdict(False, f"none of the roles {', '.join(sorted(named))} may {permission}")

    def _reach(self, role: str) -> list[str]:
        reached = [role]
        for at in reached:  # grows while it is walked; a circle of roles ends, because each comes once
            reached += [other for other in sorted(self.includes.get(at, ())) if other not in reached]
        return reached


class Effect(enum.Enum):
    """What a rule says when it applies."""

    ALLOW = "allow"
    DENY = "deny"


@attrs.frozen(kw_only=True)
class Facts:
    """What a rule may ask about: *subject* (the caller), *action*, *resource* (the thing) and *circumstances*."""

    subject: Mapping[str, Any]
    action: str
    resource: Mapping[str, Any] = attrs.field(factory=dict)
    circumstances: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen
class Rule:
    """One sentence of a policy.  *name*: that sentence ("an owner may read").  *when*: whether it applies."""

    name: str
    when: Callable[[Facts], bool]
    effect: Effect = Effect.ALLOW


@attrs.frozen
class Rules:
    """ABAC: deny overrides allow, and nothing said means no.

    >>> owner = Rule("an owner may do anything", lambda facts: facts.subject["name"] == facts.resource["owner"])
    >>> frozen = Rule("nobody may write to what is frozen", lambda facts: facts.resource.get("frozen"), Effect.DENY)
    >>> rules = Rules((owner, frozen))
    >>> rules.decide(Facts(subject={"name": "ada"}, action="write", resource={"owner": "ada"}))
    Verdict(allowed=True, reason='an owner may do anything')
    >>> rules.decide(Facts(subject={"name": "ada"}, action="write", resource={"owner": "ada", "frozen": True})).reason
    'nobody may write to what is frozen'
    """

    rules: tuple[Rule, ...]

    def decide(self, facts: Facts) -> Verdict:
        """The verdict on *facts*.

        A rule that raises, because a fact is missing, is a no: an allow that cannot be shown does not hold, and a
        deny that cannot be ruled out does.
        """
        allowed: str | None = None
        for rule in self.rules:
            try:
                applies = bool(rule.when(facts))
            except Exception:
                if rule.effect is Effect.DENY:
                    return Verdict(False, f"{rule.name} (it could not be ruled out)")
                continue
            if applies and rule.effect is Effect.DENY:
                return Verdict(False, rule.name)
            if applies and allowed is None:
                allowed = rule.name
        if allowed is None:
            return Verdict(False, f"no rule allows {facts.action}")
        return Verdict(True, allowed)


def forbidden(detail: str = "you may not do this") -> Response:
    """A 403: we know who you are, and the answer is no.  Source: RFC 9110 §15.5.4."""
    return problem(403, detail)


def hidden(detail: str = "there is nothing at this path") -> Response:
    """A 404 for what the caller may not know of: give the *detail* that the missing thing gets, and nothing else."""
    return problem(404, detail)
