"""Webhook security: what a signature proves, how it is compared, and how long it is good."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
from random import Random

from sim.claims.claiming import Evidence, Verdict, cite, claim
from sim.claims.measuring import between, on_seeds, span
from sim.http import Request
from sim.policies.delivery import NONE, guide_schedule, instants, new_secret
from sim.policies.webhooks.signing import (
    Rejected,
    StandardScheme,
    StripeScheme,
    Verified,
    full_equal,
    guess,
    naive_equal,
)
from sim.scenarios.webhook_flaws import expired_signatures
from sim.scenarios.webhook_rotation import secret_rotation
from sim.scenarios.webhook_security import forged_webhooks

SECRET, NOW = "whsec_abc123xyz", 1_700_000_000
BODY = b'{"id":"evt_1","amount":2000}'
VECTOR = "87c219e65a1ea15adda21a4957d7e22cc1fe1214d773cf0850a4185fc9945005"
"""What Stripe's own Python and JavaScript libraries sign *BODY* with; `tests/oracles` runs the first."""


@claim(
    "Q-21.1",
    "Sign the text timestamp.payload with HMAC-SHA256 and send t=…,v1=….",
    verdict=Verdict.HOLDS,
    why="It is Stripe's scheme bit for bit.",
    source="docs.stripe.com/webhooks, Verify webhook signatures manually",
)
def the_scheme_is_stripes() -> Evidence:
    """One message signed three ways: by the scheme, by the standard library, by Stripe's libraries; exact."""
    header = StripeScheme(SECRET).sign(BODY, "", NOW)["Stripe-Signature"]
    plain = hmac.new(SECRET.encode(), b"%d." % NOW + BODY, hashlib.sha256).hexdigest()
    return Evidence(
        header[:30] + "…", f"t={NOW},v1={VECTOR[:13]}…", header == f"t={NOW},v1={plain}" and plain == VECTOR
    )


@claim(
    "Q-21.2",
    "The receiver compares: computed == X-Signature.",
    verdict=Verdict.WRONG,
    why="Twice: the header holds more than the signature, and a comparison that stops at a difference gives it away.",
)
def a_comparison_that_stops_gives_the_signature_away() -> Evidence:
    """Five secrets.  computed == header is never true; by the steps of a naive comparison all 64 digits are found
    within 1,024 requests, by those of a full one none."""
    naive, full, equal = [], [], 0
    for seed in range(5):
        secret, body = f"whsec_{Random(seed).randbytes(12).hex()}", b'{"id":"evt_%d"}' % seed
        header = StripeScheme(secret).sign(body, "", NOW)["Stripe-Signature"]
        computed = header.partition("v1=")[2]
        equal += computed == header
        naive.append(guess(64, functools.partial(naive_equal, computed)))
        full.append(guess(64, functools.partial(full_equal, computed)))
    found = sum(one.text is not None and one.requests <= 1_024 for one in naive)
    leaked = sum(one.text is not None for one in full)
    return Evidence(
        f"header equal {equal} of 5; guessed {found} of 5, in {span([one.requests for one in naive])} requests",
        "claimed: equal 5, guessed 0",
        equal == 0 and found == 5 and leaked == 0,
    )


@claim(
    "Q-21.3",
    "What is signed is the payload's JSON.",
    verdict=Verdict.ONLY_IF,
    why="Only if that is the bytes off the wire: what was parsed and written anew says the same, and nobody signed it.",
)
def only_the_raw_bytes_verify() -> Evidence:
    """One message as it came, and parsed and written again: accepted, and refused; exact."""
    scheme = StripeScheme(SECRET)
    headers = scheme.sign(BODY, "", NOW)
    again = json.dumps(json.loads(BODY)).encode()
    raw, parsed = (scheme.verify(Request(headers=headers, body=body), NOW) for body in (BODY, again))
    return Evidence(
        f"raw: {_word(raw)}; written again ({len(again) - len(BODY)} blanks more): {_word(parsed)}",
        "accepted; refused",
        isinstance(raw, Verified) and isinstance(parsed, Rejected),
    )


