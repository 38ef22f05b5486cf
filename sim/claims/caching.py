"""HTTP caching: who may keep a page, for how long, and what happens at the instant when it ends."""

from __future__ import annotations

import functools

from sim.claims.claiming import Evidence, Verdict, claim
from sim.claims.measuring import between, on_seeds, span
from sim.experiment import Comparison
from sim.http import Request, Response
from sim.policies.caching.cache import Cache
from sim.scenarios.caching import cache_stampede, private_cache, wrong_body
from sim.services.alone import serve
from sim.services.catalog.designs import CacheDesign
from sim.services.catalog.service import PRODUCTS, Catalog
from sim.services.catalog.visits import Unchanging, asked, visit
from sim.store import MemoryStore

_SCALE = 100
"""The experiments run a hundredth of the guide's 10,000 requests an hour, from a hundredth of the clients."""


@claim(
    "Q-14.1",
    "50 KB of JSON, asked for 10,000 times an hour, are 500 MB an hour.",
    verdict=Verdict.HOLDS,
    why="With 1 MB = 1,000 KB, and with every request answered in full.",
)
def fifty_kilobytes_ten_thousand_times() -> Evidence:
    """A hundredth of the requests without any cache, six hours, three seeds, scaled up.  500 MB/h within 10 %."""
    sent = _megabytes(10, "nobody")
    return Evidence(f"{span(sent)} MB/h", "500 MB/h", between(sent, 450, 550))


