"""Version selectors, as tables of (request, what is selected)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request
from sim.policies.versions.versioning import (
    HeaderVersion,
    MediaTypeVersion,
    QueryVersion,
    Selected,
    Unknown,
    UriVersion,
    version_refusal,
)

VERSIONS = ("1", "2")
URI, URI_1 = UriVersion(VERSIONS), UriVersion(VERSIONS, default="1")
HEADER, HEADER_1 = HeaderVersion(VERSIONS), HeaderVersion(VERSIONS, default="1")
QUERY, QUERY_1 = QueryVersion(VERSIONS), QueryVersion(VERSIONS, default="1")
MEDIA, MEDIA_1 = MediaTypeVersion(VERSIONS), MediaTypeVersion(VERSIONS, default="1")
EVERY = [URI, URI_1, HEADER, HEADER_1, QUERY, QUERY_1, MEDIA, MEDIA_1]
V1, V2 = "application/vnd.myapi.v1+json", "application/vnd.myapi.v2+json"


def get(path="/users", **headers):
    return Request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("selector", "path", "expected", "rest"),
    [
        (URI, "/v1/users/7", "1", "/users/7"),
        (URI, "/V2/users/7", "2", "/users/7"),
        (URI, "/v2/users/7?full=1", "2", "/users/7?full=1"),
        (URI, "/v2", "2", "/"),
        (URI, "/v2/", "2", "/"),
        (URI, "/v2?full=1", "2", "/?full=1"),
        (URI, "/v3/users", 404, None),
        (URI, "/v02/users", 404, None),
        (URI, "/users", 404, None),
        (URI, "/vendors/7", 404, None),
        (URI_1, "/vendors/7", "1", "/vendors/7"),
        (URI_1, "/users/v2/7", "1", "/users/v2/7"),
        (QUERY, "/users?version=2", "2", "/users"),
        (QUERY, "/users?version=v2&full=1", "2", "/users?full=1"),
        (QUERY, "/users?full=1&version=1", "1", "/users?full=1"),
        (QUERY, "/users?version=3", 400, None),
        (QUERY, "/users?version=", 400, None),
        (QUERY, "/users?version=1&version=2", 400, None),
        (QUERY, "/users?version=2&version=2", "2", "/users"),
        (QUERY, "/users", 400, None),
        (QUERY_1, "/users?Version=2", "1", "/users?Version=2"),
    ],
)
def test_the_version_in_the_uri(selector, path, expected, rest):
    """A path's first segment or a query's parameter names the version and is taken out; an unknown one is refused."""
    found = selector.select(get(path))
    if rest is None:
        assert isinstance(found, Unknown)
        assert found.status == expected
    else:
        assert (found.version, found.request.path) == (expected, rest)


@pytest.mark.parametrize(
    ("selector", "value", "expected"),
    [
        (HEADER, "1", "1"),
        (HEADER, " v2 ", "2"),
        (HEADER, "V2", "2"),
        (HEADER, "3", 400),
        (HEADER, "1, 2", 400),
        (HEADER, "", 400),
        (HEADER, None, 400),
        (HEADER_1, None, "1"),
        (MEDIA, V2, "2"),
        (MEDIA, f"{V1};q=0.5, {V2}", "2"),
        (MEDIA, f"{V1}, {V2};q=0.5", "1"),
        (MEDIA, V2.upper(), "2"),
        (MEDIA, f"{V1}, {V2}", "2"),
        (MEDIA_1, f"{V2}, {V1}", "1"),
        (MEDIA_1, f"{V2}, */*;q=0.1", "2"),
        (MEDIA_1, f"{V1};q=0, {V2}", "2"),
        (MEDIA_1, f"{V1};q=0, application/json;q=0, */*", "2"),
        (MEDIA_1, f"*/*, {V2}", "2"),
        (MEDIA_1, f"application/*;q=0.9, {V2};q=0.5", "1"),
        (MEDIA_1, "application/json", "1"),
        (MEDIA_1, "*/*", "1"),
        (MEDIA_1, "application/*", "1"),
        (MEDIA_1, None, "1"),
        (MEDIA_1, ";;;", "1"),
        (MEDIA_1, f"{V2};q=abc, */*;q=0.1", "1"),
        (MEDIA, None, 406),
        (MEDIA, "*/*", 406),
        (MEDIA, "application/json", 406),
        (MEDIA_1, "application/vnd.myapi.v3+json", 406),
        (MEDIA_1, "text/html", 406),
        (MEDIA_1, "*/*;q=0", 406),
        (MEDIA_1, f"{V2};q=0", 406),
    ],
)
def test_the_version_in_a_header(selector, value, expected):
    """A header names it, or a media type with the heaviest q; who names none gets the default, or is refused."""
    name = "Accept" if isinstance(selector, MediaTypeVersion) else "Accept-Version"
    request = get(x_other="kept") if value is None else Request("GET", "/users", headers={name.lower(): value})
    found = selector.select(request)
    if isinstance(expected, int):
        assert isinstance(found, Unknown)
        assert found.status == expected
    else:
        assert found.version == expected
        assert found.request.header(name) is None


@pytest.mark.parametrize(
    ("selector", "vary"), [(URI, ""), (QUERY, ""), (HEADER, "Accept-Version"), (MEDIA, "Accept")], ids=str
)
def test_what_decides_outside_of_the_uri_is_named_in_vary(selector, vary):
    """Header and media type must be named in Vary, in good answers and in refusals; a URI needs none."""
    good = selector.mark(Selected("1", get()))
    bad = version_refusal(Unknown("there is no version '9'", 406), selector)
    assert good.get("Vary", "") == vary
    assert (bad.header("Vary") or "") == vary
    assert bad.header("Content-Type") == "application/problem+json"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [(V2, V2), (f"{V1};q=0, {V2}", V2), ("application/json", "application/json"), ("*/*", "application/json")],
)
def test_an_answer_has_the_media_type_that_was_asked_for(accept, media_type):
    """Who asks for plain JSON is not answered in a vendor's type that it did not accept."""
    found = MEDIA_1.select(get(accept=accept))
    assert MEDIA_1.mark(found)["Content-Type"] == media_type


