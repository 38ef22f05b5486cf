"""The gateway's cache, driven as dumbly as its protocol says: who is served, from where, and what the origin sees."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request, Response
from sim.policies.caching.cache import Cache, Stale
from sim.policies.caching.edge import EdgeCache, Forward, Serve, Wait
from sim.policies.caching.single_flight import SingleFlight
from sim.policies.caching.stampede import EarlyRefresh, LifetimeJitter
from sim.policies.fresh import fresh

GET = Request("GET", "/p")
GOOD = Response(200, headers={"Cache-Control": "max-age=60", "ETag": '"1"'}, body=b"v1")
SAME = Response(304, headers={"Cache-Control": "max-age=60", "ETag": '"1"'})
DOWN = Response(503, body=b"ada's trace")


class Gate:
    """A gateway that does what the docstring of `sim.policies.caching.edge` says and no more."""

    def __init__(self, cache, seed=0):
        self.cache, self.rng = cache, Random(seed)
        self.out, self.served, self.waiting, self.sent, self.forwarded = {}, {}, set(), [], set()

    def ask(self, client, request=GET, now=0.0):
        return self._met(client, self.cache.ask(request, client, now, self.rng))

    def answer(self, response, now=0.0, number=None):
        """The upstream answers the oldest request, or *number*."""
        number = min(self.out) if number is None else number
        del self.out[number]
        return [self._met(*each) for each in self.cache.answered(number, response, now, self.rng)]

    def hows(self):
        return {client: how for client, (how, _) in self.served.items()}

    def _met(self, client, decision):
        if isinstance(decision, Serve):
            assert client not in self.served, f"{client} was answered twice"
            self.waiting.discard(client)
            self.served[client] = decision.how, decision.response
            if decision.refresh is not None:
                self._send(decision.refresh)
        elif isinstance(decision, Forward):
            self._send(decision, client)
        else:
            assert isinstance(decision, Wait)
            self.waiting.add(client)
        return decision

    def _send(self, forward, client=None):
        assert forward.number not in self.out
        assert client is None or client not in self.forwarded, f"{client} was forwarded twice"
        self.forwarded.add(client)
        self.out[forward.number] = forward.request
        self.sent.append(forward.request)


def gate(**parts):
    return Gate(EdgeCache(**parts))


def test_one_goes_and_all_are_served():
    """Of five who miss at one instant one goes to the origin; the others are served from what it stored."""
    it = gate()
    for client in range(5):
        it.ask(client)
    assert len(it.sent) == 1
    it.answer(GOOD, 1.0)
    assert it.hows() == {0: "origin", 1: "shared", 2: "shared", 3: "shared", 4: "shared"}
    it.ask(5, now=2.0)
    assert it.served[5][0] == "hit"
    assert len(it.sent) == 1


def test_without_single_flight_everybody_goes():
    """Of five who miss at one instant five go: the stampede."""
    it = gate(single_flight=None)
    for client in range(5):
        it.ask(client)
    assert len(it.sent) == 5


def test_an_expired_response_is_validated_by_one():
    """At the end of a lifetime one revalidation goes, with the stored tag, and its 304 serves all."""
    it = gate()
    it.ask("warm")
    it.answer(GOOD)
    for client in range(3):
        it.ask(client, now=60.0)
    assert [request.header("If-None-Match") for request in it.sent] == [None, '"1"']
    it.answer(SAME, 61.0)
    assert it.hows() == {"warm": "origin", 0: "origin", 1: "shared", 2: "shared"}
    assert {response.body for _, response in it.served.values()} == {b"v1"}


def swr(cache_control="max-age=60, stale-while-revalidate=30"):
    return Response(200, headers={"Cache-Control": cache_control, "ETag": '"1"'}, body=b"v1")


@pytest.mark.parametrize("single_flight", [None, SingleFlight()])
def test_stale_while_revalidate_serves_all_and_refreshes_once(single_flight):
    """In the window everybody is served the stale response at once, and one refresh goes, single flight or not."""
    it = gate(single_flight=single_flight)
    it.ask("warm")
    it.answer(swr())
    for client in range(3):
        it.ask(client, now=70.0)
    assert it.hows() == {"warm": "origin", 0: "stale", 1: "stale", 2: "stale"}
    assert len(it.sent) == 2
    assert it.answer(SAME, 71.0) == []
    it.ask("later", now=72.0)
    assert it.served["later"][0] == "hit"


def test_a_cache_need_not_use_the_allowance():
    """With *serve_stale* off everybody waits for the validation, though the response would allow the stale one."""
    it = gate(serve_stale=False)
    it.ask("warm")
    it.answer(swr())
    for client in range(3):
        it.ask(client, now=70.0)
    assert (set(it.hows()), len(it.sent), len(it.waiting)) == ({"warm"}, 2, 2)


def test_a_lost_refresh_is_made_again():
    """A refresh that never came back does not keep the next one from being sent for longer than *patience*."""
    it = gate(patience=5.0)
    it.ask("warm")
    it.answer(swr())
    for client, now in enumerate((70.0, 74.9, 75.0)):
        it.ask(client, now=now)
    assert len(it.sent) == 3


def test_a_failed_refresh_is_made_again():
    """A refresh that brought an error fails nobody, and the next stale hit sends another."""
    it = gate()
    it.ask("warm")
    it.answer(swr())
    it.ask(1, now=70.0)
    assert it.answer(DOWN, 70.5) == []
    it.ask(2, now=71.0)
    assert len(it.sent) == 3
    assert it.hows() == {"warm": "origin", 1: "stale", 2: "stale"}


def test_stale_if_error_stands_in():
    """When the origin fails, all who asked get the old response, where its directive allows that."""
    it = gate()
    it.ask("warm")
    it.answer(Response(200, headers={"Cache-Control": "max-age=60, stale-if-error=600"}, body=b"v1"))
    for client in range(3):
        it.ask(client, now=100.0)
    it.answer(DOWN, 101.0)
    assert it.hows() == {"warm": "origin", **dict.fromkeys(range(3), "stale on error")}
    assert it.served[2][1].body == b"v1"
    assert it.served[2][1].header("Age") == "101"
    it.ask(3, now=700.0)
    it.answer(DOWN, 701.0)
    assert (it.served[3][0], it.served[3][1].status) == ("origin", 503)


def test_a_failed_leader_is_followed_by_one_more():
    """The first who waits goes next; when that fails too, all hear of it, in words that were written for nobody."""
    it = gate()
    for client in ("ada", "bob", "cyd", "dan"):
        it.ask(client)
    it.answer(DOWN, 1.0)
    assert (it.hows(), len(it.sent)) == ({"ada": "origin"}, 2)
    it.answer(DOWN, 2.0)
    assert it.hows() == {"ada": "origin", "bob": "origin", "cyd": "shared", "dan": "shared"}
    assert {response.status for _, response in it.served.values()} == {503}
    assert it.served["ada"][1].body == b"ada's trace"
    assert b"ada" not in it.served["cyd"][1].body


def test_a_second_leader_who_succeeds_serves_the_rest():
    """One flaky answer costs the leader alone."""
    it = gate()
    for client in range(4):
        it.ask(client)
    it.answer(DOWN, 1.0)
    it.answer(GOOD, 2.0)
    assert it.hows() == {0: "origin", 1: "origin", 2: "shared", 3: "shared"}
    assert [it.served[client][1].status for client in range(4)] == [503, 200, 200, 200]


@pytest.mark.parametrize("said", ["private, max-age=60", "no-store", "no-cache"])
def test_what_may_not_be_shared_is_fetched_by_each(said):
    """Those who waited for a response that may not be shared get their own: nobody sees another's body."""
    it = gate()
    for client in range(3):
        it.ask(client)
    it.answer(Response(200, headers={"Cache-Control": said}, body=b"for 0"), 1.0)
    assert it.hows() == {0: "origin"}
    for client in (1, 2):
        it.answer(Response(200, headers={"Cache-Control": said}, body=b"for %d" % client), 2.0)
    assert [it.served[client][1].body for client in range(3)] == [b"for 0", b"for 1", b"for 2"]


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/p", headers={"Authorization": "ada"}),
        Request("GET", "/p", headers={"Cache-Control": "no-cache"}),
        Request("GET", "/p", headers={"Range": "bytes=0-1"}),
        Request("HEAD", "/p"),
        Request("PUT", "/p"),
    ],
)
def test_some_never_wait_for_another(request_):
    """A personal request, one with its own terms, a part, HEAD and writes go alone."""
    it = gate()
    for client in range(3):
        it.ask(client, request_)
    assert len(it.sent) == 3
    assert not it.waiting


