"""One API in three versions: shapes, headers, what a cache needs, and every bad request."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Effect, Reply
from sim.http import BODY_LIMIT, Request, json_body
from sim.policies.caching.cache import Cache, Fresh
from sim.policies.versions.compatibility import Direction, compare_shapes
from sim.policies.versions.deprecation import BrownOuts, Lifecycle, Retirement, read_notice
from sim.policies.versions.shapes import Breaks, Reader
from sim.policies.versions.versioning import HeaderVersion, MediaTypeVersion, QueryVersion, UriVersion
from sim.services.versions.service import CHAIN, SHAPES, TABLE, VERSIONS, VersionedUsers, one_etag
from sim.store import MemoryStore

ADA = {
    "id": "7",
    "name": {"first": "Ada", "last": "King Lovelace"},
    "emails": ["a@x.example", "b@x.example"],
    "plan": "pro",
}
SHOWN = {
    "1": {"id": "7", "name": "Ada King Lovelace", "email": "a@x.example"},
    "2": {"id": "7", "first_name": "Ada", "last_name": "King Lovelace", "email": "a@x.example", "plan": "pro"},
    "3": ADA,
}
MEDIA = "application/vnd.myapi.v{}+json"


def service(selector=None, **settings_):
    store = MemoryStore()
    store.insert(TABLE, "7", ADA)
    return VersionedUsers(store, selector or UriVersion(VERSIONS), **settings_)


def served(handler, request, now=0.0):
    """The response to one request, and its effects."""
    commands, flow = [], handler(request, now)
    command = next(flow)
    while command is not None:
        commands.append(command)
        try:
            command = flow.send(now)
        except StopIteration:
            command = None
    (response,) = [command.response for command in commands if isinstance(command, Reply)]
    return response, [command.key for command in commands if isinstance(command, Effect)]


def get(handler, path="/users/7", now=0.0, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return served(handler, Request("GET", path, headers=named), now)[0]


def with_header(name, value):
    return Request("GET", "/users/7", headers={name: value})


PLACES = {
    "uri": (UriVersion(VERSIONS), lambda version: Request("GET", f"/v{version}/users/7")),
    "query": (QueryVersion(VERSIONS), lambda version: Request("GET", f"/users/7?version={version}")),
    "header": (HeaderVersion(VERSIONS), lambda version: with_header("Accept-Version", version)),
    "media type": (MediaTypeVersion(VERSIONS), lambda version: with_header("Accept", MEDIA.format(version))),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("place", list(PLACES))
def test_each_version_is_served_in_its_shape_wherever_it_is_named(place, version):
    """The same three documents from one row, and each fits the shape that its version promises."""
    selector, request = PLACES[place]
    response, _ = served(service(selector), request(version))
    assert response.json() == SHOWN[version]
    assert Reader.strict(SHAPES[version]).refusals(response.json()) == ()
    media_type = MEDIA.format(version) if place == "media type" else "application/json"
    assert response.header("Content-Type") == media_type


@pytest.mark.parametrize("pair", [("1", "2"), ("2", "3")])
def test_each_version_was_needed(pair):
    """The checker calls every step breaking for readers and for writers; an additive change would need no version."""
    for direction in Direction:
        assert compare_shapes(SHAPES[pair[0]], SHAPES[pair[1]], direction).breaks is Breaks.EVERYBODY


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_version_writes_it_reads_back(version):
    """A user created in a version comes back as it was sent, with an id, and can be read in the others."""
    handler = service()
    sent = {name: value for name, value in SHOWN[version].items() if name != "id"}
    response, effects = served(handler, Request("POST", f"/v{version}/users", body=json_body({**sent, "extra": 1})))
    assert (response.status, response.header("Location"), effects) == (201, "users/1", ["user 1"])
    assert get(handler, f"/v{version}/users/1").json() == response.json() == {**sent, "id": "1"}
    for other in VERSIONS:
        assert Reader.strict(SHAPES[other]).refusals(get(handler, f"/v{other}/users/1").json()) == ()


@pytest.mark.parametrize(
    ("place", "vary", "right"),
    [
        ("uri", True, True),
        ("uri", False, True),
        ("query", False, True),
        ("header", True, True),
        ("header", False, False),
        ("media type", True, True),
        ("media type", False, False),
    ],
)
def test_a_shared_cache_hands_out_the_right_version_only_when_it_can_tell(place, vary, right):
    """One caller of version 1, then one of version 2: without Vary the second gets what the first did."""
    selector, request = PLACES[place]
    handler, cache = service(selector, vary=vary), Cache()
    first = request("1")
    cache.receive(first, served(handler, first)[0], requested_at=0.0, now=0.0)
    found = cache.lookup(request("2"), 1.0)
    body = found.response.json() if isinstance(found, Fresh) else served(handler, request("2"))[0].json()
    assert body == SHOWN["2" if right else "1"]


@pytest.mark.parametrize(("tags", "status"), [({}, 200), ({"tags": one_etag}, 304)], ids=["own tags", "one tag"])
def test_one_etag_for_all_versions_keeps_a_mover_in_the_old_shape(tags, status):
    """A client asks for version 2 with the tag of its version 1: with one tag it is told that nothing has changed."""
    handler = service(HeaderVersion(VERSIONS), **tags)
    etag = get(handler, Accept_Version="1").header("ETag")
    assert get(handler, Accept_Version="1", If_None_Match=etag).status == 304
    answer = get(handler, Accept_Version="2", If_None_Match=etag)
    assert answer.status == status
    assert answer.header("Vary") == "Accept-Version"


LIFE = Lifecycle(deprecated=10.0, sunset=100.0, successor="/v2/users")


@pytest.mark.parametrize(
    ("now", "status", "body"), [(0.0, 200, True), (50.0, 410, False), (55.0, 200, True), (100.0, 410, False)]
)
def test_a_retired_version_warns_fails_for_a_while_and_ends(now, status, body):
    """Every answer of version 1 carries the notice; version 2 goes on without one."""
    retirement = Retirement(lifecycle=LIFE, brown_outs=BrownOuts(windows=((50.0, 5.0),)))
    handler = service(retirements={"1": retirement})
    answer = get(handler, "/v1/users/7", now)
    assert (answer.status, answer.json() == SHOWN["1"]) == (status, body)
    assert read_notice(answer).successor == "/v2/users"
    assert get(handler, "/v1/users/nobody", 0.0).header("Sunset") is not None
    assert read_notice(get(handler, "/v2/users/7", now)) is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v4/users/7", b"", 404),
        ("GET", "/users/7", b"", 404),
        ("GET", "/v1/users/9", b"", 404),
        ("GET", "/v1/nothing", b"", 404),
        ("PUT", "/v1/users/7", b"", 405),
        ("POST", "/v1/users", b"", 400),
        ("POST", "/v1/users", b"{", 400),
        ("POST", "/v1/users", b"[]", 422),
        ("POST", "/v1/users", b"{}", 422),
        ("POST", "/v2/users", b'{"name":"Ada","email":"a@x.example"}', 422),
        ("POST", "/v3/users", b'{"name":{"first":"A"},"emails":[7],"plan":"gold"}', 422),
        ("POST", "/v1/users", b'{"id":7,"name":"A","email":"a"}', 422),
        ("POST", "/v1/users", b" " * (BODY_LIMIT + 1), 413),
    ],
)
def test_a_bad_request_changes_nothing(method, path, body, status):
    """The right status with a problem document, and the store as it was."""
    handler = service()
    before = handler.store.snapshot()
    response, effects = served(handler, Request(method, path, body=body))
    assert (response.status, effects, response.header("Content-Type")) == (status, [], "application/problem+json")
    assert handler.store.snapshot() == before


def test_all_wrong_members_are_named_at_once():
    """Three members wrong, three pointers."""
    body = b'{"name":{"first":"A"},"emails":[7],"plan":"gold"}'
    response, _ = served(service(), Request("POST", "/v3/users", body=body))
    assert {error["pointer"] for error in response.json()["errors"]} == {"/name/last", "/emails/0", "/plan"}


@pytest.mark.parametrize("place", ["header", "media type"])
def test_a_refused_version_names_what_it_depends_on(place):
    """A cache must not hand the 400 or 406 to somebody who asked for another version."""
    selector, request = PLACES[place]
    refused, _ = served(service(selector), request("9"))
    assert refused.status in (400, 406)
    assert refused.header("Vary") == selector.vary


@pytest.mark.slow
@settings(max_examples=150)
@given(
    st.sampled_from([UriVersion, QueryVersion, HeaderVersion, MediaTypeVersion]),
    st.sampled_from(["GET", "POST", "HEAD", "DELETE"]),
    st.sampled_from(["/v1/users", "/users", "/users/7", "/v3/users/7", "/users?version=2"]) | st.text(),
    st.dictionaries(st.sampled_from(["Accept", "Accept-Version", "If-None-Match"]), st.text(max_size=20)),
    st.binary(max_size=10)
    | st.dictionaries(
        st.sampled_from(["id", "name", "email", "first_name", "emails", "plan"]),
        st.none() | st.text(max_size=3) | st.lists(st.text(max_size=2)) | st.just({"first": "A", "last": ""}),
    ).map(json_body),
)
def test_no_request_breaks_the_service(kind, method, path, headers, body):
    """Any method, path, headers and body, wherever the version stands: an answer, never an exception."""
    handler = service(kind(VERSIONS, default="2"))
    response, _ = served(handler, Request(method, path, headers=headers, body=body))
    assert response.status in (200, 201, 304, 400, 404, 405, 406, 413, 422)
    assert response.status == 304 or isinstance(json.loads(response.body), dict)


def test_the_chain_has_every_version():
    """The service's versions, the chain's and the shapes' are the same."""
    assert CHAIN.versions == tuple(SHAPES) == VERSIONS
