"""Preconditions and negotiation against werkzeug, patches against json-merge-patch and jsonpatch."""

import copy
import itertools

import json_merge_patch
import jsonpatch
import jsonpointer
import pytest
from deviations_rest import DEVIATIONS
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import Accept, LanguageAccept, MIMEAccept
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Response as WerkzeugResponse

from sim.http import Request, http_date, parse_http_date
from sim.policies.http.conditional import Validators, Verdict, evaluate, parse_etag, refusal
from sim.policies.http.negotiation import best_encoding, best_language, best_media_type
from sim.policies.http.patch import PatchError, json_patch, merge_patch
from sim.policies.http.validation import pointer

NOON = 1_445_412_480.0
EARLIER, THEN, LATER = (http_date(NOON + shift) for shift in (-60, 0, 60))
V1, V0, WEAK, BOTH = '"v1"', '"v0"', 'W/"v1"', '"v0", "v1"'


def our_status(method, headers, etag, modified=None):
    """The status that our preconditions give, 200 when the request may be carried out."""
    current = Validators(None if etag is None else parse_etag(etag), parse_http_date(modified) if modified else None)
    verdict = evaluate(Request(method, headers=headers), current)
    return 200 if verdict is Verdict.PROCEED else refusal(verdict).status


def their_status(method, headers, etag, modified=None):
    """The status that werkzeug's `make_conditional` gives."""
    environ = {"REQUEST_METHOD": method}
    environ |= {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    answer = WerkzeugResponse("hello")
    if etag is not None:
        answer.headers["ETag"] = etag
    if modified is not None:
        answer.headers["Last-Modified"] = modified
    return answer.make_conditional(environ).status_code


def deviates(method, headers, etag, modified):
    """True when one of the labelled deviations decides about this case."""
    if_match = headers.get("If-Match")
    return (
        method not in ("GET", "HEAD")
        or if_match == "*"
        or (if_match is not None and etag == WEAK)
        or (if_match in (V1, BOTH) and len(headers) > 1)
        or "If-Unmodified-Since" in headers
        or (etag is None and ("If-Match" in headers or "If-None-Match" in headers))
    )


CONDITIONS = ("If-Match", "If-None-Match", "If-Modified-Since")
TAG_LISTS = (None, V1, V0, BOTH, WEAK, "*")
DATES = (None, EARLIER, THEN, LATER, "soon")


def grid():
    """Every combination of method, headers, current tag and current date."""
    for method, *values, etag, modified in itertools.product(
        ("GET", "HEAD"), TAG_LISTS, TAG_LISTS, DATES, (V1, WEAK, None), (None, THEN)
    ):
        headers = {name: value for name, value in zip(CONDITIONS, values, strict=True) if value is not None}
        yield method, headers, etag, modified


GRID = list(grid())


def test_preconditions_on_a_grid():
    """On 2,160 combinations of method, headers and validators, all that no deviation decides agree with werkzeug."""
    cases = [case for case in GRID if not deviates(*case)]
    assert len(GRID) == 2_160
    assert len(cases) > 500
    assert [case for case in cases if our_status(*case) != their_status(*case)] == []
    assert {our_status(*case) for case in cases} == {200, 304, 412}


def test_a_case_disagrees_only_where_a_deviation_says_so():
    """Every disagreement on the grid is one of the labelled ones, and there are some of them."""
    apart = [case for case in GRID if our_status(*case) != their_status(*case)]
    assert apart
    assert all(deviates(*case) for case in apart)


TAG_TEXTS = st.text("ab1,W/!", min_size=1, max_size=4)
TAGS = st.builds(lambda weak, text: f'{"W/" if weak else ""}"{text}"', st.booleans(), TAG_TEXTS)


@pytest.mark.slow
@settings(max_examples=250)
@given(TAGS, st.lists(TAGS, min_size=1, max_size=4), st.sampled_from([", ", ",", " ,\t"]), st.booleans())
def test_lists_of_tags_agree(current, tags, comma, hit):
    """Generated lists of well-formed tags: the same 304, and the same 412 where the current tag is strong."""
    value = comma.join([*tags, current] if hit else tags)
    case = ("GET", {"If-None-Match": value}, current)
    assert our_status(*case) == their_status(*case)
    if not current.startswith("W/"):
        case = ("GET", {"If-Match": value}, current)
        assert our_status(*case) == their_status(*case)


def first_of_the_heaviest(header, kind, offers):
    """What werkzeug's weights say when ties go to the server: the first offer of the greatest weight, if any."""
    accept = parse_accept_header(header, kind)
    best = max(offers, key=accept.quality)
    return best if accept.quality(best) > 0 else None


def header_of(ranges):
    """Accept headers of one to five of these ranges, with and without weights."""
    weights = st.sampled_from(["", ";q=1", ";q=0.9", "; q=0.5", ";q=0.123", ";Q=0.1", ";q=0", ";q=0.000", ";q=1.000"])
    return st.lists(st.builds("{}{}".format, st.sampled_from(ranges), weights), min_size=1, max_size=5).map(", ".join)


@pytest.mark.slow
@settings(max_examples=250)
@given(
    header_of(["text/html", "text/plain", "TEXT/*", "application/json", "*/*", "text/html;level=1", "image/png"]),
    st.permutations(["text/html", "application/json", "text/plain"]),
)
def test_media_types_agree(header, offers):
    """On generated headers we choose the offer that has the greatest weight in werkzeug's reading."""
    assert best_media_type(header, offers) == first_of_the_heaviest(header, MIMEAccept, offers)


@pytest.mark.slow
@settings(max_examples=250)
@given(header_of(["gzip", "br", "Deflate", "*", "identity"]), st.permutations(["gzip", "br", "identity"]))
def test_encodings_agree(header, offers):
    """The same for codings, wherever werkzeug finds one; where it finds none, identity or nothing is left."""
    theirs = first_of_the_heaviest(header, Accept, offers)
    ours = best_encoding(header, offers)
    assert ours == theirs or (theirs is None and ours == "identity")


@pytest.mark.slow
@settings(max_examples=250)
@given(header_of(["en", "de", "fr", "*", "EN"]), st.permutations(["en", "de", "it"]))
def test_languages_agree(header, offers):
    """The same for languages without regions, where prefixes play no part."""
    assert best_language(header, offers) == first_of_the_heaviest(header, LanguageAccept, offers)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=250)
