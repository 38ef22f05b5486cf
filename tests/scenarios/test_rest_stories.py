"""The stories of REST semantics keep their promises: who wins, by how much, on several seeds."""

import math

import attrs
import pytest

import sim
from sim.flow import Reply
from sim.http import Response
from sim.policies import Retry
from sim.scenarios import rest
from sim.services.profiles.designs import LastWriteWins
from sim.services.profiles.editor import Editor, Habit
from sim.services.profiles.form import FormFiller

SEEDS = range(3)


@pytest.fixture(scope="module")
def edits():
    """Every design in the default world, on three seeds."""
    return sim.compare(rest.lost_update(), seeds=SEEDS)


def shares(runs, policy, figure, of="calls"):
    """A figure per call (or per another figure), one for each seed."""
    return [part / whole for part, whole in zip(runs.values(policy, figure), runs.values(policy, of), strict=True)]


@pytest.mark.slow
def test_the_repaired_designs_lose_nothing(edits):
    """Compare-and-set behind If-Match, and a patch of what is there, lose no update on any seed, and all succeed."""
    for policy in ("if-match", "patch-atomic"):
        assert edits.values(policy, "updates lost") == [0.0] * len(SEEDS)
        assert edits.values(policy, "ok") == edits.values(policy, "calls")


@pytest.mark.slow
def test_put_loses_about_half(edits):
    """With one edit every two seconds and two seconds of thought, more than 40 % of the updates vanish."""
    assert min(shares(edits, "put", "updates lost")) > 0.4
    assert edits.values("put", "ok") == edits.values("put", "calls")


@pytest.mark.slow
def test_put_of_what_one_knows_is_worse(edits):
    """Leaving fields out loses more than putting old ones back, and only it erases fields, on every seed."""
    careless, careful = edits.values("put-one-field", "updates lost"), edits.values("put", "updates lost")
    assert all(worse > better for worse, better in zip(careless, careful, strict=True))
    assert min(shares(edits, "put-one-field", "fields erased")) > 0.4
    assert all(edits.values(policy, "fields erased") == [0.0] * len(SEEDS) for policy in ("put", "patch", "if-match"))


@pytest.mark.slow
def test_the_race_inside_the_server_is_a_hundredth(edits):
    """A patch by load, change, save and a check before the write lose some, under 3 % of the updates, but not none."""
    for policy in ("patch", "check-then-write"):
        assert sum(edits.values(policy, "updates lost")) > 0
        assert max(shares(edits, policy, "updates lost")) < 0.03


@pytest.mark.slow
def test_what_if_match_costs(edits):
    """A 412 for every second edit or so, each repaired by one more read and write: about three requests a success."""
    assert all(0.4 < share < 0.8 for share in shares(edits, "if-match", "412s"))
    assert all(2.7 < attempts < 3.6 for attempts in edits.values("if-match", "attempts per success"))
    assert edits.values("put", "attempts per success") == [2.0] * len(SEEDS)


@pytest.mark.slow
def test_the_share_that_put_loses_has_a_formula():
    """A PUT is lost when somebody with another field has read before it and writes after it: 1 - exp(-3/4 rate W)."""
    rate, window = 0.3, 2.0 + 0.02 + 0.02 + 0.02  # thought, the reply with the page, the request with the write, a read
    runs = sim.compare(rest.lost_update(rate=rate, horizon=1_500.0), ["put"], seeds=SEEDS)
    share = sum(runs.values("put", "updates lost")) / sum(runs.values("put", "calls"))
    assert share == pytest.approx(1.0 - math.exp(-0.75 * rate * window), abs=0.05)


@pytest.mark.slow
def test_nobody_loses_without_company():
    """Spread over many profiles nobody meets anybody, and no design loses anything."""
    runs = sim.compare(rest.lost_update(profiles=5_000, horizon=60.0), seeds=[0])
    assert all(runs.values(policy, "updates lost") == [0.0] for policy in runs.figures)


@pytest.mark.slow
def test_a_learners_own_takes_either_seat():
    """A service meets guarded editors, an editor meets the repaired service; what is neither is refused."""
    world = rest.lost_update(horizon=100.0)
    assert sim.run(world, LastWriteWins).summary()["updates lost"] > 0
    assert sim.run(world, Editor(habit=Habit.PATCH)).summary()["ok"] == 0  # the repaired service asks for If-Match
    assert sim.run(world, Editor(guarded=True)).summary()["updates lost"] == 0
    for story in (world, rest.error_round_trips(horizon=1.0), rest.crawler(horizon=1.0)):
        with pytest.raises(TypeError, match="a contestant must be"):
            sim.run(story, 7)


