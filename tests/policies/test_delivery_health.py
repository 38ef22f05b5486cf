"""Auto-disable and alerts: warnings first, once each, and an end that is told too."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    """At once, at half of the grace, and then it is disabled; nothing is said twice."""
    rule = fed(AutoDisable(), bad=20)
    said = [(hour, rule.judge(hour * HOUR)) for hour in range(26)]
    told = [(hour, ruling) for hour, ruling in said if not isinstance(ruling, Healthy)]
    assert [hour for hour, _ in told] == [0, 12, 24]
    assert [type(ruling) for _, ruling in told] == [Warn, Warn, Disable]
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


def test_enabled_again_it_is_not_disabled_for_its_past():
    """Whoever enables it after the repair gives it a whole grace: new failures are warned of first."""
    rule = fed(AutoDisable(grace=2 * HOUR), bad=20)
    assert isinstance(rule.judge(0.0), Warn)
    assert isinstance(rule.judge(2 * HOUR), Disable)
    assert rule.judge(2 * HOUR + 60.0) == Healthy()
    fed(rule, bad=20, at=6 * HOUR)
    assert rule.judge(6 * HOUR) == Warn(1, 8 * HOUR, 20, 20)


def test_somebody_can_say_that_it_is_repaired():
    """Started over before the end, it counts from nothing."""
    rule = fed(AutoDisable(), bad=20)
    rule.judge(0.0)
    rule.start_over()
    assert rule.judge(30 * HOUR) == Healthy()
    assert rule.judge(60 * HOUR) == Healthy()


def test_a_clock_that_steps_back_loses_no_attempt():
    """What is older than the last attempt counts with that one."""
    rule = AutoDisable()
    for now in (1_000.0, 500.0, 1_000.0, 0.0, *[1_000.0] * 6):
        rule.record(False, now)
    assert rule.judge(1_000.0) == Warn(1, 1_000.0 + 24 * HOUR, 10, 10)


def test_its_memory_is_bounded_by_the_window():
    """A hundred hours of attempts that nobody judges leave the counts of one."""
    rule = AutoDisable()
    for minute in range(6_000):
        rule.record(False, minute * 60.0)
    assert len(rule._counts) <= 62


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.floats(0.0, 1.0), st.sampled_from([60.0, 600.0]))
def test_its_counts_are_those_of_the_window(seed, failing, gap):
    """A warning's counts are between those of the window and those of one more sixtieth of it."""
    rng, rule, seen = Random(seed), AutoDisable(failure_fraction=0.3, minimum_volume=2), []
    now = 0.0
    for _ in range(100):
        now += rng.random() * gap
        ok = rng.random() >= failing
        seen.append((now, ok))
        rule.record(ok, now)
        ruling = rule.judge(now)
        if isinstance(ruling, Warn):
            inside = [good for at, good in seen if at >= now - HOUR]
            wider = [good for at, good in seen if at >= now - HOUR * 61 / 60]
            assert len(inside) <= ruling.attempts <= len(wider)
            assert inside.count(False) <= ruling.failures <= wider.count(False)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=60))
def test_nobody_is_disabled_without_every_warning(hours):
    """Looked at every hour, whatever succeeds and fails: both warnings, in order, and the whole grace, come first."""
    rule, told, first = AutoDisable(grace=6 * HOUR), 0, 0.0
    for hour, (good, bad) in enumerate(hours):
        ruling = fed(rule, good=good, bad=bad, at=hour * HOUR).judge(hour * HOUR)
        if isinstance(ruling, Warn):
            first = hour * HOUR if ruling.number == 1 else first
            assert ruling.number in (1, told + 1)
            assert ruling.disable_at == first + 6 * HOUR
            told = ruling.number
        elif isinstance(ruling, Disable):
            assert (told, hour * HOUR - first) == (2, 6 * HOUR)
            told = 0


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"failure_fraction": 0.0}, "failure_fraction must be more than 0, got 0.0"),
        ({"failure_fraction": 1.5}, "failure_fraction must be at most 1, got 1.5"),
        ({"window": -1.0}, "window must be more than 0, got -1.0"),
        ({"minimum_volume": 0}, "minimum_volume must be at least 1, got 0"),
        ({"minimum_volume": 2.5}, "minimum_volume must be a whole number, got 2.5"),
        ({"grace": float("nan")}, "grace must be a finite number, got nan"),
        ({"warnings": (1.0,)}, "warnings must be shares of the grace"),
    ],
)
def test_numbers_that_are_none_are_refused(more, sentence):
    """One sentence names the field, the rule and the value."""
    with pytest.raises(ValueError, match=sentence):
        AutoDisable(**more)


def test_two_rules_of_one_kind_do_not_quarrel():
    """At 60 % the lower limit rises once, and the silence of the higher one does not end it."""
    alerts = Alerts(rules=(FailureShare(fraction=0.5, name="half"), FailureShare(fraction=0.9)))
    said = [alerts.check(view(attempts=20, failures=count), float(at)) for at, count in enumerate([12, 12, 19, 12, 0])]
    told = [(one.at, one.rule, one.raised) for news in said for one in news]
    assert told == [
        (0.0, "half", True),
        (2.0, "failure share", True),
        (3.0, "failure share", False),
        (4.0, "half", False),
    ]


@pytest.mark.parametrize(
    ("rules", "error", "sentence"),
    [
        ((FailureShare(fraction=0.5), FailureShare()), ValueError, "rules must each have a name of its own"),
        (("failure share",), TypeError, r"must be an object with a method raised_by\(view\)"),
        ((FailureShare,), TypeError, r"must be an object with a method raised_by\(view\)"),
    ],
)
def test_rules_that_cannot_be_asked_are_refused(rules, error, sentence):
    """At once, not in the middle of a run."""
    with pytest.raises(error, match=sentence):
        Alerts(rules=rules)


def test_a_rule_without_a_name_is_refused():
    """The log could not say which rule has spoken."""

    class Nameless:
        def raised_by(self, view):
            return None

    with pytest.raises(TypeError, match="an alert rule must have a name"):
        Alerts(rules=(Nameless(),))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12), st.integers(0, 3)), max_size=40))
def test_a_rise_and_an_end_take_turns(looks):
    """For each endpoint and rule, the first message is a rise, and no two in a row are the same."""
    alerts, last = Alerts(), {}
    for at, (shop, failures, dead) in enumerate(looks):
        name = "shop" if shop else "bank"
        seen = EndpointView(endpoint=name, owner="ada", attempts=12, failures=failures, dead_letters=dead)
        for one in alerts.check(seen, float(at)):
            assert (one.endpoint, one.at) == (name, float(at))
            assert one.raised is not last.get((name, one.rule), False)
            last[name, one.rule] = one.raised
        assert last.get((name, "dead letters"), False) is (dead > 0)
        assert last.get((name, "failure share"), False) is (failures >= 11)
