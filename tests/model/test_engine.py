"""The engine's own parts: what stops a run from outside, and what it leaves as it was."""

import gc
import threading

import pytest

from sim.engine import NORMAL, Engine, Stopped, StopSwitch, Timer, look_at_switch


def ticking(engine, act=lambda: None):
    """A timer on *engine* that goes off again and again, a second apart, without end."""

    def tick(timer):
        act()
        timer.callbacks = [tick]
        engine.schedule(timer, NORMAL, 1.0)

    engine.schedule(Timer([tick]), NORMAL, 1.0)


def test_a_switch_stops_what_runs_and_what_would_begin():
    """From another thread, in the middle of a run without end; and it stays off."""
    engine, switch, began, ended = Engine(), StopSwitch(), threading.Event(), []
    ticking(engine, began.set)

    def work():
        with switch.applied():
            for one in (engine, Engine()):
                try:
                    one.run_until(1e18)
                except Stopped:
                    ended.append(one is engine)
            with pytest.raises(Stopped):
                look_at_switch()

    thread = threading.Thread(target=work)
    thread.start()
    assert began.wait(5.0)
    switch.stop()
    thread.join(5.0)
    assert ended == [True, False]


def test_a_run_within_a_run_is_stopped_with_it():
    """The inner one at once, and the outer one does not go on."""
    outer, inner, switch, ticks = Engine(), Engine(), StopSwitch(), []

    def deeper():
        ticks.append(outer.now)
        ticking(inner, switch.stop)
        inner.run_until(1e18)

    ticking(outer, deeper)
    with switch.applied(), pytest.raises(Stopped):
        outer.run_until(1e18)
    assert ticks == [1.0]


def test_without_a_switch_nothing_is_stopped():
    """A switch is over those alone who have put themselves under it."""
    StopSwitch().stop()
    look_at_switch()
    Engine().run_until(1.0)


def test_the_collector_is_left_as_it_was():
    """Whichever of two runs in two threads ends first."""
    usual, hold, inside = gc.get_threshold(), threading.Event(), threading.Event()
    first, second = Engine(), Engine()
    ticking(first, lambda: (inside.set(), hold.wait(5.0)))
    thread = threading.Thread(target=first.run_until, args=(1.5,))
    thread.start()
    assert inside.wait(5.0)

    def let_the_first_end():
        hold.set()
        thread.join(5.0)

    ticking(second, let_the_first_end)
    second.run_until(1.5)
    assert not thread.is_alive()
    assert gc.get_threshold() == usual