@claim(
    "Q-21.4",
    "Refusing what is older than 300 s stops replays.",
    verdict=Verdict.ONLY_IF,
    why="Only late ones. Within 300 s the same message verifies again and again, so its id must be known too.",
    source="stripe 16.1.0 only looks back: a timestamp a day ahead passes",
)
def the_window_stops_late_replays_only() -> Evidence:
    """Captured messages sent again after 60 s and after an hour, three seeds.  Booked with the window alone: every one
    of the soon, none of the late; with an inbox none."""
    runs = on_seeds(forged_webhooks(), ["no-check", "signature+window", "signature+window+inbox"])
    every = runs.values("no-check", "replays booked soon")
    soon, late = (runs.values("signature+window", f"replays booked {when}") for when in ("soon", "late"))
    known = runs.values("signature+window+inbox", "replays booked soon")
    return Evidence(
        f"window: {span(soon)} soon, {span(late)} late; with an inbox {span(known)} soon",
        f"{span(every)} soon without any check",
        soon == every and min(soon) >= 50 and set(late) == set(known) == {0.0},
    )


@claim(
    "Q-21.6",
    "Accept two valid signatures while a secret is changed, and nothing is lost.",
    verdict=Verdict.HOLDS,
    why="The sender signs with both for a while. With a hard swap and a rule that drops a 401, those minutes are dead.",
)
def two_signatures_lose_nothing() -> Evidence:
    """The receiver changes 10 min after the sender, three seeds, a 401 is final.  Delivered: 100 %; with a hard swap
    10 of the 60 minutes are missing, within 2 points."""
    runs = on_seeds(secret_rotation(rate=0.3), ["sign-with-both+fast-fail", "hard-swap+fast-fail"])
    both, hard = (runs.values(name, "delivered, %") for name in runs.figures)
    return Evidence(
        f"both {span(both)} %, hard swap {span(hard, '.1f')} %",
        "100 % and 83.3 %",
        set(both) == {100.0} and between(hard, 81.3, 85.3),
    )


@claim(
    "Q-21.7",
    "The shared secret looks like whsec_abc123xyz.",
    verdict=Verdict.ONLY_IF,
    why="Only if both sides read it alike: Stripe's key is the whole text, Standard Webhooks decodes the rest of it.",
    source="Standard Webhooks 1.0.0, Signature scheme",
)
def one_secret_is_two_keys() -> Evidence:
    """One secret, one text: the signatures of both readings, on five secrets; none equal."""
    differ = 0
    for seed in range(5):
        secret = new_secret(Random(seed))
        headers = StandardScheme(secret).sign(BODY, "msg_1", NOW)
        text = f"msg_1.{NOW}.".encode() + BODY
        whole = hmac.new(secret.encode(), text, hashlib.sha256).digest()
        differ += headers["webhook-signature"] != "v1," + base64.b64encode(whole).decode()
    return Evidence(f"{differ} of 5 differ", "claimed: one key, 0 differ", differ == 5)


@claim(
    "X-16",
    "Refuse what was signed more than 300 s ago; and retry after 5 min, 30 min, 2 h.",
    verdict=Verdict.CONTRADICTION,
    why="Signed once, with the event's time, attempts 3 to 25 are refused. Each attempt must sign its own time.",
    source="Standard Webhooks 1.0.0 says that each attempt has its own timestamp",
)
def a_signature_of_the_event_dies_before_the_retries() -> Evidence:
    """One message signed at the first attempt verifies at 2 of the 25; exact.  An endpoint down for 20 min, three
    seeds: signed once, nothing is delivered; signed at each attempt, everything."""
    scheme = StandardScheme(new_secret(Random(0)))
    message = Request(headers=scheme.sign(BODY, "evt_1", NOW), body=BODY)
    at = instants(guide_schedule(jitter=NONE))
    good = sum(isinstance(scheme.verify(message, NOW + after), Verified) for after in at)
    runs = on_seeds(expired_signatures(rate=0.2), ["signed-once", "signed-each-attempt"])
    once, each = (runs.values(name, "delivered share") for name in runs.figures)
    return Evidence(
        f"verifies at {good} of {len(at)} attempts; delivered: signed once {span(once)}, each time {span(each)}",
        "claimed: 25 attempts; delivered 1 and 1",
        (good, len(at)) == (2, 25) and set(once) == {0.0} and set(each) == {1.0},
    )


OPINIONS = (
    cite(
        "Q-21.5",
        "A bad signature is answered with 401.",
        verdict=Verdict.OPINION,
        why="400 is as good, Stripe's samples have it. But a sender with the rule of Q-22.6 drops the event for a 401.",
    ),
)


def _word(verdict: Verified | Rejected) -> str:
    return "accepted" if isinstance(verdict, Verified) else "refused"