def test_in_a_private_cache_a_personal_request_may_wait():
    """In one user's own cache Authorization separates nobody."""
    it = gate(cache=Cache(shared=False))
    for client in range(3):
        it.ask(client, Request("GET", "/p", headers={"Authorization": "ada"}))
    assert len(it.sent) == 1


def test_variants_get_their_own():
    """Who waited for a response that varies by something else goes alone, and from then on flies apart."""
    de, en = (Request("GET", "/p", headers={"Accept-Language": language}) for language in ("de", "en"))
    it = gate()
    for client, request in ((1, de), (2, en), (3, de)):
        it.ask(client, request)

    def body(text):
        return Response(200, headers={"Cache-Control": "max-age=60", "Vary": "Accept-Language"}, body=text)

    it.answer(body(b"de"), 1.0)
    it.answer(body(b"en"), 1.0)
    assert [it.served[client][1].body for client in (1, 2, 3)] == [b"de", b"en", b"de"]
    for client, request in ((4, de), (5, en), (6, de)):
        it.ask(client, request, now=61.0)
    assert len(it.out) == 2


def test_the_clients_own_condition_is_its_own():
    """A leader with If-None-Match gets its 304, and those who waited get the body."""
    it = gate()
    it.ask("has it", Request("GET", "/p", headers={"If-None-Match": '"1"'}))
    it.ask("has not")
    it.answer(GOOD, 1.0)
    assert [it.served[client][1].status for client in ("has it", "has not")] == [304, 200]


