"""Claim first: one atomic insert decides who may charge.

The insert cannot be won twice, so two requests never charge at the same time.  What it cannot do is survive a crash:
between the charge and the storing of the answer the process may die, and nobody can tell a dead claim from a slow one,
or a claim that has charged from one that has not.  The lease only chooses which mistake is made then: the longer it
is, the longer the key is locked; the shorter, the sooner the charge is repeated.
"""

from __future__ import annotations

from collections.abc import Generator

from sim.flow import HandlerFlow, Note, Reply, Step
from sim.http import Response
from sim.policies.idempotency.rules import Idempotency, InFlight, Mismatch, Record, Replay
from sim.services.payments.intent import Intent
from sim.services.payments.skeleton import Payments, in_flight, mismatch, replayed
from sim.store import Tables


class AtomicClaim(Payments):
    """Insert the key as pending, charge, store the answer.

    A twin in flight gets 409 with Retry-After, a later one the stored answer with its own status, another request
    under the same key 422.  It charges once as long as no process dies, or is slower than the lease.
    """

    def _pay(self, intent: Intent, now: float) -> HandlerFlow:
        claimed = yield from claim(self.store, self.rules, intent, now)
        if isinstance(claimed, Response):
            yield Reply(claimed)
            return
        answer = yield from self._charge(intent)
        kept = self.store.replace("keys", intent.scope, claimed.document(), claimed.answered(answer).document())
        yield Step("store the answer")
        if not kept:
            yield Note("claim lost", "somebody else took the claim over while this one was charging")
        yield Reply(answer)


def claim(
    tables: Tables, rules: Idempotency, intent: Intent, now: float
) -> Generator[Step | Note, float, Record | Response]:
    """A flow that claims the intent's key: the record that is now ours, or the answer to give instead.

    A claim that is taken over keeps the point that the dead one had reached.
    """
    mine = Record(intent.fingerprint, now)
    won = tables.insert("keys", intent.scope, mine.document())
    yield Step("claim the key")
    if won:
        return mine
    document = tables.get("keys", intent.scope)
    now = yield Step("read the claim")
    decision = rules.begin(Record.of(document), intent.fingerprint, now)
    if isinstance(decision, Replay):
        return replayed(decision.response)
    if isinstance(decision, Mismatch):
        return mismatch(decision)
    if isinstance(decision, InFlight):
        return in_flight(decision.retry_after)
    mine = Record(intent.fingerprint, now)
    if decision.dead and decision.replaces is not None:
        mine = Record(intent.fingerprint, now, point=decision.replaces.point)
    # Only one of those who saw the same dead or expired claim gets it.
    won = tables.replace("keys", intent.scope, document, mine.document())
    yield Step("take the claim over")
    if not won:
        return in_flight(rules.poll)
    if decision.dead:
        yield Note("claim taken over", "its process seems to be dead")
    return mine
