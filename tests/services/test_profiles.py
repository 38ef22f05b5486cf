"""The profiles service: what each method does, what it refuses, and what the three designs lose."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Effect, Reply, Step
from sim.http import BODY_LIMIT, Request, json_body
from sim.policies.http.patch import ACCEPT_PATCH, JSON_PATCH, MERGE_PATCH
from sim.policies.http.problem import read_problem
from sim.policies.http.status import missing_headers
from sim.services.profiles.designs import CheckThenWrite, IfMatch, LastWriteWins
from sim.store import MemoryStore

ADA = {"name": "Ada", "email": "ada@example.org", "city": "Turin", "tags": ["x"]}
DESIGNS = [LastWriteWins, CheckThenWrite, IfMatch]
every_design = pytest.mark.parametrize("design", DESIGNS)


def send(service, method, document=None, path="/profiles/7", **headers):
    """The reply to a request; *document* is the body, as JSON or as bytes.  Underscores in header names are dashes."""
    body = b"" if document is None else document if isinstance(document, bytes) else json_body(document)
    kind = {"PUT": "application/json", "PATCH": MERGE_PATCH}.get(method)
    named = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    if kind is not None:
        named = {"Content-Type": kind, **named}
    commands = list(service(Request(method, path, "k", named, body), 0.0))
    (answer,) = [command.response for command in commands if isinstance(command, Reply)]
    effects = [command for command in commands if isinstance(command, Effect)]
    assert len(effects) == (answer.status < 300 and method in ("PUT", "PATCH", "DELETE"))
    assert missing_headers(answer) == ()
    assert answer.status < 400 or method == "HEAD" or read_problem(answer) is not None
    return answer


def new(design, profile=ADA, **settings):
    """A fresh service with one profile, and the tag that GET shows for it."""
    service = design(MemoryStore(), **settings)
    if profile is None:
        return service, None
    return service, send(service, "PUT", profile).header("ETag")


def stored(service):
    """The profile as a GET shows it, None when there is none."""
    answer = send(service, "GET")
    return answer.json() if answer.status == 200 else None


@every_design
def test_put_creates_and_then_replaces(design):
    """The first PUT is a 201 with Location, the second a 200; both carry the tag that GET will carry."""
    service, _ = new(design, None)
    created = send(service, "PUT", ADA)
    assert (created.status, created.header("Location")) == (201, "/profiles/7")
    assert created.header("ETag") == send(service, "GET").header("ETag")
    replaced = send(service, "PUT", {"name": "Bob"}, If_Match=created.header("ETag"))
    assert (replaced.status, replaced.header("Location")) == (200, None)
    assert replaced.header("ETag") == send(service, "GET").header("ETag") != created.header("ETag")


@every_design
def test_a_put_without_a_field_nulls_it(design):
    """PUT replaces the whole: what it leaves out is gone (Q-02.1)."""
    service, tag = new(design)
    assert send(service, "PUT", {"name": "Alice"}, If_Match=tag).status == 200
    assert stored(service) == {"name": "Alice"}


@every_design
def test_a_patch_leaves_other_fields_alone(design):
    """A merge patch changes what it names and nothing else (Q-02.4)."""
    service, tag = new(design)
    assert send(service, "PATCH", {"city": "Rome", "email": None}, If_Match=tag).status == 200
    assert stored(service) == {"name": "Ada", "city": "Rome", "tags": ["x"]}


@every_design
def test_both_patch_formats(design):
    """JSON Patch can touch one item of a list, and set null, which a merge patch cannot."""
    service, tag = new(design)
    change = [{"op": "add", "path": "/tags/-", "value": "y"}, {"op": "add", "path": "/phone", "value": None}]
    tag = send(service, "PATCH", change, Content_Type=JSON_PATCH, If_Match=tag).header("ETag")
    assert stored(service) == {**ADA, "tags": ["x", "y"], "phone": None}
    send(service, "PATCH", {"phone": None}, If_Match=tag)
    assert stored(service) == {**ADA, "tags": ["x", "y"]}


@every_design
def test_delete_is_a_204_and_then_a_404(design):
    """The second DELETE finds nothing: another answer, the same effect, so DELETE is idempotent (Q-07.1, Q-08.2)."""
    service, tag = new(design)
    assert send(service, "DELETE", If_Match=tag).status == 204
    assert send(service, "DELETE", If_Match=tag).status == 404
    assert stored(service) is None
    assert send(service, "PUT", ADA).status == 201


@every_design
def test_head_is_get_without_the_body(design):
    """The same status and the same headers, Content-Length too, and no bytes."""
    service, _ = new(design)
    get, head = send(service, "GET"), send(service, "HEAD")
    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")
    assert int(head.header("Content-Length")) == len(get.body)
    assert send(service, "HEAD", path="/profiles/8").status == 404
    assert send(service, "HEAD", path="/profiles/8").body == b""


@every_design
def test_a_reader_that_has_it_gets_a_304(design):
    """If-None-Match with the present tag saves the body, and only with the present one."""
    service, tag = new(design)
    unchanged = send(service, "GET", If_None_Match=tag)
    assert (unchanged.status, unchanged.body, unchanged.header("ETag")) == (304, b"", tag)
    assert send(service, "GET", If_None_Match="*").status == 304
    assert send(service, "GET", If_None_Match='"other"').status == 200
    send(service, "PUT", {"name": "Bob"}, If_Match=tag)
    assert send(service, "GET", If_None_Match=tag).status == 200
    assert send(service, "GET", If_Match=tag).status == 412


@every_design
def test_only_json_is_served(design):
    """A client that accepts no JSON gets a 406 that says what there is."""
    service, _ = new(design)
    assert send(service, "GET", Accept="text/html").status == 406
    assert send(service, "GET", Accept="text/html, */*;q=0.1").status == 200


@pytest.mark.parametrize("design", [CheckThenWrite, IfMatch])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 428),
        ({"If_Match": '"old"'}, 412),
        ({"If_Match": "old"}, 400),
        ({"If_Match": 'W/"old"'}, 412),
        ({"If_None_Match": "*"}, 412),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_write_without_the_present_tag_is_refused(design, method, headers, status):
    """428 without If-Match, 412 with another tag, 400 with no tag at all; and nothing is changed."""
    service, tag = new(design)
    refused = send(service, method, {"name": "Bob"}, **headers)
    assert refused.status == status
    assert refused.header("ETag") == (None if status == 400 else tag)
    assert stored(service) == ADA


def test_preconditions_of_what_is_not_there():
    """If-Match on nothing is a 412 for PUT, and PATCH and DELETE are a 404 first; creation needs no tag."""
    service, _ = new(IfMatch, None)
    assert send(service, "PUT", ADA, If_Match='"v1"').status == 412
    assert send(service, "PUT", ADA, If_Match="*").status == 412
    assert send(service, "PATCH", {}, If_Match='"v1"').status == 404
    assert send(service, "DELETE", If_Match='"v1"').status == 404
    assert send(service, "PUT", ADA, If_None_Match="*").status == 201


def test_last_write_wins_does_not_look():
    """The naive design takes any If-Match for granted."""
    service, _ = new(LastWriteWins)
    assert send(service, "PUT", {"name": "Bob"}, If_Match='"old"').status == 200
    assert send(service, "DELETE").status == 204


@every_design
@pytest.mark.parametrize(
    ("document", "status", "pointers"),
    [
        (b"", 400, []),
        (b"{", 400, []),
        (b"\xff\xfe", 400, []),
        (b'{"name": NaN}', 400, []),
        (b'{"name": "a", "name": "b"}', 400, []),
        (b"[" * 200_000, 400, []),
        (b'"' + b"x" * (BODY_LIMIT - 2) + b'"', 422, [""]),
        (b'"' + b"x" * (BODY_LIMIT - 1) + b'"', 413, []),
        (b"[]", 422, [""]),
        (b"null", 422, [""]),
        (b"{}", 422, ["/name"]),
        (b'{"name": "", "email": "x", "born": "1815-13-10", "tags": ["", 7], "hat": 1}', 422,
         ["/name", "/email", "/born", "/tags/0", "/tags/1", "/hat"]),
    ],
)  # fmt: skip
def test_a_wrong_body_is_refused_before_anything_happens(design, document, status, pointers):
    """400 what is no JSON, 413 what is too large, 422 with all its faults what is no profile; nothing is changed."""
    service, tag = new(design)
    refused = send(service, "PUT", document, If_Match=tag)
    assert refused.status == status
    assert [error.pointer for error in read_problem(refused).errors] == pointers
    assert stored(service) == ADA


@pytest.mark.slow
@every_design
@pytest.mark.parametrize(
    ("patch", "kind", "status"),
    [
        ({"name": None}, MERGE_PATCH, 422),
        ({"email": "x"}, MERGE_PATCH, 422),
        ([1], MERGE_PATCH, 422),
        ("text", MERGE_PATCH, 422),
        (b"", MERGE_PATCH, 400),
        (b'{"city":' * 5_000, MERGE_PATCH, 400),
        ({"op": "remove"}, JSON_PATCH, 400),
        ([{"op": "test", "path": "/name", "value": "Bob"}], JSON_PATCH, 409),
        ([{"op": "remove", "path": "/phone"}], JSON_PATCH, 409),
        ([{"op": "remove", "path": "/name"}], JSON_PATCH, 422),
        ([{"op": "copy", "from": "", "path": "/tags/-"}] * 40, JSON_PATCH, 413),
        ({"city": "Rome"}, "application/json", 415),
        ({"city": "Rome"}, "", 415),
    ],
)
def test_a_wrong_patch_is_refused_whole(design, patch, kind, status):
    """No patch: 400; does not fit: 409; would make no profile: 422; no known format: 415.  Nothing is changed."""
    service, tag = new(design)
    refused = send(service, "PATCH", patch, Content_Type=kind, If_Match=tag)
    assert refused.status == status
    assert stored(service) == ADA


@every_design
@pytest.mark.parametrize("depth", [100, 300, 500, 700, 900, 950])
def test_no_depth_gets_through(design, depth):
    """How deep a reader can go depends on where it starts; somewhere on the way it is a 400, and a 422 at the least."""
    service, tag = new(design)
    patch = b'{"city":' * depth + b"1" + b"}" * depth
    assert send(service, "PATCH", patch, If_Match=tag).status in (400, 422)
    assert stored(service) == ADA


@every_design
def test_415_says_what_would_be_read(design):
    """A PATCH in an unknown format is told Accept-Patch (RFC 5789 §2.2), a PUT is told Accept."""
    service, tag = new(design)
    refused = send(service, "PATCH", {}, Content_Type="text/plain", If_Match=tag)
    assert (refused.status, refused.header("Accept-Patch")) == (415, ACCEPT_PATCH)
    refused = send(service, "PUT", ADA, Content_Type="text/xml", If_Match=tag)
    assert (refused.status, refused.header("Accept")) == (415, "application/json")
    assert send(service, "PUT", ADA, Content_Type="Application/JSON; charset=utf-8", If_Match=tag).status == 200


@every_design
@pytest.mark.parametrize(
    "path", ["/profiles/a%2Fb", "/profiles/" + "x" * 65, "/profiles/%00", "/profiles/ä", "/profiles"]
)
def test_a_name_that_cannot_be_is_a_404(design, path):
    """A strange name is not stored, and finds nothing."""
    service, _ = new(design)
    assert send(service, "PUT", ADA, path=path).status == 404
    assert send(service, "GET", path=path).status == 404
    assert [key for key, _ in service.store.rows("profiles")] == ["7"]


@every_design
def test_another_method_is_a_405(design):
    """POST to one profile is not defined; the answer says what is."""
    assert send(new(design)[0], "POST", b"").header("Allow") == "DELETE, GET, HEAD, PATCH, PUT"


def test_a_retried_put_undoes_what_came_between():
    """PUT is idempotent by itself, and yet its retry after somebody else's PUT loses that one (Q-02.2)."""
    service, _ = new(LastWriteWins)
    mine, theirs = {**ADA, "city": "Rome"}, {**ADA, "email": "new@example.org"}
    statuses = [send(service, "PUT", document).status for document in (mine, theirs, mine)]
    assert statuses == [200, 200, 200]
    assert stored(service)["email"] == ADA["email"]