def test_a_write_makes_it_forget():
    """After a PUT the old response is not served again."""
    it = gate()
    it.ask(1)
    it.answer(GOOD)
    it.ask("writer", Request("PUT", "/p"), now=1.0)
    it.answer(Response(204), 2.0)
    it.ask(2, now=3.0)
    assert it.hows() == {1: "origin", "writer": "origin"}
    assert len(it.out) == 1


@pytest.mark.parametrize(("status", "hit"), [(504, False), (502, False), (503, False), (412, True)])
def test_a_write_that_failed_makes_it_forget_unless_nothing_was_done(status, hit):
    """After a 504 nobody knows whether the write was done, so the old response is not served; a 412 did nothing."""
    it = gate()
    it.ask(1)
    it.answer(GOOD)
    it.ask("writer", Request("PUT", "/p"), now=1.0)
    it.answer(Response(status), 2.0)
    it.ask(2, now=3.0)
    assert (2 in it.served) is hit


def test_a_read_that_a_write_overtook_is_not_kept():
    """A GET that left before the PUT's answer may carry the old state: it is served and not stored."""
    it = gate()
    it.ask("reader")
    it.ask("waits")
    reading = min(it.out)
    it.ask("writer", Request("PUT", "/p"), now=0.1)
    it.answer(Response(200), 0.2, number=max(it.out))
    it.answer(GOOD, 0.3, number=reading)
    assert it.served["reader"][1].body == b"v1"
    assert "waits" not in it.served
    it.answer(Response(200, headers={"Cache-Control": "max-age=60"}, body=b"v2"), 0.4)
    assert it.served["waits"][1].body == b"v2"
    it.ask("later", now=1.0)
    assert it.served["later"][1].body == b"v2"


def test_a_304_for_something_dropped_still_serves():
    """When the stored response went while it was being validated, it serves all the same, and is stored again."""
    it = gate(cache=Cache(entries=1))
    it.ask("warm")
    it.answer(GOOD)
    it.ask(1, now=60.0)
    it.ask(2, now=60.0)
    it.ask("other", Request("GET", "/q"), now=60.0)
    it.answer(GOOD, 60.1, number=max(it.out))
    it.answer(SAME, 60.2)
    assert [(it.served[client][0], it.served[client][1].body) for client in (1, 2)] == [
        ("origin", b"v1"),
        ("shared", b"v1"),
    ]


def test_a_304_to_another_question_is_a_broken_origin():
    """A 304 with a tag that was not asked about is a 502, and the next who comes asks for the whole."""
    it = gate()
    it.ask("warm")
    it.answer(GOOD)
    it.ask(1, now=60.0)
    it.answer(Response(304, headers={"ETag": '"other"'}), 60.1)
    assert it.served[1][1].status == 502
    assert it.served[1][1].header("Content-Type") == "application/problem+json"
    it.ask(2, now=61.0)
    assert it.sent[-1].header("If-None-Match") is None


def test_a_validation_that_a_write_overtook_is_not_kept():
    """A 304 from before a write may serve those who asked before it; nothing of it is stored."""
    it = gate()
    it.ask("warm")
    it.answer(GOOD)
    it.ask("reader", now=60.0)
    reading = min(it.out)
    it.ask("writer", Request("PUT", "/p"), now=60.1)
    it.answer(Response(200), 60.2, number=max(it.out))
    it.answer(SAME, 60.3, number=reading)
    assert it.served["reader"][1].body == b"v1"
    assert len(it.cache.cache) == 0


def test_only_if_cached_is_refused_here():
    """The gateway need not know the directive: it serves the 504 that it is given."""
    it = gate()
    it.ask(1, Request("GET", "/p", headers={"Cache-Control": "only-if-cached"}))
    assert it.hows() == {1: "refused"}
    assert it.served[1][1].status == 504


