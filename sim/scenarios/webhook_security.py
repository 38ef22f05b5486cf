"""Strangers at the door of a webhook consumer: forgeries, messages that come again, and clocks that differ."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable
from random import Random
from statistics import NormalDist
from typing import Annotated, Any, TypeAlias

import attrs

from sim.flow import CallFlow, Handler, HandlerFlow, Note, RetryRule, Send, Wait
from sim.http import Request
from sim.knobs import Knob, knob
from sim.laws import Constant, Exponential
from sim.outcome import Outcome
from sim.policies.client.backoff import Exponential as Doubling
from sim.policies.delivery import FULL, schedule
from sim.policies.webhooks.retention import HOUR
from sim.policies.webhooks.signing import ReplayGuard, Scheme, StandardScheme
from sim.scenario import Clients, Network, Scenario, Server, story
from sim.services.consumers import Consumer, Event, Inbox, NoInbox, OneTransaction, SkewedClock, event_body
from sim.store import MemoryStore
from sim.workload import Poisson

SECRET, GUESSED = "whsec_dGhlIHNlY3JldCBvZiB0aGUgc2hvcA==", "whsec_d2hhdCBhIHN0cmFuZ2VyIGd1ZXNzZXM="
"""The secret that sender and receiver share, and what a stranger tries in its place."""

Receiver: TypeAlias = Callable[[StandardScheme], Handler]
"""Makes a consumer from the scheme that holds the secret: what takes the seat."""

_RATE = Knob(above=0, high=1_000, unit="events/s", help="events each second")
_HORIZON = Knob(above=0, high=86_400, unit="s", help="when new events stop")
GENUINE, CAPTURED, FORGED = "genuine", "captured", "forged"
_FOR_EVER = 1e9
_SOON, _LATE = 1_001, 1_002  # the numbers of the stranger's attempts, far from those of the sender


@attrs.frozen(kw_only=True)
class OpenWire:
    """An honest sender, and a stranger who reads along: each call is an event of the one or a forgery of the other.

    The sender signs every attempt anew.  What the stranger has captured he sends again, byte for byte: *soon* seconds
    after the sender is done, and *late* seconds after that.
    """

    scheme: Scheme
    retry: RetryRule
    soon: float = knob(60.0, low=0, unit="s", help="until a captured message comes again")
    late: float = knob(3_600.0, low=0, unit="s", help="and from then until it comes once more")

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """Deliver until it is acknowledged, and send again what was captured; or send one forgery."""
        kind, ident = request.key.split()
        outcome: Outcome
        if kind == FORGED:
            now = yield Note(FORGED, ident)
            _, outcome = yield Send(1, attrs.evolve(request, headers=self._pretend(request, ident, now)))
            return outcome
        yield Note(GENUINE, ident)
        began, attempt, previous = now, 0, 0.0
        while True:
            attempt += 1
            signed = attrs.evolve(request, headers=self.scheme.sign(request.body, ident, now))
            now, outcome = yield Send(attempt, signed)
            wait = None if outcome.ok else self.retry.wait(attempt, outcome, now - began, previous, rng)
            if wait is None:
                break
            now, previous = (yield Wait(wait)), wait
        if kind == CAPTURED:
            yield Wait(self.soon)
            yield Send(_SOON, signed)
            yield Wait(self.late)
            yield Send(_LATE, signed)
        return outcome

    def _pretend(self, request: Request, ident: str, now: float) -> dict[str, str]:
        """The headers of a forgery: none, those of a guessed secret, or genuine ones of a smaller amount."""
        way = int(ident.rpartition("_")[2]) % 3
        if way == 0:
            return {}
        if way == 1:
            return StandardScheme(GUESSED).sign(request.body, ident, now)
        return self.scheme.sign(_body(ident, 5), ident, now)


@story
def forged_webhooks(
    *,
    rate: Annotated[float, _RATE] = 5.0,
    forged: Annotated[float, Knob(low=0, high=0.9, help="share of the calls that are forgeries")] = 0.2,
    captured: Annotated[float, Knob(low=0, high=1, help="share of the events whose message is captured")] = 0.2,
    soon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="until a captured message comes again")] = 60.0,
    late: Annotated[
        float, Knob(above=0, high=86_400, unit="s", help="and from then until it comes once more")
    ] = 3_600.0,
    lost_acks: Annotated[float, Knob(low=0, high=0.9, help="share of the acknowledgements that are lost")] = 0.1,
    horizon: Annotated[float, _HORIZON] = 120.0,
) -> Scenario:
    """A stranger forges webhooks and sends captured ones again, among honest retries: which defence stops what?

    A forgery has no signature, one of another secret, or a genuine one of another body.  A captured message comes
    again twice, soon and late.  Some acknowledgements are lost, so that honest events come again too, signed anew; a
    defence must let those pass.  Left out: how anybody reads along where there is TLS, and crashes of the receiver.
    """
    contestants: dict[str, Receiver] = {
        "no-check": lambda scheme: _consumer(None, NoInbox()),
        "signature": lambda scheme: _consumer(_tolerating(scheme, _FOR_EVER, math.inf), NoInbox()),
        "signature+window": lambda scheme: _consumer(scheme, NoInbox()),
        "signature+window+replay-guard": lambda scheme: _consumer(ReplayGuard(scheme), NoInbox()),
        "inbox": lambda scheme: _consumer(None, OneTransaction()),
        "signature+window+inbox": lambda scheme: _consumer(scheme, OneTransaction()),
    }
    retry = schedule(FULL.over(Doubling(base=4.0, cap=60.0)), attempts=10)
    columns = (
        "events", "events lost", "forgeries booked", "replays booked soon", "replays booked late", "retries booked",
    )  # fmt: skip
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=1.0),
        network=Network(request_delay=Exponential(0.02), reply_delay=Exponential(0.02), reply_loss=lost_acks),
        server=Server(workers=math.inf, service=Constant(0.0), store_delay=Exponential(0.002)),
        horizon=horizon,
        drain=soon + late + HOUR,
        policies=tuple(contestants),
        contestants=contestants,
        request=functools.partial(_event_or_forgery, forged, captured),
        seat=_received_by,
        client=OpenWire(scheme=StandardScheme(SECRET), retry=retry, soon=soon, late=late),
        figures={
            "events": lambda trace: float(len(_noted(trace, GENUINE))),
            "events lost": lambda trace: float(len(_noted(trace, GENUINE) - {entry.key for entry in trace.ledger})),
            "forgeries booked": lambda trace: float(len(_noted(trace, FORGED) & {entry.key for entry in trace.ledger})),
            "replays booked soon": lambda trace: _booked_by(trace, _SOON),
            "replays booked late": lambda trace: _booked_by(trace, _LATE),
            "retries booked": _retries_booked,
        },
        columns=columns,
    )


def _event_or_forgery(forged: float, captured: float, call: int, client: int, u: float) -> Request:
    ident = f"evt_{call}"
    if u < forged:
        return Request(path="/webhooks", key=f"{FORGED} {ident}", body=_body(ident, 500))
    kind = CAPTURED if u < forged + (1.0 - forged) * captured else GENUINE
    return Request(path="/webhooks", key=f"{kind} {ident}", body=_body(ident, 5))


def _body(ident: str, amount: int) -> bytes:
    return event_body(Event(ident, "payment.succeeded", 0, None, {"account": "acct_1", "amount": amount}))


def _consumer(scheme: Scheme | None, inbox: Inbox) -> Handler:
    return Consumer(MemoryStore(), inbox, scheme=scheme)


def _tolerating(scheme: StandardScheme, past: float, future: float) -> StandardScheme:
    return attrs.evolve(scheme, past=past, future=future)


def _received_by(world: Scenario, receiver: Receiver) -> Scenario:
    """A function of the scheme makes the receiver; an object with `converse` is a sender, to the one that has all."""
    if hasattr(receiver, "converse"):
        return attrs.evolve(_received_by(world, world.contestants["signature+window+inbox"]), client=receiver)
    made = functools.partial(receiver, StandardScheme(SECRET))
    return attrs.evolve(world, server=attrs.evolve(world.server, make_handler=made))


def _noted(trace: Any, kind: str) -> set[str]:
    return {mark.note for mark in trace.marks if mark.kind == kind}


def _booked_by(trace: Any, attempt: int) -> float:
    return float(sum(entry.attempt == attempt for entry in trace.ledger))


def _retries_booked(trace: Any) -> float:
    """Effects beyond the first that the honest sender's own attempts had."""
    honest = Counter(entry.key for entry in trace.ledger if entry.attempt < _SOON)
    return float(sum(times - 1 for times in honest.values()))


