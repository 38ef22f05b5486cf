"""Content negotiation, as tables: weights, specificity, refusals, ties."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.http.negotiation import (
    Preference,
    best_encoding,
    best_language,
    best_media_type,
    not_acceptable,
    parse_accept,
)

JSON, HTML, PLAIN, CSV = "application/json", "text/html", "text/plain", "text/csv"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ()),
        ("", ()),
        (" , ,", ()),
        ("text/html", (Preference("text/html"),)),
        ("TEXT/HTML;Q=0.5", (Preference("text/html", {}, 0.5),)),
        ("a/b;level=1;q=0.3", (Preference("a/b", {"level": "1"}, 0.3),)),
        ("a/b;q=0.3;ext=1", (Preference("a/b", {"ext": "1"}, 0.3),)),
        ('a/b; x="c,d;e" ; q=1', (Preference("a/b", {"x": "c,d;e"}),)),
        ('a/b;x="\\"y"', (Preference("a/b", {"x": '"y'}),)),
        ("a/b ; q=0.123", (Preference("a/b", {}, 0.123),)),
        ("a/b;q=1.", (Preference("a/b"),)),
        ("a/b;q=0", (Preference("a/b", {}, 0.0),)),
        ("a/b;;q=1", (Preference("a/b"),)),
        ("br, gzip;q=0.5", (Preference("br"), Preference("gzip", {}, 0.5))),
        ("a/b;q=1.5, c/d", (Preference("c/d"),)),
        ("a/b;q=0.1234, c/d", (Preference("c/d"),)),
        ("a/b;q=-1, c/d", (Preference("c/d"),)),
        ("a/b;q=.5, c/d", (Preference("c/d"),)),
        ("a/b;q=high, c/d", (Preference("c/d"),)),
        ("a/b;q=, c/d", (Preference("c/d"),)),
        ("a/b;q, c/d", (Preference("c/d"),)),
        ("a/b q=1, c/d", (Preference("c/d"),)),
        ("a/b/c, c/d", (Preference("c/d"),)),
        ("a/, c/d", (Preference("c/d"),)),
        (";q=1, c/d", (Preference("c/d"),)),
        ('a/b;x="y', ()),
        ("a\x00b, c/d", (Preference("c/d"),)),
    ],
)
def test_parsing(value, expected):
    """Case and spaces do not matter, quoted commas do not separate, a malformed element is skipped alone."""
    assert parse_accept(value) == expected


@pytest.mark.parametrize(
    ("accept", "offers", "expected"),
    [
        (None, [JSON, HTML], JSON),
        ("", [JSON, HTML], JSON),
        ("*/*", [JSON, HTML], JSON),
        (HTML, [JSON, HTML], HTML),
        (CSV, [JSON, HTML], None),
        ("text/*", [JSON, PLAIN, HTML], PLAIN),
        ("text/html;q=0.5, application/json;q=0.9", [HTML, JSON], JSON),
        ("text/html, application/json", [JSON, HTML], JSON),
        ("application/json, text/html", [HTML, JSON], HTML),
        ("text/html, */*", [JSON, HTML], JSON),
        ("text/html, */*;q=0.1", [JSON, HTML], HTML),
        ("text/*;q=0.9, text/html;q=0.1, */*;q=0.5", [HTML, JSON], JSON),
        ("text/*, text/html;q=0", [HTML, PLAIN], PLAIN),
        ("text/html;q=0, */*", [HTML], None),
        ("*/*;q=0", [JSON], None),
        ("*/*;q=0, application/json", [HTML, JSON], JSON),
        ("text/html;q=0.2, text/html;q=0.8, text/plain;q=0.5", [PLAIN, HTML], HTML),
        ("text/html;level=1, text/html;q=0.4", ["text/html;level=2", "text/html;level=1"], "text/html;level=1"),
        ("text/html;level=1;q=0.3, text/html;q=0.7", ["text/html;level=1", "text/html;level=2"], "text/html;level=2"),
        ("text/html;level=3", ["text/html;level=1"], None),
        ("application/json", ["application/json;charset=utf-8"], "application/json;charset=utf-8"),
        ("application/vnd.course.v2+json", ["application/vnd.course.v1+json", "application/vnd.course.v2+json"],
         "application/vnd.course.v2+json"),
        ("Application/JSON", [JSON], JSON),
        ("rubbish, q=1, ;;", [JSON], JSON),
        ("*/json", [JSON], None),
        ("*", [JSON], JSON),
        ("text/html", [], None),
        (None, [], None),
    ],
)  # fmt: skip
def test_media_types(accept, offers, expected):
    """The heaviest wins; the most specific range decides the weight; on a tie the server's order; None is a 406."""
    assert best_media_type(accept, offers) == expected


