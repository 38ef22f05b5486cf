"""What a server says about its limits, and what a client reads: tables, round trips and fuzz."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request, Response, parse_http_date, parse_retry_after
from sim.policies.limiter import (
    GCRA,
    ByKey,
    Decision,
    DraftHeaders,
    FixedWindow,
    QuotaPolicy,
    ServiceLimit,
    announce,
    de_facto,
    read_limit,
    read_policies,
    read_ratelimit,
    read_x_ratelimit,
    retry_after_date,
    retry_after_seconds,
    silent,
    too_many,
    x_ratelimit,
)

EPOCH = 1_700_000_000.0
FUZZ = settings(max_examples=150)

PASSED = Decision(True, 100, 42, 29.2)
REFUSED = Decision(False, 100, 0, 59.2, 0.6)
NEVER = Decision(False, 100, 100, 0.0, None)


@pytest.mark.parametrize(
    ("style", "decision", "headers"),
    [
        (
            x_ratelimit,
            PASSED,
            {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "42", "X-RateLimit-Reset": "1700000030"},
        ),
        (
            de_facto,
            REFUSED,
            {
                "X-RateLimit-Limit": "100",
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": "1700000060",
                "Retry-After": "1",
            },
        ),
        (retry_after_seconds, PASSED, {}),
        (retry_after_seconds, REFUSED, {"Retry-After": "1"}),
        (retry_after_seconds, REFUSED._replace(retry_after=2.0), {"Retry-After": "2"}),
        (retry_after_seconds, NEVER, {}),
        (retry_after_date, REFUSED, {"Retry-After": "Tue, 14 Nov 2023 22:13:21 GMT"}),
        (retry_after_date, PASSED, {}),
        (retry_after_date, NEVER, {}),
        (silent, REFUSED, {}),
        (
            DraftHeaders(QuotaPolicy(quota=100, window=60)),
            REFUSED,
            {"RateLimit-Policy": '"default";q=100;w=60', "RateLimit": '"default";r=0;t=60', "Retry-After": "1"},
        ),
        (
            DraftHeaders(QuotaPolicy(name='a "b" \\', quota=5, unit="content-bytes")),
            PASSED,
            {"RateLimit-Policy": '"a \\"b\\" \\\\";q=5;qu="content-bytes"', "RateLimit": '"a \\"b\\" \\\\";r=42;t=30'},
        ),
        (
            DraftHeaders(QuotaPolicy(quota=100)),
            PASSED._replace(level="user"),
            {"RateLimit-Policy": '"user";q=100', "RateLimit": '"user";r=42;t=30'},
        ),
    ],
)
def test_a_decision_in_headers(style, decision, headers):
    """Each style, times rounded up to whole seconds."""
    assert style(decision, EPOCH) == headers


@pytest.mark.parametrize(
    ("value", "limits"),
    [
        ('"default";r=50;t=30', [(50, 30.0, "default")]),
        ('"3-in-1min"; r=2; t=60', [(2, 60.0, "3-in-1min")]),  # as express-rate-limit 8.7.5 writes it
        ('"a";r=0', [(0, None, "a")]),
        ('"a";r=5;t=1, "b";r=0;t=9;x=?0', [(5, 1.0, "a"), (0, 9.0, "b")]),
        ("", None),
        ("default;r=50;t=30", None),
        ('"default"', None),
        ('"default";t=30', None),
        ('"default";r=-1;t=30', None),
        ('"default";r=5.0;t=30', None),
        ('"default";r="5";t=30', None),
        ('"default";r;t=30', None),
        ('"default";r=5;t=-1', None),
        ('"default";r=5;t=1.5', None),
        ('"default";r=5;t=1,', None),
        ('("default");r=5;t=1', None),
        ('"";r=5;t=1', None),
        ('"a";r=9999999999999999', None),
        ("limit=100, remaining=50, reset=30", None),
        ('"é";r=1', None),
        ("5", None),
        ("x" * 100_000, None),
    ],
)
def test_the_drafts_ratelimit_is_read_or_is_nothing(value, limits):
    """A list of strings, each with r and perhaps t, whole and not negative; anything else is None."""
    seen = read_ratelimit(value)
    assert limits is None or seen is not None
    assert (None if seen is None else [(s.remaining, s.reset_after, s.name) for s in seen]) == limits


@pytest.mark.parametrize(
    ("value", "policies"),
    [
        ('"burst";q=10;w=1, "daily";q=1000;w=86400', [("burst", 10, 1), ("daily", 1000, 86_400)]),
        ('"default";q=100', [("default", 100, None)]),
        ('"default";q=100;qu="content-bytes";w=60;pk=:cHsdsRa894==:', [("default", 100, 60)]),
        ("100;w=60", None),
        ('"default";w=60', None),
        ('"default";q=1;w=?1', None),
        ('"default";q=1;qu=bytes', None),
        ('"default";q=1;qu=""', None),
        ("", None),
    ],
)
def test_policies_are_read_or_are_nothing(value, policies):
    """A list of strings, each with q and perhaps w and qu; anything else is None."""
    seen = read_policies(value)
    assert (None if seen is None else [(p.name, p.quota, p.window) for p in seen]) == policies


@pytest.mark.parametrize(
    ("headers", "limit"),
    [
        (
            {"Remaining": "0", "Reset": "1700000030", "Limit": "100"},
            ServiceLimit(remaining=0, reset_after=30.0, limit=100),
        ),
        ({"Remaining": "7"}, ServiceLimit(remaining=7)),
        ({"Remaining": "7", "Reset": "12"}, ServiceLimit(remaining=7, reset_after=0.0)),
        ({"Reset": "1700000030"}, None),
        ({"Remaining": "-1"}, None),
        ({"Remaining": "1.5"}, None),
        ({"Remaining": "many"}, None),
        ({"Remaining": ""}, None),
        ({"Remaining": "١"}, None),
        ({"Remaining": "1", "Reset": "soon"}, None),
        ({"Remaining": "1", "Limit": "100, 100;window=60"}, None),
        ({"Remaining": "9" * 16}, None),
        ({}, None),
    ],
)
def test_the_de_facto_headers_are_read_or_are_nothing(headers, limit):
    """Digits only; a reset is an epoch second, and one in the past is now."""
    response = Response(headers={f"x-ratelimit-{name}": value for name, value in headers.items()})
    assert read_x_ratelimit(response, now=EPOCH) == limit
    assert read_limit(response, now=EPOCH) == limit


def test_the_tightest_limit_is_read():
    """Of several limits the one with the least left, then the one that lasts longest; a malformed field is nothing."""
    both = {"RateLimit": '"a";r=5;t=1, "b";r=0;t=9, "c";r=0;t=3', "X-RateLimit-Remaining": "1"}
    assert read_limit(Response(headers=both), now=0.0).name == "b"
    assert read_limit(Response(headers={**both, "RateLimit": "nonsense;"}), now=0.0) == ServiceLimit(remaining=1)
    assert read_limit(Response(), now=0.0) is None


@pytest.mark.slow
@FUZZ
@given(
    st.builds(
        Decision,
        st.booleans(),
        st.integers(1, 10**9),
        st.integers(0, 10**9),
        st.floats(0.0, 1e9),
        st.floats(1e-9, 1e9),
        level=st.just(""),
    ),
    st.floats(0.0, 4e9),
)
def test_what_is_said_is_read_and_never_too_early(decision, now):
    """Every style, read back by its reader: the same numbers, and times rounded up by less than a second."""
    policy = QuotaPolicy(quota=decision.limit, window=60)
    for style in (de_facto, DraftHeaders(policy)):
        headers = style(decision, now)
        said = read_limit(Response(headers=headers), now=now)
        assert said.remaining == decision.remaining
        assert decision.reset_after - 1e-6 <= said.reset_after <= decision.reset_after + 1.0 + 1e-6
        if not decision.allowed:
            wait = parse_retry_after(headers["Retry-After"], now=now)
            assert decision.retry_after <= wait < decision.retry_after + 1.0
    if not decision.allowed:
        instant = parse_http_date(retry_after_date(decision, now)["Retry-After"])
        assert now + decision.retry_after <= instant <= now + decision.retry_after + 1.0
    assert read_policies(DraftHeaders(policy)(decision, now)["RateLimit-Policy"]) == (policy,)


@pytest.mark.slow
@FUZZ
@given(st.lists(st.floats(0.0, 30.0), max_size=30), st.sampled_from([0.0, EPOCH, EPOCH + 0.1]))
def test_a_client_that_obeys_either_header_is_let_through(gaps, start):
    """Refused, it waits as long as either form of Retry-After says, and passes."""
    gate, now = ByKey(GCRA(7, period=20.0, burst=2)), start
    for gap in gaps:
        now += gap
        answer = gate.decide(Request(), now)
        if not answer.allowed:
            for style in (retry_after_seconds, retry_after_date):
                wait = parse_retry_after(style(answer, now)["Retry-After"], now=now)
                assert gate.peek(Request(), now + wait).allowed


text = st.one_of(
    st.text(max_size=60),
    st.text(alphabet='";=,()?:*-. rtqwpk0123456789aB\\\t', max_size=60),
    st.builds('"{}";r={};t={}'.format, st.text(max_size=5), st.text(max_size=5), st.integers()),
)


@pytest.mark.slow
@FUZZ
@given(text)
def test_no_header_breaks_a_reader(value):
    """Whatever arrives, a reader answers with something sane or with None, and never raises."""
    for limit in read_ratelimit(value) or ():
        assert limit.remaining >= 0
        assert limit.reset_after is None or 0.0 <= limit.reset_after < math.inf
    for policy in read_policies(value) or ():
        assert read_policies(announce(policy)) == (policy,)
    names = ("X-RateLimit-Remaining", "X-RateLimit-Reset", "X-RateLimit-Limit", "RateLimit")
    for name in names:
        read_limit(Response(headers=dict.fromkeys(names, "3") | {name: value}), now=0.0)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"name": ""}, "name must be printable ASCII, got ''"),
        ({"name": "größe"}, "name must be printable ASCII, got 'größe'"),
        ({"unit": "a\nb"}, "unit must be printable ASCII"),
        ({"quota": -1}, "quota must be from 0 to 999999999999999, got -1"),
        ({"window": 10**15}, "window must be from 0 to 999999999999999"),
    ],
)
def test_a_wrong_policy_is_named(setting, sentence):
    """What a structured field cannot hold is refused when the policy is made."""
    with pytest.raises(ValueError, match=sentence):
        QuotaPolicy(**setting)


def test_too_many_is_a_problem_document():
    """A 429 with the style's headers, and a detail that names the level and the seconds, rounded up."""
    answer = too_many(REFUSED._replace(level="address"), EPOCH)
    assert answer.status == 429
    assert answer.header("Content-Type") == "application/problem+json"
    assert answer.wait(now=EPOCH) == 1.0
    assert answer.json() == {
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "too many requests for this address; try again in 1 s",
    }


def test_too_many_does_not_ask_for_what_does_not_help():
    """A cost that never passes has no Retry-After, and says so."""
    answer = too_many(NEVER, EPOCH)
    assert (answer.status, answer.wait(now=EPOCH)) == (429, None)
    assert answer.json()["detail"].endswith("trying again does not help")


@pytest.mark.parametrize("style", [de_facto, retry_after_date, silent, DraftHeaders(QuotaPolicy())])
def test_too_many_in_every_style(style):
    """The headers are the style's, beside the media type."""
    gate = ByKey(FixedWindow(1, period=60.0))
    gate.decide(Request(), EPOCH)
    refused = gate.decide(Request(), EPOCH)
    answer = too_many(refused, EPOCH, style)
    assert dict(answer.headers) == {"Content-Type": "application/problem+json", **style(refused, EPOCH)}