def test_a_default_is_told_apart_from_a_named_version():
    """Callers who name no version are the ones a new default would break, so they can be counted."""
    assert HEADER_1.select(get(accept_version="1")).named
    assert not HEADER_1.select(get()).named
    assert not MEDIA_1.select(get(accept="*/*")).named


@pytest.mark.parametrize(
    "make",
    [
        lambda: UriVersion(()),
        lambda: UriVersion(("1", "1")),
        lambda: UriVersion(("v1",)),
        lambda: UriVersion((1,)),
        lambda: HeaderVersion(("1",), default="2"),
        lambda: MediaTypeVersion(("1",), vendor="my api"),
    ],
)
def test_a_selector_is_checked_at_construction(make):
    """No versions, one twice, a label with its "v", a default that does not exist, a vendor that is no token."""
    with pytest.raises(ValueError, match="must"):
        make()


def test_dates_are_versions_too():
    """Stripe and GitHub name versions by date."""
    selector = HeaderVersion(("2023-01-15", "2024-01-15"), header="X-Api-Version")
    assert selector.select(get(x_api_version="2024-01-15")).version == "2024-01-15"


@settings(max_examples=60)
@given(path=st.text(max_size=40), value=st.text(max_size=60), name=st.sampled_from(["Accept", "Accept-Version"]))
def test_any_request_is_answered(path, value, name):
    """Whatever path and header come: a version that exists, or a refusal with a problem document."""
    for selector in EVERY:
        found = selector.select(Request("GET", path, headers={name: value}))
        if isinstance(found, Selected):
            assert found.version in VERSIONS
        else:
            assert version_refusal(found, selector).status in (400, 404, 406)
