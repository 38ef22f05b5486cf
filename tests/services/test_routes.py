"""Routing: methods, paths, parts in braces, and what is said about the rest."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Reply
from sim.http import Request, json_response
from sim.policies.http.problem import read_problem
from sim.policies.http.status import missing_headers
from sim.services.routes import Routes


def endpoint(name):
    """An endpoint that answers with its name and the parts that it was given."""

    def handle(request, now, **parts):
        yield Reply(json_response({"endpoint": name, **parts}))

    return handle


ROUTES = Routes(
    {
        "GET /users": endpoint("list"),
        "POST /users": endpoint("create"),
        "GET /users/{user}": endpoint("read"),
        "PUT /users/{user}": endpoint("write"),
        "GET /users/{user}/orders/{order}": endpoint("order"),
        "GET /v1.0/users": endpoint("versioned"),
        "DELETE /sessions/{session}": endpoint("leave"),
    }
)


def answer(method, path):
    """The one reply to a request."""
    (reply,) = list(ROUTES(Request(method, path), 0.0))
    return reply.response


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/users", {"endpoint": "list"}),
        ("GET", "/users?page=2", {"endpoint": "list"}),
        ("POST", "/users", {"endpoint": "create"}),
        ("GET", "/users/7", {"endpoint": "read", "user": "7"}),
        ("PUT", "/users/7", {"endpoint": "write", "user": "7"}),
        ("HEAD", "/users/7", {"endpoint": "read", "user": "7"}),
        ("GET", "/users/7/orders/a%20b%2Fc", {"endpoint": "order", "user": "7", "order": "a b/c"}),
        ("GET", "/users/%C3%A9", {"endpoint": "read", "user": "é"}),
        ("GET", "/users/..", {"endpoint": "read", "user": ".."}),
        ("GET", "/v1.0/users", {"endpoint": "versioned"}),
    ],
)
def test_the_table_decides(method, path, expected):
    """Method and path choose the endpoint; a part in braces is one segment, decoded; HEAD goes where GET goes."""
    assert answer(method, path).json() == expected


@pytest.mark.parametrize(
    "path", ["/", "", "/user", "/users/", "/users/7/", "/users/7/orders", "/USERS", "//users", "/v1x0/users"]
)
def test_an_unknown_path_is_a_404(path):
    """No path is guessed: no trailing slash, no other case, no dot that stands for anything."""
    assert answer("GET", path).status == 404
    assert read_problem(answer("GET", path)) is not None


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/users", "GET, HEAD, POST"),
        ("PATCH", "/users/7", "GET, HEAD, PUT"),
        ("GET", "/sessions/7", "DELETE"),
        ("HEAD", "/sessions/7", "DELETE"),
        ("get", "/users", "GET, HEAD, POST"),
        ("BREW", "/users", "GET, HEAD, POST"),
    ],
)
def test_another_method_is_a_405_with_allow(method, path, allow):
    """A known path answers every other method with what it does take (RFC 9110 §15.5.6); methods are case-sensitive."""
    refused = answer(method, path)
    assert (refused.status, refused.header("Allow")) == (405, allow)
    assert missing_headers(refused) == ()


def test_options_says_which_methods_there_are():
    """OPTIONS of a known path is a 204 with Allow (RFC 9110 §9.3.7), of an unknown one a 404."""
    asked = answer("OPTIONS", "/users/7")
    assert (asked.status, asked.header("Allow"), asked.body) == (204, "GET, HEAD, PUT", b"")
    assert answer("OPTIONS", "/user").status == 404


@pytest.mark.slow
@settings(max_examples=150)
@given(st.text(max_size=8), st.text("/%users7.?é\n{}", max_size=20) | st.text(max_size=20))
def test_no_path_crashes_the_routes(method, path):
    """Whatever method and path, there is one reply, with one of four statuses."""
    assert answer(method, path).status in (200, 204, 404, 405)
