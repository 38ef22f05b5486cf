"""The store in memory: its contract, and that the contract's suite notices a store that breaks it."""

import contextlib

import pytest

from sim.flow import Step
from sim.http import Request
from sim.store import MemoryStore, transaction
from sim.testing.store import check_store


def test_the_memory_store_keeps_the_contract():
    """The in-memory store passes the suite that the SQLite store passes."""
    report = check_store(MemoryStore)
    assert report.ok, report


class SharesDocuments(MemoryStore):
    def get(self, table, key):
        self.__dict__.setdefault("_handed", {})
        if (table, key) not in self._handed:
            self._handed[table, key] = super().get(table, key)
        return self._handed[table, key]


class InsertOverwrites(MemoryStore):
    def insert(self, table, key, document):
        fresh = self.get(table, key) is None
        self.put(table, key, document)
        return fresh


class PutKeepsTheFirst(MemoryStore):
    def put(self, table, key, document):
        self.insert(table, key, document)


class ReplaceNeverCompares(MemoryStore):
    def replace(self, table, key, expected, document):
        self.put(table, key, document)
        return True


class ReplaceComparesText(MemoryStore):
    def replace(self, table, key, expected, document):
        if expected is not None and list(expected) != sorted(expected):
            return False
        return super().replace(table, key, expected, document)


class DeleteIsSilent(MemoryStore):
    def delete(self, table, key):
        super().delete(table, key)
        return True


class AddBeginsAtOne(MemoryStore):
    def add(self, table, key, amount=1):
        self.insert(table, key, 1)
        return super().add(table, key, amount)


class AddReturnsNone(MemoryStore):
    def add(self, table, key, amount=1):
        super().add(table, key, amount)


class AddOverwrites(MemoryStore):
    def add(self, table, key, amount=1):
        if isinstance(self.get(table, key), str):
            self.put(table, key, 0)
        return super().add(table, key, amount)


class RowsUnordered(MemoryStore):
    def rows(self, table):
        return super().rows(table)[::-1]


class NeverFree(MemoryStore):
    def is_free(self):
        return False


class DeathChangesNothing(MemoryStore):
    def died(self, owner):
        pass


class SwallowsNonsense(MemoryStore):
    def put(self, table, key, document):
        with contextlib.suppress(ValueError):
            super().put(table, key, document)


class Remembers(MemoryStore):
    inside = owner = None

    def begin(self, owner):
        begun = super().begin(owner)
        if begun is not None:
            self.inside, self.owner = begun, owner
        return begun


class DirtyReads(Remembers):
    def get(self, table, key):
        return super().get(table, key) if self.is_free() else self.inside.get(table, key)


class WritesDuringTransactions(Remembers):
    def put(self, table, key, document):
        (super() if self.is_free() else self.inside).put(table, key, document)


class TwoTransactions(Remembers):
    def begin(self, owner):
        self.died(self.owner)
        return super().begin(owner)


class DeathByEquality(Remembers):
    def died(self, owner):
        if owner == self.owner:
            super().died(self.owner)


class DeathCommits(Remembers):
    def died(self, owner):
        if owner is self.owner and not self.is_free():
            self.inside.commit()


class SnapshotIsBlind(MemoryStore):
    def snapshot(self):
        return super().snapshot()[0]


class SnapshotInOrderOfWriting(MemoryStore):
    written = ()

    def put(self, table, key, document):
        super().put(table, key, document)
        self.written += (key,)

    def snapshot(self):
        return super().snapshot(), self.written


class SnapshotIsAList(MemoryStore):
    def snapshot(self):
        return list(super().snapshot())


class RaisesOnGet(MemoryStore):
    def get(self, table, key):
        raise RuntimeError("disk full")


@pytest.mark.parametrize(
    ("broken", "finding"),
    [
        (SharesDocuments, "changing what was handed out must not change the store"),
        (InsertOverwrites, "a refused insert changes nothing"),
        (PutKeepsTheFirst, "the last write wins"),
        (ReplaceNeverCompares, "there is no document to compare with"),
        (ReplaceComparesText, "the order of members does not count"),
        (DeleteIsSilent, "there was none any more"),
        (AddBeginsAtOne, "a counter begins at 0"),
        (AddReturnsNone, "a counter begins at 0"),
        (AddOverwrites, "only whole numbers count"),
        (RowsUnordered, "rows come in the order of their keys"),
        (SwallowsNonsense, "JSON has no such number"),
        (DirtyReads, "nobody else sees them before the commit"),
        (WritesDuringTransactions, "a write outside of the open transaction must be a StoreBusyError"),
        (TwoTransactions, "one transaction is open, so nobody may begin another"),
        (NeverFree, "no transaction is open in a new store"),
        (DeathChangesNothing, "the owner of the transaction died"),
        (DeathByEquality, "another died, one that is equal to the owner but is not the owner"),
        (DeathCommits, "what a dead process had not committed is rolled back"),
        (SnapshotIsBlind, "beginning a transaction did not change the snapshot"),
        (SnapshotInOrderOfWriting, "two stores with the same documents have different snapshots"),
        (SnapshotIsAList, "its snapshot cannot be hashed"),
        (RaisesOnGet, "raised RuntimeError: disk full"),
    ],
)
def test_a_broken_store_is_found(broken, finding):
    """Each way of breaking the contract is a finding that says what is wrong."""
    report = check_store(broken)
    assert not report.ok
    assert finding in str(report), report


def test_a_store_without_a_method_is_told_so():
    """An object that lacks a method is a finding, not an exception."""

    class Bare:
        def get(self, table, key):
            return None

    assert "insert(table, key, document)" in str(check_store(Bare))


def test_a_waiting_flow_waits_for_the_lock():
    """`transaction` begins at once when it can, else it waits at a step until the store is free."""
    store = MemoryStore()
    first, second = Request(key="1"), Request(key="2")
    one = transaction(store, first)
    assert next(one) == Step("begin a transaction")
    two = transaction(store, second)
    waiting = next(two)
    assert (waiting.name, waiting.when()) == ("wait for the lock", False)
    store.died(second)
    assert waiting.when() is False
    store.died(first)
    assert waiting.when() is True
    assert two.send(0.0) == Step("begin a transaction")
