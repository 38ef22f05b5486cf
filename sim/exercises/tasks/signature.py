"""09-signature: who sent this, and when?"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from random import Random

from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check
from sim.policies.delivery import new_secret
from sim.policies.webhooks.signing import StandardScheme

PLACE = 3
NOW = 1_700_000_000.0
BODY = b'{"type": "invoice.paid",  "amount": 20.0, "customer": "Zo\\u00eb"}'
STORY = """
A webhook arrives. Was it sent by the one who knows the secret, just now, and not changed on the way?

`verify(secret, headers, body, now)` returns True or False and never raises. *secret* are the bytes of the key,
*body* the raw bytes, *headers* a dict with `webhook-id`, `webhook-timestamp` (seconds since the epoch, as text) and
`webhook-signature`: one or more signatures, separated by blanks, each `v1,` and the base64 of the HMAC-SHA256 over
`id.timestamp.body`. What is more than 300 s away from *now*, in either direction, is refused. (This is Standard
Webhooks.)
"""
STUB = """
import base64
import hashlib
import hmac


def verify(secret, headers, body, now):
    raise NotImplementedError("return True for a webhook that is genuine and fresh, else False")
"""


class _Sent:
    """Signed messages of a seed, and the raw key."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        secret = new_secret(self.rng)
        self.scheme, self.key = StandardScheme(secret), _raw(secret)

    def headers(self, body: bytes = BODY, at: float = NOW, message: str = "msg_1") -> dict[str, str]:
        return {name.lower(): value for name, value in self.scheme.sign(body, message, at).items()}


def _raw(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"))


def _says(
    answer: Answer, sent: _Sent, headers: Mapping[str, str], right: bool, why: str, body: bytes = BODY, now: float = NOW
) -> None:
    told = answer.make(sent.key, dict(headers), body, now)
    if told is not right:
        raise Failed(f"it said {told!r} and not {right}: {why}"[:300])


@check("takes what is genuine", seeds=2)
def genuine(answer: Answer, seed: int) -> str:
    """Bodies as they came, compact or not."""
    sent = _Sent(seed)
    for body in (BODY, json.dumps(json.loads(BODY)).encode(), b"", b"\xff\x00 not text"):
        _says(
            answer, sent, sent.headers(body), True,
            "it is genuine; what is signed is id.timestamp.body, and the body as its raw bytes", body=body,
        )  # fmt: skip
    return ""


@check("refuses what was changed", points=2, seeds=2)
def changed(answer: Answer, seed: int) -> str:
    """Another body, id, time or key."""
    sent, other = _Sent(seed), _Sent(seed + 1_000)
    headers = sent.headers()
    _says(answer, sent, headers, False, "the body was changed on the way", body=BODY.replace(b"20.0", b"90.0"))
    _says(answer, sent, headers, False, "the body was changed, if only by a blank", body=BODY.replace(b",  ", b", "))
    _says(answer, sent, headers | {"webhook-id": "msg_2"}, False, "the id was changed, and it is signed as well")
    later = headers | {"webhook-timestamp": str(int(NOW) + 1)}
    _says(answer, sent, later, False, "the timestamp was changed, and it is signed as well")
    _says(answer, sent, other.headers(), False, "it was signed with another secret")
    return ""


@check("refuses what is old, and what is from the future")
def window(answer: Answer, seed: int) -> str:
    """300 s either way."""
    sent = _Sent(seed)
    for seconds, right in ((-290.0, True), (290.0, True), (-310.0, False), (310.0, False)):
        when = "old" if seconds < 0 else "from the future"
        _says(
            answer, sent, sent.headers(at=NOW + seconds), right,
            f"it was signed {abs(seconds):g} s {'ago' if seconds < 0 else 'ahead'}; what is {when} by more than 300 s "
            "is refused, and the rest is not",
        )  # fmt: skip
    return ""


@check("knows a message that is signed with two secrets")
def two(answer: Answer, seed: int) -> str:
    """While a secret is changed."""
    sent, other = _Sent(seed), _Sent(seed + 1_000)
    mine, theirs = sent.headers()["webhook-signature"], other.headers()["webhook-signature"]
    for both in (f"{theirs} {mine}", f"{mine} {theirs}", f"v1a,abc {mine}"):
        _says(
            answer, sent, sent.headers() | {"webhook-signature": both}, True,
            "one of its signatures is ours; a secret is changed by signing with both for a while",
        )  # fmt: skip
    _says(
        answer, sent, sent.headers() | {"webhook-signature": mine.removeprefix("v1,")}, False,
        "a signature without its version is none",
    )  # fmt: skip
    return ""


@check("does not stumble over nonsense")
def nonsense(answer: Answer, seed: int) -> str:
    """Missing headers, no numbers, no base64."""
    sent = _Sent(seed)
    whole = sent.headers()
    cases: list[dict[str, str]] = [{}, *({k: v for k, v in whole.items() if k != left} for left in whole)]
    cases += [whole | {"webhook-timestamp": text} for text in ("", "soon", "nan", "1e999")]
    cases += [whole | {"webhook-signature": text} for text in ("", "v1", "v1,", "v1,????", "v1,ä", " , ,")]
    for headers in cases:
        _says(answer, sent, headers, False, f"the headers are {headers}; what cannot be read is not genuine")
    return ""


EXERCISE = Exercise(
    id="09-signature",
    title="A webhook's signature",
    kind=Kind.IMPLEMENT,
    answer="verify",
    story=STORY,
    stub=STUB,
    hints=(
        "Sign what came, byte by byte, and compare with what is in the header.",
        "The text that is signed is f'{id}.{timestamp}.'.encode() + body; compare with hmac.compare_digest, as bytes.",
        "float('nan') compares false with everything: ask abs(now - at) <= 300 and refuse otherwise.",
    ),
    lesson="09b_webhook_security.ipynb",
    checks=(genuine, changed, window, two, nonsense),
)