@attrs.frozen(kw_only=True)
class Captured:
    """A sender of one message each, and a stranger who sends it again after up to *longest* seconds."""

    scheme: Scheme
    longest: float = knob(1_200.0, low=0, unit="s", help="the longest that a stranger waits")

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """Send once, and the same bytes again."""
        _, age, ident = request.key.split()
        signed = attrs.evolve(request, headers=self.scheme.sign(request.body, ident, now))
        outcome: Outcome
        _, outcome = yield Send(1, signed)
        yield Wait(float(age) * self.longest)
        yield Send(2, signed)
        return outcome


class _WrongClocks:
    """Receivers with clocks of their own; how wrong the clock is that a message meets, its key says."""

    def __init__(self, spread: float, receiver: Handler) -> None:
        self.spread, self.receiver = spread, receiver

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve *request* by that receiver's clock."""
        return SkewedClock(self.receiver, float(request.key.split()[0]) * self.spread)(request, now)


@story
def skewed_clocks(
    *,
    spread: Annotated[
        float, Knob(low=0, high=86_400, unit="s", help="standard deviation of the receivers' clocks")
    ] = 120.0,
    longest: Annotated[
        float, Knob(low=0, high=86_400, unit="s", help="the longest that a stranger waits with what he captured")
    ] = 1_200.0,
    rate: Annotated[float, _RATE] = 20.0,
    horizon: Annotated[float, _HORIZON] = 200.0,
) -> Scenario:
    """Receivers' clocks are wrong, some ahead, some behind: whom does a tolerance refuse, and what does it let in?

    Each message goes to a receiver whose clock is off by a normal error, and once more, byte for byte, some time later.
    A narrow tolerance refuses honest messages, a wide one takes old ones.  "back-300" looks back only: what lies ahead
    of a clock is believed however far.  Left out: retries, and clocks that drift.
    """
    tolerances = {
        "both-5": (5.0, 5.0),
        "both-60": (60.0, 60.0),
        "both-300": (300.0, 300.0),
        "back-300": (300.0, math.inf),
    }
    contestants: dict[str, Receiver] = {
        name: functools.partial(_tolerant_receiver, past, future) for name, (past, future) in tolerances.items()
    }
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=math.inf),
        server=Server(workers=math.inf, service=Constant(0.0)),
        horizon=horizon,
        policies=tuple(contestants),
        contestants=contestants,
        request=_to_somebody,
        seat=functools.partial(_by_their_clocks, spread),
        client=Captured(scheme=StandardScheme(SECRET), longest=longest),
        figures={
            "honest refused, %": lambda trace: _answered(trace, 1, 401),
            "replays accepted, %": lambda trace: _answered(trace, 2, 200),
        },
        columns=("calls", "honest refused, %", "replays accepted, %"),
    )


