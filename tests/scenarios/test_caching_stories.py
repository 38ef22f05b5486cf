"""The stories of caching keep their laws, on several seeds and with a margin."""

import math

import pytest

from sim.experiment import compare, run
from sim.http import Request, Response, json_response
from sim.policies.caching.edge import EdgeCache, Forward, Serve
from sim.scenarios.caching import MISTAKES, PROTECTIONS, Caching, cache_stampede, private_cache, wrong_body
from sim.services.catalog.clients import what_is_wrong
from sim.services.catalog.designs import CacheDesign

SEEDS = (0, 1)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stampede():
    """Every protection, over two lifetimes of the hot page."""
    return compare(cache_stampede(horizon=23.0), seeds=SEEDS)


def test_single_flight_halves_what_is_at_the_origin_at_once(stampede):
    """Of those who miss together one goes: at every seed at most two thirds at once, and a fifth less work in all."""
    for figure, margin in (("most at once", 0.67), ("at the origin", 0.8)):
        for alone, all_go in zip(
            stampede.values("single-flight", figure), stampede.values("no-protection", figure), strict=True
        ):
            assert alone < margin * all_go


def test_single_flight_does_not_spare_the_wait(stampede):
    """Who waits for the one that went waits as long as it does: the p99 is the origin's half second."""
    assert all(p99 >= 0.49 for p99 in stampede.values("single-flight", "later p99, s"))
    assert stampede.values("single-flight", "stale") == [0.0] * 2


def test_stale_while_revalidate_spares_the_wait_for_old_pages(stampede):
    """Nobody waits any more, and some hundreds of answers are older than their lifetime."""
    for policy in ("stale-while-revalidate", "single-flight+stale"):
        assert stampede.values(policy, "later p99, s") == [0.0] * 2
        assert all(stale > 100 for stale in stampede.values(policy, "stale"))
    assert stampede.values("no-protection", "stale") == [0.0] * 2


def test_an_early_refresh_makes_the_stampede_rare(stampede):
    """At most two thirds at once of what comes without protection, and never a stale answer."""
    for early, without in zip(
        stampede.values("early-refresh", "most at once"), stampede.values("no-protection", "most at once"), strict=True
    ):
        assert early < 0.67 * without
    assert stampede.values("early-refresh", "stale") == [0.0] * 2


def test_jitter_does_nothing_for_one_hot_page(stampede):
    """One page has one end of life, jittered or not: the crowd at the origin stays within a fifth of what it was."""
    jittered, without = (
        stampede.estimate(name, "most at once").mean for name in ("jittered-lifetime", "no-protection")
    )
    assert jittered > 0.8 * without


def test_jitter_takes_pages_apart_that_were_stored_together():
    """Two hundred pages of equal heat, loaded at once: with jitter fewer of them are fetched at one instant."""
    world = cache_stampede(hot=0.0, pages=200, rate=400.0, workers=400, horizon=12.0)
    found = compare(world, ["no-protection", "jittered-lifetime"], seeds=SEEDS)
    for jittered, without in zip(
        found.values("jittered-lifetime", "most at once"), found.values("no-protection", "most at once"), strict=True
    ):
        assert jittered < 0.8 * without


def test_too_few_workers_make_a_stampede_last():
    """Pages that waited in the queue for a lifetime are stale when they come, so that the cache fills no more.

    With a tenth of the workers more than half of all calls fail without protection, and with single flight none does.
    """
    found = compare(cache_stampede(workers=3, render=0.5, pages=10, horizon=30.0), ["no-protection", "single-flight"],
                    seeds=SEEDS)  # fmt: skip
    for calls, ok in zip(found.values("no-protection", "calls"), found.values("no-protection", "ok"), strict=True):
        assert ok < 0.5 * calls
    assert found.values("single-flight", "ok") == found.values("single-flight", "calls")


def test_every_protection_serves_everybody(stampede):
    """With enough workers no call fails, whoever protects."""
    for policy in PROTECTIONS:
        assert stampede.values(policy, "ok") == stampede.values(policy, "calls")


def test_a_gateway_cache_of_your_own_takes_the_seat():
    """Any object with `ask` and `answered` will do: one that caches nothing sends every call to the origin."""

    class Nothing:
        def __init__(self):
            self.clients = []

        def ask(self, request, client, now, rng):
            self.clients.append(client)
            return Forward(request=request, number=len(self.clients) - 1)

        def answered(self, number, response, now, rng):
            return [(self.clients[number], Serve(response=response, how="origin"))]

    summary = run(cache_stampede(horizon=5.0, rate=20.0), Nothing).summary()
    assert summary["at the origin"] == summary["calls"] == summary["ok"]


