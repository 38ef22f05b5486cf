"""Ten thousand rows: round trips, all or nothing, what a failed row is sent again for, and how it is answered."""

from __future__ import annotations

import math
from statistics import fmean

from sim.claims.claiming import Evidence, Verdict, cite, claim
from sim.claims.measuring import on_seeds, span
from sim.http import Request, Response, json_body
from sim.interleave import Ending, explore
from sim.policies.batches.batch import atomic_success
from sim.scenarios.bulk import atomic_batch, bulk_import
from sim.services.alone import serve
from sim.services.users_batch import CheckThenInsert, UsersBatch
from sim.store import MemoryStore


@claim(
    "Q-17.1",
    "10,000 users by one POST each are 10,000 round trips.",
    verdict=Verdict.HOLDS,
    why="One after the other they take 500 s at 50 ms a round trip, before the server has done anything.",
)
def a_row_a_round_trip() -> Evidence:
    """200 rows over 50 ms and back, nothing lost, 3 seeds: exactly 200 round trips, and 50 ms each to within a fifth
    (the server's own 5.2 ms come on top)."""
    runs = on_seeds(bulk_import(rows=200, imports=1, busy=0.0, bad=0.0, reply_loss=0.0), ["one-by-one"])
    trips, seconds = runs.values("one-by-one", "round trips"), runs.values("one-by-one", "drain_seconds")
    each = [1_000.0 * total / 200 for total in seconds]
    return Evidence(
        f"{span(trips)} round trips of {span(each)} ms for 200 rows",
        "200 of 50 ms and the server's 5",
        set(trips) == {200.0} and all(50.0 <= one <= 60.0 for one in each),
    )


@claim(
    "Q-17.2",
    "In an atomic batch one bad row rolls all of them back.",
    verdict=Verdict.HOLDS,
    why="So it succeeds with (1 - p)^n: 10,000 rows with one bad in 1,000 next to never, one in 10,000 at 37 %.",
)
def all_or_nothing_is_mostly_nothing() -> Evidence:
    """600 batches of 20 rows, two in a hundred bad: the share taken is (1 - p)^n within three standard errors; row by
    row the share created is 1 - p, within the same."""
    runs = on_seeds(atomic_batch(batches=200, rows=20, bad=0.02), ["atomic", "partial"])
    taken = fmean(runs.values("atomic", "share of batches taken"))
    created = fmean(runs.values("partial", "share of rows created"))
    exact = atomic_success(20, 0.02)
    room, rows_room = 3 * math.sqrt(exact * (1 - exact) / 600), 3 * math.sqrt(0.02 * 0.98 / 12_000)
    return Evidence(
        f"{taken:.0%} of the batches taken whole; row by row {created:.1%} of the rows",
        f"{exact:.0%} and 98 %",
        abs(taken - exact) <= room and abs(created - 0.98) <= rows_room,
    )


@claim(
    "Q-17.3",
    "A batch endpoint is much faster.",
    verdict=Verdict.HOLDS,
    why="A request's own cost is paid once a chunk: the round trip, and at the server what every request costs.",
)
def a_chunk_pays_once() -> Evidence:
    """500 rows, nothing lost and nothing bad, 3 seeds: chunks of a hundred end in under a twentieth of the time that
    one by one takes."""
    world = bulk_import(busy=0.0, bad=0.0, reply_loss=0.0)
    runs = on_seeds(world, ["one-by-one", "chunks-failed-only"])
    pairs = zip(*(runs.values(name, "drain_seconds") for name in ("one-by-one", "chunks-failed-only")), strict=True)
    times = [single / chunks for single, chunks in pairs]
    return Evidence(
        f"{span(times)} times as fast in chunks of 100", "over 20 times: 100 of 55 ms against one of 75",
        all(one > 20.0 for one in times),
    )  # fmt: skip


Q_17_4 = cite(
    "Q-17.4",
    "A partial success is answered with 207.",
    verdict=Verdict.ONLY_IF,
    why="Only if clients are told: 207 is WebDAV's, with an XML body. A 200 with a result for each row says as much.",
    source="RFC 4918 §13, RFC 9110 §15.3.1",
)


