"""Consumers of webhooks: what lost acknowledgements and crashes do to an inbox, and overtaking to a copy."""

from __future__ import annotations

import functools
import math
from collections import Counter
from typing import Annotated, Any

import attrs

from sim.flow import Handler
from sim.http import Request
from sim.knobs import Knob
from sim.laws import Constant, Exponential, Law, LogNormal
from sim.policies.client.backoff import FullJitter
from sim.policies.client.retry import Retry
from sim.policies.webhooks.ordering import ArrivalOrder, HigherSequence, NewerTimestamp, NextSequence
from sim.scenario import Clients, Network, Scenario, Server, StepCrash, story
from sim.services.consumers import (
    AcknowledgeFirst,
    CheckThenRecord,
    Consumer,
    DurableInbox,
    Event,
    FromPayload,
    GuardedRefetch,
    NoInbox,
    OneTransaction,
    ProcessFirst,
    Projector,
    RecordFirst,
    Refetch,
    Replica,
    event_body,
)
from sim.services.consumers.inboxes import APPLY, RECORD
from sim.services.consumers.orderings import PROJECTED
from sim.services.consumers.projector import ADVANCED, STATUSES
from sim.services.consumers.senders import JOB, Sender, Teller
from sim.store import MemoryStore
from sim.workload import Poisson

_RATE = Knob(above=0, high=1_000, unit="events/s", help="new events each second")
_HORIZON = Knob(above=0, high=86_400, unit="s", help="when new events stop")
HANDLER_SIGMA = 1.0
"""Deviation of the logarithm of the handler's time: one in six takes more than e times the median."""
_SCHEDULER = 0  # the first call is not an event but the consumer's own scheduler


@story
def duplicate_deliveries(
    *,
    rate: Annotated[float, _RATE] = 10.0,
    lost_acks: Annotated[float, Knob(low=0, high=0.9, help="share of the acknowledgements that are lost")] = 0.1,
    crash_share: Annotated[
        float, Knob(low=0, high=0.5, help="share of the deliveries at which the process dies, at each of two steps")
    ] = 0.02,
    store_delay: Annotated[float, Knob(low=0, high=10, unit="s", help="mean time of one access to the store")] = 0.005,
    handler_median: Annotated[
        float, Knob(low=0, high=60, unit="s", help="median time of handling a new event; 0 takes none")
    ] = 0.0,
    timeout: Annotated[float, Knob(above=0, high=600, unit="s", help="patience of the sender with one delivery")] = 1.0,
    horizon: Annotated[float, _HORIZON] = 60.0,
) -> Scenario:
    """Acknowledgements are lost and the consumer crashes now and then: which events are lost, which done twice?

    The sender repeats what was not acknowledged within its timeout.  Handling an event takes no time, or a lognormal
    time with a long tail beyond the timeout: then slow successes are delivered again.  The process dies right after it
    has recorded an id or applied an effect; what it has committed stays.  Lost is an event that was acknowledged and
    never had its effect: nobody will send it again.  Left out: signatures, several consumers, effects outside the
    database.
    """
    takes_time = handler_median > 0
    handling = LogNormal(median=handler_median, sigma=HANDLER_SIGMA) if takes_time else Constant(0.0)
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=timeout),
        network=Network(request_delay=Exponential(0.02), reply_delay=Exponential(0.02), reply_loss=lost_acks),
        server=Server(workers=math.inf, service=handling, store_delay=_law(store_delay)),
        faults=tuple(StepCrash(step=step, share=crash_share, length=0.5) for step in (RECORD, APPLY) if crash_share),
        horizon=horizon,
        policies=(
            "no-inbox", "check-then-record", "record-first", "process-first", "acknowledge-first", "one-transaction",
            "durable-inbox",
        ),
        request=_payment_event,
        contestants={
            "no-inbox": NoInbox(takes_time=takes_time),
            "check-then-record": CheckThenRecord(takes_time=takes_time),
            "record-first": RecordFirst(takes_time=takes_time),
            "process-first": ProcessFirst(takes_time=takes_time),
            "acknowledge-first": AcknowledgeFirst(takes_time=takes_time),
            "one-transaction": OneTransaction(takes_time=takes_time),
            "durable-inbox": DurableInbox(takes_time=takes_time),
        },
        seat=_consume_with,
        client=Sender(retry=Retry(FullJitter(base=0.5, cap=10.0), attempts=25), until=horizon + 300.0),
        figures={
            "events": lambda trace: float(max(0, len(trace.calls) - 1)),
            "events lost": _events_lost,
            "effects repeated": _effects_repeated,
            "deliveries per event": _deliveries_per_event,
            "effects per event": lambda trace: _ratio(len(trace.ledger), len(trace.calls) - 1),
        },
        columns=("events", "events lost", "effects repeated", "deliveries per event", "effects per event"),
    )  # fmt: skip


def _payment_event(call: int, client: int, u: float) -> Request:
    if call == _SCHEDULER:
        return JOB
    event = Event(_event_id(call), "payment.succeeded", 0, None, {"account": f"acct_{call % 10}", "amount": 5})
    return Request(path="/webhooks", key=event.id, body=event_body(event))


def _event_id(call: int) -> str:
    return f"evt_{call}"


def _consume_with(world: Scenario, contestant: Any) -> Scenario:
    """An object with `receive` is an inbox, one with `converse` a sender, anything else makes a whole service."""
    if hasattr(contestant, "converse"):
        make = _consumer(world.contestants["one-transaction"])
        return attrs.evolve(world, client=contestant, server=_serving(world, make))
    make = _consumer(contestant) if hasattr(contestant, "receive") else contestant
    return attrs.evolve(world, server=_serving(world, make))


