"""Which code, when: situations that the course's own services answer, each with the requests that lead to it.

What a service answers here is what it does, and no list of codes; whoever changes a service changes the quiz.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs

from sim.flow import Handler
from sim.http import Request, Response, json_body
from sim.policies.http.conditional import etag_of
from sim.policies.http.server_log import Guarded, ServerLog
from sim.policies.versions.deprecation import Lifecycle, Retirement
from sim.policies.versions.versioning import UriVersion
from sim.services.alone import serve
from sim.services.failing import FailingUsers
from sim.services.orders import Orders
from sim.services.payments import OneTransaction
from sim.services.profiles import IfMatch
from sim.services.profiles.document import representation
from sim.services.reports import Reports
from sim.services.shared_counter import SharedCounter, increment_first
from sim.services.users_batch import UsersBatch
from sim.services.vault.attacks import ATTACKS
from sim.services.vault.guarded import guarded_vault
from sim.services.versions.service import VERSIONS, VersionedUsers
from sim.store import MemoryStore, Store


@attrs.frozen
class Situation:
    """*words*: what is the case, for a person.  *make*: the service over an empty store.  *visits*: what is asked.

    The last visit's answer is the one that the question is about.  A visit is a request, or a request and an instant
    in seconds.
    """

    words: str
    make: Callable[[Store], Handler]
    visits: tuple[Request | tuple[float, Request], ...]

    def answer(self) -> Response:
        """What the service answers, in a world of its own."""
        service = self.make(MemoryStore())
        response = Response(500)
        for visit in self.visits:
            now, request = visit if isinstance(visit, tuple) else (0.0, visit)
            response = serve(service, request, now).response
        return response


def _request(method: str, path: str, document: Any = None, **headers: str) -> Request:
    """A request as Ada sends it; *headers*: with _ for -."""
    named = {"Authorization": "Bearer ada", **{name.replace("_", "-"): value for name, value in headers.items()}}
    body = document if isinstance(document, bytes) else b"" if document is None else json_body(document)
    return Request(method, path, headers={name: value for name, value in named.items() if value}, body=body)


_PAY = partial(_request, "POST", "/payments", Idempotency_Key='"k-1"')
_MONEY = {"amount": 2_000, "currency": "EUR"}
_ADA: dict[str, Any] = {"name": "Ada"}
_PUT = partial(_request, "PUT", "/profiles/ada", Content_Type="application/json")
_REPORT = _request("POST", "/reports", {"title": "Sales"}, Prefer="respond-async", Idempotency_Key='"k-1"')


def _batch(*items: dict[str, str], mode: str = "partial") -> Request:
    return _request("POST", "/users/batch", {"mode": mode, "items": list(items)})


def _row(number: int, name: str = "Ada") -> dict[str, str]:
    return {"clientId": str(number), "email": f"user{number}@example.com", "name": name}


def _ended(store: Store) -> VersionedUsers:
    over = Retirement(lifecycle=Lifecycle(deprecated=0.0, sunset=100.0, successor="/v2/users"))
    return VersionedUsers(store, UriVersion(VERSIONS), retirements={"1": over})


def _vault(store: Store) -> Handler:
    return guarded_vault(store=store).service


def _failing(store: Store) -> Handler:
    return Guarded(FailingUsers(store), ServerLog())


def _attacked(name: str) -> Request:
    """The first request of one of the vault's attacks."""
    attack = next(one for one in ATTACKS if one.name == name)
    step = next(attack.flow(0.0))
    assert isinstance(step, Request)
    return step


_MATCHES = str(etag_of(representation(_ADA)))

SITUATIONS: tuple[Situation, ...] = (
    Situation("A user is read who is there.", IfMatch,
              (_PUT(_ADA, If_None_Match="*"), _request("GET", "/profiles/ada"))),
    Situation("A POST has made a payment.", OneTransaction, (_PAY(_MONEY),)),
    Situation("A report is asked for that takes a minute to make, and the client does not want to wait.", Reports,
              (_REPORT,)),
    Situation("A profile is deleted, and there is nothing to show.", IfMatch,
              (_PUT(_ADA, If_None_Match="*"), _request("DELETE", "/profiles/ada", If_Match=_MATCHES))),
    Situation("A batch of users, row by row: one is new, one has no name.", UsersBatch,
              (_batch(_row(1), _row(2, name="")),)),
    Situation("A GET with If-None-Match, and nothing has changed.", IfMatch,
              (_PUT(_ADA, If_None_Match="*"), _request("GET", "/profiles/ada", If_None_Match=_MATCHES))),
    Situation("The body is no JSON.", OneTransaction, (_PAY(b'{"amount": '),)),
    Situation("A payment without the Idempotency-Key that the service requires.", OneTransaction,
              (_request("POST", "/payments", _MONEY),)),
    Situation("A payment without any credentials.", OneTransaction, (_PAY(_MONEY, Authorization=""),)),
    Situation("The token is valid, and does not have the scope for this.", _vault, (_attacked("missing scope"),)),
    Situation("Somebody else's private document, and not even its existence is their business.", _vault,
              (_attacked("another's document"),)),
    Situation("A method that this path does not have.", IfMatch, (_request("POST", "/profiles/ada", _ADA),)),
    Situation("An order is to be cancelled that is paid already.", Orders,
              (_request("POST", "/users/ada/orders", {"amount": 5}, Content_Type="application/json"),
               _request("PUT", "/users/ada/orders/1/payment", {}, Content_Type="application/json"),
               _request("PUT", "/users/ada/orders/1/cancellation", {}, Content_Type="application/json"))),
    Situation("Version 1 of the API ended yesterday.", _ended, ((200.0, _request("GET", "/v1/users/7")),)),
    Situation("A PUT with If-Match, and somebody has changed the profile since.", IfMatch,
              (_PUT(_ADA, If_None_Match="*"), _PUT({"name": "Eve"}, If_Match=_MATCHES),
               _PUT({"name": "Bob"}, If_Match=_MATCHES))),
    Situation("A batch of 1,001 rows, where a thousand are allowed.", UsersBatch,
              (_batch(*(_row(number) for number in range(1_001))),)),
    Situation("A profile is put as XML.", IfMatch,
              (_request("PUT", "/profiles/ada", b"<name>Ada</name>", Content_Type="application/xml"),)),
    Situation("The JSON is well formed, and the amount is negative.", OneTransaction,
              (_PAY({"amount": -5, "currency": "EUR"}),)),
    Situation("The same Idempotency-Key with another amount.", OneTransaction,
              (_PAY(_MONEY), _PAY({"amount": 9, "currency": "EUR"}))),
    Situation("A PUT over a profile that is there, without any condition, where the service demands one.", IfMatch,
              (_PUT(_ADA, If_None_Match="*"), _PUT({"name": "Eve"}))),
    Situation("The second call in a minute, where one is allowed.",
              lambda store: SharedCounter(store, increment_first, limit=1), (_request("GET", "/a"),) * 2),
    Situation("A bug, or a database that is down, that nobody foresaw.", _failing, (_request("GET", "/users/42"),)),
)  # fmt: skip
"""In the order of their codes."""
