"""Payments: what each design answers, to whom, and how often it charges when requests come one after the other."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Effect, Note, Reply, Step, Work
from sim.http import Request, json_body
from sim.policies.idempotency.key import STRICT
from sim.policies.idempotency.rules import Idempotency
from sim.services.payments import AtomicClaim, CheckThenAct, NoIdempotency, OneTransaction, Provider, RecoveryPoint
from sim.store import MemoryStore

DESIGNS = [NoIdempotency, CheckThenAct, AtomicClaim, OneTransaction, RecoveryPoint]
SOUND = [AtomicClaim, OneTransaction, RecoveryPoint]
KEY = "8e03978e-40d5"


def post(amount=2_000, *, key=KEY, caller="Bearer ada", body=None, **headers):
    """A request to pay."""
    given_ = {"Authorization": caller, "Idempotency-Key": key, **headers}
    body = json_body({"amount": amount, "currency": "INR"}) if body is None else body
    return Request("POST", "/payments", headers={k: v for k, v in given_.items() if v is not None}, body=body)


def get(path, caller="Bearer ada"):
    return Request("GET", path, headers={"Authorization": caller})


class Served:
    """A request on its way through a service, step by step."""

    def __init__(self, service, request, now=0.0):
        self.request, self.service, self.now = request, service, now
        self.flow = service(request, now)
        self.reply, self.effects, self.notes, self.steps = None, [], [], []

    def until(self, step=None):
        """Go on to the step of that name, or to the end."""
        answer = self.now if self.steps else None
        while True:
            try:
                command = self.flow.send(answer)
            except StopIteration:
                return self
            if isinstance(command, Work):
                self.now += command.seconds or 0.0
            elif isinstance(command, Effect):
                self.effects.append(command.key)
            elif isinstance(command, Reply):
                assert self.reply is None, "a request is answered once"
                self.reply = command.response
            elif isinstance(command, Note):
                self.notes.append(command.kind)
            elif isinstance(command, Step):
                assert command.when is None or command.when(), "nobody else holds the lock here"
                self.steps.append(command.name)
                if command.name == step:
                    return self
            answer = self.now

    def dies(self):
        """The process dies where it is."""
        self.flow.close()
        self.service.died(self.request)


def serve(service, request, now=0.0):
    """Serve one request to its end."""
    return Served(service, request, now).until()


@pytest.mark.parametrize("design", DESIGNS)
def test_a_payment_is_made_and_can_be_read(design):
    """201 with Location and the payment; GET gives the same document to its owner and 404 to everybody else."""
    service = design(MemoryStore(), seconds=0.3)
    made = serve(service, post())
    assert made.reply.status == 201
    assert made.now == 0.3
    assert len(made.effects) == 1
    payment = made.reply.json()
    assert {**payment, "id": ""} == {"id": "", "amount": 2_000, "currency": "INR", "status": "charged"}
    path = made.reply.header("Location")
    assert path == f"/payments/{payment['id']}"
    found = serve(service, get(path)).reply
    assert (found.status, found.json()) == (200, payment)
    assert serve(service, get(path, "Bearer bob")).reply.status == 404
    assert serve(service, get(path, "")).reply.status == 401


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("path", ["/payments/pay_0000000000000000_1", "/payments/x", "/payments/'--", "/payments/%00"])
def test_an_unknown_payment_is_not_found(design, path):
    """An id that was never given out is a 404, and the store is not asked for one that cannot exist."""
    served = serve(design(MemoryStore()), get(path))
    assert served.reply.status == 404
    assert served.reply.header("Content-Type") == "application/problem+json"


@pytest.mark.parametrize(
    ("request_", "status", "detail", "pointers"),
    [
        (post(caller=None), 401, "say who you are", []),
        (post(caller="   "), 401, "say who you are", []),
        (post(key=None), 400, "Idempotency-Key is required", []),
        (post(key="a b"), 400, "Idempotency-Key must be one string in quotes", []),
        (post(key="k" * 256), 400, "Idempotency-Key must have 1 to 255 characters", []),
        (post(body=b""), 400, "got no bytes", []),
        (post(body=b"\xff\xfe"), 400, "the body must be a JSON document", []),
        (post(body=b"[1]"), 400, "the body must be a JSON object", []),
        (post(body=b'{"amount":NaN,"currency":"INR"}'), 400, "NaN is not JSON", []),
        (post(body=b'{"amount":1,"amount":2,"currency":"INR"}'), 400, "member 'amount' comes twice", []),
        (post(body=b"[" * 100_000), 400, "nested too deeply", []),
        (post(body=b'"' + b"x" * 1_000_000 + b'"'), 413, "at most 1,000,000 bytes", []),
        (post(body=b"{}"), 400, "see errors", ["/amount", "/currency"]),
        (post(body=b'{"amount":"2000","currency":"INR"}'), 400, "see errors", ["/amount"]),
        (post(body=b'{"amount":20.0,"currency":"INR"}'), 400, "see errors", ["/amount"]),
        (post(body=b'{"amount":true,"currency":null}'), 400, "see errors", ["/amount", "/currency"]),
        (post(body=b'{"amount":true,"currency":"XXX"}'), 400, "see errors", ["/amount", "/currency"]),
        (post(body=b'{"amount":0,"currency":"XXX"}'), 422, "see errors", ["/amount", "/currency"]),
        (post(body=b'{"amount":-5,"currency":"INR"}'), 422, "see errors", ["/amount"]),
        (post(body=b'{"amount":100000001,"currency":"INR"}'), 422, "see errors", ["/amount"]),
        (post(body=b'{"amount":2000,"currency":"inr"}'), 422, "see errors", ["/currency"]),
    ],
)
def test_what_is_wrong_is_said_at_once_and_nothing_is_done(request_, status, detail, pointers):
    """Malformed is 400, impossible is 422, with every wrong field in one answer; no store is touched."""
    for design in SOUND:
        service = design(MemoryStore())
        before = service.store.snapshot()
        served = serve(service, request_)
        problem = served.reply.json()
        assert (served.reply.status, problem["status"]) == (status, status)
        assert detail in problem["detail"]
        assert [error["pointer"] for error in problem.get("errors", [])] == pointers
        assert served.effects == served.steps == []
        assert service.store.snapshot() == before


def test_a_rejected_request_does_not_use_up_its_key():
    """A request that was refused before it was claimed may be corrected and sent again under its key."""
    for design in SOUND:
        service = design(MemoryStore())
        assert serve(service, post(amount=0)).reply.status == 422
        assert serve(service, post()).reply.status == 201


@pytest.mark.parametrize(
    ("design", "statuses", "marks", "charges"),
    [
        (NoIdempotency, [201, 201, 201], [None, None, None], 3),
        (CheckThenAct, [201, 200, 200], [None, None, None], 1),
        (AtomicClaim, [201, 201, 201], [None, "true", "true"], 1),
        (OneTransaction, [201, 201, 201], [None, "true", "true"], 1),
        (RecoveryPoint, [201, 201, 201], [None, "true", "true"], 1),
    ],
)
def test_a_retry_after_the_end(design, statuses, marks, charges):
    """X-1: the guide's code answers 201 and then 200; the sound designs repeat the status and mark the replay."""
    service = design(MemoryStore(), seconds=0.1)
    served = [serve(service, post(), now) for now in (0.0, 5.0, 3_600.0)]
    assert [one.reply.status for one in served] == statuses
    assert [one.reply.header("idempotent-replayed") for one in served] == marks
    assert sum(len(one.effects) for one in served) == charges
    if charges == 1:
        assert all(one.reply.json() == served[0].reply.json() for one in served)
        assert served[1].now == 5.0, "a replay takes no work"