@given(JSON_VALUES, JSON_VALUES)
def test_merge_patches_agree(target, patch):
    """On generated documents our ten lines give what json-merge-patch gives."""
    theirs = json_merge_patch.merge(copy.deepcopy(target), copy.deepcopy(patch))
    assert merge_patch(target, patch) == theirs


PATHS = st.lists(st.sampled_from(["a", "b", "0", "1", "-"]), max_size=2).map(lambda parts: pointer(*parts))
OPERATIONS = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
        "path": PATHS,
        "from": PATHS,
        "value": JSON_VALUES,
    }
)


def patched_or_refused(apply, document, operations):
    """The result, or the word "refused"."""
    try:
        return apply(document, operations)
    except (PatchError, jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
        return "refused"


@pytest.mark.slow
@settings(max_examples=250)
@given(st.dictionaries(st.sampled_from("ab"), JSON_VALUES, max_size=2), st.lists(OPERATIONS, max_size=3))
def test_json_patches_agree(document, operations):
    """One operation at a time gives what jsonpatch makes of the whole patch, and refuses what it refuses."""
    theirs = patched_or_refused(jsonpatch.apply_patch, document, operations)
    assert patched_or_refused(json_patch, document, operations) == theirs


@settings(max_examples=100)
@given(st.lists(st.text("ab/~0", max_size=3) | st.integers(0, 9), max_size=4))
def test_pointers_agree(parts):
    """Our JSON Pointers are those of jsonpointer."""
    assert pointer(*parts) == jsonpointer.JsonPointer.from_parts(parts).path


def statuses(method, headers, etag=V1, modified=None):
    """Our status and werkzeug's for one case."""
    return our_status(method, headers, etag, modified), their_status(method, headers, etag, modified)


def media_types(header, offers):
    """Our choice and werkzeug's of a media type."""
    return best_media_type(header, offers), parse_accept_header(header, MIMEAccept).best_match(offers)


def encodings(header, offers):
    """Our choice and werkzeug's of a content coding."""
    return best_encoding(header, offers), parse_accept_header(header, Accept).best_match(offers)


def merged_targets():
    """What is left of the target after a merge by us and by json-merge-patch."""
    ours, theirs = {"a": 1}, {"a": 1}
    merge_patch(ours, {"a": 2})
    json_merge_patch.merge(theirs, {"a": 2})
    return ours, theirs


def doubled(times=16):
    """What copying a document into itself comes to: our status, and the number of leaves in jsonpatch's result."""
    operations = [{"op": "copy", "from": "", "path": "/a/-"}] * times
    document = {"a": ["z" * 100]}
    with pytest.raises(PatchError) as caught:
        json_patch(document, operations)
    return caught.value.status, str(jsonpatch.apply_patch(document, operations)).count("z" * 100)


HTML, JSON = "text/html", "application/json"

BOTH_SIDES = {
    "conditional-writes": [(statuses("PUT", {"If-None-Match": "*"}), (412, 200)),
                           (statuses("PUT", {"If-Match": V0}), (412, 200))],
    "if-match-star": [(statuses("GET", {"If-Match": "*"}), (200, 412))],
    "if-match-weak-current": [(statuses("GET", {"If-Match": V1}, WEAK), (412, 200))],
    "if-match-then-none-match": [(statuses("GET", {"If-Match": V1, "If-None-Match": V1}), (304, 200)),
                                 (statuses("GET", {"If-Match": V1, "If-Modified-Since": LATER}, V1, THEN), (304, 200))],
    "if-unmodified-since": [(statuses("GET", {"If-Unmodified-Since": EARLIER}, V1, THEN), (412, 200))],
    "no-current-tag": [(statuses("GET", {"If-Match": V1}, None), (412, 200)),
                       (statuses("GET", {"If-None-Match": V0, "If-Modified-Since": LATER}, None, THEN), (200, 304))],
    "tag-without-quotes": [(statuses("GET", {"If-None-Match": "v1"}), (200, 304))],
    "tag-lower-case-w": [(statuses("GET", {"If-None-Match": 'w/"v1"'}), (200, 304))],
    "tie-by-specificity": [(media_types("text/html, */*", [JSON, HTML]), (JSON, HTML))],
    "parameters-of-an-offer": [(media_types(HTML, ["text/html;level=1"]), ("text/html;level=1", None))],
    "weight-digits": [(media_types("text/html;q=0.1234, */*;q=0.1", [JSON, HTML]), (JSON, HTML))],
    "weight-dot": [(media_types("text/html;q=1., */*;q=0.1", [JSON, HTML]), (HTML, JSON))],
    "nothing-understood": [(media_types("text/html;q=high", [HTML]), (HTML, None))],
    "no-header": [(media_types(None, [HTML]), (HTML, None))],
    "identity": [(encodings("br", ["gzip", "identity"]), ("identity", None))],
    "coding-alias": [(encodings("x-gzip", ["gzip"]), ("gzip", None))],
    "language-prefix": [((best_language("en, de;q=0.5", ["en-GB", "de"]),
                          parse_accept_header("en, de;q=0.5", LanguageAccept).best_match(["en-GB", "de"])),
                         ("en-GB", "de"))],
    "merge-in-place": [(merged_targets(), ({"a": 1}, {"a": 2}))],
    "patch-size": [(doubled(), (413, 2**16))],
}  # fmt: skip


@pytest.mark.parametrize("ident", [row[0] for row in DEVIATIONS])
def test_deviation(ident):
    """Each labelled deviation is real: we do what the row says, and the library does what it says."""
    for seen, expected in BOTH_SIDES[ident]:
        assert seen == expected


def test_every_deviation_has_a_test_and_none_is_forgotten():
    """The rows and the tests have the same names, each once, and no row is empty."""
    assert [row[0] for row in DEVIATIONS] == list(BOTH_SIDES)
    assert all(len(row) == 5 and all(row) for row in DEVIATIONS)
