"""Which code, when: what the services answer in each situation, and what the table of statuses says of it."""

import pytest

from sim.policies.http.status import STATUSES, missing_headers
from sim.services.situations import SITUATIONS

each = pytest.mark.parametrize("one", SITUATIONS, ids=lambda one: one.words[:40])
CODES = [
    200, 201, 202, 204, 207, 304, 400, 400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 422, 428, 429, 500,
]  # fmt: skip


def test_the_services_answer_with_the_codes_of_the_specifications_in_order():
    """Written down here from RFC 9110, RFC 6585 and RFC 4918, and not taken from the services."""
    assert [one.answer().status for one in SITUATIONS] == CODES


@each
def test_an_answer_has_the_headers_that_its_code_must_have(one):
    """401 says how to get in, 405 what is allowed, 415 what would be."""
    answer = one.answer()
    assert answer.status in STATUSES
    assert missing_headers(answer) == ()


@each
def test_an_answer_is_the_same_each_time_and_an_error_is_a_problem_document(one):
    """Each situation is a world of its own."""
    answer = one.answer()
    assert answer == one.answer()
    if answer.status >= 400:
        assert answer.header("Content-Type") == "application/problem+json"


def test_no_two_situations_are_the_same():
    """A quiz that asks twice is a dull one."""
    assert len({one.words for one in SITUATIONS}) == len(SITUATIONS)
    assert all(one.words.endswith(".") for one in SITUATIONS)
