"""One request through a cache: who answered, and what the service behind it was asked."""

import pytest

from sim.http import Request
from sim.policies.caching.cache import Cache
from sim.services.catalog.visits import Unchanging, asked, visit

TABLE = [
    ("max-age=60", ["fetched", "hit", "hit"], ["fetched", "hit", "hit"]),
    ("no-cache", ["fetched", "validated", "validated"], ["fetched", "validated", "validated"]),
    ("private, max-age=60", ["fetched", "hit", "hit"], ["fetched", "fetched", "fetched"]),
    ("no-store", ["fetched", "fetched", "fetched"], ["fetched", "fetched", "fetched"]),
    ("s-maxage=60", ["fetched", "validated", "validated"], ["fetched", "hit", "hit"]),
]


@pytest.mark.parametrize(("control", "private", "shared"), TABLE)
def test_each_directive_does_what_the_specification_says(control, private, shared):
    """Three requests for one tagged page, a second apart, through one user's cache and through everybody's."""
    headers = {"Cache-Control": control, "ETag": '"v1"'}
    assert asked(headers, shared=False) == private
    assert asked(headers, shared=True) == shared


@pytest.mark.parametrize(
    ("control", "how"),
    [("max-age=60", "fetched"), ("public, max-age=60", "hit"), ("s-maxage=60", "hit"), ("private", "fetched")],
)
def test_a_shared_cache_keeps_what_was_asked_with_credentials_only_if_told(control, how):
    """RFC 9111 section 3.5: public, s-maxage and must-revalidate say that others may have it."""
    assert asked({"Cache-Control": control}, shared=True, authorization=True)[1:] == [how, how]


def test_a_page_of_ones_own_that_is_called_public_goes_to_the_next():
    """The cache does what it was told; the second customer reads the first one's name."""
    cache, service = Cache(), Unchanging({"Cache-Control": "public, max-age=60"}, own=True)
    seen = [
        visit(cache, service, Request("GET", "/me", name, {"Authorization": name}), 0.0).response.body
        for name in ("ada", "bob")
    ]
    assert seen == [b"made for ada", b"made for ada"]


def test_the_service_is_asked_with_the_tag_and_only_when_the_page_is_stale():
    """A validation carries If-None-Match, and what the client gets is the whole page."""
    cache, service = Cache(), Unchanging({"Cache-Control": "max-age=10", "ETag": '"v1"'})
    first, second, third = (visit(cache, service, Request("GET", "/"), now) for now in (0.0, 5.0, 10.0))
    assert (first.asked.header("If-None-Match"), second.asked) == (None, None)
    assert third.asked.header("If-None-Match") == '"v1"'
    assert (third.status, third.response.status, third.response.body) == (304, 200, b"made for everybody")


def test_only_if_cached_is_refused_without_asking():
    """A request that forbids to ask gets a 504 from an empty cache, and the service hears nothing."""
    found = visit(Cache(), Unchanging({}), Request("GET", "/", headers={"Cache-Control": "only-if-cached"}), 0.0)
    assert (found.response.status, found.asked) == (504, None)


def test_a_304_about_something_else_is_asked_again():
    """A service that confirms a tag that nobody sent is asked once more, without conditions."""
    cache, request = Cache(), Request("GET", "/")
    tagged = Unchanging({"Cache-Control": "no-cache", "ETag": '"v1"'})
    visit(cache, tagged, request, 0.0)

    def confused(request, now):
        if request.header("If-None-Match") is None:
            return tagged(request, now)
        return Unchanging({"ETag": '"v2"'})(Request("GET", "/", headers={"If-None-Match": "*"}), now)

    found = visit(cache, confused, request, 1.0)
    assert (found.status, found.response.body) == (200, b"made for everybody")
    assert found.asked.header("If-None-Match") is None
