"""A bulk import as a job: one request with all items, a 202, and questions until every item has its result."""

from __future__ import annotations

from random import Random

import attrs

from sim.flow import CallFlow, Note
from sim.http import BODY_LIMIT, Request, json_body, read_json
from sim.outcome import Kind
from sim.policies.batches.bulk import results_of
from sim.policies.client.backoff import Fixed
from sim.policies.jobs.polling import PollJob


@attrs.frozen
class BulkJob:
    """A client that hands a long list over as a job, and asks until it is done.

    *poll*: how it asks, and how it repeats the request whose 202 got lost; that is safe, because the same list is the
    same job.  It notes the request as "sent", with the number of items in it, every "poll", and every item that
    failed for good as "lost".

    Returns the last outcome: ok when every item succeeded.
    """

    poll: PollJob = attrs.field(factory=lambda: PollJob(Fixed(1.0), hinted=True))

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """The flow of one import; the *request* is the batch with all items."""
        items = read_json(request.body, limit=1_000 * BODY_LIMIT)["items"]
        yield Note("sent", str(len(items)))
        asked = attrs.evolve(request, body=json_body({"mode": "async", "items": items}))
        outcome = yield from self.poll.converse(asked, now, rng)
        lost = sum(not 200 <= status < 300 for status in results_of(outcome).values())
        for _ in range(lost):
            yield Note("lost")
        return outcome if not lost else attrs.evolve(outcome, kind=Kind.FAILED, reason=f"{lost} items were not taken")