@pytest.mark.parametrize("design", SOUND)
def test_both_spellings_of_a_key_charge_once(design):
    """A retry that quotes its key is the same request as the first one that did not."""
    service = design(MemoryStore())
    assert serve(service, post()).effects
    retry = serve(service, post(key=f'"{KEY}"'))
    assert (retry.reply.status, retry.effects) == (201, [])


def test_a_strict_service_refuses_a_bare_key():
    """A service that takes the draft's form only answers 400 to the guide's own example."""
    service = AtomicClaim(MemoryStore(), keys=STRICT)
    assert serve(service, post(key="abc-123")).reply.status == 400
    assert serve(service, post(key='"abc-123"')).reply.status == 201


def test_another_amount_under_the_same_key():
    """Q-09.3: the guide answers the second payment with the first one's answer; the others say 422."""
    for design in SOUND:
        service = design(MemoryStore())
        serve(service, post(2_000))
        second = serve(service, post(4_000))
        assert second.reply.status == 422
        assert "its body differs" in second.reply.json()["detail"]
        assert second.effects == []
    guide = CheckThenAct(MemoryStore())
    serve(guide, post(2_000))
    assert serve(guide, post(4_000)).reply.json()["amount"] == 2_000


@pytest.mark.parametrize("design", SOUND)
def test_the_same_body_in_another_order_is_the_same_request(design):
    """A client that builds its body anew, with the members in another order, gets the replay and no 422."""
    service = design(MemoryStore())
    serve(service, post())
    again = serve(service, post(body=b' { "currency": "INR", "amount": 2000 }'))
    assert (again.reply.status, again.effects) == (201, [])