@pytest.mark.parametrize(("clients", "megabytes"), [(5, 5.0), (50, 45.5), (500, 250.0)])
def test_the_bytes_that_a_private_cache_leaves(clients, megabytes):
    """Q-14.2, a twentieth of it: of 500 MB an hour 5, 45.5 and 250 MB are left for 100, 1,000 and 10,000 clients.

    λT / (1 + λT) of one client is in the long run; over ten lifetimes it is within a tenth.
    """
    summary = run(private_cache(clients=clients, hours=11.0), "max-age").summary()
    assert 20 * summary["MB per hour"] == pytest.approx(megabytes, rel=0.1)


@pytest.fixture(scope="module")
def private():
    """Everybody who may cache, on two seeds."""
    return compare(private_cache(clients=40, calls_per_hour=200.0, hours=9.0), seeds=SEEDS)


def test_a_304_saves_bytes_and_no_round_trip(private):
    """Q-14.6: with an ETag alone hardly a byte is sent, and the client asks as often as without any cache."""
    assert max(private.values("etag", "MB per hour")) < 0.2
    for figure in ("round trips", "at the origin"):
        assert private.values("etag", figure) == private.values("nobody", figure)


def test_a_cdn_spares_the_origin_and_not_the_wire(private):
    """Q-14.2: behind a CDN the origin makes the page about once an hour, and the clients get as many bytes as ever."""
    assert private.values("cdn", "MB per hour") == private.values("nobody", "MB per hour")
    assert all(count <= 10 for count in private.values("cdn", "at the origin"))


def test_the_age_of_a_cdns_page_counts_for_the_client(private):
    """A page that a CDN has kept for half an hour is fresh for another half: behind a CDN a client asks more often."""
    for behind, without in zip(
        private.values("cdn+max-age", "round trips"), private.values("max-age", "round trips"), strict=True
    ):
        assert behind > without


@pytest.fixture(scope="module")
def bodies():
    """Every way to tell a shared cache what it may do, right and wrong."""
    return compare(wrong_body(horizon=24.0), seeds=SEEDS)


def test_right_headers_never_serve_a_wrong_body(bodies):
    """With Vary and private, and with no-store, nobody gets a page that was made for another."""
    for policy in ("right", "no-store"):
        assert bodies.values(policy, "wrong bodies") == [0.0] * 2
    for right, careful in zip(
        bodies.values("right", "at the origin"), bodies.values("no-store", "at the origin"), strict=True
    ):
        assert right < 0.75 * careful


@pytest.mark.parametrize(
    ("policy", "share"), [("no-vary", 0.5), ("vary-without-version", 0.1), ("public-for-all", 0.3)]
)
def test_each_mistake_serves_wrong_bodies(bodies, policy, share):
    """Without Vary most answers are wrong, without one name in it many, and public ones too."""
    for wrong, calls in zip(bodies.values(policy, "wrong bodies"), bodies.values(policy, "calls"), strict=True):
        assert wrong > share * calls


def test_only_a_public_personal_page_leaks(bodies):
    """A missing Vary shows the wrong version; another customer's page is shown only where it was called public."""
    for policy in MISTAKES:
        leaks = bodies.values(policy, "leaks")
        assert all(count > 50 for count in leaks) if policy == "public-for-all" else leaks == [0.0] * 2


def test_a_design_of_your_own_takes_the_seat():
    """A learner's own headers are compared like ours: no Cache-Control at all is never wrong, and never a hit."""
    summary = run(wrong_body(horizon=10.0), CacheDesign(control=None, personal=None)).summary()
    assert (summary["wrong bodies"], summary["at the origin"]) == (0.0, summary["calls"])
    caching = run(private_cache(hours=2.0), Caching(client=True)).summary()
    assert caching["round trips"] < caching["calls"]


@pytest.mark.parametrize(
    ("headers", "response", "wrong"),
    [
        ({}, {"price": 1.0}, ""),
        ({"Accept-Version": "2"}, {"price": {"amount": 100}}, ""),
        ({"Accept-Version": "2"}, {"price": 1.0}, "in another version"),
        ({"Authorization": "Bearer ada"}, {"price": 1.0, "customer": "ada"}, ""),
        ({"Authorization": "Bearer ada"}, {"price": 1.0, "customer": "bob"}, "made for another customer"),
        ({"Authorization": "Bearer ada"}, {"price": 1.0}, "not at the customer's own price"),
        ({}, {"price": 1.0, "customer": "bob"}, "made for another customer"),
    ],
)
def test_a_shopper_knows_a_wrong_body(headers, response, wrong):
    """The version, the customer and the coding must be those of the request."""
    assert what_is_wrong(Request("GET", "/products/0", headers=headers), json_response(response)) == wrong
    coded = Response(200, headers={"Content-Encoding": "gzip"}, body=b"?")
    assert what_is_wrong(Request("GET", "/products/0", headers=headers), coded) == "in a coding that was not asked for"


def test_the_protections_are_six():
    """The story compares no protection with four cures and with the two that are used together."""
    assert len(PROTECTIONS) == 6
    assert all(isinstance(cache, EdgeCache) for cache in PROTECTIONS.values())
    assert math.isfinite(run(cache_stampede(horizon=12.0), "single-flight+stale").summary()["later p99, s"])
