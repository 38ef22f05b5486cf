"""The stories of versions keep their laws, on several seeds and with a margin."""

import pytest

from sim.experiment import compare, run
from sim.http import Response
from sim.policies.versions.deprecation import Lifecycle
from sim.scenarios.versions import sunset_day, version_through_cache

SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def sunset():
    """Every way to end a version, on three seeds."""
    return compare(sunset_day(clients=20, calls_per_day=2.0, days=30.0), seeds=SEEDS)


@pytest.fixture(scope="module")
def cached():
    """Every place for a version behind a cache, on three seeds."""
    return compare(version_through_cache(horizon=36.0), seeds=SEEDS)


@pytest.mark.slow
def test_a_silent_sunset_breaks_everybody_on_the_day(sunset):
    """All 20 clients fail on the day, and none has failed before."""
    assert sunset.values("silent", "broken on the day") == [20.0] * 3
    assert sunset.values("silent", "failed before") == [0.0] * 3


@pytest.mark.slow
def test_headers_reach_only_those_who_read_them(sunset):
    """With 40 % readers at least half of all clients are still broken on the day, and not all: 30 to 54 of 60."""
    assert 30 <= sum(sunset.values("headers", "broken on the day")) <= 54


@pytest.mark.slow
def test_brown_outs_move_nearly_everybody_before_the_day(sunset):
    """At most 3 of 20 are broken on the day, for some failed calls before it, and fewer failed calls in all."""
    for seed, broken in enumerate(sunset.values("brown-outs", "broken on the day")):
        assert broken <= 3
        before, after = (sunset.values("brown-outs", figure)[seed] for figure in ("failed before", "failed after"))
        assert before > 0
        assert before + after < 0.7 * sunset.values("headers", "failed after")[seed]


@pytest.mark.slow
def test_a_brown_out_with_retry_after_is_noticed_by_nobody(sunset):
    """A 503 that says when it is over is waited out: call for call as broken as with headers alone."""
    for figure in ("broken on the day", "failed before", "failed after"):
        assert sunset.values("brown-outs-503", figure) == sunset.values("headers", figure)


def test_brown_outs_must_not_run_into_each_other():
    """Twelve windows of four days in a month do not fit, and the sentence names the longest that do."""
    with pytest.raises(ValueError, match="hours must be at most 55"):
        sunset_day(days=30.0, brown_outs=12, hours=96.0)


@pytest.mark.slow
def test_a_retirement_of_your_own_takes_the_seat():
    """Any object with headers() and refuse(now): one that never ends breaks nobody."""

    class ForEver:
        def headers(self):
            return Lifecycle(deprecated=0.0).headers()

        def refuse(self, now):
            return None if now < 1e12 else Response(410)

    figures = run(sunset_day(clients=10, days=30.0), ForEver(), seed=0).summary()
    assert figures["ok"] == figures["calls"]


@pytest.mark.slow
@pytest.mark.parametrize("design", ["uri", "query", "header+vary"])
def test_what_the_cache_can_tell_apart_is_never_wrong(cached, design):
    """In the URI, in the query, or named in Vary: no wrong version, though the query is said to break caching."""
    assert cached.values(design, "wrong version") == [0.0] * 3
    assert cached.values(design, "at the origin") == cached.values("uri", "at the origin")


@pytest.mark.slow
def test_a_header_without_vary_gives_one_version_to_everybody(cached):
    """Until half-time two versions are asked for, and at least a third of those answers are wrong."""
    for seed, wrong in enumerate(cached.values("header", "wrong version")):
        assert wrong > cached.values("header", "calls")[seed] / 2 / 3


@pytest.mark.slow
def test_one_etag_keeps_a_mover_in_its_old_version(cached):
    """Vary is right, and yet clients who move are told "not modified": over a tenth of all answers are wrong."""
    for seed, wrong in enumerate(cached.values("header+vary-one-etag", "wrong version")):
        assert wrong > cached.values("uri", "calls")[seed] / 10
