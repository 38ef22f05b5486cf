"""Limiters in front of requests: keys, costs and several levels."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request
from sim.policies import fresh
from sim.policies.limiter import (
    GCRA,
    ByKey,
    ConstantRetryAfter,
    Decision,
    FixedWindow,
    LeakyBucketQueue,
    Level,
    Levels,
    SequentialLevels,
    SlidingLog,
    SpreadRetryAfter,
    TokenBucket,
    by_endpoint,
    by_header,
    by_peer,
    everyone,
)


def request(peer="10.0.0.1", key=None, path="/orders", size=0):
    headers = {} if key is None else {"X-Api-Key": key}
    return Request("GET", path, headers=headers, body=b"x" * size, peer=peer)


@pytest.mark.parametrize(
    ("key_of", "asked", "key"),
    [
        (everyone, request(), ""),
        (by_peer, request("10.0.0.9"), "10.0.0.9"),
        (by_endpoint, request(path="/orders?page=2"), "GET /orders"),
        (by_header("X-Api-Key"), request(key="k1"), "X-Api-Key: k1"),
        (by_header("x-api-key"), request(key=""), "x-api-key: "),
        (by_header("X-Api-Key"), request("10.0.0.9"), "peer 10.0.0.9"),
    ],
)
def test_whose_request_it_is(key_of, asked, key):
    """A key is the address, a header, the endpoint, or one for all; without the header it is the address."""
    assert key_of(asked) == key


@pytest.mark.parametrize("key_of", [by_header("X-Api-Key"), by_endpoint], ids=["header", "endpoint"])
def test_a_key_that_the_caller_chooses_stays_short(key_of):
    """A header or a path of a megabyte is kept as its hash, and two different ones stay different."""
    one, two = (key_of(request(key="k" * 10**6 + end, path="/" + "p" * 10**6 + end)) for end in "ab")
    assert len(one) == len(two) == len("sha256 ") + 64
    assert one != two
    assert key_of(request(key="\ud800", path="/\ud800")).startswith("sha256 ")


def test_a_plain_limiter_sits_in_a_gateway():
    """`ByKey` asks for the request's key and its cost; peeking spends nothing."""
    gate = ByKey(FixedWindow(10, period=60.0), key=by_peer, cost=lambda asked: 1 + len(asked.body))
    assert gate.peek(request(size=9), 0.0).remaining == 0
    assert gate.decide(request(size=8), 0.0).remaining == 1
    assert not gate.decide(request(size=1), 0.0).allowed
    assert gate.decide(request("10.0.0.2"), 0.0).remaining == 9


def levels(kind):
    """Three a minute for an address, two for a key, twenty for all."""
    return kind(
        [
            Level("address", FixedWindow(3, period=60.0), by_peer),
            Level("key", FixedWindow(2, period=60.0), by_header("X-Api-Key")),
            Level("all", FixedWindow(20, period=60.0), everyone),
        ]
    )


@pytest.mark.parametrize("kind", [Levels, SequentialLevels])
def test_what_gets_through_is_the_least_of_all_levels(kind):
    """Two per key, three per address, whatever the other level says; the decision names the level."""
    gate = levels(kind)
    told = [gate.decide(request("10.0.0.1", key), 0.0) for key in ("k1", "k1", "k1", "k2", "k2", "k3")]
    if kind is Levels:
        assert [(d.allowed, d.level) for d in told] == [
            (True, "key"),  # one left of two
            (True, "key"),
            (False, "key"),
            (True, "address"),
            (False, "address"),
            (False, "address"),
        ]
    else:
        assert [(d.allowed, d.level) for d in told][:3] == [(True, "key"), (True, "key"), (False, "key")]


def test_a_refusal_at_one_level_spends_at_none():
    """A.7, Q-19.9: after ten refusals for its key, the address still has what it had; the other keys use it."""
    gate = levels(Levels)
    for _ in range(12):
        gate.decide(request(key="k1"), 0.0)
    address, _, everybody = (level.peek(request(key="k2"), 0.0) for level in gate.levels)
    assert (address.remaining, everybody.remaining) == (0, 17)  # one of each is what the peek itself would take
    assert gate.decide(request(key="k2"), 0.0).allowed


def test_one_after_the_other_a_refusal_has_spent_at_the_first_level():
    """The same traffic through a chain: refusals for one key use up the address, and the other key is locked out."""
    gate = levels(SequentialLevels)
    told = [gate.decide(request(key="k1"), 0.0) for _ in range(12)]
    assert [d.allowed for d in told] == [True, True] + [False] * 10
    assert [d.level for d in told[2:]] == ["key"] + ["address"] * 9
    refused = gate.decide(request(key="k2"), 0.0)
    assert (refused.allowed, refused.level) == (False, "address")
    assert gate.levels[2].peek(request(), 0.0).remaining == 17  # nothing came as far as the last level


@pytest.mark.parametrize("kind", [Levels, SequentialLevels])
def test_peeking_at_levels_tells_and_spends_nothing(kind):
    """What peek says is what decide says next, and a hundred peeks change nothing."""
    gate, quiet = levels(kind), levels(kind)
    for key in ("k1", "k1", "k1", "k2", "k3", "k1"):
        for _ in range(100):
            seen = gate.peek(request(key=key), 0.0)
        assert seen == gate.decide(request(key=key), 0.0) == quiet.decide(request(key=key), 0.0)


