"""The player's scenes against the tables of their runs, in other words: what is shown is what happened."""

import math

import numpy as np
import pytest

import sim
from sim.player.rows import Ending
from sim.player.scene import MOST_DOTS, last_seen, scene_of
from sim.player.widget import prepare
from sim.trace import Fate

STORIES = {
    "herd": lambda: (sim.scenarios.thundering_herd(clients=400, workers=10, queue=40), "full-jitter+breaker"),
    "lossy": lambda: (sim.scenarios.lossy_network(), "immediate"),
    "cold": lambda: (sim.scenarios.cold_restart(), "exponential"),
    "gateway": lambda: (sim.scenarios.gateway_codes(), None),
    "limiter": lambda: (sim.scenarios.boundary_burst(), None),
    "crashes": lambda: (sim.scenarios.crash_after_charge(store_delay=0.05), "one-transaction"),
    "payment": lambda: (sim.scenarios.spotty_payment(), "no-idempotency"),
    "webhooks": lambda: (sim.scenarios.bad_release(), None),
}


@pytest.fixture(scope="module", params=STORIES)
def run(request):
    """One run of each kind of world."""
    world, policy = STORIES[request.param]()
    return sim.run(world, policy)


def recount(run, at):
    """The same counts from the DataFrames, row by row and in plain words."""
    rows = run.attempts
    seen = rows.settled <= at
    waits = rows.sent <= at
    quiet = rows.status.isna()
    never = rows.arrived.isna()
    ledger = run.ledger
    doubles = ledger[ledger.key.duplicated()]
    return {
        "network": int((waits & (rows.arrived > at)).sum()),
        "lost": int((waits & never & ~seen).sum()),
        "ok": int((seen & (rows.status >= 100) & (rows.status < 400)).sum()),
        "timed_out": int((seen & quiet).sum()),
        "zombie": int((quiet & (rows.settled <= rows.finished) & (rows.finished <= at)).sum()),
        "duplicate": int((doubles["at"] <= at).sum()),
    }


def instants(run):
    """Twelve instants: some of events, some between them."""
    scene = scene_of(run)
    rng = np.random.default_rng(5)
    known = np.concatenate([values[np.isfinite(values)] for values in scene.columns.values()])
    return [0.0, scene.busiest(), scene.seconds, *rng.choice(known, 5), *rng.uniform(0, scene.seconds, 5)]


def test_the_counts_are_those_of_the_table(run):
    """At chosen instants; "dead" letters aside, which take an attempt's own ending away."""
    scene = scene_of(run)
    for at in instants(run):
        counts, again = scene.counts(at), recount(run, at)
        if counts["dead"]:
            again["timed_out"] = counts["timed_out"]
        assert {name: counts[name] for name in again} == again, at


def test_at_the_end_the_counts_are_those_of_the_summary(run):
    """Zombies as `metrics.summary` counts them, and nobody is anywhere when a run has ended for all."""
    scene, summary = scene_of(run), run.summary()
    counts = scene.counts(math.inf if np.isfinite(last_seen(scene.columns)).all() else scene.seconds)
    assert counts["zombie"] == summary["zombie"]
    if np.isfinite(last_seen(scene.columns)).all():
        places = ("waiting", "network", "lost", "queue", "workers", "back")
        assert [counts[place] for place in places] == [0] * 6
    assert len(scene.call) == len(run.attempts)


def test_every_place_is_within_its_limit(run):
    """No queue is fuller than it is, no more work than there are workers, at any instant at which one begins."""
    scene = scene_of(run)
    for at in instants(run):
        counts = scene.counts(at)
        assert counts["queue"] <= scene.limits["queue"]
        assert counts["workers"] <= scene.limits["workers"]


def test_rows_lost_in_a_crash_leave_with_it():
    """What a process had in hand when it died is neither queued nor worked on from then on."""
    run = sim.run(sim.scenarios.cold_restart(), "no-retry")
    crash = next(mark.at for mark in run.trace.marks if mark.subject == "crash" and mark.note == "begins")
    scene = scene_of(run)
    assert scene.counts(np.nextafter(crash, 0))["workers"] > 0
    assert scene.counts(crash)["queue"] == scene.counts(crash)["workers"] == 0


def test_dead_letters_are_those_of_the_platform():
    """One for each delivery that was given up."""
    run = sim.run(sim.scenarios.bad_release())
    dead = sum(fate == Fate.DEAD for fate in run.trace.calls.column("fate"))
    assert dead > 0
    assert scene_of(run).counts(math.inf)["dead"] == dead
    assert scene_of(run).lanes == run.trace.endpoints


