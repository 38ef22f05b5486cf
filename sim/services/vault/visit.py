"""A visit: one request to the vault on its way in, with what its layers have found out and put on.

Every protection is a field, and every one is off until a layer puts it on; see `sim.services.vault.layers`.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from sim.http import Request
from sim.policies.security.audit import AuditChain
from sim.policies.security.authorisation import Rules
from sim.policies.security.credentials import Caller
from sim.policies.security.lockout import GuessLimit


@attrs.frozen
class Visit(Request):
    """A request on its way in, with what the layers have found out and put on; see `Visit.of`.

    *request*: the one that came, by identity.  *caller*: who it is, None when nobody knows.  *passport*: what the
    gateway says about the caller, for the resource behind it.  *rules*: what may be done to a document; None is
    everything.  *checked*: input is validated.  *bound*: statements are parameterised.  *encode*: writes a text into
    HTML.  *guesses*: limits the passwords that are tried.  *sealed*: writes are audited.
    """

    request: Request | None = attrs.field(default=None, kw_only=True)
    caller: Caller | None = attrs.field(default=None, kw_only=True)
    passport: str = attrs.field(default="", kw_only=True)
    rules: Rules | None = attrs.field(default=None, kw_only=True)
    checked: bool = attrs.field(default=False, kw_only=True)
    bound: bool = attrs.field(default=False, kw_only=True)
    encode: Callable[[str], str] = attrs.field(default=str, kw_only=True)
    guesses: GuessLimit | None = attrs.field(default=None, kw_only=True)
    sealed: AuditChain | None = attrs.field(default=None, kw_only=True)

    @classmethod
    def of(cls, request: Request) -> Visit:
        """The visit of *request* that no layer has seen yet."""
        fields = {field.name: getattr(request, field.name) for field in attrs.fields(Request)}
        return cls(**fields, request=request)
