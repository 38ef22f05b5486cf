"""Recovery points: the charge happens somewhere else, at a provider who is idempotent himself.

We cannot roll the provider back, but we can ask him again under the same key and he will not charge again.  So the
key that we give him is derived from the client's, never drawn anew, and how far we came is written down after each
thing that cannot be undone.  Whoever takes over a dead claim goes on from there.

Source: B. Leach, "Implementing Stripe-like Idempotency Keys in Postgres", 2017, for the recovery points.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator

import attrs

from sim.flow import Effect, HandlerFlow, Reply, Step, Work
from sim.http import Response
from sim.policies.idempotency.key import KeyFormat
from sim.policies.idempotency.rules import Idempotency
from sim.services.payments.claims import claim
from sim.services.payments.intent import Intent
from sim.services.payments.skeleton import Payments, created, in_flight, payment_of, write_payment
from sim.store import Store, Tables


class Provider:
    """A card processor: one charge for each key, however often it is asked.  It forgets no key.

    *tables*: its own books.  *seconds*: what a charge takes, None is one draw from the server's law.
    """

    def __init__(self, tables: Tables, seconds: float | None = None) -> None:
        self._tables, self._seconds = tables, seconds

    def charge(self, key: str, intent: Intent) -> Generator[Work | Step | Effect, float, str]:
        """A flow that charges for *intent* under *key*, if that has not been done; returns the charge's id."""
        yield Work(self._seconds)
        if self._tables.insert("provider's charges", key, {"amount": intent.amount, "currency": intent.currency}):
            yield Effect(intent.name)
        yield Step("charge at the provider")
        return f"ch_{key}"


class RecoveryPoint(Payments):
    """Claim the key, charge at the provider under a derived key, note that point, write the payment and the answer.

    *provider*: None is one with its books in the same store, in a table of its own.
    """

    def __init__(
        self,
        store: Store,
        *,
        provider: Provider | None = None,
        seconds: float | None = None,
        rules: Idempotency | None = None,
        keys: KeyFormat | None = None,
    ) -> None:
        super().__init__(store, seconds=seconds, rules=rules, keys=keys)
        self._provider = provider or Provider(store, seconds)

    def _pay(self, intent: Intent, now: float) -> HandlerFlow:
        mine = yield from claim(self.store, self.rules, intent, now)
        if isinstance(mine, Response):
            yield Reply(mine)
            return
        if not mine.point:
            charge = yield from self._provider.charge(_derived(intent), intent)
            point = attrs.evolve(mine, point=charge)
            kept = self.store.replace("keys", intent.scope, mine.document(), point.document())
            yield Step("recovery point: charged")
            if not kept:
                # Somebody took the claim over; the provider will tell them of this very charge.
                yield Reply(in_flight(self.rules.poll))
                return
            mine = point
        payment = payment_of(intent, mine.point)
        write_payment(self.store, intent, payment)
        yield Step("write the payment")
        answer = created(payment)
        kept = self.store.replace("keys", intent.scope, mine.document(), mine.answered(answer).document())
        yield Step("store the answer")
        yield Reply(answer if kept else in_flight(self.rules.poll))


def _derived(intent: Intent) -> str:
    """The provider's key: the same for every attempt at this intent, another for every other."""
    return hashlib.sha256(f"{intent.scope}{intent.fingerprint.body}".encode()).hexdigest()[:32]