def test_the_example_of_the_rfc():
    """The precedence example of RFC 9110 §12.5.1: each type gets the weight that its table says."""
    accept = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5"
    ranked = ["text/plain;format=flowed", "text/plain", "image/jpeg", "text/plain;format=fixed", "text/html"]
    # Each beats every one after it, whatever the order of the offers.
    for index, better in enumerate(ranked):
        for worse in ranked[index + 1 :]:
            assert best_media_type(accept, [worse, better]) == better


@pytest.mark.parametrize(
    ("accept", "offers", "expected"),
    [
        (None, ["br", "gzip"], "identity"),
        ("", ["br", "gzip"], "identity"),
        ("gzip", ["br", "gzip"], "gzip"),
        ("gzip, br", ["br", "gzip"], "br"),
        ("br, gzip", ["gzip", "br"], "gzip"),
        ("br;q=0.5, gzip", ["br", "gzip"], "gzip"),
        ("gzip;q=0", ["gzip"], "identity"),
        ("br;q=0, gzip", ["br", "gzip"], "gzip"),
        ("br", ["gzip"], "identity"),
        ("br, identity;q=0", ["gzip"], None),
        ("*;q=0", ["gzip"], None),
        ("*;q=0, identity", ["gzip"], "identity"),
        ("*;q=0, gzip", ["gzip"], "gzip"),
        ("*", ["br", "gzip"], "br"),
        ("gzip;q=0, *", ["gzip", "br"], "br"),
        ("gzip;q=0.5, identity", ["gzip"], "identity"),
        ("gzip, identity", ["gzip"], "gzip"),
        ("gzip;q=0.1", ["gzip"], "gzip"),
        ("GZIP", ["gzip"], "gzip"),
        ("x-gzip", ["gzip"], "gzip"),
        ("gzip;q=2, br;q=0.3", ["gzip", "br"], "br"),
        ("deflate", [], "identity"),
        ("identity;q=0", [], None),
    ],
)
def test_encodings(accept, offers, expected):
    """q=0 refuses, the order of the header means nothing (Q-15.1), identity is the last resort unless it is refused."""
    assert best_encoding(accept, offers) == expected


@pytest.mark.parametrize(
    ("accept", "offers", "expected"),
    [
        (None, ["en", "de"], "en"),
        ("de", ["en", "de"], "de"),
        ("en", ["de", "en-GB"], "en-GB"),
        ("en-GB", ["de", "en"], "en"),
        ("en-GB", ["en-US", "de"], None),
        ("de-CH, fr;q=0.8", ["fr", "de"], "fr"),
        ("de-CH, de;q=0.9, fr;q=0.8", ["fr", "de"], "de"),
        ("en-US;q=0.3, en;q=0.7", ["en-US", "en-GB"], "en-GB"),
        ("fr, *;q=0.1", ["en", "de"], "en"),
        ("*", ["en", "de"], "en"),
        ("en;q=0, *", ["en-US", "de"], "de"),
        ("en-US, en;q=0", ["en"], None),
        ("fr", ["en", "de"], None),
        ("EN-gb", ["en-GB"], "en-GB"),
        ("eng", ["en"], None),
        ("zh-Hant-TW", ["zh-Hant", "zh"], "zh-Hant"),
        ("fr-CA;q=0.5, de-CH;q=0.9", ["fr", "de"], "de"),
        ("en-GB;q=0, fr", ["en"], None),
        ("fr", [], None),
    ],
)
def test_languages(accept, offers, expected):
    """A range takes what it is a prefix of; a longer range is shortened only when no range takes anything."""
    assert best_language(accept, offers) == expected


def test_a_406_lists_what_there_is():
    """The client that refuses everything is told what it could ask for."""
    answer = not_acceptable([JSON, CSV])
    assert answer.status == 406
    assert answer.json()["available"] == [JSON, CSV]


@pytest.mark.parametrize(
    "evil", ['"' * 50_000, ";" * 50_000, "a;" * 20_000, "\\" * 50_000, "a/b;x=" + " " * 50_000 + '"']
)
def test_a_huge_header_takes_no_time(evil):
    """No header makes the parser go over it again and again."""
    assert len(parse_accept(evil)) <= 1


@pytest.mark.slow
@settings(max_examples=200)
@given(st.text('ab/*;q=01. ,"\\-zh\n', max_size=40) | st.text(max_size=20))
def test_no_header_crashes_a_server(value):
    """Whatever stands in the header, the answer is an offer, identity or None, and weights lie in 0 to 1."""
    assert all(0.0 <= one.weight <= 1.0 for one in parse_accept(value))
    assert best_media_type(value, ["a/b", HTML]) in ("a/b", HTML, None)
    assert best_encoding(value, ["a", "gzip"]) in ("a", "gzip", "identity", None)
    assert best_language(value, ["a-b", "zh"]) in ("a-b", "zh", None)
