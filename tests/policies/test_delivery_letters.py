"""The dead-letter queue keeps, counts, forgets, and gives back by choice."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.delivery import DeadLetter, DeadLetterQueue


def letter(number, endpoint="shop", reason="timed out", at=0.0):
    return DeadLetter(number, f"evt_{number}", endpoint, reason, at, 25)


def full():
    queue = DeadLetterQueue(retention=100.0)
    queue.add(letter(1, at=1.0))
    queue.add(letter(2, "bank", "503", at=2.0))
    queue.add(letter(3, reason="retries used up: 503", at=3.0))
    return queue


@pytest.mark.parametrize(
    ("choice", "numbers"),
    [
        ({}, [1, 2, 3]),
        ({"endpoint": "shop"}, [1, 3]),
        ({"reason": "503"}, [2, 3]),
        ({"deliveries": [3, 1, 7]}, [1, 3]),
        ({"endpoint": "shop", "reason": "503"}, [3]),
        ({"limit": 2}, [1, 2]),
        ({"limit": 0}, []),
        ({"limit": None}, [1, 2, 3]),
        ({"deliveries": [3, 2], "limit": 1}, [2]),
        ({"deliveries": []}, []),
        ({"deliveries": [7, 8]}, []),
        ({"reason": "nothing like it"}, []),
        ({"endpoint": "nobody"}, []),
    ],
)
def test_a_replay_can_choose(choice, numbers):
    """What is given must all fit; what is taken is gone, the rest stays, and the counts agree."""
    queue = full()
    assert [one.delivery for one in queue.take(**choice)] == numbers
    assert [one.delivery for one in queue.letters()] == [one for one in (1, 2, 3) if one not in numbers]
    assert queue.count("shop") + queue.count("bank") == queue.count() == len(queue) == 3 - len(numbers)


def test_a_letter_is_kept_for_its_retention_and_no_longer():
    """At exactly its age it is still there; a moment later it is forgotten, and named."""
    queue = full()
    assert queue.expire(101.0) == []
    assert [one.delivery for one in queue.expire(102.5)] == [1, 2]
    assert len(queue) == 1


def test_the_same_delivery_cannot_die_twice():
    """A platform that buries one delivery twice has lost count."""
    queue = full()
    with pytest.raises(ValueError, match="delivery 1 is among the dead letters already"):
        queue.add(letter(1))


def test_what_was_taken_can_come_back():
    """A replay that fails again is a new letter, the youngest."""
    queue = full()
    queue.take(deliveries=[1])
    queue.add(letter(1, at=9.0))
    assert [one.delivery for one in queue.letters()] == [2, 3, 1]
    assert [one.delivery for one in queue.letters("shop")] == [3, 1]


@pytest.mark.parametrize(
    ("limit", "error", "sentence"),
    [
        (-1, ValueError, "limit must be at least 0, got -1"),
        (1.5, ValueError, "limit must be a whole number, got 1.5"),
        ("2", TypeError, "limit must be a number, got '2'"),
    ],
)
def test_a_limit_that_is_none_takes_nothing(limit, error, sentence):
    """One sentence, and every letter is still there."""
    queue = full()
    with pytest.raises(error, match=sentence):
        queue.take(limit=limit)
    assert len(queue) == 3


@pytest.mark.parametrize("retention", [0.0, -1.0, float("nan")])
def test_a_retention_that_is_none_is_refused(retention):
    """It names the field."""
    with pytest.raises(ValueError, match="retention must be"):
        DeadLetterQueue(retention=retention)


def test_taking_a_few_does_not_look_through_all():
    """A replay that takes one letter after the other looks at each once, however many there are."""

    class Watched(str):
        looked = 0

        def __eq__(self, other):
            Watched.looked += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    queue, shop = DeadLetterQueue(), Watched("shop")
    for number in range(1_000):
        queue.add(letter(number, shop))
    Watched.looked = 0
    for _ in range(100):
        queue.take(endpoint="shop", limit=1)
    assert len(queue) == 900
    assert Watched.looked < 1_000


_act = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(["shop", "bank"]), st.sampled_from(["timed out", "503"])),
    st.tuples(st.just("expire"), st.integers(0, 40), st.none()),
    st.tuples(
        st.just("take"),
        st.one_of(st.none(), st.lists(st.integers(0, 25), max_size=4)),
        st.tuples(
            st.sampled_from([None, "shop", "bank"]), st.sampled_from([None, "503"]), st.sampled_from([None, 0, 1, 3])
        ),
    ),
)


@settings(max_examples=150)
@given(st.lists(_act, max_size=40))
def test_it_is_a_plain_list_of_letters(acts):
    """Whatever is added, taken and forgotten: what a list would hold, in the order of a list, and the same counts."""
    queue, plain, now, number = DeadLetterQueue(retention=20.0), [], 0.0, 0
    for what, first, second in acts:
        now += 1.0
        if what == "add":
            queue.add(letter(number, first, second, now))
            plain.append(letter(number, first, second, now))
            number += 1
        elif what == "expire":
            now += first
            gone = [one for one in plain if now - one.at > 20.0]
            assert queue.expire(now) == gone
            plain = [one for one in plain if one not in gone]
        else:
            endpoint, reason, limit = second
            chosen = [
                one
                for one in plain
                if (first is None or one.delivery in first)
                and (endpoint is None or one.endpoint == endpoint)
                and (reason is None or reason in one.reason)
            ][:limit]
            assert queue.take(deliveries=first, endpoint=endpoint, reason=reason, limit=limit) == chosen
            plain = [one for one in plain if one not in chosen]
        counts = Counter(one.endpoint for one in plain)
        assert queue.letters() == tuple(plain)
        assert (len(queue), queue.count("shop"), queue.count("bank")) == (len(plain), counts["shop"], counts["bank"])
