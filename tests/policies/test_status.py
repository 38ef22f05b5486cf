"""The table of statuses agrees with itself, with the standard library and with the course's retry rule."""

import re
from http import HTTPStatus

import pytest

from sim.http import Response
from sim.policies.client.retry import TRANSIENT_STATUSES
from sim.policies.http.problem import reason_phrase as as_problems_call_it
from sim.policies.http.status import STATUSES, Again, Fault, missing_headers, reason_phrase, status

CHEAT_SHEET = (200, 201, 202, 204, 207, 400, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503, 504)
KIT = (206, 301, 302, 303, 304, 307, 308, 405, 406, 412, 413, 415, 428, 431, 501)
RENAMED = {413: "Content Too Large", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}


def test_the_table_has_every_status_of_the_course():
    """What the cheat sheet lists and what the kit answers with has a row, in ascending order."""
    assert set(CHEAT_SHEET + KIT) <= set(STATUSES)
    assert list(STATUSES) == sorted(STATUSES)


@pytest.mark.parametrize("code", STATUSES)
def test_names_are_the_registered_ones(code):
    """Every name is the one that Python's `http` module has, but for those that RFC 9110 renamed."""
    assert status(code).name == RENAMED.get(code, HTTPStatus(code).phrase)


@pytest.mark.parametrize("code", STATUSES)
def test_every_row_names_its_source_and_says_when(code):
    """A row has a document with a section, and one or two sentences."""
    row = status(code)
    assert re.fullmatch(r"RFC [0-9]{4} §[0-9]+(\.[0-9]+)*", row.source)
    assert row.when.endswith(".")


@pytest.mark.parametrize("code", STATUSES)
def test_the_class_of_the_code_tells_whose_fault_it_is(code):
    """Nobody is at fault below 300, never the client from 500 on, never the server in between."""
    allowed = {
        2: {Fault.NOBODY},
        3: {Fault.NOBODY, Fault.CLIENT},
        4: {Fault.CLIENT, Fault.NOBODY},
        5: {Fault.SERVER, Fault.UPSTREAM},
    }
    assert status(code).fault in allowed[code // 100]


def test_the_retry_rule_and_the_table_agree():
    """What `transient` retries is what the table sends again, a refused connection, and the twin in flight (409)."""
    again = {code for code, row in STATUSES.items() if row.again in (Again.LATER, Again.IF_IDEMPOTENT)}
    assert again | {0, 409} == TRANSIENT_STATUSES


def test_only_a_gateway_blames_the_upstream():
    """502 and 504 are the two statuses with which a server speaks for another one."""
    assert {code for code, row in STATUSES.items() if row.fault is Fault.UPSTREAM} == {502, 504}


@pytest.mark.parametrize(
    ("response", "missing"),
    [
        (Response(401), ("WWW-Authenticate",)),
        (Response(401, headers={"www-authenticate": "Bearer"}), ()),
        (Response(405), ("Allow",)),
        (Response(405, headers={"Allow": ""}), ()),
        (Response(503), ()),
        (Response(429), ()),
        (Response(418), ()),
    ],
)
def test_required_headers_are_told(response, missing):
    """401 must carry WWW-Authenticate and 405 Allow; Retry-After is a courtesy; an unlisted status must nothing."""
    assert missing_headers(response) == missing


def test_statuses_without_content():
    """204 and 304 never have a body."""
    assert [code for code, row in STATUSES.items() if not row.content] == [204, 304]


def test_there_is_one_table_of_names():
    """Problem documents take their titles from this table; outside of it the standard library answers."""
    assert as_problems_call_it is reason_phrase
    assert reason_phrase(418) == HTTPStatus(418).phrase


@pytest.mark.parametrize("number", [0, 99, 299, 600, -1])
def test_a_number_that_is_no_status_is_refused(number):
    """A number outside of the table has no row, and one that is no status has no name either."""
    with pytest.raises(ValueError, match=str(number)):
        status(number)
    with pytest.raises(ValueError, match=str(number)):
        reason_phrase(number)