def _consumer(inbox: Any) -> Any:
    return functools.partial(_make_consumer, inbox)


def _make_consumer(inbox: Any) -> Handler:
    return Consumer(MemoryStore(), inbox)


def _serving(world: Scenario, make: Any) -> Server:
    return attrs.evolve(world.server, make_handler=make)


def _events_lost(trace: Any) -> float:
    """Events whose sender was told that all is well, and whose effect never came."""
    done = {entry.key for entry in trace.ledger}
    return float(
        sum(
            ok == 1.0 and call != _SCHEDULER and _event_id(int(call)) not in done
            for call, ok in zip(trace.calls.column("call"), trace.calls.column("ok"), strict=True)
        )
    )


def _effects_repeated(trace: Any) -> float:
    """Effects beyond the first, over all events."""
    return float(sum(times - 1 for times in Counter(entry.key for entry in trace.ledger).values()))


def _deliveries_per_event(trace: Any) -> float:
    sent = sum(call != _SCHEDULER for call in trace.attempts.column("call"))
    return _ratio(sent, len(trace.calls) - 1)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan


@story
def out_of_order_events(
    *,
    rate: Annotated[float, Knob(above=0, high=1_000, unit="changes/s", help="changes each second")] = 20.0,
    changes: Annotated[
        int, Knob(low=1, high=100, unit="changes", help="changes of each payment, one after the other")
    ] = len(STATUSES),
    delay: Annotated[float, Knob(low=0, high=60, unit="s", help="mean delay one way")] = 0.05,
    reordering: Annotated[float, Knob(low=0, high=1, help="share of requests that are held up for a second")] = 0.1,
    access: Annotated[float, Knob(low=0, high=60, unit="s", help="mean time of a re-fetch, and of its write")] = 0.2,
    replica_lag: Annotated[
        float, Knob(low=0, high=60, unit="s", help="what a re-fetch reads is that old; 0 is the source itself")
    ] = 0.0,
    horizon: Annotated[float, _HORIZON] = 60.0,
) -> Scenario:
    """Webhooks of one payment overtake one another: how many copies end in an old state, how many add up wrong?

    Every payment changes some times, 1 / rate seconds apart on average, and each change is told by a webhook of its
    own.  Stamps are whole seconds.  With a replica lag, a re-fetch is answered by a copy that is that many seconds
    behind, and the webhook was quicker.  Left out: lost webhooks, duplicates, and a lag that varies.
    """  # fmt: skip
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=math.inf),
        network=Network(
            request_delay=_law(delay), reply_delay=_law(delay), reordering=reordering, reorder_delay=Constant(1.0)
        ),
        server=Server(workers=math.inf, service=_law(access)),
        horizon=horizon,
        policies=(
            "arrival-order", "newer-timestamp", "higher-sequence", "next-sequence", "refetch", "guarded-refetch",
        ),
        request=lambda call, client, u: _change(call, changes),
        contestants={
            "arrival-order": FromPayload(ArrivalOrder()),
            "newer-timestamp": FromPayload(NewerTimestamp()),
            "higher-sequence": FromPayload(HigherSequence()),
            "next-sequence": FromPayload(NextSequence()),
            "refetch": Refetch(),
            "guarded-refetch": GuardedRefetch(),
        },
        seat=functools.partial(_project_with, replica_lag=replica_lag),
        client=Teller(),
        figures={
            "payments": lambda trace: float(len(_last(trace, ADVANCED))),
            "stale copies": lambda trace: _share_wrong(trace, 0),
            "wrong totals": lambda trace: _share_wrong(trace, 1),
        },
        columns=("payments", "stale copies", "wrong totals", "attempts", "p50", "p99"),
    )  # fmt: skip


def _change(call: int, changes: int) -> Request:
    return Request(path=f"/source/pay_{call // changes}/advance", key=str(call), body=b'{"delta":%d}' % (call + 1))


def _project_with(world: Scenario, contestant: Any, *, replica_lag: float) -> Scenario:
    """An object with `receive` is an ordering strategy, one with `converse` a sender, anything else makes a service."""
    if hasattr(contestant, "converse"):
        served = _serving(world, _projector(GuardedRefetch(), replica_lag))
        return attrs.evolve(world, client=contestant, server=served)
    make = _projector(contestant, replica_lag) if hasattr(contestant, "receive") else contestant
    return attrs.evolve(world, server=_serving(world, make))


def _projector(strategy: Any, replica_lag: float) -> Any:
    return functools.partial(_make_projector, strategy, replica_lag)


def _make_projector(strategy: Any, replica_lag: float) -> Handler:
    source = MemoryStore()
    return Projector(MemoryStore(), source, strategy, replica=Replica(source, replica_lag) if replica_lag else None)


def _last(trace: Any, kind: str) -> dict[str, tuple[int, int]]:
    """The last sequence and total that each payment was noted with."""
    found = {}
    for mark in trace.marks:
        if mark.kind == kind:
            payment, sequence, total = mark.note.split(" ")
            found[payment] = int(sequence), int(total)
    return found


def _share_wrong(trace: Any, place: int) -> float:
    """The share of payments whose copy ends with another sequence (*place* 0) or total (1) than the source."""
    there, here = _last(trace, ADVANCED), _last(trace, PROJECTED)
    return _ratio(sum(here.get(payment, (0, 0))[place] != state[place] for payment, state in there.items()), len(there))


def _law(mean: float) -> Law:
    return Exponential(mean) if mean else Constant(0.0)
