"""A client with a cache of its own: what it sends, and what it takes from the cache."""

from random import Random

import pytest

from sim.flow import Note, Send, Wait
from sim.http import Request, Response
from sim.outcome import Outcome
from sim.policies.caching.cache import Cache
from sim.policies.caching.private_cache import CachingClient
from sim.policies.client.backoff import Fixed
from sim.policies.client.retry import Retry
from sim.policies.fresh import fresh

GET = Request("GET", "/p")
GOOD = Response(200, headers={"Cache-Control": "max-age=60, stale-if-error=600", "ETag": '"1"'}, body=b"v1")
SAME = Response(304, headers={"ETag": '"1"', "Cache-Control": "max-age=60, stale-if-error=600"})


def call(client, *answers, now=0.0, request=GET, way=0.1):
    """Drive one call: (outcome, requests sent, notes, waits); each answer is a Response or an Outcome."""
    flow, answers, sent, notes, waits = client.converse(request, now, Random(0)), list(answers), [], [], []
    answer = None
    while True:
        try:
            command = flow.send(answer)
        except StopIteration as end:
            assert not answers
            return end.value, sent, notes, waits
        if isinstance(command, Send):
            sent.append(command.request)
            now += way
            came = answers.pop(0)
            answer = now, came if isinstance(came, Outcome) else Outcome.of(came, now=now)
        elif isinstance(command, Wait):
            waits.append(command.seconds)
            now += command.seconds
            answer = now
        else:
            assert isinstance(command, Note)
            notes.append(command.kind)
            answer = now


def client(**parts):
    return CachingClient(Retry(Fixed(1.0), attempts=3), **parts)


def warm(**parts):
    mine = client(**parts)
    call(mine, GOOD)
    return mine


def test_what_it_has_fresh_it_does_not_ask_for():
    """The second call within the lifetime sends nothing and is ok, with the stored body."""
    outcome, sent, notes, _ = call(warm(), now=30.0)
    assert (outcome.ok, outcome.response.body, sent, notes) == (True, b"v1", [], ["cache: hit"])


def test_what_is_stale_is_validated():
    """After the lifetime it asks with the tag; the 304 makes the call ok, with the stored body, and fresh again."""
    mine = warm()
    outcome, sent, notes, _ = call(mine, SAME, now=100.0)
    assert (outcome.ok, outcome.status, outcome.response.body) == (True, 200, b"v1")
    assert [request.header("If-None-Match") for request in sent] == ['"1"']
    assert notes == ["cache: validated"]
    assert call(mine, now=150.0)[1] == []


def test_retries_are_the_rules():
    """An attempt that failed is tried again under the rule, with the same validators, and the last answer is stored."""
    mine = warm()
    outcome, sent, _, waits = call(mine, Outcome.timed_out(), SAME, now=100.0)
    assert (outcome.ok, waits) == (True, [1.0])
    assert [request.header("If-None-Match") for request in sent] == ['"1"', '"1"']


@pytest.mark.parametrize("bad", [Outcome.timed_out(), Outcome.refused(), Response(503), Response(500, body=b"x")])
def test_stale_if_error_stands_in(bad):
    """When all attempts fail the old response serves, where its directive allows; after that the failure is told."""
    outcome, sent, notes, _ = call(warm(), bad, bad, bad, now=100.0)
    assert (outcome.ok, outcome.response.body, len(sent)) == (True, b"v1", 3)
    assert notes == ["cache: stale on error"]
    outcome, _, notes, _ = call(warm(), bad, bad, bad, now=1_000.0)
    assert (outcome.ok, notes) == (False, [])


def test_an_answer_that_is_no_failure_replaces():
    """A 404 is told as it is, and what was stored is gone."""
    mine = warm()
    assert call(mine, Response(404), now=100.0)[0].status == 404
    assert len(mine.cache) == 0


def test_a_304_about_something_else_asks_once_more():
    """A 304 with another tag is followed by one request without conditions; a second 304 is a failure."""
    other = Response(304, headers={"ETag": '"other"'})
    outcome, sent, _, _ = call(warm(), other, GOOD, now=100.0)
    assert (outcome.ok, outcome.response.body) == (True, b"v1")
    assert [request.header("If-None-Match") for request in sent] == ['"1"', None]
    for again in (other, SAME):
        assert call(warm(), other, again, now=100.0)[0].status == 304


def test_the_way_counts_as_age():
    """A response that took a second to come is a second old: its lifetime ends that much sooner."""
    mine = client()
    call(mine, GOOD, way=10.0)
    assert call(mine, now=59.9)[1] == []
    assert len(call(mine, SAME, now=60.0)[1]) == 1


def test_only_if_cached_sends_nothing():
    """With only-if-cached and nothing stored the call fails with 504 and no attempt."""
    asked = Request("GET", "/p", headers={"Cache-Control": "only-if-cached"})
    outcome, sent, _, _ = call(client(), request=asked)
    assert (outcome.status, sent) == (504, [])


def test_a_write_makes_it_forget():
    """What the client itself has changed it reads anew."""
    mine = warm()
    call(mine, Response(204), now=1.0, request=Request("PUT", "/p"))
    assert len(call(mine, GOOD, now=2.0)[1]) == 1


@pytest.mark.parametrize(
    ("end", "asks"), [(Outcome.timed_out(), 1), (Response(502), 1), (Outcome.refused(), 0), (Response(404), 0)]
)
def test_a_write_whose_end_is_unknown_makes_it_forget(end, asks):
    """A PUT that timed out may have been done, so the old is not trusted; one that was refused was not."""
    mine = CachingClient(Retry.never())
    call(mine, GOOD)
    call(mine, end, now=1.0, request=Request("PUT", "/p"))
    assert len(call(mine, *[GOOD] * asks, now=2.0)[1]) == asks


def test_every_host_has_a_cache_of_its_own():
    """A fresh copy has the rule and the size, and nothing stored."""
    mine = warm(cache=Cache(shared=False, entries=5))
    copy = fresh(mine)
    assert (len(copy.cache), copy.cache.entries, copy.cache.shared, copy.retry) == (0, 5, False, mine.retry)
    assert len(call(copy, GOOD, now=1.0)[1]) == 1
