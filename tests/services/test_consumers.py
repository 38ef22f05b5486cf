"""The consumer's front: the right answer for everything that can arrive, and no effect before it is understood."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Effect, Reply
from sim.http import BODY_LIMIT, Request
from sim.policies.http.problem import MEDIA_TYPE
from sim.policies.webhooks.retention import DAY, GUIDE, Retention, required_retention
from sim.policies.webhooks.signing import ReplayGuard, StandardScheme, StripeScheme
from sim.services.consumers import (
    AcknowledgeFirst,
    CheckThenRecord,
    Consumer,
    DurableInbox,
    Event,
    OneTransaction,
    ProcessFirst,
    RecordFirst,
    event_body,
)
from sim.store import MemoryStore

INBOXES = [CheckThenRecord(), RecordFirst(), ProcessFirst(), AcknowledgeFirst(), OneTransaction(), DurableInbox()]
NAMES = [type(inbox).__name__ for inbox in INBOXES]
KEEPING = [RecordFirst, ProcessFirst, AcknowledgeFirst, OneTransaction, DurableInbox]
every_inbox = pytest.mark.parametrize("inbox", INBOXES, ids=NAMES)
NOW = 1_700_000_000.0


def event(ident="evt_1", amount=5, account="ada"):
    """A payment event."""
    return Event(ident, "payment.succeeded", 1_700_000_000, None, {"account": account, "amount": amount})


def webhook(body, **headers):
    """A delivery of *body*."""
    return Request(path="/webhooks", body=body, headers=headers)


def serve(service, request, now=NOW):
    """Run one request to its end: the answer, and the effects it had."""
    flow, answer, replies, effects = service(request, now), None, [], []
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
    assert len(replies) == 1, "a request is answered once"
    return replies[0], effects


def balance(service, account="ada"):
    """What the service itself says of an account, 0 when it knows none."""
    answer, _ = serve(service, Request("GET", f"/accounts/{account}"))
    return 0 if answer.status == 404 else answer.json()["balance"]


def refused(service, request, status, now=NOW):
    """The problem document of a request that must be refused without a trace."""
    before = service.store.snapshot()
    answer, effects = serve(service, request, now)
    assert answer.status == status, answer
    assert answer.header("Content-Type") == MEDIA_TYPE
    assert answer.json()["status"] == status
    assert effects == []
    assert service.store.snapshot() == before
    return answer


@every_inbox
def test_an_event_and_its_repetitions_are_booked_once_and_all_acknowledged(inbox):
    """Three deliveries one after the other: 200 each time, one effect."""
    service = Consumer(MemoryStore(), inbox)
    answers = [serve(service, webhook(event_body(event()))) for _ in range(3)]
    assert [answer.status for answer, _ in answers] == [200, 200, 200]
    assert [effects for _, effects in answers] == [["evt_1"], [], []]
    assert balance(service) == 5


@every_inbox
def test_different_events_add_up(inbox):
    """It is the id that makes a duplicate, not the content."""
    service = Consumer(MemoryStore(), inbox)
    for number in range(4):
        serve(service, webhook(event_body(event(f"evt_{number}"))))
    assert balance(service) == 20
    assert balance(service, "bob") == 0


@every_inbox
@pytest.mark.parametrize(
    ("body", "status", "pointers"),
    [
        (b"", 400, None),
        (b"\xff\xfe", 400, None),
        (b"{", 400, None),
        (b'{"id":"a","id":"b"}', 400, None),
        (b'{"created":NaN}', 400, None),
        (b"[" * 100_000, 400, None),
        (b"[]", 422, [""]),
        (b"null", 422, [""]),
        (b"{}", 422, ["/id", "/type", "/created", "/data/object"]),
        (b'{"id":7,"type":"","created":"now","sequence":0,"data":[]}', 422,
         ["/id", "/type", "/created", "/sequence", "/data/object"]),
        (b'{"id":"a b","type":"t","created":true,"data":{"object":{}}}', 422, ["/id", "/created"]),
        (b'{"id":"e","type":"t","created":-1,"data":{"object":{}}}', 422, ["/created"]),
        (b'{"id":"e","type":"t","created":1e300,"data":{"object":{}}}', 422, ["/created"]),
        (b'{"id":"e","type":"t","created":1,"sequence":true,"data":{"object":{}}}', 422, ["/sequence"]),
        (b'{"id":"e","type":"t","created":1,"data":{"object":{}}}', 422,
         ["/data/object/account", "/data/object/amount"]),
        (b'{"id":"e","type":"t","created":1,"data":{"object":{"account":"","amount":1.5}}}', 422,
         ["/data/object/account", "/data/object/amount"]),
        (b'{"id":"e","type":"t","created":1,"data":{"object":{"account":"ada","amount":0}}}', 422,
         ["/data/object/amount"]),
        (b'{"id":"e","type":"t","created":1,"data":{"object":{"account":"ada","amount":true}}}', 422,
         ["/data/object/amount"]),
        (b" " * (BODY_LIMIT + 1), 413, None),
    ],
    ids=range(19),
)  # fmt: skip
def test_bad_bodies_are_refused_without_a_trace(inbox, body, status, pointers):
    """400 for what is no JSON, 413 for too much, 422 with every wrong member at once; nothing is written."""
    answer = refused(Consumer(MemoryStore(), inbox), webhook(body), status)
    if pointers is not None:
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers


@pytest.mark.parametrize(
    "scheme", [StripeScheme("whsec_b2xk"), StandardScheme("whsec_b2xk")], ids=["stripe", "standard"]
)
@every_inbox
def test_only_signed_events_are_believed(scheme, inbox):
    """401 for a missing, wrong or old signature, before the body is parsed; 200 for a good one."""
    service, body = Consumer(MemoryStore(), inbox, scheme=scheme), event_body(event())
    good = scheme.sign(body, "evt_1", NOW)
    answer = refused(service, webhook(body), 401)
    assert answer.header("WWW-Authenticate") == "Webhook-Signature"
    refused(service, webhook(body + b" ", **good), 401)
    refused(service, webhook(b"no json", **good), 401)
    refused(service, webhook(body, **scheme.sign(body, "evt_1", NOW - 301)), 401)
    refused(service, webhook(body, **type(scheme)("whsec_bmV3").sign(body, "evt_1", NOW)), 401)
    refused(service, webhook(b"no json", **scheme.sign(b"no json", "evt_1", NOW)), 400)
    answer, effects = serve(service, webhook(body, **good))
    assert (answer.status, effects) == (200, ["evt_1"])


def test_a_huge_body_is_not_even_hashed():
    """413 comes before the signature: a stranger must not decide how much is hashed."""
    service = Consumer(MemoryStore(), OneTransaction(), scheme=StripeScheme("whsec_b2xk"))
    refused(service, webhook(b" " * (BODY_LIMIT + 1)), 413)


def test_a_replay_is_a_conflict_and_a_retry_is_not():
    """The same message twice is a 409, for the sender to come again with a new signature; a retry is a 200."""
    scheme = ReplayGuard(StandardScheme("whsec_b2xk"))
    service, body = Consumer(MemoryStore(), OneTransaction(), scheme=scheme), event_body(event())
    first = webhook(body, **scheme.sign(body, "evt_1", NOW))
    assert serve(service, first)[0].status == 200
    assert "received before" in refused(service, first, 409).json()["detail"]
    again = webhook(body, **scheme.sign(body, "evt_1", NOW + 30))
    assert serve(service, again, NOW + 30) == (serve(Consumer(MemoryStore(), OneTransaction()), again)[0], [])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/webhooks", 405),
        ("POST", "/", 404),
        ("POST", "/accounts/ada", 405),
        ("GET", "/accounts/nobody", 404),
        ("GET", "/accounts/%ff%00", 404),
    ],
)
def test_other_paths_are_told_so(method, path, status):
    """404 and 405 with a problem document."""
    refused(Consumer(MemoryStore(), DurableInbox()), Request(method, path), status)


@pytest.mark.parametrize("kind", KEEPING)
def test_72_hours_process_a_replay_again_and_the_right_retention_does_not(kind):
    """X-5: a dead letter replayed after 30 days is new to an inbox that keeps ids for the guide's 72 hours."""
    required = required_retention(retry_window=GUIDE, jitter=0.2, dead_letters=30 * DAY)
    booked = {}
    for name, retention in (("guide", Retention(GUIDE)), ("required", Retention(required)), ("ever", Retention())):
        service = Consumer(MemoryStore(), kind(retention))
        for now in (0.0, GUIDE, 30 * DAY):
            assert serve(service, webhook(event_body(event())), now)[0].status == 200
        booked[name] = balance(service)
    assert booked == {"guide": 10, "required": 5, "ever": 5}


