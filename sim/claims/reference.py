"""The sheet of status codes, and two phrases of the trade: exactly once, and what p99 says about users."""

from __future__ import annotations

from random import Random

from sim.claims.claiming import Evidence, Verdict, cite, claim
from sim.claims.exploring import explored, word
from sim.claims.measuring import SEEDS, span
from sim.experiment import run
from sim.metrics import percentile
from sim.scenarios.herds import plain_queue
from sim.services.consumers import OneTransaction, ProcessFirst

CS_1 = cite(
    "CS-1",
    "401: there is no token, or not a valid one.",
    verdict=Verdict.HOLDS,
    why="The sheet leaves out that a 401 must carry WWW-Authenticate, which tells the client how to get in.",
    source="RFC 9110 §15.5.2, §11.6.1",
)

CS_2 = cite(
    "CS-2",
    "403: known, and not allowed; a 404 in its place hides that the thing is there.",
    verdict=Verdict.HOLDS,
    why="The specification allows just that to an origin that wishes to hide a forbidden resource.",
    source="RFC 9110 §15.5.4",
)

CS_3 = cite(
    "CS-3",
    "409: a duplicate, or a conflict with the present state.",
    verdict=Verdict.ONLY_IF,
    why="Only if the request was not conditional: when If-Match does not hold it is a 412, without If-Match a 428.",
    source="RFC 9110 §15.5.10, §15.5.13; RFC 6585 §3",
)

CS_4 = cite(
    "CS-4",
    "410: stop retrying, which a 404 does not say.",
    verdict=Verdict.ONLY_IF,
    why="Only if both sides agreed on it: 410 says likely permanent. That a sender stops is a rule for webhooks.",
    source="RFC 9110 §15.5.11; Standard Webhooks",
)

CS_5 = cite(
    "CS-5",
    "422 is Unprocessable Entity.",
    verdict=Verdict.WRONG,
    why="Since 2022 it is Unprocessable Content; the code has come from WebDAV into HTTP itself.",
    source="RFC 9110 §15.5.21",
)

CS_6 = cite(
    "CS-6",
    "503 comes with Retry-After; a client's breaker opens on it.",
    verdict=Verdict.HOLDS,
    why="The header is a MAY, in seconds or as a date. The guide's own schedule for webhooks does not read it.",
    source="RFC 9110 §15.6.4, §10.2.3",
)


@claim(
    "CS-7",
    "Exactly once needs distributed transactions.",
    verdict=Verdict.ONLY_IF,
    why="Only if the effect lies in another system. Id and effect in one database need none.",
)
def one_local_transaction_is_enough() -> Evidence:
    """A delivery and a redelivery, every order and a crash anywhere: processed first the effect can come twice; with
    the id and the effect in one local transaction it never comes twice and is never lost.  Exact."""
    loose, one = (explored(inbox, 2, crashes=1) for inbox in (ProcessFirst(), OneTransaction()))
    return Evidence(
        f"process first: {word(loose)}; one local transaction: {word(one)}",
        "claimed: not without a distributed one",
        not loose.ok and one.ok,
    )


@claim(
    "CS-8",
    "The p99 is what the slowest 1 % of the users get.",
    verdict=Verdict.WRONG,
    why="It is 1 % of the requests. Who makes 100 of them meets one beyond the p99 with 63 %: 1 - 0.99^100.",
)
def a_hundred_requests_meet_the_tail() -> Evidence:
    """The requests of a queue that is half full, 3 seeds, dealt out to 4,000 users of 10, 69 and 100 requests each: the
    share of users with one beyond the p99 is 1 - 0.99^n within 4 points, which are over three standard errors."""
    shares: dict[int, list[float]] = {10: [], 69: [], 100: []}
    for seed in SEEDS:
        calls = run(plain_queue(rate=0.5, horizon=20_000.0), "no-retry", seed=seed).trace.calls
        took = [ended - began for began, ended in zip(calls.column("started"), calls.column("ended"), strict=True)]
        slow, rng = percentile(sorted(took), 0.99), Random(seed)
        for requests, found in shares.items():
            met = sum(any(one > slow for one in rng.choices(took, k=requests)) for _ in range(4_000))
            found.append(met / 4_000)
    return Evidence(
        "; ".join(f"{requests} requests: {span(found, '.0%')}" for requests, found in shares.items()),
        "10 %, 50 %, 63 %; claimed: 1 %",
        all(abs(one - (1 - 0.99**requests)) < 0.04 for requests, found in shares.items() for one in found),
    )


CS_9 = cite(
    "CS-9",
    "Every layer of security that is taken away opens a gap.",
    verdict=Verdict.OPINION,
    why="As a phrase it says little; which gap, and through which layer, is measured with Q-04.",
)
