"""Standard Webhooks: three headers, and the message's id is signed too."""

from __future__ import annotations

import base64
import binascii
import re

import attrs

from sim.http import Request
from sim.knobs import knob
from sim.policies.webhooks.signing.scheme import (
    HEADER_LIMIT,
    Rejected,
    Verdict,
    Verified,
    any_equal,
    check_body,
    check_secrets,
    fingerprint,
    mac,
    one_or_more,
    read_timestamp,
    stale,
)

_PREFIX = "whsec_"


@attrs.frozen
class StandardScheme:
    """Signs `id.timestamp.body` with HMAC-SHA256, written in base64.

    *secrets*: one or several texts, the newest first; it signs with all of them and accepts any.  What follows the
    prefix "whsec_" is base64, and the decoded bytes are the key: used as it stands, the same secret gives another
    signature (and that is `StripeScheme`'s).  *past*, *future*: seconds that the timestamp may lie behind and ahead
    of the receiver's clock.

    An id holds no full stop: with one, `a.1.2` could be read as the id `a` or as the id `a.1`.

    Source: Standard Webhooks 1.0.0, "Signature scheme" and "Webhook headers".

    >>> scheme = StandardScheme("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    >>> headers = scheme.sign(b'{"test": 2432232314}', "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330)
    >>> headers["webhook-signature"]
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    >>> scheme.verify(Request(headers=headers, body=b'{"test": 2432232314}'), 1614265330 + 301)
    Rejected(reason="the signature's timestamp is more than 300 s old", replayed=False)
    """

    secrets: tuple[str, ...] = attrs.field(converter=one_or_more, validator=check_secrets, repr=False)
    past: float = knob(300.0, low=0, unit="s", help="how old a signature may be", kw_only=True)
    future: float = knob(300.0, low=0, infinite=True, unit="s", help="how far ahead it may be", kw_only=True)

    @secrets.validator
    def _check(self, attribute: object, value: tuple[str, ...]) -> None:
        for secret in value:
            _key(secret)

    @property
    def window(self) -> float:
        """For how many seconds one message can verify: *past* + *future*."""
        return self.past + self.future

    def sign(self, body: bytes, message_id: str, now: float) -> dict[str, str]:
        """The headers that go with *body* when it is sent at *now*, with one signature for each secret.

        *message_id*: the same for every attempt of one event.

        Raises: `TypeError` when *body* is not bytes, `ValueError` when the id is not 1 to 255 visible ASCII
        characters without a full stop.
        """
        check_body(body)
        if not _is_id(message_id):
            raise ValueError(f"message_id must be 1 to 255 visible ASCII characters without '.', got {message_id!r}")
        timestamp = int(now // 1)
        signed = _signed(message_id, timestamp, body)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(f"v1,{one}" for one in self._macs(signed)),
        }

    def verify(self, request: Request, now: float) -> Verdict:
        """Whether *request*, received at *now*, was signed with one of the secrets, at most *past* seconds ago."""
        check_body(request.body)
        message_id = request.header("webhook-id")
        stamp = request.header("webhook-timestamp")
        value = request.header("webhook-signature")
        if not message_id or not stamp or not value:
            return Rejected("webhook-id, webhook-timestamp and webhook-signature must all be there")
        if not _is_id(message_id):
            return Rejected("webhook-id must be 1 to 255 visible ASCII characters without '.'")
        timestamp = read_timestamp(stamp)
        if timestamp is None:
            return Rejected("webhook-timestamp must be the whole seconds since the epoch")
        if len(value) > HEADER_LIMIT:
            return Rejected(f"webhook-signature is longer than {HEADER_LIMIT:,} characters")
        # "v1a", the asymmetric signature, may stand beside ours; what is not v1 is passed over.
        signatures = [one[3:] for one in value.split(" ") if one.startswith("v1,")]
        if not signatures:
            return Rejected("webhook-signature holds no v1 signature")
        signed = _signed(message_id, timestamp, request.body)
        if not any_equal(self._macs(signed), signatures):
            return Rejected("no signature in webhook-signature fits the body")
        return stale(timestamp, now, past=self.past, future=self.future) or Verified(
            timestamp, message_id, fingerprint(signed)
        )

    def _macs(self, signed: bytes) -> list[str]:
        return [base64.b64encode(mac(_key(secret), signed)).decode() for secret in self.secrets]


def _signed(message_id: str, timestamp: int, body: bytes) -> bytes:
    return b"%s.%d.%s" % (message_id.encode(), timestamp, body)


def _is_id(text: str) -> bool:
    return isinstance(text, str) and re.fullmatch(r"[!-\-/-~]{1,255}", text) is not None


def _key(secret: str) -> bytes:
    text = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError("a secret must be base64, with or without whsec_ before it, and at least one byte long")
    return key