@pytest.mark.parametrize("kind", KEEPING)
def test_an_id_processed_again_is_known_again(kind):
    """After the retention an id counts as new once, and is then kept for another retention."""
    service = Consumer(MemoryStore(), kind(Retention(10.0)))
    times = (0.0, 10.0, 10.5, 15.0, 20.5, 20.6)
    effects = [len(serve(service, webhook(event_body(event())), now)[1]) for now in times]
    assert effects == [1, 0, 1, 0, 0, 1]


@pytest.mark.parametrize("kind", [OneTransaction, DurableInbox])
def test_the_background_job_bounds_the_inbox(kind):
    """Swept once a day, a steady stream leaves no more rows than a retention and a day of it bring."""
    service = Consumer(MemoryStore(), kind(Retention(3 * DAY)))
    sizes = []
    for day in range(12):
        for number in range(5):
            serve(service, webhook(event_body(event(f"evt_{day}_{number}"))), day * DAY + number)
        assert serve(service, Request(path="/worker"), (day + 1) * DAY)[0].status == 204
        sizes.append(len(service.store.rows("inbox")))
    assert max(sizes) <= 4 * 5
    assert balance(service) == 12 * 5 * 5


@every_inbox
def test_the_background_job_does_no_harm(inbox):
    """With nothing to do it does nothing, whatever the inbox."""
    service = Consumer(MemoryStore(), inbox)
    serve(service, webhook(event_body(event())))
    before = service.store.snapshot()
    answer, effects = serve(service, Request(path="/worker"))
    assert (answer.status, effects) == (204, [])
    assert service.store.snapshot() == before


