"""Circuit breakers, as tables of (time, call, expected)."""

import math
from random import Random

import pytest

from sim.outcome import Outcome
from sim.policies import CircuitBreaker, ConsecutiveBreaker, State
from sim.policies.client.breaker import TRANSITIONS, Event

OK, BAD, NOT_FOUND = Outcome.answered(200), Outcome.timed_out(), Outcome.answered(404)
REFUSED = "refused"


def play(breaker, script, rng=None):
    """Walk through (time, outcome or None to ask only, expected state or REFUSED)."""
    rng = rng or Random(0)
    for step, (now, outcome, expected) in enumerate(script):
        permit = breaker.admit(now, rng)
        if permit is not None and outcome is not None:
            breaker.record(permit, outcome, now, rng)
        seen = REFUSED if permit is None else breaker.state.value
        assert seen == expected, f"step {step}, t = {now}: {seen}, not {expected}"


def opened(breaker, at=0.0):
    """A breaker that was driven open by failures at *at*."""
    rng = Random(0)
    while breaker.state is State.CLOSED:
        breaker.record(breaker.admit(at, rng), BAD, at, rng)
    return breaker


def small(**settings):
    """A breaker that judges two answers."""
    return CircuitBreaker(**{"minimum_volume": 2, "window": 10.0, "open_time": 5.0} | settings)


@pytest.mark.parametrize(
    ("breaker", "script"),
    [
        pytest.param(
            CircuitBreaker(minimum_volume=3),
            [(0.0, BAD, "closed"), (0.1, BAD, "closed"), (0.2, BAD, "open"), (0.3, BAD, REFUSED)],
            id="below the minimum volume it never trips",
        ),
        pytest.param(
            CircuitBreaker(minimum_volume=4, failure_fraction=0.5),
            [(0.0, OK, "closed"), (0.1, OK, "closed"), (0.2, BAD, "closed"), (0.3, BAD, "open")],
            id="exactly the fraction trips",
        ),
        pytest.param(
            CircuitBreaker(minimum_volume=4, failure_fraction=0.51),
            [(0.0, OK, "closed"), (0.1, OK, "closed"), (0.2, BAD, "closed"), (0.3, BAD, "closed"), (0.4, BAD, "open")],
            id="a hair less does not",
        ),
        pytest.param(
            small(),
            [(0.0, BAD, "closed"), (10.0, BAD, "closed"), (19.9, BAD, "open")],
            id="an answer leaves the window when it is window seconds old",
        ),
        pytest.param(
            small(failure_fraction=1.0),
            [(0.0, OK, "closed"), (1.0, BAD, "closed"), (9.9, BAD, "closed"), (10.0, BAD, "open")],
            id="when the good answer leaves the window the bad ones are all",
        ),
        pytest.param(
            small(),
            [
                (0.0, BAD, "closed"),
                (1.0, BAD, "open"),
                (5.9, OK, REFUSED),
                (6.0, OK, "closed"),
                (6.1, BAD, "closed"),
                (6.2, BAD, "open"),
            ],
            id="a good probe closes it and the old failures are forgotten",
        ),
        pytest.param(
            small(),
            [(0.0, BAD, "closed"), (0.0, BAD, "open"), (5.0, BAD, "open"), (9.9, OK, REFUSED), (10.0, OK, "closed")],
            id="a bad probe opens it for the whole time again",
        ),
        pytest.param(
            small(successes_to_close=2),
            [(0.0, BAD, "closed"), (0.0, BAD, "open"), (5.0, OK, "half-open"), (5.1, OK, "closed")],
            id="it closes after as many good probes as it asks for",
        ),
        pytest.param(
            small(successes_to_close=2),
            [(0.0, BAD, "closed"), (0.0, BAD, "open"), (5.0, OK, "half-open"), (5.1, BAD, "open")],
            id="one bad probe is enough after a good one",
        ),
        pytest.param(
            ConsecutiveBreaker(failures=2),
            [(0.0, BAD, "closed"), (0.1, OK, "closed"), (0.2, BAD, "closed"), (0.3, BAD, "open")],
            id="a success starts the row again",
        ),
        pytest.param(
            ConsecutiveBreaker(failures=2),
            [(0.0, BAD, "closed"), (1e6, BAD, "open")],
            id="a row has no window",
        ),
        pytest.param(
            ConsecutiveBreaker(failures=2, open_time=1.0),
            [(0.0, BAD, "closed"), (0.0, BAD, "open"), (1.0, OK, "closed"), (1.1, BAD, "closed"), (1.2, BAD, "open")],
            id="after closing the row begins at nothing",
        ),
    ],
)
def test_the_state_machine(breaker, script):
    """The breaker's states over time are those of the table."""
    play(breaker, script)


