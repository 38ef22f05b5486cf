"""A wrong clock and a firewall before a consumer."""

import pytest

from sim.flow import Reply, Step, Work
from sim.http import Request, Response
from sim.interleave import explore
from sim.policies.delivery import Fact, body
from sim.policies.webhooks.signing import StandardScheme
from sim.services.consumers import Consumer, NoInbox, PinnedSenders, RecordFirst, SkewedClock
from sim.store import MemoryStore

SCHEME = StandardScheme("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
PAID = body(
    Fact(id="evt_1", type="payment.succeeded", created=0.0, object={"id": "pay_1", "account": "ada", "amount": 5}),
    version="v",
)


def answer(service, request, now=1_000.0):
    flow, sent, reply = service(request, now), None, None
    while True:
        try:
            command = flow.send(sent)
        except StopIteration:
            return reply.status
        sent, reply = now, getattr(command, "response", reply)


def signed(peer="203.0.113.10", at=1_000.0):
    return Request(path="/webhooks", headers=SCHEME.sign(PAID, "evt_1", at), body=PAID, peer=peer)


def consumer():
    return Consumer(MemoryStore(), NoInbox(), scheme=SCHEME)


@pytest.mark.parametrize(("skew", "status"), [(0, 200), (299, 200), (302, 401), (-299, 200), (-302, 401)])
def test_a_clock_that_is_wrong_by_more_than_the_tolerance_refuses_everything(skew, status):
    """300 s either way."""
    assert answer(SkewedClock(consumer(), skew), signed()) == status


def test_the_wrong_clock_stays_wrong_while_it_works():
    """Every look at the clock, not the first alone, is off by the skew; what is yielded passes through unchanged."""
    seen = []

    def handler(request, now):
        seen.append(now)
        seen.append((yield Step("read")))
        seen.append((yield Work(2.0)))
        yield Reply(Response(200))

    flow = SkewedClock(handler, -100.0)(signed(), 1_000.0)
    commands = [next(flow), flow.send(1_000.5), flow.send(1_002.5)]
    with pytest.raises(StopIteration):
        flow.send(1_002.5)
    assert seen == [900.0, 900.5, 902.5]
    assert [type(command) for command in commands] == [Step, Work, Reply]


def test_a_handler_that_says_nothing_says_nothing_behind_a_wrong_clock():
    """An empty flow stays an empty flow."""

    def silent(request, now):
        yield from ()

    assert list(SkewedClock(silent, 5.0)(signed(), 0.0)) == []


def test_behind_either_door_the_explorer_sees_as_much():
    """A wrapped flow can be walked and crashed like a bare one: as many schedules, and the same event lost."""

    def lost(ending):
        acknowledged = any(reply is not None and reply.status == 200 for reply in ending.replies)
        return "lost" if acknowledged and not ending.effects else None

    def found(wrap):
        return explore(lambda: wrap(Consumer(MemoryStore(), RecordFirst())), [plain] * 2, lost, crashes=1)

    plain = Request(path="/webhooks", body=PAID, peer="203.0.113.10")
    bare = found(lambda it: it)
    assert bare.sentence == "lost"
    for wrap in (
        lambda service: SkewedClock(service, 60.0),
        lambda service: PinnedSenders(service, ["203.0.113.0/28"]),
    ):
        behind = found(wrap)
        assert (behind.schedules, behind.violating, behind.sentence) == (bare.schedules, bare.violating, bare.sentence)


@pytest.mark.parametrize("skew", [float("nan"), float("inf")])
def test_a_clock_that_shows_no_time_is_refused(skew):
    """One sentence."""
    with pytest.raises(ValueError, match="skew must be finite"):
        SkewedClock(consumer(), skew)


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
