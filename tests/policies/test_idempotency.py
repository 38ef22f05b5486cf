"""Idempotency decisions, as tables, and what a retention has to cover."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Request, Response, json_body
from sim.policies import DecorrelatedJitter, Exponential, Fixed, FullJitter, ProportionalJitter, Retry, Table
from sim.policies.idempotency.rules import (
    Fingerprint,
    Idempotency,
    InFlight,
    Mismatch,
    New,
    Record,
    Replay,
    retry_horizon,
    scope,
)

HOUR = 3_600.0
PAY = Request("POST", "/payments", body=b'{"amount":2000,"currency":"INR"}')
SEEN = Fingerprint.of(PAY)
OTHER = Fingerprint.of(Request("POST", "/payments", body=b'{"amount":4000,"currency":"INR"}'))
PAID = Response(201, headers={"Location": "/payments/7"}, body=b'{"id":"7"}')
CLAIMED = Record(SEEN, claimed=100.0)
DONE = CLAIMED.answered(PAID)
RULES = Idempotency(retention=1_000.0, lease=30.0, poll=2.0)


@pytest.mark.parametrize(
    ("record", "fingerprint", "now", "expected"),
    [
        pytest.param(None, SEEN, 0.0, New(), id="nothing is known: new"),
        pytest.param(CLAIMED, SEEN, 100.0, InFlight(2.0), id="claimed at this instant: in flight"),
        pytest.param(CLAIMED, SEEN, 127.9, InFlight(2.0), id="in flight, ask again at the poll interval"),
        pytest.param(CLAIMED, SEEN, 129.5, InFlight(0.5), id="never later than the end of the lease"),
        pytest.param(CLAIMED, SEEN, 130.0, New(CLAIMED, dead=True), id="lease over: the claimant counts as dead"),
        pytest.param(CLAIMED, OTHER, 110.0, Mismatch(("body",)), id="another body in flight: mismatch, not a twin"),
        pytest.param(CLAIMED, OTHER, 130.0, Mismatch(("body",)), id="a dead claim is not for another body either"),
        pytest.param(DONE, SEEN, 100.0, Replay(PAID), id="answered: replay"),
        pytest.param(DONE, SEEN, 1_099.9, Replay(PAID), id="replay until the last moment of the retention"),
        pytest.param(DONE, SEEN, 1_100.0, New(DONE), id="expired: new, and not dead"),
        pytest.param(DONE, OTHER, 500.0, Mismatch(("body",)), id="answered for another body: mismatch"),
        pytest.param(DONE, OTHER, 1_100.0, New(DONE), id="an expired key may be used for anything"),
        pytest.param(DONE, SEEN, 50.0, Replay(PAID), id="a clock that went back changes nothing"),
    ],
)
def test_the_decision_table(record, fingerprint, now, expected):
    """New, in flight, replay and mismatch, at the instants where they change."""
    assert RULES.begin(record, fingerprint, now) == expected


def test_an_infinite_lease_locks_until_expiry():
    """With a lease of inf a dead claim is believed as long as the key is remembered: the lock of Q-09.2."""
    rules = Idempotency(retention=86_400.0, lease=math.inf)
    assert isinstance(rules.begin(Record(SEEN, 0.0), SEEN, 86_399.0), InFlight)
    assert isinstance(rules.begin(Record(SEEN, 0.0), SEEN, 86_400.0), New)


def test_a_lease_of_zero_believes_nobody():
    """With a lease of 0 every claim without an answer counts as dead at once."""
    assert Idempotency(lease=0.0).begin(Record(SEEN, 5.0), SEEN, 5.0) == New(Record(SEEN, 5.0), dead=True)


@settings(max_examples=200)
@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(1e-3, 1e6), st.floats(0, 1e6), st.booleans())
def test_asking_again_when_told_is_worth_it(claimed, age, retention, lease, done):
    """A twin's Retry-After never points behind the end of the lease, and a decision repeats itself."""
    rules, now = Idempotency(retention=retention, lease=lease), claimed + age
    record = Record(SEEN, claimed, PAID if done else None)
    decision = rules.begin(record, SEEN, now)
    assert decision == rules.begin(record, SEEN, now)
    if isinstance(decision, InFlight):
        assert 0 < decision.retry_after <= rules.poll
        assert now + decision.retry_after <= claimed + lease + 1e-6
    if done:
        assert isinstance(decision, New if now >= claimed + retention else Replay)


