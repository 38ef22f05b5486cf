"""The store on a real Redis: the same answers as the store in memory, and the races of a shared counter."""

from random import Random

import pytest

from sim.http import Request
from sim.live.races import race
from sim.live.redis_store import missing, own_redis
from sim.services.shared_counter import (
    SharedCounter,
    compare_and_set,
    get_then_increment,
    get_then_set,
    increment_first,
)
from sim.store import MemoryStore

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

DOCUMENTS = (None, 0, 7, "a", {"b": 1, "a": [2, None]}, [1, 2])


@pytest.fixture(scope="module")
def redis():
    """A server of our own, and the store over it."""
    with own_redis() as store:
        yield store


def accesses(seed, count=300):
    """Random accesses to three keys of two tables: a name and its arguments."""
    rng = Random(seed)
    for _ in range(count):
        table, key, document = rng.choice("xy"), rng.choice("abc"), rng.choice(DOCUMENTS[1:])
        yield rng.choice(
            [
                ("get", table, key), ("insert", table, key, document), ("put", table, key, document),
                ("replace", table, key, rng.choice(DOCUMENTS), document), ("delete", table, key), ("rows", table),
                ("add", f"count {table}", key, rng.randint(-3, 10**12)), ("get", f"count {table}", key),
            ]
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_it_answers_as_the_store_in_memory(redis, seed):
    """Three hundred accesses, one after the other: every answer is the same, and so is what is left."""
    memory = MemoryStore()
    for name, table, *arguments in accesses(seed):
        expected = getattr(memory, name)(table, *arguments)
        table = f"{seed} {table}"
        assert getattr(redis, name)(table, *arguments) == expected, (name, table, arguments)


def test_it_has_no_transactions_and_says_so(redis):
    """A service that needs one is told in a sentence, before anything is half done."""
    assert redis.is_free()
    redis.died(object())
    with pytest.raises(TypeError, match="store must have transactions for this service"):
        redis.begin(object())


def twenty(number):
    """Twenty requests of one caller at once, another caller in every round."""
    return [Request("POST", "/orders", key=f"{number} {one}", peer=f"10.0.0.{number}") for one in range(20)]


def passed(spend, meet="get the count", rounds=3):
    """How many of twenty pass a limit of ten, round by round, by real threads over a real Redis."""
    found = race(
        lambda store: SharedCounter(store, spend, limit=10, period=3_600.0), twenty,
        rounds=rounds, meet=meet, store=own_redis,
    )  # fmt: skip
    return found.effects


@pytest.mark.parametrize("spend", [get_then_set, get_then_increment])
def test_who_reads_first_lets_all_through(spend):
    """All twenty have read before one has written: all pass, although the increment is atomic."""
    assert passed(spend) == (20, 20, 20)


@pytest.mark.parametrize("spend", [increment_first, compare_and_set])
def test_who_decides_by_what_was_written_lets_ten_through(spend):
    """Exactly the limit, in every round."""
    assert passed(spend) == (10, 10, 10)


def test_the_servers_end_with_their_block():
    """Its process is gone and its folder too; the next one begins empty."""
    with own_redis() as store:
        store.put("x", "a", 1)
        assert store.snapshot() == ((b"x:a", b"1"),)
    with own_redis() as store:
        assert store.snapshot() == ()