def test_there_are_four_transitions():
    """Closed trips, open cools, half-open recovers or relapses: nothing else happens."""
    assert set(TRANSITIONS) == {
        (State.CLOSED, Event.TRIP),
        (State.OPEN, Event.COOL),
        (State.HALF_OPEN, Event.RECOVER),
        (State.HALF_OPEN, Event.RELAPSE),
    }


@pytest.mark.parametrize(
    ("outcome", "trips"),
    [
        (Outcome.timed_out(), True),
        (Outcome.refused(), True),
        (Outcome.answered(500), True),
        (Outcome.answered(504), True),
        (Outcome.answered(429), True),
        (Outcome.answered(400), False),
        (Outcome.answered(404), False),
        (Outcome.answered(409), False),
        (Outcome.answered(201), False),
    ],
)
def test_only_the_servers_ill_health_counts(outcome, trips):
    """No answer, a refusal, a 5xx and a 429 count as failures; a 404 is the answer of a server that works."""
    breaker = ConsecutiveBreaker(failures=1)
    breaker.record(breaker.admit(0.0, Random(0)), outcome, 0.0, Random(0))
    assert (breaker.state is State.OPEN) is trips


@pytest.mark.parametrize("probes", [1, 3, math.inf])
@pytest.mark.parametrize("kind", [CircuitBreaker, ConsecutiveBreaker])
def test_half_open_admits_its_probes_only(kind, probes):
    """In half-open exactly *probes* attempts are out at once, one by default, all of them with no limit."""
    breaker = opened(kind(probes=probes))
    admitted = [breaker.admit(5.0, Random(0)) for _ in range(100)]
    assert sum(permit is not None for permit in admitted) == min(probes, 100)
    assert breaker.state is State.HALF_OPEN


def test_a_probes_answer_makes_room_for_the_next():
    """An answered probe that neither closes nor opens the circuit gives its place back."""
    breaker, rng = opened(small(successes_to_close=3)), Random(0)
    first = breaker.admit(5.0, rng)
    assert breaker.admit(5.0, rng) is None
    breaker.record(first, OK, 5.1, rng)
    assert breaker.admit(5.1, rng) is not None
    assert breaker.admit(5.1, rng) is None


@pytest.mark.parametrize(
    ("late", "probe", "expected"),
    [(OK, None, State.HALF_OPEN), (BAD, None, State.HALF_OPEN), (BAD, OK, State.CLOSED), (OK, BAD, State.OPEN)],
)
def test_late_answers_are_not_probes(late, probe, expected):
    """The answer to an attempt sent before the circuit opened neither closes nor re-opens it: the probe's does."""
    breaker, rng = small(), Random(0)
    before = breaker.admit(0.0, rng)
    opened(breaker)
    permit = breaker.admit(5.0, rng)
    breaker.record(before, late, 5.0, rng)
    if probe is not None:
        breaker.record(permit, probe, 5.0, rng)
    assert breaker.state is expected
    if probe is None:
        assert breaker.admit(5.0, rng) is None, "the late answer freed a probe's place"


def test_a_probe_of_an_earlier_half_open_is_ignored():
    """A probe that is answered after another probe has re-opened the circuit says nothing any more."""
    breaker, rng = opened(small(probes=2)), Random(0)
    slow, quick = breaker.admit(5.0, rng), breaker.admit(5.0, rng)
    breaker.record(quick, BAD, 5.1, rng)
    assert breaker.state is State.OPEN
    breaker.record(slow, OK, 5.2, rng)
    assert breaker.state is State.OPEN
    again = breaker.admit(10.1, rng)
    breaker.record(slow, OK, 10.1, rng)
    assert breaker.state is State.HALF_OPEN
    breaker.record(again, OK, 10.2, rng)
    assert breaker.state is State.CLOSED


