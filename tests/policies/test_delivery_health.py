"""Auto-disable and alerts: warnings first, once each, and an end that is told too."""

import pytest

from sim.policies.delivery import (
    Alerts,
    AutoDisable,
    DeadLettersWaiting,
    Disable,
    EndpointView,
    FailureShare,
    Healthy,
    OldestUndelivered,
    Warn,
)

HOUR = 3_600.0


def fed(rule, *, good=0, bad=0, at=0.0):
    for _ in range(good):
        rule.record(True, at)
    for _ in range(bad):
        rule.record(False, at)
    return rule


def test_two_warnings_come_before_the_end():
    """At once, at half of the grace, and then it is disabled; no warning comes twice."""
    rule = fed(AutoDisable(), bad=20)
    said = [(hour, rule.judge(hour * HOUR)) for hour in range(26)]
    told = [(hour, ruling) for hour, ruling in said if not isinstance(ruling, Healthy)]
    assert [hour for hour, _ in told] == [0, 12, 24, 25]
    assert [type(ruling) for _, ruling in told] == [Warn, Warn, Disable, Disable]
    assert told[0][1] == Warn(1, 24 * HOUR, 20, 20)
    assert "24.0 h" in told[2][1].reason


@pytest.mark.parametrize(("good", "bad", "kind"), [(0, 9, Healthy), (0, 10, Warn), (2, 18, Warn), (3, 17, Healthy)])
def test_it_takes_a_share_and_a_volume(good, bad, kind):
    """90 % of at least ten attempts."""
    assert isinstance(fed(AutoDisable(), good=good, bad=bad).judge(0.0), kind)


def test_a_good_time_starts_everything_again():
    """Recovered at 5 h and failing again at 10 h, it is warned again, with a new day of grace."""
    rule = fed(AutoDisable(), bad=20)
    assert isinstance(rule.judge(0.0), Warn)
    fed(rule, good=20, at=5 * HOUR)
    assert isinstance(rule.judge(5 * HOUR), Healthy)
    fed(rule, bad=20, at=10 * HOUR)
    assert rule.judge(10 * HOUR) == Warn(1, 34 * HOUR, 20, 20)


def test_silence_is_no_recovery():
    """With too few attempts in the window to judge, a bad time goes on."""
    rule = fed(AutoDisable(), bad=20)
    rule.judge(0.0)
    assert isinstance(fed(rule, good=3, at=20 * HOUR).judge(20 * HOUR), Warn)
    assert isinstance(rule.judge(24 * HOUR), Disable)


def test_warnings_must_be_in_order():
    """One sentence names them."""
    with pytest.raises(ValueError, match=r"warnings must be shares .* got \(0.5, 0.0\)"):
        AutoDisable(warnings=(0.5, 0.0))


def view(**what):
    return EndpointView(endpoint="shop", owner="ada", **what)


@pytest.mark.parametrize(
    ("rule", "quiet", "loud", "text"),
    [
        (FailureShare(), {"attempts": 10, "failures": 8}, {"attempts": 10, "failures": 9}, "9 of the last 10 attempts"),
        (FailureShare(), {"attempts": 9, "failures": 9}, {"attempts": 10, "failures": 10}, "10 of the last 10"),
        (OldestUndelivered(), {"oldest_undelivered": HOUR}, {"oldest_undelivered": HOUR + 60}, "waiting for 61 min"),
        (OldestUndelivered(), {}, {"oldest_undelivered": 1e6}, "shop"),
        (DeadLettersWaiting(), {}, {"dead_letters": 10}, "10 events for shop failed for good"),
        (DeadLettersWaiting(), {}, {"dead_letters": 1}, "1 event for shop failed for good and waits"),
    ],
)
def test_a_rule_speaks_with_the_count(rule, quiet, loud, text):
    """Below its limit it is silent; at it, the message has the numbers."""
    assert rule.raised_by(view(**quiet)) is None
    assert text in rule.raised_by(view(**loud))


def test_an_alert_comes_once_and_its_end_too():
    """Ten looks at the same trouble are one message; the tenth event more is no new one."""
    alerts = Alerts()
    said = [alerts.check(view(dead_letters=count), float(at)) for at, count in enumerate([0, 1, 5, 5, 0, 0, 2])]
    told = [(one.at, one.rule, one.raised) for news in said for one in news]
    assert told == [(1.0, "dead letters", True), (4.0, "dead letters", False), (6.0, "dead letters", True)]
