"""Versions against libraries: Structured Fields against http_sf, Accept against werkzeug, shapes against jsonschema."""

import math
from datetime import UTC, datetime  # noqa: TID251 (http_sf speaks in datetimes)

import http_sf
import pytest
from deviations_versioning import DEVIATIONS
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from test_cache_oracles import Hishel
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from sim.flow import Reply
from sim.http import Request
from sim.policies.caching.cache import Cache, Fresh
from sim.policies.versions.compatibility import compare_shapes
from sim.policies.versions.deprecation import format_deprecation, parse_deprecation
from sim.policies.versions.shapes import Breaks, Reader
from sim.policies.versions.versioning import MediaTypeVersion, Selected
from sim.scenarios.versions import DESIGNS
from sim.services.versions.service import SHAPES, TABLE, VersionedUsers
from sim.store import MemoryStore

V1, V2 = "application/vnd.myapi.v1+json", "application/vnd.myapi.v2+json"
TEXT = {"type": "string"}


def parsed(value):
    """The timestamp of a Structured Field Date as http_sf reads it, or None."""
    try:
        item, _ = http_sf.parse(value.encode("ascii"), tltype="item")
    except (ValueError, http_sf.StructuredFieldError):
        return None
    return item.timestamp() if isinstance(item, datetime) else None


FIELD = st.one_of(
    st.integers(-(10**15), 10**15).map(lambda seconds: f"@{seconds}"),
    st.from_regex(r"\A *@-?[0-9]{1,16}(\.[0-9]{1,3})?(;[a-z*][a-z0-9]{0,3}(=(\?1|[0-9]|\"x\"))?)? *\Z"),
    st.text('@-0123456789.;=?a" ,tre', max_size=12),
    st.text(max_size=8),
)


@pytest.mark.slow
@settings(max_examples=400)
@given(FIELD)
def test_a_deprecation_is_read_as_http_sf_reads_a_date(value):
    """The same instants accepted, the same refused, parameters and all."""
    assert parse_deprecation(value) == parsed(value)


@settings(max_examples=200)
@given(st.floats(0, 253_402_300_799))
def test_a_deprecation_is_written_as_http_sf_writes_a_date(seconds):
    """Byte for byte, from 1970 to 9999."""
    assert format_deprecation(seconds) == http_sf.ser(datetime.fromtimestamp(math.floor(seconds), UTC))


RANGES = st.sampled_from([V1, V2, V2.upper(), "application/json", "application/*", "*/*", "text/html", "text/*"])
WEIGHTS = st.sampled_from(["", ";q=1", ";q=1.000", ";q=0.9", ";q=0.5", "; q=0.1", ";q=0", ";q=0.000", ";q=2", ";q=x"])
ACCEPT = st.lists(st.tuples(RANGES, WEIGHTS).map("".join), max_size=5).map(", ".join)


@pytest.mark.slow
@settings(max_examples=400)
@given(ACCEPT)
def test_a_media_type_is_chosen_as_werkzeug_chooses(accept):
    """The same version for the same Accept header: weights, wildcards, refusals, malformed weights and ties."""
    selector = MediaTypeVersion(("1", "2"), default="1")
    found = selector.select(Request("GET", "/users", headers={"Accept": accept}))
    ours = selector.mark(found)["Content-Type"] if isinstance(found, Selected) else None
    header = parse_accept_header(accept, MIMEAccept)
    offers = ["application/json", V1, V2]
    theirs = header.best_match(offers) if len(header) else "application/json"
    assert ours == theirs


def schema(shape, *, closed):
    """A shape as JSON Schema; *closed*: members that it does not name are refused."""
    found = dict(shape)
    if "properties" in shape:
        found["properties"] = {name: schema(part, closed=closed) for name, part in shape["properties"].items()}
        found["additionalProperties"] = not closed
    if "items" in shape:
        found["items"] = schema(shape["items"], closed=closed)
    return found


