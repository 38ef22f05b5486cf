"""Payments: what lost replies, slow charges, crashes and short memories do to an idempotent POST."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import attrs

from sim.flow import Handler
from sim.http import Request, json_body
from sim.knobs import Knob
from sim.laws import Constant, LogNormal
from sim.laws import Exponential as ExponentialLaw
from sim.policies.client.backoff import Exponential, Fixed, Table
from sim.policies.client.retry import Retry
from sim.policies.idempotency.key import quoted
from sim.policies.idempotency.rules import Idempotency, retry_horizon
from sim.scenario import Clients, Network, Partition, Scenario, Server, StepCrash, story
from sim.services.payments import AtomicClaim, CheckThenAct, NoIdempotency, OneTransaction, RecoveryPoint
from sim.store import MemoryStore, Store
from sim.trace import ANSWER, Trace
from sim.workload import AllAtOnce, Poisson

_RATE = Knob(above=0, high=1_000, unit="payments/s", help="new payments each second")
_HORIZON = Knob(above=0, high=86_400, unit="s", help="when new payments stop")
_ATTEMPTS = Knob(low=1, high=100, unit="attempts", help="tries of one payment")
_HOUR = 3_600.0
_WAY = 0.05
"""Seconds that a message between a rider and the server is on its way."""

_DESIGNS = {
    "no-idempotency": NoIdempotency,
    "check-then-act": CheckThenAct,
    "atomic-claim": AtomicClaim,
    "one-transaction": OneTransaction,
    "recovery-point": RecoveryPoint,
}


@story
def spotty_payment(
    *,
    rate: Annotated[float, _RATE] = 20.0,
    reply_loss: Annotated[float, Knob(low=0, high=1, help="share of the replies that a tunnel swallows")] = 0.1,
    charge_median: Annotated[float, Knob(above=0, high=60, unit="s", help="half of the charges take longer")] = 0.2,
    charge_sigma: Annotated[float, Knob(low=0, high=4, help="how long the tail of slow charges is, 0 is none")] = 1.5,
    timeout: Annotated[float, Knob(above=0, high=3_600, unit="s", help="when the app gives an attempt up")] = 2.0,
    wait: Annotated[float, Knob(low=0, high=3_600, unit="s", help="from there to the next attempt")] = 0.6,
    attempts: Annotated[int, _ATTEMPTS] = 4,
    horizon: Annotated[float, _HORIZON] = 60.0,
) -> Scenario:
    """A train, a tunnel, a payment: replies are lost, some charges are slow, and the app tries again.

    The retry comes timeout + wait after the attempt before it.  Whether the guide's algorithm charges twice depends
    on nothing but whether the charge is over by then: with a charge that takes S, P(S > timeout + wait).  Left out:
    requests of one payment from two devices, declined cards.
    """
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=timeout),
        network=Network(request_delay=Constant(_WAY), reply_delay=Constant(_WAY), reply_loss=reply_loss),
        server=Server(workers=math.inf, service=LogNormal(median=charge_median, sigma=charge_sigma)),
        horizon=horizon,
        policies=("no-idempotency", "check-then-act", "atomic-claim", "one-transaction", "recovery-point"),
        request=_payment,
        contestants=_DESIGNS,
        seat=_serve_with,
        client=Retry(Fixed(wait), attempts=attempts),
        figures=_FIGURES,
        columns=("ok", "attempts", "double charges", "charged, told failed", "conflicts"),
    )


@story
def expiring_keys(
    *,
    rate: Annotated[float, Knob(above=0, high=1, unit="payments/s", help="new payments each second")] = 0.02,
    silence_hours: Annotated[
        float, Knob(above=0, high=1_000, unit="h", help="how long replies do not get through")
    ] = 60.0,
    horizon: Annotated[float, _HORIZON] = 3_600.0,
) -> Scenario:
    """Keys that are forgotten before the last retry: requests arrive, replies do not, and the sender goes on for 72 h.

    The sender retries as the guide's webhooks do: 30 s, 5 min, 30 min, 2 h, and then 20 times evenly up to 72 hours.
    The guide keeps keys "24 to 48 hours".  Each time a key has expired, the next retry is charged.  The contestants
    are retentions of the same atomic claim; "horizon" keeps a key for as long as the last retry can take.
    """
    retry = Retry(Table([30.0, 300.0, 1_800.0, 2 * _HOUR] + [69.41 * _HOUR / 20] * 20), attempts=25)
    timeout = 5.0
    day = 24 * _HOUR
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=timeout),
        network=Network(request_delay=Constant(0.05), reply_delay=Constant(0.05)),
        server=Server(workers=math.inf, service=ExponentialLaw(0.2)),
        faults=(Partition(start=0.0, length=silence_hours * _HOUR, requests=False),),
        horizon=horizon,
        drain=100 * _HOUR,
        policies=("24-hours", "48-hours", "horizon", "for-ever"),
        request=_payment,
        contestants={
            "24-hours": Idempotency(retention=day),
            "48-hours": Idempotency(retention=2 * day),
            "horizon": Idempotency(retention=retry_horizon(retry, timeout=timeout, transit=60.0)),
            "for-ever": Idempotency(retention=math.inf),
        },
        seat=_serve_with,
        client=retry,
        figures=_FIGURES,
        columns=("ok", "attempts", "double charges", "charged, told failed"),
    )


@story
def crash_after_charge(
    *,
    rate: Annotated[float, _RATE] = 10.0,
    crash_share: Annotated[float, Knob(low=0, high=0.5, help="share of the charges right after which it dies")] = 0.02,
    downtime: Annotated[float, Knob(above=0, high=60, unit="s", help="until the process is back")] = 0.5,
    charge: Annotated[float, Knob(above=0, high=60, unit="s", help="mean time of a charge")] = 0.1,
    store_delay: Annotated[float, Knob(low=0, high=1, unit="s", help="what an access to the store takes")] = 0.002,
    lease: Annotated[float, Knob(above=0, high=3_600, unit="s", help="how long a short lease is")] = 3.0,
    attempts: Annotated[int, _ATTEMPTS] = 8,
    horizon: Annotated[float, _HORIZON] = 60.0,
) -> Scenario:
    """The process dies right after a charge, before the answer is stored: who charges again, who locks, who resumes?

    "claim-short-lease" takes the dead claim over and charges again; "claim-endless-lease" locks the key, so that the
    client is told that it failed; a recovery point has the same short lease and asks a provider that knows the key.
    The client waits 0.5, 1, 2, 4, … s, so the lease is over before it gives up.
    """
    short, endless = Idempotency(lease=lease), Idempotency(lease=math.inf)
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=2.0),
        network=Network(request_delay=Constant(0.02), reply_delay=Constant(0.02)),
        server=Server(workers=math.inf, service=ExponentialLaw(charge), store_delay=Constant(store_delay)),
        faults=(StepCrash(step="effect", share=crash_share, length=downtime),) if crash_share else (),
        horizon=horizon,
        policies=(
            "check-then-act", "claim-short-lease", "claim-endless-lease", "one-transaction", "recovery-point",
        ),
        request=_payment,
        contestants={
            "check-then-act": CheckThenAct,
            "claim-short-lease": partial(AtomicClaim, rules=short),
            "claim-endless-lease": partial(AtomicClaim, rules=endless),
            "one-transaction": OneTransaction,
            "recovery-point": partial(RecoveryPoint, rules=short),
        },
        seat=_serve_with,
        client=Retry(Exponential(base=0.5, cap=10.0), attempts=attempts),
        figures=_FIGURES,
        columns=("ok", "attempts", "double charges", "charged, told failed", "conflicts", "p99"),
    )  # fmt: skip


@story
def train_in_a_tunnel(
    *,
    tunnel_start: Annotated[float, Knob(low=0, high=60, unit="s", help="when the train enters the tunnel")] = 0.28,
    tunnel_length: Annotated[float, Knob(above=0, high=600, unit="s", help="until it is out again")] = 2.0,
    charge: Annotated[float, Knob(low=0, high=60, unit="s", help="what the charge takes")] = 0.25,
    timeout: Annotated[float, Knob(above=0, high=3_600, unit="s", help="when the app gives an attempt up")] = 3.0,
    wait: Annotated[float, Knob(low=0, high=3_600, unit="s", help="from there to the next attempt")] = 0.0,
    attempts: Annotated[int, _ATTEMPTS] = 2,
) -> Scenario:
    """One rider pays once, at 0 s, and the tunnel swallows what is on its way: a request, or an answer.

    The guide's own timeline: charged at 0.3 s, in the tunnel, tried again at 3 s.  There is no chance in this world, so
    every run of it is the same.  A message is lost if it is sent in the tunnel; the way is 0.05 s.
    """
    return Scenario(
        arrivals=AllAtOnce(clients=1),
        clients=Clients(timeout=timeout),
        network=Network(request_delay=Constant(_WAY), reply_delay=Constant(_WAY)),
        server=Server(workers=math.inf, service=Constant(charge)),
        faults=(Partition(start=tunnel_start, length=tunnel_length),),
        horizon=1.0,
        policies=("no-idempotency", "check-then-act", "atomic-claim", "one-transaction", "recovery-point"),
        request=_payment,
        contestants=_DESIGNS,
        seat=_serve_with,
        client=Retry(Fixed(wait), attempts=attempts),
        figures=_FIGURES | {"charges": lambda trace: float(len(trace.ledger))},
        columns=("ok", "attempts", "charges", "conflicts"),
    )


def _payment(call: int, client: int, u: float) -> Request:
    """A payment of one rider, under a key of its own: every attempt of the call carries it."""
    headers = {"Authorization": f"Bearer rider-{client}", "Idempotency-Key": quoted(f"pay-{call}")}
    return Request("POST", "/payments", str(call), headers, json_body({"amount": 2_000, "currency": "INR"}))


def _serve_with(world: Scenario, contestant: Any) -> Scenario:
    """Rules are for an atomic claim; anything else makes a service over the store that it is given."""
    make: Callable[[Store], Handler] = contestant
    if isinstance(contestant, Idempotency):
        make = partial(AtomicClaim, rules=contestant)
    return attrs.evolve(world, server=attrs.evolve(world.server, make_handler=lambda: make(MemoryStore())))


def _double_charges(trace: Trace) -> float:
    """Charges beyond the first of each intent."""
    return float(sum(count - 1 for count in Counter(entry.key for entry in trace.ledger).values()))


def _charged_told_failed(trace: Trace) -> float:
    """Payments that were charged at least once and that the client gave up."""
    charged = {entry.call for entry in trace.ledger}
    calls = trace.calls
    return float(sum(
        ok == 0.0 and call in charged for call, ok in zip(calls.column("call"), calls.column("ok"), strict=True)
    ))  # fmt: skip


def _conflicts(trace: Trace) -> float:
    """Answers of 409: a twin was in flight, or a dead claim was believed."""
    return float(trace.attempts.cells[ANSWER :: trace.attempts.width].count(409.0))


def _charged_again(trace: Trace) -> float:
    """Double charges for each hundred payments."""
    return 100 * _double_charges(trace) / len(trace.calls) if len(trace.calls) else 0.0


_FIGURES: dict[str, Callable[[Trace], float]] = {
    "double charges": _double_charges,
    "charged again, %": _charged_again,
    "charged, told failed": _charged_told_failed,
    "conflicts": _conflicts,
}