@pytest.mark.parametrize(
    ("one", "two", "differs"),
    [
        (b'{"a":1,"b":[1,2]}', b' { "b" : [1, 2],\n"a":1 } ', ()),
        (b'{"a":"\\u00e9"}', '{"a":"é"}'.encode(), ()),
        (b'{"a":1}', b'{"a":2}', ("body",)),
        (b'{"a":1}', b'{"a":1.0}', ("body",)),
        (b'{"a":1}', b'{"a":true}', ("body",)),
        (b"[1,2]", b"[2,1]", ("body",)),
        (b'{"a":1,"a":1}', b'{"a":1}', ("body",)),
        (b"", b"null", ("body",)),
        (b"\xff\x00", b"\xff\x00", ()),
        (b"\xff\x00", b"\xff\x01", ("body",)),
        (b'{"a":1', b'{"a":1 ', ("body",)),
    ],
)
def test_the_body_counts_as_a_document(one, two, differs):
    """Member order and white space do not make another JSON body; anything that is not JSON counts byte by byte."""
    first = Fingerprint.of(Request("POST", "/payments", body=one))
    assert first.differs(Fingerprint.of(Request("POST", "/payments", body=two))) == differs


def test_method_path_and_query_count_and_headers_do_not():
    """Another method, path or query is another request; a new trace id is not."""
    assert SEEN.differs(Fingerprint.of(Request("PUT", "/payments", body=PAY.body))) == ("method",)
    assert SEEN.differs(Fingerprint.of(Request("POST", "/payments?dry=1", body=PAY.body))) == ("path",)
    assert SEEN.differs(Fingerprint.of(Request("POST", "/x", headers={"Trace": "1"}))) == ("path", "body")
    assert SEEN.differs(Fingerprint.of(Request("POST", "/payments", headers={"Trace": "1"}, body=PAY.body))) == ()


@settings(max_examples=200)
@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers() | st.text(st.characters(codec="utf-8"))))
def test_a_fingerprint_survives_another_order_of_members(document):
    """A client that builds its body anew in another order has the same fingerprint."""
    turned = dict(reversed(document.items()))
    assert Fingerprint.of(Request(body=json_body(document))) == Fingerprint.of(Request(body=json_body(turned)))


@settings(max_examples=200)
@given(st.binary(max_size=2_000))
def test_any_body_has_a_fingerprint(body):
    """A fingerprint never fails, and equal bytes have equal ones."""
    assert Fingerprint.of(Request(body=body)) == Fingerprint.of(Request(body=bytes(body)))


@settings(max_examples=200)
@given(
    st.integers(100, 599),
    st.none() | st.floats(0, 1e6),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    st.binary(max_size=50),
    st.text(max_size=8),
)
def test_a_record_survives_the_store(status, asked, headers, body, point):
    """A stored answer comes back byte for byte: status, headers and any body."""
    record = Record(SEEN, 1.25, Response(status, asked, headers, body), point)
    assert Record.of(record.document()) == record
    assert Record.of(Record(SEEN, 1.25).document()) == Record(SEEN, 1.25)


def test_scopes_keep_callers_apart():
    """Caller, method, path and key all count, and no cleverly chosen key can look like another's scope."""
    request = Request("POST", "/payments")
    scopes = {
        scope("ada", request, "k"),
        scope("bob", request, "k"),
        scope("ada", Request("PUT", "/payments"), "k"),
        scope("ada", Request("POST", "/refunds"), "k"),
        scope("ada", request, 'k","x'),
        scope('ada","POST","/payments', request, "k"),
    }
    assert len(scopes) == 6
    assert scope("ada", Request("POST", "/payments?x=1"), "k") == scope("ada", request, "k")


