"""A counter that gateways share: what every order and every crash of a few requests does to it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Reply
from sim.http import Request
from sim.interleave import explore
from sim.policies.limiter import by_header
from sim.services.shared_counter import (
    COUNTS,
    ENDINGS,
    SharedCounter,
    compare_and_set,
    get_then_increment,
    get_then_set,
    increment_first,
    increment_then_expire,
)
from sim.store import MemoryStore

EXACT = [increment_first, compare_and_set, increment_then_expire]
RACING = [get_then_set, get_then_increment]


def requests(count):
    return [Request("POST", "/orders", key=f"order {number}", peer="10.0.0.1") for number in range(count)]


def at_most(limit):
    """The rule: no more than *limit* of the requests have their effect."""

    def judge(ending):
        passed = len(ending.effects)
        return f"{passed} passed a limit of {limit}" if passed > limit else None

    return judge


def exactly(limit):
    """The rule: *limit* of the requests have their effect, and the rest is a 429."""

    def judge(ending):
        statuses = sorted(reply.status for reply in ending.replies)
        wanted = [200] * limit + [429] * (len(statuses) - limit)
        return None if len(ending.effects) == limit and statuses == wanted else f"answers {statuses}"

    return judge


def found(spend, count, limit, rule, **more):
    return explore(lambda: SharedCounter(MemoryStore(), spend, limit=limit), requests(count), rule, **more)


@pytest.mark.parametrize("spend", RACING)
def test_reading_before_writing_lets_too_many_through(spend):
    """Two requests, a limit of one: both read 0, both pass; the shortest such schedule is shown."""
    seen = found(spend, 2, 1, at_most(1))
    assert seen.complete
    assert 0 < seen.violating < seen.schedules
    assert seen.sentence == "2 passed a limit of 1"
    assert [moment.what for moment in seen.path[:2]] == ["get the count", "get the count"]
    assert "get the count" in seen.diagram()


@pytest.mark.slow
@pytest.mark.parametrize("spend", EXACT)
@pytest.mark.parametrize(("count", "limit"), [(2, 1), (3, 1), (3, 2)])
def test_deciding_by_what_was_written_is_exact(spend, count, limit):
    """In every order exactly the limit passes and the rest is refused."""
    seen = found(spend, count, limit, exactly(limit))
    assert seen.ok, str(seen)
    assert seen.schedules > 1


@pytest.mark.slow
@pytest.mark.parametrize("spend", EXACT)
def test_a_crash_never_lets_more_through(spend):
    """Whichever process dies after whichever step, no more than the limit pass."""
    seen = found(spend, 3, 1, at_most(1), crashes=1)
    assert seen.ok, str(seen)


@pytest.mark.parametrize(("spend", "left"), [(get_then_set, 1), (get_then_increment, 2)])
def test_a_lost_update_loses_a_request_from_the_count(spend, left):
    """Both over-admit, but only get-then-set forgets it: the count says 1 after two passed, and lets a third in."""

    def judge(ending):
        ((_, count),) = ending.service.store.rows(COUNTS)
        return f"two passed and the count is {count}" if len(ending.effects) == 2 and count == left else None

    assert found(spend, 2, 1, judge).violating


def test_a_crash_before_the_expiry_locks_the_caller_out():
    """A.7, Q-19.8: incremented and then dead: the counter never ends, and no later request ever resets it."""

    def judge(ending):
        store = ending.service.store
        counted = {name for name, _ in store.rows(COUNTS)} - {name for name, _ in store.rows(ENDINGS)}
        return f"the counter of {counted.pop()} never ends" if counted else None

    assert found(increment_then_expire, 2, 1, judge).ok
    seen = found(increment_then_expire, 2, 1, judge, crashes=1)
    assert seen.violating
    assert seen.sentence == "the counter of 10.0.0.1 never ends"
    assert [moment.kind for moment in seen.path if moment.kind == "dies"] == ["dies"]


def serve(service, now, key="x", peer="10.0.0.1"):
    """The status that the service answers when nobody comes between."""
    request = Request(key=key, peer=peer)
    commands = list(service(request, now))
    return next(command.response for command in commands if hasattr(command, "response"))


@pytest.mark.parametrize("spend", [*RACING, *EXACT])
def test_alone_every_way_is_right(spend):
    """One after the other: the limit passes in each window, for each caller; a refusal says when the next begins."""
    service = SharedCounter(MemoryStore(), spend, limit=2, period=60.0)
    assert [serve(service, 0.0).status for _ in range(3)] == [200, 200, 429]
    assert serve(service, 45.0).header("Retry-After") == "15"
    assert serve(service, 45.0, peer="10.0.0.2").status == 200
    assert [serve(service, 60.0).status for _ in range(3)] == [200, 200, 429]


@settings(max_examples=60)
@given(
    st.sampled_from([*RACING, *EXACT]),
    st.lists(st.tuples(st.text(max_size=100), st.floats(0.0, 1e9), st.binary(max_size=50)), min_size=1, max_size=9),
)
def test_no_request_breaks_it(spend, script):
    """Whatever is in the header that names the caller, the answer is 200, or 429 with a problem document."""
    service = SharedCounter(MemoryStore(), spend, limit=2, key=by_header("X-Api-Key"))
    for name, now, body in sorted(script, key=lambda row: row[1]):
        request = Request(key="x", headers={"X-Api-Key": name}, body=body)
        (answer,) = (command.response for command in service(request, now) if isinstance(command, Reply))
        assert answer.status == 200 or (answer.status, answer.json()["status"]) == (429, 429)


def test_a_locked_out_caller_stays_out():
    """The counter that a crash left behind refuses for ever, where one with its window in the key does not."""
    for spend, later in ((increment_then_expire, 429), (increment_first, 200)):
        service = SharedCounter(MemoryStore(), spend, limit=1, period=60.0)
        request = Request(peer="10.0.0.1")
        next(service(request, 0.0))  # the process dies after its first step
        service.died(request)
        assert serve(service, 86_400.0).status == later
