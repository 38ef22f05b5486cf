"""The store on a real SQLite file: its contract, agreement with the memory store, locks, and hostile text."""

import multiprocessing
import sqlite3
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.live.sqlite import SQLiteStore
from sim.store import MemoryStore, StoreBusyError
from sim.testing.store import check_store

ONE, TWO = object(), object()


@pytest.fixture
def stores(tmp_path):
    """A function that makes empty stores; all are closed at the end."""
    made = []

    def make(**settings_):
        made.append(SQLiteStore(tmp_path / f"{len(made)}.db", **({"fsync": False} | settings_)))
        return made[-1]

    yield make
    for store in made:
        store.close()


def test_the_sqlite_store_keeps_the_contract(stores):
    """The SQLite store passes the suite that the in-memory store passes."""
    report = check_store(lambda: stores())
    assert report.ok, report


def test_documents_outlive_the_store(tmp_path):
    """What was committed is there when the file is opened again; what was not, is not."""
    first = SQLiteStore(tmp_path / "kept.db")
    first.put("t", "k", {"paid": True})
    inside = first.begin(ONE)
    inside.put("t", "k", {"paid": False})
    first.close()
    again = SQLiteStore(tmp_path / "kept.db")
    assert again.get("t", "k") == {"paid": True}
    assert again.is_free()
    again.close()


def test_a_store_in_memory_is_refused():
    """ ":memory:" would be another database for each connection, so it is refused."""
    for path in (":memory:", ""):
        with pytest.raises(ValueError, match="path must name a file"):
            SQLiteStore(path)


def test_two_stores_on_one_file_respect_each_others_lock(tmp_path):
    """A transaction of another process is seen: begin gives None, the store is not free, a write is busy."""
    one, two = (SQLiteStore(tmp_path / "shared.db", patience=0.01, fsync=False) for _ in range(2))
    inside = one.begin(ONE)
    inside.put("t", "k", 1)
    assert two.begin(TWO) is None
    assert not two.is_free()
    with pytest.raises(StoreBusyError, match=r"another process has been writing for 0\.01 s"):
        two.put("t", "k", 2)
    assert two.get("t", "k") is None, "a reader neither waits nor sees what is not committed"
    inside.commit()
    assert two.is_free()
    assert two.get("t", "k") == 1
    two.put("t", "k", 2)
    assert one.get("t", "k") == 2
    one.close(), two.close()


def test_a_patient_write_waits_for_the_other_process(tmp_path):
    """A write outside of a transaction waits for another store's lock as long as its patience lasts."""
    one, two = (SQLiteStore(tmp_path / "shared.db", patience=10.0, fsync=False) for _ in range(2))
    inside = one.begin(ONE)
    inside.add("t", "n", 1)
    writer = threading.Thread(target=lambda: two.add("t", "n", 1))
    writer.start()
    inside.commit()
    writer.join()
    assert one.get("t", "n") == 2
    one.close(), two.close()


def test_another_error_than_busy_is_not_swallowed(tmp_path):
    """Only a lock held by somebody else is "busy"; a file that cannot be written is an error of its own."""
    broken = SQLiteStore(tmp_path / "x.db", fsync=False)
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("DROP TABLE documents")
    connection.close()
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        broken.put("t", "k", 1)
    broken.close()


