"""Deprecation, sunset and brown-outs, as tables of (instant, answer)."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Response, http_date
from sim.policies.versions.deprecation import (
    BrownOuts,
    DeprecationWatch,
    Lifecycle,
    Retirement,
    format_deprecation,
    parse_deprecation,
    read_notice,
)

DAY = 86_400.0
LIFE = Lifecycle(deprecated=10 * DAY, sunset=100 * DAY, policy="/docs/v1", successor="/v2/users")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("@1688169599", 1688169599.0),
        (" @0 ", 0.0),
        ("@-5", -5.0),
        ('@5;why="v1 is old"', 5.0),
        ("true", None),
        ("?1", None),
        ("1688169599", None),
        ("@1.5", None),
        ("@", None),
        ("", None),
        ("@1, @2", None),
        ("@99999999999999", None),
        ("@1688169599é", None),
        ("Fri, 30 Jun 2023 23:59:59 GMT", None),
    ],
)
def test_a_deprecation_is_a_structured_date(value, expected):
    """RFC 9745: seconds behind an @; true, a boolean, a bare number and an HTTP-date are not valid."""
    assert parse_deprecation(value) == expected


@pytest.mark.parametrize("seconds", [-1.0, 253_402_300_800.0, math.inf, math.nan])
def test_only_dates_that_can_be_written_are_formatted(seconds):
    """Before 1970, beyond 9999 and no number at all are refused."""
    with pytest.raises(ValueError, match="1970"):
        format_deprecation(seconds)


@settings(max_examples=100)
@given(st.floats(0, 253_402_300_799))
def test_a_date_survives_the_header(seconds):
    """What is formatted is parsed back, rounded down to the second."""
    assert parse_deprecation(format_deprecation(seconds)) == math.floor(seconds)


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"deprecated": 10.0, "sunset": 9.0}, "sunset must not be earlier than deprecated"),
        ({"deprecated": -1.0}, "deprecated must be at least 0"),
        ({"deprecated": 0.0, "successor": "/v2 users"}, "URL without spaces"),
        ({"deprecated": 0.0, "policy": "/a>\r\nSet-Cookie: x"}, "URL without spaces"),
    ],
)
def test_a_lifecycle_is_checked_at_construction(settings_, message):
    """A sunset before the deprecation (RFC 9745 §4) and a link that breaks out of its header are refused."""
    with pytest.raises(ValueError, match=message):
        Lifecycle(**settings_)


def test_a_lifecycle_without_an_end_says_only_that():
    """No Sunset header and no Link unless they are known."""
    assert Lifecycle(deprecated=10.0).headers() == {"Deprecation": "@10"}
    assert Lifecycle(deprecated=10.0, sunset=10.0).headers()["Sunset"] == http_date(10.0)


@pytest.mark.parametrize(
    ("status", "script"),
    [
        (410, [(0, None), (39.9, None), (40, 410), (44.9, 410), (45, None), (60, 410), (99, None), (100, 410)]),
        (503, [(0, None), (40, 503), (45, None), (85, None), (100, 410), (1e12, 410)]),
    ],
)
def test_the_life_of_a_version(status, script):
    """It serves, fails in each window up to but not including its end, and is gone from the sunset on."""
    brown_outs = BrownOuts.before(100.0, every=20.0, length=5.0, count=3, status=status)
    retirement = Retirement(lifecycle=Lifecycle(deprecated=10.0, sunset=100.0), brown_outs=brown_outs)
    for now, expected in script:
        answer = retirement.refuse(now)
        assert (None if answer is None else answer.status) == expected, now


def test_a_brown_out_by_503_says_when_it_is_over_and_410_does_not():
    """Retry-After is exact: at that instant it serves again; so a patient client never learns of the sunset."""
    for status, wait in ((503, 3.0), (410, None)):
        retirement = Retirement(lifecycle=LIFE, brown_outs=BrownOuts(windows=((40.0, 5.0),), status=status))
        assert retirement.refuse(42.0).retry_after == wait
    assert retirement.refuse(45.0) is None


def test_a_silent_sunset_says_nothing_before_it_comes():
    """Without the announcement no answer warns, not even the refusal."""
    silent = Retirement(lifecycle=LIFE, announce=False)
    assert silent.headers() == {}
    assert silent.refuse(99 * DAY) is None
    assert silent.refuse(100 * DAY).header("Sunset") is None


def test_brown_outs_may_touch():
    """A window may begin where the last one ends: it fails through, and serves at the end of the second."""
    windows = BrownOuts(windows=((0.0, 5.0), (5.0, 5.0)))
    assert [windows.ends_at(now) for now in (-0.1, 0.0, 4.9, 5.0, 9.9, 10.0)] == [None, 5.0, 5.0, 10.0, 10.0, None]


@pytest.mark.parametrize(
    "windows", [((5.0, 0.0),), ((5.0, -1.0),), ((5.0, 3.0), (7.0, 1.0)), ((9.0, 1.0), (1.0, 1.0)), ((math.nan, 1.0),)]
)
def test_brown_outs_are_in_order_and_apart(windows):
    """Empty, overlapping and unordered windows are refused."""
    with pytest.raises(ValueError, match="windows must be in order"):
        BrownOuts(windows=windows)


@pytest.mark.parametrize(
    ("headers", "deprecated", "sunset", "findings"),
    [
        ({}, None, None, None),
        (LIFE.headers(), 10 * DAY, 100 * DAY, 0),
        ({"deprecation": "@5"}, 5.0, None, 0),
        ({"Sunset": "soon"}, None, None, 1),
        ({"Deprecation": "true", "Sunset": http_date(5.0)}, None, 5.0, 1),
        ({"Deprecation": "@9", "Sunset": http_date(5.0)}, 9.0, 5.0, 1),
    ],
)
def test_a_client_reads_the_headers(headers, deprecated, sunset, findings):
    """What is malformed counts as not sent, and is a finding; a sunset before the deprecation is one, too."""
    notice = read_notice(Response(200, headers=headers))
    if findings is None:
        assert notice is None
    else:
        assert (notice.deprecated, notice.sunset, len(notice.findings)) == (deprecated, sunset, findings)


def test_the_example_of_the_standard_is_read_though_it_is_no_http_date():
    """RFC 9745 §4 itself writes UTC where an HTTP-date has GMT; a reader that refused it would miss the end."""
    headers = {"Deprecation": "@1688169599", "Sunset": "Sun, 30 Jun 2024 23:59:59 UTC"}
    assert read_notice(Response(200, headers=headers)).sunset == 1719791999.0


def test_the_watch_warns_once_and_again_when_it_is_urgent():
    """One warning a resource, one more when 30 days are left, and then no more."""
    watch, answer = DeprecationWatch(), Response(200, headers=LIFE.headers())
    script = [(11, True), (12, False), (69, False), (70, True), (99, False), (101, False)]
    assert [watch.observe("/v1/users", answer, day * DAY) is not None for day, _ in script] == [
        expected for _, expected in script
    ]
    assert watch.observe("/v1/orders", answer, 101 * DAY) == (
        f"/v1/orders ended 1 day ago, on {http_date(100 * DAY)}; move to /v2/users"
    )


@pytest.mark.parametrize(
    ("day", "says"),
    [(60, "ends in 40 days"), (99, "ends in 1 day,"), (100, "ended 0 days ago"), (102, "ended 2 days ago")],
)
def test_a_warning_says_how_many_days_are_left(day, says):
    """Whole days before the sunset and after it."""
    assert says in DeprecationWatch().observe("/v1", Response(200, headers=LIFE.headers()), day * DAY)


def test_the_watch_is_silent_about_what_it_cannot_read():
    """Deprecation: true says nothing that can be relied on, and the next good header still warns."""
    watch = DeprecationWatch()
    assert watch.observe("/v1", Response(200, headers={"Deprecation": "true"}), 0.0) is None
    assert watch.observe("/v1", Response(200), 0.0) is None
    assert watch.observe("/v1", Response(200, headers={"Deprecation": "@5"}), 0.0) == (
        "/v1 is deprecated and has no end yet"
    )


@pytest.mark.slow
@settings(max_examples=150)
@given(
    st.dictionaries(st.sampled_from(["Deprecation", "Sunset", "Link"]), st.text(max_size=50)),
    st.floats(-1e18, 1e18),
)
def test_no_header_makes_a_client_stumble(headers, now):
    """Any text in the three headers, at any instant: a notice or none, a sentence or none, never an exception."""
    response = Response(200, headers=headers)
    notice = read_notice(response)
    assert (notice is None) == (not {"Deprecation", "Sunset"} & headers.keys())
    warning = DeprecationWatch().observe("/v1", response, now)
    assert warning is None or warning.startswith("/v1 ")
