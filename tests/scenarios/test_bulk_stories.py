"""The stories of batches keep their laws, on several seeds and with a margin."""

import math

import pytest

from sim.experiment import compare
from sim.policies.batches.batch import atomic_success
from sim.scenarios.bulk import atomic_batch, bulk_import, outgrown_batch

SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def imported():
    """300 rows brought in by every client."""
    return compare(bulk_import(rows=300, imports=1, reply_loss=0.02), seeds=SEEDS)


@pytest.mark.slow
def test_one_by_one_costs_a_round_trip_a_row(imported):
    """At least 300 round trips, and over ten times as many as in chunks with a retry of the failed ones."""
    for single, chunked in zip(
        *(imported.values(policy, "round trips") for policy in ("one-by-one", "chunks-failed-only")), strict=True
    ):
        assert single >= 300
        assert single > 10 * chunked


@pytest.mark.slow
def test_sending_only_what_failed_sends_each_row_about_once(imported):
    """2 % of the rows are busy at a try: at most 15 % more rows on the wire than there are, save for a lost answer."""
    for sent in imported.values("chunks-failed-only", "rows sent"):
        assert 300 <= sent <= 1.15 * 300 + 100
    for sent in imported.values("chunks-all-again", "rows sent"):
        assert sent > 2 * 300


@pytest.mark.slow
def test_nothing_is_created_twice_whatever_is_lost(imported):
    """Answers are lost and chunks are sent again: by its clientId every row is created once."""
    for policy in imported.figures:
        assert imported.values(policy, "rows created twice") == [0.0] * 3
    for policy in ("one-by-one", "chunks-failed-only"):
        for created in imported.values(policy, "rows created"):
            assert created >= 0.97 * 300


@pytest.mark.slow
def test_atomic_chunks_throw_their_work_away(imported):
    """(1 - 0.02)^100 is 13 %: most tries fail, so twice the rows are sent and fewer are created."""
    assert atomic_success(100, 0.02) == pytest.approx(0.13, abs=0.005)
    for seed in SEEDS:
        assert imported.values("chunks-atomic", "rows sent")[seed] > 2 * 300
        created = [imported.values(policy, "rows created")[seed] for policy in ("chunks-atomic", "chunks-failed-only")]
        assert created[0] <= created[1]


@pytest.fixture(scope="module")
def batches():
    """Batches of 30 rows with one bad row in fifty."""
    return compare(atomic_batch(batches=50, rows=30, bad=0.02), seeds=range(4))


@pytest.mark.slow
def test_an_atomic_batch_succeeds_by_the_closed_form(batches):
    """(1 - p)^n of the batches are taken, within three binomial errors over four seeds, and exactly their rows."""
    taken, exact = batches.values("atomic", "share of batches taken"), atomic_success(30, 0.02)
    share, runs = sum(taken) / 4, 50 * 4
    assert abs(share - exact) < 3 * math.sqrt(exact * (1 - exact) / runs)
    assert batches.values("atomic", "share of rows created") == pytest.approx(taken)


@pytest.mark.slow
def test_a_partial_batch_creates_all_but_the_bad_rows(batches):
    """1 - p of the rows, within three errors, in one round trip each."""
    created = batches.values("partial", "share of rows created")
    assert abs(sum(created) / 4 - 0.98) < 3 * math.sqrt(0.02 * 0.98 / (50 * 30 * 4))
    assert batches.values("partial", "round trips") == [1.0] * 4


@pytest.mark.slow
def test_an_answer_that_names_every_bad_row_makes_the_second_try_succeed(batches):
    """As many rows as a partial batch, for one more round trip whenever the first one failed."""
    for seed in range(4):
        both = [batches.values(name, "share of rows created")[seed] for name in ("atomic-without-the-bad", "partial")]
        assert both[0] == both[1]
        taken = batches.values("atomic", "share of batches taken")[seed]
        assert batches.values("atomic-without-the-bad", "round trips")[seed] == pytest.approx(1 + (1 - taken))


@pytest.fixture(scope="module")
def outgrown():
    """Two imports of 1,000 rows that take 10 s, against a timeout of 5 s."""
    return compare(outgrown_batch(), seeds=SEEDS)


@pytest.mark.slow
def test_a_batch_that_outgrows_its_timeout_is_done_and_nobody_knows(outgrown):
    """Every row is created once and the work is done at each of four tries, and the client gives up all the same."""
    assert outgrown.values("one-request", "imports known done") == [0.0] * 3
    assert outgrown.values("one-request", "imports done") == [2.0] * 3
    for worked in outgrown.values("one-request", "worker seconds"):
        assert worked == pytest.approx(4 * 10.0, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["chunks", "job"])
def test_chunks_and_a_job_are_known_to_be_done(outgrown, policy):
    """Both do the work once; the job sends its rows in one request, the chunks in five."""
    assert outgrown.values(policy, "imports known done") == outgrown.values(policy, "imports done") == [2.0] * 3
    for worked, sent in zip(
        outgrown.values(policy, "worker seconds"), outgrown.values(policy, "rows sent"), strict=True
    ):
        assert worked == pytest.approx(10.0, rel=0.01)
        assert sent == 1_000
    for trips in outgrown.values("chunks", "round trips"):
        assert trips == 5
