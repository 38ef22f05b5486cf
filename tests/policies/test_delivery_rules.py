"""The table of answers: the first row that fits decides, and nothing an endpoint sends can break it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.outcome import Kind, Outcome
from sim.policies.delivery import FAST_FAIL, RETRY_ALL_BUT_GONE, STANDARD_WEBHOOKS, Action, ResponseRules

INSIDE = Outcome(Kind.FAILED, None, None, "private address")
UNSENT = Outcome(Kind.FAILED, None, None, "no such name")


@pytest.mark.parametrize(
    ("rules", "outcome", "action", "reason"),
    [
        (STANDARD_WEBHOOKS, Outcome.answered(200), Action.DELIVERED, "200"),
        (STANDARD_WEBHOOKS, Outcome.answered(204), Action.DELIVERED, "204"),
        (STANDARD_WEBHOOKS, Outcome.answered(302), Action.RETRY, "302: redirects are not followed"),
        (STANDARD_WEBHOOKS, Outcome.answered(401), Action.RETRY, "401"),
        (STANDARD_WEBHOOKS, Outcome.answered(404), Action.RETRY, "404"),
        (STANDARD_WEBHOOKS, Outcome.answered(410), Action.DISABLE, "410: gone"),
        (STANDARD_WEBHOOKS, Outcome.answered(503), Action.RETRY, "503"),
        (STANDARD_WEBHOOKS, Outcome.answered(42), Action.RETRY, "not an HTTP status: 42"),
        (STANDARD_WEBHOOKS, Outcome.answered(999), Action.RETRY, "not an HTTP status: 999"),
        (STANDARD_WEBHOOKS, Outcome.timed_out(), Action.RETRY, "timed out"),
        (STANDARD_WEBHOOKS, Outcome.refused(), Action.RETRY, "connection refused"),
        (STANDARD_WEBHOOKS, Outcome.answered(599), Action.RETRY, "599"),
        (STANDARD_WEBHOOKS, Outcome.answered(100), Action.RETRY, "100"),
        (STANDARD_WEBHOOKS, Outcome.answered(600), Action.RETRY, "not an HTTP status: 600"),
        (STANDARD_WEBHOOKS, Outcome.answered(299), Action.DELIVERED, "299"),
        (STANDARD_WEBHOOKS, Outcome.answered(300), Action.RETRY, "300: redirects are not followed"),
        (STANDARD_WEBHOOKS, UNSENT, Action.RETRY, "no such name"),
        (STANDARD_WEBHOOKS, INSIDE, Action.RETRY, "resolves to a private address"),
        (FAST_FAIL, Outcome.answered(400), Action.STOP, "400"),
        (FAST_FAIL, Outcome.answered(401), Action.STOP, "401"),
        (FAST_FAIL, Outcome.answered(403), Action.STOP, "403"),
        (FAST_FAIL, Outcome.answered(404), Action.RETRY, "404"),
        (FAST_FAIL, Outcome.answered(410), Action.STOP, "410: gone"),
        (RETRY_ALL_BUT_GONE, Outcome.answered(400), Action.RETRY, "400"),
    ],
)
def test_the_first_row_that_fits_decides(rules, outcome, action, reason):
    """Three published tables, answer by answer; the reason is what the log shows."""
    ruling = rules.judge(outcome)
    assert (ruling.action, ruling.reason) == (action, reason)


@pytest.mark.parametrize(
    ("pattern", "outcome"),
    [
        ("404", Outcome.answered(404)),
        ("4xx", Outcome.answered(404)),
        ("3xx", Outcome.answered(307)),
        ("timeout", Outcome.timed_out()),
        ("refused", Outcome.refused()),
        ("refused", UNSENT),
        ("private address", INSIDE),
        ("garbage", Outcome.answered(7)),
        ("else", Outcome.answered(500)),
    ],
)
def test_a_caller_can_change_any_row(pattern, outcome):
    """A row put before the others wins, and the old table stays as it was."""
    changed = STANDARD_WEBHOOKS.with_row(pattern, Action.DROP)
    assert changed.judge(outcome).action is Action.DROP
    assert STANDARD_WEBHOOKS.judge(outcome).action is Action.RETRY


def test_retry_after_is_heeded_up_to_a_limit():
    """An endpoint may ask for a wait, but not for one that switches its webhooks off."""
    rules = ResponseRules(longest_wait=3_600.0)
    assert rules.judge(Outcome.answered(429, 120.0)).retry_after == 120.0
    assert rules.judge(Outcome.answered(429, 1e300)).retry_after == 3_600.0
    assert rules.judge(Outcome.answered(200, 120.0)).retry_after is None
    assert RETRY_ALL_BUT_GONE.judge(Outcome.answered(429, 120.0)).retry_after is None
    assert rules.with_row("429", Action.STOP).judge(Outcome.answered(429, 120.0)).retry_after is None


@pytest.mark.parametrize("asked", [-5.0, float("nan"), float("-inf")])
def test_a_wait_that_is_none_is_not_heeded(asked):
    """An endpoint cannot ask for a time in the past, or for no number at all."""
    assert STANDARD_WEBHOOKS.judge(Outcome.answered(429, asked)).retry_after is None


@settings(max_examples=200)
@given(st.integers(-(10**9), 10**9), st.one_of(st.none(), st.floats(0, 1e300)))
def test_every_number_has_a_rule(status, asked):
    """Whatever number an endpoint answers with, there is a ruling, and success needs a 2xx."""
    ruling = STANDARD_WEBHOOKS.judge(Outcome.answered(status, asked))
    assert (ruling.action is Action.DELIVERED) == (200 <= status < 300)
    assert ruling.retry_after is None or 0.0 <= ruling.retry_after <= 86_400.0


def test_the_memory_of_rulings_is_bounded():
    """A hostile endpoint that answers with a new number each time does not fill the memory."""
    rules = ResponseRules()
    for status in range(5_000):
        rules.judge(Outcome.answered(status))
    assert len(rules._known) <= 1_000


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ((), "rows must end with else"),
        ((("2xx", Action.DELIVERED),), "rows must end with else"),
        ((("600", Action.DROP), ("else", Action.RETRY)), "got '600'"),
        (((404, Action.DROP), ("else", Action.RETRY)), "got 404"),
        ((("4\u06604", Action.DROP), ("else", Action.RETRY)), "a row's pattern must be a status"),
        ((("404\n", Action.DROP), ("else", Action.RETRY)), "a row's pattern must be a status"),
        ((("404",), ("else", Action.RETRY)), "rows must be pairs of a pattern and an Action"),
        (5, "rows must be pairs of a pattern and an Action, got 5"),
        (None, "rows must be pairs of a pattern and an Action, got None"),
        ((("404", "drop"), ("else", Action.RETRY)), "the row '404' must have an Action, got 'drop'"),
    ],
)
def test_a_table_that_is_none_is_refused(rows, sentence):
    """One sentence names the row."""
    with pytest.raises(ValueError, match=sentence):
        ResponseRules(rows)


_pattern = st.one_of(
    st.integers(100, 599).map(str),
    st.sampled_from(["1xx", "2xx", "3xx", "4xx", "5xx", "timeout", "refused", "private address", "garbage"]),
)


def _fits(pattern, outcome):
    """What the words of the table mean, said once more in the plainest way."""
    status = outcome.status
    if pattern == "else":
        return True
    if outcome == INSIDE or pattern == "private address":
        return outcome == INSIDE and pattern == "private address"
    if status is None or pattern == "timeout":
        return status is None and pattern == "timeout"
    if status == 0 or pattern == "refused":
        return status == 0 and pattern == "refused"
    if not 100 <= status <= 599 or pattern == "garbage":
        return not 100 <= status <= 599 and pattern == "garbage"
    return pattern in (str(status), f"{status // 100}xx")


@settings(max_examples=200)
@given(
    st.lists(st.tuples(_pattern, st.sampled_from(Action)), max_size=8),
    st.sampled_from(Action),
    st.one_of(
        st.integers(-10, 700).map(Outcome.answered),
        st.sampled_from([Outcome.timed_out(), Outcome.refused(), INSIDE]),
    ),
)
def test_every_table_is_read_from_the_top(rows, last, outcome):
    """The first fitting row of any table decides, asked for the first time or again."""
    rules = ResponseRules((*rows, ("else", last)))
    expected = next(action for pattern, action in rules.rows if _fits(pattern, outcome))
    assert [rules.judge(outcome).action for _ in range(2)] == [expected] * 2


def test_a_row_that_is_none_cannot_be_added():
    """One sentence, and the table stays as it was."""
    with pytest.raises(ValueError, match="got '6xx'"):
        STANDARD_WEBHOOKS.with_row("6xx", Action.STOP)
    with pytest.raises(ValueError, match="the row '404' must have an Action, got None"):
        STANDARD_WEBHOOKS.with_row("404", None)
    assert len(STANDARD_WEBHOOKS.rows) == 3
