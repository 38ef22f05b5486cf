"""Consumers of webhooks: events that come twice, and events that a crash loses."""

from __future__ import annotations

from collections import Counter

import attrs

from sim.claims.claiming import Evidence, Verdict, claim
from sim.claims.exploring import explored, word
from sim.claims.measuring import between, on_seeds, span
from sim.flow import HandlerFlow, Reply
from sim.http import Request
from sim.interleave.exploration import Ending
from sim.policies.http.problem import problem
from sim.scenarios.consumers import duplicate_deliveries
from sim.scenarios.webhook_flaws import lost_acknowledgements
from sim.scenarios.webhooks import webhook_outage
from sim.services.consumers import (
    AcknowledgeFirst,
    CheckThenRecord,
    DurableInbox,
    Event,
    OneTransaction,
    ProcessFirst,
    RecordFirst,
)
from sim.store import Store
from sim.trace import Trace


@claim(
    "Q-23.1",
    "Webhooks guarantee at-least-once delivery.",
    verdict=Verdict.ONLY_IF,
    why="Only if what is left after the last retry is kept and replayed. Without that, it is at most once.",
    source="GitHub does not automatically redeliver failed deliveries",
)
def retries_end_and_the_event_with_them() -> Evidence:
    """An outage of 90 h, 25 attempts over 72, three seeds: nothing is delivered; with a replay at 100 h everything."""
    none = on_seeds(webhook_outage(hours=90.0), ["guide"]).values("guide", "delivered share")
    replayed = on_seeds(webhook_outage(hours=90.0, replay_after=100.0), ["guide"]).values("guide", "delivered share")
    return Evidence(
        f"delivered {span(none)} without a replay, {span(replayed)} with one",
        "0 and 1",
        set(none) == {0.0} and set(replayed) == {1.0},
    )


@claim(
    "Q-23.2",
    "The same event will come more than once.",
    verdict=Verdict.HOLDS,
    why="With a share q of the acknowledgements lost: 1 / (1 - q) deliveries an event, and a second one for a share q.",
)
def lost_acknowledgements_repeat_deliveries() -> Evidence:
    """q = 0.2, some 1,200 events on each of three seeds: 1.25 deliveries within 0.05, each of them an effect without an
    inbox; a share of 0.2 within 0.04 is delivered more than once."""
    runs = on_seeds(lost_acknowledgements(), ["knows-nothing", "knows-ids"])
    deliveries, effects = (runs.values("knows-nothing", f"{what} per event") for what in ("deliveries", "effects"))
    times = Counter(runs.runs["knows-ids"].trace.attempts.column("call"))
    again = sum(count > 1 for count in times.values()) / len(times)
    return Evidence(
        f"{span(deliveries, '.2f')} deliveries, {span(effects, '.2f')} effects; {again:.2f} come again",
        "1.25, 1.25; 0.20",
        between(deliveries, 1.2, 1.3) and deliveries == effects and abs(again - 0.2) < 0.04,
    )


@claim(
    "Q-23.3",
    "Ask whether the id exists, then save it: the duplicate is skipped and gets its 200.",
    verdict=Verdict.WRONG,
    why="Two at once both find nothing. Only the unique constraint protects, and then save() throws: a 500, not a 200.",
)
def asking_first_is_a_race() -> Evidence:
    """Two deliveries at once, every order: without the constraint some process twice; with it none does, and some
    answer 500; one transaction does neither.  Exhaustive."""
    bare, constrained = explored(CheckThenRecord(unique=False), 2), explored(CheckThenRecord(), 2)
    answers, repaired = explored(CheckThenRecord(), 2, both_get_200), explored(OneTransaction(), 2, both_get_200)
    return Evidence(
        f"no constraint: {word(bare)}; with it: {word(constrained)}, but {word(answers)}",
        "claimed: once, and 200 twice",
        "2 times" in bare.sentence and constrained.ok and "500" in answers.sentence and repaired.ok,
    )


@claim(
    "Q-23.4",
    "Record the id before you process the event.",
    verdict=Verdict.WRONG,
    why="A crash in between makes the redelivery a duplicate, and the event is lost. Both must be one transaction.",
)
def recording_first_loses_events() -> Evidence:
    """A delivery, a crash anywhere, a redelivery, every order: recorded first it is lost, processed first it is done
    twice, in one transaction neither.  Then some 400 events on three seeds with a crash in 2 % of them, at each of two
    steps: at least 3 lost, and none in one transaction."""
    first, last, one = (explored(inbox, 2, crashes=1) for inbox in (RecordFirst(), ProcessFirst(), OneTransaction()))
    runs = on_seeds(duplicate_deliveries(horizon=40.0), ["record-first", "one-transaction"])
    lost, safe = (runs.values(name, "events lost") for name in runs.figures)
    return Evidence(
        f"record first: {word(first)}, {span(lost)} events in a run; process first: {word(last)}; "
        f"one transaction: {word(one)}, {span(safe)}",
        "claimed: none lost",
        "lost" in first.sentence and "2 times" in last.sentence and one.ok and min(lost) >= 3 and set(safe) == {0.0},
    )


