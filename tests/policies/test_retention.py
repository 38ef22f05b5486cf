"""Retention: how long ids must be known, from the sender's schedule; and that the guide's 72 hours are too short."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.webhooks.retention import DAY, GUIDE, HOUR, STANDARD_WEBHOOKS_SCHEDULE, Retention, required_retention


@pytest.mark.parametrize(
    ("arguments", "hours"),
    [
        ({"retry_window": 72 * HOUR}, 72.0),
        ({"retry_window": 72 * HOUR, "jitter": 0.2}, 86.4),
        ({"retry_window": 72 * HOUR, "dead_letters": 30 * DAY}, 72 + 720 + 72),
        ({"retry_window": 72 * HOUR, "jitter": 0.2, "dead_letters": 30 * DAY}, 86.4 + 720 + 86.4),
        ({"retry_window": 72 * HOUR, "jitter": 0.2, "dead_letters": 30 * DAY, "replay_window": 0.0}, 86.4 + 720),
        ({"retry_window": 0.0}, 0.0),
        ({"retry_window": 0.0, "dead_letters": DAY, "replay_window": HOUR}, 25.0),
    ],
)
def test_what_can_come_again_adds_up(arguments, hours):
    """The stretched retry window, the wait among the dead letters, and the retries of the replay."""
    assert required_retention(**arguments) == pytest.approx(hours * HOUR)


def test_the_guides_72_hours_do_not_cover_its_own_schedule():
    """X-5: jitter alone stretches 72 h to 86.4 h; with dead letters and replay an id must be known for 37.2 days."""
    assert not Retention(GUIDE).covers(required_retention(retry_window=GUIDE, jitter=0.2))
    whole = required_retention(retry_window=GUIDE, jitter=0.2, dead_letters=30 * DAY)
    assert whole / DAY == pytest.approx(37.2)
    assert not Retention(GUIDE).covers(whole)
    assert Retention(whole).covers(whole)
    assert Retention().covers(whole)


def test_five_minutes_stop_replays_and_not_retries():
    """Q-23.7: Standard Webhooks retries for 75 h 35 min 5 s; its "redis for 5 minutes" knows two of ten attempts."""
    schedule = STANDARD_WEBHOOKS_SCHEDULE
    assert len(schedule) + 1 == 10
    assert sum(schedule) == 75 * HOUR + 35 * 60 + 5
    assert not Retention(300.0).covers(required_retention(retry_window=sum(schedule)))
    attempts = [sum(schedule[:number]) for number in range(10)]
    known = [not Retention(300.0).expired(recorded=0.0, now=at) for at in attempts]
    assert known == [True, True] + [False] * 8


@pytest.mark.parametrize(
    ("seconds", "now", "expired"),
    [
        (10.0, 0.0, False),
        (10.0, 10.0, False),
        (10.0, 10.1, True),
        (0.0, 0.0, False),
        (0.0, 0.1, True),
        (None, 1e12, False),
    ],
)
def test_an_id_is_known_to_the_last_second(seconds, now, expired):
    """Exactly as old as the retention is still known; None is for ever."""
    assert Retention(seconds).expired(recorded=0.0, now=now) is expired


@settings(max_examples=80)
@given(
    delays=st.lists(st.floats(0.0, 1e5), min_size=1, max_size=25),
    stretches=st.lists(st.floats(0.0, 1.0), min_size=50, max_size=50),
    jitter=st.floats(0.0, 1.0),
    dead=st.floats(0.0, 1e7),
)
def test_no_delivery_comes_later_than_required(delays, stretches, jitter, dead):
    """Whatever the jitter draws and whenever the dead letter is replayed, the last attempt is within the retention."""
    first = sum(delay * (1 + jitter * share) for delay, share in zip(delays, stretches, strict=False))
    again = sum(delay * (1 + jitter * share) for delay, share in zip(delays, stretches[25:], strict=False))
    required = required_retention(retry_window=sum(delays), jitter=jitter, dead_letters=dead)
    last = first + dead + again if dead else first
    assert last <= required * (1 + 1e-12)


@pytest.mark.parametrize("name", ["retry_window", "jitter", "dead_letters", "replay_window"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "72 h", True])
def test_only_seconds_will_do(name, value):
    """A negative, endless or worded duration is refused by its name."""
    with pytest.raises((TypeError, ValueError), match=name):
        required_retention(**{"retry_window": 1.0, "dead_letters": 1.0, name: value})


def test_a_retention_is_checked_at_construction():
    """One sentence with the field, the rule and the value."""
    with pytest.raises(ValueError, match="seconds must be at least 0, got -1"):
        Retention(-1)