def test_early_refresh_serves_and_sends():
    """A hit near the end may send one refresh along; the client does not wait for it."""
    it = gate(early=EarlyRefresh(beta=1.0))
    it.ask("warm", now=0.0)
    it.answer(GOOD, 2.0)  # fetching took 2 s, so it was 2 s old when it came
    for client in range(200):
        it.ask(client, now=10.0)
    assert len(it.sent) == 1
    for client in range(200, 400):
        it.ask(client, now=58.0)
    assert len(it.sent) == 2
    assert set(it.hows().values()) == {"origin", "hit"}
    it.answer(SAME, 59.0)
    it.ask("later", now=100.0)
    assert it.served["later"][0] == "hit"


def test_jitter_spreads_the_ends():
    """A hundred things stored at one instant go stale over a tenth of their lifetime, none after it."""
    it = gate(jitter=LifetimeJitter(0.1))
    requests = [Request("GET", f"/{number}") for number in range(100)]
    for number, request in enumerate(requests):
        it.ask(number, request)
        it.answer(GOOD)
    cache = it.cache.cache
    stale = [sum(isinstance(cache.lookup(request, now), Stale) for request in requests) for now in (53.9, 57.0, 60.0)]
    assert stale[0] == 0
    assert 30 <= stale[1] <= 70
    assert stale[2] == 100


def test_an_unknown_number_is_nobodys():
    """An answer that comes twice, or to nothing, releases nobody."""
    it = gate()
    it.ask(1)
    assert it.cache.answered(99, GOOD, 0.0, Random(0)) == []
    it.answer(GOOD)
    assert it.cache.answered(1, GOOD, 0.0, Random(0)) == []


def test_a_fresh_one_is_empty():
    """A copy for another run has the same parts, and nothing stored or under way."""
    it = gate(jitter=LifetimeJitter(0.5), cache=Cache(entries=7))
    it.ask(1)
    it.answer(GOOD)
    copy = fresh(it.cache)
    assert (len(copy.cache), copy.cache.entries, copy.jitter) == (0, 7, LifetimeJitter(0.5))
    assert isinstance(copy.ask(GET, 1, 1.0, Random(0)), Forward)


said = st.sampled_from(["max-age=5", "max-age=5, stale-while-revalidate=5", "max-age=2, stale-if-error=9", "no-store",
                        "private, max-age=9", "no-cache", "max-age=0", "max-age=9, must-revalidate", ""])  # fmt: skip
answers = st.builds(
    lambda status, control, tag, vary: Response(
        status, headers={"Cache-Control": control, "ETag": tag, **({"Vary": "X"} if vary else {})}, body=b"x"
    ),
    st.sampled_from([200, 200, 200, 304, 404, 503]),
    said,
    st.sampled_from(['"1"', '"2"']),
    st.booleans(),
)
asks = st.builds(
    lambda method, path, headers: Request(method, path, headers=headers),
    st.sampled_from(["GET", "GET", "GET", "GET", "HEAD", "PUT"]),
    st.sampled_from(["/p", "/q"]),
    st.fixed_dictionaries(
        {},
        optional={
            "X": st.sampled_from("ab"),
            "Authorization": st.just("ada"),
            "If-None-Match": st.sampled_from(['"1"', '"2"']),
            "Cache-Control": st.sampled_from(["no-cache", "max-age=1", "only-if-cached", "no-store"]),
        },
    ),
)
parts = st.builds(
    lambda flying, jitter, early, entries: {
        "cache": Cache(entries=entries),
        "single_flight": flying,
        "jitter": jitter,
        "early": early,
    },
    st.sampled_from([None, 1, 2]).map(lambda leaders: leaders and SingleFlight(leaders=leaders)),
    st.sampled_from([None, LifetimeJitter(0.5)]),
    st.sampled_from([None, EarlyRefresh(3.0)]),
    st.sampled_from([1, 100]),
)
script = st.lists(st.tuples(asks | answers, st.integers(0, 4), st.integers(0, 5)), max_size=25)


@pytest.mark.slow
@settings(max_examples=120)
@given(parts, script)
def test_everybody_is_answered_exactly_once(parts, script):
    """Whatever is asked and answered in whatever order, when the origin has answered all, each client has one answer.

    A 304 goes only to clients that sent a condition, and nothing is left under way or waiting.
    """
    it, asked, now = gate(**parts), {}, 0.0
    for client, (event, pause, which) in enumerate(script):
        now += pause
        if isinstance(event, Request):
            asked[client] = event
            it.ask(client, event, now)
        elif it.out:
            it.answer(event, now, number=sorted(it.out)[which % len(it.out)])
    for _ in range(200):
        if not it.out:
            break
        now += 1.0
        it.answer(GOOD, now)
    assert not it.out
    assert not it.waiting
    assert set(it.served) == set(asked)
    for client, (_, response) in it.served.items():
        passed = asked[client].method == "PUT"
        assert response.status != 304 or passed or asked[client].header("If-None-Match") is not None
    assert not it.cache._trips
    assert it.cache.single_flight is None or len(it.cache.single_flight) == 0