def test_if_match_turns_the_harmful_retry_into_a_412():
    """The same three requests with If-Match: (200, 200, 412), and both changes can be kept (Q-02.2)."""
    service, tag = new(IfMatch)
    mine, theirs = {**ADA, "city": "Rome"}, {**ADA, "email": "new@example.org"}
    first = send(service, "PUT", mine, If_Match=tag)
    second = send(service, "PUT", theirs, If_Match=first.header("ETag"))
    retry = send(service, "PUT", mine, If_Match=tag)
    assert [first.status, second.status, retry.status] == [200, 200, 412]
    assert stored(service) == theirs


def test_a_retry_after_a_lost_reply_is_a_412_for_work_that_was_done():
    """The writer whose answer was lost sees a 412 of its own making: it must read before it gives up."""
    service, tag = new(IfMatch)
    mine = {**ADA, "city": "Rome"}
    assert send(service, "PUT", mine, If_Match=tag).status == 200
    assert send(service, "PUT", mine, If_Match=tag).status == 412
    assert stored(service) == mine


def test_a_tag_survives_delete_and_create():
    """The tag is made of the content: a profile that is deleted and made anew with other content has another tag."""
    service, tag = new(IfMatch)
    send(service, "DELETE", If_Match=tag)
    send(service, "PUT", {"name": "Eve"})
    assert send(service, "PUT", {"name": "Bob"}, If_Match=tag).status == 412


