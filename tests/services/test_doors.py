"""A wrong clock and a firewall before a consumer."""

import pytest

from sim.http import Request
from sim.policies.delivery import Fact, body
from sim.policies.webhooks.signing import StandardScheme
from sim.services.consumers import Consumer, NoInbox, PinnedSenders, SkewedClock
from sim.store import MemoryStore

SCHEME = StandardScheme("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
PAID = body(
    Fact(id="evt_1", type="payment.succeeded", created=0.0, object={"id": "pay_1", "account": "ada", "amount": 5}),
    version="v",
)


def answer(service, request, now=1_000.0):
    flow, reply = service(request, now), None
    for command in flow:
        reply = getattr(command, "response", reply)
    return reply.status


def signed(peer="203.0.113.10", at=1_000.0):
    return Request(path="/webhooks", headers=SCHEME.sign(PAID, "evt_1", at), body=PAID, peer=peer)


def consumer():
    return Consumer(MemoryStore(), NoInbox(), scheme=SCHEME)


@pytest.mark.parametrize(("skew", "status"), [(0, 200), (299, 200), (302, 401), (-299, 200), (-302, 401)])
def test_a_clock_that_is_wrong_by_more_than_the_tolerance_refuses_everything(skew, status):
    """300 s either way."""
    assert answer(SkewedClock(consumer(), skew), signed()) == status


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        ("203.0.113.10", 200), ("203.0.113.15", 200), ("203.0.113.16", 403), ("::ffff:203.0.113.10", 200),
        ("2001:db8::1", 403), ("", 403), ("203.0.113", 403), ("203.0.113.10 ", 403),
    ],
)  # fmt: skip
def test_only_known_addresses_get_in(peer, status):
    """A /28 of the sender's; what is no address is a stranger."""
    assert answer(PinnedSenders(consumer(), ["203.0.113.0/28"]), signed(peer)) == status


def test_a_known_address_does_not_prove_who_speaks():
    """Inside the sender's network, a forged message still fails at the signature."""
    forged = Request(path="/webhooks", body=PAID, peer="203.0.113.10")
    assert answer(PinnedSenders(consumer(), ["203.0.113.0/28"]), forged) == 401


def test_networks_that_are_none_are_refused():
    """One sentence."""
    with pytest.raises(ValueError, match="at least one network"):
        PinnedSenders(consumer(), [])
    with pytest.raises(ValueError, match="nonsense"):
        PinnedSenders(consumer(), ["nonsense"])


def test_a_death_is_passed_on():
    """What the dead process had not committed is undone behind either door."""
    store = MemoryStore()
    inner = Consumer(store, NoInbox())
    request = signed()
    assert store.begin(request) is not None
    PinnedSenders(SkewedClock(inner, 5.0), ["203.0.113.0/28"]).died(request)
    assert store.is_free()
