"""Idempotency: is this request new, in flight, to be answered from memory, or not the same request at all?

    no record, or an expired one        New         do it
    other method, path or body          Mismatch    422
    an answer is stored                 Replay      the same answer again, status included
    claimed, no answer, lease running   InFlight    409, and when to ask again
    claimed, no answer, lease over      New, dead   do it again: the one who claimed it seems to be dead

The table decides; it does not make anything safe.  Safety is in how the store is asked: between the reading of the
record and the writing of the claim nobody may come, and between the effect and the writing of the answer the process
may die.  `sim.services.payments` has the designs that get this right and those that do not.

Source: draft-ietf-httpapi-idempotency-key-header-07 §2.2 to §2.7.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from random import Random
from typing import Any, TypeAlias

import attrs

from sim.flow import RetryRule
from sim.http import Request, Response, read_json
from sim.knobs import knob
from sim.outcome import Outcome


@attrs.frozen
class Fingerprint:
    """What makes two requests the same request: method, path with query, and a hash of the body.

    *body*: SHA-256 of the bytes; for a JSON body, of its text with the members sorted and without white space, since
    a client may build its body anew for each attempt.  1 and 1.0 stay different (RFC 8785 would make them one).
    Headers do not count: a retry has another date and another trace id.
    """

    method: str
    path: str
    body: str

    @classmethod
    def of(cls, request: Request) -> Fingerprint:
        """The fingerprint of *request*.

        >>> one, two = Request(body=b'{"a": 1, "b": 2}'), Request(body=b'{"b":2,"a":1}')
        >>> Fingerprint.of(one) == Fingerprint.of(two)
        True
        """
        return cls(request.method, request.path, hashlib.sha256(_canonical(request.body)).hexdigest())

    def differs(self, other: Fingerprint) -> tuple[str, ...]:
        """What is different in *other*: any of "method", "path" and "body"."""
        mine, others = attrs.asdict(self), attrs.asdict(other)
        return tuple(name for name in mine if mine[name] != others[name])


@attrs.frozen
class Record:
    """What a store keeps under a key: who it was claimed for, when, and the answer once there is one.

    *claimed*: seconds; lease and retention count from it.  *response*: None while in flight.  *point*: how far the
    work has come, for designs that can resume ("" is: claimed and no more).
    """

    fingerprint: Fingerprint
    claimed: float
    response: Response | None = None
    point: str = ""

    def answered(self, response: Response) -> Record:
        """This record with its answer."""
        return attrs.evolve(self, response=response)

    def document(self) -> dict[str, Any]:
        """The record as a JSON document, for a `sim.store.Store`."""
        answer = self.response
        return {
            "fingerprint": attrs.asdict(self.fingerprint),
            "claimed": self.claimed,
            "response": None if answer is None else _document(answer),
            "point": self.point,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> Record | None:
        """The record that `document` made, None for None.

        >>> record = Record(Fingerprint("POST", "/payments", ""), 3.0, Response(201, body=b"paid"))
        >>> Record.of(record.document()) == record
        True
        """
        if document is None:
            return None
        answer = document["response"]
        return cls(
            Fingerprint(**document["fingerprint"]),
            document["claimed"],
            None if answer is None else _response(answer),
            document["point"],
        )


@attrs.frozen
class New:
    """Do it.  *replaces*: the record that the claim takes the place of, None when there is none.

    *dead*: that record is a claim whose lease is over, so its effect may have taken place already.  Without a way to
    find out (a recovery point, an idempotent provider), doing it again may do it twice.
    """

    replaces: Record | None = None
    dead: bool = False


@attrs.frozen
class InFlight:
    """A twin is being served: answer 409.  *retry_after*: seconds until it is worth asking again."""

    retry_after: float


@attrs.frozen
class Replay:
    """It has been done: give the stored *response* again."""

    response: Response


@attrs.frozen
class Mismatch:
    """The key was used for another request: answer 422.  *differs*: "method", "path", "body"."""

    differs: tuple[str, ...]


Decision: TypeAlias = New | InFlight | Replay | Mismatch


@attrs.frozen(kw_only=True)
class Idempotency:
    """The rules of a server: how long keys are kept and claims are believed.

    *lease*: a claim that is older than this without an answer counts as dead; inf believes it until it expires, so a
    process that dies locks its key, and 0 believes nobody.  A lease shorter than the slowest piece of work declares
    the living dead, and then the work is done twice.

    >>> rules, seen = Idempotency(lease=30.0), Fingerprint("POST", "/payments", "")
    >>> rules.begin(None, seen, now=0.0)
    New(replaces=None, dead=False)
    >>> rules.begin(Record(seen, claimed=0.0), seen, now=0.5)
    InFlight(retry_after=1.0)
    """

    retention: float = knob(86_400.0, above=0, infinite=True, unit="s", help="how long a key is remembered")
    lease: float = knob(60.0, low=0, infinite=True, unit="s", help="how long a claim without an answer is believed")
    poll: float = knob(1.0, above=0, high=3_600, unit="s", help="when the twin of a request in flight may ask again")

    def begin(self, record: Record | None, fingerprint: Fingerprint, now: float) -> Decision:
        """What to do with a request of this *fingerprint* when *record* is what its key has in the store."""
        if record is None or now >= record.claimed + self.retention:
            return New(record)
        if record.fingerprint != fingerprint:
            return Mismatch(record.fingerprint.differs(fingerprint))
        if record.response is not None:
            return Replay(record.response)
        left = record.claimed + self.lease - now
        return InFlight(min(self.poll, left)) if left > 0 else New(record, dead=True)

    def covers(self, retry: RetryRule, *, timeout: float, transit: float = 0.0) -> bool:
        """True when a key outlives the last retry: *retention* against `retry_horizon`.

        >>> from sim.policies import Retry, Table
        >>> three_days = Retry(Table([300.0, 6 * 3_600.0, 65 * 3_600.0]), attempts=4)
        >>> [Idempotency(retention=hours * 3_600.0).covers(three_days, timeout=5.0) for hours in (24, 48, 72)]
        [False, False, True]
        """
        return self.retention > retry_horizon(retry, timeout=timeout, transit=transit)


def scope(caller: str, request: Request, key: str) -> str:
    """Under what a record is kept: caller, method, path and key together, as unambiguous text.

    Without the caller, whoever guesses or repeats a key reads somebody else's answer (the draft's §5 asks for a
    composite key).

    >>> scope("ada", Request("POST", "/payments"), "k-1")
    '["ada","POST","/payments","k-1"]'
    """
    return json.dumps([caller, request.method, request.resource, key], separators=(",", ":"))


def retry_horizon(retry: RetryRule, *, timeout: float, transit: float = 0.0) -> float:
    """Seconds from a call's first attempt to the latest moment its last one can arrive.

    Every attempt runs into the *timeout* (seconds), and every draw of the backoff is its highest.  *transit*: the
    longest that a request can be on its way.  Waits that a server asks for are not in it.  inf for a rule that has
    not given up after 10,000 attempts.

    >>> from sim.policies import Fixed, Retry
    >>> retry_horizon(Retry(Fixed(10.0), attempts=3), timeout=5.0, transit=1.0)
    31.0
    """
    rng, sent, wait = _Highest(), 0.0, 0.0
    for attempt in range(1, _MANY + 1):
        # A call is judged when its attempt has timed out.
        answer = retry.wait(attempt, Outcome.timed_out(), sent + timeout, wait, rng)
        if answer is None:
            return sent + transit
        wait = answer
        sent += timeout + wait
    return math.inf


_MANY = 10_000


class _Highest(Random):
    """Chance at its worst: every draw is the highest there is."""

    def random(self) -> float:
        return math.nextafter(1.0, 0.0)

    def _randbelow(self, n: int) -> int:
        return n - 1


def _canonical(body: bytes) -> bytes:
    try:
        document = read_json(body)
    except ValueError:
        return body
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _document(response: Response) -> dict[str, Any]:
    # Latin-1 has a character for every byte, so any body comes back as it was.
    body = response.body.decode("latin-1")
    asked = response.retry_after
    return {"status": response.status, "retry_after": asked, "headers": dict(response.headers), "body": body}


def _response(document: Mapping[str, Any]) -> Response:
    body = document["body"].encode("latin-1")
    return Response(document["status"], document["retry_after"], document["headers"], body)