def test_breakers_faults_and_calls_that_sent_nothing_are_there():
    """The states of the breakers step by step; the calls that they stopped; the fault's two edges."""
    run = sim.run(sim.scenarios.thundering_herd(clients=400, workers=10, queue=40), "full-jitter+breaker")
    scene = scene_of(run)
    at, opened, half = scene.breakers
    marks = run.marks[run.marks.kind == "breaker"]
    assert len(at) == len(marks)
    assert opened.max() <= scene.hosts == run.calls.host.nunique()
    assert (half >= 0).all()
    storm = scene_of(sim.run(sim.scenarios.retry_storm(), "no-retry"))
    assert [name for name, _, _ in storm.faults] == ["brown-out"]
    assert len(scene.stopped) == int(((run.calls.attempts == 0) & run.calls.ended.notna()).sum())


def test_many_at_once_are_sampled_by_call_and_nothing_is_left_uncounted():
    """With more than three thousand to be seen at once every second call is drawn; the counts are of all."""
    run = sim.run(sim.scenarios.thundering_herd(clients=MOST_DOTS + 500), "full-jitter")
    scene = scene_of(run)
    assert scene.every == 2
    assert scene.counts(0.0)["queue"] == 200
    assert len(scene.call) == len(run.attempts)


def test_endings_are_what_the_client_saw():
    """By status: 2xx, 429 and 503 and refusals, other errors, nothing."""
    run = sim.run(sim.scenarios.gateway_codes())
    scene, rows = scene_of(run), run.attempts
    ending = {(call, attempt): end for call, attempt, end in zip(scene.call, scene.attempt, scene.ending, strict=True)}
    for row in rows.itertuples():
        wanted = Ending.OK if row.status < 400 else Ending.REJECTED if row.status in (429, 503) else Ending.FAILED
        assert ending[row.call, row.attempt] == wanted


@pytest.fixture(scope="module")
def player():
    """Two policies side by side."""
    world = sim.scenarios.thundering_herd(clients=300, workers=10, queue=40)
    return sim.play(sim.compare(world, ["immediate", "full-jitter"], seeds=[0]), at=0.1)


def test_it_says_what_it_shows(player):
    """A sentence with the numbers, a picture with it as its alternative text, no address and no time of day."""
    data, metadata = player._repr_mimebundle_()
    assert data["text/plain"] == player.sentence() == repr(player)
    assert metadata["image/png"]["alt"] == player.sentence()
    assert player.sentence().startswith("player at 0.1 s: immediate, ")
    assert "; full-jitter, " in player.sentence()
    assert data["image/png"] == player._repr_mimebundle_()[0]["image/png"]


def test_its_page_stands_alone(player):
    """One file, no address of another host, and no title can end its script."""
    text = player.page()
    assert "http" not in text.replace("http://www.w3.org", "")
    other = sim.play({"</script><b>": sim.run(sim.scenarios.train_in_a_tunnel())}).page()
    assert "</script><b>" not in other


def test_one_run_or_two_of_one_name():
    """The same policy twice gets letters; a comparison shows its first two."""
    world = sim.scenarios.thundering_herd(clients=100, workers=10, queue=40)
    one, other = sim.run(world, "immediate"), sim.run(world, "immediate", seed=1)
    assert [scene.title for scene in sim.play(one, other).shown] == ["immediate, A", "immediate, B"]
    assert [scene.title for scene in sim.play(sim.compare(world, seeds=[0])).shown] == ["no-retry", "immediate"]
    assert sim.play(one, at=1e9).at == scene_of(one).seconds


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ((), ValueError, "runs must be one or two, got 0"),
        (("thundering-herd",), TypeError, "runs must be Run objects, made by sim.run, or one Comparison, got 'thun"),
    ],
)
def test_what_cannot_be_played_is_a_sentence(given, kind, said):
    with pytest.raises(kind, match=said):
        sim.play(*given)


def test_other_runs_are_shown_where_those_before_stood():
    """At the same instant and speed; what has ended before it stands at its end, at a speed of its own."""
    long, short = (sim.run(sim.scenarios.lossy_network(horizon=seconds), "immediate") for seconds in (60.0, 5.0))
    player = sim.play(long, at=3.0, speed=0.5)
    player.put(prepare({"short": short}), keep=True)
    assert (player.at, player.speed) == (3.0, 0.5)
    player.put(prepare({"long": long}), at=50.0)
    player.put(prepare({"short": short}), keep=True)
    assert (player.at, player.speed) == (player.shown[0].seconds, sim.play(short).speed)
    player.put(prepare({"short": short}))
    assert player.at == player.shown[0].busiest()


@pytest.mark.parametrize("wrong", [{"at": -1.0}, {"at": math.nan}, {"speed": 0.0}, {"speed": math.inf}])
def test_an_instant_and_a_speed_are_checked(wrong):
    run = sim.run(sim.scenarios.train_in_a_tunnel())
    with pytest.raises(ValueError, match=rf"^{next(iter(wrong))} must be .*, got"):
        sim.play(run, **wrong)


def test_a_run_that_is_too_large_is_told(monkeypatch):
    monkeypatch.setattr("sim.player.scene.MOST_ROWS", 1)
    with pytest.raises(ValueError, match=r"a run to play must have at most 1 attempts, got 2"):
        sim.play(sim.run(sim.scenarios.train_in_a_tunnel()))
