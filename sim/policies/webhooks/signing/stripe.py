"""The guide's scheme, which is Stripe's: one header, `t=1700000000,v1=5257a8…`."""

from __future__ import annotations

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


@attrs.frozen
class StripeScheme:
    """Signs `timestamp.body` with HMAC-SHA256, written in hex.

    *secrets*: one or several texts, the newest first; it signs with all of them and accepts any, which is how a
    secret is rotated without losing a message.  The whole text is the key, its prefix "whsec_" included.
    *past*, *future*: seconds that the timestamp may lie behind and ahead of the receiver's clock.  Stripe's own
    libraries only look back; `future=inf` does as they do.  *header*: its name.

    What each attempt signs is the time of the *attempt*: with the time of the event, every retry that comes later
    than *past* would be rejected.  Source: docs.stripe.com/webhooks, "Verify webhook signatures manually".

    >>> scheme = StripeScheme("whsec_abc123xyz")
    >>> headers = scheme.sign(b'{"id":"evt_1","amount":2000}', "", 1_700_000_000)
    >>> headers["Stripe-Signature"]
    't=1700000000,v1=87c219e65a1ea15adda21a4957d7e22cc1fe1214d773cf0850a4185fc9945005'
    >>> scheme.verify(Request(headers=headers, body=b'{"id":"evt_1","amount":9000}'), 1_700_000_000)
    Rejected(reason='no signature in Stripe-Signature fits the body', replayed=False)
    """

    secrets: tuple[str, ...] = attrs.field(converter=one_or_more, validator=check_secrets, repr=False)
    past: float = knob(300.0, low=0, unit="s", help="how old a signature may be", kw_only=True)
    future: float = knob(300.0, low=0, infinite=True, unit="s", help="how far ahead it may be", kw_only=True)
    header: str = attrs.field(default="Stripe-Signature", kw_only=True)

    @property
    def window(self) -> float:
        """For how many seconds one message can verify: *past* + *future*."""
        return self.past + self.future

    def sign(self, body: bytes, message_id: str, now: float) -> dict[str, str]:
        """The header that goes with *body* when it is sent at *now*, with one `v1` for each secret.

        *message_id*: not used; this scheme has the id in the body.  Raises: `TypeError` when *body* is not bytes.
        """
        check_body(body)
        timestamp = int(now // 1)
        signed = _signed(timestamp, body)
        return {self.header: ",".join([f"t={timestamp}", *(f"v1={one}" for one in self._macs(signed))])}

    def verify(self, request: Request, now: float) -> Verdict:
        """Whether *request*, received at *now*, was signed with one of the secrets, at most *past* seconds ago."""
        check_body(request.body)
        value = request.header(self.header)
        if not value:
            return Rejected(f"there is no {self.header} header")
        if len(value) > HEADER_LIMIT:
            return Rejected(f"{self.header} is longer than {HEADER_LIMIT:,} characters")
        parts = [part.partition("=")[::2] for part in value.split(",")]
        times = [text for name, text in parts if name == "t"]
        timestamp = read_timestamp(times[0]) if len(times) == 1 else None
        if timestamp is None:
            return Rejected(f"{self.header} must hold one t=, the whole seconds since the epoch")
        signatures = [text for name, text in parts if name == "v1"]
        if not signatures:
            return Rejected(f"{self.header} holds no v1= signature")
        signed = _signed(timestamp, request.body)
        if not any_equal(self._macs(signed), signatures):
            return Rejected(f"no signature in {self.header} fits the body")
        return stale(timestamp, now, past=self.past, future=self.future) or Verified(timestamp, "", fingerprint(signed))

    def _macs(self, signed: bytes) -> list[str]:
        return [mac(secret.encode(), signed).hex() for secret in self.secrets]


def _signed(timestamp: int, body: bytes) -> bytes:
    return b"%d.%s" % (timestamp, body)
