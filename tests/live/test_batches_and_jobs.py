"""Batches and jobs over a real SQLite file, under the explorer and under real threads."""

from contextlib import closing

import pytest

from sim.http import Request, json_body
from sim.interleave import explore
from sim.live.sqlite import SQLiteStore
from sim.live.threads import one_at_a_time, serve
from sim.services.reports import Reports
from sim.services.users_batch import CheckThenInsert, UsersBatch
from sim.store import MemoryStore

STORES = {"memory": lambda path: one_at_a_time(MemoryStore()), "sqlite": lambda path: SQLiteStore(path, fsync=False)}


def batch(emails, caller, mode="partial"):
    """A batch of users."""
    items = [{"clientId": email, "email": email, "name": "Ada"} for email in emails]
    return Request(
        "POST", "/users/batch", headers={"Authorization": caller}, body=json_body({"mode": mode, "items": items})
    )


def email(number):
    """An address."""
    return f"user{number}@example.com"


def twice(ending):
    """The invariant: nobody is created twice."""
    return "created twice" if len(ending.effects) != len(set(ending.effects)) else None


@pytest.fixture
def store(request, tmp_path):
    """A store that real threads may use."""
    made = STORES[request.param](tmp_path / "users.db")
    yield made
    if request.param == "sqlite":
        made.close()


@pytest.mark.slow
@pytest.mark.parametrize("store", STORES, indirect=True)
def test_the_naive_batch_creates_everybody_twice_in_real_threads(store):
    """Two threads that have both looked for the email: two users with one email, in each of 20 rounds."""
    service = CheckThenInsert(store)
    for number in range(20):
        served = serve(service, [batch([email(number)], caller) for caller in "ab"], meet="look for the email")
        assert served.effects == (email(number),) * 2


@pytest.mark.slow
@pytest.mark.parametrize("store", STORES, indirect=True)
@pytest.mark.parametrize("mode", ["partial", "atomic"])
def test_overlapping_batches_create_everybody_once_in_real_threads(store, mode):
    """Three batches at once that overlap by half, twenty rounds: every user once, and every answer is true."""
    service, created = UsersBatch(store), []
    for number in range(20):
        groups = [[email(4 * number + offset + place) for place in range(2)] for offset in range(3)]
        served = serve(service, [batch(group, str(caller), mode) for caller, group in enumerate(groups)])
        created += served.effects
        assert {reply.status for reply in served.replies} <= ({207} if mode == "partial" else {201, 409})
    assert len(created) == len(set(created))
    assert sorted(created) == [key for key, _ in store.rows("users")]


@pytest.mark.slow
@pytest.mark.parametrize("store", STORES, indirect=True)
def test_one_key_is_one_job_in_real_threads(store):
    """Three POSTs at once with one Idempotency-Key, thirty rounds: one job each, and all three are told the same."""
    service = Reports(store)
    for number in range(30):
        headers = {"Idempotency-Key": str(number), "Prefer": "respond-async"}
        post = Request("POST", "/reports", headers=headers, body=b'{"title": "Sales"}')
        served = serve(service, [post] * 3)
        assert len(served.effects) == 1
        assert len({reply.header("Location") for reply in served.replies}) == 1


class Reopened:
    """Makes empty stores on one file: the explorer has only one world alive at a time."""

    def __init__(self, path):
        self.path, self.store = path, None

    def __call__(self):
        self.close()
        self.store = SQLiteStore(self.path, fsync=False)
        for table in ("users", "batch items"):
            for key, _ in self.store.rows(table):
                self.store.delete(table, key)
        return self.store

    def close(self):
        """Close what is open."""
        if self.store is not None:
            self.store.close()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["partial", "atomic"])
def test_memory_and_sqlite_agree_under_the_explorer(mode, tmp_path):
    """Two batches with one email, explored over both stores: the same schedules, and nothing wrong in any."""
    requests = [batch([email(1)], "a", mode), batch([email(1)], "b", mode)]
    with closing(Reopened(tmp_path / "explored.db")) as reopened:
        memory, sqlite = (
            explore(lambda make=make: UsersBatch(make()), requests, twice) for make in (MemoryStore, reopened)
        )
    assert memory.ok
    assert (sqlite.schedules, sqlite.states, sqlite.ok) == (memory.schedules, memory.states, True)
