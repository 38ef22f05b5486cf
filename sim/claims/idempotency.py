"""Idempotency: what it promises, which methods have it, and what a lost answer costs without it (Q-07, Q-08, Q-10)."""

from __future__ import annotations

import math
from statistics import NormalDist

from sim.claims.claiming import Evidence, Verdict, cite, claim
from sim.claims.measuring import on_seeds, span
from sim.http import read_json
from sim.scenarios.payments import spotty_payment, train_in_a_tunnel
from sim.services.repeated import EXAMPLES

_SPECIFIED = ("GET", "HEAD", "OPTIONS", "PUT, replaces", "PUT, creates", "DELETE")
"""The examples whose methods RFC 9110 calls idempotent."""


@claim(
    "Q-07.1",
    "The same request many times gives exactly the same result: f(f(x)) = f(x).",
    verdict=Verdict.WRONG,
    why="The same intended effect. The answer may differ: the second DELETE is a 404, the second PUT no 201.",
    source="RFC 9110 section 9.2.2",
)
def the_state_is_the_same_and_the_answer_need_not_be() -> Evidence:
    """GET, HEAD, OPTIONS, two PUTs and a DELETE, each sent twice: all leave the state of the first; two answer
    otherwise the second time.  No chance."""
    twice = {name: EXAMPLES[name].twice() for name in _SPECIFIED}
    others = [name for name, both in twice.items() if not both.same_answer]
    states = sum(both.idempotent for both in twice.values())
    deleted = [answer.status for answer in twice["DELETE"].answers]
    return Evidence(
        f"{states} of {len(twice)} leave the same state; {len(others)} answer otherwise, DELETE {deleted}",
        "claimed: 6 and 0",
        states == len(twice) and others == ["PUT, creates", "DELETE"] and deleted == [204, 404],
    )


@claim(
    "Q-07.2",
    "Without idempotency a payment that is tried again can be charged twice.",
    verdict=Verdict.HOLDS,
    why="A lost answer looks like a lost request. With one retry the share charged twice is the share of lost answers.",
)
def lost_answers_are_double_charges() -> Evidence:
    """Quick charges, one retry, three seeds of some 600 payments: with a share q of the answers lost, a share q is
    charged twice, within three standard errors, for q = 5 % and 20 %; none with one transaction."""
    shares, fits = [], True
    world = spotty_payment(charge_sigma=0.0, attempts=2, horizon=30.0)
    for q in (0.05, 0.2):
        runs = on_seeds(world.with_knobs(reply_loss=q), ["no-idempotency"])
        payments = sum(runs.values("no-idempotency", "calls"))
        share = sum(runs.values("no-idempotency", "double charges")) / payments
        fits &= abs(share - q) < 3 * math.sqrt(q * (1 - q) / payments)
        shares.append(f"{100 * share:.1f}")
    safe = on_seeds(world.with_knobs(reply_loss=0.2), ["one-transaction"]).values("one-transaction", "double charges")
    return Evidence(
        f"{' and '.join(shares)} % charged twice, {span(safe)} with one transaction",
        "5, 20 %, none",
        fits and set(safe) == {0.0},
    )


@claim(
    "Q-08.1",
    "GET, HEAD, OPTIONS, PUT and DELETE are idempotent, POST is not, and PATCH depends.",
    verdict=Verdict.HOLDS,
    why="It leaves out TRACE, and that a key makes a POST idempotent and If-Match a relative PATCH harmless.",
    source="RFC 9110 section 9.2.2, RFC 5789 section 2",
)
def each_method_twice() -> Evidence:
    """Twelve requests, each sent twice, the whole store compared: only the POST without a key and the relative PATCH
    without a precondition change something more.  No chance."""
    more = [name for name, example in EXAMPLES.items() if not example.twice().idempotent]
    safe = [name for name, example in EXAMPLES.items() if example.twice().safe]
    return Evidence(
        f"changed more: {', '.join(more)}",
        "POST, PATCH relative",
        more == ["POST", "PATCH, relative"] and safe == ["GET", "HEAD", "OPTIONS"],
    )


Q_08_2 = cite(
    "Q-08.2",
    "A later DELETE is answered with 404 or 200, and the first one with 204.",
    verdict=Verdict.HOLDS,
    why="All are allowed, 202 as well. A client that retries a DELETE must take 404 for success.",
    source="RFC 9110 section 9.3.5",
)


@claim(
    "Q-08.3",
    'A PATCH of {"views": views+1} is not idempotent.',
    verdict=Verdict.HOLDS,
    why="The point holds for every relative change. The body as printed is no JSON, and would be a 400 both times.",
    source="RFC 8259 section 3",
)
def a_relative_change_happens_again() -> Evidence:
    """The printed body is refused by the parser; a JSON Patch that appends one tag, sent twice, appends it twice; a
    merge patch sent twice leaves one state.  No chance."""
    try:
        read_json(b'{"views": views+1}')
        refused = False
    except ValueError:
        refused = True
    relative, absolute = EXAMPLES["PATCH, relative"].twice(), EXAMPLES["PATCH, absolute"].twice()
    tags = relative.answers[1].json()["tags"]
    return Evidence(
        f"as printed: {'no JSON' if refused else 'JSON'}; appended twice: {tags}",
        "twice: not the same",
        refused and tags == ["a", "b", "b"] and absolute.idempotent and not relative.idempotent,
    )


@claim(
    "Q-10.1",
    "Charged at 0.3 s, in the tunnel at 0.4, tried again at 3.0 with the same key, answered from the cache.",
    verdict=Verdict.ONLY_IF,
    why="Only if the charge is over when the retry comes. Else both charge: P(charge > gap), however few are lost.",
)
def the_timeline_holds_for_quick_charges() -> Evidence:
    """The timeline itself: 1 charge, and 2 when the charge takes 3.1 s.  Then lognormal charges (median 0.2 s, sigma
    1.5), a gap of 2.6 s, three seeds of some 800: 4.4 % charged twice, within three standard errors, whether 0 or
    20 % of the answers are lost; with one transaction none."""
    quick, slow = (
        on_seeds(train_in_a_tunnel(charge=seconds), ["check-then-act"]).values("check-then-act", "charges")
        for seconds in (0.25, 3.1)
    )
    expected, shares, fits = 1 - NormalDist().cdf(math.log(2.6 / 0.2) / 1.5), [], True
    world = spotty_payment(attempts=2, horizon=40.0)
    for loss in (0.0, 0.2):
        runs = on_seeds(world.with_knobs(reply_loss=loss), ["check-then-act"])
        payments = sum(runs.values("check-then-act", "calls"))
        share = sum(runs.values("check-then-act", "double charges")) / payments
        fits &= abs(share - expected) < 3 * math.sqrt(expected * (1 - expected) / payments)
        shares.append(f"{100 * share:.1f}")
    safe = on_seeds(world, ["one-transaction"]).values("one-transaction", "double charges")
    return Evidence(
        f"charges {span(quick)} at 0.25 s, {span(slow)} at 3.1 s; {' and '.join(shares)} % twice",
        f"1, 2; {100 * expected:.1f} %",
        set(quick) == {1.0} and set(slow) == {2.0} and fits and set(safe) == {0.0},
    )


Q_10_2 = cite(
    "Q-10.2",
    "Without idempotency the rider pays 4,000 and is never refunded without a ticket.",
    verdict=Verdict.OPINION,
    why="That he pays twice is measured in Q-07.2. Whether somebody notices is up to your reconciliation.",
)