@pytest.fixture(scope="module")
def forms():
    """Both servers, on three seeds."""
    return sim.compare(rest.error_round_trips(rate=1.5), seeds=SEEDS)


@pytest.mark.slow
def test_all_at_once_takes_two_tries(forms):
    """One try for a form without a mistake, two for any other: 2 - 0.75^10 on average, and nobody goes."""
    assert forms.estimate("all-at-once", "attempts until success").mean == pytest.approx(2 - 0.75**10, abs=0.02)
    assert forms.values("all-at-once", "abandoned") == [0.0] * len(SEEDS)


@pytest.mark.slow
def test_one_at_a_time_loses_a_fifth_of_the_people(forms):
    """Whoever has four or more wrong fields of ten gives up before the fourth is right: 22.4 %."""
    four_or_more = 1.0 - sum(math.comb(10, k) * 0.25**k * 0.75 ** (10 - k) for k in range(4))
    assert forms.estimate("one-at-a-time", "abandoned").mean == pytest.approx(four_or_more, abs=0.03)
    assert min(forms.values("one-at-a-time", "abandoned")) > 0.15


@pytest.mark.slow
def test_with_patience_it_is_k_plus_one():
    """Nobody goes when patience has no end; then the mean is 1 + 10 x 0.25 forms, against 1.94."""
    runs = sim.compare(rest.error_round_trips(patience=100, horizon=200.0), seeds=SEEDS)
    assert runs.values("one-at-a-time", "abandoned") == [0.0] * len(SEEDS)
    assert runs.estimate("one-at-a-time", "attempts until success").mean == pytest.approx(3.5, abs=0.1)
    assert all(mean > 2.0 for mean in runs.values("one-at-a-time", "p50"))


@pytest.mark.slow
def test_a_form_filler_and_a_server_of_ones_own():
    """A client meets the server that lists all; a server that takes everything has one try a form."""
    world = rest.error_round_trips(horizon=60.0)
    hasty = sim.run(world, FormFiller(patience=1)).summary()
    assert hasty["attempts until success"] == 1.0
    assert hasty["abandoned"] > 0.8

    def lax():
        def handle(request, now):
            yield Reply(Response(204))

        return handle

    assert sim.run(world, lax).summary()["attempts until success"] == 1.0


@pytest.mark.slow
def test_the_crawler_takes_everything_that_a_get_removes():
    """After the crawler nothing is left where removal is a GET, confirmed or not; where it is a DELETE, all is."""
    runs = sim.compare(rest.crawler(rate=3.0, crawl_at=200.0, horizon=500.0), seeds=SEEDS)
    for policy in ("remove-by-get", "confirm-by-get"):
        gone = zip(
            runs.values(policy, "removed by browsers"), runs.values(policy, "removed by the crawler"), strict=True
        )
        assert [sum(pair) for pair in gone] == [200.0] * len(SEEDS)
        assert min(runs.values(policy, "visits in vain")) > 500
    assert runs.values("remove-by-delete", "removed by the crawler") == [0.0] * len(SEEDS)
    assert runs.values("remove-by-delete", "visits in vain") == [0.0] * len(SEEDS)


@pytest.mark.slow
def test_prefetching_browsers_need_no_crawler():
    """One browser in ten takes 1 - exp(-visits x share / profiles) of the profiles; a second link stops it."""
    world = rest.crawler(crawl_at=math.inf, prefetching=0.1, horizon=200.0)
    runs = sim.compare(world, ["remove-by-get", "confirm-by-get"], seeds=SEEDS)
    expected = 200 * (1.0 - math.exp(-5.0 * 200.0 * 0.1 / 200))
    assert runs.estimate("remove-by-get", "removed by browsers").mean == pytest.approx(expected, rel=0.15)
    assert runs.values("confirm-by-get", "removed by browsers") == [0.0] * len(SEEDS)


@pytest.mark.slow
@pytest.mark.parametrize("story", [rest.lost_update, rest.error_round_trips, rest.crawler])
def test_each_story_stands_on_its_own(story):
    """Its first line says what it is about, its columns are figures, its policies contestants; a run is repeatable."""
    world = story(horizon=60.0)
    assert set(world.policies) == set(world.contestants)
    one, again = sim.run(world, seed=1), sim.run(world, seed=1)
    assert set(world.columns) <= set(one.summary())
    assert one.trace.digest() == again.trace.digest()
    with pytest.raises(ValueError, match="no knob"):
        world.with_knobs(colour=1)
    assert attrs.evolve(world).knobs == world.knobs


@pytest.mark.slow
def test_a_retry_rule_is_not_an_editor():
    """Somebody who puts a retry rule where a design belongs is told so."""
    with pytest.raises(TypeError, match="a contestant must be"):
        sim.run(rest.lost_update(horizon=1.0), Retry.never())
