"""The audit trail: a write and the row that tells of it, in one transaction, and a witness elsewhere.

A row before the write would tell of writes that never were, a row after it would be lost in a crash between the two.
The witness is told after the commit, so it never knows of a row that was rolled back.
"""

from __future__ import annotations

from sim.flow import HandlerFlow, Step
from sim.policies.security.audit import Event
from sim.services.vault.visit import Visit
from sim.store import Store, Transaction

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class AuditTrail:
    """Commits writes with their rows.  *store*: where both stand; *witness*: a store that its owner cannot reach."""

    def __init__(self, store: Store, witness: Store) -> None:
        self.store, self.witness = store, witness

    def commit(self, tx: Transaction, visit: Visit, now: float, status: int) -> HandlerFlow:
        """Commit *tx*, with the row of this write when writes are sealed, and tell the witness."""
        if visit.sealed is None or visit.method not in _WRITES:
            tx.commit()
            yield Step("commit")
            return
        who = "" if visit.caller is None else visit.caller.name
        what = f"{visit.method} {visit.resource[:200]}"
        event = Event(who=who, where=visit.peer, when=now, what=what, status=status, payload=visit.body)
        row = visit.sealed.row(event, tx.get("audit head", "head"))
        yield Step("read the newest row of the log")
        tx.insert("audit", f"{row['number']:09}", row)
        yield Step("append a row to the log")
        tx.put("audit head", "head", row)
        yield Step("remember the newest row")
        tx.commit()
        yield Step("commit")
        told = list(visit.sealed.witness(row))
        while True:
            known = self.witness.get("witness", "log")
            yield Step("read what the witness knows")
            if known is not None and known[0] >= told[0]:
                return
            done = self.witness.replace("witness", "log", known, told)
            yield Step("tell the witness")
            if done:
                return