@every_design
def test_the_order_of_members_does_not_make_another_version(design):
    """The same profile, written in another order, has the same tag and the same bytes."""
    service, tag = new(design)
    again = send(service, "PUT", dict(reversed(ADA.items())), If_Match=tag)
    assert again.header("ETag") == tag
    assert again.body == send(service, "GET").body


@every_design
def test_validation_touches_no_store(design):
    """A request that is refused for its content alone makes no access to the store."""
    service, _ = new(design)
    commands = list(service(Request("PUT", "/profiles/7", "k", {"Content-Type": "application/json"}, b"{}"), 0.0))
    assert not any(isinstance(command, Step) for command in commands)


HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(["application/json", MERGE_PATCH, JSON_PATCH, ";", "x"]) | st.text(max_size=10),
        "If-Match": st.sampled_from(["*", '"a"', "a", ""]) | st.text(max_size=10),
        "If-None-Match": st.sampled_from(["*", '"a"', "a", ""]) | st.text(max_size=10),
        "Accept": st.text(max_size=10),
    },
)
BODIES = st.binary(max_size=30) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "email", "op", "path", "value", "x"]), inner, max_size=4)
    ),
    max_leaves=6,
).map(lambda value: json.dumps(value).encode())


@pytest.mark.slow
@every_design
@settings(max_examples=120)
@given(st.sampled_from(["GET", "HEAD", "PUT", "PATCH", "DELETE", "POST"]), HEADERS, BODIES)
def test_no_request_crashes_the_service(design, method, headers, body):
    """Any headers and any body get one answer below 500; what is refused has no effect."""
    service, _ = new(design)
    commands = list(service(Request(method, "/profiles/7", "k", headers, body), 0.0))
    (answer,) = [command.response for command in commands if isinstance(command, Reply)]
    assert answer.status < 500
    if answer.status >= 300:
        assert service.store.get("profiles", "7") == ADA
        assert not any(isinstance(command, Effect) for command in commands)
