"""Herds of webhooks: what comes back at once, what caps and breakers do, and how events get into the queue."""

from __future__ import annotations

import math
from random import Random

import attrs

from sim.claims.claiming import Evidence, Verdict, claim
from sim.claims.measuring import SEEDS, between, on_seeds, span
from sim.deliveries import peak_per_second
from sim.experiment import Run, run
from sim.flow import Handler
from sim.laws import Constant
from sim.outcome import Outcome
from sim.policies.client.breaker import CircuitBreaker, ConsecutiveBreaker, State
from sim.policies.delivery import DeliveryPlan
from sim.scenario import Outage, Scenario, Server
from sim.scenarios.webhook_flaws import lost_events
from sim.scenarios.webhooks import retry_wave, webhook_backlog
from sim.services.misbehaving import NeverAnswers
from sim.webhooks import Endpoint, Webhooks
from sim.workload import AllAtOnce, Poisson

_OK, _FAILED = Outcome.answered(200), Outcome.answered(500)


@claim(
    "Q-27.1",
    "100,000 events wait during an outage, and when it ends all retries fire at once.",
    verdict=Verdict.ONLY_IF,
    why="Only if they failed at one instant. What failed over an outage of D seconds comes back over D seconds.",
)
def only_what_failed_together_comes_back_together() -> Evidence:
    """3,000 events with a fixed wait and no queue, three seeds.  Peak second of the retries: all of them when they
    failed at once; when they failed over 300 s, 10 a second on average and less than 30 at the peak."""
    at_once = [_peak_of_retries(AllAtOnce(clients=3_000), 1e-9, seed) for seed in SEEDS]
    spread = [_peak_of_retries(Poisson.steady(3_000 / 300.0), 300.0, seed) for seed in SEEDS]
    return Evidence(
        f"peak second {span(at_once)}; failed over 300 s: {span(spread)}",
        "3,000; 3,000 / 300 = 10 on average",
        set(at_once) == {3_000.0} and between(spread, 10, 30),
    )


@claim(
    "Q-27.2",
    "At most N connections at once to one endpoint keep it from being hammered.",
    verdict=Verdict.HOLDS,
    why="And N / W is all it ever gets: 50/s with 10 at 0.2 s, 100,000 in 33 min; at a timeout of 5 s 2/s, 13.9 h.",
)
def a_cap_is_a_rate() -> Evidence:
    """A cap of 10, 1,000 events at once: 50/s within 1 % at 0.2 s each; an endpoint that never answers, 200 events: 2/s
    within 1 %.  No chance in it."""
    quick = _capped(1_000, Server(workers=math.inf, service=Constant(0.2)))
    silent = _capped(200, Server(workers=math.inf, make_handler=_never_answers))
    rates = [_first_attempts_per_second(one) for one in (quick, silent)]
    minutes, hours = 100_000 / rates[0] / 60, 100_000 / rates[1] / 3_600
    return Evidence(
        f"{rates[0]:.1f}/s, 100,000 in {minutes:.0f} min; silent {rates[1]:.2f}/s, {hours:.1f} h",
        "50/s, 33 min; 2/s, 13.9 h",
        abs(rates[0] - 50.0) < 0.5 and abs(rates[1] - 2.0) < 0.02,
    )


@claim(
    "X-9",
    "A queue for each customer; and one topic, webhook-deliveries, that all workers read.",
    verdict=Verdict.CONTRADICTION,
    why="In one queue a dead endpoint holds the workers for 5 s each, and everybody behind it waits.",
)
def one_topic_holds_the_neighbour_up() -> Evidence:
    """5,000 events for an endpoint that is down, a healthy neighbour, three seeds.  The neighbour's p99: over 15 s in
    one queue, under 1.5 s with a queue and a cap for each."""
    runs = on_seeds(webhook_backlog(), ["one-queue", "concurrency-cap"])
    shared, own = (runs.values(name, "neighbour p99, s") for name in runs.figures)
    return Evidence(
        f"neighbour's p99: {span(shared, '.1f')} s in one queue, {span(own, '.1f')} s with its own",
        "claimed: no customer blocks another",
        min(shared) > 15.0 and max(own) < 1.5,
    )


@claim(
    "Q-27.3",
    "The breaker opens when 50 % of the attempts fail within 60 s.",
    verdict=Verdict.ONLY_IF,
    why="Only with a minimum volume: without one, a single failure of a healthy endpoint is 100 %.",
    source="opossum with volumeThreshold 0 opens on the first failure",
)
def half_of_nothing_is_not_much() -> Evidence:
    """A true failure share of 0.1, the volume reached once, 4,000 breakers each: the share that trips is within three
    standard errors of the binomial tail for 1, 2, 4, and 10 answers."""
    shares = {volume: _tripped(volume, 0.1, 4_000) for volume in (1, 2, 4, 10)}
    tails = {volume: _at_least_half(volume, 0.1) for volume in shares}
    near = all(abs(shares[volume] - tail) <= 3 * math.sqrt(tail * (1 - tail) / 4_000) for volume, tail in tails.items())
    return Evidence(
        "trips: " + ", ".join(f"{share:.3f} at {volume}" for volume, share in shares.items()),
        ", ".join(f"{tail:.4g}" for tail in tails.values()),
        near and shares[1] > 50 * shares[10],
    )


