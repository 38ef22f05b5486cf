"""The background of a panel: what was asked for last is done, what was asked for before is stopped."""

import asyncio
import threading

import pytest

import sim
from sim.widgets.latest import Latest
from sim.widgets.turns import TURN


@pytest.fixture
def brief(monkeypatch):
    """No patience with jobs that cannot be stopped by their switch."""
    monkeypatch.setattr("sim.widgets.latest.GRACE_SECONDS", 0.05)


def replaced(work):
    """Begin *work*, and ask for something newer: what was done of that."""
    latest, began, done = Latest(), threading.Event(), []

    def job():
        began.set()
        work()

    latest.put(job)
    assert began.wait(5.0)
    latest.put(lambda: done.append("newer"))
    assert latest.wait(20.0)
    return done


def test_a_run_is_stopped_at_its_next_event(monkeypatch):
    """By its switch alone, long before it would have ended, and a run that follows in the same job does not begin."""
    monkeypatch.setattr("sim.widgets.latest.GRACE_SECONDS", 600.0)
    day = sim.scenarios.lossy_network(horizon=86_400.0)

    def two_runs():
        try:
            sim.run(day, "immediate")
        finally:
            sim.run(day, "immediate")

    assert replaced(two_runs) == ["newer"]


def test_a_job_that_never_ends_is_broken_off_by_a_newer_one(brief):
    """Wherever it is: a policy with an endless loop, which catches what it can, does not hold the panel."""
    caught = []

    def endless():
        while True:
            try:
                sum(range(100))
            except Exception:
                caught.append("an exception")

    assert replaced(endless) == ["newer"]
    assert caught == []


def test_a_job_that_swallows_being_broken_off_is_broken_off_again(brief):
    """As a finalizer does, in which every exception is lost."""
    lost = []

    def swallows():
        for _ in range(2):
            try:
                while True:
                    pass
            except BaseException:
                lost.append("lost")
        while True:
            pass

    assert replaced(swallows) == ["newer"]
    assert lost == ["lost", "lost"]


def test_of_many_that_wait_only_the_last_is_done():
    """Those in between are never begun."""
    latest, hold, done = Latest(), threading.Event(), []
    latest.put(lambda: done.append(f"first, {hold.wait(5.0)}"))
    for number in range(20):
        latest.put(lambda number=number: done.append(number))
    hold.set()
    assert latest.wait(5.0)
    assert done in ([19], ["first, True", 19])


def test_dropped_is_dropped(brief):
    """Nothing goes on, and nothing begins."""
    latest, began = Latest(), threading.Event()

    def endless():
        began.set()
        while True:
            pass

    latest.put(endless)
    assert began.wait(5.0)
    latest.drop()
    assert latest.wait(5.0)


def turned(panel, *values, name="queue"):
    """Turn a knob within a loop that runs, as a kernel's does; returns what was said until it was done."""
    seen = []

    async def act():
        panel.message.observe(lambda change: seen.append(change.new), "value")
        for value in values:
            panel.knobs[name].field.value = value
        for _ in range(500):
            await asyncio.sleep(0.02)
            if panel.compared.scenario.knobs[name] == values[-1]:
                return

    asyncio.run(act())
    return seen


@pytest.fixture
def panel():
    """A small herd."""
    return sim.panel(
        "thundering-herd", clients=100, workers=10, queue=40, policies=["immediate", "full-jitter"], play=True
    )


def test_in_a_kernel_a_turn_runs_in_the_background_and_shows_all_at_once(panel):
    """The table, the chart and the player are of the same run."""
    before = panel.player.scenes
    turned(panel, 20)
    assert panel.compared.scenario.knobs["queue"] == 20
    assert panel.player.scenes is not before
    assert [scene.limits["queue"] for scene in panel.player.shown] == [20.0, 20.0]
    same = sim.compare(
        sim.scenarios.thundering_herd(clients=100, workers=10, queue=20), ["immediate", "full-jitter"], seeds=[0]
    )
    assert str(same.estimate("immediate", "ok")) in panel.table.value


def test_a_bar_tells_how_far_a_run_is_that_takes_longer(panel, monkeypatch):
    """Of one that is done at once nothing is told but its end."""
    monkeypatch.setattr("sim.widgets.background.TELL_SECONDS", 0.01)
    seen = turned(panel, 20)
    assert len(seen) > 1
    assert all("<progress" in one for one in seen[:-1])
    assert "<progress" not in seen[-1]
    monkeypatch.setattr("sim.widgets.background.TELL_SECONDS", 60.0)
    assert turned(panel, 30) == []  # as many calls as before: the sentence stays the same


def test_only_the_newest_turn_is_shown(panel):
    """Ten turns at once: what is shown is of the tenth, and nothing of the others is."""
    shown = []
    panel.when_shown(lambda: shown.append(panel.compared.scenario.knobs["queue"]))
    turned(panel, *range(11, 21))
    assert shown == [20]


class Exits:
    """A policy that ends its program."""

    def wait(self, *_):
        """Wait for nothing."""
        raise SystemExit("enough")


@pytest.mark.parametrize(
    ("policy", "why"), [(object(), "a policy must be a name"), (Exits(), "SystemExit: enough")], ids=["wrong", "exits"]
)
def test_what_fails_in_the_background_is_a_sentence_too(panel, policy, why):
    """The old results turn pale."""
    panel._entries["immediate"] = policy
    said = []

    async def act():
        panel.knobs["queue"].field.value = 30
        for _ in range(100):
            await asyncio.sleep(0.02)
            said.append(panel.message.value)
            if "✗" in said[-1]:
                return

    asyncio.run(act())
    assert why in said[-1]
    assert "sim-panel old" in panel.table.value


def test_pages_that_send_through_several_threads_take_turns(panel):
    """A knob that is turned while something else is shown waits, and is not taken for a part of that."""
    with TURN:
        panel._quiet = True
        turning = threading.Thread(target=lambda: setattr(panel.knobs["queue"].field, "value", 20))
        turning.start()
        turning.join(0.2)
        assert turning.is_alive()
        panel._quiet = False
    turning.join(10.0)
    assert panel.compared.scenario.knobs["queue"] == 20


def test_two_runs_are_chosen_for_the_player(panel):
    """Any two of those that were run, or one alone; without the box there is no player."""
    assert [scene.title for scene in panel.player.shown] == ["immediate", "full-jitter"]
    panel.right.value = ""
    assert [scene.title for scene in panel.player.shown] == ["immediate"]
    panel.left.value, panel.right.value = "full-jitter", "immediate"
    assert [scene.title for scene in panel.player.shown] == ["full-jitter", "immediate"]
    panel.policies["immediate"].value = False
    assert [scene.title for scene in panel.player.shown] == ["full-jitter"]
    panel.moving.value = False
    assert panel.motion.children == ()
    assert sim.panel("thundering-herd", clients=50, policies=["immediate"]).player is None


def test_a_seed_leads_to_its_run_again():
    """In the table, in the sentence and in the code."""
    made = sim.panel("retry-storm", horizon=10.0, policies=["immediate"], seed=7)
    again = sim.compare(sim.scenarios.retry_storm(horizon=10.0), ["immediate"], seeds=[7])
    assert made.compared.figures == again.figures
    assert ", seed 7:" in made.sentence()
    assert "seeds=range(7, 8)" in made.code.value
    with pytest.raises(ValueError, match="seed must be a whole number from 0 to 999,999,999, got -1"):
        sim.panel("retry-storm", seed=-1)