def test_a_late_failure_does_not_count_in_a_closed_circuit():
    """After it has closed again, failures from before it opened do not count towards the next trip."""
    breaker, rng = small(), Random(0)
    before = [breaker.admit(0.0, rng) for _ in range(5)]
    opened(breaker)
    breaker.record(breaker.admit(5.0, rng), OK, 5.0, rng)
    for permit in before:
        breaker.record(permit, BAD, 5.1, rng)
    assert breaker.state is State.CLOSED


def test_reading_changes_nothing():
    """`retry_after` and `state` of an open breaker whose time is over leave it open until somebody asks."""
    breaker = opened(small(), at=1.0)
    assert [breaker.retry_after(now) for now in (1.0, 4.0, 6.0, 99.0)] == [5.0, 2.0, 0.0, 0.0]
    assert breaker.state is State.OPEN
    assert breaker.changes == [(1.0, State.OPEN)]


def test_open_jitter_spreads_the_hosts():
    """The open time is stretched by U(0, jitter): 500 hosts that opened together do not ask together."""
    ends = []
    for seed in range(500):
        breaker, rng = ConsecutiveBreaker(failures=1, open_time=4.0, open_jitter=0.5), Random(seed)
        breaker.record(breaker.admit(0.0, rng), BAD, 0.0, rng)
        ends.append(breaker.retry_after(0.0))
    assert min(ends) >= 4.0
    assert max(ends) <= 6.0
    assert len(set(ends)) == 500
    assert abs(sum(ends) / 500 - 5.0) < 3 * 2.0 / math.sqrt(12 * 500)


def test_without_open_jitter_no_chance_is_used():
    """A breaker without jitter draws nothing, so that the backoffs beside it draw as they would without it."""
    rng = Random(3)
    before = rng.getstate()
    play(small(), [(0.0, BAD, "closed"), (0.0, BAD, "open"), (5.0, OK, "closed")], rng)
    assert rng.getstate() == before


def test_changes_are_kept():
    """Every change of state is written down with its instant."""
    breaker = small()
    play(breaker, [(0.0, BAD, "closed"), (1.0, BAD, "open"), (6.0, OK, "closed")])
    assert breaker.changes == [(1.0, State.OPEN), (6.0, State.HALF_OPEN), (6.0, State.CLOSED)]


def test_the_fraction_is_not_lost_to_rounding():
    """55 failures of 100 are 55 %, though 0.55 * 100 is more than 55 in floating point."""
    breaker = CircuitBreaker(failure_fraction=0.55, minimum_volume=100)
    script = [(0.0, OK if number < 45 else BAD, "closed") for number in range(99)]
    play(breaker, [*script, (0.0, BAD, "open")])


def trips(volume, failures):
    """Whether a breaker that asks for *volume* answers has tripped after as many, *failures* of them bad."""
    breaker, rng = CircuitBreaker(minimum_volume=volume, failure_fraction=0.5, window=60.0), Random(0)
    for number in range(volume):
        breaker.record(breaker.admit(0.0, rng), BAD if number < failures else OK, 0.0, rng)
    return breaker.state is State.OPEN


@pytest.mark.parametrize(
    ("volume", "published", "tolerance"),
    [(1, 0.10, 1e-9), (2, 0.19, 1e-9), (4, 0.052, 5e-4), (10, 0.0016, 5e-5), (20, 1e-5, 5e-6)],
)
def test_minimum_volume_prevents_false_trips(volume, published, tolerance):
    """Q-27.3: at a true failure rate of 10 % the chance to trip falls from .10 (one answer) to 1e-5 (twenty)."""
    chance = sum(
        math.comb(volume, bad) * 0.1**bad * 0.9 ** (volume - bad) for bad in range(volume + 1) if trips(volume, bad)
    )
    assert chance == pytest.approx(published, abs=tolerance)


def test_half_of_everything_failing_need_not_trip_a_row():
    """Q-27.4: with every second request failing, the window's breaker opens and the consecutive one never does."""
    window, row = CircuitBreaker(), ConsecutiveBreaker(failures=2)
    for number in range(200):
        for breaker in (window, row):
            permit = breaker.admit(number / 100, Random(0))
            if permit is not None:
                breaker.record(permit, BAD if number % 2 else OK, number / 100, Random(0))
    assert row.state is State.CLOSED
    assert window.state is State.OPEN