def test_two_callers_with_one_key():
    """Q-09.4: in the guide Bob reads Ada's answer and does not pay; with a scope both pay, and read their own."""
    for design in SOUND:
        service = design(MemoryStore())
        ada, bob = serve(service, post(2_000)), serve(service, post(3_000, caller="Bearer bob"))
        assert [ada.reply.json()["amount"], bob.reply.json()["amount"]] == [2_000, 3_000]
        assert len({*ada.effects, *bob.effects}) == 2
        assert serve(service, post(3_000, caller="Bearer bob")).reply.json() == bob.reply.json()
    guide = CheckThenAct(MemoryStore())
    ada, bob = serve(guide, post(2_000)), serve(guide, post(3_000, caller="Bearer bob"))
    assert bob.reply.json() == ada.reply.json()
    assert bob.effects == []


def test_an_api_key_names_a_caller_too():
    """X-Api-Key tells callers apart as Authorization does, and no credential is kept in the store."""
    service = AtomicClaim(MemoryStore())
    by_key = Request("POST", "/payments", headers={"x-api-key": "s3cret", "idempotency-key": KEY}, body=post().body)
    assert serve(service, by_key).reply.status == 201
    assert serve(service, post(caller="Bearer s3cret")).effects, "another credential is another caller"
    assert "s3cret" not in repr(service.store.snapshot())


@pytest.mark.parametrize("design", [AtomicClaim, RecoveryPoint])
def test_a_twin_in_flight_is_told_to_come_back(design):
    """While the first is being served its twin gets 409 with Retry-After; later it gets the answer."""
    service = design(MemoryStore(), seconds=0.3)
    first = Served(service, post()).until("claim the key")
    twin = serve(service, post(), now=0.1)
    assert twin.reply.status == 409
    assert twin.reply.wait(now=0.1) == 1.0
    assert twin.effects == []
    other = serve(service, post(9_000), now=0.1)
    assert other.reply.status == 422, "another request under a key in flight is no twin"
    first.until()
    assert serve(service, post(), now=1.1).reply.body == first.reply.body
    assert len(first.effects) == 1


def test_a_twin_waits_for_the_transaction():
    """In one transaction a twin does not get 409: it waits for the lock, finds the answer and replays it."""
    service = OneTransaction(MemoryStore(), seconds=0.3)
    first = Served(service, post()).until("write the charge")
    flow = service(post(), 0.1)
    commands = [next(flow), flow.send(0.1), flow.send(0.4)]
    assert [getattr(one, "name", None) for one in commands] == ["look the key up", None, "wait for the lock"]
    assert not commands[2].when()
    first.until()
    assert commands[2].when()
    rest = []
    try:
        while True:
            rest.append(flow.send(0.5))
    except StopIteration:
        pass
    assert not any(isinstance(one, Effect) for one in rest)
    assert rest[-1].response.status == 201
    assert len(first.effects) == 1


def crashed(design, step, **settings_):
    """A service whose first request died right after *step*."""
    service = design(MemoryStore(), seconds=0.3, **settings_)
    first = Served(service, post()).until(step)
    first.dies()
    return service, first


def test_a_crash_after_the_charge_and_the_guide():
    """Q-09.2: the process dies between the charge and the SETEX, the key is absent, and the retry charges again."""
    service, first = crashed(CheckThenAct, "charge the card")
    retry = serve(service, post(), now=3.0)
    assert len(first.effects + retry.effects) == 2
    assert retry.reply.json()["id"].endswith("_2")


