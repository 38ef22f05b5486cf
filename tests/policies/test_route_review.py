"""The interviewer's remarks: each rule on lines that break it, and silence on a good table."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.http.route_review import parse_route, review

GOOD = """
GET    /v1/users?limit&after          -> 200, 400, 429
POST   /v1/users                      -> 201, 409, 422, 429
GET    /v1/users/{id}                 -> 200, 404
PUT    /v1/users/{id}                 -> 200, 404, 412, 422
PATCH  /v1/users/{id}                 -> 200, 404, 412, 422
DELETE /v1/users/{id}                 -> 204, 404
GET    /v1/users/{id}/orders?limit&after -> 200
POST   /v1/users/{id}/orders          -> 201
PUT    /v1/users/{id}/orders/{order}/payment -> 200, 404, 409
GET    /v1/categories?limit&page      -> 200
GET    /v1/status                     -> 200
GET    /v1/new-releases?limit&cursor  -> 200
"""


def test_a_good_table_is_met_with_silence():
    """Nouns, plural collections, methods for the verbs, 201 and 204, limits and pages, one version, errors, a 429."""
    assert review(GOOD.splitlines()) == ()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("GET /v1/getUser", ["'get', and so does the method", "/users"]),
        ("GET /v1/get-user", ["/users"]),
        ("GET /v1/list_categories", ["/categories"]),
        ("POST /v1/createOrder", ["'create', and so does the method", "/orders"]),
        ("GET /v1/deleteUser", ["'delete' under GET", "safe (RFC 9110 §9.2.1)"]),
        ("GET /v1/users/{id}/activate", ["must be safe", "/activation"]),
        ("POST /v1/users/delete/{id}", ["DELETE says so"]),
        ("POST /v1/updateUser", ["PUT replaces and PATCH"]),
        ("POST /v1/users/{id}", ["a POST to one item"]),
        ("PUT /v1/orders/{id}/cancel", ["/cancellation", "a PUT replaces what is at its URI"]),
        ("POST /v1/orders/{id}/pay", ["'pay' is an action"]),
        ("GET /v1/user/{id}", ["call the collection /users"]),
        ("GET /v1/category/7", ["call the collection /categories"]),
        ("GET /v1/address/:id", ["call the collection /addresses"]),
        ("GET /v1/users/{a}/orders/{b}/items/{c}/notes/{d}", ["more than two deep", "/notes/{d}"]),
        ("GET /v1/users", ["take a limit", "take a cursor"]),
        ("GET /v1/users?limit", ["take a cursor"]),
        ("GET /v1/users?cursor", ["take a limit"]),
        ("POST /v1/users -> 200", ["201 with its Location"]),
        ("POST /v1/users -> 500", ["good answers are 2xx"]),
        ("GET /v1/users/{id} -> 300", ["good answers are 2xx"]),
        ("GET /v1/users/{id} -> 204", ["nothing to show"]),
        ("DELETE /v1/users/{id} -> 201", ["creates nothing"]),
        ("DELETE /v1/users", ["on the whole collection"]),
        ("PATCH /v1/users", ["/users/{id}"]),
        ("GET /v1/orderItems?limit&page", ["/order-items"]),
        ("GET /v1/users.json/{id}", ["that is what Accept"]),
        ("GET /users/{id}", ["no path names a version"]),
        ("GET /v1/users/{id} -> 200", ["no line names an error", "no line has a limit"]),
        ("GET /v1/users/{id} -> 200, 429", ["say 404"]),
        ("POST /v1/users -> 201, 429", ["say 422, with every wrong field at once"]),
        ("PUT /v1/users/{id} -> 200, 404, 422", ["a 412 for the second"]),
    ],
)
def test_what_is_said_about_a_line(line, words):
    """Each rule has a sentence, which names what to write in its place."""
    said = " | ".join(map(str, review([line])))
    for word in words:
        assert word in said


def test_the_table_is_looked_at_as_a_whole():
    """A version on some lines only, and one line twice under two names of its part."""
    lines = ["GET /v1/users/{id} -> 200, 404, 429", "GET /V1/users/{user} -> 200, 404", "GET /status"]
    said = [str(remark) for remark in review(lines)]
    assert said == [
        "the table: some paths have a version and some have none; pick one place for it",
        "the table: GET /V1/users/{user} is there twice; only one of them will be reached",
    ]
    assert review([]) == review(["", "  "]) == ()


def test_our_own_orders_are_reviewed_too():
    """The orders API of this course: nothing to say but that no path names a version, and that there is no limit."""
    lines = [
        "GET /users/{user} -> 200, 404",
        "GET /users/{user}/orders?limit&after -> 200, 400, 404",
        "POST /users/{user}/orders -> 201, 404, 422",
        "GET /users/{user}/orders/{order} -> 200, 404",
        "PUT /users/{user}/orders/{order}/payment -> 200, 404, 409",
    ]
    assert [remark.route for remark in review(lines)] == ["the table"] * 2


def test_errors_are_missed_once_and_not_line_by_line():
    """A table that is silent about errors gets one remark about it; one that names some is read line by line."""
    silent = review(["GET /v1/users/{id} -> 200", "DELETE /v1/users/{id} -> 204"])
    assert [remark.route for remark in silent] == ["the table"] * 2
    (one,) = review(["GET /v1/users/{id} -> 200, 404, 429", "DELETE /v1/users/{id} -> 204, 409"])
    assert str(one) == "DELETE /v1/users/{id} -> 204, 409: an id can be wrong; say 404"


@pytest.mark.parametrize(
    "line", ["GET", "/users", "FETCH /users", "GET users", "GET /a b", "GET /a -> 99", "GET /a -> 200, no"]
)
def test_a_line_that_is_no_route_is_refused(line):
    """One sentence that shows what a route looks like."""
    with pytest.raises(ValueError, match="like 'GET /v1/users"):
        parse_route(line)


@settings(max_examples=150)
@given(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), st.text(max_size=30), st.sampled_from(["", " -> 200", " ->"]))
def test_any_line_is_reviewed_or_refused(method, path, rest):
    """Whatever stands in the path: remarks in sentences, or a `ValueError`."""
    try:
        remarks = review([f"{method} /{path}{rest}"])
    except ValueError:
        return
    assert all(remark.sentence for remark in remarks)
