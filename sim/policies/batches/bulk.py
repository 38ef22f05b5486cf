"""A bulk import: a client that brings a long list to a batch endpoint, and sends again only what is worth it.

The answer to a batch tells of every item what became of it, see `sim.policies.batches.batch`; what no answer tells of
may have been done, so it is sent again under the same `clientId`.
"""

from __future__ import annotations

from random import Random
from typing import Any

import attrs

from sim.flow import CallFlow, Note, RetryRule, Send, Wait, check_method, check_wait
from sim.http import BODY_LIMIT, Request, json_body, read_json
from sim.knobs import knob
from sim.outcome import Kind, Outcome
from sim.policies.client.retry import TRANSIENT_STATUSES, Retry


@attrs.frozen(kw_only=True)
class BulkImport:
    """A client that brings a long list to a batch endpoint: *chunk* items a request, chunk after chunk.

    *atomic*: ask for all or nothing; the items that made a chunk fail for good are left out of the next try.
    *failed_only*: after a partial answer send only what failed and may succeed; without it everything is sent again.
    What no answer tells of, after a timeout, is always sent again: the `clientId` makes that safe.  *retry*: for one
    chunk.  It notes every request as "sent", with the number of items in it, and every item given up as "lost".

    Returns the last outcome: ok when every item succeeded.
    """

    chunk: int = knob(100, kind=int, low=1, high=1_000_000, unit="items", help="items in one request")
    atomic: bool = knob(False, kind=bool, help="ask for all or nothing")
    failed_only: bool = knob(True, kind=bool, help="send only what failed again")
    retry: RetryRule = attrs.field(factory=Retry)

    def __attrs_post_init__(self) -> None:
        check_method(self.retry, "wait", "attempt", "outcome", "elapsed", "previous", "rng")

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """The flow of one import; the *request* is the batch with all items."""
        items = read_json(request.body, limit=1_000 * BODY_LIMIT)["items"]
        attempt, lost = 0, 0
        outcome: Outcome
        for start in range(0, len(items), self.chunk):
            left, began, previous, tries = items[start : start + self.chunk], now, 0.0, 0
            while left:
                attempt, tries = attempt + 1, tries + 1
                yield Note("sent", str(len(left)))
                mode = "atomic" if self.atomic else "partial"
                body = json_body({"mode": mode, "items": left})
                now, outcome = yield Send(attempt, attrs.evolve(request, body=body))
                again, given_up = self._sort(left, outcome)
                lost += given_up
                for _ in range(given_up):
                    yield Note("lost")
                if not again:
                    break
                # When some got through, or out of the way, the rest is worth another try whatever the status says.
                judged = Outcome.answered(503, outcome.retry_after) if outcome.ok or given_up else outcome
                wait = self.retry.wait(tries, judged, now - began, previous, rng)
                if wait is None:
                    lost += len(again)
                    for _ in again:
                        yield Note("lost")
                    break
                check_wait(wait, self.retry, tries)
                left = again
                if wait > 0.0:
                    now = yield Wait(wait)
                previous = wait
        return outcome if not lost else attrs.evolve(outcome, kind=Kind.FAILED, reason=f"{lost} items were not taken")

    def _sort(self, sent: list[dict[str, Any]], outcome: Outcome) -> tuple[list[dict[str, Any]], int]:
        """What is to be sent again of the items that were *sent*, and how many are given up."""
        told = results_of(outcome)
        if not told:
            return ([], 0) if outcome.ok else (sent, 0)
        if self.atomic:
            if outcome.ok:
                return [], 0
            again = [item for item in sent if told.get(item["clientId"], 503) in TRANSIENT_STATUSES - {409}]
            return again, len(sent) - len(again)
        hopeless: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        done: list[dict[str, Any]] = []
        for item in sent:
            status = told.get(item["clientId"], 503)
            (hopeless if _hopeless(status) else done if 200 <= status < 300 else failed).append(item)
        return (failed + done if failed and not self.failed_only else failed), len(hopeless)


def results_of(outcome: Outcome) -> dict[str, int]:
    """The status of each item, by its `clientId`, that an answer tells; empty when it tells none."""
    rows = (outcome.document() or {}).get("results")
    told = {}
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and isinstance(row.get("clientId"), str) and isinstance(row.get("status"), int):
            told[row["clientId"]] = row["status"]
    return told


def _hopeless(status: int) -> bool:
    return 400 <= status < 500 and status not in TRANSIENT_STATUSES - {409}
