"""What a client asks for: who it is, under which key, how much.  Everything is checked before a store is touched."""

from __future__ import annotations

import hashlib
from typing import Any

import attrs

from sim.http import BODY_LIMIT, Request, Response, read_json
from sim.policies.http.problem import FieldError, problem
from sim.policies.idempotency.key import HEADER, KeyFormat
from sim.policies.idempotency.rules import Fingerprint, scope

CURRENCIES = ("EUR", "GBP", "INR", "JPY", "USD")
LARGEST = 100_000_000
"""The largest amount, in the currency's smallest unit."""


@attrs.frozen
class Intent:
    """One payment that a caller wants to happen once.

    *request*: the request as it came; stores know the process that serves it by its identity.  *amount*: in the
    currency's smallest unit.
    """

    request: Request
    caller: str
    key: str
    amount: int
    currency: str

    @property
    def name(self) -> str:
        """What the ledger calls it: the key within its caller."""
        return f"{self.caller}/{self.key}"

    @property
    def scope(self) -> str:
        """Under what its record is kept."""
        return scope(self.caller, self.request, self.key)

    @property
    def fingerprint(self) -> Fingerprint:
        """What its request is recognised by."""
        return Fingerprint.of(self.request)


def read_intent(request: Request, keys: KeyFormat) -> Intent | Response:
    """The intent in *request*, or the answer that says what is wrong with it.

    401 without a credential, 400 without a proper key (the draft's §2.7) or body, 413 for a huge body; then every
    wrong field at once: 400 when one is missing or of the wrong type, 422 when all are there and one cannot be done.
    """
    caller = caller_of(request)
    if caller is None:
        return unauthenticated()
    try:
        key = keys.read(request.header(HEADER))
        if len(request.body) > BODY_LIMIT:
            return problem(413, f"the body must be at most {BODY_LIMIT:,} bytes, got {len(request.body):,}")
        document = read_json(request.body)
        if not isinstance(document, dict):
            raise ValueError('the body must be a JSON object, such as {"amount": 2000, "currency": "INR"}')
    except ValueError as error:  # written for the client: one sentence each
        return problem(400, str(error))
    wrong = _check_amount(document) | _check_currency(document)
    if wrong:
        status = 400 if any(found == 400 for found, _ in wrong.values()) else 422
        errors = [FieldError(pointer, detail) for pointer, (_, detail) in wrong.items()]
        return problem(status, "the payment cannot be made; see errors", errors=errors)
    return Intent(request, caller, key, document["amount"], document["currency"])


def caller_of(request: Request) -> str | None:
    """Who is calling, as a name that gives away no credential; None without one.

    Taken from `Authorization`, else from `X-Api-Key`.  Whether the credential is any good is for the layer in front
    to say; here it only tells callers apart.
    """
    credential = (request.header("Authorization") or request.header("X-Api-Key") or "").strip()
    if not credential:
        return None
    return hashlib.sha256(credential.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def unauthenticated() -> Response:
    """401, with what to authenticate with (RFC 9110 §11.6.1)."""
    return problem(401, "say who you are: Authorization or X-Api-Key", headers={"WWW-Authenticate": "Bearer"})


_Wrong = dict[str, tuple[int, str]]
"""From a JSON Pointer to the status that the mistake alone would have, and a sentence."""


def _check_amount(document: dict[str, Any]) -> _Wrong:
    amount = document.get("amount")
    if type(amount) is not int:  # True is an int to Python
        return {"/amount": (400, "must be a whole number of the currency's smallest unit")}
    if not 1 <= amount <= LARGEST:
        return {"/amount": (422, f"must be from 1 to {LARGEST:,}")}
    return {}


def _check_currency(document: dict[str, Any]) -> _Wrong:
    currency = document.get("currency")
    if not isinstance(currency, str):
        return {"/currency": (400, "must be a text of three letters")}
    if currency not in CURRENCIES:
        return {"/currency": (422, f"must be one of {', '.join(CURRENCIES)}")}
    return {}
