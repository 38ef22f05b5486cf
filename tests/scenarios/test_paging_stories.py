"""The stories of paging keep their laws, on several seeds and with a margin."""

import math
from statistics import mean, stdev

import pytest

from sim.experiment import compare, run
from sim.policies.paging.pages import PageRules
from sim.scenarios.paging import deep_pages, shifting_pages

SEEDS = (0, 1, 2)
ROWS, LIMIT = 3_000, 50


@pytest.fixture(scope="module")
def deep():
    """A list of 3,000 rows walked by every scheme; the world has no chance in it, so one seed says it all."""
    return compare(deep_pages(rows=ROWS, limit=LIMIT, crawlers=4), seeds=[0])


def value(compared, policy, figure):
    """The figure of the first seed."""
    return compared.values(policy, figure)[0]


@pytest.mark.slow
def test_a_walk_by_offset_reads_the_square_of_the_list(deep):
    """60 pages, the k-th passing over 50 * k rows: (P - 1) / 2 rows read for each one shown, and the page itself."""
    pages = ROWS // LIMIT
    expected = sum(page * LIMIT + min(LIMIT + 1, ROWS - page * LIMIT) for page in range(pages)) / ROWS
    assert value(deep, "offset", "rows read per row shown") == pytest.approx(expected)
    assert expected > 30


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["keyset", "signed-cursor"])
def test_a_walk_by_keyset_reads_what_it_shows(deep, policy):
    """A page and a binary search: under 1.3 rows and index entries read for each row shown, and no row is missing."""
    assert value(deep, policy, "rows read per row shown") < 1.3
    assert value(deep, policy, "rows never shown") == 0


@pytest.mark.slow
def test_the_last_pages_by_offset_are_the_slow_ones(deep):
    """The slowest page by offset takes over 2.5 times as long as by keyset, and the median over 1.5 times."""
    assert value(deep, "offset", "p99 page, s") > 2.5 * value(deep, "keyset", "p99 page, s")
    assert value(deep, "offset", "p50 page, s") > 1.5 * value(deep, "keyset", "p50 page, s")


@pytest.mark.slow
def test_a_seal_costs_no_rows(deep):
    """Signed and plain cursors touch the same rows and take the same time: the HMAC is not what a page costs."""
    for figure in ("rows read per row shown", "p99 page, s"):
        assert value(deep, "signed-cursor", figure) == value(deep, "keyset", figure)


@pytest.mark.slow
def test_without_a_tie_breaker_every_second_timestamp_loses_ten_rows(deep):
    """30 rows per timestamp and 50 per page: 10 of every 60 rows are never shown."""
    assert value(deep, "keyset-no-tie-breaker", "rows never shown") == ROWS // 60 * 10


def walks(seeds=SEEDS, **knobs):
    """Shifting lists, compared over seeds."""
    return compare(shifting_pages(walkers=20, **knobs), ["offset"], seeds=seeds)


def within_three_errors(values, expected):
    """Whether the mean of *values* is within three standard errors of what is expected."""
    return abs(mean(values) - expected) < 3 * stdev(values) / math.sqrt(len(values)) + 1e-9


@pytest.mark.slow
def test_inserts_at_the_head_come_twice_by_the_closed_form():
    """lambda * floor(N / (L - lambda)) = 2 * floor(1,000 / 48) = 40 duplicates in a walk, within three errors."""
    compared = walks(seeds=range(5))
    assert within_three_errors(compared.values("offset", "duplicates per walk"), 40.0)
    assert 37 < mean(compared.values("offset", "duplicates per walk")) < 43
    assert compared.values("offset", "skips per walk") == [0.0] * 5


@pytest.mark.slow
def test_deletes_before_the_place_make_others_be_skipped():
    """Two deletes a page anywhere: lambda * sum of (k L / (N - lambda k)) over the pages, about 19 skips in a walk."""
    compared = walks(inserts=0.0, deletes=2.0)
    expected = sum(2.0 * page * 50 / (1_000 - 2 * page) for page in range(1, 20))
    skips = compared.values("offset", "skips per walk")
    assert 0.85 * expected < mean(skips) < 1.05 * expected
    assert compared.values("offset", "duplicates per walk") == [0.0] * 3


@pytest.mark.slow
def test_inserts_anywhere_come_twice_half_as_often():
    """An insert anywhere lies before the place with the share already read: about lambda * P / 2 = 20 duplicates."""
    duplicates = walks(anywhere=True).values("offset", "duplicates per walk")
    assert 17 < mean(duplicates) < 24


@pytest.mark.slow
def test_new_rows_at_the_end_disturb_no_walk():
    """Oldest first: an offset shows nothing twice and skips nothing, whatever is added at the end."""
    compared = walks(newest_first=False)
    for figure in ("duplicates per walk", "skips per walk"):
        assert compared.values("offset", figure) == [0.0] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "knobs", [{}, {"inserts": 2.0, "deletes": 2.0}, {"anywhere": True}], ids=["head", "both", "anywhere"]
)
def test_a_keyset_shows_every_row_that_stayed_once(knobs):
    """0 duplicates and 0 skips in every regime."""
    compared = compare(
        shifting_pages(rows=400, limit=20, walkers=10, **knobs), ["keyset", "signed-cursor"], seeds=SEEDS
    )
    for policy in ("keyset", "signed-cursor"):
        for figure in ("duplicates per walk", "skips per walk"):
            assert compared.values(policy, figure) == [0.0] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("newest_first", "spoilt", "clean"),
    [(True, "skips per walk", "duplicates per walk"), (False, "duplicates per walk", "skips per walk")],
    ids=["newest first skips", "oldest first repeats"],
)
def test_no_keyset_survives_a_sort_key_that_changes(newest_first, spoilt, clean):
    """Two touches a page: what becomes the newest is skipped or comes twice, about lambda * P / 2 = 20 in a walk."""
    world = shifting_pages(walkers=20, inserts=0.0, touches=2.0, newest_first=newest_first)
    compared = compare(world, ["keyset"], seeds=SEEDS)
    assert 15 < mean(compared.values("keyset", spoilt)) < 25
    assert compared.values("keyset", clean) == [0.0] * 3


@pytest.mark.slow
def test_an_offset_repeats_and_skips_what_is_touched():
    """A row that jumps to the head pushes another one over the edge of a page: as many duplicates as skips."""
    compared = walks(inserts=0.0, touches=2.0)
    duplicates, skips = (compared.values("offset", what) for what in ("duplicates per walk", "skips per walk"))
    assert 15 < mean(duplicates) < 25
    assert abs(mean(duplicates) - mean(skips)) < 2


@pytest.mark.slow
def test_rules_of_your_own_take_the_seat():
    """A small largest page refuses the crawler's request: every call is a 400."""
    one = run(deep_pages(rows=100, crawlers=3), PageRules(max_limit=20), seed=0)
    assert one.trace.calls.column("status").count(400.0) == 3
