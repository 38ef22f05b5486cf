"""The projector: copies that stay right when webhooks overtake one another, and those that do not, in every order."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Effect, Note, Reply
from sim.http import BODY_LIMIT, Request
from sim.interleave import explore
from sim.policies.http.problem import MEDIA_TYPE
from sim.policies.webhooks.ordering import ArrivalOrder, HigherSequence, NewerTimestamp, NextSequence
from sim.policies.webhooks.signing import StripeScheme
from sim.services.consumers import FromPayload, GuardedRefetch, Projector, Refetch
from sim.store import MemoryStore

ARRIVAL, NEWER, HIGHER, NEXT = (
    FromPayload(rule) for rule in (ArrivalOrder(), NewerTimestamp(), HigherSequence(), NextSequence())
)
STRATEGIES = {
    "arrival": ARRIVAL, "newer": NEWER, "higher": HIGHER, "next": NEXT,
    "refetch": Refetch(), "guarded": GuardedRefetch(),
}  # fmt: skip
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES.keys())
ADVANCE = Request(path="/source/pay_1/advance")


def serve(service, request, now=0.0):
    """Run one request to its end: the answer, the effects and the notes."""
    flow, answer, replies, effects, notes = service(request, now), None, [], [], []
    while True:
        try:
            command = flow.send(answer)
        except StopIteration:
            break
        answer = now
        if isinstance(command, Reply):
            replies.append(command.response)
        elif isinstance(command, Effect):
            effects.append(command.key)
        elif isinstance(command, Note):
            notes.append((command.kind, command.text))
    assert len(replies) == 1
    return replies[0], effects, notes


def projector(strategy, **options):
    """A projector over fresh stores."""
    return Projector(MemoryStore(), MemoryStore(), strategy, **options)


def advance(service, now=0.0, payment="pay_1", body=b""):
    """Move a payment on at the source: the webhook that tells of it."""
    answer, _, _ = serve(service, Request(path=f"/source/{payment}/advance", body=body), now)
    assert answer.status == 200
    return Request(path="/webhooks", body=answer.body)


def copy(service, payment="pay_1"):
    return serve(service, Request("GET", f"/payments/{payment}"))[0].json()


def truth(service, payment="pay_1"):
    return serve(service, Request("GET", f"/source/{payment}"))[0].json()


@every_strategy
def test_in_order_every_copy_equals_the_source(strategy):
    """A payment that is told of step by step, each before the next."""
    service = projector(strategy)
    for now in range(6):
        assert serve(service, advance(service, float(now)), float(now))[0].status == 200
        assert copy(service) == truth(service)
    assert truth(service)["status"] == "refunded"


RIGHT = {
    "arrival": (False, True), "newer": (True, False), "higher": (True, False), "next": (True, True),
    "refetch": (True, True), "guarded": (True, True),
}  # fmt: skip


@pytest.mark.parametrize("name", STRATEGIES)
def test_what_every_order_of_three_events_leaves(name):
    """One after the other in all six orders: is the status always right, is the total?"""
    status = total = True
    for order in itertools.permutations(range(3)):
        service = projector(STRATEGIES[name])
        webhooks = [advance(service, now, body=b'{"delta":%d}' % 10 ** int(now)) for now in (0.0, 1.0, 2.0)]
        for number in order:
            assert serve(service, webhooks[number])[0].status == 200
        status &= copy(service)["status"] == truth(service)["status"]
        total &= copy(service)["total"] == truth(service)["total"]
    assert (status, total) == RIGHT[name]


def test_two_changes_in_one_second_leave_a_stale_status():
    """Q-24.1: stamps are whole seconds; the later change of the same second is dropped, and noted."""
    service = projector(NEWER)
    first, second = advance(service, 7.2), advance(service, 7.4)
    serve(service, first)
    _, effects, notes = serve(service, second)
    assert (effects, [kind for kind, _ in notes]) == ([], ["dropped"])
    assert (copy(service)["status"], truth(service)["status"]) == ("created", "authorised")


def test_a_gap_is_noted_and_a_full_waiting_room_asks_to_come_again():
    """HigherSequence counts what it passed over; NextSequence holds some back, then says 503 with Retry-After."""
    service = projector(HIGHER)
    webhooks = [advance(service) for _ in range(4)]
    assert ("gap", "pay_1: 2 missing before 3") in serve(service, webhooks[2])[2]
    service = projector(FromPayload(NextSequence(hold=1)))
    webhooks = [advance(service) for _ in range(4)]
    answers = [serve(service, webhooks[number])[0] for number in (3, 2, 0, 1)]
    assert [answer.status for answer in answers] == [200, 503, 200, 200]
    assert answers[1].retry_after == 1.0
    assert serve(service, webhooks[2])[0].status == 200
    assert copy(service) == truth(service)


def crosswise(strategy, **options):
    """Explore: a webhook; the payment moves on; a second webhook; the first may still be under way all the time."""

    def make():
        service = projector(strategy)
        service.told = advance(service)
        return service

    told = [advance(service) for service in [make()]]  # the event of the second change
    first = make().told
    return explore(make, [first, ADVANCE, *told], up_to_date, after={2: 1}, **options)


def up_to_date(ending):
    """The copy has seen what the source has, once all webhooks were answered."""
    seen, there = (store.get("payments", "pay_1") for store in (ending.service.store, ending.service.source))
    if seen["sequence"] == there["sequence"]:
        return None
    return f"the copy stays at version {seen['sequence']} of {there['sequence']}"


def test_naive_refetch_ends_stale():
    """Q-24.3: the first handler reads version 1, the second reads and writes 2, the first writes 1: for good."""
    found = crosswise(Refetch())
    assert found.complete
    assert found.sentence == "the copy stays at version 1 of 2"
    steps = [(moment.request, moment.what) for moment in found.path if moment.kind == "step"]
    fetches = [request for request, what in steps if what == "fetch from the source"]
    writes = [request for request, what in steps if what == "write the projection"]
    assert (fetches, writes) == ([0, 2], [2, 0])


@pytest.mark.parametrize("strategy", [GuardedRefetch(), HIGHER, NEXT], ids=["guarded", "higher", "next"])
def test_a_version_guard_never_ends_stale(strategy):
    """Compare-and-set on the version, whether from the source or from the event: no order leaves the old state."""
    found = crosswise(strategy)
    assert found.ok, str(found)


def test_arrival_order_ends_stale():
    """The plain case, for comparison: the earlier event may be the last to be written."""
    assert crosswise(ARRIVAL).sentence == "the copy stays at version 1 of 2"


def test_a_lagging_replica_fools_the_naive_and_is_found_out_by_the_event():
    """Q-24.3: no guard at the writing end knows that the source it read lags behind; the event's sequence does."""
    for strategy, status in ((Refetch(), 200), (GuardedRefetch(), 503)):
        replica = MemoryStore()
        service = projector(strategy, replica=replica)
        serve(service, advance(service))
        replica.put("payments", "pay_1", service.source.get("payments", "pay_1"))
        webhook = advance(service)
        answer, _, _ = serve(service, webhook)
        assert answer.status == status
        replica.put("payments", "pay_1", service.source.get("payments", "pay_1"))
        if status == 503:
            assert answer.retry_after == 1.0
            assert serve(service, webhook)[0].status == 200
            assert copy(service) == truth(service)
        else:
            assert copy(service)["sequence"] < truth(service)["sequence"]


