"""Profiles on a real SQLite file: the same explorations as in memory, and the same losses under real threads."""

from contextlib import closing

import pytest

from sim.http import Request, json_body
from sim.interleave import explore
from sim.live.sqlite import SQLiteStore
from sim.live.threads import one_at_a_time, serve
from sim.policies.http.patch import MERGE_PATCH
from sim.services.profiles.designs import TABLE, CheckThenWrite, IfMatch, LastWriteWins
from sim.services.profiles.document import validators_of
from sim.store import MemoryStore

FIELDS = ("name", "email", "phone", "city")
OLD = {"name": "Ada", "email": "ada@example.org", "phone": "0", "city": "Turin"}
NEW = {"name": "Eve", "email": "eve@example.org", "phone": "1", "city": "Rome"}
TAG = str(validators_of(OLD).etag)


def puts(fields):
    """Everybody puts back the profile as it was read, with one field changed, guarded by its tag."""
    kind = {"Content-Type": "application/json", "If-Match": TAG}
    return [Request("PUT", "/profiles/7", field, kind, json_body({**OLD, field: NEW[field]})) for field in fields]


def patches(fields):
    """Everybody sends the one field, without a guard."""
    kind = {"Content-Type": MERGE_PATCH}
    return [Request("PATCH", "/profiles/7", field, kind, json_body({field: NEW[field]})) for field in fields]


def lost(profile, fields, replies):
    """The fields whose writers were told that it worked, and which are not there."""
    told = [field for field, reply in zip(fields, replies, strict=True) if reply is not None and reply.status < 300]
    return [field for field in told if profile[field] != NEW[field]]


def kept(ending):
    """The invariant for the explorer."""
    gone = lost(ending.service.store.get(TABLE, "7"), FIELDS[: len(ending.replies)], ending.replies)
    return f"lost update: {gone[0]}" if gone else None


@pytest.mark.slow
@pytest.mark.parametrize("crashes", [0, 1])
@pytest.mark.parametrize(
    ("design", "requests"),
    [(LastWriteWins, puts), (LastWriteWins, patches), (CheckThenWrite, puts), (IfMatch, puts)],
)
def test_memory_and_sqlite_agree_under_the_explorer(design, requests, crashes, tmp_path):
    """As many schedules over both stores, as many of them violating, and the same shortest violation."""
    with closing(SQLiteStore(tmp_path / "profiles.db", fsync=False)) as file:

        def over(store):
            store.put(TABLE, "7", OLD)
            return design(store)

        in_memory = explore(lambda: over(MemoryStore()), requests(FIELDS[:2]), kept, crashes=crashes)
        in_file = explore(lambda: over(file), requests(FIELDS[:2]), kept, crashes=crashes)
    assert str(in_memory) == str(in_file)
    assert in_memory.ok is (design is IfMatch)


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    """Either store, ready for real threads, with the profile that everybody has read."""
    if request.param == "memory":
        ready = one_at_a_time(MemoryStore())
        ready.put(TABLE, "7", OLD)
        yield ready
        return
    with closing(SQLiteStore(tmp_path / "profiles.db", fsync=False)) as ready:
        ready.put(TABLE, "7", OLD)
        yield ready


@pytest.mark.slow
@pytest.mark.parametrize(("design", "requests"), [(LastWriteWins, patches), (CheckThenWrite, puts)])
def test_real_threads_lose_updates(store, design, requests):
    """Four writers who meet after their read are all told 200, and three of their four changes are gone."""
    served = serve(design(store), requests(FIELDS), meet="read the profile")
    assert [reply.status for reply in served.replies] == [200] * 4
    assert len(lost(store.get(TABLE, "7"), FIELDS, served.replies)) == 3


@pytest.mark.slow
def test_real_threads_lose_nothing_behind_if_match(store):
    """The same four writers behind compare-and-set: one 200, three 412, and the one change is there."""
    served = serve(IfMatch(store), puts(FIELDS), meet="read the profile")
    assert sorted(reply.status for reply in served.replies) == [200, 412, 412, 412]
    assert lost(store.get(TABLE, "7"), FIELDS, served.replies) == []
    assert len(served.effects) == 1


@pytest.mark.slow
def test_real_threads_patch_side_by_side(store):
    """Four patches of four fields, applied to what is there at that instant, all survive, and all are told so."""
    served = serve(IfMatch(store, required=False), patches(FIELDS), meet="read the profile")
    assert [reply.status for reply in served.replies] == [200] * 4
    assert store.get(TABLE, "7") == NEW
