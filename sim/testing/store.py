"""What a service may expect of a store; `MemoryStore` and `SQLiteStore` are held to it alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.store import StoreBusyError
from sim.testing.asking import ask
from sim.testing.report import FindingError, Report
from sim.testing.suite import Make, run_suite
from sim.testing.wording import call, shown

_METHODS = {
    "get": ("table", "key"),
    "insert": ("table", "key", "document"),
    "put": ("table", "key", "document"),
    "replace": ("table", "key", "expected", "document"),
    "delete": ("table", "key"),
    "add": ("table", "key", "amount"),
    "rows": ("table",),
    "begin": ("owner",),
    "is_free": (),
    "died": ("owner",),
    "snapshot": (),
}


def check_store(make: Callable[[], Any]) -> Report:
    """Check a store: documents by value, unique inserts, compare-and-set, counters, one transaction at a time.

    *make*: gives a new empty store each time it is called.

    >>> from sim.store import MemoryStore
    >>> check_store(MemoryStore)
    contract: ok
    """
    rules = (
        _documents_are_values, _insert_is_unique, _put_and_delete, _replace_compares, _add_counts, _rows_are_ordered,
        _nonsense_changes_nothing, _transaction_is_private, _commit_is_all, _rollback_is_nothing,
        _one_transaction_at_a_time, _ended_is_ended, _death_is_a_rollback, _snapshot_tells,
    )  # fmt: skip
    return run_suite(lambda: make(), _METHODS, rules)


def _expect(store: Any, expected: Any, method: str, *arguments: Any, why: str) -> None:
    answer = ask(store, method, *arguments)
    # True and 1 are equal in Python, and not in JSON.
    if answer != expected or type(answer) is not type(expected):
        raise FindingError(f"{call(method, *arguments)} returned {shown(answer)}, not {shown(expected)}: {why}")


def _refused(error: type[Exception], store: Any, method: str, *arguments: Any, why: str) -> None:
    try:
        answer = getattr(store, method)(*arguments)
    except error:
        return
    except Exception as other:
        raise FindingError(f"{call(method, *arguments)} raised {type(other).__name__}: {why}") from None
    raise FindingError(f"{call(method, *arguments)} returned {shown(answer)}: {why}")


def _begun(store: Any, owner: object) -> Any:
    transaction = ask(store, "begin", owner)
    if transaction is None:
        raise FindingError("begin(owner) returned None although no transaction is open")
    return transaction


def _documents_are_values(make: Make) -> None:
    documents: tuple[Any, ...] = ({"a": [1, 2.5, "é", None, True]}, [], "text", 7, 2**70, False, {})
    for document in documents:
        store = make()
        ask(store, "put", "t", "k", document)
        _expect(store, document, "get", "t", "k", why="a document comes back as it was written")
    _expect(make(), None, "get", "t", "k", why="there is no such document")
    store, mine = make(), {"list": [1]}
    ask(store, "put", "t", "k", mine)
    mine["list"].append(2)
    _expect(store, {"list": [1]}, "get", "t", "k", why="changing what was handed in must not change the store")
    ask(store, "get", "t", "k")["list"].append(3)
    _expect(store, {"list": [1]}, "get", "t", "k", why="changing what was handed out must not change the store")


def _insert_is_unique(make: Make) -> None:
    store = make()
    _expect(store, True, "insert", "t", "k", 1, why="the key is new")
    _expect(store, False, "insert", "t", "k", 2, why="the key exists")
    _expect(store, 1, "get", "t", "k", why="a refused insert changes nothing")
    _expect(store, True, "insert", "other", "k", 3, why="the same key in another table is another key")


def _put_and_delete(make: Make) -> None:
    store = make()
    ask(store, "put", "t", "k", 1)
    ask(store, "put", "t", "k", 2)
    _expect(store, 2, "get", "t", "k", why="the last write wins")
    _expect(store, True, "delete", "t", "k", why="there was a document")
    _expect(store, False, "delete", "t", "k", why="there was none any more")
    _expect(store, None, "get", "t", "k", why="it was deleted")


def _replace_compares(make: Make) -> None:
    store = make()
    _expect(store, False, "replace", "t", "k", {"v": 1}, {"v": 2}, why="there is no document to compare with")
    _expect(store, None, "get", "t", "k", why="a refused replace changes nothing")
    _expect(store, True, "replace", "t", "k", None, {"v": 1, "w": 1}, why="None expects that there is none")
    _expect(store, False, "replace", "t", "k", None, {"v": 9}, why="there is one now")
    _expect(store, False, "replace", "t", "k", {"v": 0, "w": 1}, {"v": 9}, why="the present document is another")
    _expect(store, True, "replace", "t", "k", {"w": 1, "v": 1}, {"v": 2}, why="the order of members does not count")
    _expect(store, {"v": 2}, "get", "t", "k", why="it was replaced")


def _add_counts(make: Make) -> None:
    store = make()
    _expect(store, 1, "add", "t", "k", 1, why="a counter begins at 0")
    _expect(store, 6, "add", "t", "k", 5, why="1 and 5 are 6")
    _expect(store, -4, "add", "t", "k", -10, why="a counter may go below 0")
    _expect(store, -4, "get", "t", "k", why="a counter is a document")
    _expect(store, 2**64 - 4, "add", "t", "k", 2**64, why="a whole number has no largest one")


def _rows_are_ordered(make: Make) -> None:
    store = make()
    for key in ("b", "a", "é", "Z", "10", "9", ""):
        ask(store, "put", "t", key, key)
    ask(store, "put", "another", "c", "c")
    expected = [(key, key) for key in ("", "10", "9", "Z", "a", "b", "é")]
    _expect(store, expected, "rows", "t", why="rows come in the order of their keys, and of one table only")
    _expect(store, [], "rows", "nothing", why="a table that nobody wrote to is empty")


def _nonsense_changes_nothing(make: Make) -> None:
    store = make()
    ask(store, "put", "t", "k", 1)
    ask(store, "put", "t", "word", "seven")
    before = ask(store, "snapshot")
    for method, arguments in (
        ("put", ("t", "k", float("nan"))),
        ("insert", ("t", "new", float("inf"))),
        ("replace", ("t", "k", 1, {"x": float("nan")})),
    ):
        _refused(ValueError, store, method, *arguments, why="JSON has no such number, so it must be a ValueError")
    _refused(ValueError, store, "add", "t", "word", 1, why="only whole numbers count, so it must be a ValueError")
    if ask(store, "snapshot") != before:
        raise FindingError("a write that was refused with ValueError changed the store")
    _expect(store, True, "is_free", why="a write that was refused must not leave a transaction open")


def _transaction_is_private(make: Make) -> None:
    store, owner = make(), object()
    ask(store, "put", "t", "k", 1)
    inside = _begun(store, owner)
    ask(inside, "put", "t", "k", 2)
    _expect(inside, True, "insert", "t", "new", 1, why="the key is new")
    _expect(inside, 11, "add", "t", "count", 11, why="a counter begins at 0")
    _expect(inside, 2, "get", "t", "k", why="a transaction sees its own writes")
    _expect(inside, [("count", 11), ("k", 2), ("new", 1)], "rows", "t", why="a transaction sees its own writes")
    _expect(store, 1, "get", "t", "k", why="nobody else sees them before the commit, and nobody waits to read")
    _expect(store, [("k", 1)], "rows", "t", why="nobody else sees them before the commit")


def _commit_is_all(make: Make) -> None:
    store = make()
    ask(store, "put", "t", "gone", 1)
    inside = _begun(store, object())
    ask(inside, "put", "t", "a", 1)
    ask(inside, "put", "u", "b", 2)
    _expect(inside, True, "delete", "t", "gone", why="there was a document")
    ask(inside, "commit")
    _expect(store, [("a", 1)], "rows", "t", why="a commit makes every write visible")
    _expect(store, [("b", 2)], "rows", "u", why="a commit makes every write visible")
    _expect(store, True, "is_free", why="a commit gives the lock back")


def _rollback_is_nothing(make: Make) -> None:
    store = make()
    ask(store, "put", "t", "k", 1)
    before = ask(store, "snapshot")
    inside = _begun(store, object())
    ask(inside, "put", "t", "k", 2)
    ask(inside, "add", "t", "n", 1)
    ask(inside, "rollback")
    if ask(store, "snapshot") != before:
        raise FindingError("after a rollback the snapshot is not the one from before the transaction")
    _expect(store, True, "is_free", why="a rollback gives the lock back")


def _one_transaction_at_a_time(make: Make) -> None:
    store, owner = make(), object()
    _expect(store, True, "is_free", why="no transaction is open in a new store")
    inside = _begun(store, owner)
    _expect(store, False, "is_free", why="a transaction is open")
    for other in (object(), owner):
        _expect(store, None, "begin", other, why="one transaction is open, so nobody may begin another")
    for method, arguments in (
        ("put", ("t", "k", 1)),
        ("insert", ("t", "k", 1)),
        ("replace", ("t", "k", None, 1)),
        ("delete", ("t", "k")),
        ("add", ("t", "k", 1)),
    ):
        _refused(
            StoreBusyError, store, method, *arguments,
            why="a write outside of the open transaction must be a StoreBusyError",
        )  # fmt: skip
    ask(inside, "commit")
    ask(_begun(store, owner), "commit")


def _ended_is_ended(make: Make) -> None:
    for ending in ("commit", "rollback"):
        store = make()
        inside = _begun(store, object())
        ask(inside, ending)
        for method, arguments in (("put", ("t", "k", 1)), ("add", ("t", "k", 1)), ("commit", ()), ("rollback", ())):
            _refused(
                StoreBusyError, inside, method, *arguments,
                why=f"after its {ending} a transaction has ended, so this must be a StoreBusyError",
            )  # fmt: skip
        _expect(store, [], "rows", "t", why="nothing was written")


def _death_is_a_rollback(make: Make) -> None:
    store, owner = make(), _Alike()
    inside = _begun(store, owner)
    ask(inside, "put", "t", "k", 1)
    ask(store, "died", _Alike())
    _expect(store, False, "is_free", why="another died, one that is equal to the owner but is not the owner")
    ask(store, "died", owner)
    _expect(store, True, "is_free", why="the owner of the transaction died")
    _expect(store, None, "get", "t", "k", why="what a dead process had not committed is rolled back")
    ask(store, "died", owner)
    _refused(StoreBusyError, inside, "commit", why="its process died, so the transaction has ended")
    inside = _begun(store, owner)
    ask(inside, "put", "t", "k", 2)
    ask(inside, "commit")
    ask(store, "died", owner)
    _expect(store, 2, "get", "t", "k", why="what was committed before the death stays")


def _snapshot_tells(make: Make) -> None:
    one, two = make(), make()
    for key in ("a", "b"):
        ask(one, "put", "t", key, {"x": 1, "y": 2})
    for key in ("b", "a"):
        ask(two, "put", "t", key, {"y": 2, "x": 1})
    seen = [ask(one, "snapshot"), ask(two, "snapshot")]
    if seen[0] != seen[1]:
        raise FindingError("two stores with the same documents have different snapshots")
    try:
        hash(seen[0])
    except TypeError:
        raise FindingError("its snapshot cannot be hashed") from None
    ask(one, "get", "t", "a"), ask(one, "rows", "t"), ask(one, "is_free")
    if ask(one, "snapshot") != seen[0]:
        raise FindingError("reading changed the snapshot")
    inside = _begun(one, object())
    opened = ask(one, "snapshot")
    ask(inside, "put", "t", "a", 1)
    for before, what in ((seen[0], "beginning a transaction"), (opened, "a write inside a transaction")):
        if ask(one, "snapshot") == before:
            raise FindingError(f"{what} did not change the snapshot")


class _Alike:
    """Equal to every other of its kind, so that only identity tells two apart."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Alike)

    __hash__ = object.__hash__
