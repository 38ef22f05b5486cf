"""Freshness: lifetime and age, as tables of headers and instants."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Response, http_date
from sim.policies.caching.cachecontrol import CacheControl
from sim.policies.caching.freshness import age_header, freshness, initial_age, lifetime

NOW = 1_000_000_000.0

LIFETIMES = {
    # headers -> (lifetime in a private cache, in a shared one), received at NOW
    "nothing": ({}, None, None),
    "max-age": ({"Cache-Control": "max-age=60"}, 60.0, 60.0),
    "s-maxage is for shared caches": ({"Cache-Control": "s-maxage=10, max-age=60"}, 60.0, 10.0),
    "s-maxage alone": ({"Cache-Control": "s-maxage=10"}, None, 10.0),
    "max-age goes before Expires": ({"Cache-Control": "max-age=60", "Expires": http_date(NOW + 5)}, 60.0, 60.0),
    "a broken max-age too": ({"Cache-Control": "max-age=x", "Expires": http_date(NOW + 5)}, 0.0, 0.0),
    "Expires less Date": ({"Expires": http_date(NOW + 90), "Date": http_date(NOW - 10)}, 100.0, 100.0),
    "Expires without Date": ({"Expires": http_date(NOW + 90)}, 90.0, 90.0),
    "Expires in the past": ({"Expires": http_date(NOW - 90)}, 0.0, 0.0),
    "Expires: 0": ({"Expires": "0"}, 0.0, 0.0),
    "Expires: never": ({"Expires": "never"}, 0.0, 0.0),
    "Expires beyond all calendars": ({"Expires": "Fri, 31 Dec 99999 23:59:59 GMT"}, 0.0, 0.0),
    "a Date that is none": ({"Expires": http_date(NOW + 90), "Date": "today"}, 90.0, 90.0),
    "no heuristic by default": ({"Last-Modified": http_date(NOW - 1_000)}, None, None),
}


@pytest.mark.parametrize("case", LIFETIMES)
@pytest.mark.parametrize("shared", [False, True])
def test_the_lifetime_is_what_the_headers_say(case, shared):
    """s-maxage for shared caches, then max-age, then Expires less Date; else nobody has said anything."""
    headers, private_expected, shared_expected = LIFETIMES[case]
    response = Response(200, headers=headers)
    judged = freshness(response, shared=shared, requested_at=NOW, received=NOW)
    stated = lifetime(response, judged.control, shared=shared, received=NOW)
    assert stated == (shared_expected if shared else private_expected)
    assert judged.lifetime == (stated or 0.0)


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, {"Last-Modified": http_date(NOW - 1_000)}, 100.0),
        (200, {"Last-Modified": http_date(NOW - 1_000), "Date": http_date(NOW - 500)}, 50.0),
        (200, {"Last-Modified": http_date(NOW + 1_000)}, 0.0),
        (200, {"Last-Modified": "long ago"}, None),
        (302, {"Last-Modified": http_date(NOW - 1_000)}, None),
        (302, {"Last-Modified": http_date(NOW - 1_000), "Cache-Control": "public"}, 100.0),
        (200, {"Last-Modified": http_date(NOW - 1_000), "Cache-Control": "max-age=7"}, 7.0),
    ],
)
def test_a_heuristic_guesses_only_where_nothing_is_said(status, headers, expected):
    """A tenth of the time since the last change, when it is switched on and the status allows it (§4.2.2)."""
    response = Response(status, headers=headers)
    control = freshness(response, shared=True, requested_at=NOW, received=NOW).control
    assert lifetime(response, control, shared=True, received=NOW, heuristic=0.1) == expected


AGES = {
    # headers, requested, received -> age on arrival
    "fresh from the origin": ({}, NOW, NOW, 0.0),
    "the way counts": ({}, NOW - 2, NOW, 2.0),
    "Age and the way": ({"Age": "10"}, NOW - 2, NOW, 12.0),
    "Date": ({"Date": http_date(NOW - 30)}, NOW, NOW, 30.0),
    "the larger of the two": ({"Date": http_date(NOW - 30), "Age": "10"}, NOW - 2, NOW, 30.0),
    "the larger of the two, the other way": ({"Date": http_date(NOW - 5), "Age": "10"}, NOW - 2, NOW, 12.0),
    "a Date in the future": ({"Date": http_date(NOW + 30)}, NOW, NOW, 0.0),
    "an Age that is none": ({"Age": "old"}, NOW, NOW, 0.0),
    "a negative Age": ({"Age": "-5"}, NOW, NOW, 0.0),
    "two Ages": ({"Age": "7, 3"}, NOW, NOW, 7.0),
    "a clock that went back": ({}, NOW + 5, NOW, 0.0),
}


@pytest.mark.parametrize("case", AGES)
def test_the_age_on_arrival(case):
    """The larger of the time since Date and Age plus round trip; unreadable values are left out (§4.2.3)."""
    headers, requested, received, expected = AGES[case]
    assert initial_age(Response(200, headers=headers), requested_at=requested, received=received) == expected


def test_a_response_grows_old():
    """Fresh while the lifetime exceeds the age: at the lifetime itself it is stale."""
    judged = freshness(
        Response(200, headers={"Cache-Control": "max-age=60", "Age": "10"}), shared=True, requested_at=0.0, received=2.0
    )
    assert [judged.age(now) for now in (2.0, 3.0, 50.0)] == [12.0, 13.0, 60.0]
    assert [judged.left(now) > 0 for now in (2.0, 49.9, 50.0)] == [True, True, False]


def test_a_clock_that_goes_back_makes_nothing_younger():
    """Asked about an instant before it arrived, a response is as old as on arrival."""
    judged = freshness(Response(200), shared=True, requested_at=5.0, received=7.0)
    assert judged.age(-100.0) == judged.age(7.0) == 2.0


@pytest.mark.slow
@settings(max_examples=200)
@given(st.floats(0, 1e9))
def test_the_age_header_never_flatters(age):
    """Age is written in whole seconds and rounded up, by one at most."""
    written = int(age_header(age))
    assert age <= written <= age + 1.0


headers = st.dictionaries(
    st.sampled_from(["Cache-Control", "Expires", "Date", "Age", "Last-Modified", "expires"]),
    st.text(max_size=30)
    | st.sampled_from(["max-age=60", "s-maxage=5", http_date(0), http_date(2e9), "5", "-1", "9" * 400, "Mon, 99 Foo"]),
    max_size=5,
)


@pytest.mark.slow
@settings(max_examples=200)
@given(headers, st.floats(0, 4e9), st.floats(0, 1e6), st.booleans(), st.floats(0, 1))
def test_any_headers_give_a_finite_freshness(headers, received, way, shared, heuristic):
    """Whatever the headers say, lifetime and age are finite and at least 0, and nothing raises."""
    judged = freshness(
        Response(200, headers=headers),
        shared=shared,
        requested_at=received - way,
        received=received,
        heuristic=heuristic,
    )
    assert 0.0 <= judged.lifetime < inf
    assert 0.0 <= judged.initial_age < inf
    assert isinstance(judged.control, CacheControl)