def test_the_longest_wait_goes_first():
    """Refused at two levels, the caller is told the longer wait; what never passes is longest of all."""
    gate = Levels(
        [Level("burst", GCRA(1, period=1.0), everyone), Level("day", FixedWindow(1, period=86_400.0), everyone)]
    )
    assert gate.decide(request(), 0.0).allowed
    told = gate.decide(request(), 0.5)
    assert (told.allowed, told.level, told.retry_after) == (False, "day", 86_399.5)
    never = Levels([gate.levels[1], Level("size", FixedWindow(1), everyone, lambda asked: 2)])
    told = never.decide(request(), 0.5)
    assert (told.level, told.retry_after) == ("size", None)


def test_the_delay_of_a_queue_among_levels_is_kept():
    """A request that passes all levels waits as long as the slowest queue says."""
    gate = Levels(
        [
            Level("smooth", LeakyBucketQueue(10, period=1.0, queue=5), everyone),
            Level("quota", FixedWindow(3, period=60.0), everyone),
        ]
    )
    assert [gate.decide(request(), 0.0).delay for _ in range(3)] == pytest.approx([0.0, 0.1, 0.2])
    refused = gate.decide(request(), 0.0)
    assert (refused.allowed, refused.delay, refused.level) == (False, 0.0, "quota")


@pytest.mark.slow
@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.1, 0.37, 1.0, 5.0]), st.sampled_from("ab"), st.sampled_from(["k1", "k2"])),
        max_size=60,
    )
)
def test_levels_retry_after_is_exact_and_no_level_is_ever_overspent(script):
    """A refused request passes at now + retry_after, and each level admits exactly what all of them admitted."""
    gate = Levels(
        [
            Level("address", TokenBucket(3, period=1.0, burst=4), by_peer),
            Level("key", SlidingLog(3, period=2.0), by_header("X-Api-Key")),
        ]
    )
    alone = [fresh(level) for level in gate.levels]
    now = 1_700_000_000.1
    for gap, peer, key in script:
        now += gap
        asked = request(peer, key)
        decision = gate.decide(asked, now)
        if decision.allowed:
            assert [level.decide(asked, now).allowed for level in alone] == [True, True]
        else:
            assert not all(level.peek(asked, now).allowed for level in alone)
            assert gate.peek(asked, now + decision.retry_after).allowed


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Levels([]), "levels must be at least one level, got none"),
        (
            lambda: Levels([Level("a", FixedWindow(), everyone), Level("a", FixedWindow(), by_peer)]),
            "levels must have names of their own, got a, a",
        ),
        (
            lambda: Levels([Level(name, SHARED, everyone) for name in "ab"]),
            "levels must have limiters of their own, got one limiter twice",
        ),
        (lambda: Levels([Level("größe", FixedWindow(), everyone)]), "name must be printable ASCII, got 'größe'"),
    ],
)
def test_wrong_levels_are_named(make, sentence):
    """No level, two of one name, or one limiter in two places: a sentence."""
    with pytest.raises(ValueError, match=sentence):
        make()


SHARED = FixedWindow()


@pytest.mark.parametrize("make", [ByKey, lambda value: Level("a", value, everyone)])
@pytest.mark.parametrize("value", [None, FixedWindow, lambda request: True])
def test_what_is_no_limiter_is_refused(make, value):
    """A class, a function or None in the limiter's place shows at once."""
    with pytest.raises(TypeError, match="must be an object with a method decide"):
        make(value)


def test_fresh_levels_start_again():
    """Every run gets levels of its own, with nothing spent."""
    gate = levels(Levels)
    gate.decide(request(), 0.0)
    limiters = [level.limiter for level in levels(Levels).levels]
    assert [level.limiter for level in fresh(gate).levels] == limiters
    assert [level.limiter for level in gate.levels] != limiters


def test_a_constant_retry_after_says_the_same_to_all():
    """Whatever the limiter knows; what passes and what never passes is left as it is."""
    gate = ConstantRetryAfter(ByKey(FixedWindow(1, period=60.0)), seconds=30.0)
    assert gate.decide(request(), 59.0) == Decision(True, 1, 0, 1.0)
    assert gate.decide(request(), 59.0).retry_after == 30.0
    never = ConstantRetryAfter(ByKey(FixedWindow(1), cost=lambda asked: 2))
    assert never.decide(request(), 0.0).retry_after is None


def test_a_spread_retry_after_fills_its_stretch_evenly():
    """Of 1,000 refusals, each tenth of the stretch gets 99 to 101, and none is told to come before it may."""
    gate = SpreadRetryAfter(ByKey(FixedWindow(1, period=60.0)), over=10.0)
    assert gate.decide(request(), 0.0).allowed
    waits = [gate.decide(request(), 0.0).retry_after for _ in range(1_000)]
    assert 60.0 <= min(waits) < max(waits) < 70.0
    assert all(99 <= sum(60.0 + tenth <= wait < 61.0 + tenth for wait in waits) <= 101 for tenth in range(10))
    assert fresh(gate) == SpreadRetryAfter(ByKey(FixedWindow(1, period=60.0)), over=10.0)


def test_wrappers_check_their_settings():
    """A stretch or a constant of 0 s is named."""
    with pytest.raises(ValueError, match="over must be more than 0, got 0"):
        SpreadRetryAfter(ByKey(FixedWindow()), over=0.0)
    with pytest.raises(ValueError, match="seconds must be more than 0, got 0"):
        ConstantRetryAfter(ByKey(FixedWindow()), seconds=0.0)