@claim(
    "Q-27.4",
    "A breaker library from PyPI gives that: open at 50 % failures in 60 s.",
    verdict=Verdict.WRONG,
    why="They count failures in a row and begin anew at each success: at every second one failing they never open.",
    source="pybreaker 1.4.1, circuitbreaker 2.1.3; tests/oracles/test_breaker_oracles.py",
)
def in_a_row_is_not_a_share() -> Evidence:
    """Every second attempt fails, 1,000 attempts: the share trips at 20 answers, five in a row never.  Half of them at
    random, 200 seeds: five in a row come after 62 answers on average, within 12, which is three standard errors."""
    turns = [attempt % 2 == 1 for attempt in range(1_000)]
    share, row = _answers_until_open(_by_share(), turns), _answers_until_open(_in_a_row(), turns)
    late = [_answers_until_open(_in_a_row(), _coins(seed)) or math.inf for seed in range(200)]
    mean = sum(late) / len(late)
    return Evidence(
        f"every second fails: share at {share}, in a row {'never' if row is None else row} (at random {mean:.0f})",
        "claimed: both at 20",
        share == 20 and row is None and abs(mean - 62) < 12,
    )


@claim(
    "Q-27.5",
    "Never send from the request's thread: put the event into a queue.",
    verdict=Verdict.ONLY_IF,
    why="Only with an outbox: a crash between commit and enqueue loses the event, the other order invents some.",
)
def a_queue_needs_an_outbox() -> Evidence:
    """The process dies in 2 % of the orders at each of three steps, 5 % are rolled back, three seeds: at least 5 events
    lost after the commit, at least 30 invented before it, none and none with an outbox."""
    runs = on_seeds(lost_events())
    lost = runs.values("enqueue-after-commit", "events lost")
    invented = runs.values("enqueue-before-commit", "events invented")
    outbox = runs.values("outbox", "events lost") + runs.values("outbox", "events invented")
    return Evidence(
        f"after the commit {span(lost)} lost, before it {span(invented)} invented, outbox {span(outbox)}",
        "some, some, and 0",
        min(lost) >= 5 and min(invented) >= 30 and not any(outbox),
    )


def _peak_of_retries(arrivals: AllAtOnce | Poisson, length: float, seed: int) -> float:
    """The peak second of the second attempts, 660 s after the first, none of which gets through."""
    world = retry_wave(wait=660.0)
    (endpoint,) = world.webhooks.endpoints
    down = attrs.evolve(endpoint, faults=(Outage(start=0.0, length=length),))
    world = attrs.evolve(
        world, arrivals=arrivals, horizon=max(length, 1.0), webhooks=attrs.evolve(world.webhooks, endpoints=(down,))
    )
    return peak_per_second(run(world, "no-jitter", seed=seed), since=650.0)


def _capped(events: int, server: Server) -> Run:
    plan = DeliveryPlan(cap=10, timeout=5.0, alerts=())
    webhooks = Webhooks(plan=plan, endpoints=(Endpoint(name="shop", server=server),))
    return run(Scenario(arrivals=AllAtOnce(clients=events), drain=600.0, webhooks=webhooks))


def _never_answers() -> Handler:
    return NeverAnswers()


def _first_attempts_per_second(of: Run) -> float:
    columns = (of.trace.attempts.column(name) for name in ("attempt", "settled"))
    settled: list[float] = [at for number, at in zip(*columns, strict=True) if number == 1]
    return len(settled) / max(settled)


def _by_share(volume: int = 20) -> CircuitBreaker:
    return CircuitBreaker(window=60.0, failure_fraction=0.5, minimum_volume=volume)


def _in_a_row() -> ConsecutiveBreaker:
    return ConsecutiveBreaker(failures=5)


def _coins(seed: int) -> list[bool]:
    rng = Random(seed)
    return [rng.random() < 0.5 for _ in range(2_000)]


def _answers_until_open(breaker: CircuitBreaker | ConsecutiveBreaker, failed: list[bool]) -> int | None:
    """How many answers, ten a second, it takes until the breaker opens; None when it never does."""
    rng = Random(0)
    for number, one in enumerate(failed, start=1):
        permit = breaker.admit(number / 10.0, rng)
        assert permit is not None
        breaker.record(permit, _FAILED if one else _OK, number / 10.0, rng)
        if breaker.state is State.OPEN:
            return number
    return None


def _tripped(volume: int, share: float, breakers: int) -> float:
    """The share of the breakers that open with their first *volume* answers."""
    rng = Random(volume)
    answers = ([rng.random() < share for _ in range(volume)] for _ in range(breakers))
    return sum(_answers_until_open(_by_share(volume), one) is not None for one in answers) / breakers


def _at_least_half(n: int, p: float) -> float:
    """P(at least half of *n* fail), each with probability *p*."""
    return sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(math.ceil(n / 2), n + 1))
