"""The stories of jobs keep their laws, on several seeds and with a margin."""

import math
from statistics import mean, stdev

import pytest

from sim.experiment import compare, run
from sim.http import Request
from sim.policies import Fixed
from sim.policies.jobs.polling import PollJob
from sim.scenarios.jobs import ReportsThatTell, inbox_of, job_callback, slow_job
from sim.services.reports import Reports
from sim.store import MemoryStore

SEEDS = range(4)


@pytest.fixture(scope="module")
def slow():
    """Every way to wait for a slow job."""
    return compare(slow_job(horizon=160.0), seeds=SEEDS)


@pytest.fixture(scope="module")
def called():
    """Callbacks of which one in ten is lost."""
    return compare(job_callback(horizon=120.0), seeds=SEEDS)


def within_three_errors(values, expected):
    """Whether the mean of *values* is within three standard errors of what is expected."""
    return abs(mean(values) - expected) < 3 * stdev(values) / math.sqrt(len(values))


@pytest.mark.slow
def test_a_fixed_poll_learns_half_an_interval_late(slow):
    """Every 5 s: 2.5 s late in the mean, within three standard errors, and a poll for every 5 s of work."""
    assert within_three_errors(slow.values("poll-fixed", "seconds to know"), 2.5)
    assert all(7.0 < polls < 11.0 for polls in slow.values("poll-fixed", "polls per job"))


@pytest.mark.slow
def test_polling_ever_more_slowly_saves_polls_and_learns_late(slow):
    """1, 2, 4, … s: at least a quarter fewer polls than every 5 s, and over three times as late."""
    for seed in SEEDS:
        fixed, doubling = (
            {figure: slow.values(policy, figure)[seed] for figure in ("polls per job", "seconds to know")}
            for policy in ("poll-fixed", "poll-exponential")
        )
        assert doubling["polls per job"] < 0.75 * fixed["polls per job"]
        assert doubling["seconds to know"] > 3 * fixed["seconds to know"]


@pytest.mark.slow
def test_the_servers_hint_needs_a_third_of_the_polls(slow):
    """With an estimate that is off by up to 30 %: under a third of the fixed polls, and not 2.5 s later."""
    for hinted, fixed in zip(
        *(slow.values(name, "polls per job") for name in ("poll-hinted", "poll-fixed")), strict=True
    ):
        assert hinted < fixed / 3
    late = slow.difference("poll-hinted", "poll-fixed", "seconds to know")
    assert late.mean < 2.5


@pytest.mark.slow
def test_a_callback_asks_nothing_and_knows_first(slow):
    """No poll at all, and the end is known sooner than by any poll."""
    assert slow.values("callback", "polls per job") == [0.0] * 4
    for other in ("poll-fixed", "poll-exponential", "poll-hinted"):
        assert slow.difference("callback", other, "seconds to know").mean < -0.5


@pytest.mark.slow
def test_held_connections_take_the_server_and_time_out(slow):
    """Over a hundred times the server's time for each job, timeouts, and clients that never get their report."""
    for seed in SEEDS:
        assert (
            slow.values("hold", "held seconds per job")[seed]
            > 100 * slow.values("poll-fixed", "held seconds per job")[seed]
        )
        assert slow.values("hold", "timeouts")[seed] > 20
    assert mean(slow.values("hold", "never known")) > 0.02
    for other in ("poll-fixed", "poll-exponential", "poll-hinted", "callback"):
        assert slow.values(other, "timeouts") == slow.values(other, "never known") == [0.0] * 4


@pytest.mark.slow
def test_a_lost_callback_without_a_fallback_is_never_known(called):
    """One in ten is lost: the share that is never known is a tenth, within three binomial errors."""
    calls, unknown = (called.values("callback", figure) for figure in ("calls", "never known"))
    share = sum(n * s for n, s in zip(calls, unknown, strict=True)) / sum(calls)
    assert abs(share - 0.1) < 3 * math.sqrt(0.1 * 0.9 / sum(calls))


@pytest.mark.slow
def test_the_fallback_finds_every_one_of_them_for_a_few_polls(called):
    """Nothing is left unknown; about one poll for each lost callback, a twentieth of polling all the time."""
    assert called.values("callback-and-poll", "never known") == [0.0] * 4
    for seed in SEEDS:
        polls = called.values("callback-and-poll", "polls per job")[seed]
        assert 0 < polls < called.values("poll-fixed", "polls per job")[seed] / 10
        assert polls == pytest.approx(called.values("callback", "never known")[seed])


@pytest.mark.slow
def test_without_a_loss_there_is_nothing_to_fall_back_for():
    """No callback is lost: no poll, nothing unknown, with and without the fallback."""
    compared = compare(job_callback(loss=0.0, horizon=60.0), ["callback", "callback-and-poll"], seeds=[0, 1])
    for policy in ("callback", "callback-and-poll"):
        assert compared.values(policy, "never known") == compared.values(policy, "polls per job") == [0.0, 0.0]


@pytest.mark.slow
def test_a_failed_report_is_known_and_is_not_ok():
    """Half of the reports fail: their clients learn of it, and the calls are failures."""
    one = run(job_callback(failure=0.5, loss=0.0, horizon=60.0), "callback", seed=0)
    figures = one.summary()
    assert figures["never known"] == 0.0
    assert 0.3 < figures["ok"] / figures["calls"] < 0.7


@pytest.mark.slow
def test_a_schedule_of_your_own_takes_part():
    """Any object with converse(): polling every second knows within a second."""
    one = run(slow_job(horizon=30.0), PollJob(Fixed(1.0)), seed=0)
    assert one.summary()["seconds to know"] < 1.0


def test_the_inbox_is_empty_for_a_job_that_is_not_there():
    """204, as for a callback that has not come."""
    service = ReportsThatTell(reports=Reports(MemoryStore()))
    (reply,) = service(inbox_of(Request("GET", "/jobs/x")), 0.0)
    assert reply.response.status == 204
