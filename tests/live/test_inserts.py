"""What a commit costs on a real SQLite file: what is kept, what is written, and never a time."""

import pytest

from sim.live.inserts import ALL_OR_NOTHING, AUTOCOMMIT, SAVEPOINTS, inserted


def by_way(**more):
    """Each way's result."""
    return {one.way: one for one in inserted(200, rounds=1, **more)}


def test_one_commit_writes_a_page_once_and_a_commit_each_writes_it_again():
    """All rows are kept in each way; a commit a row writes at least a page a row, one commit under a tenth of that."""
    found = by_way()
    assert [one.kept for one in found.values()] == [200] * 3
    assert [one.commits for one in found.values()] == [200, 1, 1]
    assert found[AUTOCOMMIT].pages >= 200
    assert found[SAVEPOINTS].pages == found[ALL_OR_NOTHING].pages < 20
    assert all(one.speed > 0 for one in found.values())


def test_a_savepoint_undoes_one_row_and_a_transaction_all():
    """Five emails are taken: two ways keep the other 195, all or nothing keeps none and stops at the first."""
    found = by_way(taken=5)
    assert [one.kept for one in found.values()] == [195, 195, 0]
    assert [one.refused for one in found.values()] == [5, 5, 1]
    assert [one.commits for one in found.values()] == [195, 1, 0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"count": 0}, "count must be at least 1, got 0"),
        ({"count": 10, "rounds": 0}, "rounds must be at least 1, got 0"),
        ({"count": 10, "taken": 10}, "taken must be from 0 to 9, one less than count, got 10"),
        ({"count": 10, "taken": -1}, "taken must be from 0 to 9, one less than count, got -1"),
    ],
)
def test_a_wrong_number_is_told(arguments, sentence):
    """One sentence with the name, the rule and the value."""
    with pytest.raises(ValueError, match=sentence):
        inserted(**arguments)