def test_a_crash_after_the_charge_and_the_atomic_claim():
    """An atomic claim locks its key for the lease, and then charges again: a claim alone is not safe in a crash."""
    service, first = crashed(AtomicClaim, "charge the card", rules=Idempotency(lease=60.0))
    for now in (1.0, 30.0, 59.9):
        waiting = serve(service, post(), now)
        assert (waiting.reply.status, waiting.effects) == (409, [])
    again = serve(service, post(), now=60.0)
    assert again.reply.status == 201
    assert again.notes == ["claim taken over"]
    assert first.effects == again.effects, "the same intent, twice"


def test_a_crash_and_a_claim_that_is_believed_for_ever():
    """With an endless lease the crash locks the key until it expires: nobody pays twice, and nobody gets an answer."""
    service, _ = crashed(AtomicClaim, "charge the card", rules=Idempotency(lease=math.inf))
    assert serve(service, post(), now=86_399.0).reply.status == 409
    assert serve(service, post(), now=86_400.0).effects


def test_a_claim_slower_than_its_lease():
    """A process that is only slow counts as dead after the lease: both charge, and the slow one notes its loss."""
    service = AtomicClaim(MemoryStore(), seconds=0.3, rules=Idempotency(lease=10.0))
    slow = Served(service, post()).until("claim the key")
    quick = serve(service, post(), now=10.0)
    slow.now = 12.0
    slow.until()
    assert len(slow.effects + quick.effects) == 2
    assert slow.notes == ["claim lost"]


@pytest.mark.parametrize(
    "step", ["look the key up inside", "write the charge", "write the payment", "write the answer"]
)
def test_a_crash_before_the_commit_leaves_nothing(step):
    """In one transaction a crash before the commit is as if nothing had been asked; the retry charges once."""
    service, first = crashed(OneTransaction, step)
    assert first.effects == []
    assert service.store.is_free()
    assert service.store.rows("charges") == service.store.rows("keys") == service.store.rows("payments") == []
    retry = serve(service, post(), now=3.0)
    assert (retry.reply.status, len(retry.effects)) == (201, 1)


def test_a_crash_after_the_commit_is_replayed():
    """In one transaction a crash after the commit has charged and stored: the retry is answered, not charged."""
    service, first = crashed(OneTransaction, "commit")
    retry = serve(service, post(), now=3.0)
    assert (len(first.effects), retry.effects, retry.reply.status) == (1, [], 201)
    assert retry.reply.header("Idempotent-Replayed") == "true"


@pytest.mark.parametrize(
    ("step", "charged_before", "works_again"),
    [
        ("claim the key", 0, True),
        ("charge at the provider", 1, True),
        ("recovery point: charged", 1, False),
        ("write the payment", 1, False),
    ],
)
def test_a_retry_goes_on_from_the_recovery_point(step, charged_before, works_again):
    """Whoever takes a dead claim over goes on where it stopped; the provider is asked again only if it must be."""
    service, first = crashed(RecoveryPoint, step, rules=Idempotency(lease=60.0))
    assert len(first.effects) == charged_before
    assert serve(service, post(), now=59.0).reply.status == 409
    retry = serve(service, post(), now=60.0)
    assert retry.reply.status == 201
    assert len(first.effects + retry.effects) == 1
    assert (retry.now > 60.0) is works_again
    assert ("charge at the provider" in retry.steps) is works_again
    assert serve(service, post(), now=61.0).reply.body == retry.reply.body


def test_a_provider_charges_once_for_a_key():
    """The provider of the recovery design may have books of its own, and charges once for each key."""
    books = MemoryStore()
    service = RecoveryPoint(MemoryStore(), provider=Provider(books, seconds=0.2))
    serve(service, post())
    serve(service, post(key="another"))
    serve(service, post())
    assert len(books.rows("provider's charges")) == 2


def test_a_slow_claimant_leaves_the_answer_to_the_one_who_took_over():
    """Two processes on one recovery record: the provider charges once, one answers 201 and the slow one 409."""
    service = RecoveryPoint(MemoryStore(), seconds=0.3, rules=Idempotency(lease=10.0))
    slow = Served(service, post()).until("charge at the provider")
    quick = serve(service, post(), now=10.0)
    slow.until()
    assert (slow.reply.status, quick.reply.status) == (409, 201)
    assert len(slow.effects + quick.effects) == 1
    assert serve(service, post(), now=11.0).reply.body == quick.reply.body


