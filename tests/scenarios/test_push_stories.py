"""Five ways to hear of an update, each by its law, over several seeds."""

import pytest

from sim.experiment import compare, run
from sim.scenarios.push import hearing_of_updates
from sim.services.updates import Hook, Poll, Stream

SEEDS = range(4)


@pytest.fixture(scope="module")
def heard():
    return compare(hearing_of_updates(), seeds=SEEDS)


def mean(runs, way, figure):
    return runs.estimate(way, figure).mean


@pytest.mark.slow
def test_polling_is_half_a_period_late(heard):
    """Mean T/2 and p95 0.95 T for T = 5 s, and the answer's way back."""
    assert mean(heard, "polling", "mean delay, s") == pytest.approx(2.5 + 0.05, abs=0.15)
    assert mean(heard, "polling", "p95 delay, s") == pytest.approx(0.95 * 5.0 + 0.05, abs=0.15)


@pytest.mark.slow
def test_polling_asks_86_400_over_t_times_a_day(heard):
    """12 a minute and user, 1.2 million a minute for 100,000 users: 240 in these 20 minutes, however little happens."""
    run = heard.runs["polling"]
    assert len(run.trace.attempts) / 50 == pytest.approx(20 * 12, rel=0.02)
    assert 60 / 5 * 100_000 == 1_200_000


@pytest.mark.slow
def test_a_long_poll_asks_once_for_an_update_and_once_for_each_hold(heard):
    """Memoryless updates every 120 s and a hold of 30 s: 1 / (1 - exp(-30/120)) = 4.5 requests an update."""
    assert mean(heard, "long-polling", "requests per update") == pytest.approx(4.52, rel=0.1)
    assert mean(heard, "long-polling", "mean delay, s") < 0.11


@pytest.mark.slow
@pytest.mark.parametrize("way", ["sse", "websocket"])
def test_a_stream_holds_one_connection_for_every_user(heard, way):
    """Nothing is asked again and again, nothing is late, and a connection is open all the time."""
    assert mean(heard, way, "connections per user") == pytest.approx(1.0, abs=0.02)
    assert mean(heard, way, "requests per update") < 0.5
    assert mean(heard, way, "mean delay, s") < 0.1


@pytest.mark.slow
def test_a_socket_sends_one_message_more_for_each_push(heard):
    """The acknowledgement."""
    more = heard.difference("websocket", "sse", "messages per update")
    assert more.mean == pytest.approx(1.0, abs=0.01)


@pytest.mark.slow
def test_a_webhook_is_one_request_an_update(heard):
    """Without failures exactly one, one way late, and next to no connection held."""
    assert mean(heard, "webhook", "requests per update") == 1.0
    assert mean(heard, "webhook", "mean delay, s") == pytest.approx(0.05, abs=0.01)
    assert mean(heard, "webhook", "connections per user") < 0.01


@pytest.mark.slow
def test_everybody_hears_of_everything(heard):
    """None of the five loses an update, also over broken streams."""
    assert all(set(heard.values(way, "never heard")) == {0.0} for way in heard.figures)


@pytest.mark.slow
def test_lost_answers_cost_a_webhook_one_over_one_minus_q():
    """20 % of the acknowledgements lost: 1.25 requests an update, and still nothing is lost."""
    runs = compare(hearing_of_updates(reply_loss=0.2), ["polling", "long-polling", "sse", "webhook"], seeds=SEEDS)
    assert mean(runs, "webhook", "requests per update") == pytest.approx(1.25, abs=0.06)
    assert all(set(runs.values(way, "never heard")) == {0.0} for way in runs.figures)


@pytest.mark.slow
def test_all_ways_meet_the_same_updates(heard):
    """Common random numbers: the same instants are heard of, whichever way."""
    seen = {way: {mark.note for mark in run.trace.marks if mark.kind == "heard"} for way, run in heard.runs.items()}
    assert len({frozenset(notes) for notes in seen.values()}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_without_a_network_the_polls_are_exactly_one_a_period(seed):
    """Nothing on the way: 240 polls in 20 minutes for every user, at most one more and the last look."""
    one = run(hearing_of_updates(one_way=0.0, users=10), "polling", seed=seed)
    assert all(240 <= sent <= 242 for sent in one.trace.calls.column("attempts"))


@pytest.mark.slow
@pytest.mark.parametrize("way", ["sse", "websocket"])
def test_streams_that_break_all_the_time_lose_nothing(way):
    """A connection lasts 20 s, and 5 s until the next: a fifth of the time unconnected, and all is heard, later."""
    world = hearing_of_updates(lifetime=20.0, reconnect=5.0)
    runs = compare(world, [way], seeds=SEEDS)
    assert runs.values(way, "never heard") == [0.0] * len(SEEDS)
    assert mean(runs, way, "connections per user") == pytest.approx(20.0 / 25.1, abs=0.02)
    # A share of 5 / 25 of the updates waits 5 s / 2 on average, and everything is one way late.
    assert mean(runs, way, "mean delay, s") == pytest.approx(0.05 + 0.2 * 2.5, abs=0.1)


@pytest.mark.slow
def test_a_stream_that_does_not_say_what_it_had_last_loses_what_came_in_between():
    """The same breaks without `Last-Event-ID`: a fifth of the updates is never heard of."""
    world = hearing_of_updates(lifetime=20.0, reconnect=5.0)
    bare = Stream(lifetime=20.0, reconnect=5.0, resume=False)
    runs = compare(world, {"bare": bare, "sse": world.contestants["sse"]}, seeds=SEEDS)
    # Fifty users with an update every 120 s, for 1,200 s: 500 updates a seed.
    assert mean(runs, "bare", "never heard") / 500 == pytest.approx(5.1 / 25.1, abs=0.04)
    assert mean(runs, "sse", "never heard") == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("way", ["sse", "websocket"])
def test_many_pushes_over_a_long_way_are_late_by_that_way_alone(way):
    """An update a second and a second one way, no breaks: one second late, each of them, and one connection a user."""
    one = run(hearing_of_updates(users=5, per_hour=3_600.0, one_way=1.0, minutes=5.0, lifetime=float("inf")), way)
    figures = one.summary()
    assert figures["ok"] == figures["calls"] == figures["attempts"] == 5
    assert figures["never heard"] == 0.0
    assert figures["p95 delay, s"] == pytest.approx(1.0)


@pytest.mark.slow
def test_a_lost_acknowledgement_holds_up_the_users_next_webhook():
    """One at a time and 35 s until the next attempt: with 20 % lost the mean delay is over half a second."""
    runs = compare(hearing_of_updates(reply_loss=0.2), ["webhook"], seeds=SEEDS)
    assert mean(runs, "webhook", "mean delay, s") > 0.5


@pytest.mark.parametrize(
    ("make", "sentence"), [(lambda: Poll(every=0.0), "every"), (lambda: Hook(again=-1.0), "again")]
)
def test_a_knob_out_of_range_is_named(make, sentence):
    """One sentence."""
    with pytest.raises(ValueError, match=sentence):
        make()
