"""The same request twice: which methods are safe, which are idempotent, and what they answer the second time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request, Response, json_body
from sim.policies.http.patch import JSON_PATCH, MERGE_PATCH
from sim.services.repeated import EXAMPLES, Example, ask, unconditional

SAFE = {"GET", "HEAD", "OPTIONS"}
WORDS = st.text("abcxyz ", min_size=1, max_size=8)
PROFILES = st.fixed_dictionaries({"name": WORDS}, optional={"city": WORDS, "tags": st.lists(WORDS, max_size=3)})


@pytest.mark.parametrize(
    ("name", "statuses", "idempotent", "same_answer"),
    [
        ("GET", (200, 200), True, True),
        ("HEAD", (200, 200), True, True),
        ("OPTIONS", (204, 204), True, True),
        ("PUT, replaces", (200, 200), True, True),
        ("PUT, creates", (201, 200), True, False),
        ("DELETE", (204, 404), True, False),
        ("POST", (201, 201), False, False),
        ("POST, with a key", (201, 201), True, True),
        ("PATCH, absolute", (200, 200), True, True),
        ("PATCH, relative", (200, 200), False, False),
        ("PATCH, relative, If-Match", (200, 412), True, False),
        ("PATCH, test and remove", (200, 409), True, False),
    ],
)
def test_each_example_twice(name, statuses, idempotent, same_answer):
    """RFC 9110 §9.2: GET, HEAD and OPTIONS change nothing; PUT and DELETE change nothing more; POST and PATCH may."""
    twice = EXAMPLES[name].twice()
    assert tuple(answer.status for answer in twice.answers) == statuses
    assert (twice.safe, twice.idempotent, twice.same_answer) == (name in SAFE, idempotent, same_answer)


def test_there_is_a_row_for_every_example():
    """The table above is about all of them."""
    assert len(EXAMPLES) == 12


def profile(method, document, kind):
    """A request about Ada's profile."""
    return Request(method, "/profiles/ada", headers={"Content-Type": kind}, body=json_body(document))


@settings(max_examples=60)
@given(PROFILES)
def test_putting_and_merging_any_profile_is_idempotent(document):
    """Whatever the document: the second PUT, and the second merge patch, change nothing more and answer alike."""
    for method, kind in (("PUT", "application/json"), ("PATCH", MERGE_PATCH)):
        twice = Example(unconditional, profile(method, document, kind)).twice()
        assert [answer.status for answer in twice.answers] == [200, 200]
        assert twice.idempotent
        assert twice.same_answer


@settings(max_examples=30)
@given(st.lists(WORDS, min_size=1, max_size=3))
def test_appending_is_never_idempotent(words):
    """Whatever is added to the end of a list is there twice afterwards."""
    patch = [{"op": "add", "path": "/tags/-", "value": word} for word in words]
    twice = Example(unconditional, profile("PATCH", patch, JSON_PATCH)).twice()
    assert not twice.idempotent
    assert twice.answers[1].json()["tags"] == ["a", *words, *words]


def test_a_service_without_an_answer_is_a_500():
    """A handler that yields nothing has not answered."""
    assert ask(lambda request, now: iter(()), Request()) == Response(500)