HOSTILE = ["'; DROP TABLE documents; --", '" OR 1=1 --', "a\x00b", "%", "é" * 3, "🙂", " ", "1); DELETE FROM t; --"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(stores, text):
    """A table, key or document that looks like SQL is stored as it stands and changes nothing else."""
    store = stores()
    store.put("t", "safe", 1)
    assert store.insert(text, text, text)
    assert store.get(text, text) == text
    assert store.rows(text) == [(text, text)]
    assert store.replace(text, text, text, {text: text})
    assert store.delete(text, text)
    assert store.rows("t") == [("safe", 1)]


def test_threads_lose_no_increment(stores):
    """Eight threads that count in one store come to the whole sum: `add` is atomic."""
    store = stores()
    threads = [threading.Thread(target=lambda: [store.add("t", "n") for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get("t", "n") == 400


def test_one_of_many_threads_wins_an_insert(stores):
    """Of ten threads that insert the same key exactly one is told that it did, fifteen times over."""
    store = stores()
    for number in range(15):
        won, gate = [], threading.Barrier(10)

        def race(number=number, won=won, gate=gate):
            gate.wait()
            won.append(store.insert("t", str(number), threading.get_ident()))

        threads = [threading.Thread(target=race) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(won) == [False] * 9 + [True]


def count_in(path):
    store = SQLiteStore(path, fsync=False)
    for _ in range(50):
        store.add("t", "n")
    store.close()


@pytest.mark.slow
def test_processes_open_and_count_together(tmp_path):
    """Processes that open a new file at the same time all find it usable, and lose no increment."""
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=count_in, args=(tmp_path / "n.db",)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 3
    store = SQLiteStore(tmp_path / "n.db")
    assert store.get("t", "n") == 150
    store.close()


TABLES, KEYS = st.sampled_from(["t", "u"]), st.sampled_from(["a", "b", "é\x00'"])
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
WRITES = st.one_of(
    st.tuples(st.just("get"), TABLES, KEYS),
    st.tuples(st.just("rows"), TABLES),
    st.tuples(st.just("insert"), TABLES, KEYS, DOCUMENTS),
    st.tuples(st.just("put"), TABLES, KEYS, DOCUMENTS | st.just(float("nan"))),
    st.tuples(st.just("replace"), TABLES, KEYS, DOCUMENTS, DOCUMENTS),
    st.tuples(st.just("replace present"), TABLES, KEYS, DOCUMENTS),
    st.tuples(st.just("delete"), TABLES, KEYS),
    st.tuples(st.just("add"), TABLES, KEYS, st.integers(-(2**70), 2**70)),
)
OPERATIONS = st.one_of(
    st.tuples(st.booleans(), WRITES),
    st.tuples(st.none(), st.sampled_from(["begin 0", "begin 1", "commit", "rollback", "died 0", "died 1"])),
)


class Driven:
    """A store with its open transaction, so that two can be driven through the same life."""

    def __init__(self, store):
        self.store, self.owners, self.inside = store, (object(), object()), None

    def do(self, where, operation):
        """The result, or that it was refused: which of two mistakes is named first is not part of the contract."""
        try:
            return self.told(operation) if where is None else self.asked(where, *operation)
        except (StoreBusyError, ValueError):
            return "refused"

    def told(self, what):
        verb, _, number = what.partition(" ")
        if verb == "begin":
            begun = self.store.begin(self.owners[int(number)])
            self.inside = begun or self.inside
            return begun is not None
        if verb == "died":
            return self.store.died(self.owners[int(number)])
        return "nothing to end" if self.inside is None else getattr(self.inside, verb)()

    def asked(self, inside, method, *arguments):
        reading = method in ("get", "rows")
        # What an ended transaction answers to a reader is not part of the contract.
        tables = self.store if not inside or self.inside is None or (reading and self.store.is_free()) else self.inside
        if method == "replace present":
            table, key, document = arguments
            if tables is self.inside and self.store.is_free():
                return "ended"
            return tables.replace(table, key, tables.get(table, key), document)
        return getattr(tables, method)(*arguments)


@pytest.mark.slow
@settings(max_examples=100)
@given(st.lists(OPERATIONS, max_size=25))
def test_the_two_stores_cannot_be_told_apart(tmp_path_factory, operations):
    """Driven by the same random life, memory and SQLite give equal answers, refuse alike and have equal snapshots."""
    path = tmp_path_factory.getbasetemp() / "side by side.db"
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    sqlite, memory = Driven(SQLiteStore(path, fsync=False)), Driven(MemoryStore())
    try:
        for where, operation in operations:
            answers = repr(sqlite.do(where, operation)), repr(memory.do(where, operation))
            assert answers[0] == answers[1], operation
            assert sqlite.store.snapshot() == memory.store.snapshot(), operation
            assert sqlite.store.is_free() == memory.store.is_free()
    finally:
        sqlite.store.close()
