"""Clients of the catalogue: one that looks at what it gets, and many users with a cache each."""

from __future__ import annotations

from random import Random

import attrs

from sim.flow import CallFlow, Note, RetryRule, call_flow
from sim.http import Request, Response
from sim.policies.caching.compression import decode
from sim.policies.caching.private_cache import CachingClient
from sim.policies.client.retry import Retry


@attrs.frozen
class Shopper:
    """Asks under the rule *retry* and notes each body that was made for somebody else.

    The notes are "wrong body", with what is wrong with it as text, and "leak" when it names another customer.
    """

    retry: RetryRule = attrs.field(factory=Retry.never)

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """One call for *request*, and a look at the answer."""
        outcome = yield from call_flow(self.retry, None, None, now=now, rng=rng)
        if outcome.ok and outcome.response is not None:
            wrong = what_is_wrong(request, outcome.response)
            if wrong:
                yield Note("wrong body", wrong)
            if wrong == ANOTHER_CUSTOMER:
                yield Note("leak", wrong)
        return outcome


@attrs.define
class Browsers:
    """The users behind one host, each with a `CachingClient` of its own; the header *User* says whose call it is.

    The model deals its calls round to its clients, so that each comes as regularly as a clock.  Users who come at
    random are drawn by the story and live in here.  *retry*: the rule that each asks under.
    """

    retry: RetryRule = attrs.field(factory=Retry.never)
    _by_user: dict[str, CachingClient] = attrs.field(init=False, factory=dict, repr=False)

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """One call of the user whom *request* names."""
        user = self._by_user.setdefault(request.header("User") or "", CachingClient(self.retry))
        return user.converse(request, now, rng)


UNREADABLE, OTHER_VERSION, ANOTHER_CUSTOMER, NOT_MINE = (
    "in a coding that was not asked for",
    "in another version",
    "made for another customer",
    "not at the customer's own price",
)


def what_is_wrong(request: Request, response: Response) -> str:
    """What makes *response* the wrong product page for *request*, in words; "" when it is the right one.

    >>> what_is_wrong(Request("GET", "/products/7"), Response(200, body=b'{"price": {"amount": 1999}}'))
    'in another version'
    """
    coding = response.header("Content-Encoding")
    if coding is not None and coding not in (request.header("Accept-Encoding") or ""):
        return UNREADABLE
    try:
        page = Response(body=decode(response.body, coding)).json()
    except ValueError:
        return UNREADABLE
    scheme_and_name = (request.header("Authorization") or "").split()
    mine, theirs = scheme_and_name[-1] if scheme_and_name else None, page.get("customer")
    if theirs is not None and theirs != mine:
        return ANOTHER_CUSTOMER
    if isinstance(page["price"], dict) != (request.header("Accept-Version") == "2"):
        return OTHER_VERSION
    return NOT_MINE if theirs != mine else ""
