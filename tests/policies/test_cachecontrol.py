"""Cache-Control: every directive, and every way to get it wrong read in the careful direction."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.caching.cachecontrol import LONGEST, CacheControl, parse_cache_control, parse_delta_seconds

REQUEST_AND_RESPONSE = {
    "max-age=60": {"max_age": 60},
    "s-maxage=60": {"s_maxage": 60},
    "stale-while-revalidate=60": {"stale_while_revalidate": 60},
    "stale-if-error=60": {"stale_if_error": 60},
    "min-fresh=60": {"min_fresh": 60},
    "max-stale=60": {"max_stale": 60},
    "max-stale": {"max_stale": inf},
    "no-store": {"no_store": True},
    "no-cache": {"no_cache": True},
    "private": {"private": True},
    "public": {"public": True},
    "must-revalidate": {"must_revalidate": True},
    "proxy-revalidate": {"proxy_revalidate": True},
    "must-understand": {"must_understand": True},
    "no-transform": {"no_transform": True},
    "only-if-cached": {"only_if_cached": True},
    "immutable": {"immutable": True},
    'private="Set-Cookie"': {"private_fields": frozenset({"set-cookie"})},
    'no-cache="A, B"': {"no_cache_fields": frozenset({"a", "b"})},
}

ODD = {
    "nothing": ("", {}),
    "only commas": (", ,,", {}),
    "names ignore case": ("NO-STORE, Max-Age=5", {"no_store": True, "max_age": 5}),
    "no space is needed": ("private,max-age=5", {"private": True, "max_age": 5}),
    "space around": (" \t max-age = 5 \t, private ", {"private": True, "max_age": 5}),
    "a quoted number": ('max-age="60"', {"max_age": 60}),
    "an escape in quotes": ('max-age="6\\0"', {"max_age": 60}),
    "leading zeros": ("max-age=0060", {"max_age": 60}),
    "the first of two": ("max-age=10, max-age=20", {"max_age": 10}),
    "the first of two, though it is no number": ("max-age=x, max-age=20", {"max_age": 0}),
    "a minus": ("max-age=-1", {"max_age": 0}),
    "a fraction": ("max-age=1.5", {"max_age": 0}),
    "no number": ("max-age=soon", {"max_age": 0}),
    "empty": ("max-age=", {"max_age": 0}),
    "no argument": ("max-age", {"max_age": 0}),
    "a letter after it": ("max-age=60s", {"max_age": 0}),
    "digits of another script": ("max-age=٣", {"max_age": 0}),
    "huge": ("max-age=" + "9" * 5_000, {"max_age": LONGEST}),
    "a little above the longest": (f"max-age={LONGEST + 1}", {"max_age": LONGEST}),
    "an allowance that is no number": ("stale-while-revalidate=x, max-stale=y", {}),
    "a restriction with an argument": ("no-store=1, no-cache=x", {"no_store": True, "no_cache": True}),
    "a permission with an argument": ("public=1, immutable=x", {}),
    "unknown directives": ('community="UCI", max-age=5', {"max_age": 5}),
    "a comma in an unknown one's quotes": ('x="a, no-store", max-age=5', {"max_age": 5}),
    "junk between": ("max-age=5; no-store, private", {"max_age": 0, "private": True}),
    "junk before": ("@@ private", {"private": True}),
    "quotes that do not end": ('private="Set-Cookie, max-age=5', {"private": True}),
    "fields without quotes": ("private=Set-Cookie", {"private": True}),
    "fields that are no names": ('private="Set Cookie"', {"private": True}),
    "no fields": ('private=""', {"private": True}),
    "empty fields": ('private="a,,b"', {"private_fields": frozenset({"a", "b"})}),
    "fields twice": ('private="a", private="b"', {"private_fields": frozenset({"a", "b"})}),
    "both forms": (
        'private="a", private',
        {"private": True, "private_fields": frozenset({"a"})},
    ),
}


@pytest.mark.parametrize("value", REQUEST_AND_RESPONSE)
def test_each_directive_is_read(value):
    """Every directive of RFC 9111 §5.2, RFC 5861 and RFC 8246 sets its own field and no other."""
    assert parse_cache_control(value) == CacheControl(**REQUEST_AND_RESPONSE[value])


@pytest.mark.parametrize("case", ODD)
def test_odd_headers_are_read_carefully(case):
    """What is malformed, doubled or huge is read so that less may be cached, not more."""
    value, expected = ODD[case]
    assert parse_cache_control(value) == CacheControl(**expected)


def test_no_header_says_nothing():
    """Without a header no directive is set."""
    assert parse_cache_control(None) == CacheControl()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("007", 7), (" 5\t", 5), ("2147483648", LONGEST), ("2147483647", LONGEST - 1), ("", None), ("1e3", None),
     ("+5", None), ("5 5", None), ("²", None), ("\n5", None), ("0" * 9_999 + "1", 1)],
)  # fmt: skip
def test_delta_seconds_are_digits(text, seconds):
    """A time is digits and nothing else, and no longer than 2^31 seconds."""
    assert parse_delta_seconds(text) == seconds


@pytest.mark.parametrize("wrong", [{"max_age": -1}, {"max_age": 1.5}, {"max_stale": -1}, {"s_maxage": LONGEST + 1}])
def test_a_wrong_time_is_refused_when_it_is_made(wrong):
    """A header that we write ourselves cannot carry a time that no cache could read."""
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
        CacheControl(**wrong)


names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
times = st.none() | st.integers(0, LONGEST)
controls = st.builds(
    CacheControl,
    **dict.fromkeys(("max_age", "s_maxage", "stale_while_revalidate", "stale_if_error", "min_fresh"), times),
    **dict.fromkeys(
        ("no_store", "no_cache", "private", "public", "must_revalidate", "proxy_revalidate", "must_understand",
         "no_transform", "only_if_cached", "immutable"), st.booleans(),
    ),
    max_stale=times | st.just(inf),
    no_cache_fields=st.frozensets(names, max_size=3),
    private_fields=st.frozensets(names, max_size=3),
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=100)
@given(controls)
def test_what_is_written_is_read(control):
    """Written out and read again, every combination of directives is the same."""
    assert parse_cache_control(str(control)) == control


pieces = st.sampled_from(
    [
        *REQUEST_AND_RESPONSE,
        '"',
        "\\",
        ",",
        "=",
        " ",
        "\t",
        "\n",
        "\x00",
        "max-age",
        "9" * 30,
        "=-1",
        "é",
        "private",
        ";",
    ]
)


@pytest.mark.slow
@settings(max_examples=100)
@given(st.lists(pieces, max_size=12).map("".join) | st.text(max_size=60))
def test_anything_can_be_read(value):
    """No header value raises, and what is read can be written and read again."""
    control = parse_cache_control(value)
    assert parse_cache_control(str(control)) == control


@settings(max_examples=100)
@given(st.lists(pieces, max_size=6).map("".join))
def test_a_restriction_in_front_is_never_lost(rest):
    """Whatever follows it, `no-store` and `private` at the front of a header count."""
    control = parse_cache_control("no-store, private, " + rest)
    assert control.no_store
    assert control.private
