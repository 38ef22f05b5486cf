"""Changing a webhook secret while messages are under way."""

from __future__ import annotations

import functools
import math
from random import Random
from typing import Annotated

import attrs

from sim.deliveries import delays, share
from sim.flow import Handler
from sim.http import Request
from sim.knobs import Knob, knob
from sim.laws import Constant
from sim.metrics import percentile
from sim.policies.delivery import FAST_FAIL, NONE, DeliveryPlan, guide_schedule, new_secret
from sim.policies.webhooks.retention import HOUR
from sim.policies.webhooks.signing import StandardScheme
from sim.policies.webhooks.signing.scheme import Scheme, Verdict
from sim.scenario import Scenario, Server, story
from sim.services.consumers import Consumer, OneTransaction
from sim.store import MemoryStore
from sim.trace import Fate
from sim.webhooks import Endpoint, Webhooks, with_plan
from sim.workload import Poisson


@attrs.frozen(kw_only=True)
class Rotation:
    """A scheme whose secret is changed, with the clocks of both sides.

    The sender signs with the *old* secret until *at*, for *overlap* seconds with both, and then with the *new* one.
    The receiver believes the old one until *deployed*, and the new one from then on; it never holds both.
    """

    old: str = attrs.field(repr=False)
    new: str = attrs.field(repr=False)
    at: float = knob(low=0, unit="s", help="when the sender changes its secret")
    overlap: float = knob(low=0, unit="s", help="how long it signs with both")
    deployed: float = knob(low=0, unit="s", help="when the receiver changes its own")

    @property
    def window(self) -> float:
        """For how many seconds one message can verify."""
        return StandardScheme(self.old).window

    def sign(self, body: bytes, message_id: str, now: float) -> dict[str, str]:
        """The headers that go with *body* at *now*, with one signature or with two."""
        if now < self.at:
            return StandardScheme(self.old).sign(body, message_id, now)
        both = (self.new, self.old) if now < self.at + self.overlap else (self.new,)
        return StandardScheme(both).sign(body, message_id, now)

    def verify(self, request: Request, now: float) -> Verdict:
        """Whether the receiver believes *request*, with the secret that it holds at *now*."""
        return StandardScheme(self.old if now < self.deployed else self.new).verify(request, now)


@story
def secret_rotation(
    *,
    lag: Annotated[
        float,
        Knob(low=-15, high=600, unit="min", help="from the sender's change to the receiver's; below 0 it is first"),
    ] = 10.0,
    overlap: Annotated[float, Knob(low=0, high=10_000, unit="min", help="how long the sender signs with both")] = 60.0,
    rate: Annotated[float, Knob(above=0, high=1_000, unit="events/s", help="events each second")] = 0.5,
) -> Scenario:
    """A webhook secret is changed, and the receiver puts the new one in place some minutes later: what gets lost?

    Events come for an hour, and the sender changes its secret after a quarter of it.  A receiver holds one secret at a
    time.  With a hard swap each message of those minutes is refused with a 401: late with a rule that tries again,
    among the dead letters with one that takes a 401 for final.  Left out: processes that
    change one by one, and a receiver that holds both.
    """
    at = HOUR / 4.0
    moments = {"at": at, "deployed": at + lag * 60.0}
    hard, both = (functools.partial(_rotated, {**moments, "overlap": minutes * 60.0}) for minutes in (0.0, overlap))
    plan = DeliveryPlan(alerts=(), watch=HOUR, schedule=guide_schedule(jitter=NONE))
    contestants = {
        "hard-swap+fast-fail": attrs.evolve(plan, scheme=hard, rules=FAST_FAIL),
        "hard-swap": attrs.evolve(plan, scheme=hard),
        "sign-with-both+fast-fail": attrs.evolve(plan, scheme=both, rules=FAST_FAIL),
        "sign-with-both": attrs.evolve(plan, scheme=both),
    }
    return Scenario(
        arrivals=Poisson.steady(rate),
        horizon=HOUR,
        drain=100 * HOUR,
        policies=tuple(contestants),
        contestants=contestants,
        seat=with_plan,
        figures={
            "events": lambda trace: float(len(trace.calls)),
            "refused attempts": lambda trace: float(sum(answer == 401 for answer in trace.attempts.column("answer"))),
            "dead, %": lambda trace: 100.0 * share(trace, Fate.DEAD),
            "delivered, %": lambda trace: 100.0 * share(trace, Fate.DELIVERED),
            "longest delay, min": lambda trace: percentile(delays(trace), 1.0) / 60.0,
        },
        columns=("events", "refused attempts", "dead, %", "delivered, %", "longest delay, min"),
        webhooks=Webhooks(
            plan=plan,
            endpoints=(
                Endpoint(
                    name="shop",
                    server=Server(workers=math.inf, service=Constant(0.05)),
                    consumer=_consumer,
                ),
            ),
        ),
    )


def _rotated(moments: dict[str, float], secrets: tuple[str, ...]) -> Rotation:
    return Rotation(old=secrets[0], new=new_secret(Random(secrets[0])), **moments)


def _consumer(scheme: Scheme) -> Handler:
    return Consumer(MemoryStore(), OneTransaction(), scheme=scheme)
