"""Replay: inside the tolerance a captured message verifies again and again, so the received ones are remembered."""

from __future__ import annotations

import attrs

from sim.http import Request
from sim.policies.webhooks.inbox import SeenIds
from sim.policies.webhooks.signing.scheme import Rejected, Scheme, Verdict


@attrs.define
class ReplayGuard:
    """A scheme that accepts each message once.

    It remembers messages, not events: an honest retry is signed anew, with the time of the attempt, and passes; the
    very same bytes with the very same signature do not.  So it must not stand in for the inbox, which knows events,
    keeps them for weeks, and has the effect and the record of it in one transaction.  *capacity*: messages
    remembered at most; more than arrive in one `window` of the scheme, or the oldest can come again.

    Memory of one process: behind a load balancer each process has its own, and a restart forgets.
    """

    scheme: Scheme
    capacity: int = attrs.field(default=100_000, kw_only=True)
    _seen: SeenIds = attrs.field(init=False)

    @_seen.default
    def _remember(self) -> SeenIds:
        return SeenIds(window=self.scheme.window, capacity=self.capacity)

    @property
    def window(self) -> float:
        """For how many seconds one message could verify without the guard."""
        return self.scheme.window

    def sign(self, body: bytes, message_id: str, now: float) -> dict[str, str]:
        """The headers that go with *body*: as the scheme has it."""
        return self.scheme.sign(body, message_id, now)

    def verify(self, request: Request, now: float) -> Verdict:
        """As the scheme has it, and rejected when this very message was received before."""
        verdict = self.scheme.verify(request, now)
        if isinstance(verdict, Rejected) or self._seen.admit(verdict.fingerprint, now):
            return verdict
        return Rejected("this very message was received before", replayed=True)
