"""The stories of links keep their laws, on several seeds and with a margin."""

import math

import pytest

from sim.experiment import compare
from sim.policies.http.hypermedia import stale_share
from sim.scenarios.hypermedia import chatty_client, stale_links

SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def stale():
    """Every kind of visitor, on three seeds."""
    return compare(stale_links(orders=1_000), seeds=SEEDS)


@pytest.fixture(scope="module")
def levels():
    """Every level, on three seeds, with the paths renamed after two thirds of the time."""
    return compare(chatty_client(rate=10.0, renamed_at=20.0, horizon=30.0), seeds=SEEDS)


def within_three_standard_errors(compared, policy, expected):
    """True when the share of stale clicks on every seed is as expected."""
    shares, clicks = compared.values(policy, "stale share"), compared.values(policy, "clicks")
    return all(
        abs(share - expected) <= 3 * math.sqrt(expected * (1 - expected) / n)
        for share, n in zip(shares, clicks, strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize(("change_every", "age"), [(600.0, 30.0), (60.0, 30.0), (600.0, 60.0)])
def test_a_link_is_stale_as_often_as_the_formula_says(change_every, age):
    """μτ / (1 + μτ): 4.8 %, 33.3 % and 9.1 % of the clicks are refused, within three standard errors."""
    world = stale_links(orders=1_000, change_every=change_every, opened_after=0.0, age=age)
    compared = compare(world, ["links"], seeds=SEEDS)
    assert within_three_standard_errors(compared, "links", stale_share(1 / change_every, age))


@pytest.mark.slow
def test_when_the_page_is_opened_does_not_matter(stale):
    """What was impossible by then is not offered; of what is offered the same share turns stale."""
    assert within_three_standard_errors(stale, "links", stale_share(1 / 600.0, 60.0))
    assert all(count > 200 for count in stale.values("links", "not offered"))


@pytest.mark.slow
def test_links_save_most_refusals_and_looking_again_nearly_all(stale):
    """Hard-coded actions are refused at least four times as often; with a second look under 1 % of the clicks are."""
    for seed in range(len(SEEDS)):
        refused = {name: stale.values(name, "refused")[seed] for name in stale.figures}
        assert refused["hard-coded"] > 4 * refused["links"] > 0
        assert refused["fresh-links"] < 0.01 * stale.values("fresh-links", "clicks")[seed]
        assert stale.values("fresh-links", "attempts")[seed] > stale.values("links", "attempts")[seed]


@pytest.mark.slow
def test_only_the_server_s_second_look_makes_it_safe(stale):
    """Nobody pays a cancelled order where the server looks again; where it trusts its links every stale click does."""
    for name in ("hard-coded", "links", "fresh-links"):
        assert stale.values(name, "paid and cancelled") == [0.0] * 3
    assert stale.values("links-unchecked", "refused") == [0.0] * 3
    assert stale.values("links-unchecked", "paid and cancelled") == stale.values("links", "refused")


@pytest.mark.slow
def test_links_cost_one_request_a_task(levels):
    """Three requests at levels 0 to 2, four at level 3, and the time of one round trip more."""
    assert [levels.values(f"level-{level}", "requests per task") for level in range(4)] == [
        [3.0] * 3, [3.0] * 3, [3.0] * 3, [4.0] * 3,
    ]  # fmt: skip
    for two, three in zip(levels.values("level-2", "p50"), levels.values("level-3", "p50"), strict=True):
        assert three - two == pytest.approx(0.105)


@pytest.mark.slow
def test_a_new_path_breaks_those_who_built_it_themselves(levels):
    """After the renaming every task of levels 1 and 2 fails; of level 3 at most the few that were under way."""
    for seed in range(len(SEEDS)):
        failed = {level: levels.values(f"level-{level}", "tasks failed")[seed] for level in range(4)}
        assert failed[0] == 0
        assert failed[1] == failed[2] > 60
        assert failed[3] <= 15
