"""The contract of a gateway's cache: ours keep it, and every way to break it is told in a sentence."""

import pytest

from sim.policies.caching.cache import Cache
from sim.policies.caching.edge import EdgeCache, Forward, Serve, Wait
from sim.policies.caching.single_flight import SingleFlight
from sim.policies.caching.stampede import EarlyRefresh, LifetimeJitter
from sim.testing.gateway_cache import check_gateway_cache

OURS = {
    "as it comes": EdgeCache(),
    "without single flight": EdgeCache(single_flight=None),
    "many leaders": EdgeCache(single_flight=SingleFlight(leaders=9)),
    "jitter and early refresh": EdgeCache(jitter=LifetimeJitter(0.9), early=EarlyRefresh(5.0)),
    "nothing stale": EdgeCache(serve_stale=False),
    "room for one": EdgeCache(cache=Cache(entries=1)),
    "a heuristic": EdgeCache(cache=Cache(heuristic=0.5)),
}


@pytest.mark.parametrize("name", OURS)
def test_ours_keep_it(name):
    """Every design that a story or a learner can put together keeps the contract."""
    report = check_gateway_cache(OURS[name])
    assert report.ok, str(report)


class Plain:
    """A cache of a dozen lines that keeps everything under its path for ever; what is left out is what goes wrong."""

    def __init__(self):
        self.kept, self.upstream, self.last = {}, {}, 0

    def ask(self, request, client, now, rng):
        if self.key(request) in self.kept and request.method == "GET":
            return Serve(response=self.kept[self.key(request)], how="hit")
        return self.forward(request, client)

    def forward(self, request, client):
        self.last += 1
        self.upstream[self.last] = request, client
        return Forward(request=request, number=self.last)

    def answered(self, number, response, now, rng):
        request, client = self.upstream.pop(number)
        if request.method == "GET":
            self.kept[self.key(request)] = response
        return [(client, Serve(response=response, how="origin"))]

    def key(self, request):
        return request.path


class NeverAnswers(Plain):
    def answered(self, number, response, now, rng):
        return []


class AnswersTwice(Plain):
    def answered(self, number, response, now, rng):
        return 2 * super().answered(number, response, now, rng)


class ForwardsTwice(Plain):
    def answered(self, number, response, now, rng):
        request, client = self.upstream.pop(number)
        return [(client, self.forward(request, client))]


class TellsToWait(Plain):
    def answered(self, number, response, now, rng):
        return [(client, Wait()) for client, _ in super().answered(number, response, now, rng)]


class UsesNumbersTwice(Plain):
    def forward(self, request, client):
        super().forward(request, client)
        return Forward(request=request, number=1)


class NamesAStranger(Plain):
    def answered(self, number, response, now, rng):
        return [(10**6, Serve(response=response, how="origin"))]


class AnswersNonsense(Plain):
    def answered(self, number, response, now, rng):
        return None


class DecidesNonsense(Plain):
    def ask(self, request, client, now, rng):
        return "hit"


class Raises(Plain):
    def ask(self, request, client, now, rng):
        raise KeyError(request.path)


class Apart(Plain):
    """Right about users and variants, wrong about time."""

    def key(self, request):
        return request.path, request.header("X-User"), request.header("Accept-Language")


@pytest.mark.parametrize(
    ("cache", "finding"),
    [
        (Plain, "a response that says private, max-age=60 was served to another user"),
        (Plain, "a response with max-age=10 was served when it was 10 s old"),
        (Plain, "a client who asked for en got another variant"),
        (Plain, "after a PUT that went well it still served"),
        (Apart, "a response with max-age=10 was served when it was 10 s old"),
        (NeverAnswers, "clients were never answered"),
        (AnswersTwice, "a client was answered twice"),
        (ForwardsTwice, "a client was forwarded twice"),
        (TellsToWait, "answered told a client to wait"),
        (UsesNumbersTwice, "the number 1 is upstream twice"),
        (NamesAStranger, "answered named 1000000"),
        (AnswersNonsense, "answered returned None"),
        (DecidesNonsense, "ask decided 'hit'"),
        (Raises, "raised KeyError"),
    ],
)
def test_every_breach_is_told(cache, finding):
    """A cache that breaks the contract is told how, in a sentence."""
    report = check_gateway_cache(cache())
    assert not report.ok
    assert finding in str(report)


def test_a_cache_that_caches_nothing_keeps_it():
    """Not to cache is allowed: the contract is about what must not happen."""

    class Nothing(Plain):
        def answered(self, number, response, now, rng):
            _, client = self.upstream.pop(number)
            return [(client, Serve(response=response, how="origin"))]

    assert check_gateway_cache(Nothing()).ok


def test_a_thing_without_the_methods_is_told_so():
    """What is no gateway cache at all is named, with the method that it lacks."""
    assert "ask" in str(check_gateway_cache(Cache()))