def test_a_refetch_of_something_unknown_changes_nothing():
    """The naive one lets it go; the guarded one asks to come again: the source may lag."""
    body = json.dumps({
        "id": "e", "type": "t", "created": 1, "sequence": 1, "data": {"object": {"id": "pay_9", "status": "created"}},
    }).encode()  # fmt: skip
    for strategy, status in ((Refetch(), 200), (GuardedRefetch(), 503)):
        service = projector(strategy)
        answer, effects, _ = serve(service, Request(path="/webhooks", body=body))
        assert (answer.status, effects, service.store.rows("payments")) == (status, [], [])


def test_two_advances_at_once_are_two_changes():
    """The source itself counts every change, whatever the order."""

    def both(ending):
        number = ending.service.source.get("payments", "pay_1")["sequence"]
        ids = {reply.json()["id"] for reply in ending.replies}
        return None if number == 2 and len(ids) == 2 else f"the source is at {number} and told {sorted(ids)}"

    assert explore(lambda: projector(HIGHER), [ADVANCE, ADVANCE], both).ok


def refused(service, request, status):
    """The problem document of a request that must leave no trace."""
    before = service.store.snapshot(), service.source.snapshot()
    answer, effects, _ = serve(service, request)
    assert answer.status == status, answer
    assert answer.header("Content-Type") == MEDIA_TYPE
    assert effects == []
    assert (service.store.snapshot(), service.source.snapshot()) == before
    return answer