@claim(
    "Q-23.5",
    "Answer 200 at once and process on a thread of its own.",
    verdict=Verdict.WRONG,
    why="A crash after the 200 loses the event, and nobody sends it again. First into a durable inbox, then the 200.",
)
def acknowledging_first_loses_events() -> Evidence:
    """One delivery and a crash anywhere: lost; with a durable inbox never.  Then some 400 events on three seeds, as
    Q-23.4: at least 3 lost, and none."""
    thread, durable = explored(AcknowledgeFirst(), 1, crashes=1), explored(DurableInbox(), 1, crashes=1)
    runs = on_seeds(duplicate_deliveries(horizon=40.0), ["acknowledge-first", "durable-inbox"])
    lost, safe = (runs.values(name, "events lost") for name in runs.figures)
    return Evidence(
        f"thread: {word(thread)}, {span(lost)} events in a run; durable inbox: {word(durable)}, {span(safe)}",
        "claimed: none lost",
        "lost" in thread.sentence and durable.ok and min(lost) >= 3 and set(safe) == {0.0},
    )


@claim(
    "X-8",
    "The comment says acknowledge first and work on a thread; the code below it works, then answers 200.",
    verdict=Verdict.CONTRADICTION,
    why="They are two designs, and both lose events: the code between record and work, the comment after the 200.",
)
def code_and_comment_both_lose() -> Evidence:
    """Each design, a delivery, a crash anywhere, a redelivery, every order: both lose the event.  Exhaustive."""
    code, comment = explored(CheckThenRecord(), 2, crashes=1), explored(AcknowledgeFirst(), 2, crashes=1)
    return Evidence(
        f"code: {word(code)}, {code.violating} of {code.schedules} orders; comment: {word(comment)}, "
        f"{comment.violating} of {comment.schedules}",
        "claimed: one design, none lost",
        "lost" in code.sentence and "lost" in comment.sentence and code.complete and comment.complete,
    )


@claim(
    "Q-23.6",
    "Answer 200 to a duplicate too.",
    verdict=Verdict.HOLDS,
    why="A sender knows no duplicates, only answers: a 409 is one more failure, and it comes again until it gives up.",
)
def a_duplicate_must_get_its_200() -> Evidence:
    """One acknowledgement in ten lost, three seeds, up to 25 attempts.  Deliveries an event: 1.11 within 0.06; with 409
    for a duplicate 1 + 0.1 * 24 = 3.4 within 0.6."""
    deliveries, _ = _with_and_without_a_conflict()
    return Evidence(
        f"200: {span(deliveries[0], '.2f')}, 409: {span(deliveries[1], '.2f')} deliveries an event",
        "1.11 and 3.40",
        between(deliveries[0], 1.05, 1.17) and between(deliveries[1], 2.8, 4.0),
    )


@claim(
    "X-7",
    "Without a 200 for duplicates the sender retries infinitely; and it stops after 25 attempts.",
    verdict=Verdict.CONTRADICTION,
    why="It is bounded by the schedule. What it costs is 24 attempts in vain and an event among the dead letters.",
)
def nobody_retries_infinitely() -> Evidence:
    """As Q-23.6, with 409 for duplicates: on every seed some event gets 25 attempts, and none gets more."""
    _, most = _with_and_without_a_conflict()
    return Evidence(f"{span(most)} attempts at most", "claimed: infinitely many", set(most) == {25.0})


@attrs.frozen
class _Conflicts:
    """One transaction, and 409 for an event that is known already."""

    def receive(self, store: Store, request: Request, event: Event, now: float) -> HandlerFlow:
        """As `OneTransaction` for what is new."""
        if store.get("inbox", event.id) is not None:
            yield Reply(problem(409, "this event has been processed"))
            return
        yield from OneTransaction().receive(store, request, event, now)

    def work(self, store: Store, request: Request, now: float) -> HandlerFlow:
        """Nothing is left for later."""
        yield from ()


def _with_and_without_a_conflict() -> tuple[list[list[float]], list[float]]:
    """Deliveries an event with 200 and with 409 for duplicates; the most attempts at one event with 409."""
    world = duplicate_deliveries(lost_acks=0.1, crash_share=0.0, horizon=60.0)
    world = attrs.evolve(world, figures={**world.figures, "most attempts": _most_attempts})
    runs = on_seeds(world, {"200": OneTransaction(), "409": _Conflicts()})
    return [runs.values(name, "deliveries per event") for name in runs.figures], runs.values("409", "most attempts")


def _most_attempts(trace: Trace) -> float:
    """The first call is the consumer's scheduler, whose attempts are no deliveries."""
    return float(max(Counter(call for call in trace.attempts.column("call") if call).values()))


def both_get_200(ending: Ending) -> str | None:
    """Both deliveries are acknowledged, the duplicate as well."""
    first, second = (reply.status if reply else 0 for reply in ending.replies)
    return None if first == second == 200 else f"one of them gets a {max(first, second)}"
