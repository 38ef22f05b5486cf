"""The contract suite for version selectors: ours keep it, and each way to break it is found."""

import attrs
import pytest

from sim.http import Request
from sim.policies.versions.versioning import (
    HeaderVersion,
    MediaTypeVersion,
    QueryVersion,
    Selected,
    Unknown,
    UriVersion,
)
from sim.testing.selector import check_selector

VERSIONS = ("1", "2", "3")


def headers(name, form="{}"):
    return {version: Request("GET", "/users", headers={name: form.format(version)}) for version in VERSIONS}


OURS = {
    "uri": (UriVersion, {version: Request("GET", f"/v{version}/users") for version in VERSIONS}),
    "query": (QueryVersion, {version: Request("GET", f"/users?version={version}&a=1") for version in VERSIONS}),
    "header": (HeaderVersion, headers("accept-version")),
    "media type": (MediaTypeVersion, headers("Accept", "application/vnd.myapi.v{}+json")),
}


@pytest.mark.parametrize("default", [None, "1", "3"])
@pytest.mark.parametrize("place", list(OURS))
def test_our_selectors_keep_the_contract(place, default):
    """All four, with and without a default."""
    kind, examples = OURS[place]
    assert check_selector(kind(VERSIONS, default=default), examples).ok


@attrs.frozen
class NoVary(HeaderVersion):
    def mark(self, selected):
        return {}


@attrs.frozen
class KeepsTheHeader(HeaderVersion):
    def select(self, request):
        found = super().select(request)
        return Selected(found.version, request) if isinstance(found, Selected) else found


@attrs.frozen
class AlwaysTheNewest(HeaderVersion):
    def select(self, request):
        return Selected("3", request, named=False)


@attrs.frozen
class Stumbles(HeaderVersion):
    def select(self, request):
        return Selected(str(int(request.headers["accept-version"])), Request("GET", request.path), named=False)


@attrs.frozen
class RefusesWithA500(HeaderVersion):
    def select(self, request):
        found = super().select(request)
        return Unknown("", 500) if isinstance(found, Unknown) else found


@attrs.frozen
class NoRest(HeaderVersion):
    def select(self, request):
        found = super().select(request)
        return Selected(found.version, None) if isinstance(found, Selected) else found


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (NoVary, "has Vary: nothing; a shared cache confuses them"),
        (KeepsTheHeader, "still names version '1'"),
        (AlwaysTheNewest, "the example of version '1' was answered with version '3'"),
        (Stumbles, "raised"),
        (RefusesWithA500, "was refused with a 500"),
        (NoRest, "it left no request"),
    ],
)
def test_a_broken_selector_is_found(kind, says):
    """Each fault is a sentence that names it."""
    report = check_selector(kind(VERSIONS), headers("accept-version"))
    assert says in str(report)


def test_something_else_is_told_what_is_missing():
    """An object without the methods, and examples that show too little."""
    assert "must be an object with a method select(request)" in str(check_selector(object(), headers("x")))
    with pytest.raises(ValueError, match="at least two versions"):
        check_selector(HeaderVersion(VERSIONS), {})