@every_strategy
@pytest.mark.parametrize(
    ("body", "status", "pointers"),
    [
        (b"", 400, None),
        (b"{", 400, None),
        (b" " * (BODY_LIMIT + 1), 413, None),
        (b'{"id":"e","type":"t","created":1,"data":{"object":{}}}', 422,
         ["/sequence", "/data/object/id", "/data/object/status"]),
        (b'{"id":"e","type":"t","created":1,"sequence":1,"data":{"object":{"id":"p","status":"s","delta":1.5}}}', 422,
         ["/data/object/delta"]),
    ],
    ids=range(5),
)  # fmt: skip
def test_bad_events_are_refused_without_a_trace(strategy, body, status, pointers):
    """As in the other consumer; and an order needs a sequence."""
    answer = refused(projector(strategy), Request(path="/webhooks", body=body), status)
    if pointers is not None:
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers


def test_a_bad_signature_is_a_401():
    """The projector believes no stranger either."""
    scheme = StripeScheme("whsec_b2xk")
    service = projector(HIGHER, scheme=scheme)
    webhook = advance(service)
    refused(service, webhook, 401)
    signed = Request(path="/webhooks", body=webhook.body, headers=scheme.sign(webhook.body, "", 0.0))
    assert serve(service, signed)[0].status == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/source/pay_1/advance", b"{", 400),
        ("/source/pay_1/advance", b" " * (BODY_LIMIT + 1), 413),
        ("/source/pay_1/advance", b"[]", 422),
        ("/source/pay_1/advance", b'{"delta":"5"}', 422),
        ("/source/pay_1/advance", b'{"delta":true}', 422),
        ("/source/%20/advance", b"", 404),
        ("/source/advance", b"", 405),
    ],
)
def test_a_bad_change_of_the_source_is_refused_without_a_trace(path, body, status):
    """Its own endpoint is as strict."""
    refused(projector(HIGHER), Request(path=path, body=body), status)


@pytest.mark.parametrize("path", ["/payments/pay_1", "/source/pay_1", "/webhooks/x"])
def test_what_is_not_there_is_a_404(path):
    """Both sides say so with a problem document."""
    refused(projector(HIGHER), Request("GET", path), 404)


pieces = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=5)


@pytest.mark.slow
@settings(max_examples=150)
@given(
    strategy=st.sampled_from(list(STRATEGIES.values())),
    events=st.lists(
        st.fixed_dictionaries(
            {"id": st.just("e") | pieces, "type": st.just("t"), "created": st.integers(0, 3) | pieces},
            optional={
                "sequence": st.integers(1, 3) | pieces,
                "data": st.fixed_dictionaries(
                    {
                        "object": st.fixed_dictionaries(
                            {"id": st.just("pay_1") | pieces, "status": st.just("s") | pieces},
                            optional={"delta": st.integers(-2, 2) | pieces},
                        )
                    }
                ),
            },
        ),
        max_size=4,
    ),
    raw=st.binary(max_size=20),
)
def test_whatever_arrives_has_an_answer(strategy, events, raw):
    """Any events in any order: a 200, or a problem that left no trace; never an exception."""
    service = projector(strategy)
    for _ in range(2):
        advance(service)
    for body in (*(json.dumps(event).encode() for event in events), raw):
        before = service.store.snapshot()
        answer, effects, _ = serve(service, Request(path="/webhooks", body=body))
        assert answer.status in (200, 400, 422, 503)
        if answer.status != 200:
            assert answer.json()["status"] == answer.status
            assert (effects, service.store.snapshot()) == ([], before)