@pytest.mark.parametrize(
    ("retry", "timeout", "expected"),
    [
        (Retry.never(), 5.0, 0.0),
        (Retry.immediate(attempts=3), 5.0, 10.0),
        (Retry(Fixed(2.6), attempts=2), 0.4, 3.0),
        (Retry(Exponential(base=1.0, cap=4.0), attempts=5), 1.0, 4.0 + 1 + 2 + 4 + 4),
        (Retry(FullJitter(base=1.0, cap=4.0), attempts=5), 1.0, 4.0 + 1 + 2 + 4 + 4),
        (Retry(ProportionalJitter(backoff=Fixed(10.0), fraction=0.5), attempts=2), 1.0, 16.0),
        (Retry(Fixed(10.0), attempts=100, deadline=60.0), 5.0, 60.0),
        (Retry(Fixed(10.0), attempts=None), 5.0, math.inf),
    ],
)
def test_the_horizon_is_the_last_attempt_at_its_latest(retry, timeout, expected):
    """Timeouts and the longest waits add up; the deadline cuts; a rule that never gives up has no horizon."""
    assert retry_horizon(retry, timeout=timeout) == pytest.approx(expected)


@settings(max_examples=100)
@given(st.integers(0, 10**6), st.integers(1, 12), st.sampled_from([FullJitter(), DecorrelatedJitter()]))
def test_no_run_goes_beyond_the_horizon(seed, attempts, backoff):
    """However the dice fall, the last attempt is sent within the horizon."""
    from sim.outcome import Outcome

    retry, rng, sent, wait, attempt = Retry(backoff, attempts=attempts), Random(seed), 0.0, 0.0, 1
    while (wait := retry.wait(attempt, Outcome.timed_out(), sent + 1.0, wait, rng)) is not None:
        sent += 1.0 + wait
        attempt += 1
    assert sent <= retry_horizon(retry, timeout=1.0) + 1e-9


def test_a_backoff_that_chooses_has_a_horizon_too():
    """Draws of whole numbers and choices are at their highest as well, and end."""

    class Chooser:
        def delay(self, attempt, previous, rng):
            return float(rng.choice([1, 2, 3]) + rng.randint(0, 6))

    assert retry_horizon(Retry(Chooser(), attempts=3), timeout=1.0) == 2 * (1.0 + 9.0)


def test_two_days_do_not_cover_three_days_of_retries():
    """X-15: the guide's 24 to 48 hours "cover the retry window", and its own webhook schedule goes on for 72."""
    waits = [30.0, 300.0, 1_800.0, 7_200.0, *[69.41 * HOUR / 20] * 20]
    schedule = Retry(Table(waits), attempts=25)
    horizon = retry_horizon(schedule, timeout=5.0)
    assert 72.0 * HOUR < horizon < 72.1 * HOUR
    verdicts = [Idempotency(retention=hours * HOUR).covers(schedule, timeout=5.0) for hours in (24, 48, 72, 73)]
    assert verdicts == [False, False, False, True]
    assert Idempotency(retention=math.inf).covers(schedule, timeout=5.0)


def test_an_endless_retry_is_never_covered():
    """A rule that never gives up outlives every key, even one that is kept for ever: inf is not more than inf."""
    assert not Idempotency(retention=math.inf).covers(Retry(Fixed(1.0), attempts=None), timeout=1.0)


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"retention": 0.0}, "retention must be more than 0, got 0.0"),
        ({"lease": -1.0}, "lease must be at least 0, got -1.0"),
        ({"poll": 0.0}, "poll must be more than 0, got 0.0"),
        ({"lease": math.nan}, "lease must be a finite number, got nan"),
    ],
)
def test_rules_are_checked(settings_, message):
    """Impossible rules are refused when they are made, naming the field, the rule and the value."""
    with pytest.raises(ValueError, match=message):
        Idempotency(**settings_)
