"""What a page costs by its depth: the laws that the lesson on paging draws."""

import pytest

from sim.live.depths import WAYS, magnitude, steps_by_depth
from sim.live.pages import SQLitePages

DEPTHS = (100, 1_000, 10_000)


@pytest.fixture(scope="module")
def cost():
    """The steps of a page of 50 at three depths, 30 rows to a timestamp."""
    return steps_by_depth(SQLitePages.filled(12_000, per_instant=30), DEPTHS)


def test_three_ways_grow_with_the_depth_and_two_do_not(cost):
    """An offset, deferred or not, and the bare OR grow fivefold and more from 1,000 to 10,000; a search does not."""
    assert tuple(cost) == WAYS
    for way, steps in cost.items():
        assert tuple(steps) == DEPTHS
        growth = steps[10_000] / steps[1_000]
        assert (growth > 5) == (way in ("offset", "offset, deferred", "keyset, bare OR"))
        assert growth > 5 or growth < 1.3


def test_deferring_saves_a_constant_share_of_an_offset(cost):
    """The table is looked up for 50 rows and not for 10,000; the index is passed over all the same."""
    saved = cost["offset, deferred"][10_000] / cost["offset"][10_000]
    assert 0.4 < saved < 0.9


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "a few"), (9.9, "a few"), (10, "tens"), (999, "hundreds"), (1_000, "thousands"), (99_999, "tens of thousands"),
     (10**6, "millions"), (5 * 10**7, "tens of millions"), (10**12, "billions")],
)  # fmt: skip
def test_a_magnitude_is_a_power_of_ten_in_words(count, words):
    """From the digits before the point, and nothing is rounded up."""
    assert magnitude(count) == words