@claim(
    "Q-14.2",
    "With Cache-Control: max-age=3600 these 500 MB an hour become nearly nothing.",
    verdict=Verdict.ONLY_IF,
    why="Only if few clients ask often. A client that comes λ times an hour still fetches a share of 1 / (1 + λT).",
    source="RFC 9111 §4.2; renewal theory",
)
def what_is_left_depends_on_who_repeats() -> Evidence:
    """100, 1,000 and 10,000 private caches share the requests; six hours, three seeds.  5, 45 and 250 MB/h are left,
    each within 15 %."""
    left = {clients: _megabytes(clients // _SCALE, "max-age") for clients in (100, 1_000, 10_000)}
    expected = {clients: 500 / (1 + 10_000 / clients) for clients in left}
    holds = all(between(left[clients], 0.85 * want, 1.15 * want) for clients, want in expected.items())
    return Evidence(
        "; ".join(f"{clients:,} clients {span(values)} MB/h" for clients, values in left.items()),
        "; ".join(f"{clients:,}: {want:.0f}" for clients, want in expected.items()),
        holds,
    )


@claim(
    "Q-14.3",
    "no-cache is the setting for data of one user.",
    verdict=Verdict.WRONG,
    why="It lets every cache store the page and only forbids to serve it unasked. What must not be shared is private.",
    source="RFC 9111 §5.2.2.4, §5.2.2.7",
)
def no_cache_is_stored_by_a_shared_cache() -> Evidence:
    """One page with three settings through a shared cache, two requests; what is stored afterwards, exact."""
    stored = {control: _stored(control) for control in ("no-cache", "private", "no-store")}
    return Evidence(
        ", ".join(f"{control}: {count}" for control, count in stored.items()) + " stored",
        "claimed: no-cache: 0 stored",
        list(stored.values()) == [1, 0, 0],
    )


@claim(
    "Q-14.4",
    "With private a CDN does not cache the page.",
    verdict=Verdict.HOLDS,
    why="And the user's own cache does. nginx, varnish, squid and hishel obey as well.",
    source="RFC 9111 §5.2.2.7; four caches measured",
)
def private_passes_a_shared_cache_by() -> Evidence:
    """Three requests within the lifetime; reach the origin through a shared cache: 3, through a user's own: 1."""
    shared, own = (_reach("private, max-age=60", shared=shared) for shared in (True, False))
    return Evidence(f"shared {shared} of 3, own {own} of 3", "3 and 1", (shared, own) == (3, 1))


@claim(
    "Q-14.5",
    "With max-age a client uses its copy without asking the server.",
    verdict=Verdict.HOLDS,
    why="Every cache on the way does, a CDN too, until the lifetime ends or a request says no-cache.",
    source="RFC 9111 §4.2, §5.2.1.4; seven caches measured",
)
def max_age_asks_nobody() -> Evidence:
    """Three requests within the lifetime reach the origin once, through either kind of cache; one after it is the
    second."""
    reached = [_reach("max-age=60", shared=shared) for shared in (False, True)]
    cache, page = Cache(), Unchanging({"Cache-Control": "max-age=60"})
    late = [visit(cache, page, Request("GET", "/"), now).how for now in (0.0, 59.9, 60.0)]
    return Evidence(
        f"own {reached[0]} of 3, shared {reached[1]} of 3; after 60 s: {late[2]}",
        "1 and 1; fetched",
        reached == [1, 1] and late == ["fetched", "hit", "fetched"],
    )


@claim(
    "Q-14.6",
    "An ETag and the 304 save massively.",
    verdict=Verdict.ONLY_IF,
    why="Only bytes. Each use still costs a round trip and a request to the origin, which may make the page to tag it.",
    source="RFC 9110 §15.4.5; nginx does not validate unless proxy_cache_revalidate is on",
)
def a_304_saves_bytes_and_no_round_trip() -> Evidence:
    """A tag without a lifetime, against no cache, three seeds: under 5 % of the bytes (304s not counted), exactly as
    many round trips, exactly as many requests at the origin."""
    runs = _private(10)
    bytes_left = [
        100 * tagged / plain
        for tagged, plain in zip(*(runs.values(who, "MB per hour") for who in _TAGGED), strict=True)
    ]
    trips, work = ([runs.values(who, figure) for who in _TAGGED] for figure in ("round trips", "at the origin"))
    return Evidence(
        f"{span(bytes_left, '.1f')} % of the bytes, 100 % of the round trips",
        "claimed: massive savings",
        max(bytes_left) < 5 and trips[0] == trips[1] and work[0] == work[1],
    )


@claim(
    "Q-14.7",
    "An ETag is a fingerprint of the content.",
    verdict=Verdict.ONLY_IF,
    why="Only if each form of the page has its own. One tag for two versions, and a 304 confirms the wrong one.",
    source="RFC 9110 §8.8.3; hishel 2.0.0 serves v1 to a v2 client after such a 304",
)
def one_tag_for_two_versions_confirms_the_wrong_body() -> Evidence:
    """A client that holds version 1 asks for version 2 with the tag it has; exact: 304 with one tag, 200 with two."""
    one, own = _status_of_the_other_version(one_tag=True), _status_of_the_other_version(one_tag=False)
    return Evidence(f"one tag for all: {one}; a tag each: {own}", "304; 200", (one, own) == (304, 200))


@claim(
    "Q-14.8",
    "A stored page may be served to whoever asks for its URL.",
    verdict=Verdict.WRONG,
    why="Not if it was asked for with Authorization, unless public, s-maxage or must-revalidate says so.",
    source="RFC 9111 §3.5; nginx proxy_cache does it all the same (measured)",
)
def credentials_keep_a_page_out_of_a_shared_cache() -> Evidence:
    """Two customers ask a shared cache for one URL; who gets the first one's page: nobody with max-age, the second
    with public."""
    leaks = {control: _second_gets(control) for control in ("max-age=60", "public, max-age=60")}
    return Evidence(
        "; ".join(f"{control}: the second reads {name}'s" for control, name in leaks.items()),
        "claimed: the same page",
        list(leaks.values()) == ["bob", "ada"],
    )


@claim(
    "Q-14.9",
    "A cache takes the load of a popular page off the origin.",
    verdict=Verdict.ONLY_IF,
    why="Only if those who miss together do not all go. At each end of its lifetime the crowd is at the origin.",
)
def those_who_miss_together_all_go() -> Evidence:
    """A page for half of 100 requests a second, made in 0.5 s, three seeds.  Most at once: over 20 without protection,
    at most two thirds of that when one goes for all."""
    runs = _stampede()
    crowd, alone = (runs.values(name, "most at once") for name in ("no-protection", "single-flight"))
    return Evidence(
        f"{span(crowd)} at once; single flight {span(alone)}",
        "50/s × 0.5 s = 25 for one page",
        min(crowd) > 20 and all(one < 0.67 * all_go for one, all_go in zip(alone, crowd, strict=True)),
    )


@claim(
    "Q-14.10",
    "Jitter on the lifetimes prevents a stampede.",
    verdict=Verdict.ONLY_IF,
    why="Only if many pages were stored together. One hot page has one end of life, jittered or not.",
)
def jitter_takes_pages_apart_and_not_clients() -> Evidence:
    """Most at once at the origin, jittered over plain, three seeds: 50 pages loaded together below 0.8 each; one hot
    page above 0.7 on average."""
    many = on_seeds(cache_stampede(hot=0.0, pages=50, rate=250.0, workers=400, horizon=12.0), _JITTER)
    shares = {"one hot page": _ratios(_stampede()), "50 pages": _ratios(many)}
    hot = sum(shares["one hot page"]) / 3
    return Evidence(
        "; ".join(f"{name} {span(values, '.2f')}" for name, values in shares.items()) + " of the crowd",
        "1 for one page, less for many",
        hot > 0.7 and max(shares["50 pages"]) < 0.8,
    )


@claim(
    "Q-14.11",
    "With stale-while-revalidate nobody waits for a page that has gone stale.",
    verdict=Verdict.HOLDS,
    why="They get the old one, which is the price: choose the grace by how old the page may be.",
    source="RFC 5861 §3",
)
def an_old_page_at_once() -> Evidence:
    """p99 of the later calls: 0 s on each of three seeds, with over 100 answers older than their lifetime; with single
    flight alone 0.49 s and more, none of them old."""
    runs = _stampede()
    (waits, old), (waits_alone, old_alone) = (
        [runs.values(name, figure) for figure in ("later p99, s", "stale")]
        for name in ("stale-while-revalidate", "single-flight")
    )
    return Evidence(
        f"p99 {span(waits, '.2f')} s, {span(old)} old answers; single flight {span(waits_alone, '.2f')} s, "
        f"{span(old_alone)} old",
        "0 s; 0.50 s",
        max(waits) == 0.0 and min(old) > 100 and min(waits_alone) >= 0.49 and max(old_alone) == 0.0,
    )


@claim(
    "Q-14.12",
    "An origin that is large enough for the misses of a warm cache is large enough.",
    verdict=Verdict.WRONG,
    why="It may never get warm: pages that wait in the queue for a lifetime are stale when they come.",
)
def a_cold_cache_may_never_warm_up() -> Evidence:
    """Warm, 11 pages of 10 s keep 0.55 of 3 workers busy.  From cold, three seeds: without protection under 60 % of the
    calls end well, with single flight every one."""
    runs = on_seeds(cache_stampede(workers=3, pages=10, horizon=24.0), ["no-protection", "single-flight"])
    ok = {
        name: [
            100 * good / calls for good, calls in zip(*(runs.values(name, of) for of in ("ok", "calls")), strict=True)
        ]
        for name in runs.figures
    }
    return Evidence(
        "ok from cold: " + "; ".join(f"{name} {span(values)} %" for name, values in ok.items()),
        "claimed: 100 %",
        max(ok["no-protection"]) < 60 and min(ok["single-flight"]) == 100,
    )


@claim(
    "Q-14.13",
    "Vary: Accept-Encoding is all the Vary that an API needs.",
    verdict=Verdict.WRONG,
    why="Every request field that decides the body must be named, or one client's version goes to another.",
    source="RFC 9110 §12.5.5, RFC 9111 §4.1",
)
def a_field_left_out_of_vary_serves_the_wrong_body() -> Evidence:
    """Two versions behind a shared cache, three seeds.  Wrong bodies: over 10 % with the version left out of Vary, none
    with it."""
    runs = wrong_bodies()
    wrong = {name: wrong_share(runs, name) for name in ("right", "vary-without-version")}
    return Evidence(
        "; ".join(f"{name} {span(values)} % wrong" for name, values in wrong.items()),
        "claimed: 0 %",
        max(wrong["right"]) == 0.0 and min(wrong["vary-without-version"]) > 10,
    )


@claim(
    "Q-14.14",
    "Behind a CDN a browser keeps a page for the whole of its max-age.",
    verdict=Verdict.WRONG,
    why="The time that it lay in the CDN counts, by its Age. s-maxage gives the CDN a lifetime of its own.",
    source="RFC 9111 §4.2.3, §5.2.2.10",
)
def the_age_of_a_cdns_page_counts() -> Evidence:
    """Users who come once a lifetime, with and without a CDN in between, three seeds: 1.26 times the round trips,
    within 0.1."""
    runs = _private(100)
    more = [
        behind / direct
        for behind, direct in zip(*(runs.values(who, "round trips") for who in ("cdn+max-age", "max-age")), strict=True)
    ]
    return Evidence(
        f"{span(more, '.2f')} times as many round trips",
        "(1 + λT)(1 - exp(-λT)) / λT = 1.26",
        between(more, 1.16, 1.36),
    )


_TAGGED = ("etag", "nobody")
_JITTER = ("jittered-lifetime", "no-protection")


@functools.cache
def _private(clients: int) -> Comparison:
    """A hundredth of the guide's hour, six times over."""
    others = {10: ("nobody", "etag"), 100: ("cdn+max-age",)}
    policies = ("max-age", *others.get(clients, ()))
    return on_seeds(private_cache(clients=clients, calls_per_hour=10_000 / _SCALE, hours=7.0), policies)


@functools.cache
def _stampede() -> Comparison:
    """A hot page over two lifetimes."""
    return on_seeds(
        cache_stampede(horizon=23.0), ["no-protection", "single-flight", "stale-while-revalidate", "jittered-lifetime"]
    )


@functools.cache
def wrong_bodies() -> Comparison:
    """Through one shared cache: right headers, and two that leave names out of Vary."""
    return on_seeds(wrong_body(horizon=12.0), ["right", "no-vary", "vary-without-version"])


def wrong_share(runs: Comparison, name: str) -> list[float]:
    """Percent of the answers that were made for somebody else."""
    wrong, calls = (runs.values(name, figure) for figure in ("wrong bodies", "calls"))
    return [100 * bad / every for bad, every in zip(wrong, calls, strict=True)]


def _ratios(runs: Comparison) -> list[float]:
    jittered, plain = (runs.values(name, "most at once") for name in _JITTER)
    return [one / other for one, other in zip(jittered, plain, strict=True)]


def _megabytes(clients: int, who: str) -> list[float]:
    """MB an hour at the guide's scale, for each seed."""
    return [_SCALE * value for value in _private(clients).values(who, "MB per hour")]


def _reach(control: str, *, shared: bool) -> int:
    """How many of three requests within the lifetime reach the origin."""
    return sum(how != "hit" for how in asked({"Cache-Control": control, "ETag": '"v1"'}, shared=shared))


def _stored(control: str) -> int:
    cache, page = Cache(shared=True), Unchanging({"Cache-Control": control, "ETag": '"v1"'})
    for number in range(2):
        visit(cache, page, Request("GET", "/account", headers={"Cookie": f"session={number}"}), float(number))
    return len(cache)


def _second_gets(control: str) -> str:
    """Whose page the second customer reads."""
    cache, page = Cache(shared=True), Unchanging({"Cache-Control": control}, own=True)
    for name in ("ada", "bob"):
        last: Response = visit(cache, page, Request("GET", "/account", headers={"Authorization": name}), 0.0).response
    return last.body.decode().rpartition(" ")[2]


def _status_of_the_other_version(*, one_tag: bool) -> int:
    store = MemoryStore()
    store.insert(PRODUCTS, "7", {"name": "Lamp", "price": {"amount": 1_999, "currency": "EUR"}})
    catalog = Catalog(store, design=CacheDesign(one_tag=one_tag))
    first = serve(catalog, Request("GET", "/products/7", headers={"Accept-Version": "1"})).response
    headers = {"Accept-Version": "2", "If-None-Match": first.header("ETag") or ""}
    return serve(catalog, Request("GET", "/products/7", headers=headers)).response.status