def _to_somebody(call: int, client: int, u: float) -> Request:
    """A message; its key says how wrong its receiver's clock is, and when in the longest wait it comes again."""
    # The binary digits of *u*: the first 26 say one thing, the others another.
    head, tail = divmod(u * 2**26, 1.0)
    error = NormalDist().inv_cdf((head + 0.5) / 2**26)
    return Request(path="/webhooks", key=f"{error!r} {tail!r} evt_{call}", body=_body(f"evt_{call}", 5))


def _tolerant_receiver(past: float, future: float, scheme: StandardScheme) -> Handler:
    return _consumer(_tolerating(scheme, past, future), NoInbox())


def _by_their_clocks(spread: float, world: Scenario, receiver: Receiver) -> Scenario:
    """The receivers are made by a function from the scheme, and each has its own clock."""
    made = functools.partial(_made_with_clocks, spread, receiver)
    return attrs.evolve(world, server=attrs.evolve(world.server, make_handler=made))


def _made_with_clocks(spread: float, receiver: Receiver) -> Handler:
    return _WrongClocks(spread, receiver(StandardScheme(SECRET)))


def _answered(trace: Any, attempt: int, status: int) -> float:
    """The share of the attempts with this number that the receivers answered so, in percent."""
    columns = (trace.attempts.column(name) for name in ("attempt", "answer"))
    answers = [answer for number, answer in zip(*columns, strict=True) if number == attempt]
    return 100.0 * answers.count(status) / len(answers) if answers else math.nan
