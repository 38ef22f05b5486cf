"""HTTP facts: Retry-After in both forms, and in neither."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.http import Request, Response, parse_retry_after

NOON = 1_445_412_480.0  # Wed, 21 Oct 2015 07:28:00 GMT, the date that RFC 9110 and MDN like to use


@pytest.mark.parametrize(
    ("value", "now", "expected"),
    [
        ("120", 0.0, 120.0),
        ("0", 5.0, 0.0),
        (" 3\t", 0.0, 3.0),
        ("007", 0.0, 7.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", NOON - 30, 30.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", NOON - 0.25, 0.25),
        ("Wed, 21 Oct 2015 07:28:00 GMT", NOON, 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", NOON + 1e6, 0.0),
        ("Wednesday, 21-Oct-15 07:28:00 GMT", NOON - 1, 1.0),
    ],
)
def test_seconds_and_dates(value, now, expected):
    """Delta seconds are the wait; a date is the wait until then, 0 when it has passed."""
    assert parse_retry_after(value, now=now) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "soon",
        "-1",
        "+1",
        "1.5",
        "1e3",
        "1_000",
        "0x10",
        "inf",
        "nan",
        "10 s",
        "10, 20",
        "٣",
        "²",
        "9" * 400,
        "Wed, 99 Oct 2015 07:28:00 GMT",
        "Wed, 21 Oct 99999 07:28:00 GMT",
        "Wed, 21 Oct 2015 07:28:00 -0000",
        "Wed, 21 Oct 2015 07:28:00",
        "2015-10-21T07:28:00Z",
        "{'seconds': 3}",
    ],
)
def test_garbage_says_nothing(value):
    """What is neither whole seconds nor an HTTP-date is None: a client falls back to its own backoff."""
    assert parse_retry_after(value, now=0.0) is None


@pytest.mark.slow
@given(st.text(max_size=40) | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{1,5} [0-9:]{1,8} GMT"))
def test_no_header_crashes_a_client(value):
    """Whatever stands in the header, the answer is None or a finite wait of at least 0."""
    wait = parse_retry_after(value, now=1e9)
    assert wait is None or 0.0 <= wait < math.inf


@pytest.mark.parametrize("seconds", [0, 1, 59, 86_400, 10**9])
def test_whole_seconds_come_back(seconds):
    """A wait that was written as delta seconds is read as that wait, at any time of day."""
    assert parse_retry_after(str(seconds), now=NOON) == float(seconds)


def test_the_defaults_are_a_plain_exchange():
    """A request without arguments is a POST of nothing, a response a 200 without Retry-After; they share no headers."""
    assert (Request().method, Request().path, Request().key, Request().body) == ("POST", "/", "", b"")
    assert (Response().status, Response().retry_after, Response().body) == (200, None, b"")
    assert Request().headers is not Request().headers
