"""Endpoints that misbehave do what they say, and a client of theirs ends with a reason, not with an exception."""

import math

import attrs
import pytest

from sim.experiment import run
from sim.flow import Reply, Work
from sim.http import Request
from sim.outcome import Outcome
from sim.policies import Retry
from sim.policies.delivery import STANDARD_WEBHOOKS, Action
from sim.scenario import Clients, Scenario, Server
from sim.services.misbehaving import FOR_EVER, Garbage, NeverAnswers, RedirectsForEver, Slow
from sim.workload import Replay

WEBHOOK = Request(path="/webhooks", body=b"{}")


def served(handler, request=WEBHOOK):
    """What a handler yields for one request."""
    return list(handler(request, 0.0))


def calls(handler, count, **server):
    """What clients with a patience of 5 s and one try get from *handler*, a call every 10 s."""
    world = Scenario(
        arrivals=Replay(tuple(10.0 * number for number in range(count))),
        clients=Clients(timeout=5.0),
        server=Server(workers=count, make_handler=lambda: handler, **server),
        horizon=10.0 * count,
    )
    return run(world, Retry.never()).trace


def test_the_silent_one_answers_nobody():
    """No reply for longer than any run: every client gives up after its 5 s, and its place stays taken."""
    assert served(NeverAnswers()) == [Work(FOR_EVER)]
    trace = calls(NeverAnswers(), 3)
    assert [end - start for start, end in zip(*columns(trace, "started", "ended"), strict=True)] == [5.0] * 3
    assert all(math.isnan(instant) for instant in trace.attempts.column("answer")), "no attempt is ever answered"
    assert trace.ledger == []


@pytest.mark.parametrize(("seconds", "ok"), [(0.0, 1.0), (4.9, 1.0), (5.1, 0.0)])
def test_the_slow_one_answers_too_late_for_whoever_has_no_patience(seconds, ok):
    """Just inside 5 s it is a success; just outside the server has done its work, and the client does not know."""
    handler = Slow(seconds)
    assert [type(command) for command in served(handler)] == [Work, Reply]
    trace = calls(handler, 1)
    assert list(trace.calls.column("ok")) == [ok]
    assert list(trace.attempts.column("finished")) == [seconds]


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf"), "5"])
def test_a_time_that_is_none_is_refused(seconds):
    """One sentence, before anything is served."""
    with pytest.raises((ValueError, TypeError), match="seconds must be"):
        Slow(seconds)


def test_the_circle_leads_to_itself():
    """Each answer is a 302 to where it came from; the delivery rules retry it and do not follow."""
    work, reply = served(RedirectsForEver())
    assert work == Work()
    assert reply.response.status == 302
    assert served(RedirectsForEver(), attrs.evolve(WEBHOOK, path=reply.response.header("Location")))[1] == reply
    ruling = STANDARD_WEBHOOKS.judge(outcome_of(reply.response))
    assert (ruling.action, ruling.reason) == (Action.RETRY, "302: redirects are not followed")


def test_garbage_comes_in_every_kind_and_begins_again():
    """Numbers outside 100..599, bytes that are no text, ten megabytes, waits that nobody could heed."""
    handler = Garbage()
    turns = [served(handler)[1].response for _ in range(10)]
    assert turns[:5] == turns[5:]
    kinds = turns[:5]
    assert sum(not 100 <= response.status <= 599 for response in kinds) == 3
    assert max(len(response.body) for response in kinds) == 10_000_000
    with pytest.raises(UnicodeDecodeError):
        kinds[0].body.decode()
    assert any((response.retry_after or 0.0) > FOR_EVER for response in kinds)
    assert not any(200 <= response.status < 300 for response in kinds), "none of it can pass for a success"


def test_two_runs_of_garbage_are_two_turns():
    """Each endpoint has a turn of its own, so that a run does not depend on the one before."""
    one, other = Garbage(), Garbage()
    served(one)
    assert served(other)[1].response.status == served(Garbage())[1].response.status != served(one)[1].response.status


def test_no_garbage_is_delivered_and_each_kind_has_a_reason():
    """The table of the delivery platform judges every kind: retried, with a short reason that can be printed."""
    handler = Garbage()
    for _ in range(5):
        response = served(handler)[1].response
        ruling = STANDARD_WEBHOOKS.judge(outcome_of(response))
        assert ruling.action is Action.RETRY
        assert ruling.reason.isprintable()
        assert 0 < len(ruling.reason) <= 60
        assert ruling.retry_after is None or ruling.retry_after <= 86_400.0


@pytest.mark.parametrize("handler", [Garbage(), RedirectsForEver()], ids=["garbage", "redirects"])
def test_a_plain_client_survives_them(handler):
    """The model's own clients end every call as failed, with the books in order, and nothing takes effect."""
    trace = calls(handler, 5)
    assert list(trace.calls.column("ok")) == [0.0] * 5
    assert trace.ledger == []


def columns(trace, *names):
    return [trace.calls.column(name) for name in names]


def outcome_of(response):
    """What a client makes of an answer."""
    return Outcome.of(response, now=0.0)