@claim(
    "Q-17.5",
    "A row whose email is taken fails with 400.",
    verdict=Verdict.CONTRADICTION,
    why="Elsewhere the guide has 409 for a duplicate email (X-10). It is right in itself, and the store is against it.",
)
def a_taken_email_is_a_conflict() -> Evidence:
    """A batch with one email twice, under two ids, and one without a name: 201, 409 and 422.  Exact."""
    items = [
        {"clientId": "a", "email": "ada@example.com", "name": "Ada"},
        {"clientId": "b", "email": "ada@example.com", "name": "Ada"},
        {"clientId": "c", "email": "bob@example.com", "name": ""},
    ]
    statuses = [one["status"] for one in _answer(_batch(items)).json()["results"]]
    return Evidence(
        ", ".join(map(str, statuses)) + " for new, taken and nameless", "claimed: 400 and 409 for one and the same",
        statuses == [201, 409, 422],
    )  # fmt: skip


@claim(
    "Q-17.6",
    "From 10,000 rows on, answer 202 and work on it.",
    verdict=Verdict.ONLY_IF,
    why="Only if each row is idempotent by itself: a 202 that is lost, or a job that died, is sent again.",
)
def a_job_is_taken_up_again() -> Evidence:
    """A batch as a job, and the same again when the first has ended or died anywhere: the user is created exactly once.
    A thousand and one rows in one answer are refused with 413, as a job they are a 202.  Exact."""
    items = [{"clientId": "a", "email": "ada@example.com", "name": "Ada"}]
    found = explore(
        lambda: UsersBatch(MemoryStore()), [_batch(items, "async")] * 2, _there_once, crashes=1, after={1: 0}
    )
    many = [{"clientId": str(n), "email": f"u{n}@example.com", "name": "Ada"} for n in range(1_001)]
    refused, accepted = (_answer(_batch(many, mode)).status for mode in ("partial", "async"))
    return Evidence(
        f"{found.violating} of {found.schedules} schedules lose or repeat a user; "
        f"{refused} at once, {accepted} as a job",
        "0; 413, 202",
        found.ok and (refused, accepted) == (413, 202),
    )


@claim(
    "Q-17.7",
    "After a partial failure the client sends the batch again.",
    verdict=Verdict.ONLY_IF,
    why="Only if a row is known again by its clientId; and only the failed rows need to go: the rest is paid twice.",
)
def only_what_failed_goes_again() -> Evidence:
    """Imports with rows that are busy at 2 % of the tries and answers lost at 1 %, 3 seeds: whole chunks again send
    over a fifth more rows than the failed ones alone, and neither creates one twice.  With a look before the insert in
    the place of the key, the explorer finds the order that creates a user twice."""
    runs = on_seeds(bulk_import(), ["chunks-all-again", "chunks-failed-only"])
    again, failed = (runs.values(name, "rows sent") for name in ("chunks-all-again", "chunks-failed-only"))
    twice = [count for name in runs.figures for count in runs.values(name, "rows created twice")]
    items = [{"clientId": "a", "email": "ada@example.com", "name": "Ada"}]
    broken = explore(lambda: CheckThenInsert(MemoryStore()), [_batch(items)] * 2, _once)
    return Evidence(
        f"{span(again)} rows sent against {span(failed)}; {max(twice):.0f} created twice, {broken.violating} of "
        f"{broken.schedules} schedules without a key",
        "over a fifth more; 0, some",
        all(more > 1.2 * less for more, less in zip(again, failed, strict=True))
        and max(twice) == 0.0
        and broken.violating > 0,
    )


def _batch(items: list[dict[str, str]], mode: str = "partial") -> Request:
    body = json_body({"mode": mode, "items": items})
    return Request("POST", "/users/batch", headers={"Authorization": "Bearer ada"}, body=body)


def _once(ending: Ending) -> str | None:
    return "created twice" if len(ending.effects) > len(set(ending.effects)) else None


def _there_once(ending: Ending) -> str | None:
    if all(ending.died):
        return None
    assert isinstance(ending.service, UsersBatch)
    there = len(ending.service.store.rows("users"))
    return _once(ending) or (None if there == 1 else f"there are {there} users")


def _answer(request: Request) -> Response:
    answer = serve(UsersBatch(MemoryStore()), request).response
    assert answer is not None
    return answer