def test_the_background_job_drains_what_a_crash_left():
    """A process that dies after its 200 leaves the event in the queue; the job books it, once."""
    service = Consumer(MemoryStore(), DurableInbox())
    request = webhook(event_body(event()))
    flow, command = service(request, NOW), None
    while not isinstance(command, Reply):
        command = flow.send(None if command is None else NOW)
    flow.close()
    service.died(request)
    assert balance(service) == 0
    assert [serve(service, Request(path="/worker"))[1] for _ in range(2)] == [["evt_1"], []]
    assert balance(service) == 5


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "id": values | st.just("evt_1"),
        "type": values | st.just("t"),
        "created": values | st.just(1),
        "sequence": values,
        "data": values
        | st.fixed_dictionaries(
            {
                "object": values
                | st.fixed_dictionaries({"account": values | st.just("ada"), "amount": values | st.integers(0, 3)})
            }
        ),
    },
)


@pytest.mark.slow
@settings(max_examples=150)
@given(
    document=documents,
    raw=st.none() | st.binary(max_size=40),
    inbox=st.sampled_from(INBOXES),
    signed=st.booleans(),
    header=st.text(max_size=30),
)
def test_whatever_arrives_has_an_answer(document, raw, inbox, signed, header):
    """Any body and any signature: one answer, 200 with one effect or a problem with none; never an exception."""
    scheme = StripeScheme("whsec_b2xk") if signed else None
    service = Consumer(MemoryStore(), inbox, scheme=scheme)
    body = json.dumps(document).encode("utf-8", "replace") if raw is None else raw
    request = webhook(body, **{"Stripe-Signature": header} if signed else {})
    before = service.store.snapshot()
    answer, effects = serve(service, request)
    if answer.status == 200:
        assert not signed
        assert effects == [document["id"]]
        assert balance(service, document["data"]["object"]["account"]) == document["data"]["object"]["amount"]
    else:
        assert answer.status in (400, 401, 422)
        assert answer.json()["status"] == answer.status
        assert (effects, service.store.snapshot()) == ([], before)