@pytest.mark.parametrize(("design", "charges"), [(d, 2) for d in (CheckThenAct, AtomicClaim, OneTransaction)])
def test_an_expired_key_charges_again(design, charges):
    """X-15: a retry that comes after the key has expired is a new payment to the server."""
    service = design(MemoryStore(), rules=Idempotency(retention=86_400.0))
    first, last = serve(service, post()), serve(service, post(), now=86_399.0)
    assert len(first.effects + last.effects) == 1
    late = serve(service, post(), now=86_400.0)
    assert len(first.effects + late.effects) == charges
    assert late.reply.status == 201


def test_an_expired_key_at_an_idempotent_provider():
    """The derived key outlives ours: a late retry is not charged again, and another amount is a payment of its own."""
    service = RecoveryPoint(MemoryStore(), rules=Idempotency(retention=86_400.0))
    first, late = serve(service, post()), serve(service, post(), now=90_000.0)
    assert late.effects == []
    assert late.reply.json() == first.reply.json()
    other = serve(service, post(4_000), now=200_000.0)
    assert (other.reply.status, len(other.effects)) == (201, 1)
    assert other.reply.json()["id"] != first.reply.json()["id"]
    assert serve(service, get(first.reply.header("Location"))).reply.json()["amount"] == 2_000


def test_a_key_may_be_kept_for_ever():
    """A retention of inf never charges again, in every design that keeps keys."""
    for design in (CheckThenAct, *SOUND):
        service = design(MemoryStore(), rules=Idempotency(retention=math.inf))
        assert serve(service, post()).effects
        assert serve(service, post(), now=1e12).effects == []


def test_without_idempotency_no_key_is_needed():
    """The design that does not look at the key takes requests without one, and names them by the model's own key."""
    service = NoIdempotency(MemoryStore())
    bare = Request("POST", "/payments", "17", {"Authorization": "Bearer ada"}, post().body)
    assert serve(service, bare).effects[0].endswith("/17")
    assert serve(service, post(key="a b")).effects[0].endswith("/none")
    assert serve(service, post()).effects[0].endswith(f"/{KEY}")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("PUT", "/payments", 405), ("GET", "/payments", 405), ("POST", "/", 404), ("DELETE", "/payments/x", 405)],
)
def test_other_paths_and_methods(method, path, status):
    """Everything else is 404 or 405, as a problem document."""
    reply = serve(AtomicClaim(MemoryStore()), Request(method, path, headers={"Authorization": "a"})).reply
    assert (reply.status, reply.json()["status"]) == (status, status)


HEADERS = st.dictionaries(
    st.sampled_from(["Authorization", "x-api-key", "Idempotency-Key", "IDEMPOTENCY-KEY", "Content-Type"]),
    st.one_of(st.text(max_size=8), st.sampled_from(["Bearer ada", "k-1", '"k-1"', "k" * 300])),
)
BODIES = st.one_of(
    st.binary(max_size=40),
    st.builds(
        json_body,
        st.dictionaries(
            st.sampled_from(["amount", "currency", "x"]),
            st.none() | st.booleans() | st.integers(-1, 10) | st.floats(-1, 2) | st.sampled_from(["INR", "EUR", ""]),
        ),
    ),
    st.just(b'{"amount":2000,"currency":"INR"}'),
)
PATHS = st.sampled_from(["/payments", "/payments?x=1", "/payments/", "/payments/x", "/payments/%ff"]) | st.text(
    max_size=9
)


@pytest.mark.slow
@settings(max_examples=200)
@given(
    st.sampled_from(DESIGNS),
    st.lists(
        st.builds(
            Request, st.sampled_from(["POST", "GET", "HEAD", "post", ""]), PATHS, st.text(max_size=3), HEADERS, BODIES
        ),
        max_size=4,
    ),
)
def test_any_request_is_answered_and_charges_only_with_a_201(design, requests):
    """Whatever comes in, each request gets one answer; errors are problem documents, and only a 201 has charged."""
    service = design(MemoryStore(), rules=Idempotency(retention=10.0, lease=1.0))
    for number, request in enumerate(requests):
        before = service.store.snapshot()
        served = serve(service, request, now=4.0 * number)
        assert served.reply.status in {200, 201, 400, 401, 404, 405, 409, 422}
        assert service.store.is_free()
        if served.reply.status >= 400:
            assert served.reply.json()["status"] == served.reply.status
            assert served.effects == []
            assert service.store.snapshot() == before
        assert len(served.effects) <= (served.reply.status == 201)
