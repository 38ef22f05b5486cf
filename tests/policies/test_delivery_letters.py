"""The dead-letter queue keeps, counts, forgets, and gives back by choice."""

import pytest

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
        ({"endpoint": "nobody"}, []),
    ],
)
def test_a_replay_can_choose(choice, numbers):
    """What is given must all fit; what is taken is gone, the rest stays, and the counts agree."""
    queue = full()
    assert [one.delivery for one in queue.take(**choice)] == numbers
    assert [one.delivery for one in queue.letters()] == [one for one in (1, 2, 3) if one not in numbers]
    assert queue.count("shop") + queue.count("bank") == len(queue) == 3 - len(numbers)


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
