"""Payments on a real SQLite file: under the explorer, under real threads, and under kill -9."""

import signal
import subprocess
import sys
from contextlib import closing

import pytest

from sim.http import Request
from sim.interleave import explore
from sim.live.sqlite import SQLiteStore
from sim.live.threads import one_at_a_time, serve
from sim.policies.idempotency.rules import Idempotency
from sim.services.payments import AtomicClaim, CheckThenAct, OneTransaction, RecoveryPoint
from sim.store import MemoryStore

CREDENTIALS = {"Authorization": "Bearer ada"}
BODY = b'{"amount":2000,"currency":"INR"}'
DESIGNS = [CheckThenAct, AtomicClaim, OneTransaction, RecoveryPoint]
EXPIRED = Idempotency(lease=0.0)


def pay(key="k-1"):
    return Request("POST", "/payments", headers={**CREDENTIALS, "Idempotency-Key": key}, body=BODY)


def charged_once(ending):
    twice = [key for key in ending.effects if ending.effects.count(key) > 1]
    return f"charged twice: {twice[0]}" if twice else None


class Reopened:
    """Makes empty stores on one file: the explorer has only one world alive at a time."""

    def __init__(self, path):
        self.path, self.store = path, None

    def __call__(self):
        self.close()
        self.store = SQLiteStore(self.path, fsync=False)
        for table in ("answers", "charges", "keys", "payments", "provider's charges"):
            for key, _ in self.store.rows(table):
                self.store.delete(table, key)
        return self.store

    def close(self):
        if self.store is not None:
            self.store.close()


@pytest.mark.slow
@pytest.mark.parametrize(("crashes", "after"), [(0, None), (1, {1: 0})], ids=["together", "crash and retry"])
@pytest.mark.parametrize(
    ("design", "rules"),
    [(CheckThenAct, None), (AtomicClaim, None), (AtomicClaim, EXPIRED), (OneTransaction, None), (RecoveryPoint, None)],
    ids=["check-then-act", "claim", "claim, lease over", "one transaction", "recovery point"],
)
def test_memory_and_sqlite_agree_under_the_explorer(design, rules, crashes, after, tmp_path):
    """The same service explored over both stores: as many schedules, as many violations, the same shortest one."""
    with closing(Reopened(tmp_path / "explored.db")) as reopened:
        found = [
            explore(
                lambda make=make: design(make(), rules=rules), [pay()] * 2, charged_once, crashes=crashes, after=after
            )
            for make in (MemoryStore, reopened)
        ]
    memory, sqlite = found
    assert (sqlite.schedules, sqlite.violating, sqlite.states) == (memory.schedules, memory.violating, memory.states)
    assert (sqlite.complete, str(sqlite)) == (True, str(memory))


STORES = {"memory": lambda path: one_at_a_time(MemoryStore()), "sqlite": lambda path: SQLiteStore(path, fsync=False)}


@pytest.mark.slow
@pytest.mark.parametrize("store", STORES)
def test_the_guide_charges_twice_in_real_threads(store, tmp_path):
    """Two threads that have both looked the key up charge twice, in each of 40 rounds: no luck is needed."""
    service = CheckThenAct(STORES[store](tmp_path / "paid.db"))
    for number in range(40):
        served = serve(service, [pay(f"k-{number}")] * 2, meet="look the key up")
        assert len(served.effects) == 2
        assert [reply.status for reply in served.replies] == [201, 201]
    if store == "sqlite":
        service.store.close()


@pytest.mark.slow
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(
    ("design", "meet"),
    [(AtomicClaim, None), (OneTransaction, "look the key up"), (RecoveryPoint, None)],
)
def test_the_sound_designs_charge_once_in_real_threads(design, meet, store, tmp_path):
    """Three threads that begin together charge once, in each of 210 rounds, and tell nobody anything else."""
    service = design(STORES[store](tmp_path / "paid.db"))
    for number in range(210):
        served = serve(service, [pay(f"k-{number}")] * 3, meet=meet)
        assert len(served.effects) == 1
        statuses = [reply.status for reply in served.replies]
        assert 201 in statuses
        assert set(statuses) <= ({201} if design is OneTransaction else {201, 409})
        assert len({reply.body for reply in served.replies if reply.status == 201}) == 1
    assert len(service.store.rows("payments")) == 210
    if store == "sqlite":
        service.store.close()


KILLED = """
import os, signal, sys
from sim.http import Request
from sim.live.sqlite import SQLiteStore
from sim.services import payments

path, design, step = sys.argv[1:]
service = getattr(payments, design)(SQLiteStore(path))
headers = {"Authorization": "Bearer ada", "Idempotency-Key": "k-1"}
flow = service(Request("POST", "/payments", headers=headers, body=b'{"amount":2000,"currency":"INR"}'), 0.0)
answer = None
while True:
    command = flow.send(answer)
    if getattr(command, "name", None) == step:
        os.kill(os.getpid(), signal.SIGKILL)
    answer = 0.0
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("design", "step", "charges"),
    [
        (CheckThenAct, "charge the card", 2),
        (AtomicClaim, "charge the card", 2),
        (OneTransaction, "write the charge", 1),
        (OneTransaction, "write the answer", 1),
        (OneTransaction, "commit", 1),
        (RecoveryPoint, "charge at the provider", 1),
        (RecoveryPoint, "recovery point: charged", 1),
    ],
)
def test_kill_minus_nine(design, step, charges, tmp_path):
    """Q-09.2 with a real process, killed at a real step: what the file says after the retry, once the lease is over."""
    path = tmp_path / "killed.db"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path), design.__name__, step], check=False)
    assert killed.returncode == -signal.SIGKILL
    with closing(SQLiteStore(path, fsync=False)) as store:
        reply = serve(design(store, rules=EXPIRED), [pay()]).replies[0]
        assert reply.status == 201
        counted = sum(count for _, count in store.rows("charges")) + len(store.rows("provider's charges"))
        assert counted == charges