LEAVES = st.sampled_from(
    [TEXT, {"type": "integer"}, {"type": ["string", "null"]}, {"type": "string", "enum": ["x", "y"]}]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["x", "y", "z", 0.5]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def shapes(draw, depth=2):
    if depth == 0 or draw(st.booleans()):
        return draw(LEAVES)
    if draw(st.booleans()):
        return {"type": "array", "items": draw(shapes(depth - 1))}
    properties = draw(st.dictionaries(st.sampled_from("abc"), shapes(depth - 1), max_size=3))
    required = [name for name in properties if draw(st.booleans())]
    return {"type": "object", "properties": properties, "required": required}


@pytest.mark.slow
@settings(max_examples=300)
@given(shapes(), VALUES, st.booleans())
def test_a_reader_refuses_what_jsonschema_refuses(shape, document, closed):
    """A strict reader is `additionalProperties: false`, the plain one is JSON Schema as it comes."""
    reader = Reader(shape, unknown_members=not closed)
    assert (reader.refusals(document) == ()) == Draft202012Validator(schema(shape, closed=closed)).is_valid(document)


class Users:
    """The versioned API of a design as an origin: one request in, one response out."""

    def __init__(self, design):
        store = MemoryStore()
        name = {"first": "Ada", "last": "Lovelace"}
        store.insert(TABLE, "7", {"id": "7", "name": name, "emails": ["a@x.example"], "plan": "pro"})
        self.serve = VersionedUsers(store, design.selector, vary=design.vary, tags=design.tags)

    def __call__(self, request, now):
        (reply,) = [command for command in self.serve(request, now) if isinstance(command, Reply)]
        return reply.response


def through_hishel(design, version):
    """What somebody who asks for *version* gets from hishel when somebody else has asked for version 1 before."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        cache = Hishel(Users(design), True, monkeypatch)
        cache(design.request("/users/7", "1"), 1_500_000_000.0)
        return cache(design.request("/users/7", version), 1_500_000_001.0).json()


def through_ours(design, version):
    """The same, from ours."""
    cache, origin, first, second = Cache(), Users(design), design.request("/users/7", "1"), None
    cache.receive(first, origin(first, 0.0), requested_at=0.0, now=0.0)
    second = design.request("/users/7", version)
    found = cache.lookup(second, 1.0)
    return (found.response if isinstance(found, Fresh) else origin(second, 1.0)).json()


@pytest.mark.parametrize("name", ["uri", "query", "header", "header+vary"])
def test_a_real_cache_confuses_versions_when_ours_does(name):
    """In the URI, the query or Vary the second version is right in hishel and in ours; without Vary wrong in both."""
    right = not Reader.strict(SHAPES["2"]).refusals(through_hishel(DESIGNS[name], "2"))
    assert right is (name != "header")
    assert through_hishel(DESIGNS[name], "2") == through_ours(DESIGNS[name], "2")


def test_one_etag_makes_a_real_cache_serve_the_wrong_version():
    """Vary is right, the tag is the same: hishel asks with the first version's tag, is told 304, and serves it."""
    design = DESIGNS["header+vary-one-etag"]
    assert Reader.strict(SHAPES["1"]).refusals(through_hishel(design, "2")) == ()
    assert Reader.strict(SHAPES["2"]).refusals(through_ours(design, "2")) == ()  # see deviations_caching: shared-tag


def test_there_is_a_test_for_every_deviation():
    """The table and the tests name the same differences."""
    assert {row[0] for row in DEVIATIONS} == set(CASES)
    assert all(len(row) == 5 and all(row) for row in DEVIATIONS)


def deprecation_must_be_a_date():
    for value in ("true", "?1"):
        assert parse_deprecation(value) is None
    assert str(http_sf.parse(b"true", tltype="item")[0]) == "true"
    assert http_sf.parse(b"?1", tltype="item")[0] is True


def deprecation_before_1970():
    with pytest.raises(ValueError, match="1970"):
        format_deprecation(-5)
    assert http_sf.ser(datetime.fromtimestamp(-5, UTC)) == "@-5"
    assert http_sf.ser(datetime.fromtimestamp(-0.5, UTC)) == "@0"


def optional_member_removed():
    old, new = ({"type": "object", "properties": names, "required": []} for names in ({"a": TEXT}, {}))
    assert compare_shapes(old, new).breaks is Breaks.EVERYBODY
    assert Draft202012Validator(schema(old, closed=True)).is_valid({})


def whole_floats():
    assert Reader({"type": "integer"}).refusals(1.0)
    assert Draft202012Validator({"type": "integer"}).is_valid(1.0)


def accept_of_a_lone_star():
    found = MediaTypeVersion(("1", "2"), default="1").select(Request("GET", "/users", headers={"Accept": "*"}))
    assert (found.version, found.named) == ("1", False)
    assert parse_accept_header("*", MIMEAccept).best_match([V1, V2]) is None


CASES = {
    "deprecation-must-be-a-date": deprecation_must_be_a_date,
    "deprecation-before-1970": deprecation_before_1970,
    "optional-member-removed": optional_member_removed,
    "whole-floats": whole_floats,
    "accept-of-a-lone-star": accept_of_a_lone_star,
}


@pytest.mark.parametrize("ident", list(CASES))
def test_a_deviation_is_what_the_table_says(ident):
    """What we do and what the library does, side by side."""
    CASES[ident]()
