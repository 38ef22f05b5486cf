"""Conditional requests, as tables: tags, their comparison, and the order in which the headers count."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request, Response, http_date
from sim.policies.http.conditional import (
    ANY,
    ETag,
    Validators,
    Verdict,
    etag_of,
    evaluate,
    not_modified,
    parse_etag,
    parse_etags,
    refusal,
    validator_headers,
)

NOON = 1_445_412_480.0
EARLIER, THEN, LATER = (http_date(NOON + shift) for shift in (-60, 0, 60))
V1 = Validators(ETag("v1"), NOON)
WEAK = Validators(ETag("v1", weak=True), NOON)
UNDATED = Validators(ETag("v1"))
NOTHING = None
PROCEED, NOT_MODIFIED, FAILED = Verdict.PROCEED, Verdict.NOT_MODIFIED, Verdict.FAILED
REQUIRED, MALFORMED = Verdict.REQUIRED, Verdict.MALFORMED


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"v1"', ETag("v1")),
        ('W/"v1"', ETag("v1", weak=True)),
        ('""', ETag("")),
        ('  "v1"\t', ETag("v1")),
        ('"a,b"', ETag("a,b")),
        ('"W/"', ETag("W/")),
        ('"\xe9"', ETag("\xe9")),
        ('w/"v1"', None),
        ('W/ "v1"', None),
        ("v1", None),
        ('"v1', None),
        ('"a b"', None),
        ('"a"b"', None),
        ('"a\\"b"', None),
        ('"a", "b"', None),
        ("*", None),
        ("", None),
    ],
)
def test_one_tag(value, expected):
    """A tag is a quoted text without spaces and quotes, weak with an upper-case W/ before it."""
    assert parse_etag(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("*", ANY),
        (" * ", ANY),
        ('"a"', (ETag("a"),)),
        ('"a","b"', (ETag("a"), ETag("b"))),
        ('"a" ,\tW/"b"', (ETag("a"), ETag("b", weak=True))),
        (',,"a", ,', (ETag("a"),)),
        ('"a, b"', None),
        ('"a,b", "c"', (ETag("a,b"), ETag("c"))),
        ('"a" "b"', None),
        ('"a"x', None),
        ('*, "a"', None),
        ('"a", *', None),
        ("a", None),
        ("", None),
        (" , ", None),
    ],
)
def test_lists_of_tags(value, expected):
    """Commas separate, empty elements are skipped, and one malformed element spoils the list."""
    assert parse_etags(value) == expected


@pytest.mark.parametrize(
    ("one", "other", "strong", "weak"),
    [
        ('W/"1"', 'W/"1"', False, True),
        ('W/"1"', 'W/"2"', False, False),
        ('W/"1"', '"1"', False, True),
        ('"1"', '"1"', True, True),
    ],
)
def test_comparison(one, other, strong, weak):
    """The four rows of the table in RFC 9110 §8.8.3.2, either way round."""
    first, second = parse_etag(one), parse_etag(other)
    assert first.strongly_equals(second) is second.strongly_equals(first) is strong
    assert first.weakly_equals(second) is second.weakly_equals(first) is weak


@pytest.mark.parametrize(
    ("method", "headers", "current", "expected"),
    [
        # step 1: If-Match
        ("PUT", {"If-Match": '"v1"'}, V1, PROCEED),
        ("PUT", {"If-Match": '"v0", "v1"'}, V1, PROCEED),
        ("PUT", {"If-Match": '"v0"'}, V1, FAILED),
        ("PUT", {"If-Match": 'W/"v1"'}, V1, FAILED),
        ("PUT", {"If-Match": '"v1"'}, WEAK, FAILED),
        ("PUT", {"If-Match": 'W/"v1"'}, WEAK, FAILED),
        ("PUT", {"If-Match": "*"}, V1, PROCEED),
        ("PUT", {"If-Match": "*"}, NOTHING, FAILED),
        ("PUT", {"If-Match": '"v1"'}, NOTHING, FAILED),
        ("GET", {"If-Match": '"v0"'}, V1, FAILED),
        ("POST", {"If-Match": '"v0"'}, V1, FAILED),
        ("DELETE", {"if-match": '"v0"'}, V1, FAILED),
        ("PUT", {"If-Match": '"v1"'}, Validators(modified=NOON), FAILED),
        ("PUT", {"If-Match": "*"}, Validators(), PROCEED),
        # step 2: If-Unmodified-Since, only without If-Match
        ("PUT", {"If-Unmodified-Since": THEN}, V1, PROCEED),
        ("PUT", {"If-Unmodified-Since": LATER}, V1, PROCEED),
        ("PUT", {"If-Unmodified-Since": EARLIER}, V1, FAILED),
        ("PUT", {"If-Unmodified-Since": EARLIER, "If-Match": '"v1"'}, V1, PROCEED),
        ("PUT", {"If-Unmodified-Since": EARLIER}, UNDATED, PROCEED),
        ("PUT", {"If-Unmodified-Since": EARLIER}, NOTHING, PROCEED),
        ("PUT", {"If-Unmodified-Since": "yesterday"}, V1, PROCEED),
        # step 3: If-None-Match
        ("GET", {"If-None-Match": '"v1"'}, V1, NOT_MODIFIED),
        ("HEAD", {"If-None-Match": '"v1"'}, V1, NOT_MODIFIED),
        ("GET", {"If-None-Match": 'W/"v1"'}, V1, NOT_MODIFIED),
        ("GET", {"If-None-Match": '"v1"'}, WEAK, NOT_MODIFIED),
        ("GET", {"If-None-Match": '"v0", "v1"'}, V1, NOT_MODIFIED),
        ("GET", {"If-None-Match": '"v0"'}, V1, PROCEED),
        ("GET", {"If-None-Match": "*"}, V1, NOT_MODIFIED),
        ("GET", {"If-None-Match": "*"}, NOTHING, PROCEED),
        ("PUT", {"If-None-Match": "*"}, V1, FAILED),
        ("PUT", {"If-None-Match": "*"}, NOTHING, PROCEED),
        ("PUT", {"If-None-Match": 'W/"v1"'}, V1, FAILED),
        ("PUT", {"If-None-Match": '"v0"'}, V1, PROCEED),
        ("GET", {"If-Match": '"v1"', "If-None-Match": '"v1"'}, V1, NOT_MODIFIED),
        ("GET", {"If-Match": '"v0"', "If-None-Match": '"v1"'}, V1, FAILED),
        ("PUT", {"If-Match": '"v1"', "If-None-Match": "*"}, V1, FAILED),
        # step 4: If-Modified-Since, only for GET and HEAD, only without If-None-Match
        ("GET", {"If-Modified-Since": THEN}, V1, NOT_MODIFIED),
        ("HEAD", {"If-Modified-Since": LATER}, V1, NOT_MODIFIED),
        ("GET", {"If-Modified-Since": EARLIER}, V1, PROCEED),
        ("GET", {"If-Modified-Since": LATER, "If-None-Match": '"v0"'}, V1, PROCEED),
        ("PUT", {"If-Modified-Since": LATER}, V1, PROCEED),
        ("GET", {"If-Modified-Since": LATER}, UNDATED, PROCEED),
        ("GET", {"If-Modified-Since": "soon"}, V1, PROCEED),
        ("GET", {"If-Match": '"v1"', "If-Modified-Since": LATER}, V1, NOT_MODIFIED),
        ("GET", {"If-Modified-Since": THEN}, Validators(modified=NOON + 0.9), NOT_MODIFIED),
        # no preconditions, and methods that know none
        ("GET", {}, V1, PROCEED),
        ("PUT", {}, V1, PROCEED),
        ("OPTIONS", {"If-Match": '"v0"'}, V1, PROCEED),
        ("TRACE", {"If-None-Match": "*"}, V1, PROCEED),
        # malformed
        ("PUT", {"If-Match": "v1"}, V1, MALFORMED),
        ("PUT", {"If-Match": ""}, V1, MALFORMED),
        ("DELETE", {"If-Match": '"v1" "v2"'}, V1, MALFORMED),
        ("PUT", {"If-None-Match": "none"}, V1, MALFORMED),
        ("GET", {"If-None-Match": "v1"}, V1, PROCEED),
        ("GET", {"If-Match": "v1"}, V1, PROCEED),
    ],
)
def test_preconditions(method, headers, current, expected):
    """The steps of RFC 9110 §13.2.2, one by one and against each other."""
    assert evaluate(Request(method, headers=headers), current) is expected


@pytest.mark.parametrize(
    ("method", "headers", "current", "expected"),
    [
        ("PUT", {}, V1, REQUIRED),
        ("PATCH", {}, V1, REQUIRED),
        ("DELETE", {}, V1, REQUIRED),
        ("POST", {}, V1, PROCEED),
        ("GET", {}, V1, PROCEED),
        ("PUT", {}, NOTHING, PROCEED),
        ("PUT", {"If-Match": '"v1"'}, V1, PROCEED),
        ("PUT", {"If-Match": '"v0"'}, V1, FAILED),
        ("PUT", {"If-Match": "*"}, V1, PROCEED),
        ("PUT", {"If-None-Match": '"v0"'}, V1, REQUIRED),
        ("PUT", {"If-None-Match": "*"}, V1, FAILED),
        ("PUT", {"If-Unmodified-Since": THEN}, V1, PROCEED),
        ("PUT", {"If-Unmodified-Since": THEN}, UNDATED, REQUIRED),
        ("PUT", {"If-Unmodified-Since": "soon"}, V1, REQUIRED),
        ("PUT", {"If-Match": "v1"}, V1, MALFORMED),
    ],
)
def test_a_guard_can_be_required(method, headers, current, expected):
    """Whoever overwrites something must say which version; a header that guards nothing does not count."""
    assert evaluate(Request(method, headers=headers), current, required=True) is expected


def test_the_date_lets_a_second_write_of_the_same_second_through():
    """If-Unmodified-Since sees whole seconds: what was changed half a second later passes, an ETag would not."""
    changed = Validators(ETag("v2"), NOON + 0.5)
    assert evaluate(Request("PUT", headers={"If-Unmodified-Since": THEN}), changed) is PROCEED
    assert evaluate(Request("PUT", headers={"If-Match": '"v1"'}), changed) is FAILED


@pytest.mark.parametrize(("verdict", "status"), [(NOT_MODIFIED, 304), (FAILED, 412), (REQUIRED, 428), (MALFORMED, 400)])
def test_each_verdict_has_its_status(verdict, status):
    """304, 412 and 428 carry the present tag; the error answers are problem documents; PROCEED refuses nothing."""
    answer = refusal(verdict, V1)
    assert answer.status == status
    assert answer.header("ETag") == (None if status == 400 else '"v1"')
    assert (answer.body == b"") is (status == 304)
    assert refusal(verdict).header("ETag") is None
    assert refusal(PROCEED, V1) is None


def test_304_keeps_what_a_cache_needs_and_drops_the_rest():
    """ETag, Cache-Control, Vary and the like stay, the body and what describes it go (RFC 9110 §15.4.5)."""
    full = Response(
        200,
        headers={"ETag": '"v1"', "cache-control": "max-age=60", "Vary": "Accept", "Content-Type": "text/plain"},
        body=b"hello",
    )
    assert not_modified(full) == Response(
        304, headers={"ETag": '"v1"', "cache-control": "max-age=60", "Vary": "Accept"}
    )


def test_validators_as_headers():
    """What a response tells is what the next request can send back."""
    assert validator_headers(Validators()) == {}
    headers = validator_headers(V1)
    again = {"If-None-Match": headers["ETag"], "If-Modified-Since": headers["Last-Modified"]}
    assert evaluate(Request("GET", headers=again), V1) is NOT_MODIFIED


def test_a_tag_of_the_content():
    """The same bytes have the same strong tag; other bytes, and another form of the same resource, have another."""
    tags = {etag_of(b"one"), etag_of(b"two"), etag_of(b"one", variant="gzip"), etag_of(b"one", variant="v2")}
    assert len(tags) == 4
    assert etag_of(b"one") == etag_of(b"one")
    assert not any(tag.weak for tag in tags)


@pytest.mark.parametrize("opaque", ['a"b', "a b", "a\n", "\x7f", "ж"])
def test_a_tag_that_could_not_be_written_is_refused(opaque):
    """What would break the header is refused where the tag is made."""
    with pytest.raises(ValueError, match="opaque must have no quotes"):
        ETag(opaque)


HEADER = st.text('W/w"*, \tabv1\\\n\xe9', max_size=30)


@settings(max_examples=200)
@given(HEADER)
def test_what_is_read_is_what_was_written(value):
    """A list that parses says the same when its tags are written out again; nothing raises."""
    tags = parse_etags(value)
    if isinstance(tags, tuple):
        assert parse_etags(", ".join(map(str, tags))) == tags
        assert all(parse_etag(str(tag)) == tag for tag in tags)


@pytest.mark.slow
@settings(max_examples=200)
@given(
    st.sampled_from(["GET", "HEAD", "PUT", "PATCH", "DELETE", "POST", "OPTIONS", "BREW"]),
    st.fixed_dictionaries(
        {},
        optional={
            "If-Match": HEADER,
            "If-None-Match": HEADER,
            "If-Modified-Since": st.text(max_size=30),
            "If-Unmodified-Since": st.sampled_from([EARLIER, THEN, "0", "Wed, 21 Oct 99999 07:28:00 GMT"]),
        },
    ),
    st.sampled_from([V1, WEAK, UNDATED, NOTHING, Validators()]),
    st.booleans(),
)
def test_no_header_crashes_the_evaluation(method, headers, current, required):
    """Every request gets a verdict, and a reader is never told that its request is malformed."""
    verdict = evaluate(Request(method, headers=headers), current, required=required)
    assert verdict in Verdict
    if method in ("GET", "HEAD"):
        assert verdict not in (MALFORMED, REQUIRED)
    else:
        assert verdict is not NOT_MODIFIED


@pytest.mark.slow
def test_a_huge_header_takes_no_time():
    """A list of ten thousand tags, and one that never ends its quotes, are read in one pass."""
    assert len(parse_etags(", ".join(['"v1"'] * 10_000))) == 10_000
    assert parse_etags('"' * 300_001) is None
    assert parse_etags('"a"' + " " * 300_000 + "x") is None
