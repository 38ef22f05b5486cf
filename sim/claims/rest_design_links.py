"""REST design, the links: levels of maturity, what a client must know, and links that go stale."""

from __future__ import annotations

from sim.claims.claiming import Evidence, Verdict, cite, claim
from sim.claims.measuring import SEEDS, between, span
from sim.experiment import compare
from sim.policies.http.hypermedia import check_hal, stale_share
from sim.scenarios.hypermedia import chatty_client, stale_links
from sim.services.maturity import KNOWLEDGE

_GUIDE = {
    "id": 101,
    "status": "pending",
    "_links": {
        "self": {"href": "/orders/101", "method": "GET"},
        "cancel": {"href": "/orders/101/cancel", "method": "POST"},
        "pay": {"href": "/orders/101/pay", "method": "PUT"},
    },
}


@claim(
    "Q-05.3",
    "Links are complexity without proportional benefit for most teams.",
    verdict=Verdict.ONLY_IF,
    why="Only while paths stay. Links cost a request a task; when paths move, who built them fails.",
)
def what_links_cost_and_what_they_save() -> Evidence:
    """Order, pay, look, and the paths change after 60 of 90 s, three seeds: three requests a task at level 2, four at
    level 3; failed tasks at level 2 more than a quarter, at level 3 under 2 %."""
    runs = compare(chatty_client(rate=3.0), ["level-2", "level-3"], seeds=SEEDS)
    requests, failed = {}, {}
    for name in runs.figures:
        requests[name] = runs.values(name, "requests per task")
        pairs = zip(runs.values(name, "tasks failed"), runs.values(name, "calls"), strict=True)
        failed[name] = [100 * one / calls for one, calls in pairs]
    facts = [KNOWLEDGE[level].facts for level in (2, 3)]
    return Evidence(
        f"requests {span(requests['level-2'])} and {span(requests['level-3'])}; failed {span(failed['level-2'])} % and "
        f"{span(failed['level-3'], '.1f')} %; facts to know {facts[0]} and {facts[1]}",
        "3 and 4; over 25 % and under 2 %",
        set(requests["level-2"]) == {3.0}
        and set(requests["level-3"]) == {4.0}
        and min(failed["level-2"]) > 25
        and max(failed["level-3"]) < 2,
    )


@claim(
    "Q-06.1",
    "Links spare the check: what is not offered cannot be called.",
    verdict=Verdict.ONLY_IF,
    why="Only if the server checks again. A link is true when written: μτ / (1 + μτ) of the clicks come too late.",
)
def links_go_stale_while_people_think() -> Evidence:
    """600 orders, three seeds, pages 30 s old: a change every 600 s makes 4.8 % of the clicks stale within 2.6 points,
    one every 60 s 33.3 % within 6; without the second look orders are paid and cancelled on every seed."""
    shares, both = [], []
    for change in (600.0, 60.0):
        world = stale_links(orders=600, change_every=change, opened_after=0.0, age=30.0)
        runs = compare(world, ["links", "links-unchecked"] if change == 600.0 else ["links"], seeds=SEEDS)
        shares.append([100 * share for share in runs.values("links", "stale share")])
        if change == 600.0:
            both = runs.values("links-unchecked", "paid and cancelled")
    first, second = (100 * stale_share(1 / change, 30.0) for change in (600.0, 60.0))
    return Evidence(
        f"stale {span(shares[0], '.1f')} % and {span(shares[1], '.1f')} %; unchecked, paid and cancelled {span(both)}",
        f"{first:.1f} % and {second:.1f} %",
        between(shares[0], first - 2.6, first + 2.6) and between(shares[1], second - 6, second + 6) and min(both) > 10,
    )


@claim(
    "Q-06.2",
    "A HAL link says its method.",
    verdict=Verdict.WRONG,
    why="A HAL link has no member called method; clients ignore it. HAL-FORMS has templates for it.",
    source="draft-kelly-json-hal-11 §5",
)
def the_guides_links_are_no_hal() -> Evidence:
    """The guide's document, checked link by link: a remark for each of the three; exact."""
    remarks = check_hal(_GUIDE)
    return Evidence(f"{len(remarks)} remarks for 3 links", "claimed: 0", len(remarks) == 3)


CITED = (
    cite(
        "Q-05.1",
        "Nine of ten REST APIs are at level 2.",
        verdict=Verdict.OPINION,
        why="Nobody has counted: the number comes without a source, and most APIs are not public.",
    ),
    cite(
        "Q-05.2",
        "Stripe is an example of level 2, with GET, POST, PUT and DELETE.",
        verdict=Verdict.WRONG,
        why="Its client library has no PUT and no PATCH at all: it creates and updates by POST.",
        source="stripe-python 16.1.0, methods counted: 0 put, 0 patch",
    ),
)
