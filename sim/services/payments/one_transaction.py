"""Key, charge and answer in one transaction: all of it happened, or nothing did.

This needs the charge to be rows of the database that keeps the key: a wallet, a ledger, a booking.  A card processor
is somewhere else and cannot be rolled back; for that see `recovery`.
"""

from __future__ import annotations

from sim.flow import Effect, HandlerFlow, Reply, Step, Work
from sim.policies.idempotency.rules import Mismatch, Record, Replay
from sim.services.payments.intent import Intent
from sim.services.payments.skeleton import Payments, created, mismatch, payment_of, replayed, write_payment
from sim.store import transaction


class OneTransaction(Payments):
    """Do the slow work first, then look, charge and store the answer in one short transaction.

    The work (checks, prices, limits) takes no money, so a twin may do it as well; the lock is held for the writes
    only.  Nobody gets a 409: a twin waits for the lock, and then finds the answer.
    """

    def _pay(self, intent: Intent, now: float) -> HandlerFlow:
        known = Record.of(self.store.get("keys", intent.scope))
        now = yield Step("look the key up")
        if known is None or now >= known.claimed + self.rules.retention:  # else there is no need for the work
            now = yield Work(self.seconds)
        inside = yield from transaction(self.store, intent.request)
        known = Record.of(inside.get("keys", intent.scope))
        yield Step("look the key up inside")
        decision = self.rules.begin(known, intent.fingerprint, now)
        if isinstance(decision, Replay | Mismatch):
            inside.rollback()
            yield Step("roll back")
            yield Reply(replayed(decision.response) if isinstance(decision, Replay) else mismatch(decision))
            return
        number = inside.add("charges", intent.name)
        yield Step("write the charge")
        payment = payment_of(intent, intent.name, number)
        write_payment(inside, intent, payment)
        yield Step("write the payment")
        answer = created(payment)
        inside.put("keys", intent.scope, Record(intent.fingerprint, now, answer).document())
        yield Step("write the answer")
        inside.commit()
        yield Effect(intent.name)
        yield Step("commit")
        yield Reply(answer)
